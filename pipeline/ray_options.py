"""What a config asks of Ray, in Ray's own words; and the Ray that tasks run on."""

import logging
import os
from typing import Any

from pipeline.errors import RunFailedError
from schemas.config import RayConfig, ResourceConfig

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


def connect(config: RayConfig) -> str:
    """Joins the configured cluster, or the one in RAY_ADDRESS, or starts a local one; returns a word on which.

    Raises `RunFailedError` where the cluster does not answer.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray

    address = config.address or os.environ.get("RAY_ADDRESS")
    common: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "ignore_reinit_error": True}
    try:
        if address:
            ray.init(address=address, **common)
            return f"the Ray cluster at {address}"
        ray.init(
            num_cpus=config.local_cpus or max(4, os.cpu_count() or 1),
            include_dashboard=False,
            object_store_memory=_OBJECT_STORE_BYTES,
            **common,
        )
    except Exception as error:
        where = f"join the Ray cluster at {address}" if address else "start a local Ray"
        raise RunFailedError(f"could not {where}: {error}") from error
    return "a local Ray"
