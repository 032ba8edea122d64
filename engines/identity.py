"""Which model an engine serves, as a digest: rollouts of another model are never taken for its own."""

import hashlib
from pathlib import Path

from hipo_data.schemas.config import EngineConfig, OpenAIEngine, ReplayEngine, RolloutsEngine
from hipo_data.schemas.keys import digest
from hipo_data.schemas.length_unit import TOKENIZER_FILE
from hipo_data.schemas.packaged import embedded
from hipo_data.schemas.tables import source_files

_WHOLE = 16 * 2**20
_STRIDE = 16 * 2**20
_BLOCK = 16 * 2**10
_ABOUT = {"readme", "license", "licence", "notice", "use_policy"}
"""Names, whatever their suffix, of files that are about a model and no part of it."""


def model_identity(config: EngineConfig) -> str:
    """Digest of the model: of a folder's files, or of name and revision. How it is served does not enter.

    A file over 16 MiB enters by its size, its end and 16 KiB of every 16 MiB: hashing hundreds of gigabytes at each
    start would cost more than it tells, while a look at the edges alone would miss layers tuned in between.
    """
    if isinstance(config, ReplayEngine):
        try:
            return digest(
                "replay",
                [config.responses, config.finish_reasons],
                config.question,
                [_file_part(path) for path in source_files(config.path)],
                _tokenizer(config.tokenizer),
            )
        except FileNotFoundError:
            return digest("replay", config.path)  # the engine says what is missing as it starts
    if isinstance(config, RolloutsEngine):  # what came with the sources is an input of the node
        return digest("rollouts", _tokenizer(config.tokenizer))
    folder = Path(embedded(config.model))
    if not isinstance(config, OpenAIEngine) and folder.is_dir():
        files = sorted(path for path in folder.iterdir() if path.is_file() and not _is_about(path))
        return digest([[path.name, _file_part(path)] for path in files])
    return digest(config.model, getattr(config, "revision", None))


def _tokenizer(name: str | None) -> str | None:
    """What counts lengths, which select compares: a file's digest, or a name."""
    if name is None:
        return None
    path = Path(embedded(name))
    path = path / TOKENIZER_FILE if path.is_dir() else path
    return _file_part(path) if path.exists() else name


def model_name(config: EngineConfig) -> str:
    """The model's name for humans: the last part of a folder, else the name as configured."""
    folder = Path(embedded(config.model))
    return folder.name if folder.is_dir() else config.model


def _is_about(path: Path) -> bool:
    return path.name.startswith(".") or path.suffix == ".md" or path.stem.lower() in _ABOUT


def _file_part(path: Path) -> str:
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= _WHOLE:
            return hashlib.file_digest(file, "sha256").hexdigest()
        blocks = hashlib.sha256()
        for start in [*range(0, size, _STRIDE), size - _BLOCK]:
            file.seek(start)
            blocks.update(file.read(_BLOCK))
        return digest(size, blocks.hexdigest())
