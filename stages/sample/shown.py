"""What rollouts show of the mode that they were asked for, and whether a mode is what it says."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields

from hipo_data.figures.text import percent
from hipo_data.schemas.check_config import CheckConfig
from hipo_data.schemas.records import HIDDEN, FinishReason, Mode, Rollout
from hipo_data.stages.sample.lengths import bin_of, out_of_proportion, typical
from hipo_data.stages.texts.thinking_aloud import thinks_aloud

PREFIX = "shown_"
"""Of the names in a node's counts."""

_LENGTH = "tokens_"
_MAIN = {Mode.THINK_ON: "reasoned", Mode.THINK_OFF: "plain"}
"""What a whole rollout of a mode is."""


@dataclass(frozen=True)
class Shown:
    """Rollouts of one mode by what they show; the first six share them out among themselves."""

    failed: int = 0
    """The request failed."""
    empty: int = 0
    """The response held nothing at all, time and again."""
    cut: int = 0
    """Ended at the limit on tokens."""
    capped: int = 0
    """Cut off at its cap, which it was asked for with once its mode had won (`stopping.waves`): nothing went astray."""
    malformed: int = 0
    """Ended by itself without an answer."""
    reasoned: int = 0
    """Whole, with reasoning."""
    plain: int = 0
    """Whole, without."""
    reasoning: int = 0
    """With reasoning, whole or not, shown or hidden."""
    hidden: int = 0
    """Of these, those whose server hides it: it counts the tokens and does not show them."""
    open: int = 0
    """Whole and without reasoning, but the answer thinks aloud."""
    lengths: Mapping[int, int] = field(default_factory=dict)
    """How many whole rollouts of the mode have an answer of a length, by `lengths.bin_of`."""

    @property
    def rollouts(self) -> int:
        """All."""
        return self.failed + self.empty + self.cut + self.capped + self.malformed + self.reasoned + self.plain

    @property
    def answered(self) -> int:
        """Those that got a response."""
        return self.rollouts - self.failed - self.empty

    @property
    def long(self) -> int:
        """Answers whose length is out of proportion to that of the others."""
        return out_of_proportion(self.lengths)

    @property
    def typical_length(self) -> int | None:
        """Median length of an answer, to a tenth or so."""
        return typical(self.lengths)

    def __add__(self, other: "Shown") -> "Shown":
        sums = {name: getattr(self, name) + getattr(other, name) for name in _COUNTED}
        return Shown(**sums, lengths=Counter(self.lengths) + Counter(other.lengths))

    def usable(self, mode: Mode) -> int:
        """Those that could be an example of `mode`."""
        return int(getattr(self, _MAIN[mode.base]))

    def counts(self) -> dict[str, int]:
        """As a node's counts."""
        lengths = {f"{PREFIX}{_LENGTH}{at}": count for at, count in sorted(self.lengths.items())}
        return {PREFIX + name: getattr(self, name) for name in _COUNTED} | lengths

    @classmethod
    def of_counts(cls, counts: Mapping[str, int]) -> "Shown":
        """From a node's counts, which an earlier version may have written without these."""
        start = PREFIX + _LENGTH
        lengths = {int(name.removeprefix(start)): count for name, count in counts.items() if name.startswith(start)}
        return cls(**{name: counts.get(PREFIX + name, 0) for name in _COUNTED}, lengths=lengths)


_COUNTED = [each.name for each in fields(Shown) if each.name != "lengths"]


def shown(rollouts: Iterable[Rollout]) -> Shown:
    """The counts of rollouts of one mode."""
    found: Counter[str] = Counter()
    lengths: Counter[int] = Counter()
    for rollout in rollouts:
        kind = _kind(rollout)
        found[kind] += 1
        found["reasoning"] += rollout.reasoning is not None
        found["hidden"] += rollout.reasoning == HIDDEN
        found["open"] += kind == "plain" and thinks_aloud(rollout.answer or "")
        if kind == _MAIN[rollout.mode.base]:
            lengths[bin_of(rollout.answer_tokens)] += 1
    return Shown(**found, lengths=lengths)


