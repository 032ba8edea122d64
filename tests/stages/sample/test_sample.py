"""Rollouts: one a key whatever finishes first, and none sampled again that still answers the same request."""

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipo_data.engines.base import Completion, EngineDeadError, EngineError, GenerationRequest
from hipo_data.prompts.families.loading import family
from hipo_data.schemas.arrow import to_table
from hipo_data.schemas.config import RoleConfig, SampleConfig, SamplingConfig
from hipo_data.schemas.gold import AssertGold
from hipo_data.schemas.keys import digest, seed_of
from hipo_data.schemas.records import HIDDEN, FinishReason, Mode, Problem, Rollout
from hipo_data.stages.sample.sample import rollout_key, sample
from tests.stages.builders import ScriptedEngine, by_key, completion, make_problem, make_session

PROBLEMS = [make_problem(f"What is {number} + 1?") for number in range(3)]
ROLE = RoleConfig(engine="teacher")


async def run(
    engine: ScriptedEngine,
    problems: Sequence[Problem] = PROBLEMS,
    mode: Mode = Mode.THINK_ON,
    n: int = 2,
    template: str = "solve",
    role: RoleConfig = ROLE,
    earlier: Iterable[Rollout] = (),
    slots: int = 100,
    seen: list[Rollout] | None = None,
    given_up: Iterable[Rollout] = (),
    **changes: Any,
) -> list[Rollout]:
    config = SampleConfig(n=n, template=template)
    session = make_session(engine, seen, slots, **changes)
    known, failed = (by_key(rollouts, rollout_key) for rollouts in (earlier, given_up))
    return await sample(problems, mode, config, role, session, known, given_up=failed)


def with_limit(max_tokens: int, **changes: Any) -> RoleConfig:
    return RoleConfig(engine="teacher", sampling=SamplingConfig(max_tokens=max_tokens), **changes)


def echo(request: GenerationRequest) -> Completion:
    return completion(f"<think>{request.question}</think>seed {request.seed}")


@settings(max_examples=20)
@given(turns=st.lists(st.integers(0, 9), min_size=6, max_size=6), slots=st.integers(1, 6), flip=st.booleans())
def test_the_order_in_which_responses_finish_never_changes_the_result(turns: list[int], slots: int, flip: bool) -> None:
    places = {problem.question: place for place, problem in enumerate(PROBLEMS)}
    engine = ScriptedEngine(echo, lambda request: turns[2 * places[request.question] + request.index])
    seen: list[Rollout] = []
    rollouts = asyncio.run(run(engine, PROBLEMS[::-1] if flip else PROBLEMS, slots=slots, seen=seen))
    assert [rollout_key(r) for r in rollouts] == sorted((p.problem_id, "think_on", i) for p in PROBLEMS for i in (0, 1))
    assert rollouts == asyncio.run(run(ScriptedEngine(echo)))
    assert sorted(seen, key=rollout_key) == rollouts
    assert engine.most_under_way <= slots


async def test_a_rollout_says_what_was_asked_and_what_came_back() -> None:
    engine = ScriptedEngine(lambda request: completion("<think>\nabcd\n</think>\n\nefgh", tokens=10))
    role = RoleConfig(
        engine="teacher",
        system_prompt="Be exact.",
        question_suffix=" /think",
        response_prefix="<think>",
        chat_template_kwargs={"enable_thinking": True},
    )
    (rollout,) = await run(engine, PROBLEMS[:1], n=1, role=role)
    (request,) = engine.requests
    assert [(m.role, m.content) for m in request.messages] == [
        ("system", "Be exact."),
        ("user", "What is 0 + 1?\n\nGive the final answer in \\boxed{}. /think"),
    ]
    assert (request.response_prefix, request.chat_template_kwargs) == ("<think>", {"enable_thinking": True})
    assert (rollout.reasoning, rollout.answer, rollout.text) == ("abcd", "efgh", "<think>\nabcd\n</think>\n\nefgh")
    assert (rollout.prompt_tokens, rollout.completion_tokens) == (3, 10)
    assert (rollout.reasoning_tokens, rollout.answer_tokens) == (5, 5)
    assert (rollout.model, rollout.max_tokens, rollout.error) == ("teacher", 32_768, None)
    assert rollout.seed == request.seed == seed_of(0, rollout.problem_id, "think_on", 0)


async def test_code_problems_are_asked_for_a_program() -> None:
    engine = ScriptedEngine(echo)
    await run(engine, [make_problem("Write f.", AssertGold(asserts=["assert f()"]))], n=1)
    assert "```python" in engine.requests[0].messages[-1].content


