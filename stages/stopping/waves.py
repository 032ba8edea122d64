"""Waves: which rollouts of a problem to ask for next, until what full sampling would select is settled.

1. Think-off, as long as its verdicts matter to the choice; then think-on, as long as its do. These rollouts are the
   *evidence*: asked for without a cap, and all that pass rates are computed from.
2. Once the choice is settled (`stopping.deciding`), the remaining rollouts of its mode matter only by being right and
   shorter than the shortest right one. They are asked for with a *cap*, the greatest length at which one would be
   kept, and cut off there.

A capped rollout belongs to no pass rate, whether it was cut off (its verdict would say `truncated`, which says nothing
of the problem) or ended in time (those that end in time are a choice of the short ones, so of the right ones).

A wave is a barrier: the next one is a function of the outcomes of all earlier ones, and of nothing that came in since.
So the same rollouts are asked for with the same caps whatever finishes first, and after a crash. Full sampling's
outcomes put through `walk` give the evidence that stopped sampling would have seen.

Identical to full sampling are mode, rule, kept rollout and drop reason of every problem. Different are counts, pass
rates, their intervals and mean lengths: they come from the evidence, which is smaller, and since it ends at a moment
that depends on it, pass rates lean away from δ and intervals hold less than they say.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from hipo_data.prompts.formats.hipo import HIPO
from hipo_data.schemas.records import FinishReason, Mode, Rollout, Status
from hipo_data.stages.stopping.deciding import (
    Choice,
    Rules,
    Standing,
    matters,
    possible,
    settled,
    soonest,
)
from hipo_data.stages.texts.thinking_aloud import leaks

_ORDER = (Mode.THINK_OFF, Mode.THINK_ON)

Key = tuple[Mode, int]
Best = tuple[int, int]
"""Tokens and index of the shortest response that may be kept."""


@dataclass(frozen=True)
class Plan:
    """Full sampling of one problem, and how it may be cut down. A wave holds what is needed at least, or more."""

    rules: Rules
    n_on: int
    n_off: int
    first: int = 1
    """Rollouts that the first wave of a mode holds at least."""
    growth: int = 2
    """What that number is multiplied by from wave to wave."""

    def count(self, mode: Mode) -> int:
        """Rollouts of full sampling."""
        return self.n_on if mode is Mode.THINK_ON else self.n_off

    def size(self, waves: int) -> int:
        """What a mode's wave holds at least, after so many of them."""
        return self.first * int(self.growth**waves)


class Outcome(NamedTuple):
    """A finished rollout with its final verdict."""

    status: Status
    usable: bool
    """Whether it may be kept if its mode wins, which one that was cut off may not."""
    tokens: int
    """Completion tokens, at least 1."""
    cut: bool = False
    """Whether it was cut off, after `tokens`, below the limit that full sampling sets."""
    given: bool = False
    """Whether it was there before sampling, as imported ones are: evidence that nobody has to ask for."""


@dataclass(frozen=True, order=True)
class Ask:
    """A rollout to sample; one longer than `cap` tokens cannot be kept, and null is no cap.

    `max_tokens` of the request should be `cap` + 1: not every engine calls a response complete that ends at the limit.
    """

    mode: Mode
    index: int
    cap: int | None

    @property
    def key(self) -> Key:
        """Under which its outcome is handed in."""
        return self.mode, self.index


@dataclass(frozen=True)
class Progress:
    """Where a problem stands: the rollouts of the wave under way that are still missing, and what is known."""

    wave: tuple[Ask, ...]
    """In order of index; empty when the problem is done."""
    asked: tuple[Ask, ...]
    """All of earlier waves, and those of this wave that have come in."""
    choice: Choice | None
    """Null until settled."""
    best: Best | None
    """Of the settled mode, as of the last wave's end."""

    @property
    def index(self) -> int | None:
        """Index of the kept rollout, once the problem is done."""
        return self.best[1] if self.best is not None and not self.wave else None


def outcome_of(
    rollout: Rollout,
    status: Status,
    max_tokens: int,
    tags: Collection[str] = HIPO.tags,
    given: bool = False,
    refuse_leaking: bool = False,
) -> Outcome:
    """The outcome of a graded rollout, by the rules of `stages.select`; `max_tokens` is full sampling's limit.

    With `refuse_leaking`, which is `select.leaking`, a think-off response that thinks all the same is unknown.
    """
    if refuse_leaking and leaks(rollout.mode, rollout.reasoning, rollout.answer):
        status = Status.UNKNOWN
    keeps_mode = bool(rollout.reasoning) if rollout.mode is Mode.THINK_ON else rollout.reasoning is None
    has_tag = any(tag in (part or "") for part in (rollout.reasoning, rollout.answer) for tag in tags)
    stopped = rollout.finish_reason is FinishReason.STOP
    return Outcome(
        status=status,
        usable=status is Status.CORRECT and stopped and keeps_mode and not has_tag,
        tokens=rollout.completion_tokens,
        cut=rollout.finish_reason is FinishReason.LENGTH and rollout.max_tokens < max_tokens,
        given=given,
    )


def cap_for(best: Best | None, index: int) -> int | None:
    """The greatest length in tokens at which rollout `index` would be kept instead of `best`; null for any.

    Below 1 it is not needed. Of equally long rollouts the one of lower index is kept.
    """
    if best is None:
        return None
    tokens, holder = best
    return tokens if index < holder else tokens - 1


