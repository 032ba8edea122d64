"""Justifications of arms speak of levels."""

import pytest

from hipo_data.prompts.formats.hipo import HIPO
from hipo_data.prompts.rendering import PromptTemplate
from hipo_data.schemas.arm_rate import ArmRate
from hipo_data.schemas.config import JustifyConfig, RoleConfig
from hipo_data.schemas.records import Mode
from hipo_data.stages.justify.justify import Case, justify
from tests.stages.builders import (
    ScriptedEngine,
    completion,
    make_decision,
    make_pick,
    make_problem,
    make_rollout,
    make_session,
)

ROLE = RoleConfig(engine="judge")


@pytest.mark.parametrize(
    ("language", "named", "thinks", "at_once", "counted"),
    [
        ("en", "think_off, short", "think at the level short first", "answer at once", "7 of 8 attempts were right."),
        ("de", "think_off, short", "auf der Stufe short nachdenken", "sofort antworten", "7 von 8 Versuchen richtig."),
        ("zh", "think_off、short", "先以 short 档思考", "直接作答", "8 次尝试中有 7 次正确。"),
    ],
)
def test_a_prompt_of_any_language_names_the_levels_and_what_came_of_them(
    language: str, named: str, thinks: str, at_once: str, counted: str
) -> None:
    levels = [{"name": name, "n": 8, "right": right} for name, right in (("think_off", 1), ("short", 7))]
    template = PromptTemplate(JustifyConfig(template="justify_effort", language=language).prompt)
    on = template.render(question="Q?", mode=Mode.THINK_ON, level="short", levels=levels)
    off = template.render(question="Q?", mode=Mode.THINK_OFF, level="think_off", levels=levels)
    assert all(part in prompt for prompt in (on, off) for part in ("Q?", named, counted))
    assert thinks in on and thinks not in off and at_once in off


async def test_a_justification_of_an_arm_is_asked_for_with_its_level_and_those_around_it() -> None:
    problem = make_problem()
    kept = make_rollout(problem, Mode("short"), reasoning="Six sevens make it.")
    rates = tuple(
        ArmRate(
            problem_id=problem.problem_id,
            mode=Mode(name),
            arm=place,
            n=8,
            right=right,
            unknown=0,
            truncated=0,
            p=right / 8,
            p_low=0,
            p_high=1,
            tokens=9,
            pick=0,
            pick_tokens=9,
            chosen=name == "short",
        )
        for place, (name, right) in enumerate({"think_off": 1, "short": 7, "think_on": 8}.items())
    )
    case = Case(problem, make_decision(problem, Mode("short")), kept, make_pick(kept), rates)
    engine = ScriptedEngine(lambda request: completion("Several steps in a row invite slips."))
    (example,) = (
        await justify([case], JustifyConfig(template="justify_effort"), ROLE, make_session(engine, model="judge"), {})
    ).examples
    prompt = engine.requests[0].messages[-1].content
    assert "these levels, from the least thinking to the most: think_off, short, think_on." in prompt
    assert "It will think at the level short first." in prompt
    assert "At the level short, 7 of 8 attempts were right." in prompt
    assert (example.mode, HIPO.parse(example.messages[1].content).mode) == ("short", Mode.THINK_ON)
