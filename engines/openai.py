"""Endpoints that speak the OpenAI chat protocol: one, or several as a pool."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import tenacity

from hipo_data.engines.base import Completion, EngineDeadError, EngineError, GenerationRequest, PromptRequest
from hipo_data.engines.chat_reply import completion
from hipo_data.engines.chat_request import chat_body, prompt_body, prompt_tokens_about, trial_of
from hipo_data.engines.clock import Clock
from hipo_data.engines.endpoint_failure import EndpointFailure, Kind, is_malformed
from hipo_data.engines.endpoint_pool import EndpointPool, Lease, Member
from hipo_data.engines.http_endpoint import HttpEndpoint
from hipo_data.engines.model_check import check_model, note_model
from hipo_data.engines.prefix_echo import tells_by_itself
from hipo_data.engines.retrying import INCONCLUSIVE_TRIES, back_off, patiently
from hipo_data.schemas.config import Endpoint, OpenAIEngine
from hipo_data.schemas.errors import EngineRefusedError

_LOG = logging.getLogger(__name__)


class OpenAIEndpoint:
    """An engine on one or several endpoints."""

    reopens = True

    def __init__(self, config: OpenAIEngine, clock: Clock | None = None) -> None:
        self._config = config
        self._clock = clock or Clock()
        self._pool = EndpointPool(config, [], self._clock)
        self._slots = asyncio.Semaphore(config.max_in_flight)
        self._slots_owed = 0
        """Slots that were given back twice."""
        self._retrying = tenacity.AsyncRetrying(
            sleep=self._sleep,
            wait=back_off,
            retry=tenacity.retry_if_exception_type(EndpointFailure),
        )

    async def start(self) -> None:
        """Asks each endpoint for its models.

        Raises `EngineRefusedError` where a key, an address or the model is wrong at any of them, and
        `EngineDeadError` where none answers; those that do not answer while others do are rested.
        """
        config = self._config
        https = [HttpEndpoint(config, endpoint, self._clock) for endpoint in self._endpoints]
        members = [Member(config, *pair) for pair in zip(self._endpoints, https, strict=True)]
        self._pool = EndpointPool(config, members, self._clock)
        found = await asyncio.gather(*(self._look_at(http) for http in https))
        failures = [failure for failure in found if failure is not None]
        refusals = [failure for failure in failures if failure.kind is Kind.REFUSED]
        if refusals:
            raise EngineRefusedError(str(refusals[0]))
        if len(failures) == len(members):
            raise EngineDeadError("; ".join(map(str, failures)))
        for member, failure in zip(members, found, strict=True):
            if failure is not None:
                _LOG.warning("this endpoint of several rests and is tried again later: %s", failure)
                member.last_failure = failure
                member.circuit.rest(self._clock.monotonic())

    def slot(self) -> AbstractAsyncContextManager[None]:
        """Leave to have one request under way, of `max_in_flight`; the pool finds out what the endpoints take."""
        return self._slots

    async def generate(self, request: GenerationRequest) -> Completion:
        """One response; raises `EngineError` once the attempts at this request are used up."""
        question = _Question(
            hash((request.messages, request.response_prefix, repr(request.chat_template_kwargs))),
            "chat/completions",
            lambda model: chat_body(self._config, request, model),
            lambda model: chat_body(self._config, trial_of(request), model),
            request.response_prefix,
            request.reasoning_ends,
            prompt_tokens_about(request),
            request.sampling.max_tokens,
            None if tells_by_itself(request.response_prefix) else request,
        )
        return await self._answer(question)

    async def complete(self, request: PromptRequest) -> Completion:
        """One continuation of a prompt that was rendered elsewhere; raises as `generate` does."""
        question = _Question(
            hash(request.prompt),
            "completions",
            lambda model: prompt_body(self._config, request, model),
            lambda model: prompt_body(self._config, trial_of(request), model),
            "",
            (),
            len(request.prompt),
            request.sampling.max_tokens,
        )
        return await self._answer(question)

    async def _answer(self, question: "_Question") -> Completion:
        attempts = _Attempts(self._config, self._pool, question)
        try:
            return await attempts.next()  # nearly all need one, and tenacity's bookkeeping takes as long as sending it
        except EndpointFailure as error:
            first: EndpointFailure | None = error

        async def go_on() -> Completion:
            nonlocal first
            if first is not None:
                failure, first = first, None
                raise failure
            return await attempts.next()

        return await self._retrying.copy()(go_on)

    async def _sleep(self, seconds: float) -> None:
        """Until a request is tried again; meanwhile another one has its slot."""
        if self._slots_owed:
            self._slots_owed -= 1
        else:
            self._slots.release()
        try:
            await self._clock.sleep(seconds)
            await self._slots.acquire()
        except asyncio.CancelledError:
            self._slots_owed += 1  # whoever asked gives its slot back, which another one may have
            raise

    async def close(self) -> None:
        """Closes the connections."""
        for member in self._pool.members:
            await member.http.close()

    @property
    def _endpoints(self) -> list[Endpoint]:
        return self._config.endpoints or [Endpoint()]

    async def _look_at(self, http: HttpEndpoint) -> EndpointFailure | None:
        """What is wrong with an endpoint after all attempts."""
        config = self._config
        retrying = patiently(self._clock, config.max_attempts)
        try:
            await retrying(check_model, http, config.extra_body, config.max_tokens_field)
        except EndpointFailure as failure:
            return failure
        return None


@dataclass(frozen=True)
class _Question:
    """A request, whichever path takes it."""

    prompt: int
    """Digest of what is asked; the same for all rollouts of a problem in a mode."""
    path: str
    body: Callable[[str], dict[str, Any]]
    """Of the name of the model."""
    trial: Callable[[str], dict[str, Any]]
    """A body that asks in the same way, and something else."""
    prefix: str
    """What the response continues."""
    ends: tuple[str, ...]
    """Tags that end reasoning."""
    prompt_tokens: int
    max_tokens: int
    untold: GenerationRequest | None = None
    """It, where its prefix is too short to tell whether a reply repeats it."""


class _Attempts:
    """The attempts at one request.

    Once its prompt has failed as often as a request may while others passed, all rollouts of it taken together, one
    attempt is enough: a prompt that always fails costs little more than one request, however many rollouts it has.
    """

    def __init__(self, config: OpenAIEngine, pool: EndpointPool, question: _Question) -> None:
        self._config = config
        self._pool = pool
        self._question = question
        self._left = config.max_attempts
        self._left_inconclusive = INCONCLUSIVE_TRIES
        self._failed_at: Member | None = None

    async def next(self) -> Completion:
        """One attempt. Raises `EndpointFailure` where another one may do, else what `generate` raises."""
        question = self._question
        tokens = question.prompt_tokens + question.max_tokens
        lease = await self._pool.lease(question.prompt, tokens, self._failed_at)
        http = lease.member.http
        try:
            if lease.is_trial:
                await self._try(lease)
            repeats = question.untold is not None and await self._repeats_prefix(lease.member, question.untold)
            reply = await http.post(question.path, question.body(http.model))
            note_model(http, reply)
            result = completion(reply, question.prefix, question.ends, repeats_prefix=repeats)
        except EndpointFailure as error:
            failure = error
        except BaseException:
            self._pool.abandoned(lease)
            raise
        else:
            self._pool.served(lease, result.prompt_tokens + result.completion_tokens)
            return result
        failure.args = (http.without_key(str(failure)),)
        self._pool.failed(lease, failure, question.prompt_tokens)
        self._failed_at = lease.member
        if lease.is_trial:
            raise failure
        if failure.kind is Kind.REJECTED:
            raise EngineError(str(failure), permanent=True, malformed=is_malformed(failure))
        self._left -= failure.kind not in (Kind.REFUSED, Kind.UNREACHABLE)
        self._left_inconclusive -= failure.kind is Kind.INCONCLUSIVE
        is_hopeless = failure.kind.is_outage and self._pool.suspicion(question.prompt) >= self._config.max_attempts
        if self._left == 0 or self._left_inconclusive == 0 or is_hopeless:
            raise EngineError(str(failure), empty=failure.empty)
        raise failure

    async def _try(self, lease: Lease) -> None:
        """Finds out whether the endpoint is there. Raises `EndpointFailure` where it is not."""
        http, question = lease.member.http, self._question
        try:
            completion(await http.post(question.path, question.trial(http.model)), question.prefix, question.ends)
        except EndpointFailure as failure:
            if failure.kind.is_outage or failure.kind is Kind.REFUSED:
                raise
        self._pool.tried(lease)

    async def _repeats_prefix(self, member: Member, request: GenerationRequest) -> bool:
        http = member.http

        async def post(asked: GenerationRequest) -> Any:
            return await http.post("chat/completions", chat_body(self._config, asked, http.model))

        return await member.echo.repeats(request, post)
