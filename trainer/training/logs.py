"""What a run writes down at every step, for people, plots and trackers."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from hipo_data.schemas.errors import UserError


class JsonLog(TrainerCallback):
    """Appends every logged set of figures to log.jsonl, whichever trackers are on.

    Steps that were done after the last checkpoint of a run that died are done again; the later line of a step counts.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "log.jsonl"

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **kwargs: Any) -> None:
        """Called by the trainer."""
        if state.is_world_process_zero and logs:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"step": state.global_step, **logs}) + "\n")


class SaidLog(TrainerCallback):
    """Says every logged set of figures in one line."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **kwargs: Any) -> None:
        """Called by the trainer."""
        if state.is_world_process_zero and logs:
            said = " · ".join(f"{name} {_short(value)}" for name, value in logs.items())
            self._say(f"step {state.global_step} of {state.max_steps}: {said}")


def _short(value: float) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def check_trackers(names: Sequence[str]) -> None:
    """Raises `UserError` where the library of a tracker is not installed."""
    from importlib.util import find_spec

    modules = {"tensorboard": ("tensorboard", "tensorboardX")}
    for name in names:
        if all(find_spec(module) is None for module in modules.get(name, (name,))):
            raise UserError(f"report_to names {name}, which is not installed; install it, or take it off the list")
