"""The sources' gold shapes, and golds that say nothing."""

import json
from typing import Any

import pytest

from hipo_data.graders import GoldError, parse_gold
from hipo_data.schemas.gold import AssertGold, CallGold, CheckGold, MathGold, StdinGold, gold_to_json
from hipo_data.schemas.records import Kind

CHECKER = "def check(input, output, expected):\n    return output.strip() != ''"


def call(inputs: Any, outputs: Any) -> dict[str, Any]:
    return {"inputs": inputs, "outputs": outputs, "fn_name": "f"}


def functional(**more: Any) -> dict[str, Any]:
    return {"input": "[1, 2]", "output": "3", "testtype": "functional", **more}


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
        (
            {"functional": TEST + "\ncheck(Solution().f)"},
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
        # Results that are texts, however the source writes them.
        (call([["abc"]], [["cba"]]), CallGold(fn_name="f", inputs=['"abc"'], outputs=['"cba"'])),
        (call([["abc"]], ["cba"]), CallGold(fn_name="f", inputs=['"abc"'], outputs=['"cba"'])),
        (call([[5, 2]], [["101"]]), CallGold(fn_name="f", inputs=["5\n2"], outputs=['"101"'])),
        (call([[5, 2]], ["101"]), CallGold(fn_name="f", inputs=["5\n2"], outputs=['"101"'])),
        (call([[5], [6]], ["[5]", "7"]), CallGold(fn_name="f", inputs=["5", "6"], outputs=["[5]", "7"])),
        (call(["5", "ab"], ["cba", "12"]), CallGold(fn_name="f", inputs=['"5"', '"ab"'], outputs=['"cba"', '"12"'])),
        (call(["ab", ""], [" ba\n", ""]), CallGold(fn_name="f", inputs=['"ab"', '""'], outputs=['" ba"', '""'])),
        (call(["5\nab"], ["x"]), CallGold(fn_name="f", inputs=['5\n"ab"'], outputs=['"x"'])),
        (call(["1", "2"], ["True", "None"]), CallGold(fn_name="f", inputs=["1", "2"], outputs=["true", "null"])),
        (call(["('a', 1)"], ["(1, 2)"]), CallGold(fn_name="f", inputs=['["a", 1]'], outputs=["[1, 2]"])),
        (call(["[\n 1,\n 2\n]\n3"], ["3"]), CallGold(fn_name="f", inputs=["[1, 2]\n3"], outputs=["3"])),
        (call(["a = [1], b = true"], ["3"]), CallGold(fn_name="f", inputs=["[1]\ntrue"], outputs=["3"])),
        (call([[1], [2]], [[[1]], [[]]]), CallGold(fn_name="f", inputs=["1", "2"], outputs=["[1]", "[]"])),
        (call([[1], [2]], [[1], [1, 2]]), CallGold(fn_name="f", inputs=["1", "2"], outputs=["[1]", "[1, 2]"])),
        (call([3, 4], [9, 16]), CallGold(fn_name="f", inputs=["3", "4"], outputs=["9", "16"])),
        # Cases that say themselves what they call.
        ([functional(metadata={"func_name": "f"})], CallGold(fn_name="f", inputs=["[1, 2]"], outputs=["3"])),
        ([functional(metadata='{"func_name": "f"}')], CallGold(fn_name="f", inputs=["[1, 2]"], outputs=["3"])),
        ({"test_cases": [functional()], "fn_name": "f"}, CallGold(fn_name="f", inputs=["[1, 2]"], outputs=["3"])),
        (
            [{"type": "function_call", "fn_name": "f", "input": [1, 2], "output": [3]}],
            CallGold(fn_name="f", inputs=["1\n2"], outputs=["3"]),
        ),
        (
            [{"testtype": "stdin", "input": "1", "output": "2", "metadata": {"func_name": None}}],
            StdinGold(inputs=["1"], outputs=["2"]),
        ),
        # Tests that lack a side are left out.
        ({"inputs": ["1", None, "3"], "outputs": ["2", "2", None]}, StdinGold(inputs=["1"], outputs=["2"])),
        (call(["1", None], ["2", None]), CallGold(fn_name="f", inputs=["1"], outputs=["2"])),
        (
            [{"input": None, "output": None}, {"input": "1", "output": "2"}],
            StdinGold(inputs=["1"], outputs=["2"]),
        ),
        (
            {"inputs": ["1"], "outputs": ["2"], "checker": CHECKER},
            StdinGold(inputs=["1"], outputs=["2"], checker=CHECKER),
        ),
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
        ("code", {"inputs": [None], "outputs": [None]}, "empty_gold"),
        ("code", [{"input": None, "output": "1"}], "empty_gold"),
        ("code", {"inputs": [{"n": 1}], "outputs": ["1"]}, "bad_gold"),
        ("code", call(["[1, 2"], ["3"]), "bad_gold"),
        ("code", call(["1"], ["[1, 2, ..."]), "bad_gold"),
        ("code", call([{"n": 1}], ["3"]), "bad_gold"),
        ("code", call(["1", [2]], ["1", "2"]), "bad_gold"),
        ("code", {"inputs": ["1"], "outputs": ["2"], "fn_name": "not a name"}, "bad_gold"),
        ("code", {"inputs": ["1"], "outputs": ["2"], "fn_name": "7"}, "bad_gold"),
        ("code", {"type": "call", "fn_name": "f", "inputs": ["abc"], "outputs": ["1"]}, "bad_gold"),
        ("code", {"type": "asserts", "asserts": ["assert f(1"]}, "bad_gold"),
        ("code", [functional()], "bad_gold"),
        ("code", [functional(fn_name="f"), functional(fn_name="g")], "bad_gold"),
        ("code", [functional(fn_name="f"), {"input": "1", "output": "2", "testtype": "stdin"}], "bad_gold"),
        ("code", {"assert_case": ["assert f(1) =="]}, "bad_gold"),
        ("code", {"assert_case": ["assert True"]}, "bad_gold"),
        ("code", {"assert_case": ["f(1)"]}, "bad_gold"),
        ("code", {"assert_case": ["assert f(1)"], "import_prefix": "import ("}, "bad_gold"),
        ("code", {"test_code": "assert f(1) == 2", "entry_point": "f"}, "bad_gold"),
        ("code", {"test_code": "def check(c):\n    c(1)", "entry_point": "f"}, "bad_gold"),
        ("code", {"test_code": TEST, "entry_point": "class"}, "bad_gold"),
        ("code", {"inputs": ["1"], "outputs": ["2"], "checker": "def check(:"}, "bad_gold"),
        ("code", {"inputs": ["1"], "outputs": ["2"], "checker": "def check(a): return True"}, "bad_gold"),
        ("code", {"inputs": ["1"], "outputs": ["2"], "checker": "def check(a, b, c): return eval(b)"}, "bad_gold"),
        ("code", {"inputs": ["1"], "outputs": ["2"], "checker": f"import pickle\n{CHECKER}"}, "bad_gold"),
        ("code", {"assert_case": ["assert f(1) == 2"], "checker": CHECKER}, "bad_gold"),
        ("code", "[" * 100_000, "bad_gold"),
    ],
)
def test_unusable_golds(kind: str, raw: Any, reason: str) -> None:
    with pytest.raises(GoldError) as caught:
        parse_gold(kind, raw)
    assert caught.value.reason == reason


def test_what_is_refused_is_said_in_words() -> None:
    with pytest.raises(GoldError, match="the result of test 2 is not JSON: 'x'"):
        parse_gold("code", {"type": "call", "fn_name": "f", "inputs": ["1", "2"], "outputs": ["1", "x"]})


def test_asserts_may_be_lines_of_text() -> None:
    lines = "assert f(1) == 2\nassert f(\n    3\n) == 4\n"
    assert parse_gold(Kind.CODE, lines) == AssertGold(asserts=["assert f(1) == 2", "assert f(\n    3\n) == 4"])
    for other in ("import os\nassert f(1) == 2", "assert f(1 == 2", "f(1) == 2"):
        with pytest.raises(GoldError, match="the gold is not JSON"):
            parse_gold(Kind.CODE, other)
