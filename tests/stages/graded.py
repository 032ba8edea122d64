"""Graded rollouts in a line each, as the tables that `select` takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import pyarrow as pa
from hypothesis import strategies as st

from hipo_data.schemas.arrow import arrow_schema, from_table
from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.keys import problem_id
from hipo_data.schemas.records import Decision, Pick, Record
from hipo_data.stages.select.select import ROLLOUT_COLUMNS, VERDICT_COLUMNS, select_picks

ON, OFF = "think_on", "think_off"
ROLLOUT_TYPES = {
    name: pl.Int64 if name in ("index", "completion_tokens", "max_tokens", "cap") else pl.String
    for name in (*ROLLOUT_COLUMNS, "status")
}
IDS = [problem_id(str(number)) for number in range(6)]


@dataclass(frozen=True)
class Try:
    """A rollout with its verdict, as far as `select` looks."""

    problem_id: str
    mode: str
    index: int
    status: str | None
    tokens: int = 10
    finish: str = "stop"
    reasons: bool = True
    """Whether it reasoned, which it keeps to its mode by in think-on and strays by in think-off."""
    answer: str = "42"
    cap: int | None = None
    thought: str = "because"
    max_tokens: int = 100

    @property
    def reasoning(self) -> str | None:
        return self.thought if self.reasons else None

    @property
    def whole(self) -> bool:
        keeps_mode = bool(self.reasoning) if self.mode == ON else self.reasoning is None
        return self.finish == "stop" and keeps_mode and "<answer>" not in self.answer

    @property
    def usable(self) -> bool:
        return self.status == "correct" and self.whole

    @property
    def known(self) -> bool:
        return self.status in ("correct", "incorrect")

    @property
    def key(self) -> tuple[str, str, int]:
        return self.problem_id, self.mode, self.index


def tries(problem_id: str, mode: str, right: int, wrong: int, unknown: int = 0, first: int = 0) -> list[Try]:
    statuses = ["correct"] * right + ["incorrect"] * wrong + ["unknown"] * unknown
    return [Try(problem_id, mode, first + index, status, reasons=mode == ON) for index, status in enumerate(statuses)]


one_try = st.builds(
    Try,
    problem_id=st.sampled_from(IDS),
    mode=st.sampled_from([ON, OFF]),
    index=st.integers(0, 9),
    status=st.sampled_from(["correct", "correct", "incorrect", "unknown", None]),
    tokens=st.integers(1, 4),
    finish=st.sampled_from(["stop", "stop", "stop", "length", "error"]),
    reasons=st.booleans(),
    answer=st.sampled_from(["42", "42", "42", "<answer>42"]),
)
many_tries = st.lists(one_try, max_size=60, unique_by=lambda row: row.key)
_whole_try = st.builds(
    lambda **fields: Try(reasons=fields["mode"] == ON, **fields),
    problem_id=st.sampled_from(IDS[:2]),
    mode=st.sampled_from([ON, OFF]),
    index=st.integers(0, 9),
    status=st.sampled_from(["correct", "incorrect"]),
    tokens=st.integers(1, 9),
)
whole_tries = st.lists(st.one_of(_whole_try, _whole_try, one_try), max_size=40, unique_by=lambda row: row.key)
"""Mostly fit to be kept, of two problems for the most part, so that there is something to choose from."""


def frames(
    rows: Sequence[Try], problems: Sequence[str] | None = None
) -> tuple[pl.LazyFrame, pl.LazyFrame, pl.LazyFrame]:
    """Problems (by default those of `rows`), rollouts and verdicts. A status of None is a rollout without a verdict."""
    ids = sorted({row.problem_id for row in rows}) if problems is None else problems
    frame = pl.DataFrame(
        [
            {
                "problem_id": row.problem_id,
                "mode": row.mode,
                "index": row.index,
                "reasoning": row.reasoning,
                "answer": row.answer,
                "finish_reason": row.finish,
                "completion_tokens": row.tokens,
                "max_tokens": row.max_tokens,
                "cap": row.cap,
                "status": row.status,
            }
            for row in rows
        ],
        schema=ROLLOUT_TYPES,
    )
    listed = pl.DataFrame(
        {"problem_id": ids, "kind": ["math"] * len(ids)}, schema={"problem_id": pl.String, "kind": pl.String}
    )
    verdicts = frame.filter(pl.col("status").is_not_null()).select(VERDICT_COLUMNS).reverse()
    return listed.lazy(), frame.select(ROLLOUT_COLUMNS).lazy(), verdicts.lazy()


def decide_and_pick(
    rows: Sequence[Try],
    config: SelectConfig | None = None,
    seed: int = 0,
    problems: Sequence[str] | None = None,
) -> tuple[dict[str, Decision], dict[str, list[Pick]]]:
    """Decisions, and the picks of each problem that has some, by rank."""
    chosen = select_picks(*frames(rows, problems), config or SelectConfig(random_fraction=0), seed)
    tables = pl.collect_all([chosen.decisions, chosen.picks])
    ids = tables[0]["problem_id"].to_list()
    assert ids == sorted({row.problem_id for row in rows} if problems is None else problems)
    picks: dict[str, list[Pick]] = {}
    for pick in _records(tables[1], Pick):
        picks.setdefault(pick.problem_id, []).append(pick)
    return {decision.problem_id: decision for decision in _records(tables[0], Decision)}, picks


def _records(table: pl.DataFrame, model: type[Record]) -> list[Any]:
    schema = arrow_schema(model)
    there = pa.schema([field for field in schema if field.name in table.columns])  # some rules have more to say
    arrow = table.to_arrow().cast(there).replace_schema_metadata(schema.metadata)
    return list(from_table(arrow, model))
