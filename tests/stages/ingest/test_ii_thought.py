"""II-Thought-RL: every type of verification, however its JSON is kept, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from hipo_data.schemas.gold import Gold, MathGold, StdinGold
from hipo_data.schemas.records import Kind
from tests.stages.ingest.ingesting import Ingested, Line, ii_row, ii_thought, read, write, write_parquet

FORMATS = pytest.mark.parametrize("end", ["jsonl", "parquet"])
KEPT = pytest.mark.parametrize("kept", ["text", "object"])
CODE = "code_verifiable"
TESTS = [{"input": "1 2\n", "output": "3\n"}, {"input": "", "output": "ü\\n"}]
STDIN = StdinGold(inputs=["1 2\n", ""], outputs=["3\n", "ü\\n"])


def read_in(end: str, path: Path, rows: list[Line]) -> Ingested:
    return read(ii_thought((write if end == "jsonl" else write_parquet)(path / f"x.{end}", rows)))


def in_dress(row: dict[str, Any], kept: str) -> dict[str, Any]:
    """`verification_info` as the JSON text that it is, or as the object itself."""
    return row if kept == "text" else row | {"verification_info": json.loads(row["verification_info"])}


@FORMATS
@KEPT
@pytest.mark.parametrize(
    ("answer", "kind", "gold"),
    [
        ({"value": "42"}, Kind.MATH, MathGold(answers=["42"])),
        ({"value": " \\frac{1}{2} "}, Kind.MATH, MathGold(answers=["\\frac{1}{2}"])),
        ({"value": "[0, 1)"}, Kind.MATH, MathGold(answers=["[0, 1)"])),
        ({"value": "['1/2', '0.5']"}, Kind.MATH, MathGold(answers=["1/2", "0.5"])),
        ({"value": ["1/2", "0.5"]}, Kind.MATH, MathGold(answers=["1/2", "0.5"])),
        ({"value": "42", "language": "english"}, Kind.MATH, MathGold(answers=["42"])),
        ({"value": 42}, Kind.MATH, MathGold(answers=["42"])),
        ({"value": -7}, Kind.MATH, MathGold(answers=["-7"])),
        ({"value": 0.5}, Kind.MATH, MathGold(answers=["0.5"])),
        ({"value": "12345678901234567890123"}, Kind.MATH, MathGold(answers=["12345678901234567890123"])),
        ({"value": "$.answer"}, Kind.MATH, MathGold(answers=["$.answer"])),
        ({"value": 'say "ü"'}, Kind.MATH, MathGold(answers=['say "ü"'])),
        ({"test_cases": TESTS, "language": "python"}, Kind.CODE, STDIN),
        ({"test_cases": TESTS, "language": "Python"}, Kind.CODE, STDIN),
        ({"test_cases": TESTS, "language": None}, Kind.CODE, STDIN),
        ({"test_cases": TESTS}, Kind.CODE, STDIN),
    ],
)
def test_golds_keep_what_they_say(
    tmp_path: Path, end: str, kept: str, answer: dict[str, Any], kind: Kind, gold: Gold
) -> None:
    row = ii_row("Do it.", answer, f"{kind.value}_verifiable")
    (problem,) = read_in(end, tmp_path, [in_dress(row, kept)]).problems
    assert (problem.kind, problem.gold, problem.domain) == (kind, gold, "numina")


@FORMATS
@pytest.mark.parametrize("number", [2**63, 10**19, 12345678901234567890123, -(10**30) - 1])
def test_no_digit_of_a_long_number_is_lost(tmp_path: Path, end: str, number: int) -> None:
    tests = {"test_cases": [{"input": number, "output": number}, {"input": "1", "output": "e"}]}
    rows: list[Line] = [ii_row("math?", {"value": number}), ii_row("code?", tests, CODE)]
    found = {problem.kind: problem.gold for problem in read_in(end, tmp_path, rows).problems}
    code = StdinGold(inputs=[str(number), "1"], outputs=[str(number), "e"])
    assert found == {Kind.MATH: MathGold(answers=[str(number)]), Kind.CODE: code}


BAD: list[tuple[dict[str, Any], str, str]] = [
    (ii_row("q", {"rubric": "x"}, "llm_judge"), "other_domain", "verification_info.type is 'llm_judge', none of math"),
    (ii_row("q", {"patch": "x"}, "swe_verifiable"), "other_domain", "verification_info.type is 'swe_verifiable'"),
    (ii_row("q", kind=7), "other_domain", "verification_info.type is '7'"),
    (ii_row("q", {"test_cases": TESTS, "language": "cpp"}, CODE), "other_language", "the tests are for cpp"),
    (ii_row("q", {"test_cases": []}, CODE), "bad_gold", ""),
    (ii_row("q", {"test_cases": None}, CODE), "bad_gold", "no known shape"),
    (ii_row("q", {"test_cases": ["x"]}, CODE), "bad_gold", "test_cases is not a list of objects"),
    (ii_row("q", {"test_cases": [{"input": "1"}]}, CODE), "bad_gold", "a test case lacks its input or output"),
    (ii_row("q", {"value": "1"}, CODE), "bad_gold", "no known shape"),
    (ii_row("q", {"value": None}), "no_gold", "verification_info.answer holds no value or test_cases"),
    (ii_row("q", {"values": "1"}), "no_gold", "verification_info.answer holds no value or test_cases"),
    (ii_row("q", {"value": ""}), "empty_gold", "no answer"),
    (ii_row("q", {"value": "nan"}), "empty_gold", "no answer"),
    (ii_row("q", {"value": []}), "empty_gold", "no answer"),
    (ii_row("q", kind=None), "bad_gold", "verification_info is no JSON object with a type"),
    (ii_row(None), "bad_column", "column 'problem' must be text; it is missing or null"),
    (ii_row(7), "bad_column", "column 'problem' must be text; it is int"),
    (ii_row("\t"), "empty_question", "the question is empty"),
]


@FORMATS
@KEPT
@pytest.mark.parametrize(("row", "reason", "detail"), BAD)
def test_a_bad_row_is_refused_with_its_reason(
    tmp_path: Path, end: str, kept: str, row: dict[str, Any], reason: str, detail: str
) -> None:
    if reason == "bad_gold" and not detail:
        reason = "empty_gold"
    (refused,) = read_in(end, tmp_path, [in_dress(row, kept)]).rejected
    assert refused.reason == reason
    assert detail in refused.detail


@FORMATS
@pytest.mark.parametrize(
    ("info", "reason"),
    [
        (None, "bad_column"),
        ("", "bad_gold"),
        ("{", "bad_gold"),
        ('{"type": "math_verifiable", "answer": {"value": "1"}', "bad_gold"),
        ('{"type": "math_verifiable", "answer": {"value": NaN}}', "bad_gold"),
        ('{"type": "math_verifiable", "answer": {"value": "\\ud800"}}', "bad_gold"),
        ("{'type': 'math_verifiable', 'answer': {'value': '1'}}", "bad_gold"),
        ("[1]", "bad_gold"),
        ("null", "bad_gold"),
        ('"math_verifiable"', "bad_gold"),
        ("math_verifiable", "bad_gold"),
        (["math_verifiable"], "bad_gold"),
        (7, "bad_gold"),
        ("[" * 10_000 + "]" * 10_000, "bad_gold"),
        ('{"type": "math_verifiable", "answer": "1"}', "no_gold"),
        ('{"type": "math_verifiable"}', "no_gold"),
        ('{"type": "code_verifiable"}', "no_gold"),
        ('{"type": "math_verifiable", "answer": [{"value": "1"}]}', "no_gold"),
    ],
)
def test_broken_verification_is_refused_and_never_fatal(tmp_path: Path, end: str, info: Any, reason: str) -> None:
    found = read_in(end, tmp_path, [{"problem": "q", "verification_info": info}])
    assert list(found.outcomes.values()) == [reason]


def test_broken_and_sound_rows_lie_side_by_side(tmp_path: Path) -> None:
    rows = [ii_row(f"q{at}") for at in range(40)]
    rows[::2] = [row | {"verification_info": '{"type": "math_verifiable"'} for row in rows[::2]]
    for end in ("jsonl", "parquet"):
        assert list(read_in(end, tmp_path, [*rows]).outcomes.values()).count("problem") == 20
