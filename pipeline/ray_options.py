"""What a config asks of Ray, in Ray's own words; and the Ray that tasks run on."""

import logging
import os
from math import ceil
from typing import TYPE_CHECKING, Any

from hipo_data.engines.placement import Placement
from hipo_data.schemas.config import ResourceConfig, RunConfig
from hipo_data.schemas.errors import RunFailedError, UserError
from hipo_data.schemas.without_secrets import shown_text, shown_url

if TYPE_CHECKING:
    from ray.util.placement_group import PlacementGroup

_OBJECT_STORE_BYTES = 100 * 2**20  # tables never pass through Ray; Ray's own minimum is 75 MiB


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
    used = {role.engine for role in (config.roles.think_on, config.roles.think_off, config.roles.justifier)}
    engines = sum(config.engines[name].replicas * config.engines[name].resources.num_cpus for name in used)
    return engines + max(config.ray.task.num_cpus, config.ray.verify.num_cpus)


def connect(config: RunConfig) -> None:
    """Joins the configured cluster, or the one in RAY_ADDRESS, or starts a local one.

    Raises `RunFailedError` where the cluster does not answer, and `UserError` for a local one too small to finish.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray

    address = config.ray.address or os.environ.get("RAY_ADDRESS")
    cluster = {"address": address} if address else _local_cluster(_local_cpus(config))
    try:
        ray.init(**cluster, log_to_driver=False, logging_level=logging.ERROR, ignore_reinit_error=True)
    except Exception as error:
        where = f"join the Ray cluster at {shown_url(address)}" if address else "start a local Ray"
        raise RunFailedError(f"could not {where}: {shown_text(str(error))}") from error


def _local_cluster(cpus: int) -> dict[str, Any]:
    return {
        "address": "local",  # otherwise a cluster that happens to run on this machine would be joined
        "num_cpus": cpus,
        "include_dashboard": False,
        "object_store_memory": _OBJECT_STORE_BYTES,
    }


def _local_cpus(config: RunConfig) -> int:
    needed = ceil(cpus_needed(config))
    given = config.ray.local_cpus
    if given is not None and given < needed:
        raise UserError(
            f"ray.local_cpus is {given}, but the engines and one task beside them ask for {needed}; "
            "raise it, or lower engines.*.resources.num_cpus"
        )
    return given or max(os.cpu_count() or 1, needed)
