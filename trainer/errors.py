"""What stops a training run with one clear sentence."""

from hipo_data.schemas.errors import UserError


class TrainingError(UserError):
    """Training could not start or go on; checkpoints stay."""

    exit_code = 1


def needs_training_libraries() -> None:
    """Raises `UserError` where TRL is not installed."""
    from importlib.util import find_spec

    missing = [name for name in ("torch", "transformers", "trl", "accelerate", "datasets") if find_spec(name) is None]
    if missing:
        raise UserError(f"training needs {', '.join(missing)}; run `make install`, or `pip install 'hipo-data[train]'`")
