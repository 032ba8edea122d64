"""Recipes that users start from, each tried on a few sums with a server in the place of its teacher."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import polars as pl
import pytest
import yaml

from hipo_data.engines.placement import placement
from hipo_data.pipeline.config_file import load_config
from hipo_data.pipeline.views.plan import make_plan
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.config import RunConfig, VllmEngine
from hipo_data.schemas.select_config import PolicyName
from tests.conftest import ROOT
from tests.support.commands import succeed, write_lines
from tests.support.recording_teacher import Body, Message, Thinks, apart, begun, inline, recording_teacher

RECIPES = ROOT / "recipes"


@dataclass(frozen=True)
class Switch:
    """How a recipe's teacher is told to think, by its documentation, and how it returns what it thought."""

    on: Body
    off: Body
    message: Callable[[str, str], Message]

    def thinks(self, body: Body) -> bool:
        return all(body.get(key) == value for key, value in self.on.items())


def by_template(name: str) -> tuple[Body, Body]:
    return {"chat_template_kwargs": {name: True}}, {"chat_template_kwargs": {name: False}}


SWITCHES = {
    # huggingface.co/zai-org/GLM-4.5-Air: enable_thinking=True or False
    "family": Switch(*by_template("enable_thinking"), inline),
    # huggingface.co/Qwen/Qwen3-8B: enable_thinking=True or False
    "qwen3-server": Switch(*by_template("enable_thinking"), inline),
    "qwen3-cluster": Switch(*by_template("enable_thinking"), inline),
    # docs.vllm.ai/projects/recipes, DeepSeek-V3.1: chat_template_kwargs={"thinking": True} or False
    "deepseek-endpoint": Switch(*by_template("thinking"), apart("reasoning_content")),
    # two models, and DeepSeek-R1's chat template opens <think>
    "thinkless-pair": Switch(
        {"model": "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"}, {"model": "Qwen/Qwen2.5-7B-Instruct"}, begun
    ),
    # huggingface.co/openai/gpt-oss-120b: low, medium, high; include_reasoning is vLLM's
    "gpt-oss": Switch(
        {"reasoning_effort": "high"}, {"reasoning_effort": "low", "include_reasoning": False}, apart("reasoning")
    ),
}


@pytest.mark.parametrize("name", SWITCHES)
def test_recipe_is_valid_and_takes_the_four_datasets(name: str) -> None:
    config = load_config(RECIPES / f"{name}.yaml", [])
    assert {source.type for source in config.sources} == {"acereason", "skywork", "ii_thought", "am_thinking"}
    assert config.name == name


def test_the_recipe_with_arms_names_four_from_cheap_to_dear() -> None:
    roles = load_config(RECIPES / "teacher-arms.yaml", []).roles
    assert roles.modes == ("think_off", "short", "long", "think_on")
    assert [roles.budget(mode) for mode in roles.modes] == [None, 32, 112, None]


def test_the_recipe_of_arms_formats_writes_each_arm_down_by_tags_of_its_own() -> None:
    config = load_config(RECIPES / "arm-formats.yaml", [])
    form, modes = FORMATS[config.publish.format], config.roles.modes
    assert modes == ("think_off", "short_cot", "code", "think_on")
    assert [form.forced_prefix(mode) for mode in modes] == ["<ANSWER>", "<COT>", "<CODE>", "<LONG_COT>"]
    for mode in modes[1:3]:
        reading, asked = config.roles.of(mode).reading, config.roles.of(mode).system_prompt
        assert reading is not None and asked is not None
        assert all(tag in form.tags and tag in asked for tag in [*reading.open, *reading.close])
    assert (config.select.policy, config.select.most) == ("all-correct", 1)


def test_replica_of_the_cluster_recipe_is_an_actor_of_a_node_or_a_group_of_nodes() -> None:
    engine = load_config(RECIPES / "qwen3-cluster.yaml", []).engines["teacher"]
    assert isinstance(engine, VllmEngine) and engine.workers == engine.resources.num_gpus == 8
    assert placement(engine, 8).bundles == [] and len(placement(engine, 4).bundles) == 8


