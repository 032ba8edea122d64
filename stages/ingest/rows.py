"""Ingest, first half: blocks of source files become rows that may be problems, and refused rows with their reasons."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import polars as pl

from hipo_data.schemas.config import IngestConfig
from hipo_data.schemas.keys import problem_ids
from hipo_data.schemas.records import KEPT_CHARS, Kind
from hipo_data.stages.ingest.adapter import GOLD, KIND, QUESTION, Adapter, Draft, Refusal
from hipo_data.stages.ingest.choices import stems, with_sorted_options
from hipo_data.stages.ingest.decontamination import EvaluationIndex
from hipo_data.stages.ingest.filters import apply_filters
from hipo_data.stages.ingest.golds import kept_without, parse_golds
from hipo_data.stages.ingest.reading.blocks import Block, read_block
from hipo_data.stages.ingest.reading.columns import DETAIL, RAW, REFUSED, ROW, Column

_NONE = pl.DataFrame(schema={ROW: pl.UInt32, REFUSED: pl.String, DETAIL: pl.String})
RESPONSE = ("response", "response_model", "response_mode", "response_ended", "response_given", "response_given_by")
"""Columns of a response that comes with its row; the first two are null where a row has none."""
_NO_HITS = _NONE.with_columns(pl.lit(None, pl.String).alias("set"))


@dataclass(frozen=True)
class Reader:
    """What is needed to read the rows of one source."""

    adapter: Adapter
    config: Any
    """The source's part of the recipe."""
    ingest: IngestConfig
    evaluation: EvaluationIndex | None
    licence: str | None
    """Of rows that name none themselves."""
    keeps_without_gold: bool = False
    """Whether math problems that have no gold are kept."""

    @property
    def columns(self) -> list[Column]:
        """The columns that are read."""
        return self.adapter.columns(self.config)

    @property
    def required(self) -> list[str]:
        """The columns without which every row is refused."""
        return [refusal.column for refusal in self.draft.refusals if refusal.column and not self._may_miss(refusal)]

    def _may_miss(self, refusal: Refusal) -> bool:
        return self.keeps_without_gold and refusal.reason == "no_gold"

    @cached_property
    def draft(self) -> Draft:
        """What rows are read as."""
        return self.adapter.draft(self.config)


@dataclass(frozen=True)
class ReadRows:
    """What a block of a file gave."""

    rows: int
    accepted: pl.DataFrame
    """#row, problem_id, kind, question, gold (JSON), domain, difficulty, licence; those of `RESPONSE` if taken."""
    refused: pl.DataFrame
    """#row, licence, refused, refused_detail, text: what was read of the row, cut to `KEPT_CHARS`."""
    contaminated: pl.Series
    """The evaluation set of each row that was refused for it."""


def read_rows(block: Block, reader: Reader) -> ReadRows:
    """The rows of one block: drafted, cleaned, filtered, their golds parsed, named by id, decontaminated."""
    frame = pl.DataFrame(read_block(block, reader.columns))
    drafts = _drafted(frame, reader)
    drafts, refused = _part(drafts)
    drafts, filtered = _part(_refuse_empty(apply_filters(drafts, reader.ingest)))
    parsed = parse_golds(drafts)
    drafts, without_gold = _part(kept_without(parsed) if reader.keeps_without_gold else parsed)
    drafts = with_sorted_options(drafts)
    drafts = drafts.with_columns(problem_ids(drafts["question"]))
    hits = _hits(drafts, reader.evaluation)
    contaminated = hits.select(_NONE.columns)
    if len(contaminated):
        drafts = drafts.join(contaminated, on=ROW, how="anti", maintain_order="left")
    refusals = pl.concat([refused, filtered, without_gold, contaminated])
    refusals = refusals.with_columns(pl.lit(reader.licence, pl.String).alias("licence"))
    return ReadRows(len(frame), drafts, _with_text(refusals, frame, reader.draft.own_id), hits["set"])


