"""Any file of rows, or any dataset on the Hub, by the column mapping of the recipe.

A row is refused where its question is no text, where it has no gold or none is found in it, where its kind is none that
there is, or where its difficulty is no failure rate from 0 to 1. A gold may be text, a number, a list of
acceptable answers, or an object in one of the shapes of `graders.golds`.

Of multiple choice, `columns.options` names the columns with all options and the gold says which is right, or
`columns.wrong` names those with the others and the gold is what the right one says. Options are shuffled.

Where `columns.chat` names a chat, the question is its user turn, system turns are left out, and with the same column as
`gold` the gold is in the last assistant turn. A chat with several user turns is refused, unless `turns` says otherwise.
"""

import re
from dataclasses import replace
from typing import Literal

import polars as pl
from pydantic import Field, field_validator, model_validator

from hipo_data.schemas.config_node import Config
from hipo_data.schemas.records import Kind
from hipo_data.schemas.source_config import AdapterConfig
from hipo_data.stages.ingest.adapter import GOLD, KIND, QUESTION, Draft, Refusal, known_kind, text_needed
from hipo_data.stages.ingest.chats import PARTS, read_chats
from hipo_data.stages.ingest.composed_golds import choice, quantity
from hipo_data.stages.ingest.reading.columns import Column
from hipo_data.stages.ingest.solutions import stated_answers

DATASET = "table"
FILES = ""  # the recipe says which
_CHAT = "#chat"


class ColumnMapping(Config):
    """Which column holds what, for a source without an adapter. A dot reaches into nested objects: `meta.level`."""

    question: str = "question"
    context: str | None = Field(
        default=None, description="column with text that belongs below the question, such as Alpaca's `input`"
    )
    chat: str | None = Field(
        default=None,
        description="column with a chat, whose user turn is the question: turns of {role, content} or {from, value}",
    )
    gold: str = Field(
        default="answer", description="column with the gold; that of `chat`: the gold is in the last assistant turn"
    )
    options: list[str] = Field(
        default_factory=list, description="choice: columns with the options, each a text or a list of them"
    )
    wrong: list[str] = Field(
        default_factory=list, description="choice: columns with the wrong options, where the gold is the right one"
    )
    unit: str | None = Field(default=None, description="math: column with the unit of the gold")
    error: str | None = Field(default=None, description="math: column with an absolute error to allow, a number")
    entry_point: str | None = Field(
        default=None, description="code: column with the function that the gold, a text of tests, calls"
    )
    id: str | None = Field(default=None, description="column with the row's own id, which the dataset keeps")
    kind: str | None = Field(
        default=None, description="column with `math`, `code` or `choice`; else the source's `kind`"
    )
    domain: str | None = None
    difficulty: str | None = Field(
        default=None, description="column with the failure rate of a reference model, 0 to 1"
    )
    licence: str | None = None

    @model_validator(mode="after")
    def _options_or_wrong(self) -> "ColumnMapping":
        if self.options and self.wrong:
            raise ValueError("'options' has all options, 'wrong' all but the right one; leave out one of them")
        return self


