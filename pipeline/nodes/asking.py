"""What the nodes that need an engine share: the session with it, the journal, and the work of earlier attempts."""

import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Hashable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import pyarrow as pa

from hipo_data.engines.base import Completion, ContinuesTurns, Engine, GenerationRequest, ServesWhole
from hipo_data.pipeline.graph.nodes import overlapping, relatives
from hipo_data.pipeline.graph.task import R, Task
from hipo_data.pipeline.store.files import read_many, table_of
from hipo_data.pipeline.store.journal import Journal, read_journal, read_sums
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.pipeline.store.whole import ASIDE
from hipo_data.schemas.arrow import from_table
from hipo_data.schemas.errors import DamagedError
from hipo_data.schemas.records import Justification, Rollout
from hipo_data.stages.asking.engine_session import EngineSession
from hipo_data.stages.sample.sample import RolloutKey, rollout_key
from hipo_data.stages.sample.shown import shown

_MANY_BITS = 12
"""From 4,096 shards on, a look at each name that a relative can have, some fifty, is less work than a listing."""

K = TypeVar("K", bound=Hashable)
G = TypeVar("G", Rollout, Justification)


class Host(Protocol):
    """What a node needs of the engine beside it: responses, leave to ask, and somebody who counts."""

    asking: int
    """Nodes that make requests."""

    @property
    def engine(self) -> Engine:
        """The engine itself."""

    async def ready(self) -> None:
        """Starts the engine, once. Raises `EngineRefusedError` or `EngineDeadError`."""

    async def generate(self, request: GenerationRequest) -> Completion:
        """One response, once the engine runs."""

    def slot(self, prompt: str, urgency: int = 0, deaths: int = 0) -> AbstractAsyncContextManager[None]:
        """Leave to have one request with `prompt` under way, after those of lower urgency."""

    def finished(self, node: str, prompt_tokens: int, completion_tokens: int, shows: Mapping[str, int]) -> None:
        """A request of `node` brought its record, of so many tokens, and what a rollout shows of its mode."""


class Recorder(Generic[G]):
    """Journals what a node's requests bring, and counts it."""

    def __init__(self, host: Host, node: str, journal: Journal[G]) -> None:
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
        shows: dict[str, int] = shown([record]).counts() if isinstance(record, Rollout) else {}
        spent = (record.prompt_tokens, record.completion_tokens)
        if isinstance(record, Rollout):
            spent = (record.spent_prompt_tokens, record.spent_completion_tokens)
        self._host.finished(self._node, *spent, shows)
        self._journal.add(record)


@asynccontextmanager
async def session(
    host: Host, task: Task, kind: type[G], flush_s: float, within: Task | None = None
) -> AsyncIterator[tuple[EngineSession[G], Recorder[G]]]:
    """An engine session whose records, of class `kind`, are journalled.

    Where a node samples for another one, which finds the records in its journal, `task` is the other one's and `within`
    its own, which prompts are suspected and let in by.
    """
    asking = within or task
    async with Journal[G](task.journal, flush_s, task.driver) as journal:
        host.asking += 1
        recorder = Recorder[G](host, task.name, journal)

        def slot(prompt: str) -> AbstractAsyncContextManager[None]:
            return host.slot(f"{asking.name} {prompt}", asking.urgency, asking.deaths.get(prompt, 0))

        try:
            yield (
                EngineSession(
                    engine=host,
                    model=task.model,
                    identity=task.identity,
                    run_seed=task.config.seed,
                    whole=isinstance(host.engine, ServesWhole) and host.engine.whole,
                    reopens=host.engine.reopens if isinstance(host.engine, ContinuesTurns) else None,
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
    Raises `DamagedError` where one of those is not what was written.
    """
    found: dict[K, list[R]] = defaultdict(list)
    for path in _related(task, task.run_dir / task.folder / f"{task.shard}{suffix}.parquet"):
        for record in from_table(_known(task, path), model):
            found[key(record)].append(record)
    for journal in _related(task, task.journal):
        for record in read_journal(journal, model):
            found[key(record)].append(record)
    return found


def given_up(task: Task) -> dict[RolloutKey, list[Rollout]]:
    """Requests that failed for this driver already, beside an engine that died since: not worth their attempts again.

    Those of earlier drivers are. Raises `DamagedError`.
    """
    found: dict[RolloutKey, list[Rollout]] = defaultdict(list)
    for rollout in read_journal(task.journal, Rollout, task.driver) if task.driver else ():
        if rollout.finish_reason.is_failure:
            found[rollout_key(rollout)].append(rollout)
    return found


def _known(task: Task, path: RunPath) -> pa.Table:
    """A table of an earlier attempt, if one that wrote it or read it knew its checksum.

    That is said by its own manifest, also by what is left of a damaged one, by those of nodes that read it, and beside
    the journal by an attempt that was about to commit. Raises `DamagedError`.
    """
    data = path.read_bytes()
    shard = path.name.partition(".")[0]
    sha256 = hashlib.sha256(data).hexdigest()
    folders = [task.folder, f"verify.{task.mode}", "select", "justify", "publish"]
    said = [task.run_dir / folder / f"{'all' if folder == 'publish' else shard}.json" for folder in folders]
    aside = (task.run_dir / ASIDE / task.folder).glob(f"{shard}.json.*")
    if any(sha256.encode() in text for _, text in read_many([*said, *aside])):
        return table_of(data)
    if sha256 in read_sums(task.run_dir / "journal" / task.folder / shard):
        return table_of(data)
    raise DamagedError(path, "fits no checksum that a manifest has of it")


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
