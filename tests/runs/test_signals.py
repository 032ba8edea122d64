"""What ends a driver or its local Ray from outside: the run says so, nothing asks on, and what was finished is kept."""

import contextlib
import os
import pty
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from hipo_data.pipeline.watch.event_log import read_events
from tests.support.commands import COMMAND, recorded_recipe, succeed
from tests.support.teacher_endpoint import teacher_endpoint

pytestmark = [pytest.mark.slow, pytest.mark.long]

RUN = ("run", "-c", "recipe.yaml", "--run-dir", "run")


@dataclass
class UnderWay:
    """A run on a local Ray that has journalled rollouts, while more are asked for."""

    folder: Path
    driver: subprocess.Popen[bytes]
    processes: list[tuple[str, psutil.Process]]
    terminal: int
    """The other end of the driver's."""

    def named(self, name: str) -> list[psutil.Process]:
        return [process for each, process in self.processes if each.startswith(name)]

    def last_event(self) -> dict[str, Any]:
        return list(read_events(self.folder / "run"))[-1]

    def said(self) -> str:
        return (self.folder / "said").read_text()

    def journalled(self) -> int:
        return sum(len(path.read_bytes().splitlines()) - 1 for path in self.folder.glob("run/journal/*/*/*.jsonl"))


@contextmanager
def under_way(folder: Path, problems: int = 100, *, on_terminal: bool = False) -> Iterator[UnderWay]:
    with teacher_endpoint(delay_s=0.5) as url, (folder / "said").open("w") as said:
        teacher = {"type": "openai", "model": "Qwen/Qwen3-8B", "base_url": url, "max_in_flight": 8}
        roles = {"think_on": True, "think_off": False, "justifier": False}
        recorded_recipe(
            folder,
            problems=problems,
            engines={"teacher": teacher},
            roles={
                role: {"engine": "teacher", "chat_template_kwargs": {"enable_thinking": thinks}}
                for role, thinks in roles.items()
            },
            ingest={"shard_size": 1000, "validation_fraction": 0.2},
            ray={"flush_s": 0.2},
        )
        terminal, own = pty.openpty()
        out = own if on_terminal else said
        command = ["setsid", "--ctty", COMMAND, *RUN]
        driver = subprocess.Popen(command, cwd=folder, stdin=own, stdout=out, stderr=said)
        os.close(own)
        run = UnderWay(folder, driver, [], terminal)
        try:
            while run.journalled() < 16:
                assert driver.poll() is None, run.said()
                _drain(terminal)
                time.sleep(0.05)
            run.processes = [(each.name(), each) for each in psutil.Process(driver.pid).children(recursive=True)]
            yield run
        finally:
            driver.kill()
            driver.wait()
            for _, process in run.processes:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()


def _drain(terminal: int) -> None:
    """What is written to a terminal that nobody reads has to go somewhere."""
    os.set_blocking(terminal, False)
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:
        return


def gone(processes: list[psutil.Process]) -> bool:
    return not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)


def wait_until(is_so: Callable[[], bool]) -> None:
    """Within what the clean-up of a test may take at all."""
    until = time.monotonic() + 180  # a stop takes seconds, on a machine that does much else a minute
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.1)


def to_all(run: UnderWay, number: signal.Signals) -> None:
    """As a terminal does, or a batch system: to the driver and to Ray's processes."""
    os.killpg(run.driver.pid, number)


def twice(run: UnderWay) -> None:
    to_all(run, signal.SIGINT)
    wait_until(lambda: "stopping" in str(run.last_event().get("text")))
    to_all(run, signal.SIGINT)


@pytest.mark.parametrize(
    ("stop", "by"),
    [
        (lambda run: run.driver.terminate(), "SIGTERM"),
        (lambda run: to_all(run, signal.SIGTERM), "SIGTERM"),
        (twice, "SIGINT"),
        (lambda run: os.close(run.terminal), "SIGHUP"),
    ],
    ids=["SIGTERM", "SIGTERM to all", "SIGINT twice", "a terminal that is closed"],
)
def test_a_stopped_run_ends_with_130_and_says_by_what(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: Callable[[UnderWay], None], by: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with under_way(tmp_path, on_terminal=by == "SIGHUP") as run:
        stop(run)
        wait_until(lambda: run.driver.poll() is not None)
        assert run.driver.returncode == 130, run.said()
        assert (run.last_event()["event"], run.last_event()["error"]) == ("closed", f"stopped by {by}")
        assert f"stopped by {by}" in succeed("status", "run", cwd=tmp_path)
        assert "Traceback" not in run.said()
        assert "run the same command again" in run.said()
        assert run.journalled() >= 16
        wait_until(lambda: gone([*run.named("raylet"), *run.named("gcs_server"), *run.named("ray::EngineActor")]))


@pytest.mark.parametrize("dies", ["raylet", "gcs_server"])
def test_a_run_whose_local_ray_dies_says_so_and_goes_on_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with under_way(tmp_path, problems=24) as run:
        (process,) = run.named(dies)
        if dies == "raylet":  # the engine has to notice by itself
            run.driver.send_signal(signal.SIGSTOP)
            process.kill()
            wait_until(lambda: gone(run.named("ray::EngineActor")))
            run.driver.send_signal(signal.SIGCONT)
        else:
            process.kill()
        wait_until(lambda: run.driver.poll() is not None)
        assert run.driver.returncode == 1
        error = next(line for line in run.said().splitlines() if line.startswith("error: "))
        assert f"the local Ray died: its process {dies} ended" in error
        assert run.last_event()["error"] == error.removeprefix("error: ")
        assert run.journalled() >= 16
        wait_until(lambda: gone(run.named("ray::EngineActor")))
        if dies == "raylet":
            with teacher_endpoint() as url:
                again = succeed(*RUN, "--set", f"engines.teacher.base_url={url}", cwd=tmp_path)
            assert "taken from earlier attempts" in again
            assert "24 → " in again


def test_an_engine_ends_with_its_killed_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with under_way(tmp_path) as run:
        run.driver.kill()
        wait_until(lambda: gone(run.named("ray::EngineActor")))
        assert run.last_event()["event"] != "closed"
