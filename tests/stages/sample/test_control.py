"""Thinking in pieces: what decides after each, what it costs, and that the response is one like any other."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from hipo_data.engines.base import Completion, GenerationRequest
from hipo_data.engines.openai import OpenAIEndpoint
from hipo_data.prompts.rendering import PromptTemplate
from hipo_data.schemas.config import OpenAIEngine, RoleConfig, RunConfig, SampleConfig
from hipo_data.schemas.control_config import ControlConfig
from hipo_data.schemas.errors import EngineRefusedError
from hipo_data.schemas.records import FinishReason, Message, Mode, Rollout
from hipo_data.stages.asking.engine_session import EngineSession
from hipo_data.stages.sample.control.controlled import controlled
from hipo_data.stages.sample.control.controller import said
from hipo_data.stages.sample.control.piece import GO_ON, Action, Piece
from hipo_data.stages.sample.control.rules import by_agreement, by_repetition, repeated
from hipo_data.stages.sample.control.trial import trial_answer
from hipo_data.stages.sample.sample import rollout_key, sample
from tests.stages.builders import ScriptedEngine, by_key, completion, make_problem, make_session
from tests.support.continuing_teacher import Body, Teacher, Writes, continuing_teacher, tokens

PROBLEM = make_problem()
THOUGHT = [f"{' ' if n else ''}step{n}" for n in range(40)]
"""What the model thinks, word by word."""


def thinker(right_from: int) -> Writes:
    """Thinks forty words; a trial answer is right from so many words on, and before that another one each time."""

    def writes(question: str, prefix: str, body: Body) -> str:
        thought, closed, answer = prefix.removeprefix("<think>\n").partition("</think>")
        steps = thought.count("step")
        if closed:
            found = "42" if steps >= right_from else str(steps)
            return found + "}" if answer.strip() else f"\\boxed{{{found}}} as shown"
        return "".join(THOUGHT[steps:]) + " </think>\n\n\\boxed{42} as shown"

    return writes


def role(control: dict[str, Any], max_tokens: int = 100, **changes: Any) -> RoleConfig:
    fields = {"engine": "teacher", "starts_in_reasoning": True, "sampling": {"max_tokens": max_tokens}, **changes}
    return RoleConfig.model_validate(fields | {"control": control})


def rollouts(
    teacher: Teacher, asked: RoleConfig, n: int = 1, finished: list[Rollout] | None = None, slots: int = 8
) -> tuple[list[Rollout], int]:
    """Rollouts of the problem, and how many requests were said to be under way."""

    async def made() -> tuple[list[Rollout], int]:
        engine = OpenAIEndpoint(OpenAIEngine(type="openai", model="teacher", base_url=teacher.url))
        await engine.start()
        started = 0

        def start() -> None:
            nonlocal started
            started += 1

        session: EngineSession[Rollout] = make_session(engine, slots=slots, reopens=engine.reopens)
        session = replace(session, on_start=start)
        try:
            known = by_key(finished or [], rollout_key)
            return await sample([PROBLEM], Mode.THINK_ON, SampleConfig(n=n), asked, session, known), started
        finally:
            await engine.close()

    return asyncio.run(made())


def test_thinking_ends_once_trial_answers_agree_and_what_they_took_is_counted() -> None:
    with continuing_teacher(thinker(right_from=20)) as teacher:
        (rollout,), started = rollouts(teacher, role({"chunk": 8, "agree": 2, "trial_opening": "\\boxed{"}))
    # Right from 24 words on: trials after 24 and 32 agree.
    assert rollout.text == "".join(THOUGHT[:32]) + "\n</think>\n\n\\boxed{42} as shown"
    assert rollout.reasoning == "".join(THOUGHT[:32]).strip() and rollout.answer == "\\boxed{42} as shown"
    assert (rollout.finish_reason, rollout.error) == (FinishReason.STOP, None)
    assert (rollout.reasoning_tokens, rollout.answer_tokens, rollout.completion_tokens) == (32, 4, 36)
    control = rollout.control
    assert control is not None
    assert (control.pieces, control.trials, control.returns, control.ended_by) == (4, 4, 0, "agreement")
    assert control.completion_tokens == 4  # a trial is one word
    assert started == 1 and len(teacher.bodies) == 4 + 4 + 1
    assert rollout.spent_completion_tokens == 40
    generated = sum(min(body["max_tokens"], 100) for body in teacher.bodies[:1])
    assert generated == 8
    assert rollout.prompt_tokens + control.prompt_tokens > 9 * rollout.prompt_tokens
    trials = [body for body in teacher.bodies if body["temperature"] == 0]
    assert len(trials) == 4
    assert [body["max_tokens"] for body in trials] == [64] * 4
    assert all(prefix is None or prefix.startswith("<think>\n") for prefix in teacher.prefixes)
    assert len({body["seed"] for body in teacher.bodies}) == 9


def test_thinking_that_ends_by_itself_is_left_to_it() -> None:
    with continuing_teacher(thinker(right_from=99)) as teacher:
        (rollout,), _ = rollouts(teacher, role({"chunk": 16, "agree": 2}))
    assert rollout.text == "".join(THOUGHT) + " </think>\n\n\\boxed{42} as shown"
    assert rollout.control is not None and rollout.control.ended_by == "model"
    assert (rollout.reasoning_tokens, rollout.completion_tokens) == (40, 44)


@pytest.mark.parametrize(("limit", "ended_by", "answered"), [(20, "limit", False), (42, "model", True)])
def test_a_response_that_reaches_its_limit_is_cut_off(limit: int, ended_by: str, answered: bool) -> None:
    with continuing_teacher(thinker(right_from=99)) as teacher:
        (rollout,), _ = rollouts(teacher, role({"chunk": 8, "agree": 2}, max_tokens=limit))
    assert rollout.finish_reason is FinishReason.LENGTH and rollout.completion_tokens == limit
    assert rollout.control is not None and rollout.control.ended_by == ended_by
    assert (rollout.answer is not None) == answered


def test_the_same_seeds_ask_the_same_and_finished_work_is_kept() -> None:
    asked = role({"chunk": 8, "agree": 2})
    with continuing_teacher(thinker(right_from=20)) as teacher:
        first, _ = rollouts(teacher, asked, n=3)
        again, started = rollouts(teacher, asked, n=3, slots=1)
        assert again == first and started == 3
        count = len(teacher.bodies)
        kept, started = rollouts(teacher, asked, n=3, finished=first)
        assert kept == first and started == 0 and len(teacher.bodies) == count
        _, started = rollouts(teacher, role({"chunk": 9, "agree": 2}), n=3, finished=first)
        assert started == 3
    seeds = [{body["seed"] for body in teacher.bodies[at::3]} for at in range(1)]
    assert len(seeds[0]) > 1


def looper(leads_out: bool) -> Writes:
    """Says the same six words for ever; where it `leads_out`, another seed than the first one of a piece does not."""
    seen: list[int] = []

    def writes(question: str, prefix: str, body: Body) -> str:
        if "</think>" in prefix:
            return "\\boxed{42}"
        seen.append(body["seed"])
        if leads_out and len(seen) > 2:
            return " so the sum is surely this one </think>\n\n\\boxed{42}"
        return " wait let me check it again" * 9

    return writes


def test_a_piece_that_repeats_is_taken_back_and_another_one_leads_out() -> None:
    with continuing_teacher(looper(leads_out=True)) as teacher:
        (rollout,), _ = rollouts(teacher, role({"chunk": 12, "repeats": 0.8}))
    assert rollout.control is not None
    assert (rollout.control.returns, rollout.control.ended_by) == (1, "model")
    assert rollout.reasoning == "wait let me check it again wait let me check it again so the sum is surely this one"
    assert rollout.control.completion_tokens == 12 and rollout.completion_tokens == 12 + 9
    assert len({body["seed"] for body in teacher.bodies}) == len(teacher.bodies)


@pytest.mark.parametrize(("returns", "taken_back"), [(4, 1), (0, 0)])
def test_thinking_that_goes_on_to_repeat_itself_ends(returns: int, taken_back: int) -> None:
    with continuing_teacher(looper(leads_out=False)) as teacher:
        (rollout,), _ = rollouts(teacher, role({"chunk": 12, "repeats": 0.8, "returns": returns}))
    assert rollout.control is not None and rollout.answer == "\\boxed{42}"
    assert (rollout.control.returns, rollout.control.ended_by) == (taken_back, "repetition")
    assert rollout.control.completion_tokens == 12 * taken_back


CONTROLLER = {"engine": "teacher", "chat_template_kwargs": {"enable_thinking": False}}


def controlled_by(replies: list[str], right_from: int = 99) -> Writes:
    """The thinker, whose controller says these in order, and after them to go on."""
    thinks, left = thinker(right_from), list(replies)

    def writes(question: str, prefix: str, body: Body) -> str:
        if question.startswith("You watch"):
            return left.pop(0) if left else "CONTINUE"
        return thinks(question, prefix, body)

    return writes


@pytest.mark.parametrize(
    ("replies", "steps", "returns", "ended_by", "unread"),
    [
        (["STOP"], 8, 0, "controller", 0),
        (["CONTINUE", "continue", "STOP"], 24, 0, "controller", 0),
        (["CONTINUE", "BACKTRACK 1", "STOP"], 16, 1, "controller", 0),
        (["CONTINUE", "BACKTRACK to step 1: it is wrong", "RESTART", "STOP"], 8, 2, "controller", 0),
        (["<think>hm, STOP?</think>Perhaps.", "BACKTRACK 7", "BACKTRACK"], 40, 0, "model", 3),
        (["RESTART"] * 9, 40, 4, "model", 0),
    ],
)
def test_a_controller_says_what_becomes_of_thinking(
    replies: list[str], steps: int, returns: int, ended_by: str, unread: int
) -> None:
    with continuing_teacher(controlled_by(replies)) as teacher:
        (rollout,), _ = rollouts(teacher, role({"chunk": 8, "controller": CONTROLLER}))
    control = rollout.control
    assert control is not None
    assert rollout.reasoning == "".join(THOUGHT[:steps]).strip()
    assert (control.returns, control.ended_by, control.unread) == (returns, ended_by, unread)
    told = [body for body in teacher.bodies if body["messages"][0]["content"].startswith("You watch")]
    assert all(body["chat_template_kwargs"] == {"enable_thinking": False} for body in told)
    assert f"[1] {''.join(THOUGHT[:8])}" in told[0]["messages"][0]["content"]
    assert PROBLEM.question in told[0]["messages"][0]["content"]
    assert all(body["max_tokens"] == 16 for body in told)


def test_a_controllers_tokens_and_what_it_threw_away_are_counted() -> None:
    with continuing_teacher(controlled_by(["CONTINUE", "RESTART now", "STOP"])) as teacher:
        (rollout,), _ = rollouts(teacher, role({"chunk": 8, "controller": CONTROLLER}))
    assert rollout.control is not None
    assert rollout.control.completion_tokens == 1 + 2 + 1 + 16
    assert rollout.completion_tokens == 8 + 1 + 3


def test_a_server_that_begins_another_turn_is_found_out() -> None:
    with continuing_teacher(thinker(right_from=20), continues=False) as teacher:
        (rollout,), _ = rollouts(teacher, role({"chunk": 8, "agree": 2}))
    assert rollout.finish_reason is FinishReason.ERROR and rollout.error_permanent
    assert "does not go on with a response that was begun: with 8 tokens of it the prompt is 14 longer" in (
        rollout.error or ""
    )


def test_a_server_that_writes_nothing_more_is_not_asked_for_ever() -> None:
    asked = role({"chunk": 8, "agree": 2})
    written = iter(["some steps", ""])

    async def ask(request: GenerationRequest) -> Completion:
        return Completion(request.response_prefix + next(written), FinishReason.LENGTH, 5, 0)

    request = GenerationRequest((Message(role="user", content="q"),), asked.sampling, 1, "q", 0)
    asked = asked.model_copy(update={"control": ControlConfig(chunk=8, repeats=0.9)})
    done, control = asyncio.run(controlled(request, asked, True, ask))
    assert (done.finish_reason, control.ended_by, control.pieces) == (FinishReason.LENGTH, "limit", 2)


@pytest.mark.parametrize("block", [4, 2])
def test_an_empty_block_before_thinking_that_is_continued_is_found_out(block: int) -> None:
    """Qwen3's chat templates put one of four tokens there; a space that is left to the next piece may hide some."""
    with continuing_teacher(thinker(right_from=99), block=block) as teacher:
        (rollout,), _ = rollouts(teacher, role({"chunk": 8, "agree": 2}))
    assert rollout.finish_reason is FinishReason.ERROR
    assert "Qwen3's put an empty block of thinking first" in (rollout.error or "")


