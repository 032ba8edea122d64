"""What the driver asks of Ray beside its engines: tasks on CPUs, and to know what is there."""

from typing import Any

from hipo_data.pipeline.graph.task import Task
from hipo_data.pipeline.nodes.on_cpus import run_cpu_node
from hipo_data.pipeline.ray_options import ray_options
from hipo_data.pipeline.ray_session import address_of
from hipo_data.pipeline.store.manifest import Manifest
from hipo_data.schemas.config import RayConfig
from hipo_data.schemas.errors import RunFailedError


class Cluster:
    """The Ray that this process is connected to, as far as flights need it."""

    def __init__(self, config: RayConfig) -> None:
        self._config = config
        self._remote: Any = None
        self._is_local = address_of(config) is None
        self._cpus: float | None = None

    def submit(self, task: Task) -> Any:
        """Hands Ray a node that needs no engine. Returns a reference to its manifest."""
        resources = self._config.verify if task.stage == "verify" else self._config.task
        if self._remote is None:
            import ray

            self._remote = ray.remote(run_cpu_node)
        remote = self._remote.options(**ray_options(resources), max_retries=self._config.max_restarts)
        return remote.remote(task)

    def wait(self, references: list[Any], seconds: float) -> list[Any]:
        """Those of the references that are there: waits for the first one so long at most."""
        import ray

        ready, _ = ray.wait(references, num_returns=1, timeout=seconds)
        if ready:  # and what else is there: a look at everything for each of many would be too much work
            ready, _ = ray.wait(references, num_returns=len(references), timeout=0)
        return ready

    def get(self, reference: Any) -> Manifest:
        """What a node that is there left. Raises what it raised, or Ray's own errors."""
        import ray

        manifest: Manifest = ray.get(reference)
        return manifest

    def cpus(self) -> float:
        """Logical CPUs that the cluster has now. Raises `RunFailedError` where the driver's own node is gone.

        A local Ray is asked once: it has what it began with, and asking it while it dies would wait for an answer.
        """
        import ray

        if self._cpus is None or not self._is_local:
            alive: list[dict[str, Any]] = [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
            own = ray.get_runtime_context().get_node_id()
            if all(node["NodeID"] != own for node in alive):
                raise RunFailedError(
                    "the Ray node that this driver runs on is gone, and with it whatever Ray would tell the driver; "
                    "finished work is kept, run the same command again to go on"
                )
            self._cpus = sum(node["Resources"].get("CPU", 0.0) for node in alive)
        return self._cpus
