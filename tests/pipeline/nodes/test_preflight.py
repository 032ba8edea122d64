"""A mode is judged by its first rollouts, and by more of them where requests failed."""

import asyncio
from pathlib import Path

import pytest

from hipo_data.engines.base import Completion, EngineError, GenerationRequest
from hipo_data.pipeline.graph.task import Task
from hipo_data.pipeline.nodes.preflight import preflight
from hipo_data.schemas.config import RoleConfig, RunConfig
from hipo_data.schemas.errors import UnfitError
from hipo_data.schemas.records import Mode, Rollout
from hipo_data.stages.sample.sample import RolloutKey
from tests.stages.builders import ScriptedEngine, completion, make_problem, make_session

PROBLEMS = [make_problem(f"What is {number} + 1?") for number in range(8)]
ROLE = RoleConfig(engine="teacher")
CONFIG = RunConfig.model_validate(
    {
        "name": "n",
        "sources": [{"type": "acereason", "path": "x"}],
        "engines": {"teacher": {"type": "openai", "model": "m", "base_url": "http://localhost/v1"}},
        "roles": {role: {"engine": "teacher"} for role in ("think_on", "think_off", "justifier")},
        "publish": {"format": "thinkless"},
    }
)


def looked_at(folder: Path, failing: range) -> tuple[list[str], dict[RolloutKey, list[Rollout]]]:
    """The questions that were asked, and the rollouts that the run has by then; requests of `failing` problems fail."""
    bad = {PROBLEMS[place].question for place in failing}

    def answer(request: GenerationRequest) -> Completion:
        if request.question in bad:
            raise EngineError("the worker crashed", permanent=True)
        return completion("2")

    engine = ScriptedEngine(answer)
    task = Task(
        run_dir=folder, name="s", stage="sample", mode=Mode.THINK_OFF, shard="00-0000", config=CONFIG, parts={},
        inputs={},
    )  # fmt: skip
    finished: dict[RolloutKey, list[Rollout]] = {}
    asyncio.run(preflight(task, PROBLEMS, ROLE, make_session(engine), finished, {}))
    return [request.question for request in engine.requests], finished


def test_a_mode_that_answers_is_asked_no_more_than_it_takes(tmp_path: Path) -> None:
    asked, finished = looked_at(tmp_path, range(0))
    assert asked == [problem.question for problem in PROBLEMS[:3]]
    assert len(finished) == 3


@pytest.mark.parametrize("failing", [range(1), range(2), range(3)])
def test_prompts_that_always_fail_are_not_the_mode(tmp_path: Path, failing: range) -> None:
    asked, finished = looked_at(tmp_path, failing)
    assert asked == [problem.question for problem in PROBLEMS[:6]]
    assert len(finished) == 6
    assert (tmp_path / "preflight" / "think_off.json").exists()


def test_a_mode_whose_requests_fail_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnfitError, match=r"asked 6 questions .* 6 of 6 requests of think-off failed; .* crashed"):
        looked_at(tmp_path, range(8))