def test_half_a_character_is_left_to_the_next_piece() -> None:
    def writes(question: str, prefix: str, body: Body) -> str:
        written = thinker(right_from=99)(question, prefix, body)
        return written if prefix else written.replace(" step7", " \ufffd")

    with continuing_teacher(writes) as teacher:
        rollouts(teacher, role({"chunk": 8, "agree": 2}))
    later = [prefix for prefix in teacher.prefixes if prefix]
    assert later and not any("\ufffd" in prefix for prefix in later)


def test_an_engine_that_cannot_go_on_is_refused() -> None:
    engine = ScriptedEngine(lambda request: completion("x"))
    session: Any = make_session(engine)
    asked = sample([PROBLEM], Mode.THINK_ON, SampleConfig(n=1), role({"chunk": 8, "agree": 2}), session, {})
    with pytest.raises(ExceptionGroup) as error:
        asyncio.run(asked)
    (refused,) = error.value.exceptions
    assert isinstance(refused, EngineRefusedError) and "which this engine cannot" in str(refused)


def test_an_answer_without_thinking_is_asked_for_to_its_end() -> None:
    with continuing_teacher(
        lambda question, prefix, body: " ".join(map(str, range(len(tokens(prefix)), 30)))
    ) as teacher:
        (rollout,), _ = rollouts(teacher, role({"chunk": 8, "agree": 2}, starts_in_reasoning=False))
    assert rollout.reasoning is None and rollout.control is not None
    assert (rollout.control.trials, rollout.control.ended_by) == (0, "model")
    assert len(teacher.bodies) == 2


