"""Real problems through real ingest and grading: GSM8K solutions, imported as rollouts, against their labels."""

import json
from pathlib import Path

import polars as pl
import pytest
import yaml

from hipo_data.schemas.keys import problem_id
from tests.support.commands import succeed

pytestmark = pytest.mark.long

MODELS = ["6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification"]


@pytest.mark.usefixtures("on_cluster")
def test_verdicts_agree_with_the_labels_of_gsm8k_solutions(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "real/gsm8k_model_solutions.jsonl"
    recorded = {"type": "replay", "path": str(source), "responses": [f"{model}.solution" for model in MODELS]}
    recipe = {
        "name": "gsm8k",
        "sources": [
            {
                "type": "table",
                "path": str(source),
                "name": "openai/gsm8k",
                "columns": {"question": "question", "gold": "ground_truth"},
                "gold_pattern": "A: (.*)$",
                "licence": "MIT",
            }
        ],
        "engines": {"recorded": recorded},
        "roles": {role: {"engine": "recorded"} for role in ("think_on", "think_off", "justifier")},
        "sample": {"n_on": 0, "n_off": len(MODELS)},
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    stages = ["--stage", "ingest", "--stage", "sample", "--stage", "verify"]
    succeed("run", "-c", "recipe.yaml", "--run-dir", "run", *stages, cwd=tmp_path)

    labels = {}
    for line in source.read_text().splitlines():
        row = json.loads(line)
        for index, model in enumerate(MODELS):
            labels[problem_id(row["question"]), index] = row[model]["is_correct"]
    verdicts = pl.read_parquet(str(tmp_path / "run/verify.think_off/??-????.parquet")).to_dicts()
    assert len(verdicts) == len(labels) == 660 * len(MODELS)
    differing = [
        f"{verdict['problem_id']} {MODELS[verdict['index']]}: graded {verdict['status']} ({verdict['extracted']!r})"
        for verdict in verdicts
        if (verdict["status"] == "correct") != labels[verdict["problem_id"], verdict["index"]]
    ]
    print(f"{len(verdicts)} solutions, {len(differing)} verdicts differ from the labels", *differing, sep="\n")
    assert len(differing) <= 0.005 * len(verdicts), differing
    assert not [verdict for verdict in verdicts if verdict["status"] == "unknown"]
