"""HiPO (arXiv 2509.23967).

The mode with the higher pass rate wins, and think-off where thinking raises the pass rate by less than δ; the shortest
right response of the winning mode is kept. One problem in a hundred gets a random mode.

What the paper leaves open and is decided here:

- "significantly higher" is `p_on - p_off > δ`, so a tie at δ goes to think-off (`stages.select.boundary`);
- length is tokens of the whole response, ties fall to the lower index;
- the winning mode may have no usable response while the other has: `fallback` says whether that one is taken;
- a mode without a graded response has no pass rate, and the other one wins; where `min_graded` is above 1, a problem
  of which a mode has fewer is left out, unless think-off is right so often that no think-on verdict could matter.

`rule: posterior`, ours, asks instead whether thinking gains δ more likely than not, by the true pass rates: by the
counts of the problem and a prior fitted to those of all problems (`stages.select.prior`). Where think-off was right
every time it answers at once, which no prior is asked about, so that think-on need not be sampled there.

The rule stands once, in `ruling`, for one problem. `choose` asks it about every combination of the facts that it reads
and looks each problem up; `stages.stopping.deciding` asks it about what may still come of a problem.
"""

from collections.abc import Callable
from functools import cache
from typing import Literal, NamedTuple

import polars as pl

from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.records import Mode
from hipo_data.stages.select.boundary import exceeds
from hipo_data.stages.select.policies.policy import ON, Chosen, as_picks, by_cases, draw, why_dropped


class Facts(NamedTuple):
    """All that the rule reads of a problem."""

    rated_on: bool
    """Whether think-on has a pass rate."""
    rated_off: bool
    gains: bool
    """Whether both have, and thinking raises it by more than δ (`exceeds`), or is likely to."""
    could_gain: bool
    """Whether think-off has, and think-on could raise it by more than δ if all its responses were right."""
    pick_on: bool
    """Whether think-on has a response that can be kept."""
    pick_off: bool
    solved: bool
    """Whether any response was right."""
    drawn: bool
    """Whether the problem gets a random mode."""
    drawn_on: bool
    """Whether that is think-on, where either mode has a response that can be kept."""
    strict: bool = False
    """Whether a mode with too few graded responses leaves the problem out (`leaves_out`)."""


class Ruling(NamedTuple):
    """What the rule comes to, as in `schemas.records.Decision`."""

    mode: Mode | None
    rule: str
    drop_reason: str | None


@cache
def ruling(facts: Facts, fallback: Literal["other_mode", "drop"]) -> Ruling:
    """The rule."""
    if not facts.rated_on and not facts.rated_off:
        return Ruling(None, "none", TOO_FEW if facts.strict else _why_dropped(facts))
    picks = {Mode.THINK_ON: facts.pick_on, Mode.THINK_OFF: facts.pick_off}
    if facts.drawn and any(picks.values()):
        drawn = Mode.THINK_ON if facts.drawn_on else Mode.THINK_OFF
        return Ruling(drawn if picks[drawn] else drawn.other, "random", None)
    if facts.strict and not (facts.rated_on and facts.rated_off) and (facts.rated_on or facts.could_gain):
        return Ruling(None, "none", TOO_FEW)
    wants_on = facts.gains if facts.rated_on and facts.rated_off else facts.rated_on
    preferred = Mode.THINK_ON if wants_on else Mode.THINK_OFF
    if picks[preferred]:
        return Ruling(preferred, _name(facts, preferred), None)
    if picks[preferred.other] and fallback == "other_mode":
        return Ruling(preferred.other, "fallback_off" if wants_on else "fallback_on", None)
    return Ruling(None, "none", _why_dropped(facts))


def _why_dropped(facts: Facts) -> str:
    rated, picked = facts.rated_on or facts.rated_off, facts.pick_on or facts.pick_off
    return why_dropped(rated, facts.solved, picked) or "preferred_mode_has_none"


def _name(facts: Facts, preferred: Mode) -> str:
    if preferred is Mode.THINK_ON:
        return "margin" if facts.rated_off else "only_mode"
    return "default_off" if facts.rated_on or not facts.could_gain else "only_mode"


TOO_FEW = "too_few_graded"
"""Why a problem is left out whose modes cannot be compared."""


def leaves_out(config: SelectConfig) -> bool:
    """Whether too few verdicts of one mode leave a problem out: where the recipe asks for more than one."""
    return config.min_graded > 1


LIKELY = 0.5
"""A probability above this one is more likely than not; a tie answers at once."""

MODES = 1


def choose(problems: pl.LazyFrame, rollouts: pl.LazyFrame, config: SelectConfig, seed: int) -> Chosen:
    """See `stages.select.policies.policy`."""
    decisions = (
        problems.with_columns(random_mode=random_mode_of(config, seed))
        .with_columns(
            mode=_looked_up("mode", config),
            rule=_looked_up("rule", config),
            drop_reason=_looked_up("drop_reason", config),
        )
        .with_columns(
            index=_of_mode("pick_on", "pick_off"), chosen_tokens=_of_mode("pick_tokens_on", "pick_tokens_off")
        )
    )
    kept = decisions.filter(pl.col("mode").is_not_null())
    return Chosen(decisions, as_picks(kept.select("problem_id", "mode", "index", rank=0, tokens="chosen_tokens")))


def _looked_up(part: str, config: SelectConfig) -> pl.Expr:
    """A part of the ruling of each problem."""
    both, rated_off = pl.col("margin").is_not_null(), pl.col("p_off").is_not_null()
    right_on, n_on, right_off, n_off = (pl.col(name) for name in ("right_on", "n_on", "right_off", "n_off"))
    if config.by_posterior:
        could_gain = right_off < n_off
        gains = could_gain & (pl.col("p_gain") > LIKELY)
    else:
        gains = exceeds(right_on, n_on, right_off, n_off, config.delta)
        could_gain = exceeds(n_off, n_off, right_off, n_off, config.delta)
    facts = {
        "rated_on": pl.col("p_on").is_not_null(),
        "rated_off": pl.col("p_off").is_not_null(),
        "gains": both & gains,
        "could_gain": rated_off & could_gain,
        "pick_on": pl.col("pick_on").is_not_null(),
        "pick_off": pl.col("pick_off").is_not_null(),
        "solved": pl.col("right_on") + pl.col("right_off") > 0,
        "drawn": pl.col("random_mode").is_not_null(),
        "drawn_on": pl.col("random_mode") == ON,
        "strict": pl.lit(leaves_out(config)),
    }
    return by_cases(_part(part, config.fallback), *(facts[name] for name in Facts._fields))


@cache
def _part(name: str, fallback: Literal["other_mode", "drop"]) -> Callable[..., str | None]:
    """The rule as `by_cases` asks it for a part; the same function each time, so that its answers are kept."""

    def rule(*facts: bool) -> str | None:
        found: str | None = getattr(ruling(Facts(*facts), fallback), name)
        return found

    return rule


def random_mode_of(config: SelectConfig, seed: int) -> pl.Expr:
    """The mode of a problem that is drawn for a random one, null for all others; by seed and problem id alone."""
    drawn = draw(seed, "random_mode") < int(config.random_fraction * 16**12)
    on = draw(seed, "random_mode", start=12) % 2 == 0
    return pl.when(drawn & on).then(pl.lit(ON)).when(drawn).then(pl.lit(Mode.THINK_OFF.value))


def _of_mode(on: str, off: str) -> pl.Expr:
    is_on = pl.col("mode") == ON
    return pl.when(is_on).then(pl.col(on)).when(~is_on).then(pl.col(off))
