"""Statements of results against decisions: what nobody measured and the opposite of what was are found, what
measurement leaves open is not."""

from typing import Any

import pytest

from hipo_data.figures.intervals import wilson
from hipo_data.models.make.justify import ADDED, DIRECT, SAMPLES, Counts
from hipo_data.schemas.records import Decision
from hipo_data.stages.justify.claimed_results import wrong_claim
from tests.stages.builders import make_decision, make_problem

PROBLEM = make_problem()
UNMEASURED, CONTRADICTS = "claims_unmeasured", "contradicts_counts"
Right = int | None
"""Right ones of eight; null for a mode that has no graded rollouts."""


def measured(on: Right, off: Right, n_on: int = 8, n_off: int = 8) -> Decision:
    fields: dict[str, Any] = {}
    for side, right, n in (("on", on, n_on), ("off", off, n_off)):
        low, high = (None, None) if right is None else wilson(right, n)
        fields |= {f"n_{side}": 0 if right is None else n, f"right_{side}": right or 0}
        fields |= {f"p_{side}": None if right is None else right / n, f"p_{side}_low": low, f"p_{side}_high": high}
    margin = None if on is None or off is None else on / n_on - off / n_off
    return make_decision(PROBLEM, **fields, margin=margin)


def wrong(text: str, on: Right, off: Right, language: str = "en") -> str | None:
    return wrong_claim(text, language, measured(on, off))


@pytest.mark.parametrize(
    ("language", "text", "contradicted", "held"),
    [
        ("en", "No direct try was right, so it pays.", (8, 1), (8, 0)),
        ("en", "Direct answers always fail.", (8, 1), (8, 0)),
        ("en", "Answering at once never gets it right.", (8, 3), (8, 0)),
        ("en", "Every direct try was right.", (8, 7), (8, 8)),
        ("en", "Direct answers never fail.", (8, 0), (8, 8)),
        ("en", "Direct answers are hit and miss.", (8, 8), (8, 5)),
        ("en", "Answering at once is right only some of the time.", (8, 0), (8, 5)),
        ("en", "Some direct tries were right and some wrong.", (8, 8), (8, 7)),
        ("en", "Some direct tries were wrong.", (8, 8), (8, 7)),
        ("en", "A direct answer works about half the time.", (8, 0), (8, 3)),
        ("en", "A direct answer is mostly a guess.", (8, 8), (8, 2)),
        ("en", "Answering at once is mostly right.", (8, 0), (8, 3)),
        ("en", "Few direct tries were right.", (8, 8), (8, 5)),
        ("en", "No attempt with thinking was right.", (1, 8), (0, 8)),
        ("en", "Reasoning always gets it right.", (7, 8), (8, 8)),
        ("en", "With thinking it always works.", (7, 8), (8, 8)),
        ("en", "Thinking it through never works.", (1, 1), (0, 1)),
        ("en", "Most attempts with thinking were right.", (0, 0), (6, 0)),
        ("en", "Reasoning seldom gets it right.", (8, 0), (2, 0)),
        ("en", "With reasoning it works far more often.", (4, 4), (5, 4)),
        ("en", "Thinking helps.", (4, 4), (5, 4)),
        ("en", "Thinking helps a great deal, so I will think.", (3, 4), (8, 0)),
        ("en", "Working it out is clearly better.", (4, 4), (6, 4)),
        ("en", "Thinking about it does better than a guess.", (4, 4), (6, 4)),
        ("en", "Working it out makes all the difference.", (2, 4), (8, 0)),
        ("en", "Reasoning catches some of the slips.", (4, 4), (6, 4)),
        ("en", "Reasoning lifts the rate by a lot.", (4, 4), (8, 4)),
        ("en", "Reasoning lowers the rate.", (8, 8), (7, 8)),
        ("en", "Thinking does worse.", (8, 8), (7, 8)),
        ("en", "Working it out only brings more slips.", (8, 7), (5, 7)),
        ("en", "With reasoning it works less often.", (4, 4), (3, 4)),
        ("en", "Thinking adds next to nothing.", (8, 1), (8, 6)),
        ("en", "Reasoning brings no real gain.", (8, 1), (1, 8)),
        ("en", "Thinking does not help here.", (8, 1), (4, 4)),
        ("en", "Working it out changes little.", (1, 8), (6, 8)),
        ("en", "Thinking it through makes no difference.", (8, 1), (6, 8)),
        ("en", "Both ways are right equally often.", (8, 4), (8, 7)),
        ("en", "With reasoning it works about as often.", (8, 1), (3, 1)),
        ("de", "Kein direkter Versuch war richtig.", (8, 1), (8, 0)),
        ("de", "Die meisten direkten Versuche waren richtig.", (8, 0), (8, 6)),
        ("de", "Beide Wege sind gleich oft richtig.", (8, 4), (8, 8)),
        ("de", "Mit Nachdenken klappt es viel öfter.", (4, 6), (6, 4)),
        ("de", "Mit Nachdenken klappt es immer.", (7, 6), (8, 4)),
        ("de", "Hier hilft Nachdenken deutlich.", (4, 6), (6, 4)),
        ("de", "Nachdenken hilft, also denke ich nach.", (4, 4), (6, 4)),
        ("de", "Nachdenken schneidet hier schlechter ab.", (4, 4), (3, 4)),
        ("de", "Nachdenken führt nur zu mehr Fehlern.", (4, 4), (3, 4)),
        ("de", "Nachdenken bringt kaum etwas.", (8, 1), (4, 4)),
        ("de", "Nachdenken ändert fast nichts.", (1, 8), (4, 4)),
        ("zh", "直接作答从未正确。", (8, 1), (8, 0)),
        ("zh", "思考后每次都能答对。", (7, 1), (8, 0)),
        ("zh", "两种方式的正确率相同。", (8, 2), (8, 8)),
        ("zh", "思考很有帮助。", (4, 4), (8, 4)),
        ("zh", "思考反而更容易出错。", (4, 4), (3, 4)),
        ("zh", "思考几乎没有帮助。", (8, 1), (4, 4)),
        ("zh", "思考与否差别不大。", (8, 1), (4, 4)),
    ],
)
def test_a_statement_is_judged_by_the_counts(
    language: str, text: str, contradicted: tuple[int, int], held: tuple[int, int]
) -> None:
    assert wrong(text, *contradicted, language=language) == CONTRADICTS
    assert wrong(text, *held, language=language) is None


