"""Which endpoint takes the next request: one that may, with the least load for its weight."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from hipo_data.engines.base import EngineDeadError
from hipo_data.engines.circuit import Circuit
from hipo_data.engines.clock import Clock
from hipo_data.engines.concurrency import Window
from hipo_data.engines.endpoint_failure import EndpointFailure, Kind
from hipo_data.engines.http_endpoint import HttpEndpoint
from hipo_data.engines.pace import Pace
from hipo_data.engines.prefix_echo import PrefixEcho
from hipo_data.engines.retrying import REDIRECTED_TRIES
from hipo_data.schemas.config import Endpoint, OpenAIEngine
from hipo_data.schemas.errors import EngineRefusedError

_LOG = logging.getLogger(__name__)
_WORTH_TELLING_S = 60.0


class Member:
    """An endpoint and what is known of how much it takes."""

    def __init__(self, config: OpenAIEngine, endpoint: Endpoint, http: HttpEndpoint) -> None:
        self.http = http
        self.echo = PrefixEcho()
        self.weight = endpoint.weight
        self.window = Window(endpoint.max_in_flight or config.max_in_flight)
        self.circuit = Circuit()
        self.requests = _pace(endpoint.requests_per_minute or config.requests_per_minute, config.replicas)
        self.tokens = _pace(endpoint.tokens_per_minute or config.tokens_per_minute, config.replicas)
        self.in_flight = 0
        self.paused_until = 0.0
        self.has_served = False
        self.redirected_trials = 0
        """Trials in a row that were sent elsewhere."""
        self.refusal: EndpointFailure | None = None
        self.last_failure: EndpointFailure | None = None

    def has_room(self) -> bool:
        """Whether it may take a request now or once a known time has passed."""
        return self.refusal is None and self.in_flight < self.window.limit and self.circuit.admits()

    def free_at(self) -> float:
        """When it may take the next request, as far as that is known."""
        paces = [pace.free_at() for pace in (self.requests, self.tokens) if pace is not None]
        return max(self.paused_until, self.circuit.rests_until, *paces, 0.0)


@dataclass(slots=True)
class Lease:
    """A request's permission to go to `member`."""

    member: Member
    prompt: int
    """Digest of what it asks."""
    is_trial: bool
    """Whether a trial has to pass before it (`tried`)."""
    tokens: int
    window_epoch: int
    circuit_epoch: int


