"""Running `hipo-data` as a user does, and recipes small enough for a test."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

COMMAND = Path(sys.executable).parent / "hipo-data"
JUSTIFICATION = "This is a small sum that can be seen at a glance, number {}, so no long way round is needed."


def hipo_data(*args: object, cwd: Path, timeout: float = 600) -> subprocess.CompletedProcess[str]:
    """Runs the command and returns what it printed."""
    return subprocess.run(
        [str(COMMAND), *map(str, args)], cwd=cwd, capture_output=True, text=True, timeout=timeout, check=False
    )


def succeed(*args: object, cwd: Path, timeout: float = 600) -> str:
    """Runs the command, which must succeed, and returns its standard output."""
    done = hipo_data(*args, cwd=cwd, timeout=timeout)
    assert done.returncode == 0, f"{args} exited with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def fail(*args: object, cwd: Path, code: int = 2) -> str:
    """Runs the command, which must fail with `code` and one error line, and returns that line."""
    done = hipo_data(*args, cwd=cwd)
    assert done.returncode == code, f"{args} exited with {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return next(line for line in done.stderr.splitlines() if line.startswith("error: "))


def write_lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    """JSON Lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def recorded_recipe(folder: Path, problems: int = 24, **overrides: Any) -> Path:
    """A recipe over recorded responses, so that a run is quick and the same each time.

    Problem i is a sum. Thinking is right in all 4 responses; answering at once in all, in two, in none, by i modulo 3;
    and every eighth problem is never solved.
    """
    rows, responses, reasons = [], [], []
    for i in range(problems):
        question, total = f"What is {i} + {2 * i + 1}?", 3 * i + 1
        wrong = total + 1
        off_right = [4, 2, 0][i % 3] if i % 8 else 0
        thought = total if i % 8 else wrong
        on = [f"<think>\n{'so ' * (j + 2)}it is that\n</think>\n\n\\boxed{{{thought}}}" for j in range(4)]
        off = [f"\\boxed{{{total if j < off_right else wrong}}}" for j in range(4)]
        rows.append({"problem": question, "answer": str(total)})
        responses.append({"question": question, "on": on, "off": off})
        reasons.append({"question": question, "responses": [JUSTIFICATION.format("abcdefgh"[i % 8] * 3)]})
    write_lines(folder / "problems.jsonl", rows)
    write_lines(folder / "responses.jsonl", responses)
    write_lines(folder / "reasons.jsonl", reasons)
    replay = {"type": "replay", "path": str(folder / "responses.jsonl")}
    recipe = {
        "name": "recorded",
        "sources": [{"type": "acereason", "path": str(folder / "problems.jsonl"), "name": "sums"}],
        "ingest": {"shard_size": 6, "validation_fraction": 0.2},
        "engines": {
            "on": {**replay, "responses": ["on"]},
            "off": {**replay, "responses": ["off"]},
            "reasons": {"type": "replay", "path": str(folder / "reasons.jsonl")},
        },
        "roles": {"think_on": {"engine": "on"}, "think_off": {"engine": "off"}, "justifier": {"engine": "reasons"}},
        "sample": {"n": 4},
        "select": {"random_fraction": 0.0},
        **overrides,
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    return path
