"""Arms in a recipe: what they become, and what is refused in one sentence."""

import pickle
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from hipo_data.schemas.config import RunConfig
from hipo_data.schemas.records import Mode
from hipo_data.schemas.role_config import BUDGET_FIELD

OFF = {"name": "think_off", "engine": "teacher", "chat_template_kwargs": {"enable_thinking": False}}
SHORT = {"name": "short", "engine": "teacher", "budget": 100}
LONG = {"name": "long", "engine": "teacher", "budget": 900}
FREE = {"name": "think_on", "engine": "teacher"}


def recipe(arms: Any = None, **changes: Any) -> RunConfig:
    roles: dict[str, Any] = {"justifier": {"engine": "teacher"}}
    roles |= {"arms": [OFF, SHORT, LONG, FREE] if arms is None else arms}
    tree = {
        "name": "a",
        "sources": [{"type": "table", "path": "problems.jsonl"}],
        "engines": {
            "teacher": {"type": "vllm", "model": "m"},
            "larger": {"type": "openai", "model": "l", "base_url": "http://localhost:1/v1"},
        },
        "roles": roles,
        "select": {"policy": "effort"},
    }
    return RunConfig.model_validate({**tree, **changes})


def refusal(arms: Any = None, **changes: Any) -> str:
    with pytest.raises(ValidationError) as error:
        recipe(arms, **changes)
    return "; ".join(str(each["msg"]) for each in error.value.errors())


def test_a_mode_is_one_of_two_or_the_name_of_an_arm() -> None:
    low = Mode("low")
    assert low is Mode("low") is pickle.loads(pickle.dumps(low)) is TypeAdapter(Mode).validate_python("low")
    assert TypeAdapter(Mode).dump_json(low) == b'"low"'
    assert f"{low}" == str(low) == low.value == "low"
    assert list(Mode) == [Mode.THINK_ON, Mode.THINK_OFF]
    assert [mode.thinks for mode in (low, *Mode)] == [True, True, False]
    for text in ("think-on", "", "Low", "a/b", "1st", "a__b", "x" * 41):
        with pytest.raises(ValueError, match="is not a valid Mode"):
            Mode(text)


def test_arms_are_roles_in_their_order() -> None:
    roles = recipe().roles
    assert roles.modes == ("think_off", "short", "long", "think_on")
    assert roles.of(Mode("short")).sampling.extra == {BUDGET_FIELD: 100}
    assert [roles.budget(mode) for mode in roles.modes] == [None, 100, 900, None]
    assert roles.of(Mode.THINK_OFF) == roles.think_off
    assert roles.think_on == roles.of(Mode.THINK_ON)
    assert [where for where, _ in roles.named] == [*(f"roles.arms.{place}" for place in range(4)), "roles.justifier"]


def test_a_config_with_arms_reads_back_as_it_was_written() -> None:
    config = recipe()
    assert RunConfig.model_validate(config.model_dump(mode="json")).model_dump() == config.model_dump()


def test_without_arms_there_are_the_two_modes() -> None:
    role = {"engine": "teacher"}
    two = {"think_on": role, "think_off": role, "justifier": role}
    roles = recipe(roles=two, select={}).roles
    assert roles.modes == (Mode.THINK_OFF, Mode.THINK_ON)
    assert [where for where, _ in roles.named] == ["roles.think_on", "roles.think_off", "roles.justifier"]
    assert [roles.cost(mode) for mode in roles.modes] == [1, 1]


def test_two_arms_by_the_names_of_the_modes_go_with_any_policy() -> None:
    config = recipe([OFF, FREE], select={"policy": "hipo"}, sample={"stop": "decided"})
    assert config.roles.is_pair


@pytest.mark.parametrize(
    ("arms", "said"),
    [
        ({"think_off": OFF, "short": SHORT}, "has no order; write a list, from cheap to dear"),
        ([OFF], "at least 2 items"),
        ([OFF, SHORT, SHORT], "names 'short' twice"),
        ([SHORT, OFF], "'think_off', which does not reason, after an arm that does; put it first"),
        ([OFF, LONG, SHORT], "'long' with a budget of 900 before 'short' with 100"),
        ([{**OFF, "budget": 5}, SHORT], "gives think_off a budget"),
        ([OFF, SHORT, {**FREE, "engine": "larger"}], "2 engines, larger and teacher, .* 'think_off' has no cost"),
        ([OFF, {**SHORT, "cost": 2}, FREE], "has costs, but 'think_off' has none"),
        ([{**OFF, "cost": 2}, {**FREE, "cost": 1}], "'think_off', whose tokens cost 2, before 'think_on' at 1"),
        ([OFF, {**SHORT, "name": "Short!"}], "'Short!' is no name of an arm"),
        ([OFF, {**SHORT, "engine": "none"}], "roles.arms.1.engine is 'none', which is not one of engines"),
        ([OFF, {**SHORT, "budget": 0}], "greater than or equal to 1"),
    ],
)
def test_arms_without_order_or_cost_are_refused(arms: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        recipe(arms)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"select": {"policy": "hipo"}},
            "short, long, think_on, but select.policy is 'hipo'",
        ),
        ({"sample": {"stop": "likely"}}, "sample.stop is 'likely', which is for hipo's rule"),
        ({"sample": {"allocate": "adaptive"}}, "hipo's rule is unsure, but select.policy is 'effort'"),
        ({"select": {"policy": "budget"}}, "whose budgets are tokens at most, but select.budget.kind is 'lcpo_exact'"),
        (
            {"select": {"policy": "groups"}},
            "which chooses between think_off and think_on; set select.policy: effort, or",
        ),
        ({"sources": [{"type": "rollouts", "path": "x"}]}, "is of type rollouts, whose responses are think_on or"),
        ({"verify": {"pseudo_gold": {"rule": "esc", "window": 9}}}, "needs 9 'think_on' responses that agree"),
        ({"sample": {"n": 2}, "select": {"policy": "effort", "min_graded": 3}}, "asks for 2 rollouts in short"),
    ],
)
def test_what_does_not_go_with_arms_is_refused(changes: dict[str, Any], said: str) -> None:
    assert said in refusal(**changes)


def test_a_role_beside_arms_that_says_something_else_is_refused() -> None:
    roles = {"arms": [OFF, FREE], "think_on": {"engine": "larger"}, "justifier": {"engine": "teacher"}}
    assert "has 'think_on' beside 'arms'" in refusal(roles=roles)
