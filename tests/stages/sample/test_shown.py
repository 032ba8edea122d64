"""What rollouts show of their mode: a switch that does nothing is said, and one answer astray is none."""

import pytest

from hipo_data.schemas.check_config import CheckConfig
from hipo_data.schemas.errors import UnfitError
from hipo_data.schemas.records import HIDDEN, FinishReason, Mode, Rollout
from hipo_data.stages.sample.preflight import judge
from hipo_data.stages.sample.shown import Shown, complaint, in_words, nothing_usable, shown
from hipo_data.stages.texts.thinking_aloud import thinks_aloud

ON, OFF = Mode.THINK_ON, Mode.THINK_OFF
LIMITS = CheckConfig()


def rollout(
    mode: Mode,
    reasoning: str | None = None,
    answer: str | None = "\\boxed{4}",
    end: FinishReason = FinishReason.STOP,
    error: str | None = None,
    cap: int | None = None,
) -> Rollout:
    return Rollout(
        problem_id="p", mode=mode, index=0, seed=1, model="m", prompt_hash="h", request_hash="r", max_tokens=9,
        text=answer or "", reasoning=reasoning, answer=answer, finish_reason=end, prompt_tokens=1, reasoning_tokens=0,
        answer_tokens=1, completion_tokens=1, error=error, error_permanent=error is not None, cap=cap,
    )  # fmt: skip


FAILED = rollout(OFF, None, None, FinishReason.ERROR, "answered 400: no such field 'enable_thinking'")
CUT = rollout(ON, None, None, FinishReason.LENGTH)


def test_every_rollout_counts_once() -> None:
    rollouts = [
        rollout(OFF), rollout(OFF, "So…"), rollout(OFF, answer=" "), FAILED, CUT,
        rollout(ON, "So…", None, FinishReason.LENGTH, cap=0), rollout(ON, "So…", None, FinishReason.LENGTH, cap=1),
        rollout(OFF, answer="Wait, no. Hmm, let me re-check: 5"), rollout(OFF, None, None, FinishReason.EMPTY),
        rollout(OFF, HIDDEN), rollout(ON, HIDDEN),
    ]  # fmt: skip
    seen = shown(rollouts)
    shares = {"failed": 1, "empty": 1, "cut": 2, "capped": 1, "malformed": 1, "reasoned": 2, "plain": 3}
    assert seen == Shown(**shares, reasoning=5, hidden=2, open=1, lengths={0: 2})
    assert seen.rollouts == len(rollouts)
    assert Shown.of_counts(seen.counts()) == seen
    assert seen + seen == shown(rollouts * 2)


@pytest.mark.parametrize(
    ("mode", "rollouts", "said"),
    [
        (OFF, [rollout(OFF, "So…")] * 3, "3 of 3 think-off responses hold reasoning"),
        (OFF, [rollout(OFF, "So…"), rollout(OFF, "So…"), rollout(OFF)], "2 of 3 think-off responses hold reasoning"),
        (OFF, [rollout(OFF, HIDDEN)] * 3, "3 of 3 think-off responses hold reasoning, 3 of them hidden: their server"),
        (ON, [rollout(ON, HIDDEN)] * 3, "3 of 3 think-on responses hold no reasoning, 3 of them hidden: their server"),
        (OFF, [FAILED] * 3, "no such field 'enable_thinking'"),
        (ON, [rollout(ON)] * 3, "3 of 3 think-on responses hold no reasoning"),
        (ON, [CUT] * 3, "3 responses were cut off and no reasoning was found in them"),
    ],
)
def test_a_mode_that_is_not_what_it_says_is_refused(mode: Mode, rollouts: list[Rollout], said: str) -> None:
    with pytest.raises(UnfitError) as error:
        judge(mode, rollouts, LIMITS)
    assert said in str(error.value) and f"roles.{mode.value}" in str(error.value)


@pytest.mark.parametrize(
    ("mode", "rollouts"),
    [
        (OFF, [rollout(OFF)] * 3),
        (OFF, [rollout(OFF), rollout(OFF), rollout(OFF, "So…")]),
        (OFF, [FAILED, rollout(OFF), rollout(OFF)]),
        (ON, [rollout(ON, "So…")] * 3),
        (ON, [rollout(ON, "So…", None, FinishReason.LENGTH), CUT, CUT]),
        (ON, [rollout(ON, "So…"), rollout(ON, "So…"), rollout(ON)]),
    ],
)
def test_a_mode_with_one_answer_astray_passes(mode: Mode, rollouts: list[Rollout]) -> None:
    judge(mode, rollouts, LIMITS)


def test_shares_count_once_enough_rollouts_tell() -> None:
    seen = Shown(reasoned=30, plain=33, reasoning=30)
    assert complaint(OFF, seen, LIMITS, least=64) is None
    assert complaint(OFF, seen + Shown(plain=1), LIMITS, least=64) is not None
    assert complaint(OFF, Shown(plain=80, reasoned=20, reasoning=20), LIMITS) is None
    assert complaint(OFF, Shown(plain=79, reasoned=21, reasoning=21), LIMITS) is not None


@pytest.mark.parametrize(
    ("mode", "seen", "said"),
    [
        (ON, Shown(plain=2, cut=2), "not one of 4 think-on rollouts can be used: 2 were cut off, 2 hold no reasoning"),
        (OFF, Shown(failed=3, empty=2), "not one of 5 think-off rollouts can be used: 3 failed, 2 are empty"),
        (OFF, Shown(failed=5), "not one of 5 think-off rollouts can be used: 5 failed"),
        (OFF, Shown(plain=1, failed=5), None),
        (OFF, Shown(), None),
    ],
)
def test_a_mode_without_one_usable_rollout_is_said(mode: Mode, seen: Shown, said: str | None) -> None:
    assert nothing_usable(mode, seen) == said


@pytest.mark.parametrize(
    ("answer", "aloud"),
    [
        ("Step 1: add. Step 2: carry. Let me verify: 4. So \\boxed{4}.", False),
        ("Please wait for 5 minutes.", False),
        ("It is 5. Wait, that is wrong. Hmm, 2 + 2 is 4.", True),
        ("等等,不对,让我再算一下。", True),
    ],
)
def test_an_answer_that_doubts_itself_thinks_aloud(answer: str, aloud: bool) -> None:
    assert thinks_aloud(answer) is aloud


def test_the_shares_are_said() -> None:
    assert in_words(ON, Shown(reasoned=3, cut=1)) == "think-on 75.0 % with reasoning, 25.0 % cut off"
    assert in_words(OFF, Shown()) == "think-off none"


def test_empty_responses_count_among_requests_that_failed_and_are_told_apart() -> None:
    said = complaint(OFF, Shown(failed=1, empty=3, plain=1), LIMITS)
    assert said == "4 of 5 requests of think-off failed, 3 of them with an empty response"
    assert in_words(ON, Shown(reasoned=3, empty=1)) == "think-on 75.0 % with reasoning, 25.0 % empty"