def pieces(*texts: str, trials: list[str | None] | None = None) -> list[Piece]:
    return [
        Piece(text, len(text.split()), trial=trial)
        for text, trial in zip(texts, trials or [None] * len(texts), strict=True)
    ]


def test_rules() -> None:
    agreed = pieces("a", "b", "c", trials=["1", "2", "2"])
    assert by_agreement(agreed, 2) == Action("stop", "agreement")
    assert by_agreement(agreed, 3) is by_agreement(agreed[:1], 2) is GO_ON
    assert by_agreement(pieces("a", "b", trials=[None, None]), 2) is GO_ON
    twice = pieces("one two three four five six ", "one two three four five six ")
    assert repeated(twice) == 1 and repeated(twice[:1]) == 0 and repeated(pieces("a b", "a b")) == 0
    assert by_repetition(twice, 0.5, again=False) == Action("take back", "repetition", 1)
    assert by_repetition(twice, 0.5, again=True) == Action("stop", "repetition")
    assert by_repetition(pieces("a b c d e", "f g h i j"), 0.1, again=False) is GO_ON


@pytest.mark.parametrize(
    ("text", "cut", "answer"),
    [
        ("\\boxed{4 2}", False, "42"),
        ("\\boxed{42} and so", True, "42"),
        ("\\boxed{4", True, None),
        ("It is 42", True, None),
        ("", False, None),
    ],
)
def test_the_answer_of_a_trial(text: str, cut: bool, answer: str | None) -> None:
    assert trial_answer(text, cut) == answer


