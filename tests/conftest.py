"""What every test shares: a quiet and offline environment, hypothesis without clocks, and paths."""

import os
import signal
import warnings
from collections.abc import Iterator

# Before anything of Ray, vLLM or the hub is imported, here or in a child process.
os.environ.update(
    {
        "DO_NOT_TRACK": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",  # several tests run at once, on few cores
        "RAY_USAGE_STATS_ENABLED": "0",
        "TOKENIZERS_PARALLELISM": "false",
        "VLLM_NO_USAGE_STATS": "1",
    }
)

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support import deadline
from tests.support.fixtures import (
    cluster_address,
    copy_of_finished_run,
    finished_run,
    folder,
    on_cluster,
    served,
    storage,
    storage_of_session,
    vllm_server,
    writes,
)
from tests.support.process_state import ProcessState
from tests.support.two_workers import Sharing, longest_first

__all__ = [
    "cluster_address", "copy_of_finished_run", "finished_run", "folder", "on_cluster", "served", "storage",
    "storage_of_session", "vllm_server", "writes",
]  # fmt: skip

# No result may depend on how fast the machine is; and CI draws the same examples on every run.
settings.register_profile(
    "hipo", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=os.environ.get("CI") == "true"
)
settings.load_profile("hipo")

ROOT = Path(__file__).resolve().parent.parent

# A shell that puts pytest in the background has it ignored, and tests that interrupt themselves would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    longest_first(items, in_time=deadline.is_set())


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("long") is not None and deadline.is_over():
        pytest.skip(deadline.REASON)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if said := deadline.left_out(terminalreporter.stats.get("skipped", [])):
        terminalreporter.write_line(said, red=True, bold=True)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Sharing:
    return Sharing(config, log)


@pytest.fixture(autouse=True)
def leaves_the_process_as_it_was() -> Iterator[None]:
    """The next test finds the handlers, folder and variables that this one found; it fails for the first two."""
    before = ProcessState.now()
    yield
    changed = before.put_back()
    if changed.told:
        warnings.warn(f"put back after this test: {'; '.join(changed.told)}", stacklevel=1)
    assert not changed.refused, f"this test leaves behind: {'; '.join(changed.refused)}"


@pytest.fixture(scope="session")
def repo_root() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real problems with labelled answers, kept beside the checkout; the test is skipped where they are missing."""
    path = ROOT.parent / "shared" / "data"
    if not path.is_dir():
        pytest.skip("real data is not beside this checkout (../shared/data)")
    return path


@pytest.fixture(scope="session")
def verl_library() -> Path:
    """A folder for PYTHONPATH that holds verl; the test is skipped where it cannot be installed."""
    from tests.support.verl_library import VERL, installed

    return installed(VERL)
