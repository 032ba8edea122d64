"""The tables of policies that keep several responses together: pairs for preference learning, and groups."""

from typing import NamedTuple

import polars as pl
import pyarrow as pa

from hipo_data.schemas.arrow import fitted
from hipo_data.schemas.records import Status
from hipo_data.stages.select.policies.preference import kind_of

KEY = ["problem_id", "mode", "index"]
"""Of picks; examples call the last one `rollout_index`."""

_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))

PREFERENCE_SCHEMA = pa.schema(
    [
        ("problem_id", pa.string()),
        ("prompt", _MESSAGES),
        ("chosen", _MESSAGES),
        ("rejected", _MESSAGES),
        ("kind", pa.string()),
        ("margin", pa.float64()),
        ("chosen_mode", pa.string()),
        ("rejected_mode", pa.string()),
        ("chosen_tokens", pa.int64()),
        ("rejected_tokens", pa.int64()),
        ("chosen_weight", pa.float64()),
        ("rejected_weight", pa.float64()),
        ("split", pa.string()),
        ("format", pa.string()),
        ("gold_source", pa.string()),
    ]
)
"""`kind` says why the chosen one is: `both_right` or `both_wrong`. Weights are O1-Pruner's, standardised."""

_MEMBER = [
    ("mode", pa.string()),
    ("index", pa.int64()),
    ("reasoning", pa.string()),
    ("answer", pa.string()),
    ("correct", pa.bool_()),
    ("reward", pa.float64()),
    ("tokens", pa.int64()),
]
GROUPS_SCHEMA = pa.schema(
    [
        ("problem_id", pa.string()),
        ("kind", pa.string()),
        ("split", pa.string()),
        ("prompt", _MESSAGES),
        *[
            (f"{name}_{side}", pa.int64() if name != "p" else pa.float64())
            for side in ("on", "off")
            for name in ("n", "right", "p")
        ],
        ("responses", pa.list_(pa.struct(_MEMBER))),
        ("gold_source", pa.string()),
    ]
)
"""A row a problem, with all its graded rollouts, think-off first, by index."""


class Weights(NamedTuple):
    """Mean and standard deviation (of a population) of the weights of all published responses."""

    mean: float
    deviation: float


def in_sft(examples: pl.LazyFrame, picks: pl.LazyFrame) -> pl.LazyFrame:
    """The examples that `sft/` holds: all but rejected and wrong ones, in their order.

    Args:
        examples: columns of `schemas.records.Example`.
        picks: columns of `schemas.records.Pick`.
    """
    right = (pl.col("role") == "chosen") & (pl.col("status") == Status.CORRECT.value)
    kept = picks.filter((pl.col("role") == "example") | right).select(*KEY[:2], rollout_index="index")
    return examples.join(kept, on=["problem_id", "mode", "rollout_index"], how="semi", maintain_order="left")


def weights(examples: pl.LazyFrame, picks: pl.LazyFrame) -> Weights:
    """What O1-Pruner standardises by, over the picks that became examples; arguments as in `in_sft`."""
    kept = picks.join(examples.select(*KEY[:2], index="rollout_index"), on=KEY, how="semi")
    found = kept.select(mean=pl.col("weight").mean(), deviation=pl.col("weight").std(ddof=0)).collect()
    mean, deviation = found.row(0)
    return Weights(mean or 0.0, deviation or 0.0)


def preference_table(examples: pl.DataFrame, picks: pl.DataFrame, over: Weights) -> pa.Table:
    """The pairs that both ends of became examples, in order of problem and pair. Arguments as in `in_sft`."""
    standard = (pl.col("weight") - over.mean) / over.deviation if over.deviation else pl.lit(0.0)
    ends = picks.with_columns(weight=standard).join(
        examples.select(*KEY[:2], "messages", "split", "format", "gold_source", index="rollout_index"),
        on=KEY,
        how="inner",
    )
    chosen, rejected = (ends.filter(pl.col("role") == role) for role in ("chosen", "rejected"))
    turns = pl.col("messages")
    pairs = (
        chosen.join(rejected, on=["problem_id", "pair"], suffix="_rejected", validate="1:1")
        .sort("problem_id", "rank")
        .select(
            "problem_id",
            "margin",
            "split",
            "format",
            "gold_source",
            prompt=turns.list.head(turns.list.len() - 1),
            chosen=turns.list.tail(1),
            rejected=pl.col("messages_rejected").list.tail(1),
            kind=pl.col("pair").map_elements(kind_of, return_dtype=pl.String),
            chosen_mode="mode",
            rejected_mode="mode_rejected",
            chosen_tokens="tokens",
            rejected_tokens="tokens_rejected",
            chosen_weight="weight",
            rejected_weight="weight_rejected",
        )
    )
    return fitted(pairs.to_arrow(), PREFERENCE_SCHEMA)


def groups_table(problems: pl.DataFrame, decisions: pl.DataFrame, picks: pl.DataFrame) -> pa.Table:
    """A row a problem that has members, in order.

    Args:
        problems: columns `problem_id`, `kind`, `split`, `question`.
        decisions: columns of `schemas.records.Decision`.
        picks: columns of `schemas.records.Pick`.
    """
    members = picks.filter(pl.col("role") == "member").sort("problem_id", "rank")
    member = pl.struct(
        "mode",
        "index",
        "reasoning",
        "answer",
        (pl.col("status") == Status.CORRECT.value).alias("correct"),
        pl.col("score").alias("reward"),
        "tokens",
    )
    grouped = members.group_by("problem_id", maintain_order=True).agg(responses=member)
    counts = [f"{name}_{side}" for side in ("on", "off") for name in ("n", "right", "p")]
    prompt = pl.concat_list(pl.struct(role=pl.lit("user"), content="question"))
    source = pl.when(pl.col("pseudo_gold").is_null()).then(pl.lit("source")).otherwise(pl.lit("pseudo"))
    known = decisions.select("problem_id", *counts, gold_source=source)
    joined = grouped.join(known, on="problem_id", maintain_order="left").join(
        problems.select("problem_id", "kind", "split", prompt=prompt), on="problem_id", maintain_order="left"
    )
    return fitted(joined.to_arrow(), GROUPS_SCHEMA)
