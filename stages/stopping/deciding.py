"""Deciding: what full sampling would select, as soon as the rollouts so far say so.

Exact (`risk` 0): rollouts that are still out may turn out right, right but not fit to be kept, wrong or unknown. A
choice is settled once all these ends lead to it, as in deterministic curtailment of a trial. Since one of the ends is
that all the rest are unknown, and unknown rollouts leave the pass rate's denominator, `stages.select` comes to the
settled choice from the sampled rollouts alone: a rollout that was not asked for counts like an unknown one.

Statistical (`risk` > 0): settled as well once the predictive probability that full sampling leads to another mode is at
most `risk`. Each mode's pass rate has a Beta(a, b) prior, so that of m rollouts still out, x are right with the
beta-binomial probability C(m, x) B(a + right + x, b + wrong + m - x) / B(a + right, b + wrong), independently in both
modes. That is the predictive probability of Lee and Liu (Clinical Trials 5, 2008, 93-106). As there, the error rate is
not read off the prior: `stopping.calibration` finds the `risk` at which it stays below a stated one whatever the pass
rates are. Adaptive-Consistency (arXiv 2305.11860) and ESC (arXiv 2401.10480) stop when answers agree with each
other; the question here is what a finite number of verdicts will add up to.

Under `select.rule: posterior` the choice hangs on a prior that nobody knows before all problems are sampled. So a
choice is settled there once it is the same whatever the counts *and whatever the prior*: where think-off was right
every time, and where the mode was drawn or forced. All other problems are sampled in full.

Decided here, with no source: the uniform prior; rollouts still out are taken to be gradable, and right ones fit to be
kept; a random-mode problem is only settled exactly, and so is a drop; a choice settled statistically is the one that
the sampled rollouts lead to, so that `stages.select` needs not be told.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import comb, exp
from typing import NamedTuple

import polars as pl

from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.records import Mode
from hipo_data.stages.select.boundary import exceeds
from hipo_data.stages.select.guessing import NO_BETTER, is_luck
from hipo_data.stages.select.log_beta import log_beta
from hipo_data.stages.select.policies.hipo import Facts, Ruling, leaves_out, random_mode_of, ruling

_CACHED = 1 << 16


@dataclass(frozen=True)
class Rules:
    """What a problem is decided by."""

    select: SelectConfig
    drawn: Mode | None = None
    """The problem's entry of `random_modes`."""
    risk: float = 0.0
    """Predictive probability up to which full sampling may lead to another mode; 0 for exact."""
    options: int | None = None
    """Of multiple choice, how many options there are; rates that are luck drop the problem."""
    prior: tuple[float, float] = (1.0, 1.0)
    """a and b of the Beta prior of a mode's pass rate; read only where `risk` is above 0."""


class Standing(NamedTuple):
    """The rollouts of one mode so far."""

    known: int
    """Graded ones, right or wrong."""
    right: int
    left: int
    """Those whose verdict is still out; unknown ones are not among them."""
    pick: bool
    """Whether one could be kept."""


class End(NamedTuple):
    """What the choice depends on, of one mode at the end of sampling."""

    known: int
    """Graded rollouts, 0 where they are fewer than `min_graded`, so that there is no pass rate."""
    right: int
    """Right ones, whether there is a pass rate or not."""
    pick: bool


class Choice(NamedTuple):
    """What is the same whether sampling was full or stopped, next to the kept rollout's index.

    `mode`, `rule` and `drop_reason` as in `schemas.records.Decision`.
    """

    mode: Mode | None
    rule: str
    drop_reason: str | None
    solved: bool
    """Whether any response was right, which makes the problem a prompt for reinforcement learning."""


def random_modes(problem_ids: Sequence[str], config: SelectConfig, seed: int) -> list[Mode | None]:
    """For each problem the random mode that `stages.select` draws where either mode has a response; null for most."""
    frame = pl.DataFrame({"problem_id": problem_ids}, schema={"problem_id": pl.String})
    return [None if mode is None else Mode(mode) for mode in frame.select(random_mode_of(config, seed)).to_series()]


def choose(on: End, off: End, rules: Rules, gains: bool | None = None) -> Choice:
    """HiPO's rule for one problem.

    Args:
        gains: one of `gains_of`, where there are several.
    """
    config = rules.select
    if gains is None:
        (gains,) = gains_of(on, off, rules)
    could_gain = off.right < off.known if config.by_posterior else exceeds(1, 1, off.right, off.known, config.delta)
    facts = Facts(
        rated_on=on.known > 0,
        rated_off=off.known > 0,
        gains=gains,
        could_gain=off.known > 0 and could_gain,
        pick_on=on.pick,
        pick_off=off.pick,
        solved=on.right + off.right > 0,
        drawn=rules.drawn is not None,
        drawn_on=rules.drawn is Mode.THINK_ON,
        strict=leaves_out(config),
    )
    found = ruling(facts, config.fallback)
    if found.mode is not None and rules.options is not None and _all_luck(on, off, rules.options):
        found = Ruling(None, "none", NO_BETTER)
    return Choice(*found, facts.solved)


def _all_luck(on: End, off: End, options: int) -> bool:
    rated = [end for end in (on, off) if end.known]
    return bool(rated) and all(is_luck(end.right, end.known, options) for end in rated)


def gains_of(on: End, off: End, rules: Rules) -> tuple[bool, ...]:
    """Whether thinking gains by the rule: under `rule: posterior` either may be, whatever the counts, as long as there
    are two pass rates and think-off was wrong once. The prior, which is fitted to all problems, decides later.
    """
    if not (on.known and off.known):
        return (False,)
    if rules.select.by_posterior:
        return (False, True) if off.right < off.known else (False,)
    return (exceeds(on.right, on.known, off.right, off.known, rules.select.delta),)


