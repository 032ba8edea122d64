"""Whole runs under each policy, on one run's recorded responses: what is published, and that it reads back."""

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hipo_data.pipeline.ship.export import export
from hipo_data.pipeline.ship.published import published
from hipo_data.prompts.formats.registry import FORMATS
from tests.support.commands import fail, recorded_recipe, succeed

pytestmark = pytest.mark.slow

TOKENIZERS = [f"engines.{name}.tokenizer=models/tiny-hybrid" for name in ("on", "off")]
"""For policies that weigh lengths against limits in tokens."""
FORMAT_OF = {"thinkless": "thinkless", "lhrm": "lhrm", "adaptthink": "adaptthink"}
EXAMPLES = {  # of 24 problems 3 are never solved; think-off is right in all 4 responses of 7, in 2 of 7, in none of 7
    "adaptthink": 4 * 21,
    "thinkless": 2 * 21,
    "lhrm": 14,
    "all-correct": 4 * 21 + 6 * 7,
    "shortest": 21,
    "always-think": 21,
    "budget": 21,
}


@pytest.fixture(scope="module")
def folder(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recipe and a copy of a run, which goes on from policy to policy."""
    made = tmp_path_factory.mktemp("policies")
    shutil.copytree(finished_run / "run", made / "run")
    shutil.copy(finished_run / "recipe.yaml", made)
    return made


def run(folder: Path, policy: str, *overrides: str) -> str:
    sets = [f"select.policy={policy}", f"publish.format={FORMAT_OF.get(policy, 'hipo')}", *overrides]
    given = [part for override in sets for part in ("--set", override)]
    return succeed("run", "-c", "recipe.yaml", "--run-dir", "run", *given, cwd=folder)


def part(folder: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(str(folder / "run/dataset" / name / "*.parquet"))


@pytest.mark.usefixtures("on_cluster")
@pytest.mark.parametrize(
    "policy",
    [pytest.param(name, marks=[] if name == "budget" else [pytest.mark.long]) for name in EXAMPLES],
)
def test_examples_of_a_policy_read_back_and_its_card_says_whose_rule_it_is(folder: Path, policy: str) -> None:
    budget = [*TOKENIZERS, "select.budget.kind=lcpo_max", "select.budget.low=20", "select.budget.high=40"]
    out = run(folder, policy, *(budget if policy == "budget" else []))
    assert f"24 → {EXAMPLES[policy]} examples" in out
    rows = part(folder, "sft").to_dicts()
    assert len(rows) == EXAMPLES[policy]
    for row in rows:
        read = FORMATS[row["format"]].parse(row["messages"][1]["content"])
        assert (read.mode, read.reasoning, read.answer) == (row["mode"], row["reasoning"], row["answer"])
        assert row["messages"][0]["content"] == row["question"] + (
            f"\n\n{row['instruction']}" if policy == "budget" else ""
        )
    keys = pl.DataFrame(rows).select("problem_id", "mode", "rollout_index")
    assert keys.is_unique().all()
    card = (folder / "run/dataset/README.md").read_text()
    assert f"chosen by the policy `{policy}`" in card
    assert not (folder / "run/dataset/preference").exists()
    if policy == "thinkless":
        train = pl.read_parquet(str(folder / "run/dataset/sft/train-*.parquet"))
        assert train["mode"].to_list() == ["think_on", "think_off"] * (train.height // 2)
        assert train["problem_id"].to_list()[::2] == train["problem_id"].to_list()[1::2]
    assert ("tokens of the tokenizer tiny-hybrid" in card) == (policy == "budget")
    if policy == "budget":
        prompts = part(folder, "rl")
        said: list[Any] = prompts["prompt"].list.first().struct.field("content").to_list()
        assert all("Think for maximum" in each for each in said)
        assert prompts["extra_info"].struct.field("budget").is_between(20, 40).all()


@pytest.mark.long
@pytest.mark.usefixtures("on_cluster")
def test_preference_pairs_are_published_beside_their_better_ends(folder: Path, tmp_path: Path) -> None:
    run(folder, "preference", *TOKENIZERS)
    assert "preference train 22, preference validation 2, " in succeed("validate", "run", cwd=folder)
    exported = export(published(str(folder / "run")), "trl-preference", tmp_path / "out")
    assert exported.rows == {"train.parquet": 22, "validation.parquet": 2}
    pairs = part(folder, "preference")
    assert dict(pairs.group_by("kind").len().iter_rows()) == {"both_right": 21, "both_wrong": 3}
    for row in pairs.to_dicts():
        chosen, rejected = (FORMATS["hipo"].parse(row[end][0]["content"]) for end in ("chosen", "rejected"))
        assert chosen.justification == rejected.justification
        assert (len(chosen.reasoning or "") < len(rejected.reasoning or "")) == (row["kind"] == "both_right")
    assert part(folder, "sft").height == 21
    assert "config_name: preference" in (folder / "run/dataset/README.md").read_text()


@pytest.mark.long
@pytest.mark.usefixtures("on_cluster")
def test_groups_are_published_without_a_justification_being_asked_for(folder: Path) -> None:
    run(folder, "groups")
    assert "groups train 22, groups validation 2, " in succeed("validate", "run", cwd=folder)
    groups = part(folder, "groups")
    assert groups.height == 24
    assert set(groups["responses"].list.len()) == {8}
    assert not (folder / "run/dataset/sft").exists()
    assert pl.read_parquet(str(folder / "run/justify/*.attempts.parquet")).is_empty()
    card = (folder / "run/dataset/README.md").read_text()
    assert 'groups[0]["responses"]' in card


@pytest.mark.long
@pytest.mark.usefixtures("on_cluster")
def test_another_policy_samples_nothing_and_back_again_is_as_before(folder: Path) -> None:
    run(folder, "hipo")
    before = part(folder, "sft")
    assert "sample off" not in run(folder, "shortest").partition("seconds")[2]
    run(folder, "hipo")
    assert part(folder, "sft").equals(before)


def test_pruning_without_llmlingua_is_refused_before_anything_is_sampled(tmp_path: Path) -> None:
    recorded_recipe(tmp_path)
    given = ["--set", "select.policy=budget", "--set", "select.budget.kind=token_skip"]
    said = fail("run", "-c", "recipe.yaml", "--run-dir", "run", *given, cwd=tmp_path)
    assert "llmlingua is not installed" in said
    assert not list((tmp_path / "run").glob("sample*/*.parquet"))