def _kind(rollout: Rollout) -> str:
    if rollout.finish_reason is FinishReason.ERROR:
        return "failed"
    if rollout.finish_reason is FinishReason.EMPTY:
        return "empty"
    if rollout.finish_reason is FinishReason.LENGTH:
        return "capped" if rollout.cap is not None and rollout.completion_tokens > rollout.cap else "cut"
    if not (rollout.answer or "").strip():
        return "malformed"
    # Hidden reasoning is reasoning in think-off, and in think-on none that an example could have.
    reasons = rollout.reasoning if rollout.mode.thinks else rollout.reasoning is not None
    return "reasoned" if reasons else "plain"


def complaint(mode: Mode, seen: Shown, limits: CheckConfig, least: int = 1) -> str | None:
    """Why a mode is not what it says, in a clause; null where it is, or fewer than `least` rollouts tell."""
    if seen.rollouts < least:
        return None
    if (seen.failed + seen.empty) / seen.rollouts > limits.failed:
        empty = f", {seen.empty} of them with an empty response" if seen.empty else ""
        return f"{seen.failed + seen.empty} of {seen.rollouts} requests of {name_of(mode)} failed{empty}"
    if mode is Mode.THINK_OFF and seen.answered and seen.reasoning / seen.answered > limits.off_reasoning:
        return (
            f"{seen.reasoning} of {seen.answered} think-off responses hold reasoning{_hiding(seen, seen.reasoning)} "
            f"(at most {percent(limits.off_reasoning)} may)"
        )
    whole = seen.reasoned + seen.plain
    if mode.thinks and whole and seen.plain / whole > limits.on_plain:
        said = f"{seen.plain} of {whole} {name_of(mode)} responses hold no reasoning{_hiding(seen, seen.plain)}"
        return f"{said} (at most {percent(limits.on_plain)} may)"
    return None


def _hiding(seen: Shown, of: int) -> str:
    count = min(seen.hidden, of)
    return f", {count} of them hidden: their server counts it and does not show it" if count else ""


def nothing_usable(mode: Mode, seen: Shown) -> str | None:
    """That no rollout of a mode can become an example, and what became of them; null where one can."""
    if not seen.rollouts or seen.usable(mode):
        return None
    parts = {"failed": seen.failed, "are empty": seen.empty, "were cut off": seen.cut + seen.capped}
    parts |= {"have no answer": seen.malformed}
    parts |= {"hold reasoning": seen.reasoned} if mode is Mode.THINK_OFF else {"hold no reasoning": seen.plain}
    said = ", ".join(f"{count} {what}" for what, count in parts.items() if count)
    hidden = _hiding(seen, seen.plain + seen.reasoned)
    return f"not one of {seen.rollouts} {name_of(mode)} rollouts can be used: {said}{hidden}"


def in_words(mode: Mode, seen: Shown) -> str:
    """The shares of a mode, for people."""
    if not seen.rollouts:
        return f"{name_of(mode)} none"
    parts = {
        "with reasoning": seen.reasoned,
        "without": seen.plain,
        "cut off": seen.cut,
        "cut off at a cap": seen.capped,
        "without answer": seen.malformed,
        "failed": seen.failed,
        "empty": seen.empty,
        "thinking aloud": seen.open if mode is Mode.THINK_OFF else 0,
        "out of proportion in length": seen.long if mode is Mode.THINK_OFF else 0,
    }
    main = "with reasoning" if mode.thinks else "without"
    said = [f"{percent(count / seen.rollouts)} {what}" for what, count in parts.items() if count or what == main]
    return f"{name_of(mode)} {', '.join(said)}"


def name_of(mode: Mode) -> str:
    """As people write it."""
    return mode.value.replace("_", "-")
