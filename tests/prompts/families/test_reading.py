"""What comes back is read by family: nothing of the reasoning in an answer, nothing of the answer lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipo_data.prompts.families.loading import families, family
from hipo_data.prompts.families.reading import Parts, read
from hipo_data.schemas.records import Mode
from tests.prompts.families.raw_texts import RAW

ON, OFF = Mode.THINK_ON, Mode.THINK_OFF
BOXED = "so it is \\boxed{4}"


def read_as(name: str, text: str, mode: Mode, *, cut: bool = False, field: str | None = None) -> Parts:
    """As the family's own prompt and reading have it."""
    found = family(name)
    return read(text, found.reading, mode=mode, opened=found.opens(mode), cut=cut, field=field)


def test_every_family_has_a_raw_text_of_each_mode() -> None:
    assert RAW.keys() == families().keys()
    assert all((off is None) == (families()[name].think_off is None) for name, (_, off) in RAW.items())


@pytest.mark.parametrize("name", RAW)
def test_raw_text_of_both_modes_is_read_right(name: str) -> None:
    on, off = RAW[name]
    assert read_as(name, on, ON) == Parts("R", "A")
    if off is not None:
        assert read_as(name, off, OFF) == Parts(None, "A")


@pytest.mark.parametrize("name", RAW)
def test_think_on_that_was_cut_off_before_its_answer_has_none(name: str) -> None:
    on = RAW[name][0]
    inside = on[: on.index("R") + 1]
    assert read_as(name, inside, ON, cut=True).answer is None
    assert read_as(name, inside, ON, cut=True).reasoning is not None


@pytest.mark.parametrize("mode", [ON, OFF])
@pytest.mark.parametrize("cut", [True, False])
def test_block_that_opens_anew_and_is_never_closed_leaves_no_answer(mode: Mode, cut: bool) -> None:
    again = "<think>\nR\n</think>\n\nAn example:\n\n<think>\nR2"
    assert read(again, mode=mode, cut=cut) == Parts("R\n\nAn example:\n\n<think>\nR2", None)
    assert read("An example:\n<think>\nR2", mode=mode, cut=cut).answer is None
    assert read("A\n<think>\nR2", mode=mode, cut=cut, field="R").answer is None
    assert read("<think>R</think>It writes <think> first.", mode=mode).answer == "It writes <think> first."
    assert read("<think>R</think>A<|im_end|>\n<think>\nR2", mode=mode, cut=cut) == Parts("R", "A")


@pytest.mark.parametrize("name", [name for name, each in families().items() if each.instead.prefix])
def test_prefilled_closed_block_makes_a_think_off_response(name: str) -> None:
    each = families()[name]
    assert read(each.instead.prefix + "A", each.reading, mode=OFF, opened=each.opens(OFF)) == Parts(None, "A")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("analysisRassistantfinalA", Parts("R", "A")),
        ("analysisRassistantanalysisR2assistantfinalA", Parts("R\n\nR2", "A")),
        ("<|channel|>final<|message|>A<|return|>", Parts(None, "A")),
        ("<|channel|>analysis<|message|>R<|end|><|start|>assistant<|channel|>analysis<|message|>R2<|end|><|start|>"
         "assistant<|channel|>final<|message|>A", Parts("R\n\nR2", "A")),
        ("analysis of it: we need", Parts("of it: we need", None)),
        ("A without channels", Parts(None, "A without channels")),
    ],
)  # fmt: skip
def test_harmony_is_read_with_its_special_tokens_and_without(text: str, parts: Parts) -> None:
    assert read_as("gpt_oss", text, ON) == parts


@pytest.mark.parametrize(
    "stray",
    ["<|im_end|>", "<|endoftext|>", "<|eot_id|>", "</s>", "<end_of_turn>", "<|im_end|>\n<|im_start|>user\nNext?",
     "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nNext?", "\n\nHuman: Next?\n\nAssistant: 5",
     "\nHuman: Next?"],
)  # fmt: skip
@pytest.mark.parametrize("before", ["", "<think>R</think>"])
def test_what_leaks_behind_an_answer_is_no_part_of_it(stray: str, before: str) -> None:
    assert read(before + "A is 4." + stray).answer == "A is 4."


