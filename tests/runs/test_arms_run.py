"""A whole run with four arms on recorded responses: sampled from cheap to dear, and decided as in full."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from tests.support.commands import recorded_recipe, succeed, write_lines

pytestmark = pytest.mark.slow

ARMS = ["think_off", "short", "long", "think_on"]
FROM = {0: "think_off", 1: "short", 2: "think_on"}
"""The cheapest arm that is right, by the number of the problem modulo 3."""


def arms_recipe(folder: Path, **overrides: Any) -> Path:
    """Problem i is right from an arm on, in all of its four responses; every eighth one never."""
    recipe = recorded_recipe(folder)
    tree = yaml.safe_load(recipe.read_text())
    rows = []
    for i in range(24):
        total, row = 3 * i + 1, {"question": f"What is {i} + {2 * i + 1}?"}
        for place, arm in enumerate(ARMS):
            right = i % 8 and place >= ARMS.index(FROM[i % 3])
            thought = f"<think>\n{'so ' * (10 * place + 2)}it is that\n</think>\n\n" if place else ""
            row[arm] = [f"{thought}\\boxed{{{total if right else total + 1}}}"] * 4
        rows.append(row)
    write_lines(folder / "arms.jsonl", rows)
    replay = {"type": "replay", "path": str(folder / "arms.jsonl")}
    tree["engines"] |= {arm: {**replay, "responses": [arm]} for arm in ARMS}
    tree["roles"] = {
        "arms": [{"name": arm, "engine": arm, "cost": 1 + place} for place, arm in enumerate(ARMS)],
        "justifier": {"engine": "reasons"},
    }
    tree["select"] = {"policy": "effort"}
    recipe.write_text(yaml.safe_dump({**tree, **overrides}))
    return recipe


def table(folder: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(str(folder / name))


@pytest.mark.usefixtures("on_cluster")
def test_four_arms_from_cheap_to_dear_decide_as_in_full(tmp_path: Path) -> None:
    recipe = arms_recipe(tmp_path)
    told = [succeed("run", "-c", str(recipe), "--run-dir", "full", cwd=tmp_path)]
    told.append(succeed("run", "-c", str(recipe), "--run-dir", "climbed", "--set", "sample.stop=decided", cwd=tmp_path))
    assert all("24 → 21 examples" in each for each in told)
    full, climbed = (table(tmp_path, f"{name}/dataset/sft/*.parquet") for name in ("full", "climbed"))
    assert dict(full["mode"].value_counts().iter_rows()) == {"think_off": 7, "short": 7, "think_on": 7}
    kept = ["problem_id", "mode", "rollout_index", "messages", "rule"]
    assert full.select(kept).equals(climbed.select(kept))
    rollouts = {arm: table(tmp_path, f"climbed/sample.{arm}/*.parquet").height for arm in ARMS}
    assert rollouts == {"think_off": 96, "short": 4 * 17, "long": 4 * 10, "think_on": 4 * 10}
    arms = table(tmp_path, "full/select/*.arms.parquet")
    assert arms.height == 24 * 4
    assert arms.filter("chosen").height == 21
    assert sorted(arms["mode"].unique()) == sorted(ARMS)
    for command in ("status", "verify"):
        succeed(command, "climbed", cwd=tmp_path)
    problem = full.filter(pl.col("mode") == "short")["problem_id"][0]
    said = succeed("explain", "climbed", problem, cwd=tmp_path)
    assert "short" in said and "within_delta" in said
    told = succeed("whatif", "full", "--n", "2,4", "--arms", "think_off,think_on", "--json", cwd=tmp_path)
    rows = json.loads(told)["rows"]
    own = next(row for row in rows if (row["n"], row["delta"]) == (4, 0.15) and len(row["arms"]) == 4)
    assert (own["modes"], own["changed"], own["open"]) == (
        {"think_off": 7, "short": 7, "long": 0, "think_on": 7},
        0,
        0,
    )
    two = next(row for row in rows if (row["n"], row["delta"]) == (2, 0.15) and len(row["arms"]) == 2)
    assert (two["modes"], two["changed"], two["held"]) == ({"think_off": 7, "think_on": 14}, 7, 21)
    report = (tmp_path / "climbed/report.html").read_text()
    assert "<h2>Arms</h2>" in report and "From cheap to dear" in report