@pytest.mark.parametrize(
    ("language", "text", "on", "off"),
    [
        ("en", "Direct answers never fail, and thinking does worse.", None, 8),
        ("en", "Yet reasoning lowers the rate, so a direct answer is the better way.", None, 7),
        ("en", "Every direct try was right and with reasoning it works less often.", None, 8),
        ("en", "Answering at once is right, and working it out only brings more slips.", None, 8),
        ("en", "Reasoning catches some of the slips.", None, 4),
        ("en", "Thinking helps, but I will answer at once.", None, 4),
        ("en", "Working it out makes all the difference.", None, 0),
        ("en", "Working it out changes little.", None, 8),
        ("en", "Thinking adds next to nothing.", None, 7),
        ("en", "Reasoning brings no real gain.", None, 7),
        ("en", "With reasoning it works about as often.", None, 8),
        ("en", "Both ways are right equally often.", None, 8),
        ("en", "Reasoning always gets it right.", None, 8),
        ("en", "Few attempts with thinking were right.", None, 8),
        ("en", "No direct try was right.", 8, None),
        ("en", "Most direct tries were right.", 8, None),
        ("en", "Direct answers are hit and miss.", 8, None),
        ("en", "With reasoning it works far more often.", 8, None),
        ("en", "Thinking adds nothing.", 8, None),
        ("de", "Mit Nachdenken klappt es seltener.", None, 8),
        ("de", "Nachdenken bringt hier keinen Gewinn.", None, 7),
        ("de", "Kein direkter Versuch war richtig.", 8, None),
        ("zh", "思考反而会降低正确率。", None, 8),
        ("zh", "思考帮助不大。", None, 7),
        ("zh", "直接作答从未正确。", 8, None),
    ],
)
def test_what_came_of_a_mode_without_graded_rollouts_is_not_said(
    language: str, text: str, on: Right, off: Right
) -> None:
    assert wrong(text, on, off, language) == UNMEASURED


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "A direct answer is worth it, as thinking adds next to nothing."),
        ("en", "Reasoning brings no real gain, so a short answer will do."),
        ("en", "Thinking does not help here."),
        ("de", "Nachdenken bringt hier keinen Gewinn."),
        ("zh", "思考几乎没有帮助。"),
    ],
)
def test_nothing_can_be_added_to_direct_answers_that_were_always_right(language: str, text: str) -> None:
    assert wrong(text, None, 8, language) is None
    assert wrong(text, None, 7, language) == UNMEASURED


