"""What can be wrong with one row as a template renders it: one check a function, none that needs another row."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hipo_data.prompts.formats.format import Format
from hipo_data.schemas.records import Mode
from hipo_data.stages.publish.certificate.rendering import Rendered, common
from hipo_data.stages.texts.thinking_aloud import thinks_aloud

_THINK, _END = "<think>", "</think>"
_BLOCK = re.compile(r"<think>(.*?)</think>", re.DOTALL)
_CONTROL = re.compile(r"<[|｜][^|｜<>]*[|｜]>(assistant|analysis|final)?")
"""Tokens of a template with the role or channel that they name: how a turn begins, and no part of the response."""
_SHOWN = 60

CHECKS = {
    "template_error": "the template renders every row",
    "nothing_trained": "something of each response is trained",
    "response_changed": "the response stands in the text as it is in the dataset",
    "added_text": "nothing is trained in front of a response that is not of it",
    "judge_lost": "the justification is trained",
    "reasoning_lost": "the reasoning of think-on is trained",
    "reasoning_under_off": "no reasoning is trained under think-off",
    "empty_think_under_on": "no empty reasoning stands under think-on",
    "answer_lost": "the answer is trained",
    "unbalanced_think": "each <think> of a turn has its </think>",
    "prompt_differs": "the text begins as the prompt of the row's mode does when the model is used",
    "modes_alike": "where the prompt tells the mode, both modes have prompts of their own",
    "other_mode_taught": "nothing that the prompt of one mode holds is taught after the prompt of the other",
    "end_untrained": "what ends the turn is trained, so that the model learns to stop",
    "cut": "no row is longer than what is trained of one",
    "earlier_turns": "earlier turns are as wanted",
}
"""What is looked at, each as what has to hold."""


@dataclass(frozen=True)
class Row:
    """What the dataset says of a row."""

    mode: Mode
    justification: str
    reasoning: str | None
    answer: str
    response: str | None
    """The whole response; null where its parts are handed to the template one by one."""
    form: Format

    @classmethod
    def of(cls, row: Mapping[str, Any], form: Format, apart: bool) -> "Row":
        """A row of `sft/`. `apart`: its reasoning is a field of its own for the template."""
        response = None if apart else row["messages"][-1]["content"]
        return cls(Mode(row["mode"]).base, row["justification"], row["reasoning"], row["answer"], response, form)


@dataclass(frozen=True)
class Facts:
    """What a row shows, right or wrong."""

    empty_think: bool
    """Whether an empty block of reasoning is trained."""
    prompt_trained: bool
    """Whether something is trained that the prompt of the row's mode holds already: lost, and harmless by itself."""
    aloud_before: bool
    """Whether a think-off answer thinks aloud in the dataset."""
    aloud_after: bool
    """Whether what is trained of a think-off row does, outside of any reasoning."""


def facts(row: Row, text: Rendered) -> Facts:
    """What a row shows."""
    off = row.mode is Mode.THINK_OFF
    bare = _BLOCK.sub("", text.trained_text)
    return Facts(
        empty_think=any(not block.strip() for block in _BLOCK.findall(text.trained_text)),
        prompt_trained=text.trained[0][0] < common(text.whole, text.prompt) if text.trained else False,
        aloud_before=off and thinks_aloud(row.answer),
        aloud_after=off and thinks_aloud(bare.replace(row.justification, "") if row.justification else bare),
    )


def findings(row: Row, text: Rendered) -> Iterator[tuple[str, str]]:
    """The checks of `CHECKS` that a row fails, each with a sentence."""
    trained, turn = text.trained_text, text.turn
    if not trained.strip():
        yield "nothing_trained", "the loss is on nothing of it"
        return
    yield from _parts(row, trained, turn)
    yield from _prompt(row, text)
    blocks = _blocks(row, turn)
    if row.mode is Mode.THINK_OFF and any(block.strip() for block in blocks):
        yield "reasoning_under_off", f"it trains {_cut(next(each for each in blocks if each.strip()))} as reasoning"
    if row.mode is Mode.THINK_ON and any(not block.strip() for block in blocks):
        yield "empty_think_under_on", "an empty <think> block stands in it"
    if turn.count(_THINK) != turn.count(_END):
        yield "unbalanced_think", f"{turn.count(_THINK)} <think> and {turn.count(_END)} </think>"
    if not _after(row, text).strip():
        yield "end_untrained", f"behind the answer nothing is trained; the text ends in {_cut(turn[-30:])}"


def _blocks(row: Row, turn: str) -> list[str]:
    """What stands between tags of reasoning, but for what the prompt writes there, such as AutoThink's ellipsis."""
    given = row.form.given(row.mode)
    return _BLOCK.findall(turn.replace(given, _THINK, 1) if _THINK in given and _END not in given else turn)


def _parts(row: Row, trained: str, turn: str) -> Iterator[tuple[str, str]]:
    if row.response is not None and row.response not in turn:
        lines = [line for line in row.response.split("\n") if line]
        lost = next((line for line in lines if line not in turn), None)
        yield "response_changed", "its line breaks are others" if lost is None else f"{_cut(lost)} is not in it"
    if row.form.justifies and row.justification not in trained:
        yield "judge_lost", f"{_cut(row.justification)} is not trained"
    if row.reasoning is not None and row.reasoning.strip() not in trained:
        yield "reasoning_lost", f"{_cut(row.reasoning)} is not trained"
    if row.answer.strip() not in trained:
        yield "answer_lost", f"{_cut(row.answer)} is not trained"


def _prompt(row: Row, text: Rendered) -> Iterator[tuple[str, str]]:
    """What stands between the turn's head and the response, and whether the prompt says the same."""
    first = text.trained[0][0]
    if not text.whole.startswith(text.prompt):
        at = common(text.whole, text.prompt)
        at -= text.whole[:at].endswith("<")  # so that a tag is shown whole
        yield (
            "prompt_differs",
            f"the prompt goes on with {_cut(text.prompt[at:])}, the row with {_cut(text.whole[at:])}",
        )
    elif (taught := _taught(row, text)) is not None:
        yield taught
    if row.response is not None and (at := text.whole.find(row.response, text.start)) > first:
        added = text.whole[first:at]
        if _CONTROL.sub("", added).strip():
            yield "added_text", f"{added!r} is trained in front of it"


def _taught(row: Row, text: Rendered) -> tuple[str, str] | None:
    """What a row teaches after the prompt of the other mode, where a switch tells the modes apart."""
    if not row.form.chat_template_kwargs(row.mode):
        return None
    if text.other == text.prompt:
        return "modes_alike", f"the prompt of {row.mode} is that of {row.mode.other}: the template has no such switch"
    held = text.whole[max(text.trained[0][0], len(text.other)) : len(text.prompt)]
    if text.whole.startswith(text.other) and held.strip():
        return "other_mode_taught", f"{held!r} is trained after the prompt of {row.mode.other}"
    return None


def _after(row: Row, text: Rendered) -> str:
    """What is trained behind the response."""
    response = row.response if row.response is not None and row.response in text.turn else row.answer.strip()
    at = text.whole.rfind(response, text.start)
    end = len(text.whole) if at < 0 else at + len(response)
    after = "".join(text.whole[max(start, end) : stop] for start, stop in text.trained if stop > end)
    return after.strip().removeprefix("</answer>")


def _cut(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…")
