"""What every format can do."""

from typing import Any, Protocol

from hipo_data.prompts.formats.parts import HybridResponse, Span
from hipo_data.schemas.records import Mode


class Format(Protocol):
    """How a hybrid response is written down, and how a model is asked for one.

    A response's text is the whole assistant turn: all that follows the bare generation prompt (such as
    `<|im_start|>assistant\\n`), whether the model wrote it or its prompt already held it. To parse a rollout, put what
    the prompt held beyond the bare generation prompt in front of what the model wrote, and leave out the token that
    ended the turn.
    """

    @property
    def name(self) -> str:
        """The name in recipes and in the column `format`."""

    @property
    def tags(self) -> tuple[str, ...]:
        """Texts with a meaning of their own; none may stand inside a part."""

    @property
    def justifies(self) -> bool:
        """Whether the text holds the justification; if not, it is ignored, and parsed as an empty one."""

    @property
    def prompt_suffix(self) -> str:
        """What the prompt ends in, after the bare generation prompt, where the model is to choose the mode itself.

        Every text of the format starts with it.
        """

    def written_as(self, mode: Mode) -> Mode:
        """The mode that a response in `mode` parses back as: its own where its text tells it, else `mode.base`."""

    def render(self, response: HybridResponse) -> str:
        """The response as text. Raises `FormatError` where the text would not parse back to the response."""

    def parse(self, text: str) -> HybridResponse:
        """The inverse of `render`. Raises `FormatError` on any other text."""

    def segments(self, text: str) -> list[Span]:
        """The spans of characters that partition a text, in its order.

        A text that was cut off, as by a limit of tokens, has the segments that it reached. Raises `FormatError` where
        the text is not the beginning of any response in the format.
        """

    def forced_prefix(self, mode: Mode, justification: str = "") -> str:
        """The start of a text by which a rollout is forced into a mode, `prompt_suffix` or `given` included.

        It ends with what tells the mode. Where nothing but the presence of reasoning does, it ends where the
        reasoning starts, and a model can still leave the reasoning out. Raises `FormatError` where the justification
        holds a tag.
        """

    def chat_template_kwargs(self, mode: Mode) -> dict[str, Any]:
        """What the model's own chat template takes to ask for the mode; empty where it has no such switch.

        Where it is not empty, send this or the forced prefix, not both: the template writes the prefix itself.
        """

    def given(self, mode: Mode) -> str:
        """What the prompt of a mode ends in after the bare generation prompt: context, of which nothing is trained.

        Every text of the mode starts with it. It is `prompt_suffix`, except where a switch in the chat template asks
        for the mode and the template writes what tells it. Where the model tells the mode, it is in no prompt.
        """

    def check_question(self, question: str) -> None:
        """Raises `FormatError` where the question would break out of its turn in the conversation."""