async def test_more_rollouts_keep_the_seeds_of_the_first_and_none_repeats() -> None:
    few, many = await run(ScriptedEngine(echo), n=2), await run(ScriptedEngine(echo), n=5)
    seeds = {rollout_key(rollout): rollout.seed for rollout in many}
    assert all(seeds[rollout_key(rollout)] == rollout.seed for rollout in few)
    assert len(set(seeds.values())) == 15
    off = await run(ScriptedEngine(echo), mode=Mode.THINK_OFF)
    assert not {rollout.seed for rollout in off} & set(seeds.values())


async def test_finished_rollouts_are_taken_and_not_sampled_again() -> None:
    first = await run(ScriptedEngine(echo), n=2)
    engine = ScriptedEngine(lambda request: completion("<think>new</think>new"))
    seen: list[Rollout] = []
    again = await run(engine, n=3, earlier=first, seen=seen)
    assert [rollout for rollout in again if rollout.index < 2] == first
    assert sorted((r.question, r.index) for r in engine.requests) == [(p.question, 2) for p in PROBLEMS]
    assert len(seen) == 3


@pytest.mark.parametrize(
    "changed",
    [
        {"identity": "other weights"},
        {"run_seed": 1},
        {"template": "plain"},
        {"role": RoleConfig(engine="teacher", system_prompt="Be brief.")},
        {"role": RoleConfig(engine="teacher", question_suffix=" /no_think")},
        {"role": RoleConfig(engine="teacher", response_prefix="<think>")},
        {"role": RoleConfig(engine="teacher", chat_template_kwargs={"enable_thinking": False})},
        {"role": RoleConfig(engine="teacher", sampling=SamplingConfig(temperature=0.6))},
        {"role": RoleConfig(engine="teacher", sampling=SamplingConfig(extra={"min_p": 0.1}))},
        {"role": RoleConfig(engine="teacher", starts_in_reasoning=True)},
    ],
)
async def test_a_rollout_of_another_request_is_never_taken(changed: dict[str, Any]) -> None:
    first = await run(ScriptedEngine(echo))
    engine = ScriptedEngine(echo)
    await run(engine, earlier=first, **changed)
    assert len(engine.requests) == 6


async def test_a_template_that_was_edited_is_read_anew_and_its_rollouts_are_sampled_anew(tmp_path: Path) -> None:
    own = tmp_path / "own.j2"
    own.write_text("Solve: {{ question }}")
    first = await run(ScriptedEngine(echo), template=str(own))
    own.write_text("Prove: {{ question }}")
    engine = ScriptedEngine(echo)
    await run(engine, template=str(own), earlier=first)
    assert {request.messages[-1].content for request in engine.requests} == {f"Prove: {p.question}" for p in PROBLEMS}
    assert len(engine.requests) == 6


async def test_another_engine_name_or_model_folder_keeps_rollouts() -> None:
    first = await run(ScriptedEngine(echo))
    engine = ScriptedEngine(echo)
    assert await run(engine, earlier=first, role=RoleConfig(engine="other"), model="moved") == first
    assert engine.requests == []


async def test_a_higher_token_limit_samples_the_truncated_ones_anew_and_only_those() -> None:
    def cut_first(request: GenerationRequest) -> Completion:
        cut = request.index == 0 and request.sampling.max_tokens == 8
        return completion("<think>long", 8, FinishReason.LENGTH) if cut else completion("<think>a</think>b", 6)

    first = await run(ScriptedEngine(cut_first), role=with_limit(8))
    same = ScriptedEngine(cut_first)
    assert await run(same, role=with_limit(8), earlier=first) == first
    assert same.requests == []
    higher = ScriptedEngine(cut_first)
    rollouts = await run(higher, role=with_limit(16), earlier=first)
    assert [request.index for request in higher.requests] == [0, 0, 0]
    assert {rollout.finish_reason for rollout in rollouts} == {FinishReason.STOP}


async def test_a_lower_token_limit_samples_those_anew_that_would_not_fit() -> None:
    first = await run(ScriptedEngine(lambda request: completion("<think>a</think>b", 5 + request.index)))
    engine = ScriptedEngine(lambda request: completion("<think>a", 5, FinishReason.LENGTH))
    await run(engine, role=with_limit(5), earlier=first)
    assert [request.index for request in engine.requests] == [1, 1, 1]


@pytest.mark.parametrize(("empty", "finish"), [(False, FinishReason.ERROR), (True, FinishReason.EMPTY)])
async def test_a_failed_request_becomes_a_rollout_with_its_error_and_is_tried_again_next_time(
    empty: bool, finish: FinishReason
) -> None:
    def fails_once(request: GenerationRequest) -> Completion:
        if request.index == 1:
            raise EngineError("prompt too long \ud800", empty=empty)
        return echo(request)

    first = await run(ScriptedEngine(fails_once))
    failed = [rollout for rollout in first if rollout.index == 1]
    assert {(r.error, r.finish_reason, r.answer, r.reasoning) for r in failed} == {
        ("prompt too long ?", finish, None, None)
    }
    to_table(first, Rollout)
    engine = ScriptedEngine(echo)
    again = await run(engine, earlier=first)
    assert [request.index for request in engine.requests] == [1, 1, 1]
    assert all(rollout.error is None for rollout in again)


