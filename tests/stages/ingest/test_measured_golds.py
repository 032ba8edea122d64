"""Golds with units, tolerances and errors, as sources have them in columns of their own."""

from pathlib import Path
from typing import Any

import pytest

from hipo_data.schemas.gold import MathGold, gold_to_json
from tests.stages.ingest.ingesting import Line, read, table, write

ASKED = "How fast is a stone after a second of free fall?"


def gold(path: Path, row: dict[str, Any], **changes: Any) -> MathGold:
    (problem,) = read(table(write(path / "rows.jsonl", [{"question": ASKED, **row}]), **changes)).problems
    assert isinstance(problem.gold, MathGold)
    return problem.gold


@pytest.mark.parametrize(
    ("row", "changes", "wanted"),
    [
        ({"answer": "9.8", "unit": "m/s"}, {"columns": {"unit": "unit"}}, {"unit": "m/s"}),
        ({"answer": 9.8, "unit": " $m/s$ "}, {"columns": {"unit": "unit"}}, {"unit": "$m/s$"}),
        ({"answer": "9.8", "unit": ""}, {"columns": {"unit": "unit"}}, {}),
        ({"answer": "9.8", "unit": None}, {"columns": {"unit": "unit"}}, {}),
        ({"answer": "9.8", "unit": None}, {"columns": {"unit": "unit"}, "tolerance": 0.02}, {"tolerance": 0.02}),
        ({"answer": ["9.8"], "e": "1e-1"}, {"columns": {"error": "e"}}, {"error": 0.1}),
        (
            {"answer": "9.8", "e": 0.1, "u": "m/s"},
            {"columns": {"error": "e", "unit": "u"}},
            {"error": 0.1, "unit": "m/s"},
        ),
        ({"answer": "9.8", "e": ""}, {"columns": {"error": "e"}}, {}),
        (
            {"answer": "So it is \\boxed{9.8}.", "u": "m/s"},
            {"columns": {"unit": "u"}, "gold_is": "solution"},
            {"unit": "m/s"},
        ),
    ],
)
def test_what_stands_beside_an_answer_goes_into_its_gold(
    row: dict[str, Any], changes: dict[str, Any], wanted: dict[str, Any], tmp_path: Path
) -> None:
    assert gold(tmp_path, row, **changes) == MathGold(answers=["9.8"], **wanted)


def test_plain_golds_are_written_as_before() -> None:
    assert gold_to_json(MathGold(answers=["9.8"])) == '{"type":"math","answers":["9.8"]}'
    assert gold_to_json(MathGold(answers=["9.8"], unit="m")) == '{"type":"math","answers":["9.8"],"unit":"m"}'


def test_a_row_without_an_answer_is_refused_whatever_its_unit(tmp_path: Path) -> None:
    rows: list[Line] = [
        {"question": ASKED, "answer": None, "unit": "m/s"},
        {"question": ASKED, "answer": "", "unit": "m"},
    ]
    found = read(table(write(tmp_path / "rows.jsonl", rows), columns={"unit": "unit"}))
    assert sorted(row.reason for row in found.rejected) == ["empty_gold", "no_gold"]
