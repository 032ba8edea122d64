"""A run with the policy effort, selected again under other δ, fewer rollouts, or with fewer arms."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from hipo_data.pipeline.graph.nodes import ARMS
from hipo_data.pipeline.views.control_cost import beside_tokens, with_beside
from hipo_data.pipeline.views.expected_mix import mix_of, mix_remarks
from hipo_data.pipeline.views.run_files import RunFiles
from hipo_data.pipeline.views.whatif import flagged_by_run, graded_shards, tables_of
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.length_unit import Unit, lengths_of
from hipo_data.schemas.mix_config import MixConfig
from hipo_data.stages.select.arm_whatif import ArmWhatIf, arm_whatif, priors_of
from hipo_data.stages.select.pair_counts import with_source
from hipo_data.stages.select.select import arm_table


@dataclass
class ArmAnswer:
    """What a run would have decided, by setting, and what a reader has to know of it."""

    rows: list[ArmWhatIf]
    delta: float
    n: int
    arms: list[str]
    """The run's own settings."""
    lengths_in: Unit = Unit.TOKENS
    remarks: list[str] = field(default_factory=list)
    mix: MixConfig | None = None
    """The run's, where rows tell what it would keep."""

    def is_own(self, row: ArmWhatIf) -> bool:
        """Whether a row is the run's own setting."""
        return (row.delta, row.n, row.arms) == (self.delta, self.n, self.arms)


def ask_arms(
    files: RunFiles,
    deltas: Sequence[float],
    ns: Sequence[int] | None = None,
    sets: Sequence[Sequence[str]] | None = None,
) -> ArmAnswer:
    """Selects again under each δ, each N and each set of arms, and under the run's own.

    Args:
        ns: rollouts of each arm, by default all.
        sets: names of arms, by default all of the recipe's.

    Raises `UserError` where nothing is graded yet, N is more than the run has, or an arm is none of its.
    """
    config = files.config
    own = [str(mode) for mode in config.roles.modes]
    most = max(config.sample.count(mode) for mode in config.roles.modes)
    ns, chosen = sorted(set(ns or [most])), [_in_order(each, own) for each in sets or [own]]
    if max(ns) > most:
        raise UserError(
            f"--n {max(ns)} is more than the {most} rollouts of an arm that this run has; whatif selects again from "
            f"what was sampled, so give {most} or less, or set sample.n and run again"
        )
    shards = graded_shards(files)
    every = with_beside(_counted(files, shards, most, most), beside_tokens(files, shards, most))
    run = _own_choice(files, shards)
    costs = {str(mode): config.roles.cost(mode) for mode in config.roles.modes}
    problems = every["problem_id"].n_unique()
    asked = files.scan("ingest", shards=shards)
    sources = None
    if asked is not None and config.select.by_posterior:
        sources = with_source(asked).select("problem_id", "source").collect()
    options = None if asked is None else _options(asked)
    excluded = flagged_by_run(files, shards)
    rows = []
    for n in ns:
        counted = every
        if n < most:
            counted = with_beside(_counted(files, shards, n, most), beside_tokens(files, shards, n))
        for names in chosen if own in chosen else [own, *chosen]:
            priors = None if sources is None else priors_of(counted, sources, names, config.select)
            for delta in sorted({*deltas, config.select.delta}):
                select = config.select.model_copy(update={"delta": delta})
                beside = every if n < most else None
                rows.append(
                    arm_whatif(
                        counted, problems, n, names, costs, select, run, beside, priors, sources, options, excluded
                    )
                )
    answer = ArmAnswer(rows, config.select.delta, most, own, lengths_of(config).unit, mix=mix_of(config))
    answer.remarks += mix_remarks(answer.mix)
    if lacking := max(row.open for row in rows):
        answer.remarks.append(
            f"Of up to {lacking:,} problems an arm was not sampled, as the run's own δ had settled them, that another "
            "δ or set of arms would have asked: their choice is between the arms that are there."
        )
    return answer


def _options(problems: pl.LazyFrame) -> pl.DataFrame | None:
    """How many options problems have; null where ingest was before there were any."""
    known = "options" in problems.collect_schema()
    return problems.select("problem_id", "options").collect() if known else None


def _in_order(names: Sequence[str], own: list[str]) -> list[str]:
    unknown = [name for name in names if name not in own]
    if unknown:
        raise UserError(f"--arms has '{unknown[0]}', which is no arm of this run; choose from {', '.join(own)}")
    return [name for name in own if name in names]


def _counted(files: RunFiles, shards: Sequence[str], n: int, most: int) -> pl.DataFrame:
    """Counts by problem and arm; those of all rollouts are there already where the run has decided."""
    decided = files.scan("select", ARMS, shards)
    if n == most and decided is not None and len(files.paths("select", ARMS, shards)) == len(shards):
        return decided.drop("chosen", "p_asked", strict=False).collect()
    tags, first = FORMATS[files.config.publish.format].tags, pl.col("index") < n
    parts = []
    for shard in shards:
        _, rollouts, verdicts = tables_of(files, [shard])
        table = arm_table(
            rollouts.filter(first), verdicts.filter(first), files.config.select, tags, files.config.roles.modes
        )
        parts.append(table.collect())
    return pl.concat(parts)


def _own_choice(files: RunFiles, shards: Sequence[str]) -> pl.DataFrame | None:
    decided = files.scan("select", shards=shards)
    if decided is None or len(files.paths("select", shards=shards)) < len(shards):
        return None
    return decided.select("problem_id", "mode").collect()
