"""axolotl: conversations in OpenAI's shape, with what of an answer is trained on."""

import polars as pl

from hipo_data.stages.publish.exports.turns import given

_DETAIL = pl.List(pl.Struct({"begin_offset": pl.Int64, "end_offset": pl.Int64, "train": pl.Boolean}))


def messages(examples: pl.DataFrame) -> pl.DataFrame:
    """`messages`, with the key and the mode beside them.

    Where the prompt of an answer's mode holds its beginning, `train_detail` of the last turn is the first and the last
    character of the rest, which alone is trained on. It is null in other turns.

    Args:
        examples: columns of `schemas.records.Example`.
    """
    turns = pl.col("messages")
    answer = turns.list.last().struct
    begin = given(examples).str.len_chars().cast(pl.Int64)
    last = answer.field("content").str.len_chars().cast(pl.Int64) - 1
    rest = pl.concat_list(pl.struct(begin_offset=begin, end_offset=last, train=pl.lit(True)))
    marked = pl.struct(
        answer.field("role"), answer.field("content"), pl.when(begin > 0).then(rest).cast(_DETAIL).alias("train_detail")
    )
    before = turns.list.head(turns.list.len() - 1).list.eval(_unmarked(pl.element()))
    return examples.select("problem_id", "mode", before.list.concat(pl.concat_list(marked)).alias("messages"))


def _unmarked(turn: pl.Expr) -> pl.Expr:
    role, content = turn.struct.field("role"), turn.struct.field("content")
    return pl.struct(role, content, pl.lit(None, dtype=_DETAIL).alias("train_detail"))
