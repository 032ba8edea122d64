"""Faults of an endpoint, one of each kind, and a server that makes them at random, the same each time."""

import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.engines.misbehaving import Reply, answer, cut, fails, good
from tests.engines.odd_replies import ODD

ELSEWHERE = "https://elsewhere.example/v1/chat/completions"
_CHOICE = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "4"}}


def dripping(reply: Reply) -> Reply:
    """The same reply after a while, with its body in small pieces."""

    def drip(handler: BaseHTTPRequestHandler) -> None:
        sent = handler.wfile
        handler.wfile = _Dripping(sent)  # type: ignore[assignment]
        try:
            reply(handler)
        finally:
            handler.wfile = sent

    return drip


class _Dripping:
    def __init__(self, sent: Any) -> None:
        self._sent = sent

    def write(self, data: bytes) -> None:
        for start in range(0, len(data), 100):
            self._sent.write(data[start : start + 100])
            time.sleep(0.02)

    def flush(self) -> None:
        self._sent.flush()


FAULTS: dict[str, Reply] = {
    "429": fails(429, "too many requests"),
    "429 with a header": fails(429, "too many requests", headers={"retry-after-ms": "10"}),
    "500": fails(500, "internal error"),
    "503": fails(503, "overloaded"),
    "dropped mid-body": cut,
    "half of the JSON": answer('{"choices": [{"mess'),
    "no choices": answer({"choices": []}),
    "null content": good(None),
    "redirect": answer("", 307, Location=ELSEWHERE),
    "two choices": answer({"choices": [_CHOICE, _CHOICE], "usage": {"prompt_tokens": 7, "completion_tokens": 6}}),
    "missing usage": answer({"choices": [_CHOICE]}),
    "odd types": answer(ODD["content, a number"][0]),
}
"""Twelve replies of which nothing can be used, by kind; a slow drip, the last kind, is usable."""

ALWAYS: dict[str, Reply] = {
    "an error object": answer({"error": {"message": "CUDA error: an illegal memory access", "code": 500}}),
    "dropped": cut,
    "500": fails(500, "the worker crashed"),
    "503": fails(503, "try later", headers={"Retry-After": "30"}),
}
"""What a server may answer to a prompt that it can never serve."""


class FaultyServer:
    """Chooses a reply for each request: a fault of each kind with the chance `share`, else what `serve` says.

    The draw depends on the prompt, the seed, and how often that was asked before; not on the order of requests.

    Args:
        serve: the reply where there is no fault, by the body of the request.
        share: chance of each kind.
        always: the reply to a prompt that always fails, by the text of the prompt; null for all others.
    """

    def __init__(
        self,
        serve: Callable[[dict[str, Any]], Reply],
        share: float,
        always: Callable[[str], Reply | None] = lambda text: None,
    ) -> None:
        self._serve = serve
        self.share = share
        self._always = always
        self._asked: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.made: Counter[str] = Counter()
        """Faults by kind."""

    def __call__(self, body: dict[str, Any]) -> Reply:
        """The reply to a request."""
        prompt = body["messages"][-1]["content"]
        bad = self._always(prompt)
        if bad is not None:
            return bad
        key = json.dumps([body["messages"], body.get("chat_template_kwargs"), body["seed"]])
        with self._lock:
            self._asked[key] += 1
            draw = _uniform(f"{key} {self._asked[key]}")
            number = int(draw / self.share) if self.share else len(_KINDS)
            if number >= len(_KINDS):
                return self._serve(body)
            kind = _KINDS[number]
            self.made[kind] += 1
        return FAULTS[kind] if kind in FAULTS else dripping(self._serve(body))


_KINDS = [*FAULTS, "slow drip"]


def _uniform(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) / 2**64
