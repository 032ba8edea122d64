"""Whether the libraries that train are installed."""

from importlib.util import find_spec

from hipo_data.schemas.errors import UserError


def needs_training_libraries() -> None:
    """Raises `UserError` where TRL or what it stands on is not installed."""
    missing = [name for name in ("torch", "transformers", "trl", "accelerate", "datasets") if find_spec(name) is None]
    if missing:
        raise UserError(f"training needs {', '.join(missing)}; run `make install`, or `pip install 'hipo-data[train]'`")
