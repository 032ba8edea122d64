"""The parts of a hybrid response, common to all formats."""

from dataclasses import dataclass
from enum import StrEnum

from hipo_data.schemas.records import Mode


class FormatError(ValueError):
    """A response that cannot be rendered so that it parses back, or a text that is not in the format."""


@dataclass(frozen=True)
class HybridResponse:
    """What a format renders and parses. `reasoning` is null in think-off responses and only there."""

    mode: Mode
    justification: str
    reasoning: str | None
    answer: str


class Segment(StrEnum):
    """What a stretch of a response is.

    `mode` is the text that tells the mode. It is absent where what tells the mode is that reasoning follows. `tags` is
    all other text of the format itself.
    """

    JUDGE = "judge"
    MODE = "mode"
    REASONING = "reasoning"
    ANSWER = "answer"
    TAGS = "tags"


@dataclass(frozen=True)
class Span:
    """A half-open range, of characters or of tokens, that holds one segment. Empty where a part is empty."""

    segment: Segment
    start: int
    end: int


CHATML_TAGS = ("<|im_start|>", "<|im_end|>")
"""Control tokens of Qwen's conversations."""

CHAT_TAGS = (
    *CHATML_TAGS,
    "<|endoftext|>",
    "<｜User｜>",
    "<｜Assistant｜>",
    "<｜begin▁of▁sentence｜>",
    "<｜end▁of▁sentence｜>",
)
"""Control tokens of Qwen's and DeepSeek's conversations, whose models the published formats were trained on."""
