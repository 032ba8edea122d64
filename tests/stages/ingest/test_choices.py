"""Multiple choice through ingest: shapes of datasets, shuffling, refusals, duplicates, conflicts, decontamination."""

import json
import re
from collections import Counter
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from hipo_data.schemas.gold import ChoiceGold, MathGold
from hipo_data.schemas.lettered_options import without_options
from hipo_data.schemas.records import Kind, Problem
from hipo_data.stages.ingest.sources.table import TableSource
from tests.stages.ingest.ingesting import Line, check_accounts, read, reasons, table, write

STEM = "Which gas does a burning candle in a closed jar use up first of all, before it goes out?"
OPTIONS = ["oxygen", "nitrogen", "argon", "carbon dioxide"]


def listed(options: list[str], answer: Any, question: str = STEM) -> dict[str, Any]:
    return {"question": question, "options": options, "answer": answer}


def source(path: Path, rows: list[Line], **changes: Any) -> TableSource:
    changes = {"kind": "choice", "columns": {"options": ["options"]}, **changes}
    return table(write(path, rows), **changes)


def one(path: Path, row: dict[str, Any], seed: int = 0, **changes: Any) -> Problem:
    found = read(source(path / "rows.jsonl", [row], **changes), seed=seed)
    check_accounts(found)
    (problem,) = found.problems
    return problem


def gold(problem: Problem) -> ChoiceGold:
    assert isinstance(problem.gold, ChoiceGold)
    return problem.gold


