"""A local Ray that starts slowly, which only a machine at its limits can show: Ray's refusal is raised in its place."""

import subprocess
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
