"""Sample: every problem's rollouts in one mode, many under way at once."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from hipo_data.engines.base import Completion, EngineError, GenerationRequest
from hipo_data.prompts.families.reading import DEFAULT
from hipo_data.prompts.rendering import PromptTemplate, template_hash
from hipo_data.schemas.config import RoleConfig, SampleConfig
from hipo_data.schemas.control_config import ControlConfig
from hipo_data.schemas.errors import EngineRefusedError
from hipo_data.schemas.keys import canonical, digest, digest_of, seed_from
from hipo_data.schemas.records import HIDDEN, Control, FinishReason, Message, Mode, Problem, Rollout
from hipo_data.schemas.text import valid_unicode
from hipo_data.stages.asking.engine_session import EngineSession
from hipo_data.stages.asking.responses import read_completion
from hipo_data.stages.asking.role_requests import conversation, role_request
from hipo_data.stages.sample.control.controlled import controlled
from hipo_data.stages.sample.hidden import hidden_tokens

VERSION = "4"

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
    given_up: Mapping[RolloutKey, Sequence[Rollout]] | None = None,
    counts: Mapping[str, int] | None = None,
) -> list[Rollout]:
    """All rollouts of `problems` in `mode`, sorted by key.

    A request that fails becomes a rollout with an `error`; only an engine that is dead or refuses everything raises.
    Rollouts of earlier attempts in `finished` that answer the same request are kept and not sampled again. Of a problem
    with `imported` rollouts as many fewer are sampled. Failed ones in `given_up` are kept where they answer the same.
    `counts` are rollouts by problem, where they are not all alike.
    """
    sampler = Sampler(mode, config, role, session, finished, given_up)
    ready = {problem.problem_id: (imported or {}).get(problem.problem_id, ()) for problem in problems}
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(of_problem.rollout(index))
            for problem in problems
            for of_problem in [sampler.of(problem)]
            for count in [config.count(mode) if counts is None else counts[problem.problem_id]]
            for index in range(count - len(ready[problem.problem_id]))
        ]
    return sorted((*(task.result() for task in tasks), *chain.from_iterable(ready.values())), key=rollout_key)


class Sampler:
    """Rollouts in one mode: sampled, or taken from earlier attempts where one answers the same request."""

    def __init__(
        self,
        mode: Mode,
        config: SampleConfig,
        role: RoleConfig,
        session: EngineSession[Rollout],
        finished: Mapping[RolloutKey, Sequence[Rollout]],
        given_up: Mapping[RolloutKey, Sequence[Rollout]] | None = None,
    ) -> None:
        self.mode = mode
        self.role = role
        self.session = session
        self.finished = finished
        self.given_up = given_up or {}
        self._template = PromptTemplate(config.template)
        sampling = digest(role.sampling.model_dump(exclude={"max_tokens"}))
        controlled_by = () if role.control is None else (_control_of(role.control),)
        self._before_seed = canonical(role.chat_template_kwargs, sampling, *controlled_by)
        read_by = () if role.reading is None else (role.reading.model_dump(),)
        self._after_seed = canonical(session.identity, role.starts_in_reasoning, *read_by)

    def of(self, problem: Problem) -> "ProblemSampler":
        """The rollouts of one problem, which share the conversation."""
        messages = conversation(self._template.render(question=problem.question, kind=problem.kind), self.role)
        return ProblemSampler(self, problem, messages)

    def request_hash(self, prompt_hash: str, seed: int) -> str:
        """Digest of a request and of the model that it goes to.

        The token limit is left out: a response that ended by itself below a limit is the same under a higher one. Where
        the response starts and how it is read are in, since they decide what of it is reasoning.
        """
        return digest_of(f'"{prompt_hash}",{self._before_seed},{seed},{self._after_seed}')


class ProblemSampler:
    """The rollouts of one problem in one mode."""

    def __init__(self, sampler: Sampler, problem: Problem, messages: tuple[Message, ...]) -> None:
        self._sampler = sampler
        self._problem = problem
        self._messages = messages
        self._prompt_hash = digest([message.model_dump() for message in messages], sampler.role.response_prefix)
        self._key = canonical(sampler.session.run_seed, problem.problem_id, sampler.mode)

    async def rollout(self, index: int, cap: int | None = None) -> Rollout:
        """The rollout of an index; one longer than `cap` tokens is of no use, and may come cut off there."""
        sampler, problem_id = self._sampler, self._problem.problem_id
        seed = seed_from(digest_of(f"{self._key},{index}"))
        request = role_request(sampler.role, self._messages, question=self._problem.question, index=index, seed=seed)
        wanted = _Wanted(
            problem_id=problem_id,
            request=_capped(request, cap),
            cap=cap,
            limit=request.sampling.max_tokens,
            whole=sampler.session.whole,
            prompt_hash=self._prompt_hash,
            request_hash=sampler.request_hash(self._prompt_hash, seed),
        )
        for known in sampler.finished.get((problem_id, sampler.mode, index), ()):
            if _still_good(known, wanted):
                limit = wanted.limit_of(known.finish_reason, known.max_tokens)
                return known.model_copy(update={"cap": cap, "max_tokens": limit})
        for failed in sampler.given_up.get((problem_id, sampler.mode, index), ()):
            if failed.request_hash == wanted.request_hash:
                return failed
        rollout = await _generate(wanted, sampler.mode, sampler.role, sampler.session)
        sampler.session.on_finish(rollout)
        return rollout


@dataclass(frozen=True)
class _Wanted:
    """A rollout to be had: its request, and the digests that an earlier rollout of the same request carries."""

    problem_id: str
    request: GenerationRequest
    cap: int | None
    limit: int
    """The token limit without a cap."""
    whole: bool
    """Whether neither cuts anything off."""
    prompt_hash: str
    request_hash: str

    def limit_of(self, finish_reason: FinishReason, asked: int) -> int:
        """The token limit of a rollout: one that ended by itself is as it would be without a cap."""
        return self.limit if self.whole or finish_reason is FinishReason.STOP else asked


def _control_of(control: ControlConfig) -> dict[str, str]:
    """What a response depends on: where the thinking ends depends on all of it."""
    prompt = "" if control.controller is None else template_hash(control.controller.template)
    return {"control": digest(control.model_dump(mode="json")), "prompt": prompt}


def _capped(request: GenerationRequest, cap: int | None) -> GenerationRequest:
    """Cut off one token after the cap: not every engine says of a response that ends at its limit that it ended."""
    if cap is None or cap >= request.sampling.max_tokens:
        return request
    return replace(request, sampling=request.sampling.model_copy(update={"max_tokens": cap + 1}))


def _still_good(known: Rollout, wanted: _Wanted) -> bool:
    if known.request_hash != wanted.request_hash or known.finish_reason.is_failure:
        return False
    if wanted.whole:
        return True
    if known.finish_reason is FinishReason.LENGTH:
        if wanted.cap is not None and known.completion_tokens > wanted.cap:
            return True
        # One that ended below its limit ran into the model's context, which may be larger now.
        return known.max_tokens == wanted.limit and known.completion_tokens >= wanted.limit
    return known.completion_tokens <= wanted.limit


async def _generate(wanted: _Wanted, mode: Mode, role: RoleConfig, session: EngineSession[Rollout]) -> Rollout:
    request = wanted.request
    error, permanent, control = None, False, None
    try:
        if role.control is None:
            completion = await session.generate(wanted.problem_id, request)
        else:
            completion, control = await _controlled(wanted, role, session)
    except EngineError as failure:
        error, permanent = valid_unicode(str(failure)), failure.permanent
        ended = FinishReason.EMPTY if failure.empty else FinishReason.ERROR
        completion = Completion(text="", finish_reason=ended, prompt_tokens=0, completion_tokens=0)
    parts = read_completion(completion, role, mode)
    hidden = hidden_tokens(completion, role.reading or DEFAULT) if parts.reasoning is None else 0
    reasoning_tokens = hidden or _reasoning_tokens(completion, parts.reasoning, parts.answer)
    return Rollout(
        problem_id=wanted.problem_id,
        mode=mode,
        index=request.index,
        seed=request.seed,
        model=session.model,
        prompt_hash=wanted.prompt_hash,
        request_hash=wanted.request_hash,
        max_tokens=wanted.limit_of(completion.finish_reason, request.sampling.max_tokens),
        cap=wanted.cap,
        text=completion.text,
        reasoning=HIDDEN if hidden else parts.reasoning,
        answer=parts.answer,
        finish_reason=completion.finish_reason,
        prompt_tokens=completion.prompt_tokens,
        reasoning_tokens=reasoning_tokens,
        answer_tokens=completion.completion_tokens - reasoning_tokens,
        completion_tokens=completion.completion_tokens,
        error=error,
        error_permanent=permanent,
        control=control,
    )


async def _controlled(wanted: _Wanted, role: RoleConfig, session: EngineSession[Rollout]) -> tuple[Completion, Control]:
    if session.reopens is None:
        raise EngineRefusedError(
            "control goes on with responses piece by piece, which this engine cannot; use one of type vllm, or of type "
            "openai without batch"
        )
    under_way = 0

    async def ask(request: GenerationRequest) -> Completion:
        nonlocal under_way
        under_way += 1
        return await session.generate(wanted.problem_id, request, further=under_way > 1)

    return await controlled(wanted.request, role, session.reopens, ask)


def _reasoning_tokens(completion: Completion, reasoning: str | None, answer: str | None) -> int:
    """Tokens of the reasoning; where the engine does not count them, its share of the characters."""
    if reasoning is None:
        return 0
    if answer is None:
        return completion.completion_tokens
    if completion.reasoning_tokens is not None:
        return min(completion.reasoning_tokens, completion.completion_tokens)
    return round(completion.completion_tokens * len(reasoning) / (len(reasoning) + len(answer)))
