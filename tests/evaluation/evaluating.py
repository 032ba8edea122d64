"""A backend of known responses, and a set of sums for it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hipo_data.evaluation.backend import Ask, Reply, Sampling
from hipo_data.prompts.formats.format import Format
from hipo_data.prompts.formats.parts import HybridResponse
from hipo_data.schemas.records import FinishReason, Mode
from tests.support.commands import write_lines

ON_TOKENS, OFF_TOKENS = 50, 8


def sums(path: Path, count: int = 6) -> Path:
    """An evaluation set: problem i asks for i + i."""
    return write_lines(
        path,
        [{"question": f"{i}+{i}?", "gold": str(2 * i), "family": ("even", "odd")[i % 2]} for i in range(count)],
    )


class Scripted:
    """Right with thinking, and without it on even problems. Left to choose, it thinks below `thinks_below`."""

    name = "scripted"

    def __init__(self, thinks_below: int = 4, fail: frozenset[str] = frozenset(), break_at: int | None = None) -> None:
        self.thinks_below, self.fail, self.break_at = thinks_below, fail, break_at
        self.asked: list[tuple[str | None, int]] = []
        self.starts = 0
        self.closed = 0
        self._format: Format | None = None

    @property
    def details(self) -> Mapping[str, Any]:
        return {}

    def start(self, model: str, response_format: Format | None) -> None:
        self.starts += 1
        self._format = response_format

    def generate(self, asks: Sequence[Ask], sampling: Sampling) -> list[Reply]:
        if self.break_at is not None and len(self.asked) == self.break_at:
            raise RuntimeError("the engine died")
        self.asked.append((asks[0].forced.value if asks[0].forced else None, len(asks)))
        return [self._reply(ask) for ask in asks]

    def close(self) -> None:
        self.closed += 1

    def _reply(self, ask: Ask) -> Reply:
        question = ask.chat[-1]["content"]
        if question in self.fail:
            return Reply("", None, FinishReason.ERROR, error="overloaded")
        number = int(question.partition("+")[0])
        mode = ask.forced or (Mode.THINK_ON if number < self.thinks_below else Mode.THINK_OFF)
        right = mode is Mode.THINK_ON or number % 2 == 0
        answer = f"\\boxed{{{2 * number if right else 2 * number + 1}}}"
        if self._format is None:
            return Reply(answer, OFF_TOKENS, FinishReason.STOP)
        reasoning = "so" if mode is Mode.THINK_ON else None
        text = self._format.render(HybridResponse(mode, "Because.", reasoning, answer))
        return Reply(text, ON_TOKENS if reasoning else OFF_TOKENS, FinishReason.STOP)
