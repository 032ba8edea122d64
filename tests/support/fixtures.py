"""What tests of several rooms share and start once: Ray, vLLM's server, storage that speaks S3, a finished run."""

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from hipo_data.pipeline.store.run_path import RunPath, run_path
from tests.support.commands import recorded_recipe, succeed
from tests.support.hub import Hub, hub, use_hub
from tests.support.hub_writes import TOKEN, Writes
from tests.support.serve import serve_vllm
from tests.support.storage import Storage, storage_server

TEACHER_KEY = "sk-very-secret-0123456789"
"""What engines on the cluster find in the variable of this name."""
_names = itertools.count()


@pytest.fixture(scope="session")
def cluster_address() -> Iterator[str]:
    """The address of the cluster, whose nodes know a key that the driver does not."""
    from tests.support.cluster import ray_cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEACHER_KEY", TEACHER_KEY)
        with ray_cluster({"num_cpus": 2}, {"num_cpus": 2}) as cluster:
            patch.undo()
            yield cluster.address


@pytest.fixture
def on_cluster(cluster_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands of this test join the cluster, as a user's do where RAY_ADDRESS is set."""
    monkeypatch.setenv("RAY_ADDRESS", cluster_address)


@pytest.fixture(scope="session")
def vllm_server(repo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of vLLM's own server with the embedded teacher, which it calls `teacher`."""
    with serve_vllm(repo_root / "models" / "tiny-hybrid", tmp_path_factory.mktemp("vllm-server") / "log") as url:
        yield url


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the recorded recipe and its run in `run`, finished on a local Ray; for tests that only read it."""
    folder = tmp_path_factory.mktemp("recorded")
    recorded_recipe(folder)
    out = succeed("run", "-c", "recipe.yaml", "--run-dir", "run", cwd=folder)
    assert "24 → 21 examples; dropped: no_right_response 3" in out
    return folder


@pytest.fixture
def copy_of_finished_run(finished_run: Path, tmp_path: Path) -> Path:
    """The same in a folder of the test's own, to go on with."""
    folder = tmp_path / "recorded"
    shutil.copytree(finished_run / "run", folder / "run")
    shutil.copy(finished_run / "recipe.yaml", folder)  # names the problems and responses where they were
    return folder


@pytest.fixture(scope="session")
def storage_of_session() -> Iterator[Storage]:
    """One server for all tests of a session: clients, which are kept, know its address."""
    with storage_server("bucket") as storage:
        yield storage


@pytest.fixture
def storage(storage_of_session: Storage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Storage]:
    """The storage, without a fault before and after the test, and this process's environment set up for it."""
    server = storage_of_session
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    server.requests.clear()
    yield server
    server.failing, server.refuses, server.unlisted = lambda method, path: False, "", None
    server.ignores_conditions = False


@pytest.fixture
def folder(storage: Storage) -> RunPath:
    """An empty folder of its own in the storage."""
    return run_path(f"s3://bucket/test-{next(_names)}")


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """An empty Hub that this process talks to, with a token that may write there, over Git LFS."""
    from huggingface_hub import constants
    from huggingface_hub.utils import _http

    with hub() as found:
        use_hub(monkeypatch, found, tmp_path / "home")
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(_http.time, "sleep", lambda seconds: None)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield found


@pytest.fixture
def writes(served: Hub) -> Writes:
    """What it takes in."""
    return Writes(served)
