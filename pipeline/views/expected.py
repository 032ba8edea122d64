"""What a run will take, before ingest has counted its problems: by the rows of its files and the first of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from hipo_data.figures.plural import counted
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.config import OpenAIEngine, RecordedEngine, RoleConfig, RolloutsEngine, RunConfig
from hipo_data.stages.ingest.none_accepted import FirstLook
from hipo_data.stages.ingest.origins import files_of
from hipo_data.stages.ingest.reading.row_count import count_rows
from hipo_data.stages.select.select import modes_at_most


@dataclass(frozen=True)
class Expected:
    """Counts before duplicates are merged."""

    rows: int
    exact: bool
    """Whether all rows were counted, rather than those of the first part of a large file."""
    share: float
    """Of the rows that were looked at, those that can be problems."""
    problems: int
    requests: int
    tokens_at_most: int
    """Of responses, without recorded ones, which keep to no limit; those of prompts come on top."""
    cost_at_most: dict[str, float]
    """By currency, of engines that say their price."""
    on_hub: int
    """Sources that are not counted, because a plan fetches nothing."""

    @property
    def in_words(self) -> str:
        """A sentence."""
        about = "" if self.exact else "about "
        costs = "".join(f", at most {cost:,.2f} {currency}" for currency, cost in self.cost_at_most.items())
        hub = f"; {counted(self.on_hub, 'source')} on the Hub not counted" if self.on_hub else ""
        tokens = f" and {self.tokens_at_most:,} tokens of responses at most" if self.tokens_at_most else ""
        return (
            f"Expected: {about}{counted(self.rows, 'row')}; {100 * self.share:.0f} % of those looked at can be "
            f"problems, so about {counted(self.problems, 'problem')}, {counted(self.requests, 'request')} at most"
            f"{tokens}{costs}{hub}."
        )


def expected(config: RunConfig, looks: Sequence[FirstLook | None]) -> Expected | None:
    """What is expected by the local sources of a recipe; null where none of them has a row.

    Args:
        config: of the run.
        looks: what the first rows of each source say; null where it is on the Hub.
    """
    rows, taken, exact = 0, 0.0, True
    for source, look in zip(config.sources, looks, strict=True):
        if look is not None and look.rows:
            counts = [count_rows(file) for file in files_of(source)]
            found = sum(count.rows for count in counts)
            exact = exact and all(count.exact for count in counts)
            rows += found
            taken += found * look.accepted / look.rows
    if not rows:
        return None
    problems = round(taken) if config.ingest.limit is None else min(round(taken), config.ingest.limit)
    asked = _asked(config, problems)
    costs: dict[str, float] = {}
    for role, requests in asked:
        engine = config.engines[role.engine]
        if isinstance(engine, OpenAIEngine) and engine.price is not None:
            cost = engine.price.cost(0, requests * role.tokens_at_most)
            costs[engine.price.currency] = costs.get(engine.price.currency, 0.0) + cost
    return Expected(
        rows=rows,
        exact=exact,
        share=taken / rows,
        problems=problems,
        requests=sum(requests for _, requests in asked),
        tokens_at_most=sum(
            requests * role.tokens_at_most
            for role, requests in asked
            if not isinstance(config.engines[role.engine], RecordedEngine)
        ),
        cost_at_most=costs,
        on_hub=sum(look is None for look in looks),
    )


def _asked(config: RunConfig, problems: int) -> list[tuple[RoleConfig, int]]:
    """The requests of each role at most; a justification may take all its attempts."""
    modes = [
        (config.roles.of(mode), problems * config.sample.count(mode))
        for mode in config.roles.dear_first
        if not isinstance(config.engines[config.roles.of(mode).engine], RolloutsEngine)
    ]
    if not FORMATS[config.publish.format].justifies:
        return modes
    sampled = sum(config.sample.count(mode) > 0 for mode in config.roles.modes)
    kept = problems * min(modes_at_most(config.select.policy), sampled)
    return [*modes, (config.roles.justifier, kept * config.justify.max_attempts)]
