"""An output folder belongs to one recipe over one dataset; a run that was stopped goes on from its last checkpoint."""

import json
from pathlib import Path
from typing import Any

from hipo_data.schemas.config_file import differences
from hipo_data.schemas.errors import UserError
from hipo_data.trainer.training.config import FREE, RlConfig, SftConfig

RECIPE = "recipe.json"
MODEL = "model"
"""The folder of the trained model within the output folder."""


def claim(config: SftConfig | RlConfig, kind: str, data: str) -> Path:
    """The output folder, marked as that of this recipe and data.

    Raises `UserError` where it holds the checkpoints of another recipe, or files of something else.
    """
    folder = Path(config.output)
    recipe = {"train": kind, "data": data, **config.model_dump(mode="json", exclude={"output", "phases"})}
    path = folder / RECIPE
    if path.exists():
        changed = [
            line
            for line in differences(json.loads(path.read_text(encoding="utf-8")), recipe)
            if line.split(":")[0].split(".")[-1] not in FREE and line.split(":")[0].split(".")[0] not in FREE
        ]
        if changed:
            raise UserError(
                f"{folder} holds the training of another recipe ({'; '.join(changed[:6])}"
                f"{'; …' if len(changed) > 6 else ''}); set output to another folder, or go back to that recipe"
            )
    elif folder.is_dir() and any(folder.iterdir()):
        raise UserError(f"{folder} is not empty and holds no training; set output to another folder")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(recipe, indent=2) + "\n", encoding="utf-8")
    return folder


def finished(folder: Path) -> bool:
    """Whether the trained model is there: its summary is written last."""
    return (folder / MODEL / "training.json").exists()


def last_checkpoint(folder: Path) -> str | None:
    """The newest whole checkpoint, or null."""
    found = [path for path in folder.glob("checkpoint-*") if (path / "trainer_state.json").exists()]
    return str(max(found, key=lambda path: int(path.name.rpartition("-")[2]))) if found else None


def save_model(trainer: Any, tokenizer: Any, folder: Path, summary: dict[str, Any]) -> None:
    """Writes the model and its tokenizer, and what was done last."""
    trainer.save_model(str(folder / MODEL))
    if trainer.is_world_process_zero():
        tokenizer.save_pretrained(str(folder / MODEL))
        (folder / MODEL / "training.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
