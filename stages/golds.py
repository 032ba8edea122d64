"""Golds in bulk: what the row says becomes the JSON of a tagged gold, or a reason why nothing can be graded with it."""

import polars as pl
from pydantic_core import PydanticSerializationError

from graders.golds import NO_ANSWER, GoldError, parse_gold
from schemas.gold import gold_to_json
from schemas.records import KEPT_CHARS, Kind
from schemas.text import valid_unicode
from stages.sources.columns import DETAIL, REFUSED

_SPACE = "".join(character for character in map(chr, range(0x3001)) if character.isspace())
"""What Python strips, which is more than Polars does by itself."""

_TEXT = r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt])*"'
_LIST_OF_TEXTS = rf"^\[\s*{_TEXT}(?:\s*,\s*{_TEXT})*\s*\]$"
"""JSON for certain; with other escapes it may be a Python list instead."""


def parse_golds(frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with its text column `gold` as JSON; `refused` and `refused_detail` where it says nothing usable.

    Single answers and plain lists of them, which most golds are, never leave Polars; `graders.golds` reads the others.
    """
    text = pl.col("gold").str.strip_chars(_SPACE)
    is_math = pl.col("kind") == Kind.MATH.value
    single = pl.when(is_math & ~text.str.starts_with("[")).then(pl.concat_list(text))
    listed = pl.when(is_math & text.str.contains(_LIST_OF_TEXTS)).then(text).str.json_decode(pl.List(pl.String))
    answers = pl.coalesce(single, listed.list.eval(pl.element().str.strip_chars(_SPACE)))
    answers = answers.list.filter(~pl.element().is_in([*NO_ANSWER]))
    as_json = pl.struct(type=pl.lit(Kind.MATH.value), answers=answers).struct.json_encode()
    found = frame.select(
        pl.when(answers.list.len() > 0).then(as_json).alias("gold"),
        pl.lit(None, pl.String).alias(REFUSED),
        pl.lit(None, pl.String).alias(DETAIL),
    )
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


def _parse(kind: str, gold: str) -> tuple[str | None, str | None, str | None]:
    try:
        return gold_to_json(parse_gold(kind, gold)), None, None
    except GoldError as error:
        return None, error.reason, valid_unicode(str(error)[:KEPT_CHARS])
    except PydanticSerializationError as error:  # escapes in its JSON can smuggle in halves of surrogate pairs
        return None, "bad_gold", f"the gold holds text that is not valid Unicode: {error}"
