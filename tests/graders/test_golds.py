"""The sources' gold shapes, and golds that say nothing."""

import json
from typing import Any

import pytest

from hipo_data.graders import GoldError, parse_gold
from hipo_data.schemas.gold import AssertGold, CallGold, CheckGold, MathGold, StdinGold, gold_to_json
from hipo_data.schemas.records import Kind

TEST = "def check(candidate):\n    assert candidate(1) == 2"


@pytest.mark.parametrize(
    ("raw", "answers"),
    [
        ("5", ["5"]),
        (["5", "five"], ["5", "five"]),
        ('["\\\\frac{1}{2}", "0.5"]', [r"\frac{1}{2}", "0.5"]),
        ("['5', '6']", ["5", "6"]),
        ("[0, 1]", ["[0, 1]"]),
        ("[0, 1)", ["[0, 1)"]),
        (7, ["7"]),
        (gold_to_json(MathGold(answers=["5", "[6]"])), ["5", "[6]"]),
        ("{1, 2}", ["{1, 2}"]),
        ({"value": 57}, ["57"]),
        ('{"value": 57}', ["57"]),
        ("{'answer': 'x+1'}", ["x+1"]),
        ([{"value": "5"}, "five"], ["5", "five"]),
        (r"{1, \ldots, n}", [r"{1, \ldots, n}"]),
    ],
)
def test_math_golds(raw: Any, answers: list[str]) -> None:
    assert parse_gold("math", raw) == MathGold(answers=answers)


@pytest.mark.parametrize("raw", [{"a": 1}, '{"a": 1}', {"value": 1, "answer": 2}, {"value": {"x": 1}}, [{"a": 1}], {}])
def test_an_object_that_names_no_answer_is_refused(raw: Any) -> None:
    with pytest.raises(GoldError, match="object with the keys") as refused:
        parse_gold("math", raw)
    assert refused.value.reason == "bad_gold"


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(
    ("raw", "gold"),
    [
        (
            {"import_prefix": "import math", "test_code": TEST, "entry_point": "f"},
            CheckGold(import_prefix="import math", test_code=TEST, entry_point="f"),
        ),
        (
            {"test_code": TEST + "\ncheck(Solution().f)"},
            CheckGold(test_code=TEST + "\ncheck(Solution().f)", entry_point="Solution().f"),
        ),
        ({"inputs": ["1\n"], "outputs": ["2\n"]}, StdinGold(inputs=["1\n"], outputs=["2\n"])),
        ({"inputs": ["1\n"], "outputs": ["2\n"], "fn_name": None}, StdinGold(inputs=["1\n"], outputs=["2\n"])),
        (
            {"inputs": ["1\n[2]"], "outputs": ["3"], "fn_name": "f"},
            CallGold(fn_name="f", inputs=["1\n[2]"], outputs=["3"]),
        ),
        (
            {"inputs": [[1, [2]]], "outputs": [[3]], "fn_name": "f"},
            CallGold(fn_name="f", inputs=["1\n[2]"], outputs=["3"]),
        ),
        ({"assert_case": ["assert f(1) == 2"]}, AssertGold(asserts=["assert f(1) == 2"])),
        ({"test_cases": [{"input": "1", "output": "2"}]}, StdinGold(inputs=["1"], outputs=["2"])),
        ([{"input": "1", "output": "2"}], StdinGold(inputs=["1"], outputs=["2"])),
    ],
)
def test_code_golds(raw: Any, gold: Any, as_json: bool) -> None:
    assert parse_gold(Kind.CODE, json.dumps(raw) if as_json else raw) == gold


@pytest.mark.parametrize(
    ("kind", "raw", "reason"),
    [
        ("math", "", "empty_gold"),
        ("math", [], "empty_gold"),
        ("math", None, "empty_gold"),
        ("math", ["", " "], "empty_gold"),
        ("code", "", "bad_gold"),
        ("code", "not json", "bad_gold"),
        ("code", {}, "bad_gold"),
        ("code", {"inputs": [], "outputs": []}, "empty_gold"),
        ("code", {"inputs": ["1"], "outputs": []}, "bad_gold"),
        ("code", {"assert_case": []}, "empty_gold"),
        ("code", {"test_code": "", "entry_point": "f"}, "empty_gold"),
        ("code", {"test_code": "def check(:", "entry_point": "f"}, "bad_gold"),
        ("code", {"test_code": TEST}, "bad_gold"),
        ("code", {"test_cases": [{"input": "1"}]}, "bad_gold"),
        ("code", 7, "bad_gold"),
        ("code", "[" * 100_000, "bad_gold"),
    ],
)
def test_unusable_golds(kind: str, raw: Any, reason: str) -> None:
    with pytest.raises(GoldError) as caught:
        parse_gold(kind, raw)
    assert caught.value.reason == reason