@pytest.mark.parametrize("counts", [(4, 4), (None, 7), (8, None), (None, None)])
@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "If no direct try was right, it would pay to think."),
        ("en", "It is not that every direct try was right."),
        ("en", "Whether thinking helps is open."),
        ("en", "Six carries are easily lost in this sum."),
        ("en", "I will answer at once: there is no need to think it through."),
        ("en", "Thinking it through is worth it here, and thinking first is the better way."),
        ("en", "Thinking would add little to a sum this short, and it may do worse."),
        ("en", "Thinking helps to keep the carries apart, and reasoning helps avoid slips."),
        ("en", "Answering without thinking does worse on sums like this, and less thinking does worse."),
        ("en", "Reasoning is clearly better done in small steps, and over-thinking brings more slips."),
        ("de", "Nachdenken hilft, die Überträge im Blick zu behalten."),
        ("de", "Wenn Nachdenken hilft, denke ich nach; Nachdenken würde hier wenig bringen."),
        ("de", "Ohne Nachdenken klappt es viel öfter, als man meint."),
        ("zh", "先思考有助于理清步骤，我会逐步思考。"),
        ("zh", "如果思考很有帮助，就先思考；无需思考即可直接作答。"),
        ("zh", "不经思考更容易出错，我会先思考。"),
    ],
)
def test_what_is_supposed_or_said_of_the_problem_and_the_choice_is_no_result(
    language: str, text: str, counts: tuple[Right, Right]
) -> None:
    assert wrong(text, *counts, language=language) is None


def test_nothing_is_judged_in_a_language_without_phrases_or_where_too_few_were_graded_for_a_rate() -> None:
    assert wrong("No direct try was right.", 8, 1, "fr") is None
    few = make_decision(PROBLEM, n_on=1, right_on=1, p_on=None, p_on_low=None, p_on_high=None, margin=None)
    for text in ("With reasoning it works more often.", "Reasoning always gets it right.", "Thinking does worse."):
        assert wrong_claim(text, "en", few) is None


@pytest.mark.parametrize(
    ("text", "on_above", "off_above", "code"),
    [
        ("More thinking does worse.", None, 7, UNMEASURED),
        ("More thinking changes little.", None, 8, UNMEASURED),
        ("Longer reasoning adds nothing.", None, 8, None),
        ("Longer reasoning adds nothing.", None, 7, UNMEASURED),
        ("Further thinking brings no real gain.", 8, 7, None),
        ("Further thinking brings no real gain.", 8, 1, CONTRADICTS),
        ("More thinking does worse.", 8, 7, CONTRADICTS),
        ("More thinking does worse.", 6, 7, None),
        ("If more thinking does worse, a little will do.", None, 7, None),
        ("More thinking would add little.", None, 7, None),
        ("More thinking helps a great deal.", None, 7, None),  # than answering at once
    ],
)
def test_less_or_no_gain_of_more_thinking_is_judged_by_the_arms_above_the_kept_one(
    text: str, on_above: Right, off_above: Right, code: str | None
) -> None:
    assert wrong_claim(text, "en", measured(8, 1), measured(on_above, off_above)) == code


@pytest.mark.parametrize("phrase", [phrase for phrases in ADDED.values() for phrase in phrases])
def test_all_that_the_embedded_teacher_may_say_of_thinking_is_known(phrase: str) -> None:
    assert wrong(f"The sum is short. {phrase.capitalize()}, so it goes.", None, 4) == UNMEASURED


@pytest.mark.parametrize("phrase", [phrase for phrases in DIRECT.values() for phrase in phrases])
def test_all_that_the_embedded_teacher_may_say_of_direct_answers_is_known(phrase: str) -> None:
    assert wrong(f"The sum is short: {phrase}.", 4, None) == UNMEASURED


@pytest.mark.parametrize("n", SAMPLES)
def test_what_the_embedded_teacher_is_taught_to_say_of_counts_holds(n: int) -> None:
    for on in (None, *range(n + 1)):
        for off in range(n + 1):
            counts = Counts(on or 0, 0 if on is None else n, off, n)
            phrases = (*DIRECT[counts.level], *(() if counts.gain is None else ADDED[counts.gain]))
            decision = measured(on, off, n, n)
            assert [each for each in phrases if wrong_claim(f"{each}.", "en", decision)] == [], (on, off)