class TableSource(AdapterConfig):
    """Its own keys."""

    kind: Kind = Kind.MATH
    columns: ColumnMapping = ColumnMapping()
    gold_is: Literal["answer", "solution", "letter", "index", "content"] = Field(
        default="answer",
        description="what the gold column holds; solution, of math: a text that ends in the answer, in `\\boxed{42}`, "
        "after `####` or a phrase such as `A:`; letter, index (from 0) or content of the right option, of choice, "
        "where the answer could be read as either",
    )
    tolerance: float | None = Field(
        default=None, gt=0, lt=1, description="math: relative difference from the gold that is still right"
    )
    gold_pattern: str | None = Field(
        default=None,
        description="regular expression whose last group in the gold column is the gold, such as `A: (.*)$`",
    )
    turns: Literal["one", "first"] = Field(
        default="one", description="chats with several user turns: one: refused; first: the first one is the question"
    )

    @field_validator("gold_pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"'{pattern}' is not a regular expression: {error}") from error
        return pattern

    @model_validator(mode="after")
    def _is_of_its_kind(self) -> "TableSource":
        """Keys of another kind than the source's would be read by nobody."""
        of_choice = self._set(("options", "wrong")) + ([] if self.gold_is in ("answer", "solution") else ["gold_is"])
        of_math = self._set(("unit", "error")) + (["tolerance"] if self.tolerance is not None else [])
        for keys, kind in ((of_choice, Kind.CHOICE), (of_math, Kind.MATH)):
            if keys and self.columns.kind is None and self.kind is not kind:
                raise ValueError(
                    f"'{keys[0]}' is of kind: {kind.value}, but kind is {self.kind.value}; set kind: {kind.value}, or "
                    f"leave '{keys[0]}' out"
                )
        if self.gold_is in ("letter", "index", "content") and not self._set(("options", "wrong")):
            raise ValueError(
                f"gold_is is {self.gold_is}, but no columns have options; name them as columns.options, or leave "
                "gold_is out"
            )
        if self.columns.wrong and self.gold_is in ("letter", "index"):
            raise ValueError(
                f"'wrong' has all options but the right one, which the gold column says; gold_is is {self.gold_is}: "
                "leave gold_is out, or name the columns of all options as 'options'"
            )
        return self

    def _set(self, names: tuple[str, ...]) -> list[str]:
        return [name for name in names if getattr(self.columns, name)]


CONFIG = TableSource


def columns(config: TableSource) -> list[Column]:
    """What is read of a row."""
    mapping = config.columns
    asked = Column(mapping.question) if mapping.chat is None else _any(mapping.chat)
    below = {} if mapping.context is None else {mapping.context: Column(mapping.context)}
    others = (
        *(mapping.kind, mapping.domain, mapping.licence, mapping.difficulty, mapping.id, mapping.entry_point),
        *(mapping.unit, mapping.error, *mapping.options, *mapping.wrong),
    )
    paths = {
        asked.path: asked,
        **below,
        mapping.gold: _any(mapping.gold),
        **{path: _any(path) for path in others if path is not None},
    }
    return list(paths.values())


def draft(config: TableSource) -> Draft:
    """A row as a draft."""
    mapping = config.columns
    asked = [text_needed(mapping.question)] if mapping.chat is None else _of_chat(config, mapping.chat)
    refusals = [replace(known_kind(f"column '{mapping.kind}'"), column=mapping.kind), *asked]
    in_chat = mapping.chat is not None and mapping.gold == mapping.chat
    raw = pl.col(_CHAT).struct.field("answer") if in_chat else pl.col(mapping.gold)
    missing = pl.lit("the chat has no assistant turn" if in_chat else f"column '{mapping.gold}' is missing or null")
    refusals.append(Refusal("no_gold", raw.is_null(), missing, mapping.gold))
    gold, said = _gold(config, raw)
    refusals += _without_options(config)
    gold = _composed(config, gold)
    if said is not None:
        # Not `no_gold`: a pattern that is wrong must not pass for a source without golds.
        refusals.append(Refusal("gold_not_found", raw.is_not_null() & pl.col(GOLD).is_null(), pl.lit(said)))
    difficulty = pl.lit(None, pl.Float64)
    if mapping.difficulty is not None:
        value = pl.col(mapping.difficulty)
        difficulty = value.cast(pl.Float64, strict=False)
        is_rate = difficulty.is_between(0, 1).fill_null(False)
        wrong = pl.format("column '{}' must be a failure rate from 0 to 1; it is {}", pl.lit(mapping.difficulty), value)
        refusals.append(Refusal("bad_column", value.is_not_null() & ~is_rate, wrong))
    chat = {} if mapping.chat is None else {_CHAT: pl.col(mapping.chat).map_batches(read_chats, return_dtype=PARTS)}
    whole = pl.lit(None, pl.String) if said is None else pl.when(raw != pl.col(GOLD)).then(raw)
    return Draft(
        kind=_kind(config),
        question=_question(mapping),
        gold=gold,
        domain=_optional(mapping.domain),
        licence=_optional(mapping.licence),
        difficulty=difficulty,
        refusals=refusals,
        prepared=chat,
        own_id=_optional(mapping.id),
        gold_text=whole,
    )


def _question(mapping: ColumnMapping) -> pl.Expr:
    asked = pl.col(mapping.question) if mapping.chat is None else pl.col(_CHAT).struct.field("question")
    if mapping.context is None:
        return asked
    below = pl.col(mapping.context)
    empty = below.is_null() | (below.str.strip_chars() == "")
    return pl.when(empty).then(asked).otherwise(pl.concat_str(asked, below, separator="\n\n"))


def _of_chat(config: TableSource, chat: str) -> list[Refusal]:
    """When a chat does not ask one question."""
    parts, named = pl.col(_CHAT).struct, pl.lit(chat)
    wrong, users = parts.field("objection"), parts.field("users")
    missing = Refusal("bad_column", pl.col(chat).is_null(), pl.format("column '{}' is missing or null", named), chat)
    no_chat = Refusal("bad_column", wrong.is_not_null(), pl.format("column '{}' must be a chat; {}", named, wrong))
    several = Refusal(
        "several_turns",
        (users > 1).fill_null(False),
        pl.format("the chat in column '{}' has {} user turns; 'turns: first' would take the first one", named, users),
    )
    nothing = Refusal("bad_column", pl.col(QUESTION).is_null(), pl.format("the chat in '{}' asks nothing", named))
    return [missing, no_chat, *([several] if config.turns == "one" else []), nothing]


def _gold(config: TableSource, raw: pl.Expr) -> tuple[pl.Expr, str | None]:
    """The gold within what stands in its place, and what to say where it is not found; null where all of it counts."""
    column = config.columns.gold
    if config.gold_pattern is not None:
        found = raw.map_batches(lambda texts: _last_match(texts, config.gold_pattern or ""), return_dtype=pl.String)
        return found, f"'{config.gold_pattern}' matches nothing in column '{column}'"
    if config.gold_is == "solution":
        found = raw.map_batches(stated_answers, return_dtype=pl.String)
        said = f"the solution in column '{column}' states no answer: no \\boxed{{…}}, ####, or phrase such as A:"
        return pl.when(_kind(config) == Kind.CODE.value).then(raw).otherwise(found), said
    if config.columns.entry_point is not None:
        named = pl.struct(raw.alias("test_code"), pl.col(config.columns.entry_point).alias("entry_point"))
        code = pl.when(_kind(config) == Kind.CODE.value).then(named.struct.json_encode()).otherwise(raw)
        return pl.when(raw.is_not_null()).then(code), None
    return raw, None


def _composed(config: TableSource, gold: pl.Expr) -> pl.Expr:
    """The gold with what stands in other columns: options, or unit and tolerance."""
    mapping, kind = config.columns, _kind(config)
    found = gold
    if mapping.options or mapping.wrong:
        way = config.gold_is if config.gold_is != "solution" else "answer"
        choices = choice(gold, mapping.options, mapping.wrong, way)
        found = pl.when(kind == Kind.CHOICE.value).then(choices).otherwise(found)
    if mapping.unit is not None or mapping.error is not None or config.tolerance is not None:
        measured = quantity(gold, mapping.unit, mapping.error, config.tolerance)
        found = pl.when(kind == Kind.MATH.value).then(measured).otherwise(found)
    return found


def _without_options(config: TableSource) -> list[Refusal]:
    named = [*config.columns.options, *config.columns.wrong]
    if not named:
        return []
    shown = " and ".join(f"'{path}'" for path in named)
    missing = pl.all_horizontal(pl.col(path).is_null() for path in named) & (pl.col(KIND) == Kind.CHOICE.value)
    said = f"there are no options: {shown} {'are' if len(named) > 1 else 'is'} missing or null"
    return [Refusal("bad_column", missing.fill_null(False), pl.lit(said), named[0])]


def _kind(config: TableSource) -> pl.Expr:
    return pl.lit(config.kind.value) if config.columns.kind is None else pl.col(config.columns.kind)


def _any(path: str) -> Column:
    return Column(path, any_json=frozenset({path}))


def _optional(path: str | None) -> pl.Expr:
    return pl.lit(None, pl.String) if path is None else pl.col(path)


def _last_match(texts: pl.Series, pattern: str) -> pl.Series:
    """The last group of the last match in each text; Python's expressions, which know more than Polars'."""
    compiled = re.compile(pattern, re.MULTILINE)
    group = compiled.groups
    found = [None if text is None else [match[group] for match in compiled.finditer(text)] for text in texts]
    return pl.Series(texts.name, [matches[-1] if matches else None for matches in found], dtype=pl.String)
