"""What a plan expects before ingest has run."""

from pathlib import Path
from typing import Any

import pytest

from hipo_data.pipeline.store.run_path import run_path
from hipo_data.pipeline.views.plan import make_plan
from hipo_data.schemas.config import RunConfig
from hipo_data.stages.ingest.reading import row_count
from hipo_data.stages.ingest.reading.files import source_files
from hipo_data.stages.ingest.sources.table import TableSource
from tests.stages.ingest.ingesting import write, write_parquet

ROWS = [{"question": f"What is {i} plus {3 * i}?", "answer": str(4 * i)} for i in range(10, 40)]
PRICE = {"prompt_per_million": 1, "completion_per_million": 2, "currency": "EUR"}


def config(path: Path, **changes: Any) -> RunConfig:
    engine = {"type": "openai", "model": "m", "base_url": "http://h:1/v1", "price": PRICE}
    role = {"engine": "teacher", "sampling": {"max_tokens": 1000}}
    tree = {
        "name": "x",
        "sources": [{"type": "table", "path": str(path)}],
        "engines": {"teacher": engine},
        "roles": {
            "think_on": {**role, "system_prompt": "think"},
            "think_off": role,
            "justifier": {**role, "sampling": {"max_tokens": 100}},
        },
        "sample": {"n": 4},
        "justify": {"max_attempts": 2},
    }
    return RunConfig.model_validate({**tree, **changes})


def test_rows_and_what_can_be_problems_give_requests_tokens_and_money(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", [*ROWS, *({"question": "Which?"} for _ in range(10))])
    found = make_plan(run_path(str(tmp_path / "run")), config(path)).expected
    assert found is not None
    assert (found.rows, found.exact, found.problems, found.share) == (40, True, 30, 0.75)
    assert found.requests == 30 * (4 + 4 + 2)
    assert found.tokens_at_most == 30 * (8 * 1000 + 2 * 100)
    assert found.cost_at_most == {"EUR": pytest.approx(2 * found.tokens_at_most / 1e6)}
    assert "40 rows; 75 % of those looked at can be problems, so about 30 problems, 300 requests" in found.in_words
    limited = make_plan(run_path(str(tmp_path / "run")), config(path, ingest={"limit": 7})).expected
    assert limited is not None and (limited.problems, limited.requests) == (7, 70)
    recorded = {"teacher": {"type": "replay", "path": str(path)}}
    kept = make_plan(run_path(str(tmp_path / "run")), config(path, engines=recorded)).expected
    assert kept is not None and (kept.requests, kept.tokens_at_most) == (300, 0)
    assert "tokens" not in kept.in_words


def counted(path: Path) -> row_count.RowCount:
    (file,) = source_files(TableSource(type="table", path=str(path)), None, None)
    return row_count.count_rows(file)


def test_rows_are_counted_in_each_format_and_estimated_in_large_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "".join(f'q{i},"{i}\n{i}"\n' for i in range(30))
    (tmp_path / "x.csv").write_text("question,answer\n" + lines)
    (tmp_path / "x.json").write_text("[\n" + ",\n".join('{\n"a": 1\n}' for _ in range(30)) + "]")
    write_parquet(tmp_path / "x.parquet", ROWS)
    write(tmp_path / "x.jsonl", ROWS)
    for name in ("x.csv", "x.json", "x.parquet", "x.jsonl"):
        assert counted(tmp_path / name) == row_count.RowCount(30, True)
    monkeypatch.setattr(row_count, "_COUNTED", 2_000)
    monkeypatch.setattr(row_count, "_PIECE", 2_000)
    write(tmp_path / "large.jsonl", ROWS * 100)
    found = counted(tmp_path / "large.jsonl")
    assert not found.exact and abs(found.rows - 3_000) < 150
