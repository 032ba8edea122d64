"""What can be evaluated on, and how what cannot is refused."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hipo_data.evaluation.problems import problems_hash, read_problem_set, read_problems
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.gold import CallGold, ChoiceGold, MathGold, gold_to_json
from hipo_data.schemas.lettered_options import with_options
from hipo_data.schemas.records import Kind
from hipo_data.stages.publish.tables import RL_SCHEMA
from tests.support.commands import write_lines


def rl_row(question: str, p_on: float | None, p_off: float | None) -> dict[str, Any]:
    return {
        "data_source": "sums",
        "prompt": [{"role": "user", "content": question}],
        "ability": "math",
        "reward_model": {"style": "rule", "ground_truth": gold_to_json(MathGold(answers=["4"]))},
        "extra_info": {
            "index": 0,
            "split": "validation",
            "problem_id": f"id of {question}",
            "p_on": p_on,
            "p_off": p_off,
            "mode": "think_on",
        },
    }


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A published dataset of three problems in one split."""
    (tmp_path / "rl").mkdir()
    rows = [rl_row("2+2?", 1.0, 0.5), rl_row("3+1?", None, 0.75), rl_row("1+3?", None, None)]
    pq.write_table(pa.Table.from_pylist(rows, schema=RL_SCHEMA), tmp_path / "rl" / "validation-00000-of-00001.parquet")
    return tmp_path


def test_a_published_dataset_is_read_by_split(published: Path) -> None:
    for path in (published, published / "rl", published / "rl" / "validation-00000-of-00001.parquet"):
        found = read_problems(path)
        assert [each.problem_id for each in found] == ["id of 2+2?", "id of 3+1?", "id of 1+3?"]
        assert {each.source for each in found} == {"sums"}
        assert all(each.gold == MathGold(answers=["4"]) for each in found)


def test_difficulty_of_published_problems_is_what_the_teacher_failed(published: Path) -> None:
    # (0 + .5) / 2 over both modes; .25 of the only mode that was sampled; none without either.
    assert [each.difficulty for each in read_problems(published)] == [0.25, 0.25, None]


def test_a_split_without_files_is_refused_with_those_there_are(published: Path) -> None:
    with pytest.raises(UserError, match=r"rl has no split 'test'; it has validation; name another split"):
        read_problems(published, split="test")


def test_an_evaluation_set_has_many_shapes(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "aime.jsonl",
        [
            {"problem": "1+1?", "answer": "2", "level": 3, "subject": "Algebra"},
            {"id": "x", "kind": "math", "question": "2+2?", "gold": ["4", "four"], "source": "mine"},
            {"kind": "code", "question": "f", "gold": {"inputs": ["1"], "outputs": ["2"], "fn_name": "f"}},
        ],
    )
    first, second, third = read_problems(path)
    assert (first.source, first.family, first.difficulty, first.kind) == ("aime", "Algebra", 3.0, Kind.MATH)
    assert (second.problem_id, second.source, second.gold) == ("x", "mine", MathGold(answers=["4", "four"]))
    assert isinstance(third.gold, CallGold)
    assert len(first.problem_id) == 32


def test_the_problems_of_the_embedded_teacher_are_read(repo_root: Path) -> None:
    math = read_problems(repo_root / "models/problems/acereason_math.heldout.jsonl")
    code = read_problems(repo_root / "models/problems/skywork_code.heldout.jsonl", limit=7)
    assert (len(math), len(code)) == (180, 7)
    assert {each.kind for each in code} == {Kind.CODE}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"question": "2+2?"}], r"row 0 has no gold, so no response to it can be graded"),
        ([{"question": "2+2?", "gold": "4"}, {"question": "1?", "gold": ""}], r"row 1 has no gold"),
        ([{"gold": "4"}], r"row 0 has no question"),
        ([{"question": [{"role": "assistant", "content": "hi"}], "gold": "4"}], r"row 0 has no question"),
        ([{"question": "q", "gold": "4", "kind": "essay"}], r"row 0 has kind 'essay', but only math, code and choice"),
        ([{"question": "q", "gold": "nonsense", "kind": "code"}], r"row 0: the gold cannot be graded with"),
        (
            [{"question": "q", "gold": "4", "difficulty": "hard"}],
            r"row 0 has the difficulty 'hard', which is no number",
        ),
        ([{"question": "q", "gold": "4"}, {"question": " Q ", "gold": "5"}], r"row 1: an earlier row has the same id"),
        (
            [{"id": "a", "question": "q", "gold": "4"}, {"id": "b", "question": "q", "gold": "5"}],
            r"row 1 asks the same as .*set\.jsonl, row 0 and has another gold, .*; correct or remove one of them",
        ),
        (
            [{"id": "a", "question": "q", "gold": "4"}, {"id": "a", "question": "r", "gold": "4"}],
            r"row 1: an earlier row has the same id or question \(a\) and is another problem",
        ),
        ([], r"holds no problems; an evaluation needs at least one row"),
    ],
)
def test_a_set_that_cannot_be_graded_is_refused(rows: list[dict[str, Any]], said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=said):
        read_problems(write_lines(tmp_path / "set.jsonl", rows))


