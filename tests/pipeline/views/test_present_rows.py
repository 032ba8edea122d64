"""Rows of a run are those of its present shards: what an earlier attempt left behind is neither counted nor shown."""

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hipo_data.pipeline.config_file import load_config
from hipo_data.pipeline.store.files import put_table
from hipo_data.pipeline.store.manifest import Manifest, Output, write_manifest
from hipo_data.pipeline.store.run_dir import record_run
from hipo_data.pipeline.views.printing.show import print_rows
from hipo_data.pipeline.views.quarantine import quarantine_counts, rejected_outputs
from hipo_data.pipeline.views.show import read_rows
from hipo_data.schemas.arrow import to_table
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.records import Record, Rejected
from tests.stages.builders import make_problem
from tests.support.commands import recorded_recipe

OLD, EMPTY, FULL = make_problem("old"), make_problem("empty"), make_problem("full")


def rejected(stage: str, reason: str) -> Rejected:
    return Rejected(stage=stage, reason=reason, detail="", key=f"{stage} {reason}", row="")


def leave(run_dir: Path, node: str, outputs: dict[str, tuple[str, Record]]) -> None:
    """A finished node: by label, the name of a table in its folder and the one row in it."""
    written = {}
    for label, (name, record) in outputs.items():
        path = run_dir / node.partition("/")[0] / name
        sha256 = put_table(path, to_table([record], type(record)))
        written[label] = Output(path=str(path.relative_to(run_dir)), rows=1, bytes=path.stat().st_size, sha256=sha256)
    manifest = Manifest(node=node, parts={}, outputs=written, rows_in=0, rows_out=0, rows_rejected=0)
    write_manifest(run_dir / f"{node}.json", manifest)


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    """A run of two shards, not yet published, over what an attempt with one shard left behind."""
    first = {"00-0000": ("00-0000.parquet", OLD), "rejected": ("all.rejected.parquet", rejected("ingest", "bad_row"))}
    leave(tmp_path, "ingest/all", first)
    of_first = {
        "rows": ("00-0000.parquet", OLD),
        "rejected": ("00-0000.rejected.parquet", rejected("justify", "cannot_render")),
    }
    leave(tmp_path, "justify/00-0000", of_first)
    record_run(tmp_path, load_config(recorded_recipe(tmp_path, problems=1), []))
    leave(tmp_path, "ingest/all", {"01-0000": ("01-0000.parquet", EMPTY), "01-0001": ("01-0001.parquet", FULL)})
    return tmp_path


def shown(run_dir: Path, stage: str) -> list[dict[str, Any]]:
    console = Console(width=10_000)
    with console.capture() as capture:
        print_rows(console, read_rows(run_dir, stage, limit=99), as_json=True)
    return [json.loads(line) for line in capture.get().splitlines()]


def test_rejected_rows_of_an_earlier_attempt_are_neither_counted_nor_shown(run_dir: Path) -> None:
    assert quarantine_counts(run_dir, rejected_outputs(run_dir)) == {}
    with pytest.raises(UserError, match="has no row of rejected"):
        shown(run_dir, "rejected")
    leave(
        run_dir, "justify/01-0001", {"rejected": ("01-0001.rejected.parquet", rejected("justify", "no_justification"))}
    )
    assert quarantine_counts(run_dir, rejected_outputs(run_dir)) == {"justify: no_justification": 1}
    assert [row["key"] for row in shown(run_dir, "rejected")] == ["justify no_justification"]


def test_rows_of_an_earlier_count_of_shards_are_not_shown(run_dir: Path) -> None:
    assert [row["question"] for row in shown(run_dir, "ingest")] == ["empty", "full"]
    with pytest.raises(UserError, match="has no row of justify"):
        shown(run_dir, "justify")
    leave(run_dir, "justify/01-0001", {"rows": ("01-0001.parquet", FULL)})
    assert [row["question"] for row in shown(run_dir, "justify")] == ["full"]


def test_a_table_that_was_deleted_is_named(run_dir: Path) -> None:
    (run_dir / "ingest/01-0001.parquet").unlink()
    with pytest.raises(UserError, match=r"ingest/01-0001\.parquet is missing; run again"):
        shown(run_dir, "ingest")