STARTS = [
    re.findall(r"--set (\S+)", line)
    for line in (ROOT / "docs" / "policies.md").read_text().replace("`", " ").splitlines()
    if "| " in line and "--set " in line
]


@pytest.mark.parametrize("sets", STARTS, ids=" ".join)
def test_a_line_to_start_a_policy_from_makes_a_plan(
    sets: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    config = load_config(RECIPES / "quickstart.yaml", sets)
    assert make_plan(tmp_path, config).ingest_first


def test_each_policy_has_a_line_to_start_from() -> None:
    chosen = {each.partition("select.policy=")[2] for sets in STARTS for each in sets}
    assert chosen - {""} == set(get_args(PolicyName)) - {"hipo"}


def dry_run(name: str, url: str, folder: Path) -> tuple[Path, RunConfig]:
    """The recipe with a few sums as its source and a server as all its engines; roles and sampling are its own."""
    recipe: dict[str, Any] = yaml.safe_load((RECIPES / f"{name}.yaml").read_text())
    sums = [{"question": f"What is {i} plus {7 * i}?", "answer": str(8 * i)} for i in range(10, 16)]
    write_lines(folder / "sums.jsonl", sums)
    recipe["sources"] = [{"type": "table", "path": str(folder / "sums.jsonl")}]
    recipe["run_dir"] = str(folder / "run")
    recipe["sample"] |= {"n": 2, "stop": "never"}  # as many requests in either mode
    for key, engine in recipe["engines"].items():
        kept = engine if engine["type"] == "openai" else {"type": "openai", "model": engine["model"]}
        kept |= {"family": engine["family"]} if "family" in engine else {}
        recipe["engines"][key] = {**kept, "base_url": url}
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe))
    return path, load_config(path, [])


def differing(first: Body, second: Body) -> tuple[Body, Body]:
    """The fields in which two requests differ, as each has them."""
    keys = [key for key in {**first, **second} if first.get(key) != second.get(key)]
    return {k: first[k] for k in keys if k in first}, {k: second[k] for k in keys if k in second}


@pytest.mark.long
@pytest.mark.usefixtures("on_cluster")
@pytest.mark.parametrize("name", SWITCHES)
def test_modes_differ_in_the_documented_switch_alone(name: str, tmp_path: Path) -> None:
    switch = SWITCHES[name]
    models = [engine["model"] for engine in yaml.safe_load((RECIPES / f"{name}.yaml").read_text())["engines"].values()]
    thinks: Thinks = switch.thinks
    with recording_teacher(models, thinks, switch.message) as teacher:
        path, config = dry_run(name, teacher.url, tmp_path)
        assert "2 think-on and 2 think-off" in succeed("plan", "--config", path, cwd=tmp_path)
        examples = 12 if config.select.policy == "thinkless" else 6
        assert f"6 → {examples} examples" in succeed("run", "--config", path, cwd=tmp_path)
    limit = config.roles.think_on.sampling.max_tokens
    asked = [body for body in teacher.bodies if body.get("max_tokens") == limit and len(body["messages"]) == 1]
    on, off = ([body for body in asked if switch.thinks(body) is mode] for mode in (True, False))
    assert len(on) == len(off) == 12
    for body in asked:
        del body["seed"]
    prompts = [sorted(body.pop("messages")[0]["content"] for body in bodies) for bodies in (on, off)]
    assert prompts[0] == prompts[1]
    assert all(body == on[0] for body in on) and all(body == off[0] for body in off)
    assert differing(on[0], off[0]) == (switch.on, switch.off)
    rollouts = pl.read_parquet(str(tmp_path / "run" / "sample.think_*" / "??-????.parquet"))
    reasoned = rollouts.group_by("mode").agg(pl.col("reasoning").unique()).sort("mode").to_dicts()
    assert reasoned == [
        {"mode": "think_off", "reasoning": [None]},
        {"mode": "think_on", "reasoning": ["column by column"]},
    ]
