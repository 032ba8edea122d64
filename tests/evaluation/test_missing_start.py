"""What a server kept of a reply is put back where the reply shows it, and nothing else."""

import pytest

from hipo_data.evaluation.backend import Reply
from hipo_data.evaluation.missing_start import missing_start, put_back
from hipo_data.evaluation.reading import Reading, read_reply
from hipo_data.prompts.formats.parts import HybridResponse
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.records import FinishReason, Mode

ON, OFF = Mode.THINK_ON, Mode.THINK_OFF
EMPTY = "<think>\n\n</think>\n\n"
JUDGE = "<judge>\nEasy.\n</judge>\n\n"


def reading(
    name: str, text: str, forced: Mode | None = None, cut: bool = False, reasoning: str | None = None
) -> Reading:
    """What a reply of chat completions says."""
    fmt = FORMATS[name]
    whole = put_back(text, reasoning, forced, cut=cut)
    start = missing_start(fmt, forced, whole, cut=cut)
    finish = FinishReason.LENGTH if cut else FinishReason.STOP
    return read_reply(Reply(start + whole, 9, finish, given=len(start)), fmt, forced)


@pytest.mark.parametrize("name", FORMATS)
def test_a_plain_answer_is_an_answer_in_no_mode(name: str) -> None:
    assert reading(name, "It is \\boxed{4}.") == Reading(None, "It is \\boxed{4}.", well_formed=False)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("mode", Mode)
def test_a_whole_response_is_read_whether_the_template_wrote_its_start_or_the_model(name: str, mode: Mode) -> None:
    fmt = FORMATS[name]
    text = fmt.render(HybridResponse(mode, "Easy.", "so" if mode is ON else None, "4"))
    assert reading(name, text) == Reading(mode, "4", well_formed=True)
    assert reading(name, text.removeprefix(fmt.prompt_suffix)) == Reading(mode, "4", well_formed=True)


@pytest.mark.parametrize("name", ["thinkless", "lhrm", "adaptthink", "autothink", "qwen3"])
@pytest.mark.parametrize("text", ["so\n</think>\n\n4", "\nso\n</think>\n\n4", "so</think>4"])
def test_a_closing_tag_alone_shows_the_reasoning_in_front_of_it(name: str, text: str) -> None:
    found = reading(name, text)
    assert (found.mode, found.answer) == (ON, "4")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        # Only a closing tag, nothing reasoned.
        ("qwen3", "</think>\n\n4", Reading(OFF, "4", False)),
        ("adaptthink", "</think>\n\n4", Reading(OFF, "4", True)),
        ("autothink", "</think>\n\n4", Reading(OFF, "4", True)),
        ("adaptthink", "</think>4", Reading(OFF, "4", False)),
        # An empty block in several shapes.
        ("qwen3", EMPTY + "4", Reading(OFF, "4", True)),
        ("qwen3", "<think></think>\n4", Reading(OFF, "4", False)),
        ("qwen3", "<think>\n</think>\n\n4", Reading(OFF, "4", False)),
        ("adaptthink", "<think>\n</think>\n\n4", Reading(OFF, "4", True)),
        # Both tags in another shape, and words in front of them.
        ("qwen3", "<think>so</think>4", Reading(ON, "4", False)),
        ("qwen3", "Sure. <think>so</think>4", Reading(ON, "4", False)),
        # The closing tag of think-off alone.
        ("lhrm", "\n4\n</no_think>", Reading(OFF, "4", True)),
        ("lhrm", "4\n</no_think>", Reading(OFF, "4", True)),
        # A justification that the prompt began, whole and with a slip behind the mode tag.
        ("hipo", "Easy.\n</judge>\n\n<think_off>\n<answer>\n4\n</answer>", Reading(OFF, "4", True)),
        ("hipo", "Easy.\n</judge>\n\n<think_on>\n<think>\nso\n</think>\n\n4", Reading(ON, "4", False)),
        # Another format's response: it shows no mode of this one.
        ("hipo", "<think>\nso\n</think>\n\n4", Reading(None, "4", False)),
        # Reasoning that began and ended with the response.
        ("qwen3", "<think>\nso, \\boxed{3}", Reading(ON, None, False)),
    ],
)
def test_a_free_reply_by_its_tags(name: str, text: str, expected: Reading) -> None:
    assert reading(name, text) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # Where prompts end in a start, a text that was cut off is behind it and no answer yet.
        ("hipo", Reading(None, None, False)),
        ("adaptthink", Reading(ON, None, False)),
        ("autothink", Reading(ON, None, False)),
        ("qwen3", Reading(ON, None, False)),
        # Where the model tells the mode itself, it has told none.
        ("thinkless", Reading(None, "let me see", False)),
        ("lhrm", Reading(None, "let me see", False)),
    ],
)
def test_a_reply_without_a_tag_that_was_cut_off(name: str, expected: Reading) -> None:
    assert reading(name, "let me see", cut=True) == expected


@pytest.mark.parametrize(
    ("forced", "text", "cut", "expected"),
    [
        (OFF, "4", False, Reading(OFF, "4", True)),
        (OFF, "4, as", True, Reading(OFF, "4, as", True)),
        (OFF, EMPTY + "4", False, Reading(OFF, "4", True)),
        (OFF, "</think>\n\n4", False, Reading(OFF, "4", False)),
        (OFF, "so\n</think>\n\n4", False, Reading(ON, "4", True)),  # it thinks: not the mode that was asked for
        (ON, "so\n</think>\n\n4", False, Reading(ON, "4", True)),
        (ON, "so", True, Reading(ON, None, False)),
        (ON, "4", False, Reading(None, "4", False)),  # it does not think
        (ON, EMPTY + "4", False, Reading(OFF, "4", True)),
    ],
)
def test_a_mode_that_the_servers_switch_was_asked_for(forced: Mode, text: str, cut: bool, expected: Reading) -> None:
    assert reading("qwen3", text, forced, cut) == expected


@pytest.mark.parametrize(
    ("forced", "content", "reasoning", "cut", "expected"),
    [
        (None, "4", "so", False, Reading(ON, "4", True)),
        (None, "\n\n4", "\nso\n", False, Reading(ON, "4", True)),  # a parser that keeps line breaks
        (None, "4", "", False, Reading(None, "4", False)),
        (None, "", "4", False, Reading(None, "4", False)),  # a plain answer that a parser took for reasoning
        (OFF, "", "4", False, Reading(OFF, "4", True)),
        (OFF, "4", "so", False, Reading(ON, "4", True)),
        (ON, "", "so", False, Reading(ON, None, False)),
        (None, "", "so", True, Reading(ON, None, False)),
    ],
)
def test_reasoning_that_a_servers_parser_took_out(
    forced: Mode | None, content: str, reasoning: str, cut: bool, expected: Reading
) -> None:
    assert reading("qwen3", content, forced, cut, reasoning) == expected
