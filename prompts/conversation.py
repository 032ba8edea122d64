"""How a question and a response become tokens, the same way in SFT and in RL.

A prompt is the conversation up to the assistant's turn and what the format has the prompt end in: `prompt_suffix`, or
what a switch in the chat template writes for a mode. A completion is the rest of the turn and the token that ends it.
Both are tokenised apart, since a model that samples starts from the prompt's tokens.
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

    Raises `UserError`, with `advice`, where the chat template alters an assistant's turn, does not end it with a token,
    or does not ask for a mode that the format leaves to it.
    """

    def __init__(self, tokenizer: Any, style: Format, advice: str) -> None:
        self.tokenizer, self.format = tokenizer, style
        # With all of the format's tags: templates that cut at `</think>` are found out by it, and those that put an
        # empty reasoning before answers without one do not.
        self._probe = style.render(HybridResponse(Mode.THINK_ON, "judge", "reasoning", _PROBE))
        whole = self._rendered([*_QUESTION, {"role": "assistant", "content": self._probe}])
        _, found, tail = whole.partition(self._probe)
        end = tokenizer(tail, add_special_tokens=False)["input_ids"] if found else []
        if not end or end[0] not in tokenizer.all_special_ids:
            raise UserError(
                f"the chat template of {tokenizer.name_or_path} alters or does not end an assistant's turn in the "
                f"{style.name} format; {advice}"
            )
        self.end_id: int = end[0]
        self._given = {mode: self._held(mode, advice) for mode in Mode if style.chat_template_kwargs(mode)}
        if len(self._given) > 1 and len(set(self._given.values())) == 1:
            raise UserError(
                f"the chat template of {tokenizer.name_or_path} gives both modes of the {style.name} format the same "
                f"prompt, and its prompt is what tells the mode; {advice}"
            )

    def given(self, mode: Mode | None = None) -> str:
        """What the prompt of a mode ends in after the bare generation prompt; null where the model is to choose.

        The format's `given`, except that some templates write more of a switched mode's beginning, as Qwen3.5's does.
        """
        suffix = self.format.prompt_suffix
        return suffix if mode is None else self._given.get(mode, suffix)

    def prompt(self, messages: Sequence[Message], mode: Mode | None = None) -> str:
        """The text that a model continues with its response, for a conversation that ends in a user's turn."""
        whole = self._rendered([*messages, {"role": "assistant", "content": self._probe}])
        return whole.rpartition(self._probe)[0] + self.given(mode)

    def prompt_ids(self, messages: Sequence[Message], mode: Mode | None = None) -> list[int]:
        """`prompt` as tokens."""
        return self.encode(self.prompt(messages, mode))

    def completion_ids(self, response: str, mode: Mode | None = None) -> list[int]:
        """A response as tokens, without what the prompt ends in already, with the token that ends the turn."""
        given = self.given(mode)
        if not response.startswith(given):
            raise UserError(f"a response does not start as the {self.format.name} format does: {response[:80]!r}")
        return [*self.encode(response.removeprefix(given)), self.end_id]

    def encode(self, text: str) -> list[int]:
        """Tokens of a text, none added."""
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    def _held(self, mode: Mode, advice: str) -> str:
        """What the chat template writes where it is asked for a mode."""
        bare, start = self.prompt(_QUESTION), self.format.forced_prefix(mode)
        asked = self._rendered(_QUESTION, add_generation_prompt=True, **self.format.chat_template_kwargs(mode))
        if not asked.startswith(bare) or not start.startswith(asked.removeprefix(bare)):
            raise UserError(
                f"the chat template of {self.tokenizer.name_or_path} ends prompts that ask for {mode} in "
                f"{asked[-24:]!r}, and such responses in the {self.format.name} format begin with {start!r}; {advice}"
            )
        return asked.removeprefix(bare)

    def _rendered(self, messages: Sequence[Message], **switch: Any) -> str:
        text: str = self.tokenizer.apply_chat_template(list(messages), tokenize=False, **switch)
        return text


def end_ids(declared: int | list[int] | None, *others: int | None) -> list[int]:
    """The tokens that end a response, each once: the `others` that there are, and those of a generation config."""
    listed = declared if isinstance(declared, list) else [declared]
    return list(dict.fromkeys(token for token in (*others, *listed) if token is not None))
