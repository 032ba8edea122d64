"""Arms under families: how a level of effort is asked for, and which arms are refused before anything is spent."""

from typing import Any

import pytest

from hipo_data.prompts.families.roles import with_families
from hipo_data.schemas.config import RunConfig
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.records import Mode
from hipo_data.schemas.role_config import BUDGET_FIELD

GPT = {"type": "openai", "model": "openai/gpt-oss-20b", "base_url": "http://localhost:1/v1", "family": "gpt_oss"}
QWEN = {"type": "vllm", "model": "Qwen/Qwen3.8-27B", "family": "qwen3_8"}
BUDGETED = {**QWEN, "args": {"reasoning_config": {"reasoning_start_str": "<think>", "reasoning_end_str": "</think>"}}}
KIMI = {"type": "vllm", "model": "moonshotai/Kimi-K3", "family": "kimi_k3"}


def resolved(engine: dict[str, Any], *arms: dict[str, Any]) -> RunConfig:
    config = RunConfig.model_validate(
        {
            "name": "a",
            "sources": [{"type": "table", "path": "problems.jsonl"}],
            "engines": {"teacher": engine},
            "roles": {
                "arms": [{"engine": "teacher", **arm} for arm in arms],
                "justifier": {"engine": "teacher"},
            },
            "select": {"policy": "effort"},
        }
    )
    return with_families(config)


def refusal(engine: dict[str, Any], *arms: dict[str, Any]) -> str:
    with pytest.raises(UserError) as error:
        resolved(engine, *arms)
    return str(error.value)


def test_levels_are_asked_for_as_the_family_takes_them() -> None:
    roles = resolved(GPT, {"name": "low", "effort": "low"}, {"name": "high", "effort": "high"}).roles
    assert [roles.of(mode).sampling.extra for mode in roles.modes] == [
        {"reasoning_effort": "low"},
        {"reasoning_effort": "high"},
    ]
    roles = resolved(QWEN, {"name": "think_off"}, {"name": "low", "effort": "low"}, {"name": "think_on"}).roles
    assert [roles.of(mode).chat_template_kwargs for mode in roles.modes] == [
        {"enable_thinking": False},
        {"enable_thinking": True, "reasoning_effort": "low"},
        {"enable_thinking": True},
    ]
    assert [roles.of(mode).starts_in_reasoning for mode in roles.modes] == [False, True, True]
    roles = resolved(KIMI, {"name": "low", "effort": "low"}, {"name": "high", "effort": "max"}).roles
    assert roles.of(Mode("low")).chat_template_kwargs == {"thinking": True, "thinking_effort": "low"}


def test_an_endpoint_of_no_known_family_takes_effort_as_a_field() -> None:
    engine = {"type": "openai", "model": "m", "base_url": "http://localhost:1/v1"}
    roles = resolved(engine, {"name": "low", "effort": "7"}, {"name": "high", "effort": "90"}).roles
    assert roles.of(Mode("high")).sampling.extra == {"reasoning_effort": "90"}


def test_writing_families_out_twice_changes_nothing() -> None:
    once = resolved(
        BUDGETED, {"name": "think_off"}, {"name": "low", "effort": "low", "budget": 9}, {"name": "think_on"}
    )
    assert with_families(once).model_dump() == once.model_dump()
    assert once.roles.of(Mode("low")).sampling.extra == {BUDGET_FIELD: 9}


@pytest.mark.parametrize(
    ("engine", "arms", "said"),
    [
        (
            QWEN,
            [{"name": "think_off"}, {"name": "high", "effort": "high"}],
            "roles.arms.1.effort is 'high', but family 'qwen3_8' knows low, medium, xhigh",
        ),
        (
            {**QWEN, "family": "qwen3"},
            [{"name": "think_off"}, {"name": "low", "effort": "low"}],
            "family 'qwen3' knows no levels of effort",
        ),
        (
            {"type": "vllm", "model": "m"},
            [{"name": "think_off"}, {"name": "low", "effort": "low"}],
            "roles.arms.1.effort is 'low', and how the model takes it is not known",
        ),
        (
            GPT,
            [{"name": "think_off"}, {"name": "high", "effort": "high"}],
            "roles.arms.0: family 'gpt_oss' (gpt-oss) has no off switch",
        ),
        (
            QWEN,
            [{"name": "think_off"}, {"name": "long"}, {"name": "think_on"}],
            "arms 'long' and 'think_on' of roles.arms send the same requests",
        ),
        (
            QWEN,
            [{"name": "a", "effort": "low", "chat_template_kwargs": {"reasoning_effort": "medium"}}, {"name": "b"}],
            "has the effort 'low', but asks for reasoning_effort 'medium'",
        ),
        (
            QWEN,
            [{"name": "think_off"}, {"name": "short", "budget": 9}],
            "set engines.teacher.args.reasoning_config: {reasoning_end_str: </think>, reasoning_start_str: <think>}",
        ),
    ],
)
def test_arms_that_cannot_be_asked_for_are_refused(
    engine: dict[str, Any], arms: list[dict[str, Any]], said: str
) -> None:
    assert said in refusal(engine, *arms)


def test_arms_that_differ_by_their_budget_are_two() -> None:
    resolved(BUDGETED, {"name": "short", "budget": 100}, {"name": "long", "budget": 200})
