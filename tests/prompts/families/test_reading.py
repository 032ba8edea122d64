"""What comes back is read by family: nothing of the reasoning in an answer, nothing of the answer lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipo_data.prompts.families.loading import families, family
from hipo_data.prompts.families.reading import Parts, read
from hipo_data.prompts.parsing import split_reasoning
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


@given(st.lists(st.sampled_from([*"ab \n", "<think>", "</think>"]), max_size=12).map("".join), st.booleans())
def test_think_tags_are_read_as_ever(text: str, opened: bool) -> None:
    reasoning, answer = split_reasoning(text, opened)
    found = read(text, opened=opened)
    if answer is not None and any(line.lstrip().startswith("<think>") for line in answer.splitlines()):
        reasoning, answer = f"{reasoning or ''} {answer}", None
    assert found.answer == answer
    assert (found.reasoning or "").replace("<think>", "").split() == (reasoning or "").replace("<think>", "").split()
