"""What select would decide under another δ or a smaller N: it is asked again, and nothing is sampled.

A smaller N takes the rollouts with index below N of each mode. Every rollout has a seed of its own that depends on its
key alone, so those are exactly the rollouts that a run with this N would have sampled. Exceptions, which the caller has
to tell: responses that came with source rows hold the last indices, so that a smaller N leaves them out; and where
sampling stopped early, rollouts are missing, so that pass rates come from what is there (`incomplete`).
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import polars as pl
from pydantic import BaseModel, Field

from hipo_data.prompts.formats.hipo import HIPO
from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.records import Mode
from hipo_data.stages.select.boundary import standing_for
from hipo_data.stages.select.flips import flip_probability, with_again, wrong_mode
from hipo_data.stages.select.kept_rates import GROUP, RatePriors, mean_rate
from hipo_data.stages.select.pair_counts import cells
from hipo_data.stages.select.prior import CELL, RUN, SHOWN_STEPS, WEAK, Priors, fit
from hipo_data.stages.select.select import select

_SETTING = ["n", "delta"]
_KEY = [*_SETTING, "rule", "mode", "drop_reason", "source", GROUP, *CELL[1:], "again_on", "again_off"]


Window = tuple[int, int]
"""Rollouts of each mode by index: how many, and the first."""


class Setting(NamedTuple):
    """A δ, and which rollouts of each mode to look at: `n` of them from index `first` on."""

    n: int
    delta: float
    first: int = 0

    @property
    def window(self) -> "Window":
        """Which rollouts it looks at."""
        return self.n, self.first

    @property
    def repeated(self) -> "Setting":
        """The same with as many other rollouts: a repetition of the sampling."""
        return self._replace(first=self.first + self.n)


class WhatIf(BaseModel):
    """What a setting would lead to. Of a problem that keeps several responses, the first one counts."""

    n: int
    delta: float
    problems: int
    examples: int = Field(description="problems with a mode, before justifications are asked for")
    modes: dict[str, int] = Field(description="examples by mode")
    rules: dict[str, int] = Field(description="examples by the rule that fired")
    drops: dict[str, int] = Field(description="dropped problems by reason")
    tokens: float | None = Field(description="mean length of the kept responses")
    pass_rate: float | None = Field(
        description="mean over examples of the true pass rate of the kept mode, estimated by what did not choose it"
    )
    pass_rate_low: float | None = Field(description="lower end of its 95 % interval, for these problems")
    pass_rate_high: float | None
    pass_rate_chosen_by: float | None = Field(
        description="the same mean of the measured rates that chose the mode, which is too high"
    )
    held: int = Field(description="examples whose pass rate is from rollouts that did not choose; others are corrected")
    prior: str = Field(description="what flip, wrong and corrected pass rates go by: run, or weak")
    flip: float | None = Field(
        description="mean flip probability of the decisions, where `stages.select.flips` has one"
    )
    wrong: float | None = Field(
        description="mean probability over examples that the mode is not the one that the true gain asks for"
    )
    repeated: float | None = Field(
        description="measured: share that as many other rollouts of the run decide otherwise"
    )
    changed: int | None = Field(description="problems with another mode than in the run, or dropped or kept unlike it")

    @property
    def think_on_share(self) -> float | None:
        """Share of think-on among the examples."""
        return self.modes[Mode.THINK_ON.value] / self.examples if self.examples else None

    @property
    def lost(self) -> int:
        """Problems without a mode."""
        return self.problems - self.examples

    @property
    def fallbacks(self) -> int:
        """Examples of the mode that the pass rates did not ask for."""
        return sum(count for rule, count in self.rules.items() if rule.startswith("fallback"))


def reselect(
    problems: pl.LazyFrame,
    rollouts: pl.LazyFrame,
    verdicts: pl.LazyFrame,
    config: SelectConfig,
    settings: Sequence[Setting],
    seed: int,
    tags: Collection[str] = HIPO.tags,
    priors: Mapping[Window, Priors] | None = None,
    excluded: Collection[str] = (),
) -> list[pl.DataFrame]:
    """The decisions of `select.select` under each setting. Arguments as there; of `config`, δ is replaced.

    `priors` are those of each setting's window, needed under `rule: posterior`.

    What the settings of one N have in common, grading counts and shortest responses, is computed once, and so is what
    several δ decide alike.
    """
    asked = {setting: setting._replace(delta=_decides_as(setting, config)) for setting in settings}
    distinct = list(dict.fromkeys(asked.values()))
    lazy = [
        select(
            problems,
            rollouts.filter(_within(setting)),
            verdicts.filter(_within(setting)),
            config.model_copy(update={"delta": setting.delta}),
            seed,
            tags,
            (priors or {}).get(setting.window),
            excluded,
        )
        for setting in distinct
    ]
    found = dict(zip(distinct, pl.collect_all(lazy), strict=True))
    return [found[asked[setting]].with_columns(delta=pl.lit(setting.delta)) for setting in settings]


def _decides_as(setting: Setting, config: SelectConfig) -> float:
    """A δ under which all problems get what they get under the setting's."""
    return standing_for(config.model_copy(update={"delta": setting.delta}), setting.n, setting.n)


