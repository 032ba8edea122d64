"""DAST: pairs of a preferred and a rejected response by budget (arXiv 2503.04472), with O1-Pruner's weights beside.

A problem's budget is L_b = p · L_right + (1 − p) · L_max: p its pass rate, L_right the mean tokens of its right
responses, L_max the limit on tokens. A response of L tokens, λ = (L − L_b) / L_b, scores

    right  max(0.5 − 0.5 · λ, 0.1)        wrong  min(0.9 · λ − 0.1, −0.1)

A problem gives at most two pairs, each the one of its kind with the largest difference of scores: `both_right`, of
which the shorter response wins, and `both_wrong`, of which the longer one does.

Weights are O1-Pruner's (arXiv 2501.12570): clip((L̄ − L) / L + λ · (acc − Ā), −2, 4) over the presampled responses to
the problem; publish standardises them over the dataset.

Decided here, with no source: pairs, budgets and weights are those of one mode (`pool: both` pools the modes, so that
pairs may differ in mode); unknown verdicts and rollouts asked for with a cap enter nothing; ties fall to the lower
index, think-off first; both ends must have ended by themselves and be fit to be rendered; two responses of equal
length or equal score are no pair, as there is nothing to prefer, and neither is a difference below `min_margin`.
"""

import polars as pl

from hipo_data.schemas.config import SelectConfig
from hipo_data.stages.select.policies.policy import FLOAT_SLACK, Chosen, decide


def kind_of(pair: str) -> str:
    """`both_right` or `both_wrong`, of the name of a pair."""
    return pair.partition(":")[0]


_LOW, _HIGH = -2.0, 4.0


MODES = 2


def choose(problems: pl.LazyFrame, rollouts: pl.LazyFrame, config: SelectConfig, seed: int) -> Chosen:
    """See `stages.select.policies.policy`."""
    pool = ["problem_id"] if config.preference.pool == "both" else ["problem_id", "mode"]
    scored = (
        rollouts.filter(pl.col("known") & pl.col("counts"))
        .with_columns(tokens=pl.col("completion_tokens").clip(lower_bound=1))
        .with_columns(score=score(pool), weight=weight(pool, config.preference.accuracy_weight))
        .filter("whole")
        .with_columns(pair=pl.when("right").then(pl.lit("both_right")).otherwise(pl.lit("both_wrong")))
    )
    key = [*pool, "pair"]
    # The best and the worst score are the largest difference; of equal ones the first by mode and index.
    order = [pl.col("mode"), pl.col("index")]
    best = scored.sort([*key, -pl.col("score"), *order]).group_by(key, maintain_order=True).first()
    worst = scored.sort([*key, pl.col("score"), *order]).group_by(key, maintain_order=True).first()
    margins = best.join(worst, on=key, suffix="_worst").with_columns(margin=pl.col("score") - pl.col("score_worst"))
    wide = margins.filter(
        pl.col("margin") > FLOAT_SLACK, pl.col("margin") >= config.preference.min_margin - FLOAT_SLACK
    ).select(*key, "margin")
    both = [best.with_columns(role=pl.lit("chosen")), worst.with_columns(role=pl.lit("rejected"))]
    ends = pl.concat(both).join(wide, on=key, how="inner")
    place = pl.struct("pair", *pool[1:], "role").rank("ordinal").over("problem_id").cast(pl.Int64) - 1
    kinds = ends.group_by("problem_id").agg(kinds=pl.col("pair").unique().sort().str.join("_and_"))
    graded = pl.col("p_on").is_not_null() | pl.col("p_off").is_not_null()
    # Two wrong responses make a pair, so that a problem nobody solved is not lost for that reason.
    reason = pl.when(graded).then(pl.lit("no_pair")).otherwise(pl.lit("ungraded"))
    name = pl.col("pair") if config.preference.pool == "both" else pl.concat_str("pair", "mode", separator=":")
    picks = ends.with_columns(rank=place, pair=name)
    return decide(problems.join(kinds, on="problem_id", how="left"), picks, pl.col("kinds"), reason)


def score(pool: list[str]) -> pl.Expr:
    """DAST's calibrated score of each rollout: columns `right`, `tokens`, `max_tokens`; `pool` names the problem."""
    right, tokens = pl.col("right"), pl.col("tokens").cast(pl.Float64)
    rate = right.mean().over(pool)
    mean_right = pl.col("tokens").filter(right).mean().over(pool).fill_null(0.0)
    budget = rate * mean_right + (1 - rate) * pl.col("max_tokens").max().over(pool)
    over = tokens / budget - 1
    return (
        pl.when(right)
        .then((0.5 - 0.5 * over).clip(lower_bound=0.1))
        .otherwise((0.9 * over - 0.1).clip(upper_bound=-0.1))
    )


def weight(pool: list[str], accuracy_weight: float) -> pl.Expr:
    """O1-Pruner's weight of each rollout, before it is standardised: columns `right`, `tokens`."""
    tokens, right = pl.col("tokens").cast(pl.Float64), pl.col("right").cast(pl.Float64)
    shorter = (tokens.mean().over(pool) - tokens) / tokens
    return (shorter + accuracy_weight * (right - right.mean().over(pool))).clip(_LOW, _HIGH)
