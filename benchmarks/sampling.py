"""What share of an engine's own speed arrives through the pipeline, with the journal and the graders at work beside it.

vllm: output tokens/s of a run, from its first finished rollout to its last verdict, over those of `LLM.generate` given
all the same requests at once; the embedded teacher, at a temperature at which lengths have a long tail.
endpoint_1s, endpoint_50ms: rollouts/s in the middle of a run, over those of a bare aiohttp client, on a local server
that answers after so long. Of a run, the slower of answers and verdicts counts.
datatrove: 20,000 rollouts on a server without latency, start-up included: seconds of datatrove's inference runner,
which grades nothing, over seconds of a run.

    python benchmarks/sampling.py [--scale 0.1] [vllm endpoint_1s endpoint_50ms datatrove]

Both sides of a ratio share the machine's cores with the server. Ends with a line of JSON.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from hipo_data.models.make.problems import choose
from hipo_data.models.make.tasks import MATH_FAMILIES
from hipo_data.schemas.keys import problem_id, seed_of

_DATATROVE = "0.10.1"
PEERS = {"vllm": "vllm", "endpoint_1s": "aiohttp", "endpoint_50ms": "aiohttp", "datatrove": f"datatrove {_DATATROVE}"}
GOALS = {"vllm": 0.95, "endpoint_1s": 0.95, "endpoint_50ms": 0.6, "datatrove": 5.0}
HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
COMMAND = Path(sys.executable).with_name("hipo-data")
MODES = ("think_on", "think_off")
N = 8
"""Rollouts a problem and mode."""
SHARD = 32
"""Problems."""
VLLM_PROBLEMS_A_FAMILY = 120
MODEL = str(ROOT / "models/tiny-hybrid")
VLLM_ARGS = {"max_model_len": 512, "max_num_seqs": 256, "enforce_eager": True, "dtype": "bfloat16"}
VLLM_ENV = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1"}
SAMPLING = {"temperature": 2.0, "top_p": 1.0, "max_tokens": 400}
WAVES_1S = 40
WAVES_50MS = 160
DATATROVE_PROBLEMS = 1250
DATATROVE = [
    f"datatrove[io]=={_DATATROVE}",
    "aiofiles",
    "aiosqlite",
    "httpx",
    "pandas",
    "pyyaml",
    "typer",
]
"""Its extra `inference` adds vLLM and SGLang, which a running endpoint does not need."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=list(GOALS), metavar="RATIO", help=", ".join(GOALS))
    parser.add_argument("--scale", type=float, default=1.0, help="of the amount of work; ratios need all of it")
    options = parser.parse_args()
    if unknown := set(options.names) - GOALS.keys():
        parser.error(f"there is no ratio {', '.join(sorted(unknown))}; there are {', '.join(GOALS)}")
    measures: dict[str, Callable[[], float | None]] = {
        "vllm": lambda: vllm_share(options.scale),
        "endpoint_1s": lambda: endpoint_share(1.0, 512, max(2, round(WAVES_1S * options.scale / 2) * 2)),
        "endpoint_50ms": lambda: endpoint_share(0.05, 256, max(2, round(WAVES_50MS * options.scale / 2) * 2)),
        "datatrove": lambda: datatrove_times(options.scale),
    }
    found = {name: measures[name]() for name in options.names}
    ratios = {name: ratio for name, ratio in found.items() if ratio is not None}
    goal = {name: GOALS[name] for name in ratios}
    print(json.dumps({"benchmark": "sampling", "ratio": ratios, "goal": goal, "peer": PEERS}))


