"""Responses that think although they were asked not to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipo_data.prompts.doubt import _DOUBT
from hipo_data.schemas.records import Mode
from hipo_data.stages.texts.thinking_aloud import leaks, thinks_aloud

ON, OFF = Mode.THINK_ON, Mode.THINK_OFF
ALOUD = "It is 5. WAIT, that is wrong. Hmm, 2 + 2 is 4."


@given(st.from_regex(_DOUBT, fullmatch=True), st.from_regex(_DOUBT, fullmatch=True))
def test_every_two_markers_are_seen(first: str, second: str) -> None:
    assert thinks_aloud(f"{first}. {second}")
    assert thinks_aloud(f"{first.upper()}. {second}")


@pytest.mark.parametrize(
    ("mode", "reasoning", "answer", "leaking"),
    [
        (OFF, None, "4", False),
        (OFF, "", "4", True),  # hidden
        (OFF, "2 + 2", "4", True),
        (OFF, "2 + 2", None, True),
        (OFF, None, ALOUD, True),
        (OFF, None, None, False),
        (ON, None, ALOUD, False),
        (ON, "2 + 2", ALOUD, False),
    ],
)
def test_only_think_off_leaks(mode: Mode, reasoning: str | None, answer: str | None, leaking: bool) -> None:
    assert leaks(mode, reasoning, answer) is leaking
