"""What the pipeline itself costs: problems through all stages with recorded responses, so that no model takes part.

Each problem has one rollout in each mode and, if a response is kept, one justification; only rollouts are counted.

`scale`: rollouts a second at the largest number of problems over those at the smallest, from the end of ingest to the
published dataset. Beside it: the driver's memory, CPU time by who took it, and how long a finished run of 10,000 shards
takes to find that nothing is to be done.

    python benchmarks/orchestration.py [PROBLEMS ...]     # 10,000 and 1,000,000 where none are given
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

SIZES = [10_000, 1_000_000]
N = 1
BATCH = 50_000
PROBLEMS_OF_RESUME = 16_000
"""In shards of one: they fill some 10,000 of the 16,384 that their ids can fall into."""
ROLES = ("think_on", "think_off", "justifier")
COMMAND = Path(sys.executable).with_name("hipo-data")


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or SIZES
    rates, memory = {}, {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            rates[size], memory[size] = measure(Path(folder), size)
    with tempfile.TemporaryDirectory() as folder:
        resume = resume_seconds(Path(folder))
    low, high = min(sizes), max(sizes)
    ratio = {
        "scale": rates[high] / rates[low],
        "driver_gib": 1 / memory[high],
        "resume": 10 / resume,
    }
    goal = {"scale": 0.85, "driver_gib": 1.0, "resume": 1.0}
    print(json.dumps({"benchmark": "orchestration", "ratio": ratio, "goal": goal}))


def measure(folder: Path, problems: int) -> tuple[float, float]:
    """Rollouts a second, and the driver's peak memory in GiB."""
    write_inputs(folder, problems)
    started = time.monotonic()
    with (folder / "out.txt").open("w") as out:
        driver = subprocess.Popen(
            [COMMAND, "run", "-c", folder / "recipe.yaml", "--run-dir", folder / "run"], stdout=out, stderr=out
        )
        watch = Watch(driver.pid)
        if driver.wait() != 0:
            raise RuntimeError((folder / "out.txt").read_text()[-3000:])
    cpu, peak = watch.stop()
    run = folder / "run"
    seconds = (run / "publish/all.json").stat().st_mtime - (run / "ingest/all.json").stat().st_mtime
    rollouts = 2 * N * problems
    each = ", ".join(f"{who} {1e6 * took / rollouts:.0f}" for who, took in sorted(cpu.items(), key=lambda x: -x[1]))
    print(
        f"{problems:,} problems: {time.monotonic() - started:.0f} s in all, {seconds:.0f} s after ingest, "
        f"{rollouts / seconds:,.0f} rollouts/s; driver {peak:.2f} GiB at most; CPU µs a rollout: {each}",
        flush=True,
    )
    return rollouts / seconds, peak


def resume_seconds(folder: Path) -> float:
    """How long a finished run of many shards takes to say that it is finished."""
    write_inputs(folder, PROBLEMS_OF_RESUME, shard_size=1)
    command = [COMMAND, "run", "-c", folder / "recipe.yaml", "--run-dir", folder / "run"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    started = time.monotonic()
    again = subprocess.run(command, check=True, capture_output=True, text=True)
    if "Nothing to do" not in again.stdout:
        raise RuntimeError(again.stdout)
    seconds = time.monotonic() - started
    shards = len(list((folder / "run/justify").glob("*.json")))
    print(f"resume of a finished run of {shards:,} shards: {seconds:.1f} s")
    return seconds


class Watch:
    """CPU seconds by kind of process, and the driver's peak resident memory, of a run under way."""

    def __init__(self, driver: int) -> None:
        self._driver = psutil.Process(driver)
        self._cpu: dict[int, tuple[str, float]] = {}
        self._peak = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> tuple[dict[str, float], float]:
        self._end.set()
        self._thread.join()
        total: dict[str, float] = defaultdict(float)
        for kind, seconds in self._cpu.values():
            total[kind] += seconds
        return total, self._peak / 2**30

    def _look(self) -> None:
        while not self._end.wait(0.5):
            try:
                self._peak = max(self._peak, self._driver.memory_info().rss)
                for process in [self._driver, *self._driver.children(recursive=True)]:
                    with_times = process.cpu_times()
                    name = "driver" if process == self._driver else _kind(process)
                    self._cpu[process.pid] = (name, with_times.user + with_times.system)
            except psutil.Error:
                continue


def _kind(process: psutil.Process) -> str:
    line = " ".join(process.cmdline())
    if "EngineActor" in line:
        return "engine actors"
    if line.startswith("ray::"):
        return "tasks"
    return "graders" if "forkserver" in line or "multiprocessing" in line else "ray itself"


def write_inputs(folder: Path, problems: int, shard_size: int | None = None) -> None:
    for name, batches in (("problems", _problems(problems)), ("responses", _responses(problems))):
        first = next(batches)
        with pq.ParquetWriter(folder / f"{name}.parquet", first.schema) as writer:
            writer.write_table(first)
            for batch in batches:
                writer.write_table(batch)
    replay = {"type": "replay", "path": str(folder / "responses.parquet"), "max_in_flight": 256}
    recipe = {
        "name": "orchestration",
        "sources": [{"type": "table", "path": str(folder / "problems.parquet"), "name": "sums", "kind": "math"}],
        "engines": {role: {**replay, "responses": [role]} for role in ROLES},
        "roles": {role: {"engine": role} for role in ROLES},
        "sample": {"n": N},
    }
    if shard_size is not None:
        recipe["ingest"] = {"shard_size": shard_size}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")


def _question(i: int) -> str:
    return f"A shop sells {i} apples in the morning and {3 * i + 1} in the afternoon. How many does it sell that day?"


def _problems(count: int) -> Iterator[pa.Table]:
    for start in range(0, count, BATCH):
        numbers = range(start, min(count, start + BATCH))
        yield pa.table({"question": [_question(i) for i in numbers], "answer": [str(4 * i + 1) for i in numbers]})


def _responses(count: int) -> Iterator[pa.Table]:
    """Thinking is right nine times in ten, not thinking five times."""
    for start in range(0, count, BATCH):
        numbers = range(start, min(count, start + BATCH))
        on = [
            [f"<think>\nBoth sums added.\n</think>\n\nThat is \\boxed{{{4 * i + 1 + (i % 10 == 0)}}}."] for i in numbers
        ]
        off = [[f"That is \\boxed{{{4 * i + 1 + i % 2}}}."] for i in numbers]
        why = [
            [f"Two lots of one fruit are joined, {_in_letters(i)} in the list, which takes one step."] for i in numbers
        ]
        columns = {"think_on": on, "think_off": off, "justifier": why}
        yield pa.table({"question": [_question(i) for i in numbers], **columns})


def _in_letters(i: int) -> str:
    """A number without digits, which a justification may not copy from the answer."""
    return "".join("abcdefghij"[int(digit)] for digit in str(i))


if __name__ == "__main__":
    main()
