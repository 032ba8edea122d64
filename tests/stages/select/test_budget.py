"""Budgets: drawn alike wherever they are drawn, kept to by the response, and said to the model."""

import re
import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.keys import problem_ids
from hipo_data.schemas.records import Pick
from hipo_data.stages.select.policies import token_skip
from hipo_data.stages.select.policies.budget import instructions
from hipo_data.stages.select.policies.system_1x import FAST, SLOW, mark, steps
from tests.stages.graded import IDS, OFF, ON, Try, decide_and_pick, tries, whole_tries

MANY = problem_ids(pl.Series(map(str, range(4_000)))).to_list()


def config(kind: str, **changes: Any) -> SelectConfig:
    return SelectConfig.model_validate({"policy": "budget", "budget": {"kind": kind, **changes}})


def budgets(kind: str, seed: int = 0, **changes: Any) -> list[float]:
    drawn = instructions(MANY, config(kind, **changes), seed)
    return [budget for _, budget in drawn.values() if budget is not None]


def test_token_budgets_are_uniform_from_the_lowest_to_the_highest() -> None:
    drawn = budgets("lcpo_exact")
    assert (min(drawn) >= 100, max(drawn) <= 4_000) == (True, True)
    by_tenth = [sum(100 + 390 * tenth <= each < 490 + 390 * tenth for each in drawn) for tenth in range(10)]
    assert all(300 <= count <= 500 for count in by_tenth)  # 400 ± 5 standard deviations
    assert set(budgets("lcpo_max", low=3, high=5)) == {3, 4, 5}


def test_budgets_depend_on_seed_and_problem_alone() -> None:
    assert budgets("lcpo_exact") == budgets("lcpo_max")
    assert budgets("lcpo_exact", seed=1) != budgets("lcpo_exact")
    assert (
        instructions(MANY[:1], config("lcpo_exact"), 0)[MANY[0]] == instructions(MANY, config("lcpo_exact"), 0)[MANY[0]]
    )


@pytest.mark.parametrize(
    ("kind", "values", "wording"),
    [
        ("lcpo_exact", None, r"Think for (\d+) tokens\."),
        ("lcpo_max", None, r"Think for maximum (\d+) tokens\."),
        ("constrained", {15, 30, 45, 60, 100}, r".* to (\d+) words\."),
        ("token_skip", {100, 90, 80, 70, 60, 50}, r".* (\d+) % of the tokens\."),
        ("system_1x", {25, 50, 75}, r".* (\d+) % of the steps.*"),
    ],
)
def test_an_instruction_says_the_budget_that_stands_beside_it(kind: str, values: set[int] | None, wording: str) -> None:
    scale = 100 if kind in ("token_skip", "system_1x") else 1
    seen = set()
    for said, budget in instructions(MANY, config(kind), 0).values():
        found = re.fullmatch(wording, said)
        assert found is not None
        assert budget is not None
        assert int(found[1]) == round(scale * budget)
        seen.add(int(found[1]))
    assert values is None or seen == values


@settings(max_examples=60)
@given(rows=whole_tries, kind=st.sampled_from(["lcpo_exact", "lcpo_max", "constrained", "concise"]))
def test_the_response_is_a_right_one_that_keeps_to_what_was_asked(rows: list[Try], kind: str) -> None:
    spread = [replace(row, tokens=row.tokens * (row.index + 1), thought="so " * (row.index + 1)) for row in rows]
    own = config(kind, low=1, high=30, words=[1, 4, 7])
    asked = instructions(IDS, own, 0)
    decisions, picks = decide_and_pick(spread, own, problems=IDS)
    for key in IDS:
        said, budget = asked[key]
        right = [row for row in spread if (row.problem_id, row.mode) == (key, ON) and row.usable]

        def fits(row: Try, budget: float | None = budget) -> bool:
            assert budget is not None or kind == "concise"
            words = len(f"{row.reasoning} {row.answer}".split())
            return {
                "lcpo_exact": lambda: abs(row.tokens - (budget or 0)) <= 0.25 * (budget or 0),
                "lcpo_max": lambda: row.tokens <= (budget or 0),
                "constrained": lambda: words <= (budget or 0),
                "concise": lambda: True,
            }[kind]()

        fitting = [row for row in right if fits(row)]
        assert (key in picks) == bool(fitting), decisions[key].drop_reason
        for pick in picks.get(key, []):
            assert (pick.instruction, pick.budget) == (said, budget)
            lengths = [row.tokens for row in fitting]
            if kind == "lcpo_exact":
                assert abs(pick.tokens - (budget or 0)) == min(abs(each - (budget or 0)) for each in lengths)
            if kind == "lcpo_max":
                assert pick.tokens == max(lengths)
            if kind == "concise":
                assert pick.tokens == min(lengths)


