"""No flipped byte of what a run remembers about itself goes unnoticed, and what has no checksum yet can be read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hipo_data.pipeline.graph.nodes import Node
from hipo_data.pipeline.nodes.dataset_versions import Version, read_versions, write_versions
from hipo_data.pipeline.store.journal import Journal, lost_requests, put_sums, read_journal, read_sums, whole_batches
from hipo_data.pipeline.store.ledger import Spent, read_spent, write_spent
from hipo_data.pipeline.store.manifest import Manifest, Output, read_manifest, write_manifest
from hipo_data.pipeline.store.run_dir import read_run, record_run
from hipo_data.pipeline.store.sealed import seal, unseal
from hipo_data.pipeline.watch.event_log import EventLog, damaged_lines, read_events
from hipo_data.schemas.errors import DamagedError
from hipo_data.schemas.records import Rollout
from tests.pipeline.run.small_run import config_of
from tests.pipeline.store.test_journal import rollout


def manifest_file(folder: Path) -> tuple[Path, Callable[[], Any]]:
    path = folder / "select" / "01-0000.json"
    output = Output(path="select/01-0000.parquet", rows=3, bytes=99, sha256="ab" * 32)
    made = Manifest(
        node="select/01-0000", parts={"code": "1"}, outputs={"rows": output}, rows_in=3, rows_out=2, rows_rejected=1
    )
    write_manifest(path, made)
    return path, lambda: read_manifest(path)


def spent_file(folder: Path) -> tuple[Path, Callable[[], Any]]:
    write_spent(folder, Spent(prompt_tokens=12, completion_tokens=3456, cost=0.5, currency="EUR"))
    return folder / "spent.json", lambda: read_spent(folder)


def run_file(folder: Path) -> tuple[Path, Callable[[], Any]]:
    record_run(folder, config_of())
    return folder / "run.json", lambda: read_run(folder)


def versions_file(folder: Path) -> tuple[Path, Callable[[], Any]]:
    version = Version(number=1, date="2026-01-01", digest="d", examples=7, config={"name": "x"}, changes=["ü → u"])
    write_versions(folder, [version, version.model_copy(update={"number": 2})])
    return folder / "publish" / "versions.json", lambda: [_bare(each) for each in read_versions(folder)]


def _bare(version: Version) -> dict[str, Any]:
    return version.model_dump(exclude={"check"})


@pytest.mark.parametrize("made", [manifest_file, spent_file, run_file, versions_file])
def test_every_flipped_byte_and_every_cut_is_found(
    tmp_path: Path, made: Callable[[Path], tuple[Path, Callable[[], Any]]]
) -> None:
    path, read = made(tmp_path)
    whole, value = path.read_bytes(), read()
    places = range(0, len(whole), max(1, len(whole) // 400))
    damaged = [(at, bit) for at in [*places, len(whole) - 1] for bit in (0, 3, 5, None)]
    missed = []
    for at, bit in damaged:
        changed = bytearray(whole)
        if bit is None:
            del changed[at:]
        else:
            changed[at] ^= 1 << bit
        path.write_bytes(changed)
        try:
            if read() != value:
                missed.append((at, bit))
        except DamagedError as error:
            assert error.path == str(path)
    assert missed == []
    path.write_bytes(whole)
    assert read() == value


async def test_every_flipped_byte_of_a_batch_is_found_and_the_batches_around_it_stay(tmp_path: Path) -> None:
    async with Journal[Rollout](tmp_path / "shard", flush_s=60) as journal:
        for index in range(3):
            journal.start()
            journal.add(rollout(index, "x\u2028y"))
            await journal.flush()
    torn = sorted((tmp_path / "shard").glob("*.jsonl"))[1]
    whole = torn.read_bytes()
    changes = [(at, bit) for at in range(len(whole)) for bit in (0, 5)]
    for at, bit in changes:
        torn.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
        found: list[DamagedError] = []
        kept = [line for _, lines in whole_batches(tmp_path, found) for line in lines]
        assert [error.path for error in found] == [str(torn)], (at, bit)
        assert [Rollout.model_validate_json(line).index for line in kept] == [0, 2]
    for cut in (b"", whole[: len(whole) // 2], whole[:-1], bytes(len(whole)), b"garbage"):
        torn.write_bytes(cut)
        with pytest.raises(DamagedError):
            list(read_journal(tmp_path / "shard", Rollout))
        with pytest.raises(DamagedError):
            lost_requests(tmp_path / "shard")


def test_batches_and_objects_of_before_there_were_checksums_are_read(tmp_path: Path) -> None:
    head = json.dumps({"attempt": "1-a", "started": 3})
    batch = tmp_path / "1-a-000000.jsonl"
    batch.write_text(f"{head}\n{rollout(0).model_dump_json()}\n")
    assert [record.index for record in read_journal(tmp_path, Rollout)] == [0]
    assert lost_requests(tmp_path) == 2
    batch.write_text(f"{head}\n{rollout(0).model_dump_json()[:-9]}")
    with pytest.raises(DamagedError, match="no record"):
        list(read_journal(tmp_path, Rollout))
    assert unseal("x", b'{"a": 1}', {"a"}) == {"a": 1}
    with pytest.raises(DamagedError, match="holds 'b' and no checksum"):
        unseal("x", b'{"a": 1, "b": 2}', {"a"})
    assert unseal("x", seal('{"a": 1, "b": "ü"}'), {"a"}) == {"a": 1, "b": "ü"}
    assert json.loads(seal('{"a": 1}'))["a"] == 1


def test_sums_are_those_of_all_attempts_at_a_commit(tmp_path: Path) -> None:
    put_sums(tmp_path, ["a" * 64, "b" * 64])
    put_sums(tmp_path, ["c" * 64])
    assert read_sums(tmp_path) == {"a" * 64, "b" * 64, "c" * 64}


def test_every_flipped_byte_of_an_event_is_found_and_the_others_stay(tmp_path: Path) -> None:
    log = EventLog(tmp_path, "small")
    log.began(Node("select", "01-0000"))
    log.said("half way")
    log.closed(None)
    path = tmp_path / "logs" / "events.jsonl"
    whole = path.read_bytes()
    assert damaged_lines(tmp_path) == 0
    events = list(read_events(tmp_path))
    start = whole.index(b"\n") + 1
    for at in range(start, whole.index(b"\n", start)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert damaged_lines(tmp_path) >= 1, at
        left = list(read_events(tmp_path))
        assert all(event in events for event in left), at
        assert len(left) == 3
    path.write_bytes(whole[:-9])
    assert damaged_lines(tmp_path) == 1