def _drafted(frame: pl.DataFrame, reader: Reader) -> pl.DataFrame:
    """Drafts of problems, with the first of the reader's, the adapter's and the common refusals."""
    draft = reader.draft
    steps = frame.lazy()
    for name, prepared in draft.prepared.items():
        steps = steps.with_columns(prepared.alias(name))
    frame = steps.with_columns(
        draft.kind.alias(KIND), draft.question.str.strip_chars().alias(QUESTION), draft.gold.alias(GOLD)
    ).collect()
    empty = Refusal("empty_question", (pl.col(QUESTION) == "").fill_null(False), pl.lit("the question is empty"))
    refusals = [*draft.refusals, empty]
    if reader.keeps_without_gold:
        refusals = [_of_code_alone(refusal) if refusal.reason == "no_gold" else refusal for refusal in refusals]
    reasons = (pl.when(refusal.when).then(pl.lit(refusal.reason)) for refusal in refusals)
    drafts = frame.select(
        ROW,
        pl.coalesce(REFUSED, *reasons).alias(REFUSED),
        DETAIL,
        pl.col(KIND).alias("kind"),
        pl.col(QUESTION).alias("question"),
        pl.col(GOLD).alias("gold"),
        draft.domain.alias("domain"),
        draft.difficulty.alias("difficulty"),
        pl.coalesce(draft.licence, pl.lit(reader.licence, pl.String)).alias("licence"),
        draft.own_id.alias("own_id"),
        draft.gold_text.alias("gold_text"),
        *([] if draft.response is None else [found.alias(name) for name, found in _response(draft).items()]),
    )
    if not _any_refused(drafts):
        return drafts
    # Sentences are made for the few refused rows alone.
    at = drafts[REFUSED].is_not_null().arg_true()
    details = frame[at].select(pl.coalesce(DETAIL, *(pl.when(each.when).then(each.detail) for each in refusals)))
    return drafts.with_columns(drafts[DETAIL].scatter(at, details.to_series()))


def _response(draft: Draft) -> dict[str, pl.Expr]:
    """What is said of a response, by the columns of `RESPONSE`."""
    assert draft.response is not None and draft.response_model is not None
    said = (
        draft.response,
        draft.response_model,
        draft.response_mode,
        draft.response_ended,
        draft.response_given,
        draft.response_given_by,
    )
    return dict(zip(RESPONSE, said, strict=True))


def _of_code_alone(refusal: Refusal) -> Refusal:
    return replace(refusal, when=refusal.when & (pl.col(KIND) == Kind.CODE.value))


def _refuse_empty(drafts: pl.DataFrame) -> pl.DataFrame:
    """Refuses questions of which the cleaning rules left nothing."""
    empty = pl.when(pl.col("question") == "")
    return drafts.with_columns(
        pl.coalesce(REFUSED, empty.then(pl.lit("empty_question"))).alias(REFUSED),
        pl.coalesce(DETAIL, empty.then(pl.lit("nothing is left of the question once it is cleaned"))).alias(DETAIL),
    )


def _part(drafts: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Those that go on, and of those that do not the number, the reason and why."""
    if not _any_refused(drafts):
        return drafts.drop(REFUSED, DETAIL), _NONE
    refused = drafts[REFUSED].is_not_null()
    return drafts.filter(~refused).drop(REFUSED, DETAIL), drafts.filter(refused).select(_NONE.columns)


def _any_refused(drafts: pl.DataFrame) -> bool:
    """Costs nothing, other than what would find none to be refused."""
    return drafts[REFUSED].null_count() < len(drafts)


def _hits(drafts: pl.DataFrame, evaluation: EvaluationIndex | None) -> pl.DataFrame:
    """What is contaminated: #row, set, and the refusal with the words that are shared."""
    if evaluation is None:
        return _NO_HITS
    hits = evaluation.hits(drafts["question"])
    if (drafts["kind"] == Kind.CHOICE.value).any():  # the question alone may be asked there, or with other options
        bare = evaluation.hits(stems(drafts).fill_null(""))
        hits = pl.concat([hits, bare]).unique("row", keep="first", maintain_order=True).sort("row")
    shared = pl.format(
        "{}% of the words of {} row {}: '{}'", (100 * pl.col("coverage")).round().cast(pl.Int64), "set", "item", "span"
    )
    return hits.select(
        pl.Series(ROW, drafts[ROW].gather(hits["row"])),
        "set",
        pl.lit("contaminated").alias(REFUSED),
        shared.str.head(KEPT_CHARS).alias(DETAIL),
    )


def _with_text(refusals: pl.DataFrame, frame: pl.DataFrame, own_id: pl.Expr) -> pl.DataFrame:
    """Refusals in the order of their rows, with what was read of each."""
    if refusals.is_empty():
        return refusals.with_columns(pl.lit(None, pl.String).alias("text"), pl.lit(None, pl.String).alias("own_id"))
    read = [name for name in frame.columns if not name.startswith("#") and name not in (REFUSED, DETAIL)]
    text = pl.coalesce(RAW, pl.struct(read).struct.json_encode()).str.head(KEPT_CHARS)
    texts = frame.join(refusals, on=ROW, how="semi").select(ROW, text.alias("text"), own_id.alias("own_id"))
    return refusals.with_columns(pl.col(DETAIL).str.head(KEPT_CHARS)).join(texts, on=ROW, how="left").sort(ROW)
