"""The certificate of a dataset under a template: counts over all rows, and for each check that failed the first row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, Field

from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.records import Mode
from hipo_data.stages.publish.certificate.rendering import Rendered, RenderingError, Template, rendered
from hipo_data.stages.publish.certificate.row_checks import CHECKS, Row, facts, findings

EXAMPLES = 3
"""Rows of each mode that the page shows."""

Wanted = Literal["kept", "dropped"]


class Check(BaseModel):
    """One check over all rows."""

    holds: str = Field(description="what has to hold")
    looked_at: bool = Field(default=True, description="false where nobody said what is wanted")
    failed: int = Field(default=0, description="rows for which it does not")
    first: str | None = Field(default=None, description="the first of them and why")


class OfMode(BaseModel):
    """Figures of the rows of one mode."""

    rows: int = 0
    trained_characters: int = 0
    trained_tokens: int | None = Field(default=None, description="null without a tokenizer")
    longest_tokens: int | None = Field(default=None, description="of whole rows; null without a tokenizer")
    cut: int | None = Field(default=None, description="rows over the limit; null without one or without a tokenizer")
    cut_tokens: int | None = Field(default=None, description="tokens beyond it")
    empty_think: int = Field(default=0, description="rows in which an empty block of reasoning is trained")
    prompt_trained: int = Field(
        default=0, description="rows that train what their prompt holds already, harmless alone"
    )
    aloud_before: int = Field(default=0, description="think-off rows whose answer thinks aloud")
    aloud_after: int = Field(default=0, description="think-off rows of which what is trained does")


class Earlier(BaseModel):
    """What the template makes of an earlier response, tried on two rows as one conversation."""

    reasoning: Literal["kept", "dropped"] | None = Field(description="null where no row reasons")
    response: Literal["whole", "changed"]
    trained: bool


class Shown(BaseModel):
    """A row as a reader sees it: pieces of text, trained or not, and what the checks said."""

    problem_id: str
    mode: Mode
    pieces: list[tuple[bool, str]]
    said: list[str]


class Certificate(BaseModel):
    """What `validate --template` says."""

    dataset: str
    template: str
    template_sha256: str
    format: str
    trained: Literal["marked by the template", "the completion after the prompt"]
    tokenizer: str | None
    max_length: int | None
    ok: bool = False
    rows: int = 0
    failed: int = Field(default=0, description="rows for which any check does not hold")
    modes: dict[str, OfMode] = {}
    earlier: Earlier | None = Field(default=None, description="null where there are not two rows")
    checks: dict[str, Check] = {}
    versions: dict[str, str] = {}


@dataclass
class Certifying:
    """Takes rows one by one."""

    template: Template
    reasoning_field: str | None = None
    """Under which key a turn hands its reasoning to the template; null: it stands in the content."""
    count: Callable[[str], int] | None = None
    max_length: int | None = None
    wanted: Wanted | None = None
    """What is to become of the reasoning of earlier turns; null: either."""
    shown: list[Shown] = field(default_factory=list)
    rows: int = 0
    failed: int = 0
    modes: dict[str, OfMode] = field(default_factory=lambda: {mode.value: OfMode() for mode in Mode})
    checks: dict[str, Check] = field(default_factory=lambda: {name: Check(holds=it) for name, it in CHECKS.items()})
    _two: list[Mapping[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.checks["cut"].looked_at = self.max_length is not None
        self.checks["earlier_turns"].looked_at = self.wanted is not None

    def add(self, row: Mapping[str, Any], where: str) -> None:
        """A row of `sft/`, called `where` in sentences."""
        said = list(self._said(row))
        self.rows += 1
        self.failed += bool(said)
        for name, why in said:
            check = self.checks[name]
            check.failed += 1
            check.first = check.first or f"{where} (problem {row['problem_id']}): {why}"
        if len(self._two) < 2 and (self._two or Mode(row["mode"]).thinks):
            self._two.append(row)

    def _said(self, row: Mapping[str, Any]) -> list[tuple[str, str]]:
        form = FORMATS[row["format"]]
        of, own = Row.of(row, form, self.reasoning_field is not None), Mode(row["mode"])
        mode = self.modes.setdefault(own.value, OfMode())  # an arm has figures of its own
        mode.rows += 1
        try:
            switches = form.chat_template_kwargs(of.mode), form.chat_template_kwargs(of.mode.other)
            text = rendered(self.template, self._turns(row), *switches)
        except RenderingError as error:
            return [("template_error", str(error))]
        said = list(findings(of, text))
        seen = facts(of, text)
        mode.trained_characters += len(text.trained_text)
        mode.empty_think += seen.empty_think
        mode.prompt_trained += seen.prompt_trained
        mode.aloud_before += seen.aloud_before
        mode.aloud_after += seen.aloud_after
        said += self._lengths(mode, text)
        if sum(each.mode is own for each in self.shown) < EXAMPLES or (said and len(self.shown) < 4 * EXAMPLES):
            self.shown.append(
                Shown(
                    problem_id=row["problem_id"],
                    mode=own,
                    pieces=_pieces(text),
                    said=[f"{name}: {why}" for name, why in said],
                )
            )
        return said

    def _lengths(self, mode: OfMode, text: Rendered) -> list[tuple[str, str]]:
        if self.count is None:
            return []
        whole = self.count(text.whole)
        mode.trained_tokens = (mode.trained_tokens or 0) + self.count(text.trained_text)
        mode.longest_tokens = max(mode.longest_tokens or 0, whole)
        if self.max_length is None:
            return []
        over = max(0, whole - self.max_length)
        mode.cut = (mode.cut or 0) + bool(over)
        mode.cut_tokens = (mode.cut_tokens or 0) + over
        return [("cut", f"it has {whole} tokens, {over} more than {self.max_length}")] if over else []

    def _turns(self, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        turns = [dict(turn) for turn in row["messages"]]
        if self.reasoning_field is not None:
            turns[-1] = {"role": "assistant", "content": row["answer"]}
            if row["reasoning"] is not None:
                turns[-1][self.reasoning_field] = row["reasoning"]
        return turns

    def earlier(self) -> Earlier | None:
        """What becomes of the first of two responses; a check fails where another thing is wanted."""
        if len(self._two) < 2:
            return None
        first, second = self._two
        turns = [*self._turns(first), *(turn for turn in self._turns(second) if turn["role"] != "system")]
        try:
            whole, marked = self.template.render(turns, False)
        except RenderingError as error:
            if self.wanted is not None:
                self.checks["earlier_turns"].failed += 1
                self.checks["earlier_turns"].first = f"two rows as one conversation: {error}"
            return None
        answer, reasoning = first["answer"].strip(), (first["reasoning"] or "").strip()
        before = whole[: whole.rfind(second["messages"][-2]["content"])]
        at = before.rfind(answer)
        found = Earlier(
            reasoning=None if not reasoning else "kept" if reasoning in before else "dropped",
            response="whole" if first["messages"][-1]["content"] in before else "changed",
            trained=any(start <= at < end for start, end in marked),
        )
        if self.wanted is not None and found.reasoning not in (None, self.wanted):
            check = self.checks["earlier_turns"]
            check.failed += 1
            check.first = f"the reasoning of an earlier turn is {found.reasoning}, and is to be {self.wanted}"
        return found


def _pieces(text: Rendered) -> list[tuple[bool, str]]:
    """The conversation in pieces, each trained or not."""
    pieces: list[tuple[bool, str]] = []
    at = 0
    for start, end in text.trained:
        pieces += [(False, text.whole[at:start]), (True, text.whole[start:end])]
        at = end
    return [(trained, piece) for trained, piece in [*pieces, (False, text.whole[at:])] if piece]
