"""A loopback Hub for the tests of sources, and patience without waits."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from huggingface_hub import file_download
from huggingface_hub.utils import _http

from hipo_data.stages.ingest.reading.hub_requests import Patience
from tests.stages.ingest.hub_sources import FILES, REPO, as_a_new_process
from tests.support.hub import Hub, hub, use_hub


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with hub({REPO: {"main": FILES}}) as served:
        use_hub(monkeypatch, served, tmp_path / "home")
        as_a_new_process()  # a server before may have had this one's port
        yield served


@pytest.fixture
def slept() -> list[float]:
    """The waits that were asked for; none is waited."""
    return []


@pytest.fixture
def patience(slept: list[float]) -> Patience:
    return Patience(tries=4, sleep=slept.append)


@pytest.fixture
def huggingface_slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits of huggingface_hub itself; none is waited."""
    waits: list[float] = []
    for module in (_http, file_download):
        monkeypatch.setattr(module, "time", SimpleNamespace(sleep=waits.append))
    return waits
