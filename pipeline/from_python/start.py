"""A run started from Python, as `hipo-data run` starts it."""

import sys
import threading
import time
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import yaml

from hipo_data.figures.terminal import console
from hipo_data.pipeline.config_file import load_config
from hipo_data.pipeline.from_python.opened import Run
from hipo_data.pipeline.graph.stages import stages_named
from hipo_data.pipeline.run.attempt import take_up
from hipo_data.pipeline.store.run_dir import run_dir_of
from hipo_data.pipeline.views.run_files import open_run
from hipo_data.schemas.errors import UserError


def run(
    recipe: str | PathLike[str] | Mapping[str, Any],
    *,
    overrides: Mapping[str, Any] | None = None,
    run_dir: str | PathLike[str] | None = None,
    stages: Sequence[str] | None = None,
    limit: int | None = None,
    ray_address: str | None = None,
    retry_failed: bool = False,
    quiet: bool = False,
) -> Run:
    """Runs a recipe, or goes on with it: what is up to date is not done again. Returns the run, opened.

    Where the budget is used up before the end, that is printed, and the run holds what is complete.

    Args:
        recipe: a YAML file, a name of `hipo-data recipes`, or the tree that such a file holds.
        overrides: values by dotted key, such as `{"select.delta": 0.2}`.
        run_dir: where the run lives: a folder, or `s3://BUCKET/PREFIX`; by default `runs/<name>`.
        stages: only these; by default all.
        limit: keep this many problems.
        ray_address: a cluster to join; by default `RAY_ADDRESS`, else a local Ray.
        retry_failed: ask again for every request that failed, also for good.
        quiet: print the summary alone.

    Raises `UserError`, or the one of its kinds that docs/errors.md has for what went wrong.
    """
    started = time.monotonic()
    _refuse_where_ray_is_taken()
    given = {**({"ingest.limit": limit} if limit else {}), **({"ray.address": ray_address} if ray_address else {})}
    laid_over = [f"{key}={_as_yaml(value)}" for key, value in {**(overrides or {}), **given}.items()]
    config = load_config(recipe if isinstance(recipe, Mapping) else Path(recipe), laid_over)
    directory = run_dir_of(config, None if run_dir is None else str(run_dir))
    wanted = stages_named([stages] if isinstance(stages, str) else stages)
    take_up(directory, config, wanted, console(), started, talk=console(quiet=quiet), retry_failed=retry_failed)
    return Run(open_run(directory))


def _refuse_where_ray_is_taken() -> None:
    """A run connects and lets go of Ray, which a process has once, and handles signals, which its main thread does."""
    ray = sys.modules.get("ray")
    if ray is not None and ray.is_initialized():
        raise UserError(
            "this process uses Ray already; call ray.shutdown() first, and name its cluster as ray_address to join it"
        )
    if threading.current_thread() is not threading.main_thread():
        raise UserError("a run has to be started in the main thread of its process; start it there")


def _as_yaml(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=10**9).removesuffix("\n").removesuffix("\n...")
