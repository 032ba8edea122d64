"""One side of a benchmark in a process of its own, so that neither warms the other up nor weighs on its memory."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def child(what: str, data: Path) -> dict[str, Any]:
    """What the benchmark that runs prints, as JSON on its last line, when it is called with --child, `what`, `data`."""
    command = [sys.executable, sys.argv[0], "--child", what, str(data)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"{what} failed with exit status {done.returncode}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def say(line: str) -> None:
    """Progress, beside the results."""
    print(line, file=sys.stderr, flush=True)
