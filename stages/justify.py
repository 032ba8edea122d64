"""Justify: a teacher says why a problem gets its mode, and the example is put together."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engines.base import EngineError, GenerationRequest
from prompts.formats.format import Format
from prompts.formats.hipo import HIPO
from prompts.formats.parts import FormatError, HybridResponse
from prompts.parsing import split_reasoning
from prompts.rendering import PromptTemplate
from schemas.config import JustifyConfig, RoleConfig
from schemas.gold import gold_to_json
from schemas.keys import digest, seed_of
from schemas.records import KEPT_CHARS, Decision, Example, Justification, Message, Problem, Rejected, Rollout
from schemas.text import valid_unicode
from stages.engine_session import EngineSession
from stages.justification_checks import objection
from stages.role_requests import conversation, role_request

VERSION = "1"
ACCEPTED = "accepted"
_FAILED_IN_ENGINE = "engine_error"
_REFUSED_BY_ENGINE = "engine_refused"  # for good: no further attempt is made

JustificationKey = tuple[str, int]


@dataclass(frozen=True)
class Case:
    """A problem with its decision and the rollout that was kept."""

    problem: Problem
    decision: Decision
    kept: Rollout


@dataclass
class Justified:
    """Examples and attempts sorted by problem, and the cases that no accepted justification was found for."""

    examples: list[Example]
    attempts: list[Justification]
    rejected: list[Rejected]


def justification_key(attempt: Justification) -> JustificationKey:
    """What identifies an attempt within a run, sortable."""
    return attempt.problem_id, attempt.attempt


async def justify(
    cases: Sequence[Case],
    config: JustifyConfig,
    role: RoleConfig,
    session: EngineSession[Justification],
    finished: Mapping[JustificationKey, Sequence[Justification]],
    form: Format = HIPO,
) -> Justified:
    """One example a case, or a rejected row after `max_attempts`. Formats that hold no justification ask for none.

    Attempts of earlier runs in `finished` that answer the same request are taken and not made again; only an engine
    that is dead or refuses everything raises.
    """
    template = PromptTemplate(config.template)

    async def one(case: Case) -> list[Justification]:
        if not form.justifies:
            return []
        messages = _messages(case, template, role)
        attempts: list[Justification] = []
        for number in range(config.max_attempts):
            request, request_hash = _request(case, number, messages, config, role, session)
            earlier = finished.get((case.problem.problem_id, number), ())
            known = [row for row in earlier if row.request_hash == request_hash and not failed_in_engine(row)]
            if known:
                attempt = known[0]
            else:
                async with session.slot():
                    session.on_start()
                    attempt = await _attempt(case, number, request, request_hash, config, role, session, form)
                    session.on_finish(attempt)
            attempts.append(attempt)
            if attempt.verdict == ACCEPTED or attempt.verdict.startswith(_REFUSED_BY_ENGINE):
                break
        return attempts

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(case)) for case in cases]
    result = Justified(examples=[], attempts=[], rejected=[])
    for case, task in sorted(zip(cases, tasks, strict=True), key=lambda pair: pair[0].problem.problem_id):
        attempts = task.result()
        result.attempts += attempts
        try:
            if form.justifies and attempts[-1].verdict != ACCEPTED:
                raise FormatError(
                    f"{len(attempts)} justifications were refused, the last one as {attempts[-1].verdict}"
                )
            result.examples.append(_example(case, attempts, form))
        except FormatError as error:
            refused = form.justifies and attempts[-1].verdict != ACCEPTED
            reason = "no_justification" if refused else "cannot_render"
            result.rejected.append(_rejected(case, reason, str(error), attempts))
    return result


def _messages(case: Case, template: PromptTemplate, role: RoleConfig) -> tuple[Message, ...]:
    decision = case.decision
    prompt = template.render(
        question=case.problem.question,
        kind=case.problem.kind,
        mode=decision.mode,
        n_on=decision.n_on,
        right_on=decision.right_on,
        tokens_on=decision.tokens_on,
        n_off=decision.n_off,
        right_off=decision.right_off,
        tokens_off=decision.tokens_off,
    )
    return conversation(prompt, role)


def _request(
    case: Case,
    number: int,
    messages: tuple[Message, ...],
    config: JustifyConfig,
    role: RoleConfig,
    session: EngineSession[Justification],
) -> tuple[GenerationRequest, str]:
    seed = seed_of(session.run_seed, case.problem.problem_id, "justify", number)
    request = role_request(role, messages, question=case.problem.question, index=number, seed=seed)
    return request, digest(
        [message.model_dump() for message in request.messages],
        request.response_prefix,
        request.chat_template_kwargs,
        role.sampling.model_dump(),
        request.seed,
        session.identity,
        VERSION,
        config.model_dump(include={"min_chars", "max_chars"}),
        role.starts_in_reasoning,
        digest(case.kept.text, gold_to_json(case.problem.gold)),  # the checks compare the justification with both
    )


async def _attempt(
    case: Case,
    number: int,
    request: GenerationRequest,
    request_hash: str,
    config: JustifyConfig,
    role: RoleConfig,
    session: EngineSession[Justification],
    form: Format,
) -> Justification:
    assert case.decision.mode is not None
    text, verdict, prompt_tokens, completion_tokens = "", "", 0, 0
    try:
        completion = await session.generate(request)
    except EngineError as error:
        verdict = valid_unicode(f"{_REFUSED_BY_ENGINE if error.permanent else _FAILED_IN_ENGINE}: {error}")
    else:
        answer = completion.text
        if completion.reasoning is None:
            answer = split_reasoning(completion.text, role.starts_in_reasoning)[1] or ""
        text = answer.strip()
        prompt_tokens, completion_tokens = completion.prompt_tokens, completion.completion_tokens
        verdict = objection(text, completion.finish_reason, case.problem, case.kept, config, form.tags) or ACCEPTED
    return Justification(
        problem_id=case.problem.problem_id,
        attempt=number,
        seed=request.seed,
        mode=case.decision.mode,
        text=text,
        verdict=verdict,
        model=session.model,
        request_hash=request_hash,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
    )


def _example(case: Case, attempts: list[Justification], form: Format) -> Example:
    """Raises `FormatError` where the response cannot be rendered."""
    problem, decision, kept = case.problem, case.decision, case.kept
    response = HybridResponse(
        mode=kept.mode,
        justification=attempts[-1].text if attempts else "",
        reasoning=kept.reasoning,
        answer=kept.answer or "",
    )
    form.check_question(problem.question)
    return Example(
        problem_id=problem.problem_id,
        kind=problem.kind,
        split=problem.split,
        question=problem.question,
        mode=response.mode,
        justification=response.justification,
        reasoning=response.reasoning,
        answer=response.answer,
        messages=[
            Message(role="user", content=problem.question),
            Message(role="assistant", content=form.render(response)),
        ],
        format=form.name,
        completion_tokens=kept.completion_tokens,
        justification_attempts=len(attempts),
        p_on=decision.p_on,
        p_off=decision.p_off,
        delta=decision.delta,
        rule=decision.rule,
        teacher=kept.model,
        justifier=attempts[-1].model if attempts else "",
        rollout_index=kept.index,
        sources=problem.sources,
        licence=problem.licence,
    )


def _rejected(case: Case, reason: str, detail: str, attempts: list[Justification]) -> Rejected:
    return Rejected(
        stage="justify",
        reason=reason,
        detail=detail,
        key=case.problem.problem_id,
        row="\n".join(f"[{attempt.verdict}] {attempt.text}" for attempt in attempts)[:KEPT_CHARS],
        sources=case.problem.sources,
    )


def failed_in_engine(attempt: Justification) -> bool:
    """Whether the attempt says nothing of the justifier, only of the engine: it is made again."""
    return attempt.verdict.startswith(_FAILED_IN_ENGINE)
