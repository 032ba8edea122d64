"""How a question and a response become tokens, the same way in SFT and in RL.

A prompt is the conversation up to the assistant's turn and the format's `prompt_suffix`; a completion is the rest of
the turn and the token that ends it. Both are tokenised apart, since a model that samples starts from the prompt's
tokens.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from hipo_data.prompts.formats.format import Format
from hipo_data.prompts.formats.parts import HybridResponse
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.records import Mode

Message = Mapping[str, str]

_PROBE = "response 8fa1 goes here"
_QUESTION = ({"role": "user", "content": "question"},)


class Conversation:
    """A tokenizer and a format, checked to fit together.

    Raises `UserError`, with `advice`, where the chat template alters an assistant's turn, or does not end it with a
    token.
    """

    def __init__(self, tokenizer: Any, style: Format, advice: str) -> None:
        self.tokenizer, self.format = tokenizer, style
        # With all of the format's tags: templates that cut at `</think>` are found out by it.
        probe = style.render(HybridResponse(Mode.THINK_ON, "judge", "reasoning", _PROBE))
        whole = self._rendered([*_QUESTION, {"role": "assistant", "content": probe}])
        _, found, tail = whole.partition(probe)
        end = tokenizer(tail, add_special_tokens=False)["input_ids"] if found else []
        if not end or end[0] not in tokenizer.all_special_ids:
            raise UserError(
                f"the chat template of {tokenizer.name_or_path} alters or does not end an assistant's turn in the "
                f"{style.name} format; {advice}"
            )
        self.end_id: int = end[0]

    def prompt(self, messages: Sequence[Message]) -> str:
        """The text that a model continues with its response, for a conversation that ends in a user's turn."""
        whole = self._rendered([*messages, {"role": "assistant", "content": _PROBE}])
        return whole.rpartition(_PROBE)[0] + self.format.prompt_suffix

    def prompt_ids(self, messages: Sequence[Message]) -> list[int]:
        """`prompt` as tokens."""
        return self.encode(self.prompt(messages))

    def completion_ids(self, response: str) -> list[int]:
        """A response as tokens, without the suffix that the prompt ends in, with the token that ends the turn."""
        if not response.startswith(self.format.prompt_suffix):
            raise UserError(f"a response does not start as the {self.format.name} format does: {response[:80]!r}")
        return [*self.encode(response.removeprefix(self.format.prompt_suffix)), self.end_id]

    def encode(self, text: str) -> list[int]:
        """Tokens of a text, none added."""
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    def _rendered(self, messages: Sequence[Message]) -> str:
        text: str = self.tokenizer.apply_chat_template(list(messages), tokenize=False)
        return text


def end_ids(declared: int | list[int] | None, *others: int | None) -> list[int]:
    """The tokens that end a response, each once: the `others` that there are, and those of a generation config."""
    listed = declared if isinstance(declared, list) else [declared]
    return list(dict.fromkeys(token for token in (*others, *listed) if token is not None))