def test_what_stands_twice_is_asked_once_and_counted(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "question": "2+2?", "gold": "4"},
        {"id": "b", "question": "2+2?", "gold": "4"},  # another id
        {"question": " 2+2? ", "gold": "4"},  # no id, and other spaces
        {"id": "a", "question": "2+2?", "gold": "4"},
        {"id": "c", "question": "Q?", "gold": "4"},
        {"id": "d", "question": "q?", "gold": "5"},  # another gold, and not the same text: another problem
    ]
    found = read_problem_set(write_lines(tmp_path / "set.jsonl", rows))
    assert [each.problem_id for each in found.problems] == ["a", "c", "d"]
    assert found.repeated == 3
    assert read_problem_set(tmp_path / "set.jsonl", limit=1).problems == found.problems[:1]


def test_what_was_said_before_tells_questions_apart(tmp_path: Path) -> None:
    def turns(first: str) -> list[dict[str, str]]:
        return [{"role": "system", "content": first}, {"role": "user", "content": "And then?"}]

    rows = [{"id": str(at), "question": turns(first), "gold": "4"} for at, first in enumerate(("a", "b", "a"))]
    found = read_problem_set(write_lines(tmp_path / "set.jsonl", rows))
    assert ([each.problem_id for each in found.problems], found.repeated) == (["0", "1"], 1)


def test_what_is_no_set_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no evaluation set: no file matches"):
        read_problems(tmp_path / "missing.jsonl")
    (tmp_path / "set.csv").write_text("question,gold\n")
    with pytest.raises(UserError, match=r"ends in \.jsonl or \.parquet"):
        read_problems(tmp_path / "set.csv")
    (tmp_path / "set.parquet").write_text("no Parquet")
    with pytest.raises(UserError, match="cannot be read as Parquet"):
        read_problems(tmp_path / "set.parquet")
    (tmp_path / "set.jsonl").write_text('{"question": \n')
    with pytest.raises(UserError, match="row 0 cannot be read: JSONDecodeError"):
        read_problems(tmp_path / "set.jsonl")
    with pytest.raises(UserError, match="it holds no published split at all"):
        read_problems(tmp_path)


def test_another_gold_is_another_set(tmp_path: Path) -> None:
    hashes = {
        problems_hash(read_problems(write_lines(tmp_path / "set.jsonl", [{"question": question, "gold": gold}])))
        for question in ("2+2?", "2+3?")
        for gold in ("4", "5")
    }
    assert len(hashes) == 4


@pytest.mark.parametrize(
    "row",
    [
        {"Question": "Which is even?", "Correct Answer": "4", "Incorrect Answer 1": "3", "Incorrect Answer 2": "5"},
        {"question": "Which is even?", "options": ["3", "4", "5"], "answer": "B", "answer_index": 1},
        {
            "question": "Which is even?",
            "choices": {"text": ["5", "4", "3"], "label": ["A", "B", "C"]},
            "answerKey": "B",
        },
        {
            "question": "Which is even?",
            "correct_answer": "4",
            "distractor1": "3",
            "distractor2": "5",
            "support": "4 = 2 + 2",
        },
        {"question": "Which is even?", "options": ["A)3", "B)5", "C)4"], "rationale": "4 = 2 + 2", "correct": "C"},
        {"question": "Which is even?", "choices": ["3", "5", "4"], "answer": 2},
        {"question": "Which is even?", "A": "3", "B": "4", "C": "5", "answer": "B"},
        {"kind": "choice", "question": "Which is even?", "gold": {"options": ["5", "3", "4"], "content": "4"}},
    ],
)
def test_multiple_choice_is_asked_with_its_options_in_one_order(row: dict[str, Any], tmp_path: Path) -> None:
    (problem,) = read_problems(write_lines(tmp_path / "set.jsonl", [row]))
    assert problem.kind is Kind.CHOICE
    assert isinstance(problem.gold, ChoiceGold)
    assert problem.question == with_options("Which is even?", problem.gold.options)
    assert problem.gold.right == "4"
    shown = {"question": problem.question, "kind": "choice", "gold": gold_to_json(problem.gold)}
    assert read_problems(write_lines(tmp_path / "again.jsonl", [shown]))[0].question == problem.question
    first = {"question": "Which is even?", "options": ["3", "4", "5"], "answer": "4"}
    assert read_problems(write_lines(tmp_path / "first.jsonl", [first]))[0].question == problem.question


def test_quantities_are_asked_by_their_gold(tmp_path: Path) -> None:
    row = {"question": "How far?", "gold": {"quantity": "3", "unit": "m", "tolerance": 0.1}}
    (problem,) = read_problems(write_lines(tmp_path / "set.jsonl", [row]))
    assert problem.gold == MathGold(answers=["3"], unit="m", tolerance=0.1)


@pytest.mark.parametrize(
    ("row", "unit"),
    [
        ({"answer": "9.8", "unit": "m/s^2"}, "m/s^2"),
        ({"answer": 9.8, "unit": " m/s^2 "}, "m/s^2"),
        ({"answer": "9.8", "unit": " "}, None),
        ({"answer": "9.8", "unit": None}, None),
        ({"answer": "9.8", "unit": 3}, None),
        ({"gold": {"quantity": "9.8", "unit": "km"}, "unit": "m"}, "km"),
    ],
)
def test_the_unit_of_an_answer_may_stand_in_a_column_of_its_own(
    row: dict[str, Any], unit: str | None, tmp_path: Path
) -> None:
    (problem,) = read_problems(write_lines(tmp_path / "rows.jsonl", [{"question": "How fast?", **row}]))
    assert problem.gold == MathGold(answers=["9.8"], unit=unit)
