"""A whole run with four arms on recorded responses: sampled from cheap to dear, and decided as in full."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from tests.support.commands import fail, recorded_recipe, succeed, write_lines

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
    succeed("view", "climbed", "--html", "pages", "--where", "mode=short&of=short", cwd=tmp_path)
    pages = [path.read_text() for path in sorted((tmp_path / "pages/problems").iterdir())]
    assert len(pages) == 7
    assert all("<span>short</span>" in page and 'class="side short"' in page for page in pages)
    assert not any("<span>think-on</span>" in page or 'class="side think_on"' in page for page in pages)
    said = fail("view", "climbed", "--html", "none", "--where", "of=middle", cwd=tmp_path)
    assert "of is one of think_on, long, short, think_off in this run, not 'middle'" in said
    report = (tmp_path / "climbed/report.html").read_text()
    assert "<h2>Arms</h2>" in report and "From cheap to dear" in report


@pytest.mark.usefixtures("on_cluster")
def test_a_prior_over_arms_is_fitted_once_and_asked_everywhere(tmp_path: Path) -> None:
    recipe = arms_recipe(tmp_path, select={"policy": "effort", "rule": "posterior"})
    succeed("run", "-c", str(recipe), "--run-dir", "full", cwd=tmp_path)
    succeed("run", "-c", str(recipe), "--run-dir", "climbed", "--set", "sample.stop=decided", cwd=tmp_path)
    full, climbed = (table(tmp_path, f"{name}/dataset/sft/*.parquet") for name in ("full", "climbed"))
    assert dict(full["mode"].value_counts().iter_rows()) == {"think_off": 7, "short": 7, "think_on": 7}
    kept = ["problem_id", "mode", "rollout_index", "messages", "rule"]
    assert full.select(kept).equals(climbed.select(kept))
    assert table(tmp_path, "climbed/sample.think_on/*.parquet").height < 24 * 4
    priors = [table(tmp_path, f"{name}/select.prior/all.parquet") for name in ("full", "climbed")]
    assert priors[0].equals(priors[1]) and len(priors[0]["weights"][0]) == 3 * 64 * 64
    arms = table(tmp_path, "full/select/*.arms.parquet").filter(pl.col("p_asked").is_not_null())
    assert arms.group_by("problem_id").agg(pl.col("p_asked").sum())["p_asked"].to_list() == pytest.approx([1.0] * 24)
    said = succeed("explain", "full", full.filter(pl.col("mode") == "short")["problem_id"][0], cwd=tmp_path)
    assert "by true rates: think_off 0.0" in " ".join(said.split())
    rows = json.loads(succeed("whatif", "full", "--arms", "short,think_on", "--json", cwd=tmp_path))["rows"]
    own = next(row for row in rows if row["delta"] == 0.15 and len(row["arms"]) == 4)
    assert (own["modes"]["short"], own["changed"]) == (7, 0) and 0 < own["flip"] < 0.5
    assert next(row for row in rows if len(row["arms"]) == 2)["modes"]["short"] >= 14
    succeed("verify", "full", cwd=tmp_path)


@pytest.mark.long
@pytest.mark.usefixtures("on_cluster")
def test_two_modes_by_the_policy_effort_have_the_prior_and_the_choices_of_hipo(tmp_path: Path) -> None:
    recipe = recorded_recipe(tmp_path, problems=120)
    found = []
    for policy in ("hipo", "effort"):
        sets = ["--set", f"select.policy={policy}", "--set", "select.rule=posterior"]
        succeed("run", "-c", str(recipe), "--run-dir", policy, *sets, cwd=tmp_path)
        prior = table(tmp_path, f"{policy}/select.prior/all.parquet")
        chosen = table(tmp_path, f"{policy}/select/??-????.parquet").select("problem_id", "mode", "index", "prior")
        found.append((prior, chosen))
    assert prior["name"].to_list() == ["run"]
    assert found[0][0].equals(found[1][0]) and found[0][1].equals(found[1][1])
    one = chosen.drop_nulls("mode")["problem_id"][0]
    assert "by true rates" in " ".join(succeed("explain", "effort", one, cwd=tmp_path).split())
    assert json.loads(succeed("whatif", "effort", "--json", cwd=tmp_path))["rows"][0]["changed"] is not None


@pytest.mark.long
@pytest.mark.usefixtures("on_cluster")
def test_the_dearest_arm_votes_on_problems_without_a_gold(tmp_path: Path) -> None:
    recipe = arms_recipe(tmp_path)
    tree = yaml.safe_load(recipe.read_text())
    rows = [json.loads(line) for line in (tmp_path / "problems.jsonl").read_text().splitlines()]
    unnamed = [{"question": row["problem"], "answer": None if i % 2 else row["answer"]} for i, row in enumerate(rows)]
    write_lines(tmp_path / "problems.jsonl", unnamed)
    tree["sources"] = [{"type": "table", "path": str(tmp_path / "problems.jsonl"), "name": "sums"}]
    tree["verify"] = {"pseudo_gold": {"rule": "esc", "window": 4}}
    recipe.write_text(yaml.safe_dump(tree))
    succeed("run", "-c", str(recipe), "--run-dir", "run", cwd=tmp_path)
    votes = table(tmp_path, "run/verify.think_on/*.votes.parquet")
    assert votes.height == 12 and votes["answer"].null_count() == 0
    decided = table(tmp_path, "run/select/??-????.parquet").filter(pl.col("pseudo_gold").is_not_null())
    assert decided.height == 12
    verdicts = table(tmp_path, "run/verify.short/??-????.parquet")
    assert {"agrees", "disagrees"} <= set(verdicts["reason"].unique())
    by_vote = table(tmp_path, "run/dataset/sft/*.parquet").filter(pl.col("gold_source") == "pseudo")
    assert set(by_vote["mode"].unique()) == {"think_off", "short", "think_on"}
    said = " ".join(succeed("explain", "run", by_vote["problem_id"][0], cwd=tmp_path).split())
    assert "4 of the first 4 think_on responses" in said


FORMATS = {"think_off": None, "short_cot": "COT", "code": "CODE", "think_on": "think"}
"""The tags that the arms' responses reason between."""
FEW = {0: ["short_cot", "think_on"], 1: ["code"], 2: list(FORMATS), 3: []}
"""The formats that are right, by the number of the problem modulo 4."""


