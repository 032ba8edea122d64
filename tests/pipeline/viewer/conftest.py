"""What tests of the viewer share: a browser, a run that nobody changes, and a server of it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from hipo_data.pipeline.viewer.server import Viewer
from hipo_data.pipeline.viewer.shown_run import ShownRun
from tests.support.made_up_run import make_run

Serve = Callable[..., AbstractAsyncContextManager[str]]


@pytest.fixture(scope="session")
def made_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 120 problems in four shards, four rollouts a mode, for tests that only read it."""
    folder = tmp_path_factory.mktemp("viewed") / "run"
    make_run(folder, 120, n=4)
    return folder


@asynccontextmanager
async def _serving(*run_dirs: Path) -> AsyncIterator[str]:
    viewer = Viewer([ShownRun(run_dir) for run_dir in run_dirs])
    runner = web.AppRunner(viewer.app(), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/{viewer.token}/"
    finally:
        await runner.cleanup()


@pytest.fixture
def serving() -> Serve:
    """Serves runs within the loop of the test: the address, until the block ends."""
    return _serving
