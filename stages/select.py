"""Select: HiPO's rule (arXiv 2509.23967).

The mode with the higher pass rate wins, and think-off where thinking raises the pass rate by less than δ; the shortest
right response of the winning mode is kept.

What the paper leaves open and is decided here:

- "significantly higher" is `p_on - p_off >= δ`, so a tie at δ goes to think-on;
- length is tokens of the whole response, ties fall to the lower index;
- a response can be picked if it is right, ended by itself, kept to its mode, and can be rendered (holds no format tag);
- the winning mode may have no such response while the other has: `fallback` says whether that one is taken;
- a mode without a graded response has no pass rate, and the other one wins;
- a rollout with a cap, which was asked for once its mode had won (`stages.waves`), can be picked and counts in no rate.
"""

from collections.abc import Collection

import polars as pl
import polars_hash as plh

from prompts.formats.hipo import HIPO
from schemas.config import SelectConfig
from schemas.records import FinishReason, Mode, Status

VERSION = "2"

ROLLOUT_COLUMNS = [
    "problem_id",
    "mode",
    "index",
    "reasoning",
    "answer",
    "finish_reason",
    "completion_tokens",
    "cap",
]
"""What `select` reads of the rollouts."""

VERDICT_COLUMNS = ["problem_id", "mode", "index", "status"]
"""What `select` reads of the verdicts."""

_Z = 1.959963984540054  # two-sided 95 % quantile of the normal distribution
_ON, _OFF = Mode.THINK_ON.value, Mode.THINK_OFF.value
FLOAT_SLACK = 1e-9  # 0.9 - 0.75 must count as 0.15


def select(
    problems: pl.LazyFrame,
    rollouts: pl.LazyFrame,
    verdicts: pl.LazyFrame,
    config: SelectConfig,
    seed: int,
    tags: Collection[str] = HIPO.tags,
) -> pl.LazyFrame:
    """One decision a problem, sorted by `problem_id`, in the columns of `schemas.records.Decision`.

    Args:
        problems: columns `problem_id`, `kind`.
        rollouts: columns `ROLLOUT_COLUMNS`, of both modes, in any order.
        verdicts: columns `VERDICT_COLUMNS`, one row a rollout.
        config: δ and the rest.
        seed: the run's seed; decides which problems get a random mode, and which one.
        tags: of the format, which a response that is kept may not hold.
    """
    graded = _usable(rollouts.join(verdicts, on=["problem_id", "mode", "index"], how="left", validate="1:1"), tags)
    decided = problems.select("problem_id", "kind")
    for mode in (_ON, _OFF):
        decided = decided.join(_statistics(graded, mode), on="problem_id", how="left")
    counts = [f"{name}_{side}" for name in ("n", "right", "unknown", "truncated") for side in ("on", "off")]
    return (
        decided.with_columns(pl.col(counts).fill_null(0))
        .with_columns(*_pass_rate("on", config), *_pass_rate("off", config))
        .with_columns(margin=pl.col("p_on") - pl.col("p_off"), delta=pl.lit(config.delta))
        .with_columns(preferred=_preferred(config), random_mode=random_mode_of(config, seed))
        .with_columns(rule=_rule(config))
        .with_columns(mode=_mode())
        .with_columns(
            index=_of_mode("pick_on", "pick_off"),
            chosen_tokens=_of_mode("pick_tokens_on", "pick_tokens_off"),
            drop_reason=_drop_reason(),
        )
        .select(
            "problem_id",
            "kind",
            *[name.format("on") for name in _SIDE_COLUMNS],
            *[name.format("off") for name in _SIDE_COLUMNS],
            "margin",
            "delta",
            "rule",
            "mode",
            "index",
            "chosen_tokens",
            "drop_reason",
        )
        .sort("problem_id")
    )


_SIDE_COLUMNS = ["n_{}", "right_{}", "unknown_{}", "truncated_{}", "p_{}", "p_{}_low", "p_{}_high", "tokens_{}"]


def _usable(graded: pl.LazyFrame, tags: Collection[str]) -> pl.LazyFrame:
    """Adds `counts`, `right`, `known`, and `usable`: may be picked if its mode wins."""
    has_tag = pl.any_horizontal(
        pl.col(part).fill_null("").str.contains_any(list(tags)) for part in ("reasoning", "answer")
    )
    keeps_mode = (pl.col("mode") == _ON) == pl.col("reasoning").is_not_null()
    status = pl.col("status").fill_null(Status.UNKNOWN.value)
    right = status == Status.CORRECT.value
    return graded.with_columns(
        counts=pl.col("cap").is_null(),
        known=status != Status.UNKNOWN.value,
        right=right,
        truncated=pl.col("finish_reason") == FinishReason.LENGTH.value,
        usable=right & (pl.col("finish_reason") == FinishReason.STOP.value) & keeps_mode & ~has_tag,
    )


