"""What rows say is shown in a terminal, never obeyed by it: whatever field, whichever command."""

import json
import re
from pathlib import Path

import polars as pl
import pytest

from hipo_data.pipeline.cli import main
from tests.support.made_up_run import make_run, replace_table

HOSTILE = "a\x1b[2J\x1b]8;;http://evil\x1b\\b\x9b31m\x07\u202ec\r\x00[red]:smile:[/nothing]"
SHOWN = "a[2J]8;;http://evil\\b31mc[red]:smile:[/nothing]"


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 20 problems of which every text of the rows, but ids and what programs read, begins with `HOSTILE`."""
    path = tmp_path_factory.mktemp("run")
    make_run(path, 20, n=2, bits=0)
    for file in path.rglob("*.parquet"):
        rows = pl.read_parquet(file)
        texts = [
            pl.concat_str(pl.lit(HOSTILE), name).alias(name)
            for name, kind in rows.schema.items()
            if kind == pl.String and name not in _READ
        ]
        replace_table(path, file, rows.with_columns(texts))
    return path


_READ = {"problem_id", "mode", "status", "kind", "split", "stage", "gold", "finish_reason", "rule", "format"}


def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *command: object) -> str:
    monkeypatch.setattr("sys.argv", ["hipo-data", *map(str, command)])
    with pytest.raises(SystemExit):
        main()
    done = capsys.readouterr()
    assert "Traceback" not in done.err
    return "".join(done)


@pytest.mark.parametrize("stage", ["ingest", "sample", "verify", "select", "justify", "rejected"])
@pytest.mark.parametrize("colours", [False, True])
def test_rows_are_shown_as_they_are(
    run_dir: Path, stage: str, colours: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if colours:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("COLUMNS", "200")
    said = say(monkeypatch, capsys, "show", run_dir, "--stage", stage, "--limit", "40")
    if colours:
        said = re.sub(r"\x1b\[[0-9;]*m", "", said)
    assert SHOWN in said or stage in ("verify", "select")
    assert_plain(said)


def test_json_of_rows_is_plain_and_whole(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = say(monkeypatch, capsys, "show", run_dir, "--stage", "ingest", "--json")
    assert_plain(said)
    assert all(json.loads(line)["question"].startswith(HOSTILE) for line in said.splitlines())


def test_a_story_is_told_as_it_is(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = pl.read_parquet(run_dir / "justify" / "00-0000.parquet")["problem_id"]
    for as_json in ([], ["--json"]):
        said = say(monkeypatch, capsys, "explain", run_dir, ids[0], *as_json)
        assert "[2J" in said
        assert_plain(said)


def test_an_error_that_quotes_what_it_was_given_is_plain(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = say(monkeypatch, capsys, "show", run_dir, "--stage", "ingest", "--where", HOSTILE.replace("\0", ""))
    assert SHOWN in said and said.startswith("error: --where")
    assert_plain(said)


def assert_plain(text: str) -> None:
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]", text)