def _choices(ons: Iterable[End], offs: Iterable[End], rules: Rules) -> frozenset[Choice]:
    """All that pairs of ends may lead to."""
    pairs = itertools.product(ons, offs)
    return frozenset(choose(on, off, rules, gains) for on, off in pairs for gains in gains_of(on, off, rules))


def as_sampled(standing: Standing, min_graded: int) -> End:
    """The end at which all the rest are unknown."""
    return _end(standing.known, standing.right, standing.pick, min_graded)


def _end(known: int, right: int, pick: bool, min_graded: int) -> End:
    return End(known if known >= min_graded else 0, right, pick)


def _ends(standing: Standing, min_graded: int, extremes: bool = False) -> Iterator[End]:
    """All that may come of a mode; `extremes` leaves out right counts between one and all."""
    for graded in range(standing.left + 1):
        for right in {0, min(1, graded), graded} if extremes else range(graded + 1):
            for pick in {standing.pick, standing.pick or right > 0}:
                yield _end(standing.known + graded, standing.right + right, pick, min_graded)


@lru_cache(maxsize=_CACHED)
def _corners(standing: Standing, min_graded: int) -> tuple[End, ...]:
    """The ends of lowest and of highest pass rate among those alike in all else.

    `choose` is monotone in each pass rate, so what these lead to is all that any end leads to.
    """
    groups: dict[tuple[bool, bool, bool], tuple[End, End]] = {}
    for end in _ends(standing, min_graded, extremes=True):
        key = (end.known > 0, end.right > 0, end.pick)
        low, high = groups.get(key, (end, end))
        groups[key] = (end if _below(end, low) else low, end if _below(high, end) else high)
    return tuple({end: None for pair in groups.values() for end in pair})


def _told_by(standing: Standing, rules: Rules) -> tuple[End, ...]:
    """Ends that lead to all choices there are; where luck drops problems, a rate in between leads to one of its own."""
    if rules.options is None:
        return _corners(standing, rules.select.min_graded)
    return tuple(dict.fromkeys(_ends(standing, rules.select.min_graded)))


def _below(end: End, other: End) -> bool:
    """Whether a pass rate is lower than another one; of ends without one none is."""
    return end.right * other.known < other.right * end.known


@lru_cache(maxsize=_CACHED)
def possible(on: Standing, off: Standing, rules: Rules) -> frozenset[Choice]:
    """All choices that full sampling may still lead to."""
    return _choices(_told_by(on, rules), _told_by(off, rules), rules)


@lru_cache(maxsize=_CACHED)
def matters(mode: Mode, on: Standing, off: Standing, rules: Rules) -> bool:
    """Whether the choice depends on verdicts of `mode` that are still out, for some end of the other mode."""
    own, other = (on, off) if mode is Mode.THINK_ON else (off, on)
    if own.left == 0 or len(possible(on, off, rules)) == 1:
        return False
    graded = rules.select.min_graded
    corners = _told_by(own, rules)
    for end in _ends(other, graded):
        if len(_choices(corners, [end], rules) if mode is Mode.THINK_ON else _choices([end], corners, rules)) > 1:
            return True
    return False


@lru_cache(maxsize=_CACHED)
def settled(on: Standing, off: Standing, rules: Rules) -> Choice | None:
    """The choice, null while it may still become another one (with a probability above `risk`).

    Under `rule: posterior` it stays null where the prior has the last word, when all is sampled too.
    """
    choices = possible(on, off, rules)
    if len(choices) == 1:
        return next(iter(choices))
    if rules.risk == 0 or rules.drawn is not None or rules.select.by_posterior:
        return None
    choice = choose(as_sampled(on, rules.select.min_graded), as_sampled(off, rules.select.min_graded), rules)
    return choice if choice.mode is not None and _other_mode(choice.mode, on, off, rules) <= rules.risk else None


def _other_mode(mode: Mode, on: Standing, off: Standing, rules: Rules) -> float:
    """The predictive probability that full sampling does not choose `mode`."""
    return sum(
        probability_on * probability_off
        for end_on, probability_on in _predicted(on, rules)
        for end_off, probability_off in _predicted(off, rules)
        if choose(end_on, end_off, rules).mode is not mode
    )


def _predicted(standing: Standing, rules: Rules) -> list[tuple[End, float]]:
    m = standing.left
    a, b = rules.prior[0] + standing.right, rules.prior[1] + standing.known - standing.right
    return [
        (
            _end(standing.known + m, standing.right + x, standing.pick or x > 0, rules.select.min_graded),
            comb(m, x) * exp(log_beta(a + x, b + m - x) - log_beta(a, b)),
        )
        for x in range(m + 1)
    ]


@lru_cache(maxsize=_CACHED)
def soonest(mode: Mode, on: Standing, off: Standing, rules: Rules) -> int:
    """After how many further verdicts of `mode`, at best, no more of them are needed; all of them if never before.

    Asking for fewer at once only costs time, never saves a rollout. "At best" looks at runs of one and the same
    verdict; a mixed run may in rare cases end the need earlier.
    """
    own = on if mode is Mode.THINK_ON else off
    for count in range(1, own.left):
        for run in _runs(own, count):
            pair = (run, off) if mode is Mode.THINK_ON else (on, run)
            if settled(*pair, rules) is not None or not matters(mode, *pair, rules):
                return count
    return own.left


def _runs(standing: Standing, count: int) -> list[Standing]:
    known, left = standing.known + count, standing.left - count
    return [
        Standing(known, standing.right + count, left, pick=True),
        standing._replace(known=known, left=left),
        standing._replace(left=left),
    ]
