"""a-m-team/AM-Thinking-v1-Distilled: about 1.89 million responses of reasoning models, 558k math and 324k code.

| column | holds |
| --- | --- |
| `conversations` | turns {from, value, info}: one of `human`, the question, and one of `assistant`, a response |
| `info.category` | `math`, `code` or another domain |
| `info.source` | where the problem is from |
| `info.ground_truth` | the gold of a math problem |
| `info.test_case` | the gold of a code problem: tests, as an object or as its JSON |
| `info.model_name` | the model that wrote the response |

Its six files do not share a schema, so each is read by these columns alone; a file may also keep `info` beside the
turns instead of within one. Other domains are refused as such. The authors kept responses that a model judged right, or
that passed nine tests in ten: their `verify_score` is not read, and `import_rollouts` has each response graded anew.
"""

import polars as pl
import pyarrow as pa
from pydantic import Field

from hipo_data.schemas.records import Kind
from hipo_data.schemas.source_config import AdapterConfig
from hipo_data.stages.ingest.adapter import GOLD, QUESTION, Draft, Refusal, known_kind
from hipo_data.stages.ingest.reading.columns import Column

DATASET = "a-m-team/AM-Thinking-v1-Distilled"
FILES = "math.jsonl code.jsonl"


class AMThinkingSource(AdapterConfig):
    """Its own keys."""

    import_rollouts: bool = Field(
        default=False, description="take the dataset's own responses as think-on rollouts of the model that they name"
    )


CONFIG = AMThinkingSource

_INFO = ["source", "category", "ground_truth", "test_case", "model_name"]


def columns(config: AMThinkingSource) -> list[Column]:
    """What is read of a row."""
    info = pa.struct([(name, pa.string()) for name in _INFO])
    turns = pa.list_(pa.struct([("from", pa.string()), ("value", pa.string()), ("info", info)]))
    golds = frozenset({"ground_truth", "test_case"})
    return [Column("conversations", turns, golds), Column("info", info, golds)]


def draft(config: AMThinkingSource) -> Draft:
    """A row as a draft."""
    one_turn = (pl.col("#is_human").list.sum() == 1).fill_null(False) & pl.col(QUESTION).is_not_null()
    is_code = _info("category") == Kind.CODE.value
    return Draft(
        kind=_info("category"),
        question=_of("human", "value"),
        gold=pl.when(is_code).then(_info("test_case")).otherwise(_info("ground_truth")),
        domain=_info("source"),
        refusals=[
            known_kind("info.category"),
            Refusal("bad_column", ~one_turn, pl.lit("'conversations' must hold one human turn with text")),
            Refusal("no_gold", pl.col(GOLD).is_null(), pl.lit("info holds no ground_truth (math) or test_case (code)")),
        ],
        prepared={
            "#is_human": _is("human"),
            "#is_assistant": _is("assistant"),
            "#human": _first("#is_human"),
            "#assistant": _first("#is_assistant"),
            "#answered": _of("assistant", "info"),
            "#asked": _of("human", "info"),
        },
        response=_of("assistant", "value") if config.import_rollouts else None,
        response_model=pl.coalesce(_info("model_name"), pl.lit("unnamed")) if config.import_rollouts else None,
    )


def _is(speaker: str) -> pl.Expr:
    """For each turn, whether it is the speaker's."""
    return pl.col("conversations").list.eval((pl.element().struct.field("from") == speaker).fill_null(False))


def _first(turns: str) -> pl.Expr:
    """The number of the first turn for which this is so; null where there is none."""
    return pl.when(pl.col(turns).list.any()).then(pl.col(turns).list.arg_max())


def _of(speaker: str, name: str) -> pl.Expr:
    """A field of the speaker's first turn; null where there is none."""
    values = pl.col("conversations").list.eval(pl.element().struct.field(name))
    return values.list.get(pl.col(f"#{speaker}"), null_on_oob=True)


def _info(name: str) -> pl.Expr:
    """A field of the info of the assistant's turn, else of the human's, else of what stands beside the turns."""
    said = [pl.col(place).struct.field(name) for place in ("#answered", "#asked", "info")]
    return pl.coalesce(pl.when(value != "").then(value) for value in said)
