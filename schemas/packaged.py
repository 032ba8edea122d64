"""What comes with the package wherever it is installed: the recipes, and the embedded teacher with its problems."""

import difflib
import glob
import itertools
import re
from pathlib import Path

from hipo_data.schemas.errors import UserError

_HOME = Path(__file__).resolve().parents[1]
"""The installed package; in a checkout its root, since the links in src/hipo_data lead there. Both hold the same."""

_EMBEDDED = (Path("models/tiny-hybrid"), Path("models/problems"), Path("recipes"))


def embedded(path: str) -> str:
    """The place that a path or glob means: of the package where it names what comes with it, else `path` as it is.

    What comes with the package is named as in a checkout (`models/tiny-hybrid`, `models/problems/…`, `recipes/…`), in
    any folder, and on any machine of a cluster. Where the working directory has a file or folder of that name (of a
    glob: that part before its first sign), that one is meant.
    """
    given = Path(path)
    ours = any(given == place or place in given.parents for place in _EMBEDDED) and ".." not in given.parts
    fixed = Path(*itertools.takewhile(lambda step: not glob.has_magic(step), given.parts))
    return str(_HOME / given) if ours and not fixed.exists() else path


def recipe_file(given: Path) -> Path:
    """The file that `--config` means: `given`, or else the recipe of the package that has this name.

    Raises `UserError`, with the nearest name, where a name without folder and ending is neither.
    """
    if given.is_file() or given.name != str(given) or given.suffix:
        return Path(embedded(str(given)))
    known = recipes()
    if given.name not in known:
        near = difflib.get_close_matches(given.name, known, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'? " if near else ""
        raise UserError(f"there is neither a file nor a recipe '{given}'; {hint}`hipo-data recipes` lists them")
    return known[given.name]


def recipes() -> dict[str, Path]:
    """The recipes that come with the package, by name."""
    return {path.stem: path for path in sorted((_HOME / "recipes").glob("*.yaml"), key=lambda path: path.stem)}


def purpose(recipe: Path) -> str:
    """What a recipe says that it is for: the first sentence of the comment that it begins with."""
    lines = recipe.read_text(encoding="utf-8").splitlines()
    end = next((at for at, line in enumerate(lines) if not line.startswith("#")), len(lines))
    comment = " ".join(line.removeprefix("#").strip() for line in lines[:end])
    return re.split(r"(?<=\.)\s", comment, maxsplit=1)[0].removesuffix(".")
