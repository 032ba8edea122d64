"""Grading a file: every row comes out once, whatever is wrong with it."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hipo_data.graders import grade_file
from hipo_data.schemas.grading import GradingConfig

CONFIG = GradingConfig(workers=2, code_timeout_s=1.0, math_timeout_s=1.0)
PROGRAM = "```python\nprint(int(input()) + 1)\n```"
FIRST = "```python\nprint(0)\n```"
FUNCTION = "```python\ndef f(x): return x\n```"
TESTS = {"inputs": ["1\n"], "outputs": ["2\n"]}


def math(name: str, response: str) -> dict[str, Any]:
    return {"id": name, "kind": "math", "question": "?", "gold": "5", "response": response}


def program(name: str, response: str, gold: Any = None) -> dict[str, Any]:
    return {"id": name, "kind": "code", "question": "?", "gold": gold or TESTS, "response": response}


def check(statement: str) -> dict[str, str]:
    return {"test_code": f"def check(c):\n    {statement}", "entry_point": "f"}


ROWS: list[tuple[dict[str, Any], str, str]] = [
    (math("right", r"\boxed{5}"), "correct", "match"),
    (math("wrong", r"\boxed{6}"), "incorrect", "mismatch"),
    (math("giant power", r"\boxed{10^{10^{10}}}"), "incorrect", "mismatch"),
    (math("brackets", rf"\boxed{{{'(' * 4000}1{')' * 4000}}}"), "incorrect", "mismatch"),
    (math("10 MB", "word " * 2_000_000 + r"\boxed{5}"), "correct", "match"),
    (math("several </think>", r"\boxed{1}</think>\boxed{2}</think>\boxed{5}"), "correct", "match"),
    (math("lone surrogate", "\ud800 \\boxed{5}"), "correct", "match"),
    (math("empty", ""), "incorrect", "no_answer"),
    (program("program", PROGRAM), "correct", "passed"),
    (program("tests as text", PROGRAM, json.dumps(TESTS)), "correct", "passed"),
    (program("no code", "I cannot do that."), "incorrect", "no_code"),
    (program("several blocks", f"{FIRST}\nBetter:\n{PROGRAM}\nFor example:\n```\n1\n```"), "correct", "passed"),
    (program("syntax error", "```python\ndef f(:\n```"), "incorrect", "syntax_error"),
    (program("unclosed fence", "```python\nprint(int(input()) + 1)\n"), "correct", "passed"),
    (program("surrogate in code", "```python\nprint(int(input()) + 1)  # \ud800\n```"), "correct", "passed"),
    (program("null byte", "```python\nprint(2)\x00\n```"), "incorrect", "syntax_error"),
    (program("infinite output", "```python\nwhile True: print('x' * 10000)\n```"), "incorrect", "output_limit"),
    (program("10 MB program", f"```python\n{'# comment' * 1_200_000}\nprint(2)\n```"), "incorrect", "no_code"),
    (program("empty tests", PROGRAM, {"inputs": [], "outputs": []}), "unknown", "empty_gold"),
    (program("bad tests", PROGRAM, "{"), "unknown", "bad_gold"),
    ({"id": "no response", "kind": "math", "question": "?", "gold": "5"}, "unknown", "missing_response"),
    ({"id": "no gold", "kind": "math", "question": "?", "response": "5"}, "unknown", "missing_gold"),
    ({"id": "a kind of its own", "kind": "essay", "gold": "5", "response": "5"}, "unknown", "unknown_kind"),
    ({"id": "a number for a response", "kind": "math", "gold": "5", "response": 5}, "unknown", "bad_response"),
    (program("broken check", FUNCTION, check("assert undefined(c(1))")), "unknown", "bad_tests"),
    (program("check of nothing", FUNCTION, check("for x in []: assert c(x)")), "unknown", "bad_tests"),
    (math("last", "The answer is 5."), "correct", "match"),
]  # fmt: skip


def test_every_row_gets_its_verdict(tmp_path: Path) -> None:
    lines = [json.dumps(row) for row, _, _ in ROWS]
    lines[3:3] = ["{broken", "[1, 2]", json.dumps({"kind": "math"})]
    (tmp_path / "in.jsonl").write_text("\n".join(lines) + "\n")
    counts = grade_file(tmp_path / "in.jsonl", tmp_path / "out.jsonl", CONFIG)
    graded = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    by_name = {row["id"]: row for row in graded}
    assert len(graded) == len(by_name) == len(lines) == sum(counts.values())
    found = {row["id"]: (by_name[row["id"]]["status"], by_name[row["id"]]["reason"]) for row, _, _ in ROWS}
    assert found == {row["id"]: (status, reason) for row, status, reason in ROWS}
    assert [by_name[f"line {number}"]["reason"] for number in (4, 5, 6)] == ["bad_json", "bad_row", "missing_id"]
    assert set(graded[0]) == {"id", "status", "reason", "extracted", "tests_passed", "tests_total", "cpu_ms", "wall_ms"}
    assert list(tmp_path.iterdir()) != [] and not list(tmp_path.glob(".*"))


def test_invalid_utf8_is_replaced(tmp_path: Path) -> None:
    row = json.dumps(math("x", "@ \\boxed{5}")).encode().replace(b"@", b"\xff\xfe")
    (tmp_path / "in.jsonl").write_bytes(row + b"\n")
    assert grade_file(tmp_path / "in.jsonl", tmp_path / "out.jsonl", CONFIG)["correct"] == 1


def test_parquet_in_and_out(tmp_path: Path) -> None:
    rows = [math("a", "5"), program("b", PROGRAM, json.dumps(TESTS)), math("c", "6")]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "in.parquet")
    counts = grade_file(tmp_path / "in.parquet", tmp_path / "out.parquet", CONFIG)
    assert counts == {"correct": 2, "incorrect": 1, "unknown": 0}
    assert pq.read_table(tmp_path / "out.parquet").column("id").to_pylist() == ["a", "b", "c"]


def test_another_ending_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("")
    with pytest.raises(ValueError, match="jsonl or"):
        grade_file(tmp_path / "in.csv", tmp_path / "out.jsonl", CONFIG)
