"""Golds in bulk: what the row says becomes the JSON of a tagged gold, or a reason why nothing can be graded with it."""

import polars as pl
from pydantic_core import PydanticSerializationError

from hipo_data.graders.golds import NO_ANSWER, GoldError, parse_gold
from hipo_data.schemas.gold import NO_GOLD, gold_to_json
from hipo_data.schemas.records import KEPT_CHARS, Kind
from hipo_data.schemas.text import valid_unicode
from hipo_data.stages.ingest.reading.columns import DETAIL, REFUSED

_SPACE = "".join(character for character in map(chr, range(0x3001)) if character.isspace())
"""What Python strips, which is more than Polars does by itself."""

_GAP = r"[ \t\r\n]*"
_TEXT = r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt])*"'
"""JSON for certain; with other escapes it may be Python, or no text at all."""


def _list_of(item: str) -> str:
    return rf"\[{_GAP}{item}(?:{_GAP},{_GAP}{item})*{_GAP}\]"


def _object_of(**fields: str) -> str:
    pairs = rf"{_GAP},{_GAP}".join(rf'"{name}"{_GAP}:{_GAP}{value}' for name, value in fields.items())
    return rf"\{{{_GAP}{pairs}{_GAP}\}}"


_MORE_THAN_ONE = r"""^(?:\[|\{\s*["'])"""
"""Begins a list of answers, or an object: one with the answer in a field, or a gold that this project wrote."""
_LIST_OF_TEXTS = rf"^{_list_of(_TEXT)}$"
_INPUTS_OUTPUTS = rf"^{_object_of(inputs=_list_of(_TEXT), outputs=_list_of(_TEXT))}$"
_CASES = _list_of(_object_of(input=_TEXT, output=_TEXT))
_TEST_CASES = rf"^(?:{_object_of(test_cases=_CASES)}|{_object_of(test_cases=_CASES, language=_TEXT)})$"

_TEXTS = pl.List(pl.String)
_PAIRED = pl.Struct({"inputs": _TEXTS, "outputs": _TEXTS})
_LISTED = pl.Struct({"test_cases": pl.List(pl.Struct({"input": pl.String, "output": pl.String}))})


def parse_golds(frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with its text column `gold` as JSON; `refused` and `refused_detail` where it says nothing usable.

    Single answers, plain lists of them and tests as pairs of texts, which most golds are, never leave Polars;
    `graders.golds` reads the others.
    """
    none = pl.lit(None, pl.String)
    stripped = frame.lazy().select("kind", pl.col("gold").str.strip_chars(_SPACE))
    found = _in_bulk(stripped).with_columns(none.alias(REFUSED), none.alias(DETAIL)).collect()
    if found["gold"].null_count():
        rest = frame.select("kind", "gold").with_row_index("at").filter(found["gold"].is_null())
        parsed = [(at, *_parse(kind, gold)) for at, kind, gold in rest.iter_rows()]
        schema = {"at": pl.UInt32, "gold": pl.String, REFUSED: pl.String, DETAIL: pl.String}
        found = (
            found.with_row_index("at")
            .update(pl.DataFrame(parsed, schema=schema, orient="row"), on="at", how="left")
            .drop("at")
        )
    return frame.with_columns(found)


def kept_without(frame: pl.DataFrame) -> pl.DataFrame:
    """What `parse_golds` gives, with math problems that have no gold kept, by responses to be voted on."""
    keeps = (pl.col(REFUSED) == "empty_gold") & _is(Kind.MATH)
    gold = pl.when(keeps).then(pl.lit(NO_GOLD)).otherwise("gold").alias("gold")
    return frame.with_columns(gold, *(pl.when(~keeps).then(name).alias(name) for name in (REFUSED, DETAIL)))


def _in_bulk(golds: pl.LazyFrame) -> pl.LazyFrame:
    """The column `gold` as JSON, null where there is more to it or nothing in it. No expression is computed twice."""
    decoded = golds.select(
        _decoded(Kind.MATH, _LIST_OF_TEXTS, _TEXTS).alias("answers"),
        _decoded(Kind.CODE, _INPUTS_OUTPUTS, _PAIRED).struct.unnest(),
        _decoded(Kind.CODE, _TEST_CASES, _LISTED).struct.unnest(),
        pl.when(_is(Kind.MATH) & ~pl.col("gold").str.contains(_MORE_THAN_ONE))
        .then(pl.concat_list("gold"))
        .alias("single"),
    )
    listed = pl.col("answers").list.eval(pl.element().str.strip_chars(_SPACE))
    answers = pl.coalesce("single", listed).list.filter(~pl.element().is_in([*NO_ANSWER])).alias("answers")
    inputs, outputs = (
        pl.coalesce(f"{name}s", pl.col("test_cases").list.eval(pl.element().struct.field(name))).alias(f"{name}s")
        for name in ("input", "output")
    )
    return decoded.select(answers, inputs, outputs).select(
        pl.when(pl.col("answers").list.len() > 0)
        .then(pl.struct(pl.lit(Kind.MATH.value).alias("type"), "answers").struct.json_encode())
        .when(pl.col("inputs").list.len() == pl.col("outputs").list.len())
        .then(pl.struct(pl.lit("stdin").alias("type"), "inputs", "outputs").struct.json_encode())
        .alias("gold")
    )


def _is(kind: Kind) -> pl.Expr:
    return pl.col("kind") == kind.value


def _decoded(kind: Kind, pattern: str, dtype: pl.DataType) -> pl.Expr:
    return pl.when(_is(kind) & pl.col("gold").str.contains(pattern)).then("gold").str.json_decode(dtype)


def _parse(kind: str, gold: str) -> tuple[str | None, str | None, str | None]:
    try:
        return gold_to_json(parse_gold(kind, gold)), None, None
    except GoldError as error:
        return None, error.reason, valid_unicode(str(error)[:KEPT_CHARS])
    except PydanticSerializationError as error:  # escapes in its JSON can smuggle in halves of surrogate pairs
        return None, "bad_gold", f"the gold holds text that is not valid Unicode: {error}"
