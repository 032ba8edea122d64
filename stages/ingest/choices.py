"""Multiple-choice problems on their way through ingest.

Until the end a question has its options in one order, and its gold in that of the source: so ids, golds of several
sources and word sequences of near-duplicates are compared whatever the order. `shown` puts them as a model sees them.
"""

from typing import NamedTuple

import polars as pl

from hipo_data.graders.choice.texts import plain
from hipo_data.schemas.gold import ChoiceGold, MathGold, gold_from_json, gold_to_json
from hipo_data.schemas.lettered_options import in_one_order, with_options, without_options
from hipo_data.schemas.option_order import shuffled
from hipo_data.schemas.records import Kind

_TELLING_WORDS = 10
"""A question of fewer words, as `Which of these is true?`, is told from others by its options alone."""
_OF_OTHERS = ("of the above", "of these", "of those")


def with_sorted_options(drafts: pl.DataFrame) -> pl.DataFrame:
    """Drafts with parsed golds, whose questions get their options, in the order that says nothing."""
    found = _choices(drafts)
    questions = [with_options(row["question"], in_one_order(_gold(row).options)) for row in found.rows]
    return found.put(question=questions)


def stems(drafts: pl.DataFrame) -> pl.Series:
    """Questions without their options; null for problems of other kinds."""
    found = _choices(drafts)
    empty = drafts.with_columns(pl.lit(None, pl.String).alias("question"))
    return found._replace(frame=empty).put(question=[_stem(row["question"]) for row in found.rows])["question"]


def shown(problems: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Problems with their options shuffled, in question and gold, and `options`: how many, null for other kinds."""
    found = _choices(problems.with_columns(options=pl.lit(None, pl.Int64)))
    golds = [shuffled(_gold(row), seed, row["problem_id"]) for row in found.rows]
    return found.put(
        question=[
            with_options(_stem(row["question"]), gold.options) for row, gold in zip(found.rows, golds, strict=True)
        ],
        gold=[gold_to_json(gold) for gold in golds],
        options=[len(gold.options) for gold in golds],
    )


def compared_questions(problems: pl.DataFrame) -> pl.DataFrame:
    """Problems with the questions that near-duplicates are told by: long ones without their options."""
    found = _choices(problems)
    stems = [(_stem(row["question"]), row["question"]) for row in found.rows]
    return found.put(question=[stem if len(stem.split()) >= _TELLING_WORDS else whole for stem, whole in stems])


def compared_golds(problems: pl.DataFrame) -> pl.DataFrame:
    """Problems with the golds that near-duplicates have to agree in: what is right, as math has it.

    A right option that speaks of the others, as `all of the above`, is right in too many problems to tell them.
    """
    found = _choices(problems)
    golds = [_gold(row) for row in found.rows]
    relative = [any(words in gold.right.lower() for words in _OF_OTHERS) for gold in golds]
    alone = [MathGold(answers=[gold.right]) for gold in golds]
    chosen = [gold if whole else bare for gold, bare, whole in zip(golds, alone, relative, strict=True)]
    return found.put(gold=[gold_to_json(gold) for gold in chosen])


def same_right_option(gold: ChoiceGold, other: ChoiceGold) -> bool:
    """Whether golds with the same options call the same one right."""
    options = [plain(option) for option in gold.options]
    right = plain(other.right)
    if right in options:
        return right == plain(gold.right)
    folded = [option.casefold() for option in options]
    return folded.count(right.casefold()) == 1 and right.casefold() == plain(gold.right).casefold()


class _Choices(NamedTuple):
    """The rows of this kind in a frame."""

    frame: pl.DataFrame
    at: pl.Series
    rows: list[dict[str, str]]

    def put(self, **columns: list[str] | list[int]) -> pl.DataFrame:
        """The frame with new values of these columns in those rows."""
        if not self.rows:
            return self.frame
        return self.frame.with_columns(
            self.frame[name].scatter(self.at, pl.Series(values, dtype=self.frame[name].dtype))
            for name, values in columns.items()
        )


def _choices(frame: pl.DataFrame) -> _Choices:
    at = (frame["kind"].cast(pl.String) == Kind.CHOICE.value).fill_null(False).arg_true()
    names = [name for name in ("problem_id", "question", "gold") if name in frame.columns]
    return _Choices(frame, at, frame[at].select(names).to_dicts() if len(at) else [])


def _gold(row: dict[str, str]) -> ChoiceGold:
    gold = gold_from_json(row["gold"])
    assert isinstance(gold, ChoiceGold)
    return gold


def _stem(question: str) -> str:
    parts = without_options(question)
    assert parts is not None
    return parts[0]
