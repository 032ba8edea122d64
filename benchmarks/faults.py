"""What faults of an endpoint cost: the same run against a server without any, and against one with every kind.

The second one answers with each of 13 kinds of faults (429 with a pause and without, 500, 503, dropped connections,
half of the JSON, no choices, null content, a slow drip, redirects, two choices, no usage, odd types) in 2 % of its
replies, and always fails at 3 % of the prompts. Right replies take it 0.6 s.

`wall_time`: seconds of sampling without faults over those with them.

    python benchmarks/faults.py [PROBLEMS]     # 2,000 where none are given
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.soak import Soaked, bad_problem, soak_recipe, soaked  # noqa: E402

PROBLEMS = 2_000
DELAY_S = 0.6
COMMAND = Path(sys.executable).with_name("hipo-data")


def main() -> None:
    problems = int(sys.argv[1]) if sys.argv[1:] else PROBLEMS
    with tempfile.TemporaryDirectory() as folder, soaked(DELAY_S) as server:
        soak_recipe(Path(folder), server.url, problems)
        clean = measure(Path(folder), server, "clean")
        server.disturb()
        faulty = measure(Path(folder), server, "faulty")
    bad = sum(map(bad_problem, range(problems)))
    print(f"{problems} problems, {bad} of which always fail; faults: {dict(server.faulty.made)}", file=sys.stderr)
    print(json.dumps({"benchmark": "faults", "ratio": {"wall_time": clean / faulty}, "goal": {"wall_time": 1 / 1.5}}))


def measure(folder: Path, server: Soaked, name: str) -> float:
    """Seconds from the end of ingest to the published dataset."""
    before = server.requests
    command = [str(COMMAND), "run", "-c", "recipe.yaml", "--run-dir", name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError((done.stdout + done.stderr)[-3000:])
    run = folder / name
    seconds = (run / "publish/all.json").stat().st_mtime - (run / "ingest/all.json").stat().st_mtime
    print(f"{name}: {seconds:.1f} s, {server.requests - before} requests", file=sys.stderr)
    return seconds


if __name__ == "__main__":
    main()