@dataclass
class _Side:
    """One mode on the way: what has been asked for, and what came of it."""

    count: int
    known: int = 0
    right: int = 0
    evidence: int = 0
    best: Best | None = None
    waves: int = 0
    done: set[int] = field(default_factory=set)

    @property
    def standing(self) -> Standing:
        return Standing(self.known, self.right, self.count - self.evidence, self.best is not None)

    def take(self, index: int, outcome: Outcome, cap: int | None) -> None:
        self.done.add(index)
        if cap is None:
            self.evidence += 1
            self.known += outcome.status is not Status.UNKNOWN
            self.right += outcome.status is Status.CORRECT
        if outcome.usable:
            mine = (outcome.tokens, index)
            self.best = mine if self.best is None else min(self.best, mine)

    def open(self, capped: bool) -> list[tuple[int, int | None]]:
        """Index and cap of what could still be asked for."""
        wanted = ((index, cap_for(self.best, index) if capped else None) for index in range(self.count))
        return [(index, cap) for index, cap in wanted if index not in self.done and (cap is None or cap >= 1)]


def _answers(outcome: Outcome, cap: int | None) -> bool:
    """Whether it says what is asked: where it was cut off, that it is longer than `cap`."""
    return not outcome.cut or (cap is not None and outcome.tokens > cap)


def walk(plan: Plan, outcomes: Mapping[Key, Outcome]) -> Progress:
    """Goes from wave to wave as far as `outcomes` reach.

    Outcomes that no wave asked for are left aside, unless they were `given`; so are indexes beyond full sampling's, and
    whatever a cut-off rollout has beyond its cap.
    """
    sides = {mode: _Side(plan.count(mode)) for mode in _ORDER}
    for (mode, index), outcome in sorted(outcomes.items()):
        if outcome.given and not outcome.cut and index < plan.count(mode):
            sides[mode].take(index, outcome, cap=None)
    asked: list[Ask] = []
    while True:
        wave = _wave(plan, sides)
        missing = tuple(ask for ask in wave if not _is_there(ask, outcomes))
        asked += [ask for ask in wave if ask not in missing]
        if missing or not wave:
            break
        for ask in wave:
            sides[ask.mode].take(ask.index, outcomes[ask.key], ask.cap)
        sides[wave[0].mode].waves += 1
    choice = _settled(plan, sides)
    best = sides[choice.mode].best if choice is not None and choice.mode is not None else None
    return Progress(missing, tuple(asked), choice, best)


def _is_there(ask: Ask, outcomes: Mapping[Key, Outcome]) -> bool:
    outcome = outcomes.get(ask.key)
    return outcome is not None and _answers(outcome, ask.cap)


def _settled(plan: Plan, sides: Mapping[Mode, _Side]) -> Choice | None:
    return settled(sides[Mode.THINK_ON].standing, sides[Mode.THINK_OFF].standing, plan.rules)


def evidence(plan: Plan, on: Standing, off: Standing, waves: Mapping[Mode, int]) -> tuple[Mode, int] | None:
    """Mode and size of the next wave of evidence, null where no more is needed for the choice."""
    if settled(on, off, plan.rules) is not None:
        return None
    mode = next((mode for mode in _ORDER if matters(mode, on, off, plan.rules)), None)
    if mode is None:
        return None  # all is sampled, and the prior decides
    left = on.left if mode is Mode.THINK_ON else off.left
    return mode, min(left, max(soonest(mode, on, off, plan.rules), plan.size(waves[mode])))


def _wave(plan: Plan, sides: Mapping[Mode, _Side]) -> list[Ask]:
    on, off = sides[Mode.THINK_ON].standing, sides[Mode.THINK_OFF].standing
    wanted = evidence(plan, on, off, {mode: side.waves for mode, side in sides.items()})
    if wanted is not None:
        mode, size = wanted
        return [Ask(mode, index, cap) for index, cap in sides[mode].open(capped=False)[:size]]
    choice = settled(on, off, plan.rules)
    if choice is None or choice.mode is None:
        return []
    side = sides[choice.mode]
    return [Ask(choice.mode, index, cap) for index, cap in side.open(capped=True)[: plan.size(side.waves)]]


def next_wave(plan: Plan, outcomes: Mapping[Key, Outcome]) -> tuple[Ask, ...]:
    """What to sample now: the rest of the wave under way, or else the next wave; empty when the problem is done."""
    return walk(plan, outcomes).wave


def needs(plan: Plan, outcomes: Mapping[Key, Outcome]) -> list[Ask]:
    """Every rollout that can still change the problem's choice or its kept rollout, whatever the waves.

    Takes all of `outcomes` as they are. A rollout that can only change what is kept has a cap.
    """
    sides = {mode: _Side(plan.count(mode)) for mode in _ORDER}
    cut: list[Key] = []
    for (mode, index), outcome in sorted(outcomes.items()):
        if index < plan.count(mode) and not outcome.cut:
            sides[mode].take(index, outcome, cap=None)
        elif index < plan.count(mode):
            cut.append((mode, index))
    on, off = sides[Mode.THINK_ON].standing, sides[Mode.THINK_OFF].standing
    choice = _settled(plan, sides)
    modes = {choice.mode} if choice is not None else {each.mode for each in possible(on, off, plan.rules)}
    wanted = [
        Ask(mode, index, cap)
        for mode in _ORDER
        for rates in [choice is None and matters(mode, on, off, plan.rules)]
        if rates or mode in modes
        for index, cap in sides[mode].open(capped=not rates)
    ]
    known = {key: outcomes[key] for key in cut}
    return [ask for ask in wanted if not _is_there(ask, known)]