async def test_a_request_that_can_only_fail_again_is_marked_so() -> None:
    def too_long(request: GenerationRequest) -> Completion:
        raise EngineError("the prompt has 9000 tokens", permanent=request.index == 0)

    assert {(r.index, r.error_permanent) for r in await run(ScriptedEngine(too_long))} == {(0, True), (1, False)}


async def test_a_response_cut_by_the_context_below_its_limit_is_sampled_anew() -> None:
    role = RoleConfig(engine="teacher", sampling=SamplingConfig(max_tokens=100))
    engine = ScriptedEngine(
        lambda request: completion("long", tokens=60 + 40 * request.index, finish=FinishReason.LENGTH)
    )
    first = await run(engine, role=role)
    again = ScriptedEngine(echo)
    await run(again, role=role, earlier=first)
    assert [request.index for request in again.requests] == [0, 0, 0]


async def test_a_dead_engine_is_raised_and_what_was_finished_before_was_handed_over() -> None:
    def dies(request: GenerationRequest) -> Completion:
        if request.question == PROBLEMS[2].question:
            raise EngineDeadError("gone")
        return echo(request)

    seen: list[Rollout] = []
    with pytest.raises(ExceptionGroup) as died:
        await run(ScriptedEngine(dies), seen=seen, slots=1)
    assert died.value.subgroup(EngineDeadError) is not None
    assert len(seen) == 4


async def test_lone_surrogates_are_cleaned_so_that_the_rollout_can_be_stored() -> None:
    texts = {0: completion("<think>a\ud800</think>b\udfff"), 1: completion("b\udfff", reasoning="a\ud800")}
    rollouts = await run(ScriptedEngine(lambda request: texts[request.index]), PROBLEMS[:1])
    assert [(rollout.reasoning, rollout.answer) for rollout in rollouts] == [("a?", "b?")] * 2
    to_table(rollouts, Rollout)


@pytest.mark.parametrize(
    ("role", "reply", "reasoning", "answer", "reasoning_tokens"),
    [
        (ROLE, completion("42", 4), None, "42", 0),
        (ROLE, completion("<think>cut", 4, FinishReason.LENGTH), "cut", None, 4),
        (ROLE, completion("42", 4, reasoning=" why ", reasoning_tokens=3), "why", "42", 3),
        (ROLE, completion("", 4, FinishReason.LENGTH, reasoning="why"), "why", None, 4),
        (ROLE, completion("42", 4, reasoning="  ", reasoning_tokens=3), None, "42", 0),
        (ROLE, completion("42", 4, reasoning="why", reasoning_tokens=9), "why", "42", 4),
        (ROLE, completion("<think>ab</think>abcdef", 4), "ab", "abcdef", 1),
        (ROLE, completion("42", 212, reasoning_tokens=200), HIDDEN, "42", 200),
        (ROLE, completion("42", 212, reasoning="  ", reasoning_tokens=200), HIDDEN, "42", 200),
        (ROLE, completion("", 200, FinishReason.LENGTH, reasoning_tokens=200), HIDDEN, None, 200),
        (ROLE, completion("42", 12, reasoning_tokens=8), None, "42", 0),  # an empty block that the server cut
        (ROLE, completion("42 and so on", 200, reasoning_tokens=200), None, "42 and so on", 0),  # shown, and miscounted
        (ROLE, completion("<think>\n\n</think>42", 30, reasoning_tokens=9), None, "42", 0),
        (ROLE, completion("42", 212, reasoning_tokens=200, summary="Adds."), HIDDEN, "42", 200),
        (ROLE, completion("42", 70, summary="Adds."), HIDDEN, "42", 50),
        (with_limit(9, starts_in_reasoning=True), completion("cut", 9, FinishReason.LENGTH), "cut", None, 9),
        (with_limit(9, starts_in_reasoning=True), completion("why</think>42", 5), "why", "42", 3),
    ],
)
async def test_reasoning_and_answer_and_their_tokens_add_up(
    role: RoleConfig, reply: Completion, reasoning: str | None, answer: str | None, reasoning_tokens: int
) -> None:
    (rollout,) = await run(ScriptedEngine(lambda request: reply), PROBLEMS[:1], n=1, role=role)
    assert (rollout.reasoning, rollout.answer, rollout.reasoning_tokens) == (reasoning, answer, reasoning_tokens)
    assert rollout.reasoning_tokens + rollout.answer_tokens == rollout.completion_tokens
    assert rollout.answer_tokens >= 0