def one(kind: str, *rows: Try, **changes: Any) -> Pick:
    return decide_and_pick(rows, config(kind, **changes))[1]["p"][0]


def test_think_off_responses_are_never_taken() -> None:
    decisions, picks = decide_and_pick(tries("p", OFF, 4, 0), config("concise"))
    assert (decisions["p"].drop_reason, picks) == ("no_right_thinking", {})
    decisions, _ = decide_and_pick(tries("p", ON, 4, 0), config("lcpo_exact"))
    assert decisions["p"].drop_reason == "none_fits_budget"


@given(
    parts=st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12), min_size=1, max_size=9),
    share=st.sampled_from([0.1, 0.25, 0.5, 0.75, 1.0]),
    joint=st.sampled_from(["\n", "\n\n"]),
)
def test_marks_are_all_that_is_added_and_as_many_steps_are_slow_as_asked(
    parts: list[str], share: float, joint: str
) -> None:
    reasoning = joint.join(parts)
    marked = mark(reasoning, share)
    assert marked.replace(SLOW, "").replace(FAST, "") == reasoning
    assert len(steps(marked)) == len(parts)
    assert marked.count(SLOW) == max(1, round(share * len(parts)))


def test_the_step_that_turns_back_is_the_hardest_then_the_longest() -> None:
    reasoning = (
        "Add them up.\n\nWait, the second one is negative, but fine.\n\nSo it is a longer and longer sum of them."
    )
    assert [part[:6] for part in steps(mark(reasoning, 0.25))] == ["[fast]", "[slow]", "[fast]"]
    assert [part[:6] for part in steps(mark(reasoning, 0.67))] == ["[fast]", "[slow]", "[slow]"]


def test_marked_reasoning_is_what_is_published() -> None:
    pick = one("system_1x", replace(Try("p", ON, 0, "correct"), thought="one\nwait, two"), slow=[0.5])
    assert pick.reasoning == "[fast] one\n[slow] wait, two"


def test_token_skip_without_llmlingua_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_skip, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="llmlingua is not installed; run"):
        token_skip.require()


def test_token_skip_prunes_to_the_share_that_the_prompt_says(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Compressor:
        def __init__(self, model_name: str, **given: Any) -> None:
            asked.append(model_name)

        def compress_prompt(self, text: str, rate: float, **given: Any) -> dict[str, str]:
            words = text.split()
            return {"compressed_prompt": " ".join(words[: round(rate * len(words))])}

    monkeypatch.setattr(token_skip, "find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, "llmlingua", SimpleNamespace(PromptCompressor=Compressor))
    token_skip._compressor.cache_clear()
    row = replace(Try("p", ON, 0, "correct"), thought="a b c d e f g h i j")
    pick = one("token_skip", row, ratios=[0.6], compressor="some/model")
    assert (pick.reasoning, pick.budget, asked) == ("a b c d e f", 0.6, ["some/model"])
    assert one("token_skip", row, ratios=[1.0]).reasoning == row.thought
    token_skip._compressor.cache_clear()


@pytest.mark.parametrize("wrong", [{"low": 9, "high": 3}, {"words": [0]}, {"ratios": [1.2]}, {"slow": []}, {"alow": 1}])
def test_budgets_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"low|words|ratios|slow"):
        config("lcpo_exact", **wrong)
