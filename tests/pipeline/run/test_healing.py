"""Before a run goes on, what is damaged of its own memory is moved aside, named and made up for."""

import json
from pathlib import Path

import pytest

from hipo_data.pipeline.graph.nodes import Node
from hipo_data.pipeline.graph.task import Task
from hipo_data.pipeline.nodes.asking import earlier
from hipo_data.pipeline.run.healing import Healing, replace_record
from hipo_data.pipeline.store.files import put_table
from hipo_data.pipeline.store.journal import Journal, put_sums
from hipo_data.pipeline.store.ledger import read_spent
from hipo_data.pipeline.store.manifest import Manifest, Output, write_manifest
from hipo_data.pipeline.store.run_dir import changes_since_last, record_run
from hipo_data.pipeline.store.suspects import note_suspects, read_suspects
from hipo_data.pipeline.watch.event_log import EventLog
from hipo_data.schemas.arrow import to_table
from hipo_data.schemas.errors import DamagedError, UserError
from hipo_data.schemas.records import Rollout
from hipo_data.stages.sample.sample import rollout_key
from tests.pipeline.run.small_run import ON, SHARDS, config_of
from tests.pipeline.store.test_journal import rollout

NODE = Node("sample", SHARDS[0], ON)


def healed(run_dir: Path) -> tuple[list[str], str]:
    said: list[str] = []
    healing = Healing(run_dir, said.append)
    healing.begin(config_of())
    return healing.found, "\n".join(said)


def task(run_dir: Path) -> Task:
    return Task(
        run_dir=run_dir,
        name=NODE.name,
        stage="sample",
        mode=ON,
        shard=NODE.shard,
        config=config_of(),
        parts={},
        inputs={},
    )


def table(run_dir: Path, *rollouts: Rollout) -> Output:
    path = NODE.path(run_dir, ".parquet")
    sha256 = put_table(path, to_table(list(rollouts), Rollout))
    return Output(path=f"{NODE.name}.parquet", rows=len(rollouts), bytes=path.stat().st_size, sha256=sha256)


def manifest(run_dir: Path, node: Node, parts: dict[str, str], outputs: dict[str, Output]) -> Path:
    path = run_dir / f"{node.name}.json"
    write_manifest(path, Manifest(node=node.name, parts=parts, outputs=outputs, rows_in=1, rows_out=1, rows_rejected=0))
    return path


async def test_a_torn_batch_loses_itself_alone_and_the_account_is_of_what_is_left(tmp_path: Path) -> None:
    async with Journal[Rollout](tmp_path / "journal" / NODE.name, flush_s=60) as journal:
        for index in range(3):
            journal.add(rollout(index))
            await journal.flush()
    torn = sorted((tmp_path / "journal" / NODE.name).glob("*.jsonl"))[1]
    torn.write_bytes(torn.read_bytes()[:-30])
    found, said = healed(tmp_path)
    assert found == [f"journal/{NODE.name}/{torn.name}"]
    assert f"damaged: {found[0]} does not fit its checksum; it is now damaged/{found[0]}." in said
    assert not torn.exists()
    assert [key[-1] for key in sorted(earlier(task(tmp_path), Rollout, "", rollout_key))] == [0, 2]
    assert "spent.json was damaged or lost; counted again" in said
    spent = read_spent(tmp_path)
    assert (spent.prompt_tokens, spent.completion_tokens, spent.recounted) == (2, 2, True)
    assert "at least (counted again" in str(spent)
    assert healed(tmp_path) == ([], "")


def test_a_table_whose_manifest_is_damaged_is_taken_where_something_knows_it(tmp_path: Path) -> None:
    output = table(tmp_path, rollout(0), rollout(1))
    with pytest.raises(DamagedError, match="fits no checksum"):
        earlier(task(tmp_path), Rollout, "", rollout_key)
    put_sums(tmp_path / "journal" / NODE.name, [output.sha256])  # an attempt that was killed before its manifest
    assert len(earlier(task(tmp_path), Rollout, "", rollout_key)) == 2
    next((tmp_path / "journal" / NODE.name).glob("*.sums")).unlink()

    own = manifest(tmp_path, NODE, {}, {"rows": output})
    own.write_bytes(own.read_bytes()[:-20])  # what is left of it knows the table
    assert healed(tmp_path)[0] == [f"{NODE.name}.json"]
    assert len(earlier(task(tmp_path), Rollout, "", rollout_key)) == 2
    for each in (tmp_path / "damaged").rglob("*.json.*"):
        each.unlink()
    manifest(tmp_path, Node("verify", NODE.shard, ON), {f"input {NODE.name}": output.sha256}, {})
    assert len(earlier(task(tmp_path), Rollout, "", rollout_key)) == 2
    path = NODE.path(tmp_path, ".parquet")
    path.write_bytes(path.read_bytes()[:-1] + b"X")
    with pytest.raises(DamagedError, match="fits no checksum"):
        earlier(task(tmp_path), Rollout, "", rollout_key)


def test_a_lost_record_of_the_run_is_written_anew_unless_the_log_is_of_another_one(tmp_path: Path) -> None:
    config = config_of()
    record_run(tmp_path, config)
    assert changes_since_last(tmp_path, config) == []
    (tmp_path / "run.json").write_bytes(b'{"config": {')
    with pytest.raises(DamagedError, match="is no JSON") as damaged:
        changes_since_last(tmp_path, config)
    EventLog(tmp_path, "other").closed(None)
    with pytest.raises(UserError, match="the event log is of the run 'other', not 'small'"):
        replace_record(tmp_path, config, damaged.value, print)
    (tmp_path / "logs/events.jsonl").unlink()
    said: list[str] = []
    replace_record(tmp_path, config, damaged.value, said.append)
    assert "what changed since the last run is not known" in said[-1]
    assert not (tmp_path / "run.json").exists()
    assert len(list((tmp_path / "damaged").glob("run.json.*"))) == 1


def test_what_was_found_damaged_is_kept_until_a_run_has_seen_to_it(tmp_path: Path) -> None:
    note_suspects(tmp_path, {"b", "a"})
    assert read_suspects(tmp_path) == {"a", "b"}
    Healing(tmp_path, print).end()
    assert read_suspects(tmp_path) == frozenset()
    (tmp_path / "damaged/found.json").write_text(json.dumps({"a": 1}))
    assert read_suspects(tmp_path) == frozenset()
