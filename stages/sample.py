"""Sample: every problem's rollouts in one mode, many under way at once."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from engines.base import Completion, EngineError, GenerationRequest
from prompts.parsing import split_reasoning
from prompts.rendering import PromptTemplate
from schemas.config import RoleConfig, SampleConfig
from schemas.keys import digest, seed_of
from schemas.records import FinishReason, Mode, Problem, Rollout
from schemas.text import valid_unicode
from stages.engine_session import EngineSession
from stages.role_requests import conversation, role_request

VERSION = "2"

RolloutKey = tuple[str, str, int]


def rollout_key(rollout: Rollout) -> RolloutKey:
    """What identifies a rollout within a run, sortable."""
    return rollout.problem_id, rollout.mode, rollout.index


async def sample(
    problems: Sequence[Problem],
    mode: Mode,
    config: SampleConfig,
    role: RoleConfig,
    session: EngineSession[Rollout],
    finished: Mapping[RolloutKey, Sequence[Rollout]],
    imported: Mapping[str, Sequence[Rollout]] | None = None,
) -> list[Rollout]:
    """All rollouts of `problems` in `mode`, sorted by key.

    A request that fails becomes a rollout with an `error`; only an engine that is dead or refuses everything raises.
    Rollouts of earlier attempts in `finished` that answer the same request are kept and not sampled again. Of a problem
    with `imported` rollouts as many fewer are sampled.
    """
    template = PromptTemplate(config.template)
    ready = {problem.problem_id: (imported or {}).get(problem.problem_id, ()) for problem in problems}
    all_wanted = [
        rollout
        for problem in problems
        for rollout in _wanted_of(
            problem, mode, config.count(mode) - len(ready[problem.problem_id]), template, role, session
        )
    ]

    async def one(wanted: _Wanted) -> Rollout:
        for known in finished.get((wanted.problem_id, mode, wanted.request.index), ()):
            if _still_good(known, wanted):
                return known
        async with session.slot():
            session.on_start()
            rollout = await _generate(wanted, mode, role, session)
            session.on_finish(rollout)
        return rollout

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(rollout)) for rollout in all_wanted]
    return sorted((*(task.result() for task in tasks), *chain.from_iterable(ready.values())), key=rollout_key)


@dataclass(frozen=True)
class _Wanted:
    """A rollout to be had: its request, and the digests that an earlier rollout of the same request carries."""

    problem_id: str
    request: GenerationRequest
    prompt_hash: str
    request_hash: str


def _wanted_of(
    problem: Problem,
    mode: Mode,
    count: int,
    template: PromptTemplate,
    role: RoleConfig,
    session: EngineSession[Rollout],
) -> Iterator[_Wanted]:
    """The rollouts of one problem, which share the conversation."""
    messages = conversation(template.render(question=problem.question, kind=problem.kind), role)
    prompt_hash = digest([message.model_dump() for message in messages], role.response_prefix)
    for index in range(count):
        seed = seed_of(session.run_seed, problem.problem_id, mode, index)
        request = role_request(role, messages, question=problem.question, index=index, seed=seed)
        request_hash = _request_hash(request, prompt_hash, role, session.identity)
        yield _Wanted(problem.problem_id, request, prompt_hash, request_hash)


def _request_hash(request: GenerationRequest, prompt_hash: str, role: RoleConfig, identity: str) -> str:
    """Digest of a request and of the model that it goes to.

    The token limit is left out: a response that ended by itself below a limit is the same under a higher one. Where the
    response starts is in, since it decides what of it is reasoning.
    """
    sampling = request.sampling.model_dump(exclude={"max_tokens"})
    return digest(prompt_hash, request.chat_template_kwargs, sampling, request.seed, identity, role.starts_in_reasoning)


def _still_good(known: Rollout, wanted: _Wanted) -> bool:
    max_tokens = wanted.request.sampling.max_tokens
    if known.request_hash != wanted.request_hash or known.finish_reason is FinishReason.ERROR:
        return False
    if known.finish_reason is FinishReason.LENGTH:
        # One that ended below its limit ran into the model's context, which may be larger now.
        return known.max_tokens == max_tokens and known.completion_tokens >= max_tokens
    return known.completion_tokens <= max_tokens


async def _generate(wanted: _Wanted, mode: Mode, role: RoleConfig, session: EngineSession[Rollout]) -> Rollout:
    request = wanted.request
    error, permanent = None, False
    try:
        completion = await session.generate(request)
    except EngineError as failure:
        error, permanent = valid_unicode(str(failure)), failure.permanent
        completion = Completion(text="", finish_reason=FinishReason.ERROR, prompt_tokens=0, completion_tokens=0)
    reasoning, answer = _parts(completion, role)
    reasoning_tokens = _reasoning_tokens(completion, reasoning, answer)
    return Rollout(
        problem_id=wanted.problem_id,
        mode=mode,
        index=request.index,
        seed=request.seed,
        model=session.model,
        prompt_hash=wanted.prompt_hash,
        request_hash=wanted.request_hash,
        max_tokens=request.sampling.max_tokens,
        text=completion.text,
        reasoning=reasoning,
        answer=answer,
        finish_reason=completion.finish_reason,
        prompt_tokens=completion.prompt_tokens,
        reasoning_tokens=reasoning_tokens,
        answer_tokens=completion.completion_tokens - reasoning_tokens,
        completion_tokens=completion.completion_tokens,
        error=error,
        error_permanent=permanent,
    )


def _parts(completion: Completion, role: RoleConfig) -> tuple[str | None, str | None]:
    if completion.finish_reason is FinishReason.ERROR:
        return None, None
    if completion.reasoning is not None:
        return completion.reasoning.strip() or None, completion.text.strip() or None
    return split_reasoning(completion.text, role.starts_in_reasoning)


def _reasoning_tokens(completion: Completion, reasoning: str | None, answer: str | None) -> int:
    """Tokens of the reasoning; where the engine does not count them, its share of the characters."""
    if reasoning is None:
        return 0
    if answer is None:
        return completion.completion_tokens
    if completion.reasoning_tokens is not None:
        return min(completion.reasoning_tokens, completion.completion_tokens)
    return round(completion.completion_tokens * len(reasoning) / (len(reasoning) + len(answer)))
