"""A recipe names a family, and its roles say what that means; what cannot be right is refused in one sentence."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from hipo_data.prompts.families.loading import families
from hipo_data.prompts.families.roles import with_families
from hipo_data.schemas.config import RoleConfig, RunConfig
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.family import Family
from tests.conftest import ROOT

VLLM = {"type": "vllm", "model": "Qwen/Qwen3-8B"}
SERVER = {"type": "openai", "model": "Qwen/Qwen3-8B"}


def resolved(engine: dict[str, Any], off: dict[str, Any] | None = None, **roles: dict[str, Any]) -> RunConfig:
    """A config whose roles all use the engine, or `off` for think-off."""
    engines = {"teacher": engine, **({"off": off} if off else {})}
    every = {"engine": "teacher"}
    config = RunConfig.model_validate(
        {
            "name": "a",
            "check": None,  # what each role becomes is looked at here, not whether modes differ
            "sources": [{"type": "table", "path": "problems.jsonl"}],
            "engines": engines,
            "roles": {
                "think_on": {**every, **roles.get("think_on", {})},
                "think_off": {**every, **({"engine": "off"} if off else {}), **roles.get("think_off", {})},
                "justifier": {**every, **roles.get("justifier", {})},
            },
        }
    )
    return with_families(config)


def told(role: RoleConfig) -> dict[str, Any]:
    """What a role says beyond its engine and reading, without defaults."""
    return role.model_dump(exclude_defaults=True, exclude={"engine", "reading", "family"})


def refusal(engine: dict[str, Any], off: dict[str, Any] | None = None, **roles: dict[str, Any]) -> str:
    with pytest.raises(UserError) as error:
        resolved(engine, off, **roles)
    return str(error.value)


def model(folder: Path, template: str | None) -> str:
    """A folder that looks like a model's, with a chat template."""
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer_config.json").write_text("{}" if template is None else json.dumps({"chat_template": template}))
    return str(folder)


def renamed(folder: Path, old: str, new: str, source: str = "chat_template.jinja") -> str:
    """The embedded teacher's folder with something else in its template."""
    shutil.copytree(ROOT / "models" / "tiny-hybrid", folder)
    text = (folder / source).read_text()
    assert old in text
    (folder / source).write_text(text.replace(old, new))
    return str(folder)


def test_recipe_without_a_family_is_left_as_it_is() -> None:
    roles = resolved(VLLM, think_on={"starts_in_reasoning": True}).roles
    assert told(roles.think_on) == {"starts_in_reasoning": True} and told(roles.think_off) == {}
    assert roles.think_on.reading is None


def test_family_of_an_engine_switches_each_role() -> None:
    roles = resolved({**VLLM, "family": "qwen3_5"}).roles
    assert told(roles.think_on) == {"chat_template_kwargs": {"enable_thinking": True}, "starts_in_reasoning": True}
    assert told(roles.think_off) == told(roles.justifier) == {"chat_template_kwargs": {"enable_thinking": False}}
    assert roles.think_on.reading == families()["qwen3_5"].reading
    assert {role.family for role in roles.all} == {"qwen3_5"}


def test_family_that_is_written_out_reads_and_asks_as_one_that_is_named() -> None:
    named = resolved({**VLLM, "family": "qwen3"}).roles.think_off
    written = {**told(named), "reading": named.model_dump()["reading"]}
    assert told(resolved(VLLM, think_off=written).roles.think_off) == told(named)


@pytest.mark.parametrize("name", sorted(families()))
def test_every_family_either_switches_off_or_says_what_works(name: str) -> None:
    found = families()[name]
    engine = {"type": "openai", "model": "a-model", "family": name}
    if found.think_off is not None:
        roles = resolved(engine).roles
        assert told(roles.think_on) != told(roles.think_off) or found.think_on.model
        return
    said = refusal(engine)
    assert f"family '{name}' ({found.title}) has no off switch; what works: " in said
    assert all(way in said for way in found.instead.models)
    assert ("response_prefix" in said) == bool(found.instead.prefix) and ("effort" in said) == bool(
        found.instead.effort
    )


