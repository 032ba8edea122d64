"""The families there are, and those in a YAML file of one's own."""

import difflib
from functools import cache
from pathlib import Path

import yaml
from pydantic import ValidationError

from hipo_data.schemas.config_file import sentences
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.family import Family

AUTO = "auto"
"""In place of a name: the family is told from the chat template and the model's name."""

_FOLDER = Path(__file__).parent / "data"


@cache
def families() -> dict[str, Family]:
    """All by name, in the order of their names."""
    return {path.stem: read_family(path) for path in sorted(_FOLDER.glob("*.yaml"))}


def family(name: str) -> Family:
    """A family by its name, or by the path of a YAML file. Raises `UserError` where there is none."""
    if name in families():
        return families()[name]
    if name.endswith((".yaml", ".yml")):
        return read_family(Path(name))
    plain = {_plain(known): known for known in families()}
    if _plain(name) in plain:
        return families()[plain[_plain(name)]]
    near = difflib.get_close_matches(_plain(name), plain, n=1, cutoff=0.5)
    hint = f"did you mean '{plain[near[0]]}'?" if near else "the path of a YAML file describes one of your own"
    raise UserError(f"there is no family '{name}'; {hint} `hipo-data families` lists them".replace("own `", "own, `"))


def read_family(path: Path) -> Family:
    """The family that a YAML file describes, named as the file. Raises `UserError` that names each wrong key."""
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"there is no family file {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(tree, dict):
        raise UserError(f"{path} must hold a mapping of a family's keys; it holds {type(tree).__name__}")
    try:
        return Family.model_validate({"name": path.stem, **tree})
    except ValidationError as error:
        raise UserError(f"{path}: {sentences(Family, error)}") from error


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())
