"""The figures that a training wrote down at every step."""

import json
from pathlib import Path
from typing import Any


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The figures of every step, the last that were written of each, in order. Empty where there is no log."""
    path = folder / "log.jsonl"
    if not path.exists():
        return []
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    by_step: dict[int, dict[str, Any]] = {}
    for row in rows:
        by_step[row["step"]] = {**by_step.get(row["step"], {}), **row}
    return [by_step[step] for step in sorted(by_step)]
