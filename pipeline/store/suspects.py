"""Files that a look at a whole run found damaged: a note for the next run, which looks at them again."""

import json
from collections.abc import Collection

from hipo_data.pipeline.store.files import put_bytes, remove_files
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.pipeline.store.whole import ASIDE

_NAME = "found.json"


def note_suspects(run_dir: RunPath, names: Collection[str]) -> None:
    """Keeps the paths of files within the run directory. Raises `OSError` where that cannot be written."""
    put_bytes(run_dir / ASIDE / _NAME, json.dumps(sorted(names), indent=1).encode())


def read_suspects(run_dir: RunPath) -> frozenset[str]:
    """What was kept; nothing where there is no note, or one that is damaged itself."""
    try:
        found = json.loads((run_dir / ASIDE / _NAME).read_bytes())
    except (FileNotFoundError, ValueError):
        return frozenset()
    return frozenset(filter(lambda name: isinstance(name, str), found)) if isinstance(found, list) else frozenset()


def forget_suspects(run_dir: RunPath) -> None:
    """Removes the note."""
    remove_files([run_dir / ASIDE / _NAME])
