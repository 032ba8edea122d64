"""What an evaluation needs of whatever writes the responses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from hipo_data.prompts.formats.format import Format
from hipo_data.schemas.records import FinishReason, Mode

Chat = Sequence[Mapping[str, str]]
"""Messages of a conversation, each with `role` and `content`."""


@dataclass(frozen=True)
class Sampling:
    """How responses are drawn. A temperature of 0 is greedy."""

    temperature: float = 0.6
    top_p: float = 0.95
    max_tokens: int = 16384
    """Of a response; a model's context may leave less."""
    until: str | None = None
    """A text that ends a response and stands at its end; null where the model ends it."""


@dataclass(frozen=True)
class Ask:
    """One response to write.

    `forced` is the mode to force, null where the model is to choose. Where the format justifies the mode, backends have
    the model write the justification first, and go on with an ask that holds it and the tokens that it took.
    """

    chat: Chat
    seed: int
    forced: Mode | None = None
    justification: str | None = None
    spent: int = 0


@dataclass(frozen=True)
class Reply:
    """What was written.

    `text` is the whole assistant turn as the formats read it: what the prompt held of the response, and what the model
    wrote, without the token that ended it; its first `given` characters are the prompt's. `tokens` counts what the
    model wrote, and is null where it wrote nothing because the request failed; `error` then says why.
    """

    text: str
    tokens: int | None
    finish_reason: FinishReason
    starts_in_reasoning: bool = False
    """Whether the prompt of a model without a format ended in an opening `<think>`."""
    error: str | None = None
    given: int = 0


class Backend(Protocol):
    """Where responses come from."""

    @property
    def name(self) -> str:
        """Its kind, for results."""

    @property
    def details(self) -> Mapping[str, Any]:
        """What else decides its responses, for results; JSON, no secrets."""

    def start(self, model: str, response_format: Format | None) -> None:
        """Makes it ready. Raises `UserError` where the model cannot be used, or not with this format."""

    def generate(self, asks: Sequence[Ask], sampling: Sampling) -> list[Reply]:
        """A reply to each ask, in order."""

    def close(self) -> None:
        """Gives back what `start` took."""


@dataclass(frozen=True)
class LocalModel:
    """Options of the backends that load a model themselves."""

    allow_split_tags: bool = False
    """Go on where the tokenizer splits a tag of the format."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Further arguments of the engine."""
