"""Storage that speaks S3: files are whole or not there, and what it does wrong is said in one sentence."""

import pickle
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from hipo_data.pipeline.cli import main
from hipo_data.pipeline.run.healing import Healing
from hipo_data.pipeline.store.files import (
    file_digest,
    put_bytes,
    put_file,
    put_table,
    read_many,
    read_table,
    remove_files,
    scan_tables,
    sizes_in_storage,
)
from hipo_data.pipeline.store.journal import Journal, count_journalled, lost_requests, read_journal, remove_journal
from hipo_data.pipeline.store.manifest import read_manifest
from hipo_data.pipeline.store.run_path import RunPath, run_path, scratch, storage_errors
from hipo_data.pipeline.store.suspects import read_suspects
from hipo_data.pipeline.store.whole import whole_table
from hipo_data.pipeline.views.wholeness import look
from hipo_data.pipeline.watch.event_log import EventLog
from hipo_data.schemas.errors import DamagedError, StorageError, UserError
from hipo_data.schemas.records import Rollout
from tests.pipeline.store.test_journal import rollout
from tests.support.made_up_run import make_run
from tests.support.storage import Storage


def test_a_table_comes_back_as_it_was_whole_in_columns_and_scanned(folder: RunPath, tmp_path: Path) -> None:
    table = pa.table({"a": list(range(5_000)), "b": [str(i) * 9 for i in range(5_000)]})
    paths = [folder / "deep" / name for name in ("t.parquet", "u=1 [x].parquet")]
    for path in paths:
        digest = put_table(path, table)
        assert digest == file_digest(path) == put_table(tmp_path / "t.parquet", table)
        assert read_table(path).equals(table)
        assert read_table(path, ["b"]).equals(table.select(["b"]))
    scanned = scan_tables(paths).select(pl.col("a").sum(), n=pl.len()).collect()
    assert scanned.row(0) == (2 * sum(range(5_000)), 10_000)


def test_a_file_appears_with_one_request_under_its_name(folder: RunPath, storage: Storage, tmp_path: Path) -> None:
    storage.requests.clear()
    put_bytes(folder / "f", b"x")
    aside = tmp_path / "aside"
    aside.write_bytes(b"y" * 3_000)
    put_file(folder / "g", aside)
    writes = [path for method, path in storage.requests if method != "GET"]
    assert writes == [f"/bucket/{folder.name}/f", f"/bucket/{folder.name}/g"]
    assert not aside.exists()
    assert sizes_in_storage(folder) == {"f": 1, "g": 3_000}


def test_files_that_are_gone_are_left_out_and_may_be_removed_again(folder: RunPath) -> None:
    paths = [folder / f"{i:03d}" for i in range(70)]
    for path in paths[::2]:
        put_bytes(path, path.name.encode())
    assert [data.decode() for _, data in read_many(paths)] == [path.name for path in paths[::2]]
    remove_files(paths)
    assert list(read_many(paths)) == []


def test_a_path_travels_to_workers_without_keys(folder: RunPath) -> None:
    packed = pickle.dumps(folder)
    assert pickle.loads(packed) == folder
    assert b"test-secret" not in packed
    assert b"test-key" not in packed


