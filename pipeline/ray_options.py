"""What a config asks of Ray, in Ray's own words."""

from typing import TYPE_CHECKING, Any

from hipo_data.engines.placement import Placement
from hipo_data.schemas.config import ResourceConfig, RunConfig

if TYPE_CHECKING:
    from ray.util.placement_group import PlacementGroup


def ray_options(resources: ResourceConfig) -> dict[str, Any]:
    """Options for `ray.remote(...).options`."""
    options: dict[str, Any] = {"num_cpus": resources.num_cpus, "num_gpus": resources.num_gpus}
    if resources.memory_gb is not None:
        options["memory"] = int(resources.memory_gb * 2**30)
    if resources.resources:
        options["resources"] = dict(resources.resources)
    if resources.label_selector:
        options["label_selector"] = dict(resources.label_selector)
    return options


def gpus_of_a_node() -> float:
    """Most GPUs that a node of the cluster has; 0 without any."""
    import ray

    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return max((node["Resources"].get("GPU", 0.0) for node in nodes if node["Alive"]), default=0.0)


def in_placement_group(placed: Placement) -> tuple[dict[str, Any], "PlacementGroup | None"]:
    """Options of a replica's actor, and the placement group that they put it in, where there is one.

    The group is asked for and not waited for; the actor starts once the cluster has room for all of it.
    """
    options = ray_options(placed.config.resources)
    if not placed.bundles:
        return options, None
    from ray.util import placement_group
    from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

    labels = options.pop("label_selector", None)
    group = placement_group(
        placed.bundles,
        strategy=placed.strategy,
        bundle_label_selector=labels and [labels] * len(placed.bundles),
    )
    strategy = PlacementGroupSchedulingStrategy(group, placement_group_bundle_index=0)
    return {**options, "num_gpus": 0, "scheduling_strategy": strategy}, group


def cpus_needed(config: RunConfig) -> float:
    """Logical CPUs below which a run cannot go on: all engines at once, and one task beside them."""
    used = {role.engine for role in config.roles.all}
    engines = sum(config.engines[name].replicas * config.engines[name].resources.num_cpus for name in used)
    return engines + max(config.ray.task.num_cpus, config.ray.verify.num_cpus)
