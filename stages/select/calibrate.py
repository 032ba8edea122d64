"""How far a run's choices come back: its rollouts are split in halves, and each half chooses.

Every repeat gives the rollouts of a problem and mode another order, by a hash of a seed, the repeat and their key, and
compares what the first n choose with what the n after them choose. Both are `stages.select.select` itself. What a
larger N would bring is predicted: with P(k | p_on, p_off, N) the probability of outcome k, a choice comes back with
probability sum_k P(k)², averaged over the pairs of pass rates as a prior fitted to the run's counts has them.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import polars as pl
from pydantic import BaseModel, Field

from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.records import HIDDEN
from hipo_data.stages.select.flips import binomial, flip_probability, outcomes_of
from hipo_data.stages.select.leaking import marked
from hipo_data.stages.select.pair_counts import decided_cells
from hipo_data.stages.select.policies.policy import draw
from hipo_data.stages.select.prior import SHOWN_STEPS, Priors, fit
from hipo_data.stages.select.select import ROLLOUT_COLUMNS, VERDICT_COLUMNS, holds_tag
from hipo_data.stages.select.whatif import Setting, cells_of, reselect

_KEY = ["problem_id", "mode", "index"]
_SOME = "reasoning"
"""Instead of any reasoning that can be seen."""


class Repeated(BaseModel):
    """How often a choice comes back, as shares of the problems."""

    n: int = Field(description="rollouts of each mode")
    delta: float
    mode: float | None = Field(description="measured: the same mode, or dropped both times; null where n is too large")
    rule: float | None = Field(description="measured: the same mode by the same rule, or dropped for the same reason")
    response: float | None = Field(description="measured: the same mode with the same text, or dropped both times")
    predicted: float = Field(description="the same mode, by a prior fitted to the run's counts")


class Tenth(BaseModel):
    """Choices whose predicted repetition lies in a tenth, and how many of them do come back."""

    low: float
    choices: int
    predicted: float
    measured: float


class Halves(NamedTuple):
    """Sums over repeats."""

    choices: int
    mode: int
    rule: int
    response: int
    tenths: list[Tenth]


def reduced(
    rollouts: pl.LazyFrame, verdicts: pl.LazyFrame, config: SelectConfig, tags: Collection[str]
) -> pl.LazyFrame:
    """Rollouts with `status`, in the columns that `select` reads, texts shortened to what tells them apart.

    Args:
        rollouts: columns `ROLLOUT_COLUMNS`; those with a cap, which chose nothing, are left out.
        verdicts: columns `VERDICT_COLUMNS`.
        tags: of the format; a response that holds one is never kept, and holds one still.
    """
    rows = rollouts.filter(pl.col("cap").is_null()).join(verdicts, on=_KEY, how="left", validate="1:1")
    reasoned = pl.col("reasoning").is_not_null()
    text = pl.concat_str(pl.col("reasoning", "answer").fill_null(""), separator="\0").hash().cast(pl.String)
    return marked(rows, config).select(
        *(name for name in ROLLOUT_COLUMNS if name not in ("reasoning", "answer")),
        "status",
        reasoning=pl.when(pl.col("reasoning") == HIDDEN).then(pl.lit(HIDDEN)).when(reasoned).then(pl.lit(_SOME)),
        answer=pl.when(holds_tag(tags))
        .then(pl.lit(min(tags, default="")))
        .when(pl.col("answer").is_not_null())
        .then(text),
    )


def sampled_in_full(rollouts: pl.DataFrame, n: int) -> pl.DataFrame:
    """Rollouts of the problems that have at least `n` of each mode."""
    counted = rollouts.group_by("problem_id", "mode").len().filter(pl.col("len") >= n)
    both = counted.group_by("problem_id").len().filter(pl.col("len") == 2)
    return rollouts.join(both, on="problem_id", how="semi")


def shuffled(rollouts: pl.DataFrame, seed: int, repeat: int) -> pl.DataFrame:
    """The same rollouts with other indices, each mode of a problem by itself; a function of seed, repeat and keys."""
    keyed = rollouts.with_columns(
        problem_id=pl.concat_str("problem_id", "mode", pl.col("index").cast(pl.String), separator=" "), own="problem_id"
    ).with_columns(drawn=draw(seed, f"calibrate:{repeat}"))
    order = pl.struct("drawn", "index").rank("ordinal").over("own", "mode").cast(pl.Int64) - 1
    return keyed.with_columns(index=order, problem_id="own").drop("own", "drawn")


def halves(
    problems: pl.DataFrame, rollouts: pl.DataFrame, config: SelectConfig, n: int, seed: int, repeats: int
) -> Halves:
    """Compares two choices of `n` rollouts a mode each, `repeats` times, under the δ of `config`.

    Args:
        problems: columns `problem_id`, `kind`, `source`.
        rollouts: as `reduced` makes them, at least 2 n of each mode of a problem.
    """
    config = config.model_copy(update={"random_fraction": 0.0})
    here = problems.join(rollouts, on="problem_id", how="semi")
    pairs = [_pair(here, shuffled(rollouts, seed, repeat), config, n, seed) for repeat in range(repeats)]
    every = pl.concat(pairs)
    same = pl.col("mode").eq_missing(pl.col("mode_again"))
    by_rule = same & (pl.col("rule") == pl.col("rule_again"))
    by_rule &= pl.col("drop_reason").eq_missing(pl.col("drop_reason_again"))
    sums = every.select(
        pl.len(), same.sum(), by_rule.sum().alias("rule"), (same & _same_text()).sum().alias("text")
    ).row(0)
    choices, mode, rule, response = sums
    return Halves(choices, mode, rule, response, list(_tenths(every.with_columns(same=same))))


def _same_text() -> pl.Expr:
    return pl.col("text").eq_missing(pl.col("text_again"))


def _pair(problems: pl.DataFrame, rollouts: pl.DataFrame, config: SelectConfig, n: int, seed: int) -> pl.DataFrame:
    """The first choice, `repetition` as predicted, and the second one, its columns named `…_again`."""
    first = Setting(n, config.delta)
    tables = problems.lazy(), rollouts.select(ROLLOUT_COLUMNS).lazy(), rollouts.select(VERDICT_COLUMNS).lazy()
    windows = [first.window, first.repeated.window]
    priors = {}
    if config.by_posterior:
        counted = cells_of(*tables, config, windows, seed)
        priors = {window: Priors(tuple(fit(cells))) for window, cells in zip(windows, counted, strict=True)}
    chosen, again = reselect(*tables, config, [first, first.repeated], seed, priors=priors)
    counted_here = decided_cells(tables[0], chosen.lazy()).collect()
    known = priors.get(first.window) or Priors(tuple(fit(counted_here, SHOWN_STEPS)))
    sourced = chosen.join(problems.select("problem_id", "source"), on="problem_id", how="left", maintain_order="left")
    flips = flip_probability(sourced, config, known)
    texts = rollouts.select(*_KEY, text="answer")
    told = ["problem_id", "mode", "rule", "drop_reason", "text"]
    one, other = (
        decisions.join(texts, on=_KEY, how="left", maintain_order="left").select(told) for decisions in (chosen, again)
    )
    return one.with_columns(repetition=1 - flips).join(other, on="problem_id", suffix="_again", maintain_order="left")


def _tenths(every: pl.DataFrame) -> Iterator[Tenth]:
    tenth = (pl.col("repetition") * 10 - 1e-9).floor().clip(0, 9).cast(pl.Int64)
    binned = every.drop_nulls("repetition").group_by(tenth.alias("tenth"))
    for row in binned.agg(pl.len(), pl.col("repetition").mean(), pl.col("same").mean()).sort("tenth").rows():
        yield Tenth(low=row[0] / 10, choices=row[1], predicted=row[2], measured=row[3])


def predicted(n: int, config: SelectConfig, priors: Priors) -> float:
    """The share of choices that come back from `n` fresh rollouts a mode, by the run's prior."""
    outcomes = outcomes_of(n, config.model_copy(update={"random_fraction": 0.0}), priors)
    (_, weights) = priors.by_name[priors.of_run]
    each = binomial(n)
    return float(sum((weights * (each.T @ (outcomes == kind) @ each) ** 2).sum() for kind in range(3)) / weights.sum())


def advised(rows: Sequence[Repeated], delta: float, n: int, want: float) -> tuple[int | None, float | None]:
    """The smallest N at δ, and the δ nearest to the run's at its N, at which `want` of the choices come back.

    Measured shares go before predicted ones; null where none of `rows` reaches it.
    """

    def reaches(row: Repeated) -> bool:
        return (row.predicted if row.mode is None else row.mode) >= want

    ns = [row.n for row in rows if row.delta == delta and reaches(row)]
    deltas = [row.delta for row in rows if row.n == n and reaches(row)]
    return min(ns, default=None), min(deltas, key=lambda each: (abs(each - delta), each), default=None)