def test_what_is_said_to_work_works() -> None:
    gpt = {"type": "openai", "model": "openai/gpt-oss-20b", "family": "auto"}
    effort = {"sampling": {"extra": {"reasoning_effort": "low"}}}
    assert "roles.think_off.sampling.extra: {reasoning_effort: low}" in refusal(gpt)
    roles = resolved(gpt, think_off=effort).roles
    assert roles.think_on.sampling.extra == {"reasoning_effort": "high"}
    assert roles.think_off.sampling.extra == {"reasoning_effort": "low"}
    here = {**gpt, "type": "vllm"}
    assert "roles.think_off.chat_template_kwargs: {reasoning_effort: low}" in refusal(here)
    prefix = families()["gpt_oss"].instead.prefix
    assert f'roles.think_off.response_prefix: "{prefix}"' in refusal(here)
    assert resolved(here, think_off={"response_prefix": prefix}).roles.think_off.response_prefix == prefix
    two = resolved(
        {**VLLM, "model": "Qwen/QwQ-32B", "family": "auto"}, {**VLLM, "model": "Qwen/Qwen2.5-7B-Instruct"}
    ).roles
    assert two.think_on.starts_in_reasoning and told(two.think_off) == {}


@pytest.mark.parametrize(
    "off",
    [{"sampling": {"extra": {"top_k": 20}}}, {"system_prompt": "Be exact."}, {"chat_template_kwargs": {"tools": []}}],
    ids=str,
)
def test_settings_that_switch_nothing_are_no_way_out(off: dict[str, Any]) -> None:
    assert "has no off switch" in refusal({**VLLM, "family": "minimax_m2"}, think_off=off)
    assert "is not that of think_off" in refusal(
        {**VLLM, "model": "Qwen/Qwen3-30B-A3B-Thinking-2507", "family": "auto"}, think_off=off
    )


def test_justifier_of_a_family_without_off_thinks() -> None:
    roles = resolved({**VLLM, "model": "MiniMaxAI/MiniMax-M2", "family": "minimax_m2"}, {**VLLM}).roles
    assert roles.justifier.starts_in_reasoning


def test_what_the_recipe_says_beside_a_family_wins() -> None:
    roles = resolved(
        {**VLLM, "family": "qwen3_5"},
        think_on={"starts_in_reasoning": False, "chat_template_kwargs": {"tools": []}},
        think_off={"family": "glm_4_5", "chat_template_kwargs": {"enable_thinking": True}},
    ).roles
    assert told(roles.think_on) == {"chat_template_kwargs": {"enable_thinking": True, "tools": []}}
    assert roles.think_off.chat_template_kwargs == {"enable_thinking": True}
    assert roles.think_off.reading == families()["glm_4_5"].reading


def test_pair_of_models_wants_the_right_one_in_each_role() -> None:
    thinking = {**VLLM, "model": "Qwen/Qwen3-30B-A3B-Thinking-2507", "family": "auto"}
    instruct = {**VLLM, "model": "Qwen/Qwen3-30B-A3B-Instruct-2507", "family": "qwen3_2507"}
    roles = resolved(thinking, instruct).roles
    assert (roles.think_on.starts_in_reasoning, roles.think_off.starts_in_reasoning) == (True, False)
    assert "is not that of think_off; name an engine with such a one as Qwen/Qwen3-30B-A3B-Inst" in refusal(thinking)
    assert "is not that of think_on; name an engine with" in refusal(instruct, thinking)


def test_switch_that_is_a_system_text_is_not_lost_to_a_system_prompt() -> None:
    engine = {"type": "openai", "model": "nvidia/Llama-3.1-Nemotron-Nano-8B-v1", "family": "auto"}
    assert resolved(engine).roles.think_on.system_prompt == "detailed thinking on"
    assert "replaces the switch of family 'llama_nemotron'" in refusal(engine, think_on={"system_prompt": "Be brief."})
    own = "detailed thinking on. Be brief."
    assert resolved(engine, think_on={"system_prompt": own}).roles.think_on.system_prompt == own


def test_makers_own_api_is_asked_in_its_own_fields() -> None:
    engine = {"type": "openai", "model": "deepseek-v3.2", "family": "auto", "maker_api": True}
    roles = resolved(engine).roles
    assert roles.think_off.sampling.extra == {"thinking": {"type": "disabled"}}
    assert roles.think_off.chat_template_kwargs == {}
    assert "maker's own API of family 'smollm3'" in refusal({**engine, "family": "smollm3"})


def test_recorded_responses_are_read_by_family_and_not_asked_for() -> None:
    roles = resolved({"type": "replay", "path": "a.jsonl", "family": "seed_oss"}).roles
    assert told(roles.think_on) == told(roles.think_off) == {}
    assert roles.think_on.reading == families()["seed_oss"].reading
    assert "recorded responses name none" in refusal({"type": "replay", "path": "a.jsonl", "family": "auto"})


