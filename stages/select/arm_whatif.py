"""What the policy effort would decide under another δ, a smaller N, or with fewer arms, from counts by arm."""

from collections.abc import Collection, Mapping, Sequence

import polars as pl
from pydantic import BaseModel, Field

from hipo_data.schemas.config import SelectConfig
from hipo_data.stages.select.arm_counts import place_of
from hipo_data.stages.select.arm_flips import arm_flips
from hipo_data.stages.select.arm_posterior_flips import arm_posterior_flips
from hipo_data.stages.select.arm_prior import ArmPriors, arm_cells, fit_arms
from hipo_data.stages.select.guessing import lucky_problems
from hipo_data.stages.select.policies.effort import FALLBACK, always_right, kept_arms, settles, within_delta


class ArmWhatIf(BaseModel):
    """What a setting would lead to."""

    n: int
    delta: float
    arms: list[str] = Field(description="those that there are, from cheap to dear")
    problems: int
    examples: int = Field(description="problems with an arm, before justifications are asked for")
    modes: dict[str, int] = Field(description="examples by arm")
    fallbacks: int = Field(description="examples of an arm that the pass rates did not ask for")
    tokens: float | None = Field(description="mean length of the kept responses")
    cost: float | None = Field(description="mean over examples of what a response in the kept arm costs on average")
    pass_rate: float | None = Field(
        description="mean over examples of the kept arm's pass rate, by rollouts that did not choose where there are "
        "any; measured ones lean up"
    )
    held: int = Field(description="examples whose pass rate is by rollouts that did not choose")
    flip: float | None = Field(description="mean probability that a repetition would choose another arm")
    changed: int | None = Field(description="problems with another arm than in the run, or dropped or kept unlike it")
    open: int = Field(description="problems that an arm which was not sampled for them could decide otherwise")


def arm_whatif(
    counted: pl.DataFrame,
    problems: int,
    n: int,
    names: Sequence[str],
    costs: Mapping[str, float],
    config: SelectConfig,
    run: pl.DataFrame | None = None,
    every: pl.DataFrame | None = None,
    priors: ArmPriors | None = None,
    sources: pl.DataFrame | None = None,
    options: pl.DataFrame | None = None,
    excluded: Collection[str] = (),
) -> ArmWhatIf:
    """What `config` would lead to.

    Args:
        counted: columns of `ArmRate` but `chosen`, of N rollouts an arm.
        problems: how many there are.
        n: that N.
        names: of the arms to choose from, from cheap to dear.
        costs: of one token, by arm.
        config: δ, `fallback` and `min_graded`.
        run: what the run chose, columns `problem_id`, `mode`, of all problems.
        every: `counted` with all rollouts, those beside the first N telling pass rates.
        priors: of these arms, `priors_of`; needed under `rule: posterior`, and with it `sources`.
        sources: columns `problem_id`, `source`.
        options: columns `problem_id`, `options` of multiple choice; problems that only luck answers are dropped.
        excluded: ids of problems that are dropped whatever their rollouts say.
    """
    arms = counted.filter(pl.col("mode").is_in([str(name) for name in names]))
    shared = config.delta, config.fallback
    if priors is not None and sources is not None:
        arms = arms.with_columns(arm=place_of(names))
        asked = priors.with_asked(arms, sources, config.delta, config.min_graded)
        kept = kept_arms(asked.lazy(), *shared, by_posterior=True).collect()
        flips = arm_posterior_flips(arms, kept, names, *shared, config.min_graded, priors, sources)
    else:
        kept = kept_arms(arms.lazy(), *shared).collect()
        flips = arm_flips(arms, kept, names, *shared, config.min_graded)
    lucky = [] if options is None else lucky_problems(arms, options).to_list()
    dropped = pl.col("problem_id").is_in([*lucky, *excluded])
    kept, flips = kept.filter(~dropped), flips.filter(~dropped)  # a repetition may well be luck again, or not
    priced = kept.with_columns(cost=pl.col("tokens") * pl.col("mode").replace_strict(dict(costs), default=1.0))
    rates = _rates(kept, every)
    changed = None
    if run is not None:
        beside = run.select("problem_id", was="mode").join(
            kept.select("problem_id", "mode"), on="problem_id", how="left"
        )
        changed = beside.filter(pl.col("was").ne_missing(pl.col("mode"))).height
    return ArmWhatIf(
        n=n,
        delta=config.delta,
        arms=[str(name) for name in names],
        problems=problems,
        examples=kept.height,
        modes={str(name): kept.filter(pl.col("mode") == str(name)).height for name in names},
        fallbacks=kept.filter(pl.col("rule") == FALLBACK).height,
        tokens=_mean(priced["pick_tokens"]),
        cost=_mean(priced["cost"]),
        pass_rate=_mean(rates["rate"]),
        held=int(rates["held"].sum()),
        flip=_mean(flips["flip"]),
        changed=changed,
        open=_open(arms, len(names), config),
    )


def priors_of(counted: pl.DataFrame, sources: pl.DataFrame, names: Sequence[str], config: SelectConfig) -> ArmPriors:
    """What `rule: posterior` goes by where only these arms are there to choose from. Arguments as of `arm_whatif`."""
    arms = counted.with_columns(arm=place_of(names)).filter(pl.col("arm").is_not_null())
    return ArmPriors(tuple(fit_arms(arm_cells(arms, sources, len(names), config.min_graded), len(names))))


def _rates(kept: pl.DataFrame, every: pl.DataFrame | None) -> pl.DataFrame:
    """Of each kept arm its `rate`, and whether it is by rollouts that took no part in the choice, `held`."""
    if every is None:
        return kept.select(rate="p", held=pl.lit(False))
    whole = every.select("problem_id", "mode", all_n="n", all_right="right")
    others = kept.join(whole, on=["problem_id", "mode"], how="left").with_columns(
        left=pl.col("all_n") - pl.col("n"), left_right=pl.col("all_right") - pl.col("right")
    )
    held = pl.col("left") > 0
    return others.select(
        rate=pl.when(held).then(pl.col("left_right") / pl.col("left")).otherwise("p"), held=held.fill_null(False)
    )


def _open(arms: pl.DataFrame, count: int, config: SelectConfig) -> int:
    """Problems that lack an arm, and whose choice would not stay so whatever the missing ones brought."""
    if config.by_posterior:
        marked = arms.with_columns(settled=always_right(config.min_graded))
    else:
        marked = within_delta(arms.lazy(), config.delta).collect().with_columns(settled=settles(config.delta))
    by_problem = marked.group_by("problem_id").agg(pl.col("settled").any(), sampled=pl.len())
    return by_problem.filter(~pl.col("settled") & (pl.col("sampled") < count)).height


def _mean(values: pl.Series) -> float | None:
    mean = values.mean()
    return float(mean) if isinstance(mean, int | float) else None