def vllm_share(scale: float) -> float:
    """Output tokens/s of a run over those of bare vLLM."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        count = max(2, round(VLLM_PROBLEMS_A_FAMILY * scale))
        tasks = [task for family in MATH_FAMILIES for task in choose(family, "train", count, seed=99)]
        rows = [{"problem": task.question, "answer": task.answer} for task in tasks]
        engine = {"type": "vllm", "model": MODEL, "env": VLLM_ENV, "args": VLLM_ARGS}
        roles = {
            mode: {
                "engine": "teacher",
                "chat_template_kwargs": {"enable_thinking": mode == "think_on"},
                "starts_in_reasoning": mode == "think_on",
                "sampling": SAMPLING,
            }
            for mode in MODES
        }
        bare = bare_vllm(folder, rows, roles)
        run = Run(folder, rows, engine, roles)
        lengths = run.rollouts()["completion_tokens"].to_list()
        seconds = run.graded[-1][0] - run.first_finished
        ours = sum(lengths) / seconds
        say(f"vllm: bare {bare['rate']:,.0f} tokens/s; lengths {spread(bare['lengths'])}; {bare['seconds']:.1f} s")
        say(f"vllm: ours {ours:,.0f} tokens/s; lengths {spread(lengths)}; {seconds:.1f} s; {run.verdicts_said()}")
        return float(ours / bare["rate"])


def bare_vllm(folder: Path, rows: list[dict[str, str]], roles: dict[str, Any]) -> dict[str, Any]:
    """Tokens/s, seconds and lengths of `LLM.generate` over the requests that a run of the same rows makes."""
    requests = [
        {
            "question": row["problem"],
            "kwargs": roles[mode]["chat_template_kwargs"],
            "sampling": roles[mode]["sampling"],
            "seed": seed_of(0, problem_id(row["problem"]), mode, index),
        }
        for mode in reversed(MODES)
        for row in rows
        for index in range(N)
    ]
    path, result = folder / "requests.json", folder / "bare.json"
    path.write_text(json.dumps({"args": {"model": MODEL, **VLLM_ARGS}, "requests": requests}))
    environment = {**os.environ, **VLLM_ENV}
    command = [sys.executable, HERE / "_sampling_vllm.py", path, result]
    execute("bare vLLM", command, folder / "bare.log", environment)
    found: dict[str, Any] = json.loads(result.read_text())
    return {**found, "rate": sum(found["lengths"]) / found["seconds"]}


def endpoint_share(delay_s: float, at_once: int, waves: int) -> float:
    """Rollouts/s of a run, in its middle, over those of a bare client.

    Half of the rollouts are a whole number of waves: what is sent together comes back together, so that any other part
    would begin and end at different places of a wave.
    """
    rows = sums(at_once * waves // (2 * N))
    with tempfile.TemporaryDirectory() as name, server(delay_s) as port:
        folder = Path(name)
        bare_client(folder, port, rows, at_once)
        bare = warm_rate((second, 1) for second in answered(port))
        run = Run(folder, rows, endpoint(port, at_once), endpoint_roles())
        rates = {
            "answers": warm_rate((second, 1) for second in answered(port)),
            "verdicts": warm_rate(run.graded),
        }
        said = ", ".join(f"{what} {rate:,.0f}/s" for what, rate in rates.items())
        say(f"endpoint after {delay_s} s, {at_once} at once: bare {bare:,.0f}/s; ours {said}; {run.verdicts_said()}")
        return min(rates.values()) / bare


def datatrove_times(scale: float) -> float | None:
    """How many times longer datatrove takes; none where it cannot be installed."""
    python = datatrove_python()
    if python is None:
        return None
    rows = sums(max(SHARD, round(DATATROVE_PROBLEMS * scale)))
    with tempfile.TemporaryDirectory() as name, server(0) as port:
        folder = Path(name)
        questions(folder, rows)
        command = [python, HERE / "_sampling_datatrove.py", url(port), folder / "questions.jsonl", 2 * N, 256, folder]
        started = time.monotonic()
        execute("datatrove", command, folder / "datatrove.log")
        theirs = time.monotonic() - started
        asked = len(answered(port))
        started = time.monotonic()
        run = Run(folder, rows, endpoint(port, 256), endpoint_roles())
        ours = time.monotonic() - started
        graded = run.verdicts_said()
        say(f"{asked:,} rollouts, start-up included: datatrove {theirs:.1f} s, ours {ours:.1f} s; {graded}")
        return theirs / ours


def datatrove_python() -> Path | None:
    """The Python of an environment with datatrove, made where there is none yet."""
    caches = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    cache = caches / "hipo-data" / "datatrove-0.10.1"
    python = cache / "bin" / "python"
    uv = Path(sys.executable).with_name("uv")
    steps = [[uv, "venv", "--quiet", "--clear", "--python", sys.executable, cache],
             [uv, "pip", "install", "--quiet", "--python", python, *DATATROVE]]  # fmt: skip
    if (cache / "complete").exists():
        return python
    for step in steps:
        try:
            done = subprocess.run([*map(str, step)], stderr=subprocess.PIPE, text=True, check=False)
            error = done.stderr.strip().splitlines()[-1:] if done.returncode else None
        except OSError as failure:
            error = [str(failure)]
        if error is not None:
            print(f"datatrove is left out, since it cannot be installed: {' '.join(error)}", file=sys.stderr)
            return None
    (cache / "complete").touch()
    return python


class Run:
    """`hipo-data run` of ingest, sample and verify, as a user types it, and when it did what."""

    def __init__(
        self,
        folder: Path,
        rows: list[dict[str, str]],
        engine: dict[str, Any],
        roles: dict[str, Any],
        address: str | None = None,
    ) -> None:
        recipe = {
            "name": "sampling",
            "sources": [{"type": "acereason", "path": str(questions(folder, rows)), "name": "sums"}],
            "ingest": {"shard_size": SHARD},
            "engines": {"teacher": engine},
            "roles": {**roles, "justifier": {"engine": "teacher"}},
            "sample": {"n": N, "template": "plain"},
        }
        self._folder = folder / "run"
        self._asked = len(rows) * len(MODES) * N
        self.first_finished = 0.0
        (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
        stages = [part for stage in ("ingest", "sample", "verify") for part in ("--stage", stage)]
        command = [COMMAND, "run", "-c", folder / "recipe.yaml", "--run-dir", self._folder, *stages]
        if address:
            command += ["--ray-address", address]
        with (folder / "run.log").open("w+") as log:
            driver = subprocess.Popen([*map(str, command)], stdout=log, stderr=log, env=own_environment())
            self._watch(driver)
            if driver.returncode:
                log.seek(0)
                sys.exit(f"the run failed:\n{log.read()[-3000:]}")
        self.graded = sorted(self._verified())
        """Seconds since the epoch, and how many verdicts were there."""
        graded = sum(count for _, count in self.graded)
        if graded != self._asked:
            sys.exit(f"{graded} verdicts of {self._asked} rollouts")

    def rollouts(self) -> pl.DataFrame:
        """All of them."""
        return pl.read_parquet(self._folder / "sample.*/*.parquet")

    def verdicts_said(self) -> str:
        """How many verdicts of each kind."""
        frame = pl.read_parquet(self._folder / "verify.*/*.parquet")
        counts = frame["status"].value_counts(sort=True).rows()
        return ", ".join(f"{count:,} {status}" for status, count in counts)

    def _watch(self, driver: "subprocess.Popen[bytes]") -> None:
        """Waits for the driver, and notes when the first request came back: its line in what is under way is `-key`."""
        while driver.poll() is None:
            time.sleep(0.02)
            if not self.first_finished:
                files = list(self._folder.glob("logs/*.under-way"))
                if any("\n-" in path.read_text() for path in files):
                    self.first_finished = time.time()

    def _verified(self) -> Iterator[tuple[float, int]]:
        for path in self._folder.glob("verify.*/*.json"):
            yield path.stat().st_mtime, json.loads(path.read_text())["rows_out"]


def warm_rate(events: Iterable[tuple[float, int]]) -> float:
    """A second's share of what happened in the middle half: `events` are times and how many things came about then."""
    ordered = sorted(events)
    total, so_far = sum(count for _, count in ordered), 0
    marks: list[tuple[float, int]] = []
    for second, count in ordered:
        so_far += count
        if so_far >= total * (0.25 if not marks else 0.75):
            marks.append((second, so_far))
        if len(marks) == 2:
            break
    (start, before), (end, after) = marks
    return (after - before) / (end - start)


