"""The interface of an engine and what goes through it."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from hipo_data.schemas.config import SamplingConfig
from hipo_data.schemas.records import FinishReason, Message


@dataclass(frozen=True)
class Begun:
    """A part of a response that goes on. `ids` are its tokens, null where the engine gave none, as for text of ours."""

    text: str
    ids: tuple[int, ...] | None = None


@dataclass(frozen=True)
class GenerationRequest:
    """One response wanted. `question` and `index` are for engines that look responses up instead of generating them."""

    messages: tuple[Message, ...]
    sampling: SamplingConfig
    seed: int
    question: str
    index: int
    chat_template_kwargs: dict[str, Any] = field(default_factory=dict)
    response_prefix: str = ""
    reasoning_ends: tuple[str, ...] = ("</think>",)
    """Tags that end the reasoning, for engines that count its tokens."""
    begun: tuple[Begun, ...] | None = None
    """Where a response is made in pieces, those so far, which `response_prefix` ends in; else null. An engine that can
    gives each piece as tokens and goes on from them: text that is cut into tokens anew may be cut otherwise."""


@dataclass(frozen=True)
class PromptRequest:
    """One continuation wanted of a prompt that is tokens already, for engines that take such."""

    prompt: tuple[int, ...]
    sampling: SamplingConfig
    seed: int


@dataclass(frozen=True)
class Completion:
    """One response. `reasoning` is set where the engine itself keeps it apart from `text`."""

    text: str
    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int
    reasoning: str | None = None
    reasoning_tokens: int | None = None
    """Null where the engine does not know it."""
    summary: str | None = None
    """What a server tells of reasoning that it hides: no reasoning, and never published as such."""
    ids: tuple[int, ...] | None = None
    """Its tokens, where the request is for a piece and the engine has them; without those at its end, if any, that hold
    a part of a character, which `completion_tokens` counts and `text` lacks as well."""


class EngineError(RuntimeError):
    """This request failed; others may succeed. `permanent` where asking again would only fail again.

    `malformed` where that is for the way in which it asks, which is that of all requests, and not for its own content.
    `empty` where the response holds nothing at all.
    """

    def __init__(self, message: str, *, permanent: bool = False, malformed: bool = False, empty: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.malformed = malformed
        self.empty = empty


class EngineDeadError(RuntimeError):
    """The engine can serve nothing any more; a new one may."""


class Generates(Protocol):
    """Serves many requests at once. On purpose, `generate` raises these errors and `EngineRefusedError` alone."""

    async def generate(self, request: GenerationRequest) -> Completion:
        """One response."""


@runtime_checkable
class CountsTokens(Protocol):
    """An engine that counts texts as it counts its responses."""

    def count_tokens(self, text: str) -> int:
        """Length of a text; once the engine runs."""


@runtime_checkable
class ServesWhole(Protocol):
    """An engine whose responses were there before they are asked for, so that no limit on tokens cuts them off."""

    whole: bool


@runtime_checkable
class ContinuesTurns(Protocol):
    """An engine that goes on with a response that was begun (`GenerationRequest.response_prefix`)."""

    reopens: bool
    """Whether the prefix has to hold what the generation prompt would have opened: a chat protocol has no such prompt
    where the last turn is the assistant's."""


@runtime_checkable
class CountsSteps(Protocol):
    """An engine that says whether it is at work although nothing finishes."""

    steps: int
    """Grows with each step."""


class Engine(Generates, Protocol):
    """Something that generates and has to be started and closed."""

    async def start(self) -> None:
        """Gets ready to serve. Raises `EngineRefusedError` or `EngineDeadError`."""

    def slot(self) -> AbstractAsyncContextManager[None]:
        """Leave to have one request under way: entered once there is room, first come, first served.

        Whoever has more to ask than the engine can take waits here and not in `generate`. Also before `start`. A task
        holds one slot at most.
        """

    async def close(self) -> None:
        """Frees what the engine holds."""
