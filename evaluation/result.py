"""What an evaluation found, computed from its rows alone."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict

from hipo_data.evaluation.metrics import accuracy, difficulty, lengths, mode_choice
from hipo_data.evaluation.metrics.accuracy import Accuracy
from hipo_data.evaluation.metrics.compliance import Compliance, compliances
from hipo_data.evaluation.metrics.lengths import BudgetPoint, Tokens
from hipo_data.evaluation.metrics.mode_choice import HybridAccuracy, ModeShare
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.records import FinishReason, Mode

FREE = "free"
"""The way of asking in which the model chooses the mode; the others are the forced modes."""

FORCED_BY_START, FORCED_BY_TAG = "start", "own justification"
WAYS = (FREE, Mode.THINK_ON.value, Mode.THINK_OFF.value)
RESULT_FILE = "evaluation.json"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Settings(_Part):
    """All that decides the rows besides the seeds. Two evaluations share a folder only where these agree."""

    model: str
    model_hash: str | None
    """Of the weights in a local folder."""
    format: str | None
    backend: str
    backend_details: dict[str, Any]
    temperature: float
    top_p: float
    max_tokens: int
    problems: str
    problem_count: int
    problems_hash: str
    repeated: int = 0
    """Rows of the problems that repeat an earlier row, and are not asked."""
    forced_by: str = FORCED_BY_START
    """How modes are forced: by the start of the response, or after the model's own justification."""


class Figures(_Part):
    """The figures of some responses. `truncated` and `well_formed` are shares of those that were written.

    Forced responses that do not show their mode are in none of them: there are `left_out` of those.
    """

    accuracy: Accuracy
    tokens: Tokens
    modes: ModeShare
    implicit_thinking: float | None
    truncated: float | None
    well_formed: float | None
    failed: int
    """Requests that failed; their verdicts are unknown."""
    left_out: int = 0


class Group(_Part):
    """Figures of one source, family, difficulty or kind, by way of asking."""

    by: str
    value: str
    problems: int
    figures: dict[str, Figures]
    hybrid_accuracy: HybridAccuracy | None


class EvaluationResult(_Part):
    """An evaluation. The keys of `figures` and `curves` are `free`, and `think_on` and `think_off` where forced."""

    settings: Settings
    seeds: list[int]
    figures: dict[str, Figures]
    hybrid_accuracy: HybridAccuracy | None
    groups: list[Group]
    curves: dict[str, list[BudgetPoint]]
    compliance: list[Compliance] = []
    """By way of asking and budget, where budgets were given."""
    remarks: list[str]
    """What a reader has to know, in sentences."""

    @property
    def free(self) -> Figures:
        """Where the model chose."""
        return self.figures[FREE]


def result_of(
    settings: Settings, rows: pl.DataFrame, margin: float = 0.0, within: Sequence[int] = ()
) -> EvaluationResult:
    """The result of rows in `rows.ROWS`. within: budgets of tokens to hold the responses against."""
    ways = _ways(rows)
    named = {
        way: part.with_columns(difficulty.difficulty_buckets(part["difficulty"]).alias("difficulty"))
        for way, part in ways.items()
    }
    budgets = lengths.budget_grid(as_forced(rows))
    return EvaluationResult(
        settings=settings,
        seeds=sorted(rows["seed"].unique().to_list()),
        figures={way: figures(part) for way, part in ways.items()},
        hybrid_accuracy=_hybrid(rows, margin),
        groups=list(_groups(rows, margin)),
        curves={way: lengths.efficiency_curve(as_forced(part), budgets) for way, part in ways.items()},
        compliance=[each for way, part in named.items() for each in compliances(as_forced(part), within, way)],
        remarks=_remarks(settings, ways),
    )


def figures(rows: pl.DataFrame) -> Figures:
    """All figures of some rows."""
    asked, rows = rows.height, as_forced(rows)
    written = rows.filter(pl.col("tokens").is_not_null())
    return Figures(
        accuracy=accuracy.accuracy(rows),
        tokens=lengths.tokens(written),
        modes=mode_choice.mode_share(written),
        implicit_thinking=mode_choice.implicit_thinking(written),
        truncated=_share(written["finish_reason"] == FinishReason.LENGTH.value),
        well_formed=_share(written["well_formed"]),
        failed=rows.height - written.height,
        left_out=asked - rows.height,
    )