def cells_of(
    problems: pl.LazyFrame,
    rollouts: pl.LazyFrame,
    verdicts: pl.LazyFrame,
    config: SelectConfig,
    windows: Sequence[Window],
    seed: int,
) -> list[pl.DataFrame]:
    """What the prior of each window is fitted to, as `pair_counts.cells` has it. Arguments as of `reselect`."""
    settings = [Setting(n, config.delta, first) for n, first in windows]
    return pl.collect_all(
        [
            cells(problems, rollouts.filter(_within(setting)), verdicts.filter(_within(setting)), config, seed)
            for setting in settings
        ]
    )


def _within(setting: Setting) -> pl.Expr:
    return pl.col("index").is_between(setting.first, setting.first + setting.n, closed="left")


def tally(
    decisions: pl.DataFrame,
    setting: Setting,
    wanted: dict[Mode, int],
    sources: pl.DataFrame,
    run: pl.DataFrame | None = None,
    repeated: pl.DataFrame | None = None,
    every: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Sums over decisions that were made under `setting`, of problems alike in counts, source and outcome. Sums of
    shards add up.

    Args:
        wanted: rollouts of each mode that the recipe asks for.
        sources: columns `problem_id`, `source`.
        run: the run's own decisions on these problems, columns `problem_id` and `mode`; null where it has none yet.
        repeated: the decisions of `setting.repeated`, where there are as many rollouts.
        every: decisions by all rollouts, where those that `setting` leaves out may tell a pass rate.
    """
    rate = pl.when(pl.col("mode") == Mode.THINK_ON.value).then("p_on").when(pl.col("mode").is_not_null()).then("p_off")
    frame = decisions.with_columns(n=pl.lit(setting.n), rate=rate)
    frame = with_again(frame, {mode: min(setting.n, count) for mode, count in wanted.items()})
    frame = frame.join(sources.select("problem_id", "source"), on="problem_id", how="left", validate="1:1")
    if GROUP not in frame.columns:
        frame = frame.with_columns(pl.lit(None, pl.String).alias(GROUP))
    chosen_by_rule = pl.col("rule") != "random"
    known = pl.lit(None, pl.Int64)
    changed, repeats, repeated_otherwise = known, known, known
    if run is not None:
        frame = _beside(frame, run, "was")
        changed = (pl.col("was_there") & pl.col("mode").ne_missing(pl.col("was"))).sum().cast(pl.Int64)
    if repeated is not None:
        frame = _beside(frame, repeated, "again")
        repeats = chosen_by_rule.sum().cast(pl.Int64)
        repeated_otherwise = (chosen_by_rule & pl.col("mode").ne_missing(pl.col("again"))).sum().cast(pl.Int64)
    return (
        _with_held(frame, every)
        .group_by(_KEY)
        .agg(
            problems=pl.len().cast(pl.Int64),
            tokens=pl.col("chosen_tokens").sum().cast(pl.Int64),
            rates=pl.col("rate").count().cast(pl.Int64),
            rate_sum=pl.col("rate").sum(),
            held=pl.col("held_rate").count().cast(pl.Int64),
            held_rates=pl.col("held_rate").sum(),
            held_variance=pl.col("held_variance").sum(),
            held_alone=(pl.col("held") == 1).sum().cast(pl.Int64),
            changed=changed,
            repeats=repeats,
            repeated_otherwise=repeated_otherwise,
        )
    )


def _with_held(frame: pl.DataFrame, every: pl.DataFrame | None) -> pl.DataFrame:
    """Adds `held`, how many graded rollouts of the kept mode took no part in the choice; their `held_rate`; and an
    unbiased `held_variance` of it, which needs two."""
    if every is None:
        nothing = pl.lit(None, pl.Float64)
        return frame.with_columns(held=pl.lit(0, pl.Int64), held_rate=nothing, held_variance=nothing)
    names = ["n_on", "right_on", "n_off", "right_off"]
    other = every.select("problem_id", *(pl.col(name).alias(f"every_{name}") for name in names))
    beside = frame.join(other, on="problem_id", how="left", validate="1:1", maintain_order="left")
    thinks = pl.col("mode") == Mode.THINK_ON.value
    n, right = (
        pl.when(thinks)
        .then(pl.col(f"every_{name}_on") - pl.col(f"{name}_on"))
        .when(~thinks)
        .then(pl.col(f"every_{name}_off") - pl.col(f"{name}_off"))
        for name in ("n", "right")
    )
    rate = pl.when(pl.col("held") > 0).then(pl.col("held_right") / pl.col("held"))
    spread = pl.when(pl.col("held") > 1).then(pl.col("held_rate") * (1 - pl.col("held_rate")) / (pl.col("held") - 1))
    return (
        beside.with_columns(held=n.fill_null(0), held_right=right)
        .with_columns(held_rate=rate)
        .with_columns(held_variance=spread)
    )


def _beside(frame: pl.DataFrame, other: pl.DataFrame, name: str) -> pl.DataFrame:
    """Adds the mode of other decisions as `name`, and `<name>_there`."""
    modes = other.select("problem_id", pl.col("mode").alias(name), pl.lit(True).alias(f"{name}_there"))
    return frame.join(modes, on="problem_id", how="left", validate="1:1", maintain_order="left")


def incomplete(rollouts: pl.LazyFrame, problems: pl.LazyFrame, n: int, wanted: dict[Mode, int]) -> pl.LazyFrame:
    """One row, column `incomplete`: problems that a mode was not sampled in full for, among its first `n` rollouts.

    Args:
        rollouts: columns `problem_id`, `mode`, `index`, `cap`.
        problems: column `problem_id`.
        wanted: rollouts of each mode that the recipe asks for.
    """
    counted = rollouts.filter(pl.col("index") < n, pl.col("cap").is_null())
    full = problems.select("problem_id")
    for mode, count in wanted.items():
        of_mode = counted.filter(pl.col("mode") == mode.value).group_by("problem_id").len(mode.value)
        full = full.join(of_mode.filter(pl.col(mode.value) >= min(n, count)), on="problem_id", how="semi")
    return pl.concat(
        [problems.select(all=pl.len().cast(pl.Int64)), full.select(full=pl.len().cast(pl.Int64))], how="horizontal"
    ).select(incomplete=pl.col("all") - pl.col("full"))


def whatifs(
    tallies: Sequence[pl.DataFrame], config: SelectConfig, priors: Mapping[Window, Priors] | None = None
) -> list[WhatIf]:
    """The settings, by N and δ, from the tallies of all shards.

    Args:
        config: of the run; δ is each setting's.
        priors: those of each window that decisions were made under. Without, they are fitted to the tallied counts.
    """
    summed = pl.concat(tallies).group_by(_KEY).agg(pl.all().sum()).sort(_KEY)
    known = pl.concat(tallies)["changed"].null_count() == 0  # sums over shards that a run has not decided mean nothing
    found = []
    for of_n in summed.partition_by("n", maintain_order=True):
        n, delta = of_n.select(_SETTING).row(0)
        cells_of_n = of_n.filter(pl.col("delta") == delta)
        shown = (priors or {}).get((n, 0)) or Priors(tuple(fit(cells_of_n.select(*CELL, "problems"), SHOWN_STEPS)))
        rates = RatePriors(_in_groups(cells_of_n))
        found += [
            _whatif(rows, config.model_copy(update={"delta": rows["delta"][0]}), known, shown, rates)
            for rows in of_n.partition_by("delta", maintain_order=True)
        ]
    return found


def _in_groups(rows: pl.DataFrame) -> pl.DataFrame:
    """One group for all, unless decisions name a prior: then what chose a mode is the source as well."""
    return rows.with_columns(pl.col(GROUP).fill_null(RUN))


def _whatif(rows: pl.DataFrame, config: SelectConfig, changes_known: bool, shown: Priors, rates: RatePriors) -> WhatIf:
    rows = rows if config.by_posterior else rows.drop(GROUP)
    rows = rows.with_columns(flip_probability(rows, config, shown), wrong_mode(rows, config, shown))
    kept = rows.filter(pl.col("mode").is_not_null())
    examples = int(kept["problems"].sum())
    grouped = kept if config.by_posterior else kept.with_columns(pl.lit(None, pl.String).alias(GROUP))
    measured = int(kept["rates"].sum())
    mean = mean_rate(_in_groups(grouped), rates)
    return WhatIf(
        n=rows["n"][0],
        delta=rows["delta"][0],
        problems=int(rows["problems"].sum()),
        examples=examples,
        modes={mode.value: int(kept.filter(pl.col("mode") == mode.value)["problems"].sum()) for mode in Mode},
        rules=_counts(kept, "rule"),
        drops=_counts(rows.filter(pl.col("mode").is_null()), "drop_reason"),
        tokens=float(kept["tokens"].sum()) / examples if examples else None,
        pass_rate=mean.mean if mean else None,
        pass_rate_low=mean.low if mean else None,
        pass_rate_high=mean.high if mean else None,
        pass_rate_chosen_by=float(kept["rate_sum"].sum()) / measured if measured else None,
        held=int(kept["held"].sum()),
        prior=WEAK if shown.of_run == WEAK else RUN,
        flip=_weighted(rows, "flip"),
        wrong=_weighted(kept, "wrong"),
        repeated=float(rows["repeated_otherwise"].sum()) / repeats if (repeats := int(rows["repeats"].sum())) else None,
        changed=int(rows["changed"].sum()) if changes_known else None,
    )


def _weighted(rows: pl.DataFrame, column: str) -> float | None:
    """Its mean over problems that have it."""
    known = rows.drop_nulls(column)
    return float((known[column] * known["problems"]).sum()) / int(known["problems"].sum()) if known.height else None


def _counts(rows: pl.DataFrame, column: str) -> dict[str, int]:
    counted = rows.group_by(column).agg(pl.col("problems").sum()).sort("problems", column, descending=[True, False])
    return dict(counted.iter_rows())
