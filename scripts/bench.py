"""Runs every benchmarks/*.py, one after the other, and prints their ratios beside their goals.

A benchmark ends with one line of JSON on standard output: {"benchmark": name, "ratio": {figure: measured, ...},
"goal": {figure: wanted, ...}}, larger being better. Names on the command line choose some of them. The exit status is
1 if one of them failed to run; falling short of a goal is shown, not punished, since it depends on the machine and on
what else it does.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent


def run(path: Path) -> dict[str, Any]:
    """The benchmark's own figures plus `seconds`, or `error` where it broke or ended otherwise than it should."""
    start = time.monotonic()
    done = subprocess.run([sys.executable, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    result: dict[str, Any] = {"benchmark": path.stem, "seconds": time.monotonic() - start}
    if done.returncode != 0:
        return result | {"error": f"exit status {done.returncode}"}
    lines = done.stdout.strip().splitlines()
    try:
        figures = json.loads(lines[-1])
        goals = figures["goal"]
        ratios = {str(name): (float(ratio), float(goals[name])) for name, ratio in figures["ratio"].items()}
        return result | {"benchmark": str(figures["benchmark"]), "ratios": ratios}
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return result | {"error": "no closing line of JSON with benchmark, ratio and goal"}


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
    table = Table("benchmark", "figure", "ratio", "goal", "", "seconds")
    failed = False
    for path in paths:
        if chosen and path.stem not in chosen:
            continue
        print(f"running {path.name}", file=sys.stderr, flush=True)
        result = run(path)
        seconds = f"{result['seconds']:.1f}"
        if "error" in result:
            failed = True
            table.add_row(result["benchmark"], "", "", "", f"[red]{result['error']}[/red]", seconds)
        for name, (ratio, goal) in result.get("ratios", {}).items():
            verdict = "[green]reached[/green]" if ratio >= goal else "[yellow]short of it[/yellow]"
            table.add_row(result["benchmark"], name, f"{ratio:.2f}", f"{goal:.2f}", verdict, seconds)
    Console().print(table)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
