"""What rollouts show of the mode that they were asked for, and whether a mode is what it says."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from hipo_data.figures.text import percent
from hipo_data.prompts.doubt import doubts
from hipo_data.schemas.check_config import CheckConfig
from hipo_data.schemas.records import FinishReason, Mode, Rollout

PREFIX = "shown_"
"""Of the names in a node's counts."""

_DOUBTS = 2


@dataclass(frozen=True)
class Shown:
    """Rollouts of one mode by what they show; the first six share them out among themselves."""

    failed: int = 0
    """The request failed."""
    empty: int = 0
    """The response held nothing at all, time and again."""
    cut: int = 0
    """Ended at the limit on tokens."""
    malformed: int = 0
    """Ended by itself without an answer."""
    reasoned: int = 0
    """Whole, with reasoning."""
    plain: int = 0
    """Whole, without."""
    reasoning: int = 0
    """With reasoning, whole or not."""
    open: int = 0
    """Whole and without reasoning, but the answer thinks aloud."""

    @property
    def rollouts(self) -> int:
        """All."""
        return self.failed + self.empty + self.cut + self.malformed + self.reasoned + self.plain

    @property
    def answered(self) -> int:
        """Those that got a response."""
        return self.rollouts - self.failed - self.empty

    def __add__(self, other: "Shown") -> "Shown":
        return Shown(**{field.name: getattr(self, field.name) + getattr(other, field.name) for field in fields(self)})

    def usable(self, mode: Mode) -> int:
        """Those that could be an example of `mode`."""
        return self.reasoned if mode is Mode.THINK_ON else self.plain

    def counts(self) -> dict[str, int]:
        """As a node's counts."""
        return {PREFIX + field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def of_counts(cls, counts: Mapping[str, int]) -> "Shown":
        """From a node's counts, which an earlier version may have written without these."""
        return cls(**{field.name: counts.get(PREFIX + field.name, 0) for field in fields(cls)})


def thinks_aloud(answer: str) -> bool:
    """Whether an answer doubts and checks itself as reasoning does. A step list is none of that: answers have them.

    That two markers are needed is decided here, since a single "Let me verify" ends many an honest solution.
    """
    return doubts(answer) >= _DOUBTS


def shown(rollouts: Iterable[Rollout]) -> Shown:
    """The counts of rollouts of one mode."""
    found: Counter[str] = Counter()
    for rollout in rollouts:
        found[_kind(rollout)] += 1
        found["reasoning"] += bool(rollout.reasoning)
        found["open"] += _kind(rollout) == "plain" and thinks_aloud(rollout.answer or "")
    return Shown(**found)


def _kind(rollout: Rollout) -> str:
    if rollout.finish_reason is FinishReason.ERROR:
        return "failed"
    if rollout.finish_reason is FinishReason.EMPTY:
        return "empty"
    if rollout.finish_reason is FinishReason.LENGTH:
        return "cut"
    if not (rollout.answer or "").strip():
        return "malformed"
    return "reasoned" if rollout.reasoning else "plain"


def complaint(mode: Mode, seen: Shown, limits: CheckConfig, least: int = 1) -> str | None:
    """Why a mode is not what it says, in a clause; null where it is, or fewer than `least` rollouts tell."""
    if seen.rollouts < least:
        return None
    if (seen.failed + seen.empty) / seen.rollouts > limits.failed:
        empty = f", {seen.empty} of them with an empty response" if seen.empty else ""
        return f"{seen.failed + seen.empty} of {seen.rollouts} requests of {_name(mode)} failed{empty}"
    if mode is Mode.THINK_OFF and seen.answered and seen.reasoning / seen.answered > limits.off_reasoning:
        return (
            f"{seen.reasoning} of {seen.answered} think-off responses hold reasoning "
            f"(at most {percent(limits.off_reasoning)} may)"
        )
    whole = seen.reasoned + seen.plain
    if mode is Mode.THINK_ON and whole and seen.plain / whole > limits.on_plain:
        return f"{seen.plain} of {whole} think-on responses hold no reasoning (at most {percent(limits.on_plain)} may)"
    return None


def nothing_usable(mode: Mode, seen: Shown) -> str | None:
    """That no rollout of a mode can become an example, and what became of them; null where one can."""
    if not seen.rollouts or seen.usable(mode):
        return None
    parts = {"failed": seen.failed, "are empty": seen.empty, "were cut off": seen.cut, "have no answer": seen.malformed}
    parts |= {"hold reasoning": seen.reasoned} if mode is Mode.THINK_OFF else {"hold no reasoning": seen.plain}
    said = ", ".join(f"{count} {what}" for what, count in parts.items() if count)
    return f"not one of {seen.rollouts} {_name(mode)} rollouts can be used: {said}"


def in_words(mode: Mode, seen: Shown) -> str:
    """The shares of a mode, for people."""
    if not seen.rollouts:
        return f"{_name(mode)} none"
    parts = {
        "with reasoning": seen.reasoned,
        "without": seen.plain,
        "cut off": seen.cut,
        "without answer": seen.malformed,
        "failed": seen.failed,
        "empty": seen.empty,
        "thinking aloud": seen.open if mode is Mode.THINK_OFF else 0,
    }
    main = "with reasoning" if mode is Mode.THINK_ON else "without"
    said = [f"{percent(count / seen.rollouts)} {what}" for what, count in parts.items() if count or what == main]
    return f"{_name(mode)} {', '.join(said)}"


def _name(mode: Mode) -> str:
    return mode.value.replace("_", "-")
