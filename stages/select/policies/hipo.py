"""HiPO (arXiv 2509.23967).

The mode with the higher pass rate wins, and think-off where thinking raises the pass rate by less than δ; the shortest
right response of the winning mode is kept. One problem in a hundred gets a random mode.

What the paper leaves open and is decided here:

- "significantly higher" is `p_on - p_off >= δ`, so a tie at δ goes to think-on;
- length is tokens of the whole response, ties fall to the lower index;
- the winning mode may have no usable response while the other has: `fallback` says whether that one is taken;
- a mode without a graded response has no pass rate, and the other one wins.
"""

import polars as pl
import polars_hash as plh

from hipo_data.schemas.config import SelectConfig
from hipo_data.stages.select.policies.policy import FLOAT_SLACK, OFF, ON, Chosen, as_picks, drop_reason


def choose(problems: pl.LazyFrame, rollouts: pl.LazyFrame, config: SelectConfig, seed: int) -> Chosen:
    """See `stages.select.policies.policy`."""
    decisions = (
        problems.with_columns(preferred=_preferred(config), random_mode=random_mode_of(config, seed))
        .with_columns(rule=_rule(config))
        .with_columns(mode=_mode())
        .with_columns(
            index=_of_mode("pick_on", "pick_off"),
            chosen_tokens=_of_mode("pick_tokens_on", "pick_tokens_off"),
            drop_reason=pl.when(pl.col("mode").is_null()).then(drop_reason("preferred_mode_has_none")),
        )
    )
    kept = decisions.filter(pl.col("mode").is_not_null())
    return Chosen(decisions, as_picks(kept.select("problem_id", "mode", "index", rank=0, tokens="chosen_tokens")))


def _preferred(config: SelectConfig) -> pl.Expr:
    """The mode that the pass rates ask for, whether or not it has a response to keep; null without pass rates."""
    return (
        pl.when(pl.col("margin") >= config.delta - FLOAT_SLACK)
        .then(pl.lit(ON))
        .when(pl.col("margin").is_not_null())
        .then(pl.lit(OFF))
        .when(pl.col("p_on").is_not_null())
        .then(pl.lit(ON))
        .when(pl.col("p_off").is_not_null())
        .then(pl.lit(OFF))
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
        pl.when(drawn & on & (coin | ~off)).then(pl.lit(ON)).when(drawn & off).then(pl.lit(OFF)).otherwise(pl.lit(None))
    )


def _rule(config: SelectConfig) -> pl.Expr:
    """The rule that fired, by name."""
    on, off = pl.col("pick_on").is_not_null(), pl.col("pick_off").is_not_null()
    wants_on = pl.col("preferred") == ON
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
        .then(pl.lit(ON))
        .when(pl.col("rule") == "fallback_off")
        .then(pl.lit(OFF))
        .when(pl.col("rule") != "none")
        .then(pl.col("preferred"))
    )


def _of_mode(on: str, off: str) -> pl.Expr:
    return pl.when(pl.col("mode") == ON).then(pl.col(on)).when(pl.col("mode") == OFF).then(pl.col(off))