class EndpointPool:
    """Hands out leases, first come, first served."""

    def __init__(self, config: OpenAIEngine, members: Sequence[Member], clock: Clock) -> None:
        self.members = tuple(members)
        self._most = config.max_in_flight
        self._give_up_after_s = config.give_up_after_s
        self._clock = clock
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()
        self._in_flight = 0

    async def lease(self, prompt: int, tokens: int, avoid: Member | None = None) -> Lease:
        """Waits until an endpoint takes a request of so many tokens, one other than `avoid` if there is a choice.

        Raises `EngineRefusedError` once every endpoint has refused for good, and `EngineDeadError` once all have
        been down for as long as the config allows.
        """
        async with self._turn:
            while True:
                now = self._clock.monotonic()
                roomy = [m for m in self.members if m.has_room()] if self._in_flight < self._most else []
                ready = [m for m in roomy if m.free_at() <= now]
                if ready:
                    chosen = min(ready, key=lambda m: (m is avoid, (m.in_flight + 1) / m.weight))
                    return self._take(chosen, prompt, tokens, now)
                self._raise_if_lost(now)
                await self._wait(min((m.free_at() for m in roomy), default=None), now)

    def tried(self, lease: Lease) -> None:
        """The trial before the request of `lease` passed: the endpoint is there, and others may go to it as well."""
        lease.member.circuit.succeeded()
        lease.member.redirected_trials = 0
        lease.is_trial = False
        lease.window_epoch, lease.circuit_epoch = lease.member.window.epoch, lease.member.circuit.epoch
        self._changed.set()

    def served(self, lease: Lease, tokens: int) -> None:
        """The request of `lease` was served and took so many tokens."""
        member = lease.member
        member.has_served = True
        member.window.succeeded(lease.window_epoch)
        member.circuit.succeeded(lease.prompt)
        self._end(lease, tokens)

    def suspicion(self, prompt: int) -> int:
        """How often a prompt has failed while others passed, since it last passed itself."""
        return sum(member.circuit.suspicion(prompt) for member in self.members)

    def failed(self, lease: Lease, failure: EndpointFailure, prompt_tokens: int) -> None:
        """The request of `lease`, or the trial before it, failed."""
        member, now = lease.member, self._clock.monotonic()
        if failure.is_redirect:
            member.redirected_trials += lease.is_trial
            if member.has_served or member.redirected_trials < REDIRECTED_TRIES:
                failure.kind = Kind.BROKEN  # `base_url` is wrong only where nothing gets past it
        kind = failure.kind
        member.last_failure = failure
        is_ours = not lease.is_trial and kind is not Kind.UNREACHABLE
        if kind.is_outage and is_ours and member.circuit.suspicion(lease.prompt):
            # It fails by itself: a pause or fewer at once would help the others as little as it.
            member.circuit.failed(lease.circuit_epoch, now, lease.prompt)
            failure.pause_s = None
            self._end(lease, prompt_tokens)
            return
        if failure.pause_s is not None and kind.may_pass:
            member.paused_until = max(member.paused_until, now + failure.pause_s)
            if failure.pause_s >= _WORTH_TELLING_S:
                _LOG.warning("%s asks for a pause of %.0f s", member.http.address, failure.pause_s)
        if kind.slows_down:
            member.window.overloaded(lease.window_epoch, member.in_flight)
        if kind.is_outage:
            member.circuit.failed(lease.circuit_epoch, now, lease.prompt if is_ours else None)
        elif kind is Kind.REFUSED:
            self.retire(member, failure)
        else:
            member.circuit.succeeded()
        self._end(lease, 0 if kind is Kind.UNREACHABLE else prompt_tokens)

    def abandoned(self, lease: Lease) -> None:
        """The request of `lease` was cancelled."""
        lease.member.circuit.unknown(lease.circuit_epoch)
        self._end(lease, lease.tokens)

    def retire(self, member: Member, failure: EndpointFailure) -> None:
        """Sends nothing to `member` any more."""
        if member.refusal is None:
            member.refusal = failure
            _LOG.warning("no more requests go to this endpoint: %s", failure)

    def all_down(self) -> bool:
        """Whether every endpoint is retired or rests."""
        return all(m.refusal is not None or m.circuit.is_open for m in self.members)

    def _take(self, member: Member, prompt: int, tokens: int, now: float) -> Lease:
        self._in_flight += 1
        member.in_flight += 1
        member.circuit.sent()
        if member.requests is not None:
            member.requests.take(1, now)
        if member.tokens is not None:
            member.tokens.take(tokens, now)
        return Lease(member, prompt, member.circuit.is_open, tokens, member.window.epoch, member.circuit.epoch)

    def _end(self, lease: Lease, tokens: int) -> None:
        self._in_flight -= 1
        lease.member.in_flight -= 1
        if lease.member.tokens is not None:
            lease.member.tokens.give_back(lease.tokens - tokens)
        self._changed.set()

    def _raise_if_lost(self, now: float) -> None:
        refusals = [m.refusal for m in self.members if m.refusal is not None]
        if len(refusals) == len(self.members):
            raise EngineRefusedError("; ".join(str(refusal) for refusal in refusals))
        left = [m for m in self.members if m.refusal is None]
        since = max(now if m.circuit.failing_since is None else m.circuit.failing_since for m in left)
        if self.all_down() and now - since >= self._give_up_after_s:
            said = "; ".join(str(m.last_failure) for m in left if m.last_failure is not None)
            raise EngineDeadError(f"{said} (down for {now - since:.0f} s)")

    async def _wait(self, until: float | None, now: float) -> None:
        """Until a request ends or, at the latest, `until`."""
        self._changed.clear()
        if until is None:
            await self._changed.wait()
            return
        waiting = [asyncio.create_task(self._clock.sleep(until - now)), asyncio.create_task(_set(self._changed))]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


async def _set(event: asyncio.Event) -> None:
    await event.wait()


def _pace(per_minute: float | None, replicas: int) -> Pace | None:
    return None if per_minute is None else Pace(per_minute / replicas)