def _statistics(graded: pl.LazyFrame, mode: str) -> pl.LazyFrame:
    side = "on" if mode == _ON else "off"

    def shortest(column: str) -> pl.Expr:
        order = [pl.col(key).filter("usable") for key in ("completion_tokens", "index")]
        return pl.col(column).filter("usable").sort_by(order).first()

    answered = pl.col("finish_reason") != FinishReason.ERROR.value

    def count(rows: pl.Expr, name: str) -> pl.Expr:
        return (rows & pl.col("counts")).sum().cast(pl.Int64).alias(f"{name}_{side}")

    return (
        graded.filter(pl.col("mode") == mode)
        .group_by("problem_id")
        .agg(
            count(pl.col("known"), "n"),
            count(pl.col("right"), "right"),
            count(~pl.col("known"), "unknown"),
            count(pl.col("truncated"), "truncated"),
            pl.col("completion_tokens").filter(answered & pl.col("counts")).mean().alias(f"tokens_{side}"),
            shortest("index").alias(f"pick_{side}"),
            shortest("completion_tokens").alias(f"pick_tokens_{side}"),
        )
    )


def _pass_rate(side: str, config: SelectConfig) -> list[pl.Expr]:
    """The pass rate and its 95 % Wilson interval; null where fewer than `min_graded` rollouts were graded."""
    n = pl.when(pl.col(f"n_{side}") >= config.min_graded).then(pl.col(f"n_{side}"))
    p = pl.col(f"right_{side}") / n
    centre = (p + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * (p * (1 - p) / n + _Z**2 / (4 * n**2)).sqrt()
    return [
        p.alias(f"p_{side}"),
        (centre - half).clip(0, 1).alias(f"p_{side}_low"),
        (centre + half).clip(0, 1).alias(f"p_{side}_high"),
    ]


def _preferred(config: SelectConfig) -> pl.Expr:
    """The mode that the pass rates ask for, whether or not it has a response to keep; null without pass rates."""
    return (
        pl.when(pl.col("margin") >= config.delta - FLOAT_SLACK)
        .then(pl.lit(_ON))
        .when(pl.col("margin").is_not_null())
        .then(pl.lit(_OFF))
        .when(pl.col("p_on").is_not_null())
        .then(pl.lit(_ON))
        .when(pl.col("p_off").is_not_null())
        .then(pl.lit(_OFF))
    )


def random_mode_of(config: SelectConfig, seed: int) -> pl.Expr:
    """The mode of a problem that is drawn for a random one, null for all others.

    Both draws come from one SHA-256 of seed and problem id, so they do not depend on the order of the rows. A problem
    with a usable response in one mode alone can only get that mode.
    """
    hashed = plh.concat_str(pl.lit(f"{seed}:random_mode:"), pl.col("problem_id")).chash.sha2_256()
    drawn = hashed.str.slice(0, 12).str.to_integer(base=16) < int(config.random_fraction * 16**12)
    coin = hashed.str.slice(12, 12).str.to_integer(base=16) % 2 == 0
    on, off = pl.col("pick_on").is_not_null(), pl.col("pick_off").is_not_null()
    return (
        pl.when(drawn & on & (coin | ~off))
        .then(pl.lit(_ON))
        .when(drawn & off)
        .then(pl.lit(_OFF))
        .otherwise(pl.lit(None))
    )


def _rule(config: SelectConfig) -> pl.Expr:
    """The rule that fired, by name."""
    on, off = pl.col("pick_on").is_not_null(), pl.col("pick_off").is_not_null()
    wants_on = pl.col("preferred") == _ON
    # No pass rate of think-on could have reached δ above this one.
    out_of_reach = (1 - pl.col("p_off") < config.delta - FLOAT_SLACK).fill_null(False) & ~wants_on
    # `&` and not nested conditions: a fallback is a rule of its own, named after where it leads.
    fallback = (
        [
            (wants_on & ~on & off, "fallback_off"),
            (~wants_on & ~off & on, "fallback_on"),
        ]
        if config.fallback == "other_mode"
        else []
    )
    rules = [
        (pl.col("random_mode").is_not_null(), "random"),
        *fallback,
        (~(on & wants_on) & ~(off & ~wants_on), "none"),
        (pl.col("margin").is_null() & ~out_of_reach, "only_mode"),
        (wants_on, "margin"),
    ]
    expression = pl.lit("default_off")
    for condition, name in reversed(rules):
        expression = pl.when(condition.fill_null(False)).then(pl.lit(name)).otherwise(expression)
    return pl.when(pl.col("preferred").is_null()).then(pl.lit("none")).otherwise(expression)


def _mode() -> pl.Expr:
    return (
        pl.when(pl.col("rule") == "random")
        .then(pl.col("random_mode"))
        .when(pl.col("rule") == "fallback_on")
        .then(pl.lit(_ON))
        .when(pl.col("rule") == "fallback_off")
        .then(pl.lit(_OFF))
        .when(pl.col("rule") != "none")
        .then(pl.col("preferred"))
    )


def _of_mode(on: str, off: str) -> pl.Expr:
    return pl.when(pl.col("mode") == _ON).then(pl.col(on)).when(pl.col("mode") == _OFF).then(pl.col(off))


def _drop_reason() -> pl.Expr:
    """Why a problem has no mode: nothing graded, nothing right, or nothing right that can be kept."""
    right = pl.col("right_on") + pl.col("right_off")
    return (
        pl.when(pl.col("mode").is_not_null())
        .then(pl.lit(None))
        .when(pl.col("preferred").is_null())
        .then(pl.lit("ungraded"))
        .when(right == 0)
        .then(pl.lit("no_right_response"))
        .when(pl.col("pick_on").is_null() & pl.col("pick_off").is_null())
        .then(pl.lit("no_usable_response"))
        .otherwise(pl.lit("preferred_mode_has_none"))
    )
