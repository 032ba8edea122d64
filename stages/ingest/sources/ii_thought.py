"""Intelligent-Internet/II-Thought-RL-v0: 341,795 problems, 190k of them math and 90k code; no licence declared.

| column | holds |
| --- | --- |
| `problem` | the question |
| `data_source` | where the problem is from |
| `verification_info` | JSON in a string: `type`, and `answer` in the shape of that type |

`math_verifiable` has `answer.value`, the gold; `code_verifiable` has `answer.test_cases` [{input, output}] on standard
input and output, and `answer.language`. Code in other languages than Python is refused, as are the types that no
program can grade (`llm_judge`) or that need a repository (`swe_verifiable`): out of scope here, and counted as such.
"""

import json

import polars as pl

from hipo_data.schemas.records import Kind
from hipo_data.schemas.source_config import AdapterConfig
from hipo_data.stages.ingest.adapter import GOLD, Draft, Refusal, known_kind, text_needed
from hipo_data.stages.ingest.reading.columns import Column

DATASET = "Intelligent-Internet/II-Thought-RL-v0"
FILES = "data/*.parquet"
CONFIG = AdapterConfig

_LONG_NUMBER = r"[:\[,]\s*-?\d{19,}"  # Polars rounds those
_KINDS = {"math_verifiable": Kind.MATH.value, "code_verifiable": Kind.CODE.value}


def columns(config: AdapterConfig) -> list[Column]:
    """What is read of a row."""
    return [
        Column("problem"),
        Column("data_source"),
        Column("verification_info", any_json=frozenset({"verification_info"})),
    ]


def draft(config: AdapterConfig) -> Draft:
    """A row as a draft."""
    info, said = pl.col("verification_info"), pl.col("#type")
    is_code = said == "code_verifiable"
    tests = pl.when(is_code).then(info).str.json_path_match("$.answer")
    language = pl.when(is_code).then(info).str.json_path_match("$.answer.language").str.to_lowercase()
    value = pl.when(~is_code).then(info).str.json_path_match("$.answer.value")
    return Draft(
        kind=said.replace_strict(_KINDS, default=said, return_dtype=pl.String),
        question=pl.col("problem"),
        gold=pl.coalesce(_exact(info), tests, value),
        domain=pl.col("data_source"),
        refusals=[
            text_needed("verification_info"),
            Refusal("bad_gold", said.is_null(), pl.lit("verification_info is no JSON object with a type")),
            known_kind("verification_info.type"),
            text_needed("problem"),
            Refusal(
                "other_language", (language != "python").fill_null(False), pl.format("the tests are for {}", language)
            ),
            Refusal("no_gold", pl.col(GOLD).is_null(), pl.lit("verification_info.answer holds no value or test_cases")),
        ],
        prepared={"#type": info.str.json_path_match("$.type")},
    )


def _exact(info: pl.Expr) -> pl.Expr:
    """The gold of those few rows that may hold a number too long for Polars."""
    return pl.when(info.str.contains(_LONG_NUMBER)).then(info).map_batches(_answers, return_dtype=pl.String)


def _answers(texts: pl.Series) -> pl.Series:
    return pl.Series([None if text is None else _answer(text) for text in texts], dtype=pl.String)


def _answer(text: str) -> str | None:
    try:
        info = json.loads(text)
        answer = info["answer"] if info["type"] == "code_verifiable" else info["answer"]["value"]
    except (ValueError, RecursionError, LookupError, TypeError):
        return None  # what Polars makes of it counts
    return answer if answer is None or isinstance(answer, str) else json.dumps(answer)
