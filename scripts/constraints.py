"""Writes constraints.txt: exact versions of what this environment holds, with no hashes and no addresses.

A local version label (torch 2.13.0+cpu) is left out, so that one file serves the CPU and the CUDA build.
"""

import sys
from importlib.metadata import distributions
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / "constraints.txt"
LEFT_OUT = {"hipo-data", "pip"}  # ours, and what venv itself brings
HEADER = """\
# The exact versions that the test suite ran with, for every direct and indirect dependency.
# Made by `make constraints`; do not edit by hand. CONTRIBUTING.md says how to change a version on purpose.
"""


def normalised(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def main() -> None:
    pins = {normalised(dist.name): dist.version.partition("+")[0] for dist in distributions() if dist.name}
    lines = [f"{name}=={version}\n" for name, version in sorted(pins.items()) if name not in LEFT_OUT]
    TARGET.write_text(HEADER + "".join(lines))
    print(f"{len(lines)} versions pinned in {TARGET.name}", file=sys.stderr)


if __name__ == "__main__":
    main()
