"""Runs every benchmarks/*.py, one after the other, and prints their ratios beside their goals and the last ones.

A benchmark ends with one line of JSON on standard output: {"benchmark": name, "ratio": {figure: measured, ...},
"goal": {figure: wanted, ...}}, larger being better; "peer": {figure: package} names what a figure is held against.
Names on the command line choose some of them. Each run adds a line a benchmark to benchmarks/history.jsonl, with date,
commit, machine, load and the peers' versions. The exit status is 1 if one of them failed to run; falling short of a
goal, or behind the last figure on the same machine, is shown, not punished, since it depends on what else the machine
does.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
HISTORY = ROOT / "benchmarks" / "history.jsonl"
NOISE = 0.1
"""By which share a figure may be behind the last one before that is said."""


def run(path: Path) -> dict[str, Any]:
    """What history has of a benchmark, but for where and when; `error` instead of its figures where it broke or ended
    otherwise than it should."""
    load, start = os.getloadavg()[0], time.monotonic()
    done = subprocess.run([sys.executable, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    result: dict[str, Any] = {
        "benchmark": path.stem,
        "seconds": round(time.monotonic() - start, 1),
        "load_before": round(load, 1),
    }
    if done.returncode != 0:
        return result | {"error": f"exit status {done.returncode}"}
    lines = done.stdout.strip().splitlines()
    try:
        said = json.loads(lines[-1])
        ratio = {str(name): float(each) for name, each in said["ratio"].items()}
        goal = {name: float(said["goal"][name]) for name in ratio}
        peers = {name: versioned(package) for name, package in said.get("peer", {}).items() if name in ratio}
        return result | {"benchmark": str(said["benchmark"]), "ratio": ratio, "goal": goal, "peer": peers}
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return result | {"error": "no closing line of JSON with benchmark, ratio and goal"}


def versioned(package: str) -> str:
    """The package with its installed version; alone where it is nothing that is installed here."""
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return package


def here() -> dict[str, str]:
    """Commit, date, and what is known of the machine without naming it."""
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=10", "--exclude=*"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    models = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
              if line.startswith("model name")]  # fmt: skip
    cores, gib = len(os.sched_getaffinity(0)), round(psutil.virtual_memory().total / 2**30)
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": said.stdout.strip() or "unknown",
        "machine": f"{cores} cores of {models[0] if models else 'an unknown CPU'}, {gib} GiB",
    }


def last_ratios(history: Iterable[str], machine: str) -> dict[tuple[str, str], tuple[float, str]]:
    """The last ratio and its commit, by benchmark and figure, of one machine. Raises `ValueError` for a broken line."""
    found = {}
    for line in history:
        entry = json.loads(line)
        if entry["machine"] == machine:
            found |= {(entry["benchmark"], name): (each, entry["commit"]) for name, each in entry["ratio"].items()}
    return found


def judged(ratio: float, goal: float, before: tuple[float, str] | None) -> str:
    """Whether a figure reaches its goal, and whether it fell."""
    words = "[green]reached[/green]" if ratio >= goal else "[yellow]short of it[/yellow]"
    if before is not None and ratio < before[0] * (1 - NOISE):
        words += f", [red]fell from {before[0]:.2f} at {before[1]}[/red]"
    return words


def main() -> int:
    chosen = set(sys.argv[1:])
    paths = [path for path in sorted((ROOT / "benchmarks").glob("*.py")) if not path.name.startswith("_")]
    unknown = chosen - {path.stem for path in paths}
    if unknown:
        print(
            f"no such benchmark: {', '.join(sorted(unknown))}; there are: {', '.join(p.stem for p in paths) or 'none'}",
            file=sys.stderr,
        )
        return 1
    where = here()
    before = last_ratios(HISTORY.read_text().splitlines() if HISTORY.exists() else [], where["machine"])
    table = Table("benchmark", "figure", "ratio", "goal", "", "against", "seconds", title=", ".join(where.values()))
    failed = False
    for path in paths:
        if chosen and path.stem not in chosen:
            continue
        print(f"running {path.name}", file=sys.stderr, flush=True)
        result = run(path)
        if "error" in result:
            failed = True
            table.add_row(result["benchmark"], "", "", "", f"[red]{result['error']}[/red]", "", str(result["seconds"]))
            continue
        keep(where | result)
        for name, ratio in result["ratio"].items():
            words = judged(ratio, result["goal"][name], before.get((result["benchmark"], name)))
            shown = f"{ratio:.2f}", f"{result['goal'][name]:.2f}", words, result["peer"].get(name, "")
            table.add_row(result["benchmark"], name, *shown, str(result["seconds"]))
    Console().print(table)
    return int(failed)


def keep(entry: Mapping[str, Any]) -> None:
    """Adds a line to the history."""
    rounded = {name: float(f"{each:.4g}") for name, each in entry["ratio"].items()}
    goals = {name: float(f"{each:.4g}") for name, each in entry["goal"].items()}
    with HISTORY.open("a", encoding="utf-8") as file:
        file.write(json.dumps(dict(entry) | {"ratio": rounded, "goal": goals}) + "\n")


if __name__ == "__main__":
    sys.exit(main())
