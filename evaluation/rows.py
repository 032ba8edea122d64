"""The rows of an evaluation, one response each, and the files that hold them."""

from collections.abc import Sequence
from typing import Any, Final, Protocol

import polars as pl

from hipo_data.evaluation.backend import Ask, Reply
from hipo_data.evaluation.problems import EvalProblem
from hipo_data.evaluation.reading import Reading, read_reply
from hipo_data.prompts.formats.format import Format
from hipo_data.schemas.gold import ChoiceGold
from hipo_data.schemas.grading import GradeRequest
from hipo_data.schemas.keys import seed_of
from hipo_data.schemas.records import FinishReason, Grade, Mode, Status

ROWS: Final = pl.Schema(
    {
        "problem_id": pl.String(),
        "kind": pl.String(),
        "source": pl.String(),
        "family": pl.String(),
        "difficulty": pl.Float64(),
        "seed": pl.Int64(),
        "forced": pl.String(),
        "mode": pl.String(),
        "well_formed": pl.Boolean(),
        "tokens": pl.Int64(),
        "finish_reason": pl.String(),
        "status": pl.String(),
        "reason": pl.String(),
        "extracted": pl.String(),
        "grader": pl.String(),
        "answer": pl.String(),
        "text": pl.String(),
        "error": pl.String(),
        "options": pl.Int64(),
    }
)
"""One response a row.

`seed` is the evaluation's; `forced` is the mode that was forced, null where the model chose; `mode`, `well_formed` and
`answer` are what the text shows; `tokens` counts what the model wrote, null where the request failed; `options` are
those of multiple choice, null for other kinds.
"""

_GRADER = "evaluation/1"
_CHUNK = 512
_RETRIES = 2


class GradesBatches(Protocol):
    """What an evaluation needs of a grader."""

    def grade(self, requests: Sequence[GradeRequest]) -> list[Grade]:
        """A grade for each request, in order."""


def asks_of(problems: Sequence[EvalProblem], seed: int, forced: Mode | None) -> list[Ask]:
    """What to ask of each problem; the seed of each response comes from its key alone."""
    way = forced.value if forced else "free"
    return [Ask(each.chat, seed_of(seed, "evaluation", each.problem_id, way), forced) for each in problems]


def rows_of(
    problems: Sequence[EvalProblem],
    replies: Sequence[Reply],
    seed: int,
    forced: Mode | None,
    fmt: Format | None,
    grader: GradesBatches,
) -> pl.DataFrame:
    """Rows of `ROWS` in the order of the problems, graded."""
    readings = [read_reply(reply, fmt, forced) for reply in replies]
    grades = _grade(problems, replies, readings, grader)
    rows = [
        _row(problem, reply, reading, grade) | {"seed": seed, "forced": forced.value if forced else None}
        for problem, reply, reading, grade in zip(problems, replies, readings, grades, strict=True)
    ]
    return pl.DataFrame(rows, schema=ROWS)


def _grade(
    problems: Sequence[EvalProblem], replies: Sequence[Reply], readings: Sequence[Reading], grader: GradesBatches
) -> list[Grade]:
    grades: dict[int, Grade] = {}
    open_: list[int] = []
    for place, (reply, reading) in enumerate(zip(replies, readings, strict=True)):
        without = _without_grader(reply, reading)
        if without is None:
            open_.append(place)
        else:
            grades[place] = without
    for _ in range(1 + _RETRIES):  # what a grader could not tell is asked again
        for first in range(0, len(open_), _CHUNK):
            chunk = open_[first : first + _CHUNK]
            requests = [_request(problems[place], readings[place], place) for place in chunk]
            grades.update(zip(chunk, grader.grade(requests), strict=True))
        open_ = [place for place in open_ if grades[place].status is Status.UNKNOWN]
    return [grades[place] for place in range(len(problems))]


def _without_grader(reply: Reply, reading: Reading) -> Grade | None:
    if reply.finish_reason is FinishReason.ERROR:
        return Grade(status=Status.UNKNOWN, reason="engine_error", grader=_GRADER)
    if reading.answer is None:
        reason = "truncated" if reply.finish_reason is FinishReason.LENGTH else "no_answer"
        return Grade(status=Status.INCORRECT, reason=reason, grader=_GRADER)
    return None


def _request(problem: EvalProblem, reading: Reading, place: int) -> GradeRequest:
    return GradeRequest(
        id=str(place),
        kind=problem.kind,
        question=problem.question,
        gold=problem.gold,
        response=reading.answer or "",
    )


def _row(problem: EvalProblem, reply: Reply, reading: Reading, grade: Grade) -> dict[str, Any]:
    failed = reply.finish_reason is FinishReason.ERROR
    return {
        "problem_id": problem.problem_id,
        "kind": problem.kind.value,
        "source": problem.source,
        "family": problem.family,
        "difficulty": problem.difficulty,
        "mode": None if failed or reading.mode is None else reading.mode.value,
        "well_formed": None if failed else reading.well_formed,
        "tokens": reply.tokens,
        "finish_reason": reply.finish_reason.value,
        "status": grade.status.value,
        "reason": grade.reason,
        "extracted": grade.extracted,
        "grader": grade.grader,
        "answer": None if failed else reading.answer,
        "text": reply.text,
        "error": reply.error,
        "options": len(problem.gold.options) if isinstance(problem.gold, ChoiceGold) else None,
    }
