"""Where in a cluster the processes of one engine replica go."""

from dataclasses import dataclass, field

from hipo_data.schemas.engine_config import EngineConfig, VllmEngine

Bundle = dict[str, float]
_EXECUTOR = "distributed_executor_backend"


@dataclass(frozen=True)
class Placement:
    """Without bundles the replica is one actor, with the resources of its config."""

    config: EngineConfig
    """As the replica is to get it: vLLM has to know who starts its workers."""
    bundles: list[Bundle] = field(default_factory=list)
    """Of a Ray placement group. The actor goes into the first one, with its CPUs and without a GPU; vLLM starts its
    workers, as Ray actors of its own, on the GPUs of all of them, and insists on one GPU a bundle."""
    strategy: str = "PACK"
    """On as few nodes as possible, since tensor-parallel workers talk all the time."""


def placement(config: EngineConfig, gpus_of_a_node: float) -> Placement:
    """The placement of one replica.

    What fits on one node is one actor that holds all GPUs, with vLLM's workers as its child processes: nothing but a
    node with so many free GPUs has to be found, and no worker outlives the actor.

    Args:
        config: of the engine.
        gpus_of_a_node: most GPUs that any node of the cluster has.
    """
    if not isinstance(config, VllmEngine) or not _spans_nodes(config, gpus_of_a_node):
        return Placement(config)
    resources = config.resources
    first = {"CPU": resources.num_cpus, "GPU": 1.0, **resources.resources}
    if resources.memory_gb is not None:
        first["memory"] = int(resources.memory_gb * 2**30)
    others: list[Bundle] = [{"GPU": 1.0} for _ in range(config.workers - 1)]
    args = {**config.args, _EXECUTOR: "ray"}
    return Placement(config.model_copy(update={"args": args}), [first, *others])


def _spans_nodes(config: VllmEngine, gpus_of_a_node: float) -> bool:
    """Whether Ray is to start the workers: where no node has GPUs for all of them, or where `args` say so."""
    if config.workers == 1 or config.resources.num_gpus == 0:
        return False
    if config.workers > config.tensor_parallel_size * config.pipeline_parallel_size:
        return False  # data-parallel ranks of one replica share a node; it is replicas that spread over nodes
    executor = config.args.get(_EXECUTOR)
    return executor == "ray" if executor is not None else config.workers > gpus_of_a_node > 0