@pytest.mark.usefixtures("on_cluster")
def test_four_formats_keep_one_right_response_each(tmp_path: Path) -> None:
    recipe = arms_recipe(tmp_path)
    tree = yaml.safe_load(recipe.read_text())
    rows = []
    for i in range(24):
        total, row = 3 * i + 1, {"question": f"What is {i} + {2 * i + 1}?"}
        for name, tag in FORMATS.items():
            answer = f"\\boxed{{{total if name in FEW[i % 4] else total + 1}}}"
            row[name] = [f"<{tag}>\n{'so ' * more}\n</{tag}>\n{answer}" if tag else answer for more in (3, 2)]
        rows.append(row)
    write_lines(tmp_path / "arms.jsonl", rows)
    replay = {"type": "replay", "path": str(tmp_path / "arms.jsonl")}
    arms = [{"name": name, "engine": name, "cost": 1} for name in FORMATS]
    for arm in arms[1:3]:
        tag = FORMATS[str(arm["name"])]
        arm["reading"] = {"open": [f"<{tag}>"], "close": [f"</{tag}>"]}
    recipe.write_text(
        yaml.safe_dump(
            tree
            | {
                "engines": {name: {**replay, "responses": [name]} for name in FORMATS},
                "roles": {"arms": arms, "justifier": {"engine": "think_off"}},
                "sample": {"n": 2},
                "select": {"policy": "all-correct", "most": 1},
                "publish": {"format": "arm"},
            }
        )
    )
    succeed("run", "-c", str(recipe), "--run-dir", "run", cwd=tmp_path)
    sft = table(tmp_path, "run/dataset/sft/*.parquet")
    assert dict(sft["mode"].value_counts().iter_rows()) == {"think_off": 6, "short_cot": 12, "code": 12, "think_on": 12}
    starts = {"think_off": "<ANSWER>", "short_cot": "<COT>", "code": "<CODE>", "think_on": "<LONG_COT>"}
    for row in sft.iter_rows(named=True):
        assert row["messages"][-1]["content"].startswith(starts[row["mode"]] + "\n")
        assert row["rollout_index"] == (1 if row["mode"] != "think_off" else 0)
    assert table(tmp_path, "run/select/*.arms.parquet").filter("chosen").height == sft.height
    succeed("validate", "run/dataset", cwd=tmp_path)
    assert "all_right" in succeed("explain", "run", sft["problem_id"][0], cwd=tmp_path)
    assert "does not read δ" in fail("whatif", "run", cwd=tmp_path)
    succeed("export", "run", "--to", "messages", "--out", "out", cwd=tmp_path)
    first = json.loads((tmp_path / "out/train.jsonl").read_text().splitlines()[0])
    assert [turn["role"] for turn in first["messages"]] == ["user", "assistant"]  # the response tells its format


@pytest.mark.usefixtures("on_cluster")
def test_a_budget_of_the_lowest_arm_near_enough_stands_in_the_prompt(tmp_path: Path) -> None:
    recipe = arms_recipe(tmp_path)
    tree = yaml.safe_load(recipe.read_text())
    tree["roles"]["arms"][1]["budget"], tree["roles"]["arms"][2]["budget"] = 100, 900
    tree["select"] = {"policy": "budget", "budget": {"kind": "lcpo_max"}}
    tree["sample"] = {"n": 4, "stop": "decided"}
    recipe.write_text(yaml.safe_dump(tree))
    succeed("run", "-c", str(recipe), "--run-dir", "run", cwd=tmp_path)
    sft, rl = table(tmp_path, "run/dataset/sft/*.parquet"), table(tmp_path, "run/dataset/rl/*.parquet")
    assert dict(sft["mode"].value_counts().iter_rows()) == {"think_off": 7, "short": 7, "think_on": 7}
    said = "Think for maximum 100 tokens."
    for row in sft.iter_rows(named=True):
        budgeted = row["mode"] == "short"
        assert (row["instruction"], row["budget"]) == ((said, 100.0) if budgeted else (None, None))
        assert row["messages"][0]["content"] == row["question"] + (f"\n\n{said}" if budgeted else "")
    prompts = {row["extra_info"]["mode"]: row for row in rl.iter_rows(named=True)}
    assert prompts["short"]["prompt"][0]["content"].endswith(said)
    assert prompts["short"]["extra_info"]["budget"] == 100 and prompts["think_on"]["extra_info"]["budget"] is None
    succeed("validate", "run/dataset", cwd=tmp_path)
    assert "within δ" in succeed("explain", "run", sft["problem_id"][0], cwd=tmp_path)
    assert json.loads(succeed("whatif", "run", "--json", cwd=tmp_path))["rows"]
