"""Justify: a teacher says why a problem gets its mode, and examples are put together.

A justification is of a mode, not of a response: where a policy keeps several responses of one mode, they share it.
Responses of a pair become examples together or not at all.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hipo_data.engines.base import EngineError, GenerationRequest
from hipo_data.prompts.formats.format import Format
from hipo_data.prompts.formats.hipo import HIPO
from hipo_data.prompts.formats.parts import FormatError, HybridResponse
from hipo_data.prompts.rendering import PromptTemplate
from hipo_data.schemas.arm_rate import ArmRate
from hipo_data.schemas.config import JustifyConfig, RoleConfig
from hipo_data.schemas.gold import gold_to_json
from hipo_data.schemas.keys import digest, seed_of
from hipo_data.schemas.records import (
    KEPT_CHARS,
    Decision,
    Example,
    Justification,
    Message,
    Mode,
    Pick,
    Problem,
    Rejected,
    Rollout,
)
from hipo_data.schemas.text import valid_unicode
from hipo_data.stages.asking.engine_session import EngineSession
from hipo_data.stages.asking.responses import read_completion
from hipo_data.stages.asking.role_requests import conversation, role_request
from hipo_data.stages.justify.checks import JUDGED_BY, objection
from hipo_data.stages.justify.dearer_arm import beside_dearer

VERSION = "3"
"""Not raised for a check that refuses more: finished runs would ask for all their justifications once more."""
ACCEPTED = "accepted"
_FAILED_IN_ENGINE = "engine_error"
_REFUSED_BY_ENGINE = "engine_refused"  # for good: no further attempt is made

JustificationKey = tuple[str, str, int]


@dataclass(frozen=True)
class Case:
    """A problem with its decision and one of the responses that are kept."""

    problem: Problem
    decision: Decision
    kept: Rollout
    pick: Pick
    arms: tuple[ArmRate, ...] = ()
    """Of a recipe with arms, what the problem's rollouts came to in each that was sampled, the cheapest first."""

    @property
    def key(self) -> tuple[str, int]:
        """Sorts the cases of a run."""
        return self.problem.problem_id, self.pick.rank

    @property
    def above(self) -> Decision | None:
        """Of arms, what came of those above the kept one, where that is not what the decision says (`dearer_arm`)."""
        return beside_dearer(self.decision, self.kept.mode, self.arms)


@dataclass
class Justified:
    """Examples in order of their cases, attempts sorted by key, and the cases that became no example."""

    examples: list[Example]
    attempts: list[Justification]
    rejected: list[Rejected]


def justification_key(attempt: Justification) -> JustificationKey:
    """What identifies an attempt within a run, sortable."""
    return attempt.problem_id, attempt.mode.value, attempt.attempt


async def justify(
    cases: Sequence[Case],
    config: JustifyConfig,
    role: RoleConfig,
    session: EngineSession[Justification],
    finished: Mapping[JustificationKey, Sequence[Justification]],
    form: Format = HIPO,
    lengths: bool = True,
) -> Justified:
    """One example or one rejected row a case.

    Formats that hold no justification ask for none, the others for at most `max_attempts` a problem and mode. Attempts
    of earlier runs in `finished` that answer the same request are taken and not made again; only an engine that is dead
    or refuses everything raises. With `lengths` a prompt may say how long responses were, in tokens.
    """
    template = PromptTemplate(config.prompt)

    async def one(of_mode: list[Case]) -> list[Justification]:
        if not form.justifies:
            return []
        first = of_mode[0]
        messages = _messages(first, template, role, lengths)
        attempts: list[Justification] = []
        for number in range(config.max_attempts):
            request, request_hash = _request(of_mode, number, messages, config, role, session)
            earlier = finished.get((first.problem.problem_id, first.kept.mode.value, number), ())
            known = [row for row in earlier if row.request_hash == request_hash and not failed_in_engine(row)]
            if known:
                attempt = known[0]
            else:
                attempt = await _attempt(of_mode, number, request, request_hash, config, role, session, form)
                session.on_finish(attempt)
            attempts.append(attempt)
            if attempt.verdict == ACCEPTED or attempt.verdict.startswith(_REFUSED_BY_ENGINE):
                break
        return attempts

    groups = _by_mode(cases)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(of_mode)) for of_mode in groups]
    attempts = {
        (of_mode[0].problem.problem_id, of_mode[0].kept.mode): task.result()
        for of_mode, task in zip(groups, tasks, strict=True)
    }
    ends = [
        _end(case, attempts[case.problem.problem_id, case.kept.mode], form) for case in sorted(cases, key=_case_key)
    ]
    ends = _together(ends)
    return Justified(
        examples=[example for _, example, _ in ends if example is not None],
        attempts=sorted((row for rows in attempts.values() for row in rows), key=justification_key),
        rejected=[rejected for _, _, rejected in ends if rejected is not None],
    )


_End = tuple[Case, Example | None, Rejected | None]


def _case_key(case: Case) -> tuple[str, int]:
    return case.key


