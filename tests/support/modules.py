"""Which name each file of ours was loaded under, in this process."""

import sys
from collections import defaultdict
from pathlib import Path


def wrongly_loaded(root: Path) -> list[str]:
    """A line for each file below `root` that was loaded under two names, or as a room without its package.

    Either way its classes exist twice as soon as somebody uses its right name.
    """
    rooms = [path.resolve() for path in (root / "src" / "hipo_data").iterdir() if path.is_symlink()]
    names: dict[Path, set[str]] = defaultdict(set)
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        # The environment may lie within the checkout, and some packages in it are loaded under two names.
        path = Path(file or "/").resolve()
        if name != "__main__" and path.is_relative_to(root) and not path.is_relative_to(Path(sys.prefix).resolve()):
            names[path].add(name)
    return [
        f"{path.relative_to(root)} was loaded as {' and as '.join(sorted(found))}"
        for path, found in sorted(names.items())
        if len(found) > 1 or (any(room in path.parents for room in rooms) and not min(found).startswith("hipo_data."))
    ]
