"""Responses that come with AM-Thinking's rows stand beside the sampled rollouts, marked with their origin."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.support.commands import fail, recorded_recipe, succeed, write_lines

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("on_cluster")]

RESPONSE = "<think>{}</think><answer>\\boxed{{{}}}</answer>"


def am_row(question: str, gold: str, response: str) -> dict[str, Any]:
    info = {"source": "sums", "category": "math", "ground_truth": gold, "model_name": "Teacher-32B"}
    turns = [{"from": "human", "value": question}, {"from": "assistant", "value": response, "info": info}]
    return {"conversations": turns}


def am_source(folder: Path, **changes: Any) -> dict[str, Any]:
    """The sums of the recorded recipe with two responses each, one of them the shortest right one, the other wrong."""
    rows = []
    for i in range(24):
        question, total = f"What is {i} + {2 * i + 1}?", 3 * i + 1
        rows += [am_row(question, str(total), RESPONSE.format("so", total)), am_row(question, str(total), "\\boxed{0}")]
    write_lines(folder / "math.jsonl", rows)
    return {"type": "am_thinking", "path": str(folder / "math.jsonl"), "import_rollouts": True, **changes}


def test_imported_responses_are_graded_and_chosen_like_sampled_ones(tmp_path: Path) -> None:
    recorded_recipe(tmp_path, sources=[am_source(tmp_path)])
    succeed("run", "-c", "recipe.yaml", "--run-dir", "run", cwd=tmp_path)
    rollouts = pl.read_parquet(str(tmp_path / "run/sample.think_on/*-????.parquet")).sort("problem_id", "index")
    assert rollouts["index"].to_list() == [0, 1, 2, 3] * 24
    imported = rollouts.filter(pl.col("source").is_not_null())
    assert imported["index"].unique().sort().to_list() == [2, 3]
    assert imported["model"].unique().to_list() == ["Teacher-32B"]
    assert rollouts.filter(pl.col("source").is_null())["model"].unique().to_list() == ["recorded"]
    right = imported.filter(pl.col("reasoning") == "so")
    assert right["answer"].str.starts_with("\\boxed{").all()
    assert right["completion_tokens"].unique().sort().to_list() == [
        len(RESPONSE.format("so", 1)),
        len(RESPONSE.format("so", 10)),
    ]
    examples = pl.read_parquet(str(tmp_path / "run/justify/??-????.parquet")).filter(pl.col("mode") == "think_on")
    assert len(examples)
    assert examples["teacher"].unique().to_list() == ["Teacher-32B"]
    assert examples["reasoning"].unique().to_list() == ["so"]


@pytest.mark.long
def test_what_is_sampled_stays_the_same_when_responses_are_imported(tmp_path: Path) -> None:
    recorded_recipe(tmp_path, sources=[am_source(tmp_path, import_rollouts=False)])
    succeed("run", "--stage", "ingest,sample", "-c", "recipe.yaml", "--run-dir", "run", cwd=tmp_path)
    recorded_recipe(tmp_path, sources=[am_source(tmp_path)])
    before = pl.read_parquet(str(tmp_path / "run/sample.think_on/??-????.parquet"))
    succeed("run", "--stage", "ingest,sample", "-c", "recipe.yaml", "--run-dir", "run", cwd=tmp_path)
    after = pl.read_parquet(str(tmp_path / "run/sample.think_on/??-????.parquet"))
    sampled = after.filter(pl.col("source").is_null())
    key = ["problem_id", "index"]
    assert sampled.drop("source").sort(key).equals(before.filter(pl.col("index") < 2).drop("source").sort(key))
    off = pl.read_parquet(str(tmp_path / "run/sample.think_off/??-????.parquet"))
    assert off["source"].null_count() == len(off) == 96


@pytest.mark.long
def test_an_engine_that_cannot_count_tokens_refuses_imported_responses(tmp_path: Path) -> None:
    engines = {"far": {"type": "openai", "model": "m", "base_url": "http://127.0.0.1:9", "api_key_env": "NO_KEY"}}
    recorded_recipe(tmp_path, sources=[am_source(tmp_path)])
    override = ["--set", f"engines.far={engines['far']}", "--set", "roles.think_on.engine=far"]
    override += ["--set", "engines.off.tokenizer=models/tiny-hybrid"]
    said = fail("run", "-c", "recipe.yaml", "--run-dir", "run", *override, cwd=tmp_path, code=1)
    assert "imported responses need an engine that knows its tokenizer" in said
