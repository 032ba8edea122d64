"""A row as a chat template renders it for training, and which characters of it are trained."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jinja2 import TemplateError

_MARKS = re.compile(r"\{%-?\s*generation\s*-?%\}")

Turns = Sequence[Mapping[str, Any]]


class RenderingError(ValueError):
    """A template that refuses a conversation, with its own words."""


@dataclass(frozen=True)
class Template:
    """A chat template, with the special tokens that its tokenizer gives it."""

    name: str
    text: str
    tokens: Mapping[str, str] = field(default_factory=dict)

    @property
    def marks(self) -> bool:
        """Whether it marks what is trained (`{% generation %}`), as assistant-only losses need; else the completion
        after the generation prompt is."""
        return _MARKS.search(self.text) is not None

    def render(self, turns: Turns, prompt: bool, **switch: Any) -> tuple[str, list[tuple[int, int]]]:
        """The text, and its marked ranges of characters. Raises `RenderingError`."""
        from transformers.utils.chat_template_utils import render_jinja_template

        try:
            texts, marked = render_jinja_template(
                conversations=[[dict(turn) for turn in turns]],
                chat_template=self.text,
                return_assistant_tokens_mask=self.marks,
                add_generation_prompt=prompt,
                **{**self.tokens, **switch},
            )
        except (TemplateError, TypeError, ValueError, KeyError, AttributeError) as error:
            raise RenderingError(" ".join(str(error).split()) or type(error).__name__) from error
        return texts[0], [(start, end) for start, end in marked[0]] if self.marks else []


@dataclass(frozen=True)
class Rendered:
    """A conversation that ends in a response."""

    whole: str
    prompt: str
    """The generation prompt of the row's mode, with all before it."""
    other: str
    """The same of the other mode."""
    start: int
    """Where the last turn begins in `whole`."""
    trained: tuple[tuple[int, int], ...]
    """Ranges of the last turn that the loss is on."""

    @property
    def turn(self) -> str:
        """The last turn with what stands around it."""
        return self.whole[self.start :]

    @property
    def trained_text(self) -> str:
        """What the loss is on."""
        return "".join(self.whole[start:end] for start, end in self.trained)


def rendered(template: Template, turns: Turns, switch: Mapping[str, Any], other: Mapping[str, Any]) -> Rendered:
    """A conversation for training, with the template's arguments for its mode and for the other one.

    Raises `RenderingError`.
    """
    whole, marked = template.render(turns, False, **switch)
    before, _ = template.render(turns[:-1], False, **switch)
    prompt, _ = template.render(turns[:-1], True, **switch)
    others = template.render(turns[:-1], True, **other)[0]
    start = common(whole, before)
    if template.marks:
        trained = [(max(start, a), b) for a, b in marked if b > start]
    else:
        trained = [(common(whole, prompt), len(whole))]
    return Rendered(whole, prompt, others, start, tuple(trained))


def common(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
