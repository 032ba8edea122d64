"""A plan counts the requests that a run will make, and no fewer."""

from pathlib import Path

import pytest
from rich.console import Console

from hipo_data.pipeline.views.plan import make_plan
from hipo_data.pipeline.views.summary import print_plan
from hipo_data.prompts.families.roles import ROLES
from hipo_data.schemas.config import RunConfig
from hipo_data.schemas.select_config import PolicyName
from tests.support.made_up_run import make_run


def recipe(run_dir: Path, **changes: object) -> RunConfig:
    """Of a made-up run of 20 problems, on files that are there."""
    made = make_run(run_dir, 20, n=4, bits=1)
    file = run_dir / "rows.jsonl"
    file.write_text("{}")
    engines = {"recorded": {"type": "vllm", "model": "models/tiny-hybrid"}}
    sources = [{"type": "acereason", "path": str(file)}]
    return RunConfig.model_validate({**made.model_dump(), "engines": engines, "sources": sources, **changes})


def planned(run_dir: Path, config: RunConfig) -> tuple[int | None, int | None]:
    """Requests for justifications, and their tokens at most."""
    (line,) = (line for line in make_plan(run_dir, config).stages if line.label == "justify")
    return line.requests, line.tokens_at_most


@pytest.mark.parametrize(
    ("policy", "changes", "modes"),
    [
        ("hipo", {}, 1),
        ("lhrm", {}, 1),
        ("thinkless", {}, 2),
        ("all-correct", {}, 2),
        ("all-correct", {"sample": {"n": 0, "n_on": 4}}, 1),
        ("preference", {}, 2),
        ("groups", {}, 0),
    ],
)
def test_justifications_are_counted_for_each_mode_that_a_policy_can_keep(
    policy: PolicyName, changes: dict[str, object], modes: int, tmp_path: Path
) -> None:
    config = recipe(tmp_path, select={"policy": policy}, **changes)
    requests = 20 * modes
    limit = config.roles.justifier.sampling.max_tokens * config.justify.max_attempts
    assert planned(tmp_path, config) == (requests, requests * limit)


def test_a_format_without_justifications_asks_for_none(tmp_path: Path) -> None:
    assert planned(tmp_path, recipe(tmp_path, publish={"format": "thinkless"})) == (None, None)


def test_recorded_responses_keep_to_no_limit_and_their_lengths_have_the_unit_that_they_are_counted_in(
    tmp_path: Path,
) -> None:
    engine = {"type": "replay", "path": str(tmp_path / "rows.jsonl")}
    config = recipe(tmp_path, engines={"recorded": engine})
    console = Console(record=True, width=200)
    print_plan(console, make_plan(tmp_path, config), config, [])
    said = console.export_text()
    assert "characters about" in said
    assert "tokens" not in said
    (line,) = (line for line in make_plan(tmp_path, config).stages if line.label == "sample on")
    assert (line.requests, line.tokens_at_most) == (80, None)
    both = {"recorded": engine, "teacher": {"type": "vllm", "model": "models/tiny-hybrid"}}
    roles = {role: {"engine": "teacher" if role == "justifier" else "recorded"} for role in ROLES}
    config = recipe(tmp_path, engines=both, roles=roles)
    console = Console(record=True, width=200)
    print_plan(console, make_plan(tmp_path, config), config, [])
    said = console.export_text()
    assert "length about" in said
    assert " characters " in said
    assert " tokens " in said
