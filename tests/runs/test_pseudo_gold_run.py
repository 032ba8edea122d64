"""A whole run over problems of which some have no gold: marked as such from ingest to the published rows."""

import json
from pathlib import Path

import polars as pl
import pytest
import yaml

from hipo_data.schemas.gold import MathGold, gold_from_json
from hipo_data.schemas.keys import problem_id
from tests.support.commands import recorded_recipe, succeed, write_lines

pytestmark = pytest.mark.slow


def question(i: int) -> str:
    return f"What is {i} + {2 * i + 1}?"


def recipe_without_golds(folder: Path) -> None:
    """Of 16 sums (`recorded_recipe`) every fourth, from 1 on, has no gold; the responses to 5 do not agree."""
    path = recorded_recipe(folder, problems=16, ingest={"shard_size": 16})
    problems = [json.loads(line) for line in (folder / "problems.jsonl").read_text().splitlines()]
    responses = [json.loads(line) for line in (folder / "responses.jsonl").read_text().splitlines()]
    for i, answers in enumerate(responses):
        if i % 12 == 5:
            answers["on"][2] = answers["on"][2].replace(r"\boxed{", r"\boxed{9")
        if i % 12 == 9:
            answers["on"][1] = answers["on"][1].replace(rf"\boxed{{{3 * i + 1}}}", f"x = {3 * i + 1}.0")
    rows = [
        {"question": row["problem"], "answer": None if i % 4 == 1 else row["answer"]} for i, row in enumerate(problems)
    ]
    write_lines(folder / "problems.jsonl", rows)
    write_lines(folder / "responses.jsonl", responses)
    recipe = yaml.safe_load(path.read_text())
    recipe["sources"] = [{"type": "table", "path": str(folder / "problems.jsonl"), "name": "sums"}]
    recipe["verify"] = {"pseudo_gold": {"rule": "esc", "window": 4}}
    path.write_text(yaml.safe_dump(recipe))


@pytest.mark.long
@pytest.mark.usefixtures("on_cluster")
def test_votes_are_marked_from_the_problem_to_the_published_row(tmp_path: Path) -> None:
    recipe_without_golds(tmp_path)
    out = succeed("run", "-c", "recipe.yaml", "--run-dir", "run", cwd=tmp_path)
    assert "no_agreement 1" in out
    assert "3 problems graded by agreement, 3 examples" in out
    run = tmp_path / "run"
    voted = {problem_id(question(i)): str(3 * i + 1) for i in range(1, 16, 4) if i % 12 != 5}

    examples = pl.read_parquet(str(run / "dataset/sft/*.parquet"))
    marked = dict(examples.select("problem_id", "gold_source").iter_rows())
    assert {key for key, source in marked.items() if source == "pseudo"} == voted.keys()
    assert set(marked.values()) == {"pseudo", "source"}
    about = pl.read_parquet(str(run / "dataset/rl/*.parquet")).unnest("extra_info").unnest("reward_model")
    golds = about.filter(pl.col("gold_source") == "pseudo").select("problem_id", "ground_truth", "gold").rows()
    assert {key: text for key, text, _ in golds} == voted
    assert {key: gold_from_json(text) for key, _, text in golds} == {
        key: MathGold(answers=[answer]) for key, answer in voted.items()
    }
    verdicts = pl.read_parquet(str(run / "verify.think_o*/??-????.parquet"))
    reasons = verdicts.filter(pl.col("problem_id").is_in([*voted])).group_by("mode", "reason").len().sort("len")
    assert {"agrees", "disagrees"} == set(reasons["reason"])

    card = (run / "dataset/README.md").read_text()
    assert "3 problems came without a gold" in card and "(3 examples)" in card
    assert "3 problems came without a gold" in (run / "report.html").read_text()
    assert "holds: sft" in succeed("validate", "run/dataset", cwd=tmp_path)
    assert "vote on: 4." in succeed("ingest-report", "run", cwd=tmp_path)
    votes = [
        json.loads(line) for line in succeed("show", "run", "--stage", "votes", "--json", cwd=tmp_path).splitlines()
    ]
    assert {vote["problem_id"]: vote["answer"] for vote in votes if vote["answer"]} == voted
    told = " ".join(succeed("explain", "run", "problems.jsonl:9", cwd=tmp_path).split())
    assert "none in the source; 4 of the first 4 think-on responses agree on 28" in told
    told = " ".join(succeed("explain", "run", "problems.jsonl:5", cwd=tmp_path).split())
    assert "of 4 think-on responses no more than 3 give the same answer" in told
    assert "do not agree on an answer → dropped (no_agreement)" in told
    planned = succeed("plan", "-c", "recipe.yaml", "--run-dir", "run", cwd=tmp_path)
    assert "changed" not in planned and "runs" not in planned
    planned = succeed("plan", "-c", "recipe.yaml", "--run-dir", "run", "--set", "justify.max_attempts=9", cwd=tmp_path)
    assert "justify 1 0 1 13 " in " ".join(planned.split())  # one for each problem that is kept
