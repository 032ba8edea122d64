"""How a question and a response become tokens, the same way in SFT, in RL and in evaluation.

A prompt is the conversation up to the assistant's turn and the format's `prompt_suffix`; a completion is the rest of
the turn and the token that ends it. Both are tokenised apart, since a model that samples starts from the prompt's
tokens.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hipo_data.prompts.formats.format import Format
from hipo_data.prompts.formats.parts import CHAT_TAGS, HybridResponse
from hipo_data.schemas.packaged import embedded
from hipo_data.schemas.records import Mode
from hipo_data.trainer.errors import UserError

Message = Mapping[str, str]

_PROBE = "response 8fa1 goes here"
_QUESTION = ({"role": "user", "content": "question"},)
_START, _END = "<|im_start|>", "<|im_end|>"
_CHATML = """\
{%- for message in messages -%}
{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|im_start|>assistant\\n' + SUFFIX -}}
{%- endif -%}
"""


class Conversation:
    """A tokenizer and a format, checked to fit together.

    Raises `UserError` where the chat template alters an assistant's turn, or does not end it with a token.
    """

    def __init__(self, tokenizer: Any, style: Format) -> None:
        self.tokenizer, self.format = tokenizer, style
        # With all of the format's tags: templates that cut at `</think>` are found out by it.
        probe = style.render(HybridResponse(Mode.THINK_ON, "judge", "reasoning", _PROBE))
        whole = self._rendered([*_QUESTION, {"role": "assistant", "content": probe}])
        _, found, tail = whole.partition(probe)
        end = tokenizer(tail, add_special_tokens=False)["input_ids"] if found else []
        if not end or end[0] not in tokenizer.all_special_ids:
            raise UserError(
                f"the chat template of {tokenizer.name_or_path} alters or does not end an assistant's turn in the "
                f"{style.name} format; set model.chat_template to chatml, or to a file with one that leaves it as it is"
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


def load_tokenizer(model: str, chat_template: str, style: Format, revision: str | None = None) -> Any:
    """The tokenizer of a model with the chat template asked for.

    chat_template: "chatml" for one that leaves every turn as it is and ends its generation prompt in the format's
    suffix, "model" for the model's own, else the path of a Jinja file.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(embedded(model), revision=revision)
    except OSError as error:
        raise UserError(f"there is no tokenizer at {model}: {str(error).splitlines()[0]}") from error
    if not tokenizer.is_fast:
        raise UserError(f"{model} has no fast tokenizer, which segments of tokens need; choose a model that has one")
    if chat_template == "chatml":
        split = [tag for tag in (_START, _END) if len(tokenizer(tag, add_special_tokens=False)["input_ids"]) != 1]
        if split:
            raise UserError(
                f"the tokenizer of {model} has no token {split[0]}, which model.chat_template: chatml needs; "
                "set it to model, or to a file"
            )
        tokenizer.chat_template = _CHATML.replace("SUFFIX", json.dumps(style.prompt_suffix))
    elif chat_template != "model":
        path = Path(chat_template)
        if not path.is_file():
            raise UserError(f"model.chat_template is '{chat_template}': neither chatml, nor model, nor a file")
        tokenizer.chat_template = path.read_text(encoding="utf-8")
    if tokenizer.chat_template is None:
        raise UserError(f"{model} has no chat template; set model.chat_template to chatml or to a file")
    tokenizer.padding_side = "left"
    return tokenizer


def own_tags(style: Format) -> list[str]:
    """The tags that belong to the format itself, not to conversations at large."""
    return [tag for tag in style.tags if tag not in CHAT_TAGS]


def split_tags(tokenizer: Any, style: Format) -> dict[str, int]:
    """The format's tags that the tokenizer writes as several tokens, and as how many."""
    counts = {tag: len(tokenizer(tag, add_special_tokens=False)["input_ids"]) for tag in own_tags(style)}
    return {tag: count for tag, count in counts.items() if count != 1}
