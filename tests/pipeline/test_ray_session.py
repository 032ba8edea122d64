"""A local Ray that starts slowly, which only a machine at its limits can show: Ray's refusal is raised in its place."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import ray

from hipo_data.pipeline import local_ray, ray_session
from hipo_data.pipeline.config_file import load_config
from hipo_data.schemas.errors import RunFailedError
from tests.support.commands import recorded_recipe

SLOW = "The current node timed out during startup. This could happen because the GCS has become overloaded."


class Starts:
    """Takes the place of `ray.init`: each start but those after `slow` leaves a process behind and is refused."""

    def __init__(self, slow: int, said: str = SLOW) -> None:
        self.slow, self.said, self.count = slow, said, 0
        self.left: list[subprocess.Popen[bytes]] = []

    def __call__(self, **_: Any) -> None:
        self.count += 1
        if self.count <= self.slow:
            self.left.append(subprocess.Popen(["sleep", "600"]))
            raise Exception(self.said)


def connect(folder: Path, monkeypatch: pytest.MonkeyPatch, starts: Starts) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(ray, "init", starts)
    monkeypatch.setattr(local_ray, "_OF_A_NODE", ("sleep",))
    with ray_session.connected(load_config(recorded_recipe(folder, problems=1), [])):
        pass


def test_a_start_that_was_too_slow_is_tried_again_and_leaves_nothing_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = Starts(slow=2)
    connect(tmp_path, monkeypatch, starts)
    assert starts.count == 3
    assert not any(Path(f"/proc/{process.pid}").exists() for process in starts.left)


@pytest.mark.parametrize(("starts", "tries"), [(Starts(slow=9), 3), (Starts(slow=9, said="no such file"), 1)])
def test_it_ends_with_a_sentence(starts: Starts, tries: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        with pytest.raises(RunFailedError, match=f"could not start a local Ray: {starts.said[:20]}"):
            connect(tmp_path, monkeypatch, starts)
        assert starts.count == tries
    finally:
        for process in starts.left:
            process.kill()
            process.wait()


_LOOK = """
import sys, psutil, ray
from pathlib import Path
from hipo_data.pipeline.config_file import load_config
from hipo_data.pipeline.ray_session import connected
with connected(load_config(Path(sys.argv[1]), [])):
    assert ray.get(ray.put(7)) == 7 and ray.nodes()[0]["Alive"]
    for process in psutil.Process().children(recursive=True):
        print(" ".join(process.cmdline()))
"""


@pytest.mark.slow
def test_a_local_one_works_without_what_nobody_asks_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    recipe = recorded_recipe(tmp_path, problems=1)
    command = [sys.executable, "-c", _LOOK, str(recipe)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    started = done.stdout
    assert "raylet" in started and "gcs_server" in started, done.stderr
    for left_out in ("dashboard/dashboard.py", "monitor.py", "log_monitor.py"):
        assert left_out not in started, started


def test_where_ray_has_other_names_it_starts_as_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    from ray._private import parameter, services

    monkeypatch.delattr(services, "start_api_server")
    was = parameter.RayParams
    with local_ray.bare():
        assert parameter.RayParams is not was and not hasattr(services, "start_api_server")
    assert parameter.RayParams is was and not hasattr(services, "start_api_server")
