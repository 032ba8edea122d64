"""What the tools write today, in the versions pinned here, is what is read."""

from pathlib import Path

import pytest

from tests.stages.ingest.elsewhere.test_rollouts import expected, responses_of, source
from tests.stages.ingest.ingesting import read
from tests.support.elsewhere.tools import written

pytestmark = [pytest.mark.slow, pytest.mark.long]


@pytest.mark.parametrize(
    ("tool", "name", "options", "refused"),
    [
        ("inspect", "log.eval", ["--raise"], "failed_rollout"),
        ("inspect", "log.json", [], "failed_rollout"),
        ("verifiers", "traces.jsonl", [], "failed_rollout"),
        ("lighteval", "details.parquet", [], "no_response"),
    ],
)
def test_a_file_that_the_tool_writes_is_read(
    tmp_path: Path, tool: str, name: str, options: list[str], refused: str
) -> None:
    done = read(source(written(tool, tmp_path / name, *options)))
    assert responses_of(done) == expected()
    assert [each.reason for each in done.rejected] == [refused]


def test_earlier_verifiers_leave_reasoning_out_so_that_the_mode_has_to_be_said(tmp_path: Path) -> None:
    results = written("verifiers_results", tmp_path / "results.jsonl")
    unsaid = read(source(results))
    assert not unsaid.responses
    assert {each.reason for each in unsaid.rejected} == {"unknown_mode", "failed_rollout", "no_response"}
    said = read(source(results, mode="think_off"))
    assert len(said.responses) == 10 and all("<think>" not in each.text for each in said.responses)