async def test_no_rollouts_asked_for_means_no_request() -> None:
    engine = ScriptedEngine(echo)
    assert await run(engine, n=0) == []
    assert await run(engine, problems=[]) == []
    assert engine.requests == []


async def test_rollouts_of_earlier_versions_are_recognised_by_seed_and_request_hash() -> None:
    switched = with_limit(9, chat_template_kwargs={"ö": [1, None], "a": "</think>"}, starts_in_reasoning=True)
    for role in (ROLE, switched):
        rollouts = await run(ScriptedEngine(echo), role=role, run_seed=5, identity="mödel")
        for rollout in rollouts:
            assert rollout.seed == seed_of(5, rollout.problem_id, rollout.mode, rollout.index)
            sampling = digest(role.sampling.model_dump(exclude={"max_tokens"}))
            parts = (role.chat_template_kwargs, sampling, rollout.seed, "mödel", role.starts_in_reasoning)
            assert rollout.request_hash == digest(rollout.prompt_hash, *parts)


SEED = family("seed_oss").reading


async def test_a_role_that_names_a_family_reads_by_it() -> None:
    engine = ScriptedEngine(lambda request: completion("<seed:think>abcd</seed:think>efgh<seed:eos>", tokens=10))
    plain, read = [
        (await run(engine, PROBLEMS[:1], n=1, role=RoleConfig(engine="teacher", reading=reading)))[0]
        for reading in (None, SEED)
    ]
    assert (plain.reasoning, plain.answer) == (None, "<seed:think>abcd</seed:think>efgh<seed:eos>")
    assert (read.reasoning, read.answer) == ("abcd", "efgh")
    assert plain.text == read.text and plain.request_hash != read.request_hash
    assert engine.requests[1].reasoning_ends == ("</seed:think>",)


async def test_a_think_on_response_that_was_cut_off_without_a_tag_has_no_answer() -> None:
    engine = ScriptedEngine(lambda request: completion("so \\boxed{4}", finish=FinishReason.LENGTH))
    (on,) = await run(engine, PROBLEMS[:1], n=1)
    (off,) = await run(engine, PROBLEMS[:1], n=1, mode=Mode.THINK_OFF)
    assert (on.reasoning, on.answer) == ("so \\boxed{4}", None)
    assert (off.reasoning, off.answer) == (None, "so \\boxed{4}")


async def test_think_off_whose_answer_stands_in_the_field_of_reasoning_is_answered() -> None:
    engine = ScriptedEngine(lambda request: completion("", reasoning="\\boxed{4}"))
    (off,) = await run(engine, PROBLEMS[:1], n=1, mode=Mode.THINK_OFF)
    assert (off.reasoning, off.answer) == (None, "\\boxed{4}")
    (on,) = await run(engine, PROBLEMS[:1], n=1)
    assert (on.reasoning, on.answer) == ("\\boxed{4}", None)


async def test_reasoning_in_its_field_and_tags_in_the_text_are_one_reasoning() -> None:
    engine = ScriptedEngine(lambda request: completion("<think>abcd</think>efgh", reasoning="abcd"))
    (rollout,) = await run(engine, PROBLEMS[:1], n=1)
    assert (rollout.reasoning, rollout.answer) == ("abcd", "efgh")


async def test_what_this_driver_has_given_up_is_not_asked_again_and_what_an_earlier_one_has_is() -> None:
    def failing(request: GenerationRequest) -> Completion:
        raise EngineError("the prompt is bad")

    failed = await run(ScriptedEngine(failing))
    engine = ScriptedEngine(echo)
    assert await run(engine, given_up=failed) == failed and not engine.requests
    assert await run(engine, earlier=failed) != failed and len(engine.requests) == len(failed)
    other = ScriptedEngine(echo)  # another request is not the one that failed
    await run(other, given_up=failed, role=ROLE.model_copy(update={"system_prompt": "Be exact."}))
    assert len(other.requests) == len(failed)


@pytest.mark.parametrize("finish", [FinishReason.STOP, FinishReason.LENGTH])
async def test_a_response_that_no_limit_cuts_off_is_taken_from_an_earlier_attempt_however_long_it_is(
    finish: FinishReason,
) -> None:
    engine = ScriptedEngine(lambda request: completion("<think>a</think>b", tokens=50, finish=finish))
    first = await run(engine, PROBLEMS[:1], n=1, role=with_limit(8), whole=True)
    assert (first[0].completion_tokens, first[0].max_tokens, first[0].finish_reason) == (50, 8, finish)
    for limit in (8, 4, 100):
        again = await run(engine, PROBLEMS[:1], n=1, role=with_limit(limit), earlier=first, whole=True)
        assert again[0].completion_tokens == 50
    assert len(engine.requests) == 1
