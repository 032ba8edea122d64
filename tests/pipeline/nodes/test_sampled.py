"""Responses that came with the problems beyond what `sample.n` asks for are kept in quarantine."""

from pathlib import Path

from hipo_data.pipeline.graph.task import Task
from hipo_data.pipeline.nodes.sampled import beyond_n
from hipo_data.schemas.config import RunConfig
from hipo_data.schemas.records import Mode, Response
from tests.stages.builders import SOURCE

CONFIG = RunConfig.model_validate(
    {
        "name": "n",
        "sources": [{"type": "am_thinking", "path": "x", "import_rollouts": True}],
        "engines": {"teacher": {"type": "replay", "path": "r.jsonl"}},
        "roles": {role: {"engine": "teacher"} for role in ("think_on", "think_off", "justifier")},
        "sample": {"n": 2},
    }
)


def response(problem: str, text: str) -> Response:
    return Response(problem_id=problem, mode=Mode.THINK_ON, text=text, model="m", source=SOURCE)


def test_the_first_n_of_a_problem_are_taken_and_the_others_named() -> None:
    task = Task(
        run_dir=Path("r"), name="s", stage="sample", mode=Mode.THINK_ON, shard="00-0000", config=CONFIG, parts={},
        inputs={},
    )  # fmt: skip
    came = [response("a", "1"), response("b", "1"), response("a", "2"), response("a", "3"), response("a", "4")]
    left = beyond_n(task, came)
    assert [(each.key, each.row, each.reason, each.sources) for each in left] == [
        ("a", "3", "beyond_n", [SOURCE]),
        ("a", "4", "beyond_n", [SOURCE]),
    ]
    assert "raise sample.n" in left[0].detail