@pytest.mark.parametrize(
    ("name", "near"),
    [("qwen_3", None), ("Seed-OSS", None), ("qwen33", "qwen3"), ("gptoss2", "gpt_oss"), ("xyz", "YAML file")],
)
def test_unknown_family_names_the_nearest(name: str, near: str | None) -> None:
    engine = {**SERVER, "family": name}
    if near is None:
        assert resolved(engine).roles.think_off.chat_template_kwargs
        return
    said = refusal(engine)
    assert said.startswith(f"engines.teacher.family: there is no family '{name}'; ") and near in said


def test_auto_without_a_telling_name_asks_for_one() -> None:
    assert "auto finds no family for 'my-model' by its name" in refusal(
        {**SERVER, "model": "my-model", "family": "auto"}
    )


def test_family_of_ones_own_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        yaml.safe_dump(
            {
                "title": "Mine", "models": ["me/mine"], "match": "mine", "default": "think_on", "source": "me",
                "think_on": {"suffix": " /deep", "tail": ""}, "think_off": {"suffix": " /quick", "tail": ""},
                "reading": {"open": ["<<"], "close": [">>"]},
            }
        )
    )  # fmt: skip
    roles = resolved({**SERVER, "family": str(path)}).roles
    assert (roles.think_on.question_suffix, roles.think_off.question_suffix) == (" /deep", " /quick")
    assert roles.think_on.reading is not None and roles.think_on.reading.close == [">>"]
    path.write_text("title: Mine\nmodel: [a]")
    said = refusal({**SERVER, "family": str(path)})
    assert "unknown key 'model'; did you mean 'models'?" in said and "'match' is missing" in said
    assert "no family file gone.yaml" in refusal({**SERVER, "family": "gone.yaml"})


def test_family_without_a_way_out_of_thinking_is_refused() -> None:
    data = {**families()["step_3_5"].model_dump(), "instead": {}}
    with pytest.raises(ValueError, match="says in 'instead' what works"):
        Family.model_validate(data)


def test_embedded_teacher_is_told_from_its_template() -> None:
    engine = {"type": "vllm", "model": str(ROOT / "models" / "tiny-hybrid"), "family": "auto"}
    roles = resolved(engine).roles
    assert told(roles.think_on) == {"chat_template_kwargs": {"enable_thinking": True}, "starts_in_reasoning": True}
    assert told(roles.think_off) == {"chat_template_kwargs": {"enable_thinking": False}}


def test_switch_that_the_template_does_not_know_is_refused(tmp_path: Path) -> None:
    folder = renamed(tmp_path / "teacher", "enable_thinking", "thinking")
    engine = {"type": "vllm", "model": folder}
    wrong = {"chat_template_kwargs": {"enable_thinking": False}}
    said = refusal(engine, think_off=wrong)
    assert said == (
        f"roles.think_off.chat_template_kwargs: the chat template of '{folder}' does not know 'enable_thinking'; "
        "did you mean 'thinking'?"
    )
    assert "does not know 'enable_thinking'" in refusal({**engine, "family": "qwen3"})
    assert told(resolved(engine, think_off={"chat_template_kwargs": {"thinking": False}}).roles.think_off)


def test_where_a_copy_of_a_template_opens_the_reasoning_decides(tmp_path: Path) -> None:
    folder = renamed(tmp_path / "teacher", "'<think>\\n'", "''")
    engine = {"type": "vllm", "model": folder, "family": "qwen3_5"}
    assert not resolved(engine).roles.think_on.starts_in_reasoning


def test_family_of_a_model_without_a_chat_template_is_refused(tmp_path: Path) -> None:
    folder = model(tmp_path / "base", None)
    said = refusal({"type": "vllm", "model": folder, "family": "qwen3"})
    assert said.startswith(f"engines.teacher: '{folder}' has no chat template") and "family 'qwen3'" in said


@pytest.mark.parametrize(
    ("parser", "hint"),
    [
        ("seed_oss", "say family: seed_oss in its place"),
        ("glm47", "say family: glm_4_7 or glm_5_2 or glm_5_3 in its place"),
        ("seed_os", "did you mean 'seed_oss'?"),
        ("nothing_like_it", "name the model's family in its place; `hipo-data families`"),
    ],
)
def test_reasoning_parser_of_vllms_server_is_refused(parser: str, hint: str) -> None:
    said = refusal({**VLLM, "args": {"reasoning_parser": parser}})
    assert said.startswith("engines.teacher.args.reasoning_parser acts in vLLM's server alone") and hint in said
