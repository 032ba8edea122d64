"""What a small run costs beside its work: `hipo-data run` whole, from the command to its end.

small_run: a bare aiohttp client that makes the requests of 30 problems x (4 + 4) on a local server that answers at
once, plus a fixed 3 s, over `hipo-data run` of all stages on that server.
small_run_before: that run as of an earlier commit over today's, on the same installed packages.
quickstart_before: the same of `hipo-data run --config recipes/quickstart.yaml`, on both sides with today's teacher.

Medians; both sides take turns. Ends with a line of JSON, which has the seconds too.

    python benchmarks/startup.py [ROUNDS] [QUICKSTART_ROUNDS]     # 5 and 3 where none are given
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import yaml
from sampling import endpoint, own_environment, questions, server, sums, url

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
GOALS = {"small_run": 1 / 1.5, "small_run_before": 1 / 0.4, "quickstart_before": 1 / 0.6}
FIXED_S = 3.0
PROBLEMS, N = 30, 4
AT_ONCE = 64
BEFORE = "3dcbb88c61980cd4b7a2b8d0dafa1e96e7933992"
"""The commit that today's start is held against."""
ITS_OWN = ["dpath==2.2.0"]
"""Packages that it needs and today's project does not."""
ROUNDS, QUICKSTART_ROUNDS = 5, 3


def main() -> None:
    given = [int(each) for each in sys.argv[1:]]
    rounds, quickstart_rounds = (*given, *[ROUNDS, QUICKSTART_ROUNDS][len(given) :])
    with tempfile.TemporaryDirectory() as name, server(0) as port:
        folder = Path(name)
        before = earlier(folder / "before")
        now = [sys.executable, "-c", "from hipo_data.pipeline.cli import main; main()"]
        old = [sys.executable, "-c", "from pipeline.cli import main; main()"]
        recipe = small_recipe(folder, port)
        client = [HERE / "_sampling_client.py", url(port), folder / "questions.jsonl", 2 * N, AT_ONCE]
        took: dict[str, list[float]] = {}
        for number in range(rounds):
            run = ["run", "--config", recipe, "--run-dir"]
            measure(took, "client", [sys.executable, *client], folder)
            measure(took, "small_run", [*now, *run, folder / f"small-{number}"], folder)
            measure(took, "small_run before", [*old, *run, folder / f"small-before-{number}"], folder, before)
        for number in range(quickstart_rounds):
            run = ["run", "--config", "recipes/quickstart.yaml", "--run-dir"]  # its model is that of its folder
            measure(took, "quickstart", [*now, *run, folder / f"quickstart-{number}"], ROOT)
            measure(took, "quickstart before", [*old, *run, folder / f"quickstart-before-{number}"], before, before)
    seconds = {what: statistics.median(each) for what, each in took.items()}
    ratio = {
        "small_run": (seconds["client"] + FIXED_S) / seconds["small_run"],
        "small_run_before": seconds["small_run before"] / seconds["small_run"],
    }
    if quickstart_rounds:
        ratio["quickstart_before"] = seconds["quickstart before"] / seconds["quickstart"]
    shown = {what: round(each, 2) for what, each in seconds.items()}
    print(
        json.dumps(
            {"benchmark": "startup", "ratio": ratio, "goal": GOALS, "peer": {"small_run": "aiohttp"}, "seconds": shown}
        )
    )


def measure(
    took: dict[str, list[float]], what: str, command: Sequence[object], cwd: Path, code: Path | None = None
) -> None:
    """Runs the command and notes its seconds; `code` is a folder to import from first."""
    environment = own_environment() | {"OPENAI_API_KEY": "none"}
    if code is not None:
        environment["PYTHONPATH"] = str(code)
    started = time.monotonic()
    done = subprocess.run([*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    took.setdefault(what, []).append(time.monotonic() - started)
    if done.returncode:
        sys.exit(f"{what} failed:\n{(done.stdout + done.stderr)[-3000:]}")
    print(f"{what}: {took[what][-1]:.1f} s (load {os.getloadavg()[0]:.1f})", file=sys.stderr, flush=True)


def small_recipe(folder: Path, port: int) -> Path:
    """Thirty sums on an endpoint, in keys that both commits know."""
    recipe = {
        "name": "startup",
        "sources": [{"type": "acereason", "path": str(questions(folder, sums(PROBLEMS))), "name": "sums"}],
        "engines": {"teacher": endpoint(port, AT_ONCE)},
        "roles": {
            role: {"engine": "teacher", "chat_template_kwargs": {"enable_thinking": role == "think_on"}}
            for role in ("think_on", "think_off", "justifier")
        },
        "sample": {"n": N},
        "publish": {"format": "thinkless"},  # asks for no justifications
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    return path


def earlier(folder: Path) -> Path:
    """The project as of `BEFORE` in a folder to import from, with its own commands instead of the installed ones."""
    archive = subprocess.run(["git", "archive", BEFORE], cwd=ROOT, capture_output=True, check=False)
    if archive.returncode:
        sys.exit(
            f"commit {BEFORE} is not in this checkout ({archive.stderr.decode().strip()}): fetch its history first"
        )
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    # Another teacher would think for longer or shorter, whatever the code costs.
    shutil.rmtree(folder / "models/tiny-hybrid")
    shutil.copytree(ROOT / "models/tiny-hybrid", folder / "models/tiny-hybrid")
    uv = [Path(sys.executable).with_name("uv"), "pip", "install", "--quiet", "--no-deps", "--target", folder, *ITS_OWN]
    subprocess.run(uv, check=True)
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = folder / "hipo_data-0.dist-info"
    named.mkdir()
    (named / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 0\n", encoding="utf-8")
    points = [f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in each.items())
              for group, each in project["entry-points"].items()]  # fmt: skip
    (named / "entry_points.txt").write_text("\n".join(points), encoding="utf-8")
    return folder


if __name__ == "__main__":
    main()
