"""What the nodes that need an engine share: the session with it, the journal, and the work of earlier attempts."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Generic, TypeVar

from pipeline.engine_host import EngineHost
from pipeline.graph import overlapping, relatives
from pipeline.journal import Journal, read_journal
from pipeline.run_path import RunPath
from pipeline.store import read_table
from pipeline.task import R, Task
from schemas.arrow import from_table
from schemas.records import Justification, Rollout
from stages.engine_session import EngineSession

_MANY_BITS = 12
"""From 4,096 shards on, a look at each name that a relative can have, some fifty, is less work than a listing."""

K = TypeVar("K", bound=Hashable)
G = TypeVar("G", Rollout, Justification)


class Recorder(Generic[G]):
    """Journals what a node's requests bring, and counts it."""

    def __init__(self, host: EngineHost, node: str, journal: Journal[G]) -> None:
        self._host = host
        self._node = node
        self._journal: Journal[G] = journal
        self.finished = 0

    def start(self) -> None:
        """A request is under way."""
        self._journal.start()

    def finish(self, record: G) -> None:
        """A request has its record."""
        self.finished += 1
        self._host.finished(self._node, record.prompt_tokens, record.completion_tokens)
        self._journal.add(record)


@asynccontextmanager
async def session(
    host: EngineHost, task: Task, kind: type[G], flush_s: float
) -> AsyncIterator[tuple[EngineSession[G], Recorder[G]]]:
    """An engine session whose records, of class `kind`, are journalled."""
    async with Journal[G](task.journal, flush_s) as journal:
        host.asking += 1
        recorder = Recorder[G](host, task.name, journal)

        def slot(prompt: str) -> AbstractAsyncContextManager[None]:
            return host.slot(f"{task.name} {prompt}", task.urgency, task.deaths.get(prompt, 0))

        try:
            yield (
                EngineSession(
                    engine=host,
                    model=task.model,
                    identity=task.identity,
                    run_seed=task.config.seed,
                    slot=slot,
                    on_start=recorder.start,
                    on_finish=recorder.finish,
                ),
                recorder,
            )
        finally:
            host.asking -= 1


def earlier(task: Task, model: type[R], suffix: str, key: Callable[[R], K]) -> dict[K, list[R]]:
    """Records of earlier attempts that may still be good, by key.

    They come from this shard's table and journal and, where the count of shards changed, from those of its relatives.
    """
    found: dict[K, list[R]] = defaultdict(list)
    for path in _related(task, task.run_dir / task.folder / f"{task.shard}{suffix}.parquet"):
        for record in from_table(read_table(path), model):
            found[key(record)].append(record)
    for journal in _related(task, task.journal):
        for record in read_journal(journal, model):
            found[key(record)].append(record)
    return found


def _related(task: Task, own: RunPath) -> list[RunPath]:
    """A file or folder of this shard and those like it of its relatives, as far as they are there."""
    if isinstance(own, Path) and int(task.shard[:2]) >= _MANY_BITS:
        named = {name: own.with_name(own.name.replace(task.shard, name)) for name in relatives(task.shard)}
        return [path for _, path in sorted(named.items()) if path.exists()]
    found: list[RunPath] = list(own.parent.glob(own.name.replace(task.shard, "??-????")))
    if not isinstance(own, Path) and own not in found and own.exists():
        found.append(own)  # where a listing lags
    paths = {path.name: path for path in found}
    return [path for name, path in sorted(paths.items()) if overlapping(name.split(".")[0], task.shard)]
