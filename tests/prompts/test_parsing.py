"""What a teacher wrote, taken apart: nothing cut off passes as an answer."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipo_data.prompts.parsing import split_reasoning


@pytest.mark.parametrize(
    ("text", "reasoning", "answer"),
    [
        ("<think>\nwhy\n</think>\n\n42\n", "why", "42"),
        ("  \n<think>why</think>42", "why", "42"),
        ("why</think>42", "why", "42"),
        ("42", None, "42"),
        ("  42\n", None, "42"),
        ("", None, ""),
        ("<think>\n\n</think>\n\n42", None, "42"),
        ("<think></think>42", None, "42"),
        ("</think>42", None, "42"),
        ("<think>why</think>", "why", ""),
        ("<think>cut off", "cut off", None),
        ("<think>", None, None),
        ("<think>a</think>so 41?\n<think>b</think>42", "a</think>so 41?\n<think>b", "42"),
        ("<think>a</think>b</think>42", "a</think>b", "42"),
        ("the tag <think> opens it", None, "the tag <think> opens it"),
        ("<THINK>why</THINK>42", None, "<THINK>why</THINK>42"),
    ],
)
def test_inline_tags_part_reasoning_from_answer(text: str, reasoning: str | None, answer: str | None) -> None:
    assert split_reasoning(text, starts_in_reasoning=False) == (reasoning, answer)


@pytest.mark.parametrize(
    ("text", "reasoning", "answer"),
    [
        ("why\n</think>\n\n42", "why", "42"),
        ("<think>why</think>42", "why", "42"),
        ("cut off, the answer would be 42", "cut off, the answer would be 42", None),
        ("", None, None),
        ("\n</think>\n42", None, "42"),
        ("a</think>b</think>42", "a</think>b", "42"),
    ],
)
def test_a_response_that_starts_inside_its_reasoning(text: str, reasoning: str | None, answer: str | None) -> None:
    assert split_reasoning(text, starts_in_reasoning=True) == (reasoning, answer)


@settings(max_examples=150)
@given(st.text(), st.booleans())
def test_parts_are_taken_from_the_text_and_have_no_space_at_their_ends(text: str, inside: bool) -> None:
    for part in split_reasoning(text, inside):
        assert part is None or (part in text and part == part.strip())


@settings(max_examples=150)
@given(st.text(), st.text().filter(lambda text: "</think>" not in text), st.booleans())
def test_the_answer_is_what_follows_the_last_closing_tag(reasoning: str, answer: str, inside: bool) -> None:
    assert split_reasoning(f"<think>{reasoning}</think>{answer}", inside)[1] == answer.strip()


@settings(max_examples=100)
@given(st.text().filter(lambda text: "</think>" not in text))
def test_an_unclosed_reasoning_never_gives_an_answer(text: str) -> None:
    assert split_reasoning(f"<think>{text}", starts_in_reasoning=False)[1] is None
    assert split_reasoning(text, starts_in_reasoning=True)[1] is None
