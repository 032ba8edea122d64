"""Which name each file of ours was loaded under, in this process."""

import sys
from collections import defaultdict
from pathlib import Path


def wrongly_loaded(root: Path) -> list[str]:
    """A line for each file below `root` that was loaded under two names, or as a room without its package.

    Either way its classes exist twice as soon as somebody uses its right name.
    """
    rooms = [path.resolve() for path in (root / "src" / "hipo_data").iterdir() if path.is_dir()]
    names: dict[Path, set[str]] = defaultdict(set)
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name != "__main__" and file and (path := Path(file).resolve()).is_relative_to(root):
            names[path].add(name)
    return [
        f"{path.relative_to(root)} was loaded as {' and as '.join(sorted(found))}"
        for path, found in sorted(names.items())
        if len(found) > 1 or (any(room in path.parents for room in rooms) and not min(found).startswith("hipo_data."))
    ]
