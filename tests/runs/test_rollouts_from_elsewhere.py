"""Rollouts that another tool sampled become a dataset, without an engine, and say whose verdicts they go by."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from tests.stages.ingest.elsewhere.files_of_tools import NEMO_GYM
from tests.support.commands import fail, succeed

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("on_cluster")]


def recipe(folder: Path, **changes: Any) -> None:
    came = {"type": "rollouts", "model": "toy/adder", "tokenizer": "models/tiny-hybrid"}
    tree = {
        "name": "came",
        "sources": [{"type": "rollouts", "path": str(NEMO_GYM), "name": "sums", "grades": "theirs"}],
        "ingest": {"validation_fraction": 0.0},
        "engines": {"came": came},
        "roles": {role: {"engine": "came"} for role in ("think_on", "think_off", "justifier")},
        "sample": {"n_on": 2, "n_off": 1},
        "select": {"min_graded": 1},
        "publish": {"format": "qwen3"},
        **changes,
    }
    (folder / "recipe.yaml").write_text(yaml.safe_dump(tree))


def test_rollouts_from_elsewhere_become_a_dataset_that_says_whose_verdicts_it_goes_by(tmp_path: Path) -> None:
    recipe(tmp_path)
    said = succeed("run", "-c", "recipe.yaml", "--run-dir", "run", cwd=tmp_path)
    assert "sample: beyond_n 3" in said and " 0 tokens" in said
    verdicts = pl.read_parquet(str(tmp_path / "run/verify.think_*/??-????.parquet"))
    assert dict(verdicts.group_by("mode").len().iter_rows()) == {"think_on": 5, "think_off": 3}
    assert set(verdicts.select("reason", "grader").iter_rows()) == {("given", "given/nemo_gym")}
    examples = pl.read_parquet(str(tmp_path / "run/dataset/sft/*.parquet"))
    assert len(examples) == 3 and examples["gold_source"].unique().to_list() == ["given"]
    assert set(examples["teacher"]) == {"toy/adder"}
    assert "3 examples go by verdicts that came with the rollouts" in (tmp_path / "run/dataset/README.md").read_text()
    succeed("validate", "run", cwd=tmp_path)
    explained = succeed("explain", "run", "0", cwd=tmp_path)
    assert "think-on 1 imported" in explained and "given" in explained
    assert "think_off" in json.dumps(json.loads(succeed("whatif", "run", "--json", cwd=tmp_path)))


@pytest.mark.long
def test_an_engine_of_rollouts_is_refused_where_something_is_to_be_written(tmp_path: Path) -> None:
    recipe(tmp_path, publish={"format": "hipo"})
    said = fail("run", "-c", "recipe.yaml", "--run-dir", "run", cwd=tmp_path, code=1)
    assert "writes nothing; name another one for roles.justifier" in said