def test_what_a_controller_said() -> None:
    assert said("BACKTRACK 2", 3) == Action("take back", "controller", 2)
    assert said("I would stop here.", 3) == Action("stop", "controller")
    assert said("BACKTRACK 3", 3) is said("nothing", 3) is None
    assert "[2] b" in PromptTemplate("control").render(question="q", steps=["a", "b"])


OFF = {"name": "think_off", "engine": "teacher", "chat_template_kwargs": {"enable_thinking": False}}
ON = {"name": "think_on", "engine": "teacher"}
ENGINES: dict[str, Any] = {
    "teacher": {"type": "vllm", "model": "models/tiny-hybrid"},
    "other": {"type": "openai", "model": "m"},
    "batches": {"type": "openai", "model": "m", "batch": True},
    "recorded": {"type": "replay", "path": "x"},
}
GOOD = {"chunk": 64, "agree": 2}


def recipe(arm: dict[str, Any], **changes: Any) -> RunConfig:
    tree = {
        "name": "run",
        "sources": [{"type": "acereason", "path": "x"}],
        "engines": ENGINES,
        "roles": {"arms": [OFF, arm, ON], "justifier": {"engine": "teacher"}},
        "select": {"policy": "effort"},
        **changes,
    }
    return RunConfig.model_validate(tree)


def test_an_arm_with_control_is_another_one_than_without() -> None:
    from hipo_data.prompts.families.roles import with_families

    roles = with_families(recipe({"name": "watched", "engine": "teacher", "control": GOOD})).roles
    found = roles.of(Mode("watched")).control
    assert found is not None and found.chunk == 64
    assert roles.of(Mode.THINK_ON).control is None