def as_forced(rows: pl.DataFrame) -> pl.DataFrame:
    """Without the responses that were forced into a mode and do not show it. A failed request shows nothing yet."""
    shows = pl.col("forced").is_null() | (pl.col("mode") == pl.col("forced")).fill_null(False)
    return rows.filter(shows | pl.col("tokens").is_null())


def read_result(folder: Path) -> EvaluationResult:
    """The result in a folder. Raises `UserError` where there is none."""
    path = folder / RESULT_FILE
    if not path.is_file():
        raise UserError(f"{folder} holds no finished evaluation ({RESULT_FILE} is missing)")
    try:
        return EvaluationResult.model_validate_json(path.read_bytes())
    except ValueError as error:
        raise UserError(f"{path} was written by another version; `hipo-data eval report` writes it anew") from error


def _ways(rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    way = pl.col("forced").fill_null(FREE)
    parts = {name: rows.filter(way == name) for name in WAYS}
    return {name: part for name, part in parts.items() if part.height}


def _hybrid(rows: pl.DataFrame, margin: float) -> HybridAccuracy | None:
    forced = rows.filter(pl.col("forced").is_not_null())
    if forced["forced"].n_unique() < len(Mode):
        return None
    return mode_choice.hybrid_accuracy(rows.filter(pl.col("forced").is_null()), as_forced(forced), margin)


def _groups(rows: pl.DataFrame, margin: float) -> Iterable[Group]:
    """By each column that tells problems apart."""
    named = rows.with_columns(difficulty.difficulty_buckets(rows["difficulty"]).alias("difficulty"))
    for by in ("kind", "source", "family", "difficulty"):
        values = sorted(value for value in named[by].unique().to_list() if value is not None)
        missing = named[by].null_count() > 0
        if len(values) + missing < 2:
            continue
        for value in [*values, *([None] if missing else [])]:
            part = named.filter(pl.col(by).is_null() if value is None else pl.col(by) == value)
            yield Group(
                by=by,
                value="not given" if value is None else str(value),
                problems=part["problem_id"].n_unique(),
                figures={way: figures(each) for way, each in _ways(part).items()},
                hybrid_accuracy=_hybrid(part, margin),
            )


def _remarks(settings: Settings, ways: dict[str, pl.DataFrame]) -> list[str]:
    said = []
    if settings.format is None:
        said.append(
            "The model was evaluated as a plain one, without a hybrid format: its responses have no mode, so there is "
            "no share of think-on, no hybrid accuracy and no implicit thinking."
        )
    if settings.format == "qwen3" and FREE in ways:
        said.append(
            "In the qwen3 format the user chooses the mode; free generation is what the chat template does by itself."
        )
    if settings.repeated:
        rows_ = "row repeats" if settings.repeated == 1 else "rows repeat"
        said.append(f"{settings.repeated} {rows_} the question of an earlier row, and it is asked once.")
    for way, rows in ways.items():
        found = figures(rows)
        if found.left_out:
            said.append(_left_out(settings, way, found.left_out, rows.height - found.failed))
        if found.failed:
            said.append(f"{found.failed} requests failed ({way}); the same command asks them again.")
        if found.accuracy.unknown > found.failed:
            unknown = found.accuracy.unknown - found.failed
            said.append(f"{unknown} responses could not be graded ({way}) and left the denominator.")
        if settings.format is not None and found.well_formed is not None and found.well_formed < 0.5:
            said.append(
                f"Only {found.well_formed:.0%} of the responses ({way}) are in the {settings.format} format; was the "
                "model trained on it?"
            )
    return said


def _left_out(settings: Settings, way: str, count: int, written: int) -> str:
    said = f"Forced responses left out: {count} of {written} ({way}) do not show the mode, so they are scored as none."
    renders_here = settings.backend != "openai" or settings.backend_details.get("tokenizer") is not None
    if 2 * count <= written or renders_here:
        return said
    means = "the switch of its chat template" if settings.format == "qwen3" else "a turn that it is to continue"
    return f"{said} The endpoint may not take {means}: with --tokenizer prompts are rendered here."


def _share(values: pl.Series) -> float | None:
    known = values.drop_nulls()
    return float(known.cast(pl.Float64).to_numpy().mean()) if len(known) else None