SHAPES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "gpqa": (
        {
            "Question": STEM,
            "Correct Answer": "oxygen",
            **{f"Incorrect Answer {number}": option for number, option in enumerate(OPTIONS[1:], start=1)},
        },
        {
            "columns": {
                "question": "Question",
                "gold": "Correct Answer",
                "wrong": [f"Incorrect Answer {number}" for number in (1, 2, 3)],
            }
        },
    ),
    "letter": (listed(OPTIONS, "A"), {}),
    "content": (listed(OPTIONS, "oxygen"), {}),
    "index": (listed(OPTIONS, 0), {"gold_is": "index"}),
    "labelled": (listed([f"{letter}. {each}" for letter, each in zip("ABCD", OPTIONS, strict=True)], "A"), {}),
    "columns": (
        {"question": STEM, **dict(zip("ABCD", OPTIONS, strict=True)), "answer": "A"},
        {"columns": {"options": ["A", "B", "C", "D"]}},
    ),
    "nested": (
        {"question": STEM, "choices": {"text": OPTIONS, "label": ["A", "B", "C", "D"]}, "answerKey": "A"},
        {"columns": {"options": ["choices.text"], "gold": "answerKey"}},
    ),
    "a list of wrong ones": (
        {"question": STEM, "best": "oxygen", "others": OPTIONS[1:]},
        {"columns": {"gold": "best", "wrong": ["others"]}},
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_all_shapes_come_to_the_same_problem(shape: str, tmp_path: Path) -> None:
    row, changes = SHAPES[shape]
    problem = one(tmp_path, row, **changes)
    assert problem == one(tmp_path, listed(OPTIONS, "A")).model_copy(update={"sources": problem.sources})
    assert (problem.kind, problem.options) == (Kind.CHOICE, 4)
    assert without_options(problem.question) == (STEM, gold(problem).options)
    assert gold(problem).right == "oxygen"


def test_the_order_of_the_source_changes_nothing(tmp_path: Path) -> None:
    found = {
        one(tmp_path, listed(list(order), "ABCD"[order.index("oxygen")])).model_dump_json(exclude={"sources"})
        for order in permutations(OPTIONS)
    }
    assert len(found) == 1


def test_letters_of_right_options_are_spread_evenly_and_the_seed_decides(tmp_path: Path) -> None:
    rows = [listed([str(n), str(n + 1), str(n + 2), str(n + 3)], "A", f"What comes after {n - 1}?") for n in range(400)]
    orders = []
    for seed in (0, 1):
        found = read(source(tmp_path / "rows.jsonl", list(rows)), seed=seed, near_duplicates=None)
        letters = Counter(gold(problem).answer for problem in found.problems)
        assert all(70 <= letters[letter] <= 130 for letter in "ABCD"), letters
        orders.append({problem.problem_id: problem.question for problem in found.problems})
    assert orders[0].keys() == orders[1].keys()
    assert orders[0] != orders[1]


def test_options_that_speak_of_others_keep_their_places(tmp_path: Path) -> None:
    above = one(tmp_path, listed(["oxygen", "none of the above", "argon"], "B"))
    assert gold(above).right == gold(above).options[-1] == "none of the above"
    by_letter = ["oxygen", "argon", "both A and B", "neither"]
    assert gold(one(tmp_path, listed(by_letter, "C"))) == ChoiceGold(options=by_letter, answer="C")


@pytest.mark.parametrize(
    ("row", "changes", "reason"),
    [
        (listed(["oxygen"], "A"), {}, "option_count"),
        (listed([str(n) for n in range(27)], "A"), {}, "option_count"),
        (listed(["oxygen", " oxygen. ", "argon"], "C"), {}, "equal_options"),
        (listed([r"$\frac{1}{2}$", "0.5", "2"], "C"), {}, "equal_options"),
        (listed(["10 mm", "1 cm", "2 cm"], "C"), {}, "equal_options"),
        (listed(["a\nB. b", "c"], "A"), {}, "bad_option"),
        (listed(["", "c"], "A"), {}, "bad_option"),
        (listed(OPTIONS, "E"), {}, "no_such_option"),
        (listed(OPTIONS, "helium"), {}, "no_such_option"),
        (listed(OPTIONS, 1), {}, "no_such_option"),
        (listed(["B", "C", "A", "0"], "B"), {}, "ambiguous_answer"),
        (listed(OPTIONS, None), {}, "no_gold"),
        ({"question": STEM, "answer": "A"}, {}, "bad_column"),
        ({"question": STEM, "answer": "A"}, {"columns": {}}, "bad_gold"),
        (
            {"question": STEM, "answer": "both A and B", "x": "oxygen", "y": "argon"},
            {"columns": {"wrong": ["x", "y"]}},
            "bad_option",
        ),
    ],
)
def test_what_cannot_be_graded_is_refused_with_its_reason(
    row: dict[str, Any], changes: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    found = read(
        source(tmp_path / "rows.jsonl", [row, listed(OPTIONS, "A", "Another question altogether?")], **changes)
    )
    check_accounts(found)
    assert reasons(found)[reason] >= 1, reasons(found)


def test_options_that_differ_in_case_alone_are_different(tmp_path: Path) -> None:
    assert gold(one(tmp_path, listed(["TT", "Tt", "tt"], "B"))).right == "Tt"


def test_the_same_question_of_two_sources_is_one_and_another_right_option_a_conflict(tmp_path: Path) -> None:
    first = source(tmp_path / "one.jsonl", [listed(OPTIONS, "A")], name="one")
    same = source(tmp_path / "two.jsonl", [listed(OPTIONS[::-1], "oxygen")], name="two")
    found = read(first, same)
    assert [len(problem.sources) for problem in found.problems] == [2]
    other = source(tmp_path / "three.jsonl", [listed(OPTIONS[::-1], "argon")], name="three")
    found = read(first, other)
    assert not found.problems
    assert reasons(found)["gold_conflict"] == 2


def test_other_wrong_options_make_a_near_duplicate_and_another_right_one_none(tmp_path: Path) -> None:
    rows: list[Line] = [
        listed(OPTIONS, "A"), listed([*OPTIONS, "helium"], "A"), listed([*OPTIONS, "neon"], "argon")
    ]  # fmt: skip
    found = read(source(tmp_path / "rows.jsonl", rows), near_duplicates={})
    assert reasons(found)["near_duplicate"] == 1
    assert sorted(gold(problem).right for problem in found.problems) == ["argon", "oxygen"]


def test_short_questions_are_told_apart_by_their_options(tmp_path: Path) -> None:
    asked = "Which of these is true?"
    rows: list[Line] = [
        listed(["Water is wet.", "Fire is cold."], "A", asked), listed(["Ice is cold.", "Snow is warm."], "A", asked)
    ]  # fmt: skip
    assert len(read(source(tmp_path / "rows.jsonl", rows)).problems) == 2


def test_the_same_question_without_options_is_a_near_duplicate(tmp_path: Path) -> None:
    asked = "How many moles of gas fill a flask of 22.4 litres at the temperature of melting ice and one atmosphere?"
    open_ = table(write(tmp_path / "open.jsonl", [{"question": asked, "answer": "1"}]), name="open")
    choices = source(tmp_path / "rows.jsonl", [listed(["1", "2", "3"], "A", asked)])
    found = read(open_, choices, near_duplicates={})
    assert reasons(found)["near_duplicate"] == 1
    assert isinstance(found.problems[0].gold, MathGold)


@pytest.mark.parametrize(
    ("evaluated", "more", "hit"),
    [
        ({"q": STEM}, {}, True),
        ({"q": STEM, "o": OPTIONS[::-1]}, {"options": ["o"]}, True),
        ({"q": STEM, "a": "neon", "b": "helium"}, {"options": ["a", "b"]}, True),
        ({"q": "Which of these is lightest?", "o": ["argon", "neon"]}, {"options": ["o"]}, False),
    ],
)
def test_evaluation_questions_are_found_without_their_options(
    evaluated: dict[str, Any], more: dict[str, Any], hit: bool, tmp_path: Path
) -> None:
    path = write(tmp_path / "eval.jsonl", [evaluated])
    sets = {"sets": [{"name": "exam", "path": str(path), "question": "q", **more}]}
    found = read(source(tmp_path / "rows.jsonl", [listed(OPTIONS, "A")]), decontaminate=sets)
    assert (reasons(found)["contaminated"] == 1) is hit


@pytest.mark.parametrize(
    ("options", "hit"), [(["argon", "neon", "xenon gas in a lamp of glass"], True), (["1", "2", "3"], False)]
)
def test_a_short_question_is_contaminated_with_its_options_in_any_order_alone(
    options: list[str], hit: bool, tmp_path: Path
) -> None:
    short = "Which of these is lightest?"
    path = write(tmp_path / "eval.jsonl", [{"q": short, "o": ["xenon gas in a lamp of glass", "neon", "argon"]}])
    sets = {"sets": [{"name": "exam", "path": str(path), "question": "q", "options": ["o"]}]}
    found = read(source(tmp_path / "rows.jsonl", [listed(options, "A", short)]), decontaminate=sets)
    assert (reasons(found)["contaminated"] == 1) is hit


def test_a_pool_of_kinds_by_a_column(tmp_path: Path) -> None:
    rows: list[Line] = [
        {"question": "What is 6 times 7?", "answer": "42", "options": None, "kind": "math"},
        listed(OPTIONS, "A") | {"kind": "choice"},
    ]
    columns = {"options": ["options"], "kind": "kind"}
    found = read(source(tmp_path / "rows.jsonl", rows, columns=columns, kind="math"))
    assert Counter(problem.kind for problem in found.problems) == {Kind.MATH: 1, Kind.CHOICE: 1}
    assert json.loads(found.problems[0].model_dump_json())


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"columns": {"options": ["options"]}}, "'options' is of kind: choice, but kind is math"),
        ({"columns": {"wrong": ["a"]}}, "'wrong' is of kind: choice, but kind is math"),
        ({"gold_is": "letter"}, "'gold_is' is of kind: choice, but kind is math"),
        ({"kind": "choice", "gold_is": "index"}, "no columns have options"),
        ({"kind": "choice", "columns": {"options": ["o"], "unit": "unit"}}, "'unit' is of kind: math"),
        ({"kind": "code", "tolerance": 0.1}, "'tolerance' is of kind: math, but kind is code"),
        ({"kind": "choice", "columns": {"wrong": ["a"]}, "gold_is": "letter"}, "'wrong' has all options but the right"),
    ],
)
def test_keys_that_nobody_would_read_are_refused(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(said)):
        TableSource.model_validate({"type": "table", "path": "rows.jsonl", **keys})


def test_a_column_with_the_kind_may_bring_all_kinds() -> None:
    columns = {"kind": "sort", "options": ["options"], "unit": "unit"}
    kept = TableSource.model_validate({"type": "table", "path": "rows.jsonl", "columns": columns, "tolerance": 0.1})
    assert kept.columns.unit == "unit"
