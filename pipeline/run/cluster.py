"""What the driver asks of Ray beside its engines: tasks on CPUs, and to know what is there."""

from typing import Any

import ray

from hipo_data.pipeline.graph.task import Task
from hipo_data.pipeline.nodes.on_cpus import run_cpu_node
from hipo_data.pipeline.ray_options import ray_options
from hipo_data.pipeline.store.manifest import Manifest
from hipo_data.schemas.config import RayConfig


class Cluster:
    """The Ray that this process is connected to, as far as flights need it."""

    def __init__(self, config: RayConfig) -> None:
        self._config = config
        self._remote = ray.remote(run_cpu_node)

    def submit(self, task: Task) -> Any:
        """Hands Ray a node that needs no engine. Returns a reference to its manifest."""
        resources = self._config.verify if task.stage == "verify" else self._config.task
        remote = self._remote.options(**ray_options(resources), max_retries=self._config.max_restarts)
        return remote.remote(task)

    def wait(self, references: list[Any], seconds: float) -> list[Any]:
        """Those of the references that are there: waits for the first one so long at most."""
        ready, _ = ray.wait(references, num_returns=1, timeout=seconds)
        if ready:  # and what else is there: a look at everything for each of many would be too much work
            ready, _ = ray.wait(references, num_returns=len(references), timeout=0)
        return ready

    def get(self, reference: Any) -> Manifest:
        """What a node that is there left. Raises what it raised, or Ray's own errors."""
        manifest: Manifest = ray.get(reference)
        return manifest

    def cpus(self) -> float:
        """Logical CPUs that the cluster has now."""
        cpus: float = ray.cluster_resources().get("CPU", 0)  # type: ignore[no-untyped-call]
        return cpus
