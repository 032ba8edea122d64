"""`hipo-data grade`, as its users type it, and the address of a sandbox, which `doctor` takes too."""

import json
from pathlib import Path

from tests.graders.run_code_service import service
from tests.support.commands import fail, succeed, write_lines

ROWS = [
    {"id": "m", "kind": "math", "question": "?", "gold": ["1/2"], "response": "so \\boxed{0.5}"},
    {"id": "w", "kind": "math", "question": "?", "gold": "3", "response": "\\boxed{4}"},
    {
        "id": "c",
        "kind": "code",
        "question": "?",
        "gold": {"inputs": ["2"], "outputs": ["4"], "fn_name": "f"},
        "response": "```python\ndef f(x):\n    return 2 * x\n```",
    },
    {"id": "n", "kind": "math", "question": "?", "gold": None, "response": "5"},
]


def test_grade_answers_every_row_once(tmp_path: Path) -> None:
    write_lines(tmp_path / "in.jsonl", ROWS)
    out = succeed("grade", "in.jsonl", "--out", "out.jsonl", cwd=tmp_path)
    assert out.strip() == "correct 2, incorrect 1, unknown 1"
    rows = {row["id"]: row["status"] for row in map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())}
    assert rows == {"m": "correct", "w": "incorrect", "c": "correct", "n": "unknown"}


def test_grade_says_what_is_wrong_with_its_files(tmp_path: Path) -> None:
    assert "none.jsonl" in fail("grade", "none.jsonl", "--out", "out.jsonl", cwd=tmp_path)
    write_lines(tmp_path / "in.jsonl", ROWS)
    assert ".jsonl or .parquet" in fail("grade", "in.jsonl", "--out", "out.txt", cwd=tmp_path)
    assert not (tmp_path / "out.txt").exists()


def test_a_service_and_its_address_go_together(tmp_path: Path) -> None:
    assert "give both or neither" in fail("doctor", "--sandbox", "remote", cwd=tmp_path)
    assert "give both or neither" in fail("doctor", "--sandbox-url", "http://localhost:1", cwd=tmp_path)


def test_programs_can_be_graded_by_a_service(tmp_path: Path) -> None:
    write_lines(tmp_path / "in.jsonl", ROWS)
    with service() as served:
        options = ("--sandbox", "remote", "--sandbox-url", served.url)
        out = succeed("grade", "in.jsonl", "--out", "out.jsonl", *options, cwd=tmp_path)
        assert out.strip() == "correct 2, incorrect 1, unknown 1"
        assert len(served.asked) == 1
