"""Ingest, second half: rows with the same question become one problem with all its sources."""

from dataclasses import dataclass

import polars as pl

from hipo_data.graders import Grader
from hipo_data.schemas.gold import (
    AnyGold,
    AssertGold,
    CallGold,
    CheckGold,
    ChoiceGold,
    CodeGold,
    MathGold,
    NoGold,
    StdinGold,
    kind_of,
    problem_gold_from_json,
)
from hipo_data.schemas.grading import GradeRequest
from hipo_data.schemas.records import Kind, Status
from hipo_data.stages.ingest.choices import same_right_option
from hipo_data.stages.ingest.reading.columns import ROW

ORDER = ["source", "file", ROW]
"""What decides which of several rows comes first: the recipe's order of sources, then files, then rows."""


@dataclass(frozen=True)
class Merged:
    """One partition's problems, sorted by id."""

    problems: pl.DataFrame
    """problem_id, the parts of a problem, `source`, `file`, `#row` of its first row, and `rows`: all its rows."""
    conflicts: pl.DataFrame
    """problem_id, question, `rows` of those whose golds differ, and `detail`."""
    other_tests: int
    """Code problems whose sources bring different tests: those with the most are kept."""


def merge(rows: pl.DataFrame, grader: Grader) -> Merged:
    """Rows of one partition by question.

    Math golds of one question that differ as text are compared by the math grader; where any two are not the same
    answer, or call different options right, or where a source says code and another math, no row of the problem is
    kept. A source without a gold takes that of another one. Tests differ from source to source without one of them
    being wrong, so only such that want different outputs of one input are in conflict.
    """
    rows = rows.sort("problem_id", *ORDER)
    place = pl.struct(*ORDER, "licence", "own_id")
    first = [pl.col(name).first() for name in ("kind", "question", "gold", "licence", *ORDER)]
    said = [pl.col(name).drop_nulls().first() for name in ("domain", "difficulty", "gold_text")]
    found = rows.group_by("problem_id", maintain_order=True).agg(
        *first, *said, place.alias("rows"), pl.col("gold").unique(maintain_order=True).alias("golds")
    )
    differing = found.filter(pl.col("golds").list.len() > 1)
    if differing.is_empty():
        return Merged(found.drop("golds"), _no_conflicts(found), 0)
    judged = _judge_all([[problem_gold_from_json(gold) for gold in golds] for golds in differing["golds"]], grader)
    verdicts = differing.select("problem_id").with_columns(
        pl.Series("detail", [verdict.conflict for verdict in judged], pl.String),
        pl.Series("best", [differing["golds"][at][verdict.best] for at, verdict in enumerate(judged)], pl.String),
    )
    joined = found.join(verdicts, on="problem_id", how="left", maintain_order="left")
    agreed = joined.filter(pl.col("detail").is_null()).with_columns(pl.coalesce("best", "gold").alias("gold"))
    return Merged(
        agreed.drop("golds", "detail", "best"),
        joined.filter(pl.col("detail").is_not_null()).select("problem_id", "question", "rows", "detail"),
        sum(verdict.other_tests for verdict in judged),
    )


def _no_conflicts(found: pl.DataFrame) -> pl.DataFrame:
    return found.clear().select("problem_id", "question", "rows", pl.lit(None, pl.String).alias("detail"))


@dataclass(frozen=True)
class _Verdict:
    conflict: str | None
    best: int = 0
    """Which gold to keep."""
    other_tests: bool = False


def _judge_all(differing: list[list[AnyGold | NoGold]], grader: Grader) -> list[_Verdict]:
    answers = [[gold for gold in golds if isinstance(gold, MathGold)] for golds in differing]
    pairs = [(at, golds[0], other) for at, golds in enumerate(answers) for other in golds[1:]]
    same = _same_answers([(first, other) for _, first, other in pairs], grader)
    conflicts: dict[int, str] = {}
    for (at, first, other), agree in zip(pairs, same, strict=True):
        if not agree:
            conflicts.setdefault(at, f"'{' or '.join(first.answers)}' is not '{' or '.join(other.answers)}'")
    verdicts = []
    for at, golds in enumerate(differing):
        tests = [gold for gold in golds if not isinstance(gold, MathGold | ChoiceGold | NoGold)]
        choices = [gold for gold in golds if isinstance(gold, ChoiceGold)]
        kinds = sorted({"math" if isinstance(gold, NoGold) else kind_of(gold) for gold in golds}, reverse=True)
        if len(kinds) > 1:
            verdicts.append(_Verdict(f"one source has it as {kinds[0]}, another as {kinds[1]}"))
        elif choices:
            verdicts.append(_judge_choices(choices))
        else:
            verdicts.append(_judge_tests(tests) if tests else _Verdict(conflicts.get(at), golds.index(answers[at][0])))
    return verdicts


def _same_answers(pairs: list[tuple[MathGold, MathGold]], grader: Grader) -> list[bool]:
    """Of each pair, whether any acceptable answer of the second is right by the first."""
    requests = [
        GradeRequest(id=str(number), kind=Kind.MATH, question="", gold=gold, response=f"\\boxed{{{answer}}}")
        for number, (gold, other) in enumerate(pairs)
        for answer in other.answers
    ]
    right = {
        int(request.id)
        for request, grade in zip(requests, grader.grade(requests), strict=True)
        if grade.status is Status.CORRECT
    }
    return [number in right for number in range(len(pairs))]


def _judge_choices(golds: list[ChoiceGold]) -> _Verdict:
    other = next((gold for gold in golds if not same_right_option(golds[0], gold)), None)
    return _Verdict(None if other is None else f"'{golds[0].right}' is not '{other.right}'")


def _judge_tests(golds: list[CodeGold]) -> _Verdict:
    wanted: dict[tuple[str, str], str] = {}
    checked = any(gold.checker for gold in golds)
    for gold in golds if not checked else ():  # where a checker judges, several outputs are right
        if isinstance(gold, StdinGold | CallGold):
            name = gold.fn_name if isinstance(gold, CallGold) else ""
            for given, output in zip(gold.inputs, gold.outputs, strict=True):
                if wanted.setdefault((name, given.strip()), output.strip()) != output.strip():
                    return _Verdict(f"two outputs are wanted of the input '{given[:200]}'")
    return _Verdict(
        None, max(range(len(golds)), key=lambda at: (bool(golds[at].checker), _tests(golds[at]), -at)), other_tests=True
    )


def _tests(gold: CodeGold) -> int:
    if isinstance(gold, CheckGold):
        return gold.test_code.count("assert")
    return len(gold.asserts) if isinstance(gold, AssertGold) else len(gold.inputs)
