"""Finished rollouts survive whatever stops the process that made them."""

import asyncio
from pathlib import Path

import pytest

from hipo_data.pipeline.store import journal as journal_module
from hipo_data.pipeline.store.journal import (
    Journal,
    count_journalled,
    lost_requests,
    read_journal,
    remove_journal,
    remove_late_batches,
)
from hipo_data.schemas.records import FinishReason, Mode, Rollout


def rollout(index: int, text: str = "x") -> Rollout:
    """A finished rollout."""
    return Rollout(
        problem_id="p",
        mode=Mode.THINK_ON,
        index=index,
        seed=1,
        model="m",
        prompt_hash="h",
        request_hash="r",
        max_tokens=9,
        text=text,
        reasoning=None,
        answer=text,
        finish_reason=FinishReason.STOP,
        prompt_tokens=1,
        reasoning_tokens=0,
        answer_tokens=1,
        completion_tokens=1,
    )


async def test_what_was_added_is_read_back_whatever_characters_it_holds(tmp_path: Path) -> None:
    texts = ["plain", "line\u2028separator", "next\u0085line", "carriage\rreturn", "two\nlines", "nul\x00", "ünï"]
    async with Journal[Rollout](tmp_path, flush_s=60) as journal:
        for index, text in enumerate(texts):
            journal.start()
            journal.add(rollout(index, text))
    assert [record.text for record in read_journal(tmp_path, Rollout)] == texts


async def test_what_one_driver_wrote_is_told_from_what_others_did(tmp_path: Path) -> None:
    for index, driver in enumerate(("aa", "b", "", "aa")):
        async with Journal[Rollout](tmp_path, flush_s=60, driver=driver) as journal:
            journal.add(rollout(index))
    assert sorted(record.index for record in read_journal(tmp_path, Rollout, "aa")) == [0, 3]
    assert sorted(record.index for record in read_journal(tmp_path, Rollout)) == [0, 1, 2, 3]


async def test_a_batch_is_written_without_waiting_for_the_end(tmp_path: Path) -> None:
    async with Journal[Rollout](tmp_path, flush_s=0.01) as journal:
        journal.start()
        journal.add(rollout(0))
        for _ in range(500):
            if count_journalled(tmp_path):
                break
            await asyncio.sleep(0.01)
        assert [record.index for record in read_journal(tmp_path, Rollout)] == [0]


async def test_cancelling_the_work_keeps_what_was_finished(tmp_path: Path) -> None:
    async def work() -> None:
        async with Journal[Rollout](tmp_path, flush_s=60) as journal:
            journal.start()
            journal.add(rollout(0))
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert count_journalled(tmp_path) == 1


async def test_requests_under_way_when_the_process_died_are_counted_as_lost(tmp_path: Path) -> None:
    async with Journal[Rollout](tmp_path, flush_s=60) as journal:
        for _ in range(5):
            journal.start()
        for index in range(3):
            journal.add(rollout(index))
        await journal.flush()
    assert lost_requests(tmp_path) == 2


async def test_a_full_disk_is_reported_to_who_adds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal_module, "put_bytes", no_space)
    with pytest.raises(OSError, match="No space"):
        async with Journal[Rollout](tmp_path, flush_s=0.01) as journal:
            journal.add(rollout(0))
            await asyncio.sleep(0.2)
            journal.add(rollout(1))


async def test_batches_behind_the_table_of_their_node_are_removed_and_no_others(tmp_path: Path) -> None:
    for node in ("sample.think_on/01-0000", "sample.think_on/01-0001"):
        async with Journal[Rollout](tmp_path / node, flush_s=60) as journal:
            journal.add(rollout(0))
    remove_late_batches(tmp_path, {"sample.think_on/01-0001", "sample.think_off/01-0000"})
    assert [path.parent.name for path in tmp_path.rglob("*.jsonl")] == ["01-0000"]
    remove_late_batches(tmp_path / "none", {"sample.think_on/01-0000"})


async def test_removing_a_journal_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "shard"
    async with Journal[Rollout](folder, flush_s=60) as journal:
        journal.add(rollout(0))
    remove_journal(folder)
    assert not folder.exists()
