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
