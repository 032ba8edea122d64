"""Justifications of arms speak of levels."""

from collections.abc import Sequence

import pytest

from hipo_data.figures.intervals import wilson
from hipo_data.prompts.formats.hipo import HIPO
from hipo_data.prompts.rendering import PromptTemplate
from hipo_data.schemas.arm_rate import ArmRate
from hipo_data.schemas.config import JustifyConfig, RoleConfig
from hipo_data.schemas.records import Justification, Mode, Problem
from hipo_data.stages.justify.dearer_arm import beside_dearer
from hipo_data.stages.justify.justify import Case, justification_key, justify
from tests.stages.builders import (
    ScriptedEngine,
    by_key,
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


def rates_of(problem: Problem, chosen: str, **right: int) -> tuple[ArmRate, ...]:
    """Of sampled arms, eight rollouts each, from the cheapest."""
    ends = {name: wilson(count, 8) for name, count in right.items()}
    return tuple(
        ArmRate(
            problem_id=problem.problem_id,
            mode=Mode(name),
            arm=place,
            n=8,
            right=count,
            unknown=0,
            truncated=0,
            p=count / 8,
            p_low=ends[name][0],
            p_high=ends[name][1],
            tokens=9,
            pick=0,
            pick_tokens=9,
            chosen=name == chosen,
        )
        for place, (name, count) in enumerate(right.items())
    )


async def test_a_justification_of_an_arm_is_asked_for_with_its_level_and_those_around_it() -> None:
    problem = make_problem()
    kept = make_rollout(problem, Mode("short"), reasoning="Six sevens make it.")
    rates = rates_of(problem, "short", think_off=1, short=7, think_on=8)
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


@pytest.mark.parametrize(
    ("kept", "right", "on", "off"),
    [
        ("think_off", {"think_off": 6, "short": 7}, None, None),
        ("short", {"think_off": 1, "short": 8}, (0, 0, None), (8, 8, 1.0)),
        ("short", {"think_off": 1, "short": 6, "long": 7, "think_on": 4}, (8, 7, 0.875), (8, 6, 0.75)),
        ("short", {"think_off": 1, "short": 6, "long": 7, "think_on": 7}, (8, 7, 0.875), (8, 6, 0.75)),
        ("think_on", {"think_off": 1, "short": 2, "think_on": 7}, (0, 0, None), (8, 7, 0.875)),
        ("elsewhere", {"think_off": 1, "short": 2}, None, None),
    ],
)
def test_the_kept_arm_is_compared_with_the_best_of_those_above_it(
    kept: str, right: dict[str, int], on: tuple[int, int, float | None] | None, off: tuple[int, int, float] | None
) -> None:
    problem = make_problem()
    decision = make_decision(problem, Mode(kept))
    beside = beside_dearer(decision, Mode(kept), rates_of(problem, kept, **right))
    if beside is None or on is None or off is None:
        assert (beside, on, off) == (None, None, None)
        return
    assert (beside.n_on, beside.right_on, beside.p_on) == on
    assert (beside.n_off, beside.right_off, beside.p_off) == off
    assert (beside.p_off_low, beside.p_off_high) == wilson(off[1], 8)
    assert (beside.p_on_low, beside.p_on_high) == ((None, None) if on[2] is None else wilson(on[1], 8))
    assert beside.margin == (None if on[2] is None else on[2] - off[2])


async def test_a_justification_says_nothing_of_arms_above_that_were_not_sampled() -> None:
    problem = make_problem()
    kept = make_rollout(problem, Mode("short"), reasoning="Six sevens make it.")
    texts = ("Several steps, and more thinking does worse.", "Several steps, and thinking helps a great deal.")
    config = JustifyConfig(template="justify_compact")  # says nothing of levels, so that the prompts are the same
    decision = make_decision(problem, kept.mode, p_on=0.875, p_off=0.125, margin=0.75)
    engine = ScriptedEngine(lambda request: completion(texts[request.index]))

    async def verdicts(earlier: Sequence[Justification] = (), **right: int) -> list[Justification]:
        case = Case(problem, decision, kept, make_pick(kept), rates_of(problem, "short", **right))
        session = make_session(engine, model="judge")
        return (await justify([case], config, ROLE, session, by_key(earlier, justification_key))).attempts

    alone = await verdicts(think_off=1, short=7)
    assert [attempt.verdict for attempt in alone] == ["claims_unmeasured", "accepted"]
    above = await verdicts(alone, think_off=1, short=7, think_on=6)
    assert [attempt.verdict for attempt in above] == ["accepted"]
