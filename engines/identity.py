"""Which model an engine serves, as a digest: rollouts of another model are never taken for its own."""

import hashlib
from pathlib import Path

from schemas.config import EngineConfig, OpenAIEngine, ReplayEngine
from schemas.keys import digest
from schemas.tables import source_files

_WHOLE = 16 * 2**20
_EDGE = 2**20


def model_identity(config: EngineConfig) -> str:
    """Digest of the model: of a folder's files, or of name and revision. How it is served does not enter.

    Files over 16 MiB enter by name, size and their first and last MiB, since hashing hundreds of gigabytes at each start would
    cost more than it tells.
    """
    if isinstance(config, ReplayEngine):
        try:
            return digest(
                "replay", config.responses, config.question, [_file_part(p) for p in source_files(config.path)]
            )
        except FileNotFoundError:
            return digest("replay", config.path)  # the engine says what is missing as it starts
    folder = Path(config.model)
    if not isinstance(config, OpenAIEngine) and folder.is_dir():
        files = sorted(path for path in folder.iterdir() if path.is_file() and path.suffix not in {".md", ".txt"})
        return digest([[path.name, _file_part(path)] for path in files])
    return digest(config.model, getattr(config, "revision", None))


def model_name(config: EngineConfig) -> str:
    """The model's name for humans: the last part of a folder, else the name as configured."""
    return Path(config.model).name if Path(config.model).is_dir() else config.model


def _file_part(path: Path) -> str:
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= _WHOLE:
            return hashlib.file_digest(file, "sha256").hexdigest()
        first = file.read(_EDGE)
        file.seek(-_EDGE, 2)
        return digest(size, hashlib.sha256(first).hexdigest(), hashlib.sha256(file.read()).hexdigest())
