"""Reads the evaluation sets of a recipe."""

from collections.abc import Sequence

import polars as pl

from hipo_data.schemas.config import Decontamination, EvaluationSet
from hipo_data.schemas.errors import SourceError
from hipo_data.schemas.lettered_options import in_one_order, with_options
from hipo_data.stages.ingest.composed_golds import options_of
from hipo_data.stages.ingest.decontamination import EvaluationIndex
from hipo_data.stages.ingest.reading.blocks import blocks, read_block
from hipo_data.stages.ingest.reading.columns import REFUSED, ROW, Column
from hipo_data.stages.ingest.reading.files import SourceFile, source_files
from hipo_data.stages.texts.words import tokens, words


def files_of_set(evaluation: EvaluationSet) -> list[SourceFile]:
    """The files of an evaluation set. Raises `FileNotFoundError` or `SourceError`."""
    return source_files(evaluation, evaluation.name, evaluation.files)


def evaluation_index(config: Decontamination) -> EvaluationIndex | None:
    """The index of all evaluation sets; null where the recipe names none.

    Raises:
        SourceError: where a set cannot be had, or a row of it cannot be read or has no question.
        FileNotFoundError: where it has no local file.
    """
    questions = [question for each in config.sets for question in _questions(each, config.n)]
    return EvaluationIndex(questions, config) if questions else None


def _questions(evaluation: EvaluationSet, n: int) -> Sequence[tuple[str, int, str]]:
    columns = [
        Column(evaluation.question),
        *(Column(path, any_json=frozenset({path})) for path in dict.fromkeys(evaluation.options)),
    ]
    found: list[tuple[str, int, str]] = []
    for file in files_of_set(evaluation):
        for block in blocks(file, columns):
            frame = pl.DataFrame(read_block(block, columns))
            wrong = frame.filter(pl.col(REFUSED).is_not_null() | pl.col(evaluation.question).is_null())
            if len(wrong):
                why = wrong[REFUSED][0] or f"column '{evaluation.question}' is missing or no text"
                raise SourceError(
                    f"evaluation set '{evaluation.name}', {file.label} row {wrong[ROW][0]}: {why}; "
                    "name the column with the question as 'question'"
                )
            texts = _told_apart(frame, evaluation, n) if evaluation.options else frame[evaluation.question]
            found += [(evaluation.name, row, text) for row, text in zip(frame[ROW], texts, strict=True)]
    if not found:
        raise SourceError(f"evaluation set '{evaluation.name}' holds no question")
    return found


def _told_apart(frame: pl.DataFrame, evaluation: EvaluationSet, n: int) -> pl.Series:
    """Questions; those of fewer than n words with their options, in the order that ingest compares them in."""
    questions = frame[evaluation.question]
    short = (pl.Series(words(tokens(questions)).counts) < n).arg_true()
    rows = frame[short].select(evaluation.question, *dict.fromkeys(evaluation.options)).to_dicts()
    whole = [
        with_options(row[evaluation.question].strip(), in_one_order(options_of(row, evaluation.options)))
        for row in rows
    ]
    return questions.scatter(short, pl.Series(whole, dtype=pl.String)) if whole else questions
