"""What a runner says of a run before Ray is started."""

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from hipo_data.pipeline.graph.stages import STAGES
from hipo_data.pipeline.run.runner import Runner
from hipo_data.pipeline.watch.progress import RunProgress
from hipo_data.schemas.errors import UserError
from tests.pipeline.run.small_run import config_of


def runner_of(folder: Path, *wanted: str, there: bool = True) -> Runner:
    if there:
        (folder / "problems.jsonl").write_text(json.dumps({"problem": "1+1", "answer": "2"}) + "\n")
    source = {"type": "acereason", "path": str(folder / "problems.jsonl"), "name": "problems"}
    return Runner(folder / "run", config_of(sources=[source]), wanted, RunProgress(Console(file=StringIO())))


def test_a_new_run_has_something_to_do(tmp_path: Path) -> None:
    assert runner_of(tmp_path, *STAGES).anything_to_do()


@pytest.mark.parametrize("stage", STAGES[1:])
def test_a_stage_whose_earlier_ones_were_never_run_is_not_up_to_date(tmp_path: Path, stage: str) -> None:
    assert runner_of(tmp_path, stage).anything_to_do()


def test_a_source_that_is_not_there_ends_the_run_before_anything_is_started(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"problems\.jsonl"):
        runner_of(tmp_path, *STAGES, there=False).anything_to_do()
