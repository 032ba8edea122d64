"""What was under way when a process died, and who is suspected of having killed it."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hipo_data.engines.base import Completion, EngineDeadError, EngineError, GenerationRequest
from hipo_data.pipeline.replicas.host import EngineHost
from hipo_data.pipeline.replicas.in_flight_file import GIVEN_UP_AFTER, InFlightFile, read_in_flight
from hipo_data.schemas.config import ReplayEngine
from tests.conftest import ROOT

KILLED = """
import os, signal, sys
from pathlib import Path
from hipo_data.pipeline.replicas.in_flight_file import InFlightFile
file = InFlightFile(Path(sys.argv[1]))
for number in range({count}):
    file.begin(f"p{{number}}")
    if number % 2:
        file.end(f"p{{number - 1}}")
        file.end(f"p{{number}}")
file.begin("twice"); file.begin("twice"); file.end("twice"); file.begin("last")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("count", [4, 30_000])
def test_a_killed_process_leaves_the_names_of_what_was_under_way(tmp_path: Path, count: int) -> None:
    path = tmp_path / "under-way"
    done = subprocess.run([sys.executable, "-c", KILLED.format(count=count), str(path)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert read_in_flight(path) == {"twice", "last"}
    assert path.stat().st_size < 1_000_000


def test_a_process_that_ends_in_peace_leaves_nothing(tmp_path: Path) -> None:
    file = InFlightFile(tmp_path / "under-way")
    file.begin("p")
    file.close()
    assert os.listdir(tmp_path) == []
    assert read_in_flight(tmp_path / "under-way") == set()


class Fatal:
    """An engine that dies of one prompt, together with all that is under way."""

    def __init__(self) -> None:
        self.dead = asyncio.Event()
        self.most = self.now = 0

    def slot(self) -> asyncio.Semaphore:
        return asyncio.Semaphore(1000)

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def generate(self, request: GenerationRequest) -> Completion:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(0.001)
        finally:
            self.now -= 1
        raise EngineDeadError("dead")


def host(tmp_path: Path) -> tuple[EngineHost, Fatal]:
    (tmp_path / "r.jsonl").write_text("")
    made = EngineHost(
        ReplayEngine(type="replay", path=str(tmp_path / "r.jsonl")), tmp_path / "log", tmp_path, tmp_path / "under-way"
    )
    engine = Fatal()
    made.engine = engine  # type: ignore[assignment]
    return made, engine


async def ask(made: EngineHost, engine: Fatal, prompt: str, deaths: int) -> str:
    try:
        async with made.slot(prompt, deaths=deaths):
            await engine.generate(None)  # type: ignore[arg-type]
    except (EngineDeadError, EngineError) as error:
        return type(error).__name__
    return "fine"


@pytest.mark.parametrize(("deaths", "together"), [(0, 20), (1, 8), (2, 1)])
async def test_suspects_are_let_in_a_few_at_a_time_then_one_at_a_time(
    tmp_path: Path, deaths: int, together: int
) -> None:
    made, engine = host(tmp_path)
    await asyncio.gather(*(ask(made, engine, f"p{n}", deaths) for n in range(20)))
    assert engine.most == together


async def test_what_is_cancelled_because_the_engine_died_was_under_way_too(tmp_path: Path) -> None:
    made, engine = host(tmp_path)

    async def patient() -> None:
        async with made.slot("patient"):
            await asyncio.sleep(60)

    waiting = asyncio.create_task(patient())
    await asyncio.sleep(0)
    assert await ask(made, engine, "fatal", 0) == "EngineDeadError"
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert read_in_flight(tmp_path / "under-way") == {"patient", "fatal"}


async def test_a_prompt_that_an_engine_died_over_again_and_again_is_refused_for_good(tmp_path: Path) -> None:
    made, _ = host(tmp_path)
    with pytest.raises(EngineError, match="died 3 times") as refused:
        async with made.slot("p", deaths=GIVEN_UP_AFTER):
            pass
    assert refused.value.permanent