def test_what_needs_a_disk_gets_a_folder_for_each_run_and_a_run_on_a_disk_its_own(
    folder: RunPath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert scratch(tmp_path / "run") == tmp_path / "run"
    places = {scratch(folder), scratch(folder / "x"), scratch(run_path("s3://bucket/other/x"))}
    assert len(places) == 3
    assert all(place.is_relative_to(tmp_path) for place in places)


async def test_a_journal_survives_storage_that_is_away_for_a_while(folder: RunPath, storage: Storage) -> None:
    answers = iter([True, True])
    storage.failing = lambda method, path: method == "PUT" and next(answers, False)
    async with Journal[Rollout](folder / "shard", flush_s=60) as journal:
        for index in range(3):
            journal.start()
            journal.add(rollout(index))
        journal.start()
    assert next(answers, None) is None
    assert [record.index for record in read_journal(folder / "shard", Rollout)] == [0, 1, 2]
    assert (lost_requests(folder / "shard"), count_journalled(folder)) == (1, 3)
    remove_journal(folder / "shard")
    assert count_journalled(folder) == 0


async def test_a_journal_keeps_what_a_failed_write_held_and_names_no_record_twice(
    folder: RunPath, storage: Storage
) -> None:
    journal = Journal[Rollout](folder, flush_s=60)
    journal.add(rollout(0))
    storage.refuses = "ExpiredToken"
    with pytest.raises(PermissionError):
        await journal.flush()
    storage.refuses = ""
    journal.add(rollout(1))
    await journal.flush()
    assert [record.index for record in read_journal(folder, Rollout)] == [0, 1]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("ExpiredToken", "refuses these credentials (ExpiredToken: The storage says no.)"),
        ("InvalidAccessKeyId", "refuses these credentials"),
        ("RequestTimeTooSkewed", "clock is wrong"),
    ],
)
def test_a_refusal_is_one_sentence_wherever_it_comes(
    folder: RunPath, storage: Storage, code: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    storage.refuses = code
    with pytest.raises(StorageError, match=re.escape(said)) as raised, storage_errors(folder):
        put_bytes(folder / "f", b"x")
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr("sys.argv", ["hipo-data", "status", "s3://bucket/run"])
        main()
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_scan_is_refused_in_one_sentence_too(folder: RunPath, storage: Storage) -> None:
    put_table(folder / "t.parquet", pa.table({"a": [1]}))
    storage.refuses = "ExpiredToken"
    with pytest.raises(StorageError, match="ExpiredToken"), storage_errors(folder):
        scan_tables([folder / "t.parquet"]).collect()


def test_places_that_hold_no_runs_are_refused(storage: Storage) -> None:
    for where in (
        "gs://bucket/x",
        "s3://",
        "s3://bucket",
        "s3://bucket/a*",
        "s3://bucket/a b",
        "https://example.org/x",
    ):
        with pytest.raises(UserError, match="no place for a run"):
            run_path(where)
    with pytest.raises(StorageError, match="no such bucket"):
        run_path("s3://other-bucket/x")


def test_commands_for_runs_on_a_disk_load_none_of_the_storages_packages(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from hipo_data.pipeline import cli\n"
        "from hipo_data.pipeline.run import probe, runner\n"
        "from hipo_data.pipeline.ship import push; from hipo_data.pipeline.views import explain, show, summary\n"
        "from hipo_data.pipeline.store.run_dir import held\nfrom hipo_data.pipeline.store.run_path import run_path\n"
        "with held(run_path(sys.argv[1])): pass\n"
        "print([name for name in ('upath', 's3fs', 'botocore') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_slashes_too_many_name_the_same_run(storage: Storage) -> None:
    assert run_path("s3://bucket//runs/x/") == run_path("s3://bucket/runs/x")


def test_a_folder_whose_name_looks_like_an_address_stays_a_folder() -> None:
    assert run_path("runs/s3") == Path("runs/s3")
    assert run_path("/data/s3:/x") == Path("/data/s3:/x")
    assert isinstance(run_path("s3:/x"), Path)


def test_a_flipped_byte_in_storage_is_found_when_a_node_reads_it_and_moved_aside(
    folder: RunPath, tmp_path: Path
) -> None:
    make_run(tmp_path, 12, n=2, bits=0)
    EventLog(tmp_path, "made-up").closed(None)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            put_bytes(folder / str(path.relative_to(tmp_path)), path.read_bytes())
    assert look(folder).damaged == []
    damaged = folder / "verify.think_on" / "00-0000.parquet"
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2] ^= 1
    put_bytes(damaged, bytes(data))
    assert [(each.path, each.what) for each in look(folder).damaged] == [
        ("verify.think_on/00-0000.parquet", "does not fit its checksum")
    ]
    assert read_suspects(folder) == {"verify.think_on/00-0000.parquet"}
    manifest = read_manifest(damaged.with_suffix(".json"))
    assert manifest is not None
    for columns in (None, ["problem_id"]):
        with pytest.raises(DamagedError, match="does not fit its checksum") as raised:
            whole_table(damaged, manifest.outputs["rows"], columns)
        assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)
    said: list[str] = []
    Healing(folder, said.append).take(raised.value)
    assert not damaged.exists()
    assert said[0].startswith("damaged: verify.think_on/00-0000.parquet does not fit its checksum; it is now damaged/")
