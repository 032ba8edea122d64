"""Formats that are parts between tags: one description of the texts of each mode, from which all else follows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hipo_data.prompts.formats.parts import CHAT_TAGS, FormatError, HybridResponse, Segment, Span
from hipo_data.schemas.records import Mode


@dataclass(frozen=True)
class Tag:
    """Fixed text."""

    text: str
    segment: Segment = Segment.TAGS


Layout = tuple[Tag | Segment, ...]
"""Fixed texts, and `judge`, `reasoning` and `answer` where the part of that name stands."""

_PART = {Segment.JUDGE: "justification", Segment.REASONING: "reasoning", Segment.ANSWER: "answer"}


def _unopposed(response: HybridResponse) -> str | None:
    return None


@dataclass(frozen=True, eq=False)
class TaggedFormat:
    """A `Format` of fixed texts and parts. A part ends where the text that follows it first stands.

    `arms` are layouts of modes of their own, beside those of the two that all others are written down as.

    `opener` is what a forced response begins its reasoning with; `switched` is what the chat template writes into the
    prompt of a mode that `template_kwargs` ask for, where that is not `prompt_suffix`; `objection` says why the model's
    own chat template would alter a response, or null; `tags` and `question_tags` may not stand in a part and in a
    question.
    """

    name: str
    think_on: Layout
    think_off: Layout
    tags: tuple[str, ...]
    arms: Mapping[Mode, Layout] = field(default_factory=dict)
    prompt_suffix: str = ""
    opener: str = ""
    template_kwargs: Mapping[Mode, Mapping[str, Any]] = field(default_factory=dict)
    switched: Mapping[Mode, str] = field(default_factory=dict)
    question_tags: tuple[str, ...] = CHAT_TAGS
    objection: Callable[[HybridResponse], str | None] = _unopposed

    @property
    def justifies(self) -> bool:
        """See `Format`."""
        return Segment.JUDGE in self.think_on

    def render(self, response: HybridResponse) -> str:
        """See `Format`."""
        if response.mode.thinks != (response.reasoning is not None):
            raise FormatError(
                f"a {response.mode} response {'lacks' if response.reasoning is None else 'has'} reasoning"
            )
        layout = self._layout(response.mode)
        parts = {piece: getattr(response, _PART[piece]) for piece in layout if not isinstance(piece, Tag)}
        self._refuse_tags({_PART[piece]: part for piece, part in parts.items()})
        self._object(response)
        text = "".join(piece.text if isinstance(piece, Tag) else parts[piece] for piece in layout)
        mode, spans, whole = self._read(text)
        said = response.justification if self.justifies else ""
        kept = replace(response, mode=self.written_as(response.mode), justification=said)
        if not whole or self._response(mode, text, spans) != kept:
            raise FormatError(f"the {self.name} format cannot tell this {response.mode} response from another one")
        return text

    def parse(self, text: str) -> HybridResponse:
        """See `Format`."""
        mode, spans, whole = self._read(text)
        response = self._response(mode, text, spans)
        self._refuse_tags(self._parts(text, spans))
        if not whole:
            raise FormatError(f"the text breaks off before the end of a response in the {self.name} format")
        self._object(response)
        return response

    def segments(self, text: str) -> list[Span]:
        """See `Format`."""
        _, spans, _ = self._read(text)
        self._refuse_tags(self._parts(text, spans))
        return spans

    def forced_prefix(self, mode: Mode, justification: str = "") -> str:
        """See `Format`."""
        text = ""
        for piece in self._layout(mode):
            if piece is Segment.JUDGE:
                self._refuse_tags({_PART[piece]: justification})
                text += justification
            elif not isinstance(piece, Tag):
                return text + self.opener
            else:
                text += piece.text
                if piece.segment is Segment.MODE:
                    return text
        raise AssertionError(f"the {self.name} format has neither a mode tag nor a part in {mode}")

    def chat_template_kwargs(self, mode: Mode) -> dict[str, Any]:
        """See `Format`."""
        return dict(self.template_kwargs.get(Mode(mode).base, {}))

    def given(self, mode: Mode) -> str:
        """See `Format`."""
        return self.switched.get(Mode(mode).base, self.prompt_suffix)

    def check_question(self, question: str) -> None:
        """See `Format`."""
        _refuse_any(self.question_tags, "question", question)

    def written_as(self, mode: Mode) -> Mode:
        """See `Format`."""
        return mode if mode in self.arms else Mode(mode).base

    def _layout(self, mode: Mode) -> Layout:
        return self.arms.get(Mode(mode)) or (self.think_on if Mode(mode).thinks else self.think_off)

    def _read(self, text: str) -> tuple[Mode, list[Span], bool]:
        readings = [(mode, _walk(self._layout(mode), text)) for mode in (Mode.THINK_OFF, *self.arms, Mode.THINK_ON)]
        found = [(mode, *reading) for mode, reading in readings if reading is not None]
        if not found:
            shapes = " or ".join(map(_shown, (self.think_on, *self.arms.values(), self.think_off)))
            raise FormatError(f"the text is not in the {self.name} format, which is {shapes}")
        return max(found, key=lambda each: each[2])  # a whole reading before one that breaks off; think-off in a tie

    def _parts(self, text: str, spans: list[Span]) -> dict[str, str]:
        return {_PART[span.segment]: text[span.start : span.end] for span in spans if span.segment in _PART}

    def _response(self, mode: Mode, text: str, spans: list[Span]) -> HybridResponse:
        parts = self._parts(text, spans)
        return HybridResponse(
            mode=mode,
            justification=parts.get("justification", ""),
            reasoning=parts.get("reasoning"),
            answer=parts.get("answer", ""),
        )

    def _object(self, response: HybridResponse) -> None:
        objection = self.objection(response)
        if objection is not None:
            raise FormatError(objection)

    def _refuse_tags(self, parts: Mapping[str, str]) -> None:
        for name, part in parts.items():
            _refuse_any(self.tags, name, part)


def _refuse_any(tags: tuple[str, ...], name: str, text: str) -> None:
    found = next((tag for tag in tags if tag in text), None)
    if found is not None:
        raise FormatError(f"the {name} contains the tag {found}")


def _walk(layout: Layout, text: str) -> tuple[list[Span], bool] | None:
    """The spans of a text and whether it is whole, or null where it is not the beginning of any such text."""
    spans: list[Span] = []
    at = 0
    for piece, following in zip(layout, (*layout[1:], None), strict=True):
        if isinstance(piece, Tag):
            segment, end = piece.segment, at + len(piece.text)
            rest = text[at:end]
            if rest != piece.text:
                if not piece.text.startswith(rest):
                    return None
                return [*spans, Span(segment, at, len(text))] if rest else spans, False
        else:
            segment = piece
            end = text.find(following.text, at) if isinstance(following, Tag) else len(text)
            if end < 0 and isinstance(following, Tag):
                end = len(text) - _started(following.text, text[at:])
        spans.append(Span(segment, at, end))
        at = end
    return (spans, True) if at == len(text) else None


def _started(tag: str, text: str) -> int:
    """How many characters of a tag a text ends in."""
    return next((size for size in range(len(tag) - 1, 0, -1) if text.endswith(tag[:size])), 0)


def _shown(layout: Layout) -> str:
    return repr("".join(piece.text if isinstance(piece, Tag) else f"{{{_PART[piece]}}}" for piece in layout))
