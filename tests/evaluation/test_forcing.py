"""A forced mode comes after the model's own justification, and a response has to show it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from hipo_data.evaluation.backend import Ask, Reply, Sampling
from hipo_data.evaluation.forcing import in_two_steps
from hipo_data.evaluation.reading import read_reply
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.records import FinishReason, Mode

ON, OFF = Mode.THINK_ON, Mode.THINK_OFF
HIPO = FORMATS["hipo"]
STOP, LENGTH = FinishReason.STOP, FinishReason.LENGTH
SAMPLING = Sampling(max_tokens=20)
JUDGED = "<judge>\nEasy.\n</judge>\n\n"


class Model:
    """Writes `opened` where it is asked for a justification, and records what it is asked."""

    def __init__(self, opened: Reply, rest: Reply | None = None) -> None:
        self.opened, self.rest = opened, rest
        self.asked: list[list[tuple[Ask, str | None]]] = []

    def __call__(self, asks: Sequence[Ask], sampling: Sampling) -> list[Reply]:
        self.asked.append([(ask, sampling.until) for ask in asks])
        return [self._reply(ask, sampling) for ask in asks]

    def _reply(self, ask: Ask, sampling: Sampling) -> Reply:
        if sampling.until is not None:
            return self.opened
        start = HIPO.forced_prefix(ask.forced, ask.justification or "") if ask.forced else "<judge>\n"
        return self.rest or Reply(start + "\n<answer>\n4\n</answer>", 6, STOP, given=len(start))


def ask(forced: Mode | None, seed: int = 0) -> Ask:
    return Ask(({"role": "user", "content": "2+2?"},), seed, forced)


def test_the_model_justifies_the_mode_before_it_is_forced() -> None:
    model = Model(Reply("<judge>\nEasy.\n</judge>", 4, STOP, given=8))
    (found,) = in_two_steps(HIPO, [ask(OFF)], SAMPLING, model)
    assert found.text == JUDGED + "<think_off>\n<answer>\n4\n</answer>"
    assert found.tokens == 4 + 6
    (first, until), (second, _) = (step[0] for step in model.asked)
    assert (first.forced, until) == (None, "</judge>")
    assert (second.forced, second.justification, second.spent) == (OFF, "Easy.", 4)


def test_what_is_not_forced_is_asked_at_once() -> None:
    model = Model(Reply("<judge>\nEasy.\n</judge>", 4, STOP, given=8))
    asks = [ask(None, 1), ask(ON, 2), ask(None, 3)]
    assert len(in_two_steps(HIPO, asks, SAMPLING, model)) == 3
    assert [[each.seed for each, _ in step] for step in model.asked] == [[2], [1, 2, 3]]
    for name in sorted(set(FORMATS) - {"hipo"}):
        model.asked.clear()
        in_two_steps(FORMATS[name], [ask(OFF)], SAMPLING, model)
        assert model.asked == [[(ask(OFF), None)]], name


@pytest.mark.parametrize(
    "opened",
    [
        Reply("<judge>\nEasy, since", 20, LENGTH, given=8),  # cut off
        Reply("<judge>\nEasy.", 3, STOP, given=8),  # the turn ended in it
        Reply("<judge>\nEasy.\n<think_off>\n</judge>", 5, STOP, given=8),  # it holds a tag
        Reply("", None, FinishReason.ERROR, error="overloaded"),
    ],
)
def test_a_justification_that_never_ends_is_the_response_and_shows_no_mode(opened: Reply) -> None:
    model = Model(opened)
    assert in_two_steps(HIPO, [ask(OFF)], SAMPLING, model) == [opened]
    assert len(model.asked[1:]) == 0 or model.asked[1] == []
    assert read_reply(opened, HIPO, OFF).mode is None


def test_tokens_are_limited_over_both_steps() -> None:
    model = Model(Reply("<judge>\nEasy.\n</judge>", 20, STOP, given=8))
    (found,) = in_two_steps(HIPO, [ask(OFF)], SAMPLING, model)
    assert (found.finish_reason, found.tokens) == (LENGTH, 20)


def test_a_second_step_that_fails_is_a_failed_request() -> None:
    failed = Reply("", None, FinishReason.ERROR, error="overloaded")
    model = Model(Reply("<judge>\nEasy.\n</judge>", 4, STOP, given=8), failed)
    assert in_two_steps(HIPO, [ask(OFF)], SAMPLING, model) == [failed]


@pytest.mark.parametrize(
    ("name", "forced", "written", "mode"),
    [
        ("hipo", OFF, "\n<answer>\n4\n</answer>", OFF),
        ("hipo", OFF, "\n4", OFF),  # a slip behind the tag
        ("hipo", OFF, "\n<answer>\n4, as", OFF),
        ("hipo", OFF, "\n<think>\nso\n</think>\n\n<answer>\n4\n</answer>", ON),  # it thinks all the same
        ("hipo", ON, "<judge>\nEasy.\n</judge>\n\n<think_on>\n<think>\nso", None),  # the turn begins anew
        ("hipo", ON, "Easy.\n</judge>\n\n<think_off>\n<answer>\n4\n</answer>", None),
        ("hipo", ON, "\n<think_off>\n<answer>\n4\n</answer>", None),  # the model takes it back
        ("thinkless", ON, "<short>\n4", None),
        ("thinkless", OFF, "4", OFF),
        ("lhrm", OFF, "\n<think>\nso\n</think>\n\n4", ON),
        ("adaptthink", OFF, "4", OFF),
        ("adaptthink", OFF, "\n\n4\n</think>", OFF),  # a stray tag
        ("adaptthink", OFF, "so\n</think>\n\n4", ON),
        ("qwen3", OFF, "<think>\nso\n</think>\n\n4", ON),
        ("qwen3", OFF, "4\n</think>", OFF),
    ],
)
def test_a_forced_response_shows_its_mode_or_another(name: str, forced: Mode, written: str, mode: Mode | None) -> None:
    fmt = FORMATS[name]
    start = fmt.forced_prefix(forced, "Because.") if fmt.justifies else fmt.forced_prefix(forced)
    reply = Reply(start + written, 9, STOP, given=len(start))
    assert read_reply(reply, fmt, forced).mode is mode
    # Where the model chose, the first mode that it told counts.
    assert read_reply(replace(reply, given=0), fmt).mode is forced