@contextmanager
def server(delay_s: float) -> Iterator[int]:
    """The port of the local server, in a process of its own."""
    command = [sys.executable, str(HERE / "_sampling_server.py"), str(delay_s)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())


def answered(port: int) -> list[float]:
    """When the server answered, since it was last asked."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}/answered") as reply:
        found: list[float] = json.load(reply)
    return found


def bare_client(folder: Path, port: int, rows: list[dict[str, str]], at_once: int) -> None:
    questions(folder, rows)
    command = [sys.executable, HERE / "_sampling_client.py", url(port), folder / "questions.jsonl", 2 * N, at_once]
    execute("the bare client", command, folder / "client.log")


def execute(what: str, command: Sequence[object], log: Path, environment: dict[str, str] | None = None) -> None:
    with log.open("w+") as output:
        parts = [str(part) for part in command]
        done = subprocess.run(parts, stdout=output, stderr=output, env=environment, check=False)
        if done.returncode:
            output.seek(0)
            sys.exit(f"{what} failed:\n{output.read()[-3000:]}")


def own_environment() -> dict[str, str]:
    """Without a cluster to join: both sides are on this machine."""
    return {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}


def url(port: int) -> str:
    return f"http://127.0.0.1:{port}/v1"


def endpoint(port: int, at_once: int) -> dict[str, Any]:
    return {"type": "openai", "model": "sums", "base_url": url(port), "max_in_flight": at_once}


def endpoint_roles() -> dict[str, Any]:
    return {
        mode: {
            "engine": "teacher",
            "chat_template_kwargs": {"enable_thinking": mode == "think_on"},
            "sampling": {"max_tokens": 1024},
        }
        for mode in MODES
    }


def sums(count: int) -> list[dict[str, str]]:
    pairs = [(1000 + number, 7 * number + 13) for number in range(count)]
    return [{"problem": f"What is the sum of {a} and {b}?", "answer": str(a + b)} for a, b in pairs]


def questions(folder: Path, rows: list[dict[str, str]]) -> Path:
    path = folder / "questions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def spread(lengths: list[int]) -> str:
    p99 = statistics.quantiles(lengths, n=100)[98]
    return f"mean {statistics.mean(lengths):.1f}, p50 {statistics.median(lengths):.0f}, p99 {p99:.0f}"


def say(text: str) -> None:
    print(f"{text} (load {os.getloadavg()[0]:.1f})", flush=True)


if __name__ == "__main__":
    main()
