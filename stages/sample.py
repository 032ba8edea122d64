"""Sample: every problem's rollouts in one mode, many under way at once."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from engines.base import Completion, EngineError, Generates, GenerationRequest
from prompts.parsing import split_reasoning
from prompts.rendering import render
from schemas.config import RoleConfig, SampleConfig
from schemas.keys import digest, seed_of
from schemas.records import FinishReason, Message, Mode, Problem, Rollout
from schemas.text import valid_unicode

VERSION = "1"

RolloutKey = tuple[str, str, int]


def rollout_key(rollout: Rollout) -> RolloutKey:
    """What identifies a rollout within a run, sortable."""
    return rollout.problem_id, rollout.mode, rollout.index


async def sample(
    problems: Sequence[Problem],
    mode: Mode,
    config: SampleConfig,
    role: RoleConfig,
    engine: Generates,
    *,
    model: str,
    identity: str,
    run_seed: int,
    slots: asyncio.Semaphore,
    finished: Mapping[RolloutKey, Sequence[Rollout]],
    on_start: Callable[[], None],
    on_finish: Callable[[Rollout], None],
) -> list[Rollout]:
    """All rollouts of `problems` in `mode`, sorted by key.

    A request that fails becomes a rollout with an `error`; only an engine that is dead or refuses everything raises.

    Args:
        model: name written into the rollouts.
        identity: digest of the model's weights and tokenizer.
        slots: requests that may be under way at once, shared by all shards of one engine.
        finished: rollouts of earlier attempts; those that answer the same request are kept and not sampled again.
        on_start: called as a request goes to the engine.
        on_finish: called with each new rollout as it finishes.
    """
    requests = [
        _request(problem, mode, index, config, role, run_seed)
        for problem in problems
        for index in range(config.count(mode))
    ]

    async def one(problem: Problem, request: GenerationRequest) -> Rollout:
        rendered = _hash_request(request, role, identity)
        for known in finished.get((problem.problem_id, mode, request.index), ()):
            if _still_good(known, rendered, role.sampling.max_tokens):
                return known
        async with slots:
            on_start()
            rollout = await _generate(problem, mode, request, role, engine, model, rendered)
            on_finish(rollout)
        return rollout

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(problem, request)) for problem, request in requests]
    return sorted((task.result() for task in tasks), key=rollout_key)


def _request(
    problem: Problem, mode: Mode, index: int, config: SampleConfig, role: RoleConfig, run_seed: int
) -> tuple[Problem, GenerationRequest]:
    question = render(config.template, question=problem.question, kind=problem.kind) + role.question_suffix
    return problem, GenerationRequest(
        messages=chat(question, role.system_prompt),
        sampling=role.sampling,
        seed=seed_of(run_seed, problem.problem_id, mode, index),
        question=problem.question,
        index=index,
        chat_template_kwargs=role.chat_template_kwargs,
        response_prefix=role.response_prefix,
    )


def chat(user: str, system: str | None) -> tuple[Message, ...]:
    """A conversation of one user turn, with or without a system prompt."""
    turn = Message(role="user", content=user)
    return (turn,) if system is None else (Message(role="system", content=system), turn)


def _hash_request(request: GenerationRequest, role: RoleConfig, identity: str) -> tuple[str, str]:
    """Digests of the conversation and of the whole request.

    The token limit is left out: a response that ended by itself below a limit is the same under a higher one. Where the
    response starts is in, since it decides what of it is reasoning.
    """
    prompt = digest([message.model_dump() for message in request.messages], request.response_prefix)
    sampling = request.sampling.model_dump(exclude={"max_tokens"})
    parts = (prompt, request.chat_template_kwargs, sampling, request.seed, identity, role.starts_in_reasoning)
    return prompt, digest(*parts)


def _still_good(known: Rollout, rendered: tuple[str, str], max_tokens: int) -> bool:
    if known.request_hash != rendered[1] or known.finish_reason is FinishReason.ERROR:
        return False
    if known.finish_reason is FinishReason.LENGTH:
        # One that ended below its limit ran into the model's context, which may be larger now.
        return known.max_tokens == max_tokens and known.completion_tokens >= max_tokens
    return known.completion_tokens <= max_tokens


async def _generate(
    problem: Problem,
    mode: Mode,
    request: GenerationRequest,
    role: RoleConfig,
    engine: Generates,
    model: str,
    rendered: tuple[str, str],
) -> Rollout:
    error, permanent = None, False
    try:
        completion = storable(await engine.generate(request))
    except EngineError as failure:
        error, permanent = valid_unicode(str(failure)), failure.permanent
        completion = Completion(text="", finish_reason=FinishReason.ERROR, prompt_tokens=0, completion_tokens=0)
    reasoning, answer = _parts(completion, role)
    reasoning_tokens = _reasoning_tokens(completion, reasoning, answer)
    return Rollout(
        problem_id=problem.problem_id,
        mode=mode,
        index=request.index,
        seed=request.seed,
        model=model,
        prompt_hash=rendered[0],
        request_hash=rendered[1],
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


def storable(completion: Completion) -> Completion:
    """The completion without the lone surrogates that endpoints can send as JSON escapes."""
    reasoning = None if completion.reasoning is None else valid_unicode(completion.reasoning)
    return replace(completion, text=valid_unicode(completion.text), reasoning=reasoning)


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
