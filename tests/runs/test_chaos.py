"""Kills at random moments, seeded: of the driver, of workers, of the engine's actor and of whole nodes."""

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ray.cluster_utils import Cluster

from tests.support.cluster import ray_cluster
from tests.support.commands import recorded_recipe, succeed
from tests.support.disturber import Disturber, dataset
from tests.support.teacher_endpoint import count_requests, teacher_endpoint

pytestmark = pytest.mark.slow

TWELVE = ["driver", "engine", "worker", "node"] * 3
ONE_OF_EACH = ["driver", "engine", "worker", "node"]
RUN = ("run", "-c", "recipe.yaml", "--run-dir")


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A head that runs no work, so that any node at work can be lost."""
    with ray_cluster({"num_cpus": 0}, {"num_cpus": 3}, {"num_cpus": 3}) as made:
        monkeypatch.setenv("RAY_ADDRESS", made.address)
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        yield made


@pytest.mark.parametrize(
    ("planned", "problems"),
    [
        pytest.param(ONE_OF_EACH, 32, id="one of each"),
        pytest.param(TWELVE, 80, marks=pytest.mark.long, id="twelve"),
    ],
)
def test_kills_change_no_byte_of_the_dataset(
    tmp_path: Path, cluster: Cluster, planned: list[str], problems: int
) -> None:
    with teacher_endpoint(delay_s=0.3) as url:
        teacher = {"type": "openai", "model": "Qwen/Qwen3-8B", "base_url": url, "max_in_flight": 8}
        recorded_recipe(
            tmp_path,
            problems=problems,
            engines={"teacher": teacher | {"resources": {"num_cpus": 0.5}}},
            roles={
                "think_on": {"engine": "teacher", "chat_template_kwargs": {"enable_thinking": True}},
                "think_off": {"engine": "teacher", "chat_template_kwargs": {"enable_thinking": False}},
                "justifier": {"engine": "teacher", "chat_template_kwargs": {"enable_thinking": False}},
            },
            ray={"flush_s": 0.2, "max_restarts": 20},
        )
        before = count_requests()
        succeed(*RUN, "undisturbed", cwd=tmp_path)
        needed = count_requests() - before

        draw = random.Random(17)
        kills = draw.sample(planned, len(planned))
        disturber = Disturber(tmp_path, cluster)
        killed: list[str] = []
        seen = count_requests()
        deadline = time.monotonic() + 900
        while kills and disturber.keep_going():
            assert time.monotonic() < deadline, (tmp_path / "log.txt").read_text()
            if count_requests() - seen < 10:
                time.sleep(0.1)
                continue
            time.sleep(draw.uniform(0, 0.5))
            if disturber.kill(kills[0], draw):
                killed.append(kills.pop(0))
                seen = count_requests()
            else:
                kills.append(kills.pop(0))
        disturber.finish()
        log = (tmp_path / "log.txt").read_text()
        repeated = count_requests() - before - 2 * needed
    print(f"killed {len(killed)}: {', '.join(killed)}; {repeated} of {needed} requests were made again")
    assert not kills, log
    assert dataset(tmp_path / "run") == dataset(tmp_path / "undisturbed")
    # At most what was under way, and what was finished and not yet flushed, at each kill of the engine or the driver.
    assert 0 <= repeated <= len(killed) * 16
    assert os.listdir(tmp_path / "run/journal") == [] or not list((tmp_path / "run/journal").rglob("*.jsonl"))