@pytest.mark.parametrize(
    ("template", "said_of_it"),
    [
        ("contrl", "'roles.arms.1.control.controller.template': no prompt template 'contrl'"),
        ("solve", "'roles.arms.1.control.controller.template': .*steps"),
    ],
)
def test_a_controllers_prompt_is_looked_at_before_the_run(template: str, said_of_it: str) -> None:
    from hipo_data.pipeline.prompt_checks import with_prompts
    from hipo_data.schemas.errors import UserError

    control = {"chunk": 64, "controller": {"engine": "teacher", "template": template}}
    with pytest.raises(UserError, match=said_of_it):
        with_prompts(recipe({"name": "watched", "engine": "teacher", "control": control}))
    assert with_prompts(recipe({"name": "watched", "engine": "teacher", "control": GOOD}))


@pytest.mark.parametrize(
    ("arm", "said_of_it"),
    [
        ({"control": {"chunk": 64}}, "nothing that decides after one; set agree, repeats or controller"),
        ({"control": {**GOOD, "chunk": 0}}, "greater than or equal to 1"),
        ({"control": {**GOOD, "agree": 1}}, "greater than or equal to 2"),
        ({"control": GOOD, "sampling": {"max_tokens": 63}}, "control.chunk is 64, more than the 63 tokens of"),
        ({"control": GOOD, "budget": 9}, "is set beside a budget, which counts anew in each piece"),
        ({"control": GOOD, "engine": "recorded"}, "the engine 'recorded' of type replay cannot; use one of type vllm"),
        ({"control": GOOD, "engine": "batches"}, "the engine 'batches' in batch mode cannot"),
        ({"control": {"chunk": 64, "controller": {}}}, "Field required"),
        ({"control": {"chunk": 64, "controller": {"engine": "none"}}}, "controller.engine is 'none', which is not one"),
        (
            {"control": {"chunk": 64, "controller": {"engine": "other"}}},
            "beside the engine of its arm; make it 'teacher'",
        ),
    ],
)
def test_control_that_cannot_be_is_refused_in_a_sentence(arm: dict[str, Any], said_of_it: str) -> None:
    costs = {"cost": 1.0} if arm.get("engine") else {}
    with pytest.raises(ValidationError) as error:
        recipe({"name": "watched", "engine": "teacher", **costs, **arm})
    assert said_of_it in str(error.value)


@pytest.mark.parametrize(
    ("name", "said_of_it"), [("justifier", "is not thought about"), ("think_off", "does not reason")]
)
def test_roles_that_do_not_reason_have_no_control(name: str, said_of_it: str) -> None:
    roles = {each: {"engine": "teacher"} for each in ("think_on", "think_off", "justifier")}
    roles[name] = {"engine": "teacher", "control": GOOD}  # type: ignore[dict-item]
    with pytest.raises(ValidationError, match=said_of_it):
        recipe(ON, roles=roles, select={"policy": "hipo"})


@pytest.mark.slow
@pytest.mark.long
def test_vllms_server_goes_on_with_pieces_as_if_there_were_none(vllm_server: str) -> None:
    problem = make_problem("Compute 735 + 577 + 70.")
    asked = {"sampling": {"temperature": 0.0, "max_tokens": 200}, "chat_template_kwargs": {"enable_thinking": True}}
    whole = RoleConfig(engine="teacher", starts_in_reasoning=True, **asked)
    in_pieces = role({"chunk": 5, "agree": 50, "trial_tokens": 16}, **asked)
    early = role({"chunk": 5, "agree": 2, "trial_tokens": 16}, **asked)

    async def made() -> list[Rollout]:
        engine = OpenAIEndpoint(OpenAIEngine(type="openai", model="teacher", base_url=vllm_server))
        await engine.start()
        session: EngineSession[Rollout] = make_session(engine, reopens=engine.reopens)
        config = SampleConfig(n=1, template="plain")
        try:
            return [
                (await sample([problem], Mode.THINK_ON, config, each, session, {}))[0]
                for each in (whole, in_pieces, early)
            ]
        finally:
            await engine.close()

    first, second, third = asyncio.run(made())
    assert second.error is None and second.text == first.text
    assert second.control is not None and second.control.ended_by == "model" and second.control.trials >= 3
    assert abs(second.completion_tokens - first.completion_tokens) <= second.control.pieces  # seams cut tokens anew
    assert third.error is None and third.answer is not None
