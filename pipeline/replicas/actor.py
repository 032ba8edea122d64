"""An engine in a Ray actor, with the nodes that need one: sample and justify.

The nodes run where the engine is, so responses go straight to the journal and the store and never through Ray.
"""

import asyncio
import contextlib
import os
from dataclasses import replace

from hipo_data.engines.base import Completion, EngineDeadError, GenerationRequest
from hipo_data.pipeline.graph.arrow_alone import leave_pandas_out
from hipo_data.pipeline.graph.task import Task
from hipo_data.pipeline.replicas.engine_files import keep_log
from hipo_data.pipeline.replicas.host import EngineHost, EngineProgress
from hipo_data.pipeline.store.manifest import Manifest
from hipo_data.pipeline.store.run_path import RunPath, scratch, storage_errors
from hipo_data.schemas.config import EngineConfig
from hipo_data.schemas.errors import EngineRefusedError

_LOOK_EVERY_S = 1.0
_STOP_S = 5.0


class NodeStoppedError(RuntimeError):
    """A node was asked to stop. What it finished is journalled."""


class EngineActor:
    """Serves the nodes of one engine replica, many at once. The engine starts with the first request.

    Of a run in storage, what the engine writes by itself lies on this machine's disk, and the log is copied later.
    """

    def __init__(
        self, config: EngineConfig, log: RunPath, state: RunPath, in_flight: RunPath | None, flush_s: float
    ) -> None:
        leave_pandas_out()
        self._host = EngineHost(config, scratch(log), scratch(state), scratch(in_flight) if in_flight else None)
        self._log = log
        self._flush_s = flush_s
        self._tasks: set[asyncio.Task[Manifest]] = set()
        self._leash: asyncio.Task[None] | None = None

    async def ready(self) -> None:
        """Starts the engine, once. Raises `EngineRefusedError` with its own last error, or `EngineDeadError`."""
        await self._host.ready()

    async def run(self, task: Task) -> Manifest:
        """Runs a sample or justify node.

        Raises `EngineDeadError`, `EngineRefusedError`, `NodeStoppedError` or `StorageError`.
        """
        task.enter_folder()
        if self._leash is None:
            self._leash = asyncio.create_task(self._end_with_raylet())
        with storage_errors(task.run_dir):
            try:
                return await self._run(task)
            except EngineRefusedError:
                await self.keep_log()
                raise

    async def keep_log(self) -> None:
        """Copies the log so far to where the run lives."""
        await asyncio.to_thread(keep_log, self._log)

    async def _run(self, task: Task) -> Manifest:
        if task.stage == "sample":  # what the other stage needs is not loaded: a short run is mostly imports
            from hipo_data.pipeline.nodes.sample import run_sample

            node = run_sample(self._host, task, self._flush_s)
        else:
            from hipo_data.pipeline.nodes.justify import run_justify

            node = run_justify(self._host, task, self._flush_s)
        running = asyncio.create_task(node)
        self._tasks.add(running)
        try:
            return await running
        except asyncio.CancelledError:
            raise NodeStoppedError(task.name) from None
        except BaseExceptionGroup as group:
            for kind in (EngineRefusedError, EngineDeadError, OSError):
                found = group.subgroup(kind)
                if found is not None:
                    raise _first(found) from group
            raise _first(group) from group
        finally:
            self._tasks.discard(running)
            self._host.forget(task.name)

    async def _end_with_raylet(self) -> None:
        """Ends the process once its parent, the raylet, is gone: nobody would take what it makes, and Ray may leave it
        running and asking for ever. What is finished is journalled."""
        raylet = os.getppid()
        while os.getppid() == raylet:
            await asyncio.sleep(_LOOK_EVERY_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOP_S):
                await self.stop()
        os._exit(1)

    async def progress(self) -> EngineProgress:
        """What the actor is doing now."""
        import ray

        turning = len(self._tasks) - self._host.asking
        return replace(self._host.progress(), turning=turning, machine=ray.get_runtime_context().get_node_id())

    async def generate(self, request: GenerationRequest) -> Completion:
        """One response, once the engine runs."""
        return await self._host.generate(request)

    async def stop_nodes(self) -> None:
        """Cancels the nodes under way, which journals what is finished."""
        for running in self._tasks:
            running.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def stop(self) -> None:
        """Cancels the nodes under way and stops the engine."""
        await self.stop_nodes()
        await self._host.close()
        await self.keep_log()


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
