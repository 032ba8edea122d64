"""`select.leaking`: think-off responses that think all the same."""

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from hipo_data.schemas.records import Decision, Mode
from hipo_data.schemas.select_config import PolicyName, SelectConfig
from hipo_data.stages.select.decision_words import in_words
from hipo_data.stages.texts.thinking_aloud import leaks
from tests.stages.graded import IDS, OFF, ON, Try, decide_and_pick, tries, whole_tries

ALOUD = "It is 41. Wait, no. Hmm, it is 42."
KEEP, REFUSE = (SelectConfig(leaking=leaking, random_fraction=0) for leaking in ("keep", "refuse"))
SAME = ["mode", "rule", "index", "drop_reason", "chosen_tokens", "p_on", "p_off", "n_on", "n_off", "right_off"]
mixed_tries = st.tuples(whole_tries, st.lists(st.booleans(), min_size=40, max_size=40)).map(
    lambda drawn: [replace(row, answer=ALOUD) if aloud else row for row, aloud in zip(*drawn, strict=False)]
)


def leaking(row: Try) -> bool:
    return leaks(Mode(row.mode), row.reasoning, row.answer)


@settings(max_examples=30)
@given(policy=st.sampled_from([name for name in get_args(PolicyName) if name != "budget"]), rows=mixed_tries)
def test_no_policy_sees_anything_of_a_refused_response(policy: PolicyName, rows: Sequence[Try]) -> None:
    keep, refuse = (config.model_copy(update={"policy": policy}) for config in (KEEP, REFUSE))
    ids = sorted({row.problem_id for row in rows})
    decisions, picks = decide_and_pick(rows, refuse, problems=ids)
    without, picks_without = decide_and_pick([row for row in rows if not leaking(row)], keep, problems=ids)
    assert picks == picks_without
    for key, decision in decisions.items():
        assert [getattr(decision, name) for name in SAME] == [getattr(without[key], name) for name in SAME]
        of_problem = [row for row in rows if row.problem_id == key]
        assert decision.unknown_off - without[key].unknown_off == sum(map(leaking, of_problem))


@settings(max_examples=10)
@given(rows=mixed_tries)
def test_nothing_leaks_where_nothing_is_refused(rows: Sequence[Try]) -> None:
    """The default decides as it always did, whatever answers say."""
    plain = [replace(row, answer="42") if row.answer == ALOUD else row for row in rows]
    assert decide_and_pick(rows, KEEP) == decide_and_pick(plain, KEEP)


def test_a_refused_response_is_said() -> None:
    rows = [
        *tries(IDS[0], ON, right=2, wrong=2),
        *tries(IDS[0], OFF, right=1, wrong=1),
        *(replace(row, answer=ALOUD, tokens=1) for row in tries(IDS[0], OFF, right=2, wrong=0, first=2)),
    ]
    decision = decide_and_pick(rows, REFUSE)[0][IDS[0]]
    assert (decision.mode, decision.index, decision.p_off) == (Mode.THINK_OFF, 0, 0.5)
    words = in_words(decision.model_dump(), leaking=2)
    assert "p_off 1/2 and 2 unknown (2 for thinking all the same) = 0.50" in words
    kept: Decision = decide_and_pick(rows, KEEP)[0][IDS[0]]
    assert (kept.index, kept.p_off) == (2, 0.75)


def test_a_refused_response_is_not_kept_by_a_policy_that_takes_wrong_ones_either() -> None:
    short = tries(IDS[0], OFF, right=0, wrong=2)
    rows = [*tries(IDS[0], ON, right=1, wrong=0), replace(short[0], answer=ALOUD, tokens=1), short[1]]
    thinkless = REFUSE.model_copy(update={"policy": "thinkless"})
    picks = decide_and_pick(rows, thinkless)[1][IDS[0]]
    assert [(pick.mode, pick.index) for pick in picks] == [(Mode.THINK_ON, 0), (Mode.THINK_OFF, 1)]


def test_the_setting_is_read_only_where_it_is_set() -> None:
    for policy in get_args(PolicyName):
        of_policy = SelectConfig(policy=policy).in_use()
        assert "leaking" not in of_policy
        assert SelectConfig(policy=policy, leaking="refuse").in_use() == of_policy | {"leaking": "refuse"}