def _by_mode(cases: Sequence[Case]) -> list[list[Case]]:
    """The cases of each problem and mode, by rank."""
    found: dict[tuple[str, Mode], list[Case]] = {}
    for case in cases:
        found.setdefault((case.problem.problem_id, case.kept.mode), []).append(case)
    return [sorted(of_mode, key=_case_key) for of_mode in found.values()]


def _end(case: Case, attempts: list[Justification], form: Format) -> _End:
    """The case's example, or why it has none."""
    refused = form.justifies and attempts[-1].verdict != ACCEPTED
    try:
        if refused:
            raise FormatError(f"{len(attempts)} justifications were refused, the last one as {attempts[-1].verdict}")
        return case, _example(case, attempts, form), None
    except FormatError as error:
        return case, None, _rejected(case, "no_justification" if refused else "cannot_render", str(error), attempts)


def _together(ends: list[_End]) -> list[_End]:
    """Rejects the examples whose pair lacks the other one."""
    broken = {
        (case.problem.problem_id, case.pick.pair)
        for case, example, _ in ends
        if case.pick.pair is not None and example is None
    }
    return [
        (case, None, _rejected(case, "pair_incomplete", "the other response of its pair became no example", []))
        if example is not None and (case.problem.problem_id, case.pick.pair) in broken
        else (case, example, rejected)
        for case, example, rejected in ends
    ]


def _messages(case: Case, template: PromptTemplate, role: RoleConfig, lengths: bool) -> tuple[Message, ...]:
    decision = case.decision
    levels = [{"name": rate.mode.value, "n": rate.n, "right": rate.right} for rate in case.arms]
    prompt = template.render(
        question=case.problem.question,
        kind=case.problem.kind,
        mode=case.kept.mode.base,
        n_on=decision.n_on,
        right_on=decision.right_on,
        tokens_on=decision.tokens_on if lengths else None,
        n_off=decision.n_off,
        right_off=decision.right_off,
        tokens_off=decision.tokens_off if lengths else None,
        **({"level": case.kept.mode.value, "levels": levels} if levels else {}),
    )
    return conversation(prompt, role)


def _request(
    of_mode: list[Case],
    number: int,
    messages: tuple[Message, ...],
    config: JustifyConfig,
    role: RoleConfig,
    session: EngineSession[Justification],
) -> tuple[GenerationRequest, str]:
    problem, mode, decision, above = of_mode[0].problem, of_mode[0].kept.mode, of_mode[0].decision, of_mode[0].above
    seed = seed_of(session.run_seed, problem.problem_id, "justify", mode.value, number)
    request = role_request(role, messages, question=problem.question, index=number, seed=seed)
    return request, digest(
        [message.model_dump() for message in request.messages],
        request.response_prefix,
        request.chat_template_kwargs,
        role.sampling.model_dump(),
        request.seed,
        session.identity,
        VERSION,
        config.model_dump(include={"min_chars", "max_chars", "language"}),
        role.starts_in_reasoning,
        *([] if role.reading is None else [role.reading.model_dump()]),
        # The checks compare the justification with all of them.
        digest([case.kept.text for case in of_mode], gold_to_json(problem.gold)),
        *[each.model_dump(mode="json", include=JUDGED_BY) for each in (decision, above) if each is not None],
    )


async def _attempt(
    of_mode: list[Case],
    number: int,
    request: GenerationRequest,
    request_hash: str,
    config: JustifyConfig,
    role: RoleConfig,
    session: EngineSession[Justification],
    form: Format,
) -> Justification:
    problem, decision, kept = of_mode[0].problem, of_mode[0].decision, [case.kept for case in of_mode]
    above = of_mode[0].above
    text, verdict, prompt_tokens, completion_tokens = "", "", 0, 0
    try:
        completion = await session.generate(problem.problem_id, request)
    except EngineError as error:
        verdict = valid_unicode(f"{_REFUSED_BY_ENGINE if error.permanent else _FAILED_IN_ENGINE}: {error}")
    else:
        text = read_completion(completion, role, None).answer or ""
        prompt_tokens, completion_tokens = completion.prompt_tokens, completion.completion_tokens
        prompt = "\n".join(message.content for message in request.messages)
        finish = completion.finish_reason
        verdict = objection(text, finish, problem, decision, prompt, kept, config, form.tags, above) or ACCEPTED
    return Justification(
        problem_id=problem.problem_id,
        attempt=number,
        seed=request.seed,
        mode=kept[0].mode,
        text=text,
        verdict=verdict,
        model=session.model,
        request_hash=request_hash,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
    )


def _example(case: Case, attempts: list[Justification], form: Format) -> Example:
    """Raises `FormatError` where the response cannot be rendered."""
    problem, decision, kept, pick = case.problem, case.decision, case.kept, case.pick
    response = HybridResponse(
        mode=kept.mode,
        justification=attempts[-1].text if attempts else "",
        reasoning=kept.reasoning if pick.reasoning is None else pick.reasoning,
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
            Message(role="user", content=asked(problem.question, pick.instruction)),
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
        gold_source=decision.gold_source if kept.given is None else "given",
        source_id=problem.source_id,
    )


def asked(question: str, instruction: str | None) -> str:
    """The user's turn."""
    return question if instruction is None else f"{question}\n\n{instruction}"


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