def test_tags_in_a_turn_that_the_model_went_on_with_are_none_of_the_response() -> None:
    next_turn = "<|im_end|>\n<|im_start|>user\nNext?<|im_end|>\n<|im_start|>assistant\n<think>R2</think>B"
    assert read(f"A{next_turn}", mode=OFF) == Parts(None, "A")
    assert read("A\n\nHuman: Next?\n\nAssistant: <think>R2</think>B", mode=OFF) == Parts(None, "A")


@pytest.mark.parametrize(
    "answer",
    ['stop at "<|endoftext|>" as the tokenizer does', "`<|im_end|>` ends a turn", "<s>old</s>", "</s> ends it all",
     "It asks: Human: or machine?", "Use <answer> tags in <answer>x</answer>"],
)  # fmt: skip
def test_answer_that_talks_about_tokens_stays_whole(answer: str) -> None:
    assert read(answer) == Parts(None, answer)


@pytest.mark.parametrize("text", ["<answer>\nA\n</answer>", "<response>A</response>\n", "<answer>A", " <response>\nA"])
def test_wrapper_around_a_whole_answer_is_taken_off_without_a_family(text: str) -> None:
    assert read(text) == Parts(None, "A")
    assert read(f"<think>R</think>{text}") == Parts("R", "A")


def test_think_on_that_was_cut_off_outside_of_tags_is_truncated_whatever_it_holds() -> None:
    assert read(BOXED, mode=ON, cut=True) == Parts(BOXED, None)
    assert read(BOXED, mode=ON) == Parts(None, BOXED)
    assert read(BOXED, mode=OFF, cut=True) == Parts(None, BOXED)
    assert read(f"<think>R</think>{BOXED}", mode=ON, cut=True) == Parts("R", BOXED)


@pytest.mark.parametrize(
    "text", ["A", "<think>R</think>A", "R\n</think>\n\nA", "</think>A", "<think>\nA", "<think>R\nA"]
)
def test_reasoning_in_its_field_is_taken_once_whatever_tags_the_text_has_beside_it(text: str) -> None:
    assert read(text, mode=ON, opened=True, field="R") == Parts("R", "A")


def test_text_that_repeats_unfinished_reasoning_of_its_field_is_no_answer() -> None:
    assert read("<think>\nR and so", mode=ON, cut=True, field="R and so") == Parts("R and so", None)
    assert read("<think>\n", mode=ON, cut=True, field="R") == Parts("R", None)


def test_answer_of_think_off_that_a_server_put_into_the_field_of_reasoning_is_the_answer() -> None:
    assert read("", mode=OFF, field="A<|im_end|>") == Parts(None, "A")
    assert read("", mode=OFF, field="<think>\n\n</think>A") == Parts(None, "A")
    assert read("", mode=ON, field="A") == Parts("A", None)
    assert read("", field="A") == Parts("A", None)


def test_reasoning_that_a_server_hides_leaves_the_answer() -> None:
    assert read("A", mode=ON, opened=True, hidden=True) == Parts(None, "A")
    assert read("A", mode=ON, opened=True) == Parts("A", None)


def test_opening_tag_that_is_there_twice_is_taken_off_twice() -> None:
    assert read("<think>\n<think>\nR\n</think>\nA") == Parts("R", "A")


