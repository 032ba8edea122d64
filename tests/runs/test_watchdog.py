"""An engine in which nothing moves any more is started again, and the run goes on."""

import os
from pathlib import Path

import pytest

from hipo_data.pipeline.replicas.host import EngineProgress
from hipo_data.pipeline.replicas.pool import Replica
from tests.support.commands import recorded_recipe, succeed

# Stands in for vLLM's own part in the run's workers: the first engine's process never answers one question.
HANGS = """
import asyncio, os, sys
from pathlib import Path
if any("default_worker" in part for part in sys.orig_argv):
    from hipo_data.engines.base import Completion
    from hipo_data.engines.vllm import Vllm
    from hipo_data.schemas.records import FinishReason
    async def start(self): pass
    async def generate(self, request):
        marker = Path(os.environ["HANG_ONCE"])
        if "7 + 15" in request.question and (not marker.exists() or marker.read_text() == str(os.getpid())):
            marker.write_text(str(os.getpid()))
            await asyncio.sleep(3600)
        return Completion(TEXT, FinishReason.STOP, 3, 5)
    Vllm.start, Vllm.generate = start, generate
"""


def reading(**changes: int) -> EngineProgress:
    fields = {"waiting": 0, "in_flight": 3, "steps": 5, "finished": 7, "prompt_tokens": 0, "tokens": 0}
    return EngineProgress(loading=False, start_seconds=1.0, done={}, **fields | changes)


@pytest.mark.parametrize(
    ("second", "moved"),
    [(reading(), False), (reading(steps=6), True), (reading(finished=8), True), (reading(in_flight=0), True)],
)
def test_an_engine_moves_while_it_steps_or_finishes_or_has_nothing_to_do(second: EngineProgress, moved: bool) -> None:
    replica = Replica(handle=None)
    replica.read(reading())
    replica.moved = 0.0
    replica.read(second)
    assert (replica.still_s() < 60) == moved


def test_a_process_that_is_not_up_yet_is_not_still() -> None:
    assert Replica(handle=None).still_s() == 0


@pytest.mark.long
def test_a_hanging_engine_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    recorded_recipe(
        tmp_path,
        problems=8,
        engines={
            "teacher": {"type": "vllm", "model": str(model)},
            "reasons": {"type": "replay", "path": str(tmp_path / "reasons.jsonl")},
        },
        roles={
            "think_on": {"engine": "teacher"},
            "think_off": {"engine": "teacher"},
            "justifier": {"engine": "reasons"},
        },
        ray={"stall_s": 15},
        check=None,  # both modes ask for the same
    )
    (tmp_path / "sitecustomize.py").write_text(HANGS.replace("TEXT", repr("\\boxed{22}")))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path) + os.pathsep + os.environ.get("PYTHONPATH", ""))
    monkeypatch.setenv("HANG_ONCE", str(tmp_path / "hung"))
    out = succeed("run", "-c", "recipe.yaml", "--run-dir", "run", "--stage", "ingest,sample", cwd=tmp_path)
    assert "engine 'teacher' hangs (nothing moved in it for" in out
    assert "sample.think_on" in out
