"""AM-Thinking-v1-Distilled: where its info may stand, what its golds may be, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from hipo_data.schemas.gold import CallGold, Gold, MathGold, StdinGold
from hipo_data.schemas.records import Kind
from tests.stages.ingest.ingesting import (
    AM_THINKING,
    Ingested,
    Line,
    am_info,
    am_row,
    am_thinking,
    read,
    reasons,
    write,
    write_parquet,
)

STDIN = {"inputs": ["1 2\n"], "outputs": ["3\n"], "fn_name": None}
CALL = {"fn_name": "add", "inputs": ["1\n2"], "outputs": ["3"]}
FORMATS = pytest.mark.parametrize("end", ["jsonl", "parquet"])


def read_in(end: str, path: Path, rows: list[Line]) -> Ingested:
    return read(am_thinking((write if end == "jsonl" else write_parquet)(path / f"math.{end}", rows)))


def turns(*said: tuple[str, Any], info: Any = None) -> list[dict[str, Any]]:
    return [{"from": who, "value": text, "info": info} for who, text in said]


PLACES = {
    "in the assistant's turn": am_row("q", "42"),
    "in the human turn": {"conversations": [*turns(("human", "q"), info=am_info("42")), *turns(("assistant", "…"))]},
    "in both turns": {"conversations": turns(("human", "q"), ("assistant", "…"), info=am_info("42"))},
    "beside the turns": {"conversations": turns(("human", "q"), ("assistant", "…")), "info": am_info("42")},
    "some in the turn, some beside": {
        "conversations": turns(("human", "q"), ("assistant", "…"), info={"ground_truth": "42"}),
        "info": {"category": "math", "source": "NuminaMath"},
    },
    "after a system turn": {
        "system": "Think.",
        "conversations": turns(("system", "Think."), ("human", "q"), ("assistant", "…"), info=am_info("42")),
    },
}


@FORMATS
@pytest.mark.parametrize("place", PLACES)
def test_info_is_found_wherever_it_stands(tmp_path: Path, end: str, place: str) -> None:
    (problem,) = read_in(end, tmp_path, [PLACES[place]]).problems
    assert (problem.question, problem.kind, problem.gold) == ("q", Kind.MATH, MathGold(answers=["42"]))
    assert problem.domain == "NuminaMath"
    (source,) = problem.sources
    assert (source.dataset, source.file, source.row) == (AM_THINKING, f"math.{end}", 0)


def test_what_the_assistants_turn_says_goes_before_what_stands_beside(tmp_path: Path) -> None:
    row = am_row("q", "42") | {"info": am_info("43", source="elsewhere")}
    (problem,) = read_in("jsonl", tmp_path, [row]).problems
    assert (problem.gold, problem.domain) == (MathGold(answers=["42"]), "NuminaMath")


@FORMATS
@pytest.mark.parametrize(
    ("category", "gold", "wanted"),
    [
        ("math", "\\frac{1}{2}", MathGold(answers=["\\frac{1}{2}"])),
        ("math", 42, MathGold(answers=["42"])),
        ("math", 0.5, MathGold(answers=["0.5"])),
        ("math", ["1/2", "0.5"], MathGold(answers=["1/2", "0.5"])),
        ("code", STDIN, StdinGold(inputs=["1 2\n"], outputs=["3\n"])),
        ("code", json.dumps(STDIN), StdinGold(inputs=["1 2\n"], outputs=["3\n"])),
        ("code", CALL, CallGold(fn_name="add", inputs=["1\n2"], outputs=["3"])),
        ("code", json.dumps(CALL), CallGold(fn_name="add", inputs=["1\n2"], outputs=["3"])),
    ],
)
def test_golds_may_be_objects_or_their_json(tmp_path: Path, end: str, category: str, gold: Any, wanted: Gold) -> None:
    (problem,) = read_in(end, tmp_path, [am_row("Do it.", gold, category)]).problems
    assert (problem.gold, problem.kind) == (wanted, Kind(category))


@FORMATS
@pytest.mark.parametrize(
    ("row", "reason", "detail"),
    [
        (am_row("q", category="chat"), "other_domain", "info.category is 'chat', none of math, code and choice"),
        (am_row("q", category=""), "other_domain", "info.category is 'missing or null'"),
        (am_row("q", category="Math"), "other_domain", "info.category is 'Math'"),
        (am_row("q") | {"conversations": None}, "other_domain", "info.category is 'missing or null'"),
        (am_row("q") | {"conversations": []}, "other_domain", "info.category is 'missing or null'"),
        (am_row("q") | {"conversations": "q"}, "other_domain", "info.category is 'missing or null'"),
        ({"conversations": None, "info": am_info()}, "bad_column", "'conversations' must hold one human turn"),
        ({"conversations": [], "info": am_info()}, "bad_column", "'conversations' must hold one human turn"),
        (am_row(None), "bad_column", "'conversations' must hold one human turn with text"),
        ({"conversations": turns(("assistant", "q"), info=am_info())}, "bad_column", "one human turn"),
        ({"conversations": turns(("human", "a"), ("human", "b"), info=am_info())}, "bad_column", "one human turn"),
        (am_row("q", None), "no_gold", "info holds no ground_truth (math) or test_case (code)"),
        (am_row("q", None, "code"), "no_gold", "info holds no ground_truth (math) or test_case (code)"),
        (am_row("q", None, test_case=json.dumps(STDIN)), "no_gold", "info holds no ground_truth (math)"),
        (am_row("q", "nan"), "empty_gold", "no answer"),
        (am_row("q", " "), "empty_gold", "no answer"),
        (am_row("q", "[]"), "empty_gold", "no answer"),
        (am_row("q", "not tests", "code"), "bad_gold", "not JSON"),
        (am_row("q", {"inputs": ["1"], "outputs": ["1", "2"]}, "code"), "bad_gold", "1 inputs but 2 outputs"),
        (am_row("q", {"code": "x"}, "code"), "bad_gold", "no known shape"),
        (am_row(" \n"), "empty_question", "the question is empty"),
        ({}, "other_domain", "info.category is 'missing or null'"),
    ],
)  # fmt: skip
def test_a_bad_row_is_refused_with_its_reason(
    tmp_path: Path, end: str, row: dict[str, Any], reason: str, detail: str
) -> None:
    (refused,) = read_in(end, tmp_path, [row | {"more": 1}]).rejected
    assert (refused.reason, refused.key) == (reason, f"math.{end}:0")
    assert detail in refused.detail


def test_no_tests_at_all_are_no_gold(tmp_path: Path) -> None:
    row = am_row("q", {"inputs": [], "outputs": []}, "code")
    assert reasons(read_in("jsonl", tmp_path, [row])) == {"empty_gold": 1}


def test_files_with_different_schemas_are_one_source(tmp_path: Path) -> None:
    write(tmp_path / "math.jsonl", [am_row("math?", "1", ppl=1.5, instruction_constrain=None)])
    write(tmp_path / "code.jsonl", [am_row("code?", STDIN, "code", ppl="low") | {"system": "x", "more": [1, {"a": 2}]}])
    write(tmp_path / "chat.jsonl", [am_row("chat?", category="chat", instruction_constrain=[{"id": 1}])])
    write(tmp_path / "if.jsonl", [am_row("if?", category="if") | {"system": None, "more": "text", "ppl": {}}])
    write_parquet(tmp_path / "science.parquet", [am_row("science?", category="science", ppl=3)])
    found = read(am_thinking(tmp_path / "*"))
    assert {problem.question for problem in found.problems} == {"math?", "code?"}
    assert found.outcomes == {
        (AM_THINKING, "math.jsonl", 0): "problem",
        (AM_THINKING, "code.jsonl", 0): "problem",
        (AM_THINKING, "chat.jsonl", 0): "other_domain",
        (AM_THINKING, "if.jsonl", 0): "other_domain",
        (AM_THINKING, "science.parquet", 0): "other_domain",
    }


def test_rows_of_one_file_may_differ_in_all_columns_that_are_not_read(tmp_path: Path) -> None:
    more = [1, "x", None, [], {"a": {"b": 1}}, [[1], "x"], 1.5, True]
    rows: list[Line] = [
        am_row(f"q{n}", "1", ppl=value, think_content=value) | {"more": value} for n, value in enumerate(more)
    ]
    assert len(read_in("jsonl", tmp_path, rows).problems) == len(more)