def test_reasoning_of_a_think_off_response_is_seen() -> None:
    assert read("<think>R</think>A", mode=OFF) == Parts("R", "A")
    assert read("A", mode=OFF, field="R") == Parts("R", "A")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("<think>\nR\n</think>\n\nA\n", Parts("R", "A")),
        ("  \n<think>R</think>A", Parts("R", "A")),
        ("R</think>A", Parts("R", "A")),
        ("  A\n", Parts(None, "A")),
        ("", Parts(None, "")),
        ("<think>\n\n</think>\n\nA", Parts(None, "A")),
        ("</think>A", Parts(None, "A")),
        ("<think>R</think>", Parts("R", "")),
        ("<think>R", Parts("R", None)),
        ("<think>", Parts(None, None)),
        ("<think>R</think>so 41?\n<think>R2</think>A", Parts("R</think>so 41?\n<think>R2", "A")),
        ("<think>R</think>R2</think>A", Parts("R</think>R2", "A")),
        ("the tag <think> opens it", Parts(None, "the tag <think> opens it")),
        ("<THINK>R</THINK>A", Parts(None, "<THINK>R</THINK>A")),
    ],
)
def test_tags_part_reasoning_from_answer(text: str, parts: Parts) -> None:
    assert read(text) == parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("R\n</think>\n\nA", Parts("R", "A")),
        ("<think>R</think>A", Parts("R", "A")),
        ("R, so \\boxed{4}", Parts("R, so \\boxed{4}", None)),
        ("", Parts(None, None)),
        ("\n</think>\nA", Parts(None, "A")),
        ("R</think>R2</think>A", Parts("R</think>R2", "A")),
    ],
)
def test_response_that_begins_inside_its_reasoning(text: str, parts: Parts) -> None:
    assert read(text, opened=True) == parts


REPEATED = [
    "</think>",
    "\n</think>\n",
    "</think></think>",
    "</think>\n\n</think>",
    "</think><|im_end|>",
    "<|im_end|></think>",
]


@pytest.mark.parametrize("end", REPEATED)
def test_closing_tag_that_is_repeated_behind_the_answer_does_not_eat_it(end: str) -> None:
    assert read(f"<think>\nR\n</think>\n\nA{end}") == Parts("R", "A")
    assert read(f"R</think>A{end}", opened=True) == Parts("R", "A")
    assert read(f"<think>\n\n</think>\n\nA{end}", mode=OFF) == Parts(None, "A")
    assert read(f"<think>R</think>R2</think>A{end}") == Parts("R</think>R2", "A")
    assert read(f"A{end}", field="R") == Parts("R", "A")
    assert read(f"R</think>A{end}", field="R") == Parts("R", "A")


@pytest.mark.parametrize(
    "text",
    [
        "<think>R</think>so 41?\n<think>R2</think>",  # opens anew
        "<think>R</think>so 41? <think>R2</think></think>",
        "<think>R</think>Wait, that is not it: R2</think>",  # doubts itself
        "<think>R</think></think>",  # nothing is between them
        "<think>R</think>",
    ],
)
def test_reasoning_that_is_closed_again_is_published_nowhere(text: str) -> None:
    assert read(text).answer == ""
    assert read(text.removeprefix("<think>"), opened=True).answer == ""
    assert read(text, field="R").answer == ""


def test_closing_tag_that_the_limit_cut_the_answer_off_behind_is_no_repeated_one() -> None:
    assert read("<think>R</think>R2</think>", mode=ON, cut=True) == Parts("R</think>R2", "")
    assert read("R</think>", mode=ON, cut=True, field="R") == Parts("R", "")


def test_repeated_end_is_that_of_the_family() -> None:
    assert read_as("seed_oss", "<seed:think>R</seed:think>A</seed:think>", ON) == Parts("R", "A")
    assert read_as("magistral", "[THINK]R[/THINK]A[/THINK]</s>", ON) == Parts("R", "A")


TEXTS = st.lists(st.sampled_from([*"ab \n", "<think>", "</think>"]), max_size=12).map("".join)


@given(TEXTS, st.text().filter(lambda text: "think>" not in text and text.strip()), st.booleans())
def test_answer_is_what_follows_the_last_closing_tag(reasoning: str, answer: str, opened: bool) -> None:
    assert read(f"<think>{reasoning}</think>{answer}", opened=opened) == Parts(
        read(f"<think>{reasoning}</think>", cut=True).reasoning, read(answer).answer
    )


@given(TEXTS, st.booleans(), st.booleans())
def test_no_answer_holds_a_tag_that_ends_reasoning(text: str, opened: bool, cut: bool) -> None:
    found = read(text, opened=opened, cut=cut)
    assert "</think>" not in (found.answer or "")
    assert all(part is None or (part == part.strip()) for part in (found.reasoning, found.answer))


@given(st.text().filter(lambda text: "</think>" not in text))
def test_reasoning_that_is_never_closed_gives_no_answer(text: str) -> None:
    assert read(f"<think>{text}").answer is None
    assert read(text, opened=True).answer is None
