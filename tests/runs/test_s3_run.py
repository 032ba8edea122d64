"""Whole runs whose files lie in storage that speaks S3: the dataset of a run on a disk, byte for byte."""

import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from typer.testing import CliRunner, Result

from hipo_data.pipeline.cli import app
from hipo_data.pipeline.ship.push import push
from hipo_data.pipeline.store.files import sizes_in_storage
from hipo_data.pipeline.store.run_path import RunPath, run_path
from hipo_data.schemas.errors import UserError
from tests.support.commands import COMMAND, recorded_recipe, succeed
from tests.support.hub import Hub
from tests.support.hub_writes import Writes
from tests.support.storage import Storage
from tests.support.teacher_endpoint import count_requests, teacher_endpoint

pytestmark = pytest.mark.slow

PROBLEMS = 24
AWAY_S = 15.0
"""Three beats of the lock, and some five tries of a request."""


@dataclass
class Site:
    """A folder with a recipe and a finished run in `local`, where the cluster of the tests knows the storage."""

    folder: Path
    requests: int
    """That a run takes."""


@pytest.fixture(scope="module")
def site(storage_of_session: Storage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The folder, with the run on the disk in `local`."""
    from tests.support.cluster import ray_cluster

    folder = tmp_path_factory.mktemp("s3-run")
    # Short: sockets of Ray lie in it, and their paths have a limit.
    with (
        TemporaryDirectory() as scratch,
        pytest.MonkeyPatch.context() as patch,
        teacher_endpoint(delay_s=0.3) as url,
        ExitStack() as stack,
    ):
        for name, value in {**storage_of_session.environment, "OPENAI_API_KEY": "none", "TMPDIR": scratch}.items():
            patch.setenv(name, value)
        nodes = [{"num_cpus": 4, "resources": {kind: 1}} for kind in ("engines", "tasks")]
        cluster = stack.enter_context(ray_cluster({"num_cpus": 0}, *nodes))  # two that share nothing but the storage
        patch.setenv("RAY_ADDRESS", cluster.address)
        on_tasks = {"num_cpus": 1, "resources": {"tasks": 0.01}}
        teacher = {"type": "openai", "model": "Qwen/Qwen3-8B", "base_url": url, "max_in_flight": 8}
        roles = {"think_on": True, "think_off": False, "justifier": False}
        recorded_recipe(
            folder,
            problems=PROBLEMS,
            engines={"teacher": teacher | {"resources": {"num_cpus": 0.5, "resources": {"engines": 0.1}}}},
            roles={
                name: {"engine": "teacher", "chat_template_kwargs": {"enable_thinking": thinks}}
                for name, thinks in roles.items()
            },
            ray={"flush_s": 0.2, "task": on_tasks, "verify": on_tasks},
            ingest={"shard_size": 12, "validation_fraction": 0.2},
        )
        before = count_requests()
        succeed("run", "-c", "recipe.yaml", "--run-dir", "local", cwd=folder)
        yield Site(folder, count_requests() - before)


def invoke(site: Site, *args: str) -> Result:
    """Runs a command in this process."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(site.folder)
            return CliRunner().invoke(app, args)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def published(run: RunPath) -> dict[str, bytes]:
    """The files of a dataset by name."""
    if isinstance(run, Path):
        return {str(path.relative_to(run)): path.read_bytes() for path in run.glob("dataset/**/*") if path.is_file()}
    names = [name for name in sizes_in_storage(run) if name.startswith("dataset/")]
    return {name: (run / name).read_bytes() for name in names}


@pytest.fixture(scope="module")
def finished(site: Site, storage_of_session: Storage) -> str:
    """A run in the storage that was away for fifteen seconds meanwhile, and whose listings showed nothing of it."""
    storage = storage_of_session
    away_until: list[float] = []

    def failing(method: str, path: str) -> bool:
        if not away_until and "/journal/" in path:
            away_until.append(time.monotonic() + AWAY_S)
        return bool(away_until) and time.monotonic() < away_until[0]

    # Journals alone are found by listing; what it costs when that lags is in pipeline/journal.py.
    storage.failing, storage.unlisted = failing, re.compile(rb"^runs/one/(?!journal/)")
    before = count_requests()
    try:
        succeed("run", "-c", "recipe.yaml", "--run-dir", "s3://bucket/runs/one", cwd=site.folder)
    finally:
        storage.failing, storage.unlisted = lambda method, path: False, None
    assert away_until
    assert count_requests() - before == site.requests
    return "s3://bucket/runs/one"


def test_the_dataset_is_that_of_a_run_on_a_disk_byte_for_byte(finished: str, site: Site, storage: Storage) -> None:
    expected = published(site.folder / "local")
    assert len(expected) >= 3
    assert published(run_path(finished)) == expected
    names = sizes_in_storage(run_path(finished))
    assert {"report.html", "run.json", "spent.json", "logs/teacher-0.log"} <= names.keys()
    assert not [name for name in names if name.startswith("journal/") or ".tmp" in name]


def test_what_is_pushed_from_storage_is_what_is_pushed_from_a_disk(
    finished: str, site: Site, storage: Storage, served: Hub, writes: Writes
) -> None:
    for run, repo in ((run_path(finished), "me/stored"), (site.folder / "local", "me/local")):
        push(run, repo)
    on_hub = [served.repositories[repo] for repo in ("me/stored", "me/local")]
    stored, local = (repository.commits[repository.refs["main"]] for repository in on_hub)
    assert stored == local and len(stored) >= 4


def test_the_same_command_again_does_nothing(finished: str, site: Site, storage: Storage) -> None:
    storage.requests.clear()
    assert "Nothing to do" in invoke(site, "run", "-c", "recipe.yaml", "--run-dir", finished).output
    writes = {path.rpartition("/")[2] for method, path in storage.requests if method not in ("GET", "HEAD")}
    assert writes == {"run.lock", "run.json", "events.jsonl"}


@pytest.mark.parametrize(
    "command",
    [
        ["status", "RUN"],
        ["ingest-report", "RUN"],
        ["show", "RUN", "--stage", "sample", "--where", "index = 1", "--columns", "problem_id,mode", "--limit", "3"],
        ["show", "RUN", "--stage", "publish", "--limit", "2"],
        ["explain", "RUN", "problems.jsonl:7"],
        ["whatif", "RUN", "--delta", "0.1,0.3"],
        ["validate", "RUN"],
        ["diff", "RUN", "local"],
        ["export", "RUN", "--to", "trl", "--out", "OUT"],
        ["plan", "-c", "recipe.yaml", "--run-dir", "RUN"],
    ],
    ids=lambda command: command[0],
)
def test_a_command_says_the_same_of_a_run_in_storage(
    finished: str, site: Site, storage: Storage, command: list[str], tmp_path: Path
) -> None:
    said = []
    for name in ("local", finished):
        given = [{"RUN": name, "OUT": str(tmp_path / "out")}.get(word, word) for word in command]
        done = invoke(site, *given)
        assert done.exit_code == 0, (done.output, done.exception)
        said.append(re.sub(r"\S*local\S*|s3://\S+|\d{4}-\d\d-\d\dT\S+|\s+", " ", done.output))
        if (tmp_path / "out").exists():
            (tmp_path / "out").rename(tmp_path / f"out-{len(said)}")
    assert said[0] == said[1]


@pytest.mark.long
def test_a_killed_driver_is_followed_by_one_that_asks_nothing_again_and_meanwhile_a_second_one_is_refused(
    site: Site, storage: Storage
) -> None:
    run = run_path("s3://bucket/runs/two")
    where = ("-c", "recipe.yaml", "--run-dir", str(run))
    before = count_requests()
    driver = subprocess.Popen([COMMAND, "run", *where], cwd=site.folder, start_new_session=True)
    while not any(name.startswith("journal/") for name in sizes_in_storage(run)):
        assert driver.poll() is None
        time.sleep(0.05)
    refused = invoke(site, "run", *where).exception
    assert driver.poll() is None
    driver.kill()
    driver.wait()
    assert isinstance(refused, UserError)
    assert "another hipo-data is at work in s3://bucket/runs/two" in str(refused)
    out = succeed("run", *where, cwd=site.folder)
    assert published(run) == published(site.folder / "local")
    assert "Nothing to do" not in out
    assert count_requests() - before - site.requests <= 2 * 8
    assert json.loads((run / "run.lock").read_bytes()) == {"owner": None}
