"""The dataset's files: names, sizes, and columns that `datasets` and verl read as they are."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hipo_data.schemas.arrow import arrow_schema, from_table, to_table
from hipo_data.schemas.gold import AssertGold, MathGold, NoGold, gold_from_json, gold_in_row, gold_to_json
from hipo_data.schemas.records import Example, Message, Mode, Problem
from hipo_data.stages.publish.tables import RL_SCHEMA, rl_table
from hipo_data.stages.publish.writers import ShardedWriter
from tests.stages.builders import SOURCE, make_decision, make_problem

NUMBERS = pa.schema([("number", pa.int64())])


def numbers(first: int, count: int) -> pa.Table:
    return pa.table({"number": list(range(first, first + count))}, schema=NUMBERS)


@pytest.mark.parametrize(
    ("pieces", "limit", "sizes"),
    [
        ([], 10, []),
        ([0], 10, []),
        ([3], 10, [3]),
        ([10], 10, [10]),
        ([11], 10, [10, 1]),
        ([4, 0, 4, 4], 10, [10, 2]),
        ([35], 10, [10, 10, 10, 5]),
        ([1, 1, 1], 1, [1, 1, 1]),
    ],
)
def test_files_hold_at_most_the_limit_and_all_rows_in_order(
    tmp_path: Path, pieces: list[int], limit: int, sizes: list[int]
) -> None:
    writer = ShardedWriter(tmp_path / "sft", "train", NUMBERS, limit)
    written = 0
    for count in pieces:
        writer.write(numbers(written, count))
        written += count
    writer.close()
    files = sorted((tmp_path / "sft").glob("*"))
    assert [path.name for path in files] == [
        f"train-{place:05d}-of-{len(sizes):05d}.parquet" for place in range(len(sizes))
    ]
    tables = [pq.read_table(path) for path in files]
    assert [table.num_rows for table in tables] == sizes
    assert [n for table in tables for n in table["number"].to_pylist()] == list(range(written))
    assert writer.rows == written


def test_no_file_has_its_final_name_before_all_is_written(tmp_path: Path) -> None:
    writer = ShardedWriter(tmp_path, "train", NUMBERS, 2)
    writer.write(numbers(0, 5))
    assert not list(tmp_path.glob("*.parquet"))
    writer.close()
    assert len(list(tmp_path.glob("*.parquet"))) == 3
    assert not list(tmp_path.glob("*.part"))


def test_rows_of_another_schema_are_refused(tmp_path: Path) -> None:
    writer = ShardedWriter(tmp_path, "train", NUMBERS, 2)
    with pytest.raises(ValueError, match="schema"):
        writer.write(pa.table({"other": [1]}))


def rl_problems() -> list[Problem]:
    return [
        make_problem("Solved by thinking?"),
        make_problem("Never solved?"),
        make_problem("Write f.", AssertGold(asserts=["assert f()"]), split="validation"),
        make_problem("Solved yet dropped?"),
    ]


def rl_rows(first: int = 0) -> pa.Table:
    thinking, never, code, dropped = rl_problems()
    decisions = [
        make_decision(thinking, right_off=0, p_off=None),
        make_decision(never, None, right_on=0, right_off=0),
        make_decision(code, Mode.THINK_OFF, right_on=0),
        make_decision(dropped, None, right_on=1, right_off=0),
    ]
    return rl_table(rl_problems(), {decision.problem_id: decision for decision in decisions}, first)


def test_rl_prompts_are_those_solved_at_least_once_in_verls_columns() -> None:
    rows = rl_rows(first=7).to_pylist()
    assert [row["prompt"] for row in rows] == [
        [{"role": "user", "content": question}]
        for question in ("Solved by thinking?", "Write f.", "Solved yet dropped?")
    ]
    assert [(row["ability"], row["data_source"]) for row in rows] == [
        ("math", SOURCE.dataset),
        ("code", SOURCE.dataset),
        ("math", SOURCE.dataset),
    ]
    assert [row["extra_info"]["index"] for row in rows] == [7, 8, 9]
    assert [row["extra_info"]["mode"] for row in rows] == ["think_on", "think_off", None]
    assert [row["extra_info"]["split"] for row in rows] == ["train", "validation", "train"]
    assert (rows[0]["extra_info"]["p_on"], rows[0]["extra_info"]["p_off"]) == (0.5, None)
    golds = [gold_from_json(gold_in_row(row["reward_model"]["ground_truth"], row["extra_info"])) for row in rows]
    assert golds == [problem.gold for place, problem in enumerate(rl_problems()) if place != 1]
    assert [row["reward_model"]["ground_truth"] for row in rows] == ["42", gold_to_json(rl_problems()[2].gold), "42"]
    assert [row["solution"] for row in rows] == [r"\boxed{42}", None, r"\boxed{42}"]
    assert {row["reward_model"]["style"] for row in rows} == {"rule"}


@pytest.mark.parametrize(
    ("gold", "truth"), [("67.0", "67"), ("-3.00", "-3"), ("67.5", "67.5"), ("0.0", "0"), ("x = 2.0", "x = 2.0")]
)
def test_a_whole_number_is_written_as_one(gold: str, truth: str) -> None:
    problem = make_problem("How many?", MathGold(answers=[gold]))
    (row,) = rl_table([problem], {problem.problem_id: make_decision(problem)}, 0).to_pylist()
    assert (row["reward_model"]["ground_truth"], row["solution"]) == (truth, f"\\boxed{{{truth}}}")
    assert gold_from_json(row["extra_info"]["gold"]) == problem.gold


def test_the_sources_own_words_stand_beside_the_answer() -> None:
    gold = MathGold(answers=["$\\frac{1}{2}$.", "0.5"])
    whole = "So it is a half. #### 1/2"
    problem = make_problem("Half?", gold).model_copy(update={"gold_text": whole})
    named = problem.model_copy(update={"sources": [SOURCE, SOURCE.model_copy(update={"id": "q-7"})]})
    (row,) = rl_table([named], {named.problem_id: make_decision(named)}, 0).to_pylist()
    assert row["reward_model"]["ground_truth"] == r"\frac{1}{2}" and row["solution"] == r"\boxed{\frac{1}{2}}"
    about = row["extra_info"]
    assert (about["source_id"], about["gold_text"], gold_from_json(about["gold"])) == ("q-7", whole, gold)


def test_a_prompt_without_a_gold_gets_the_answer_that_responses_agree_on_and_says_so() -> None:
    without, given = make_problem("Voted on?", NoGold()), make_problem("Given?")
    decisions = [make_decision(without, pseudo_gold="12"), make_decision(given)]
    rows = rl_table([without, given], {each.problem_id: each for each in decisions}, 0).to_pylist()
    golds = [gold_from_json(gold_in_row(row["reward_model"]["ground_truth"], row["extra_info"])) for row in rows]
    assert golds == [MathGold(answers=["12"]), given.gold]
    assert [row["extra_info"]["gold_source"] for row in rows] == ["pseudo", "source"]


def example(number: int) -> Example:
    return Example(
        problem_id=f"{number:032x}",
        kind=make_problem().kind,
        split="train",
        question="q",
        mode=Mode.THINK_OFF,
        justification="j",
        reasoning=None,
        answer="a",
        messages=[Message(role="user", content="q"), Message(role="assistant", content="a")],
        format="hipo",
        completion_tokens=3,
        justification_attempts=1,
        p_on=None,
        p_off=1.0,
        delta=0.15,
        rule="default_off",
        teacher="t",
        justifier="j",
        rollout_index=0,
        sources=[SOURCE],
        licence=None,
    )


@pytest.mark.slow
def test_datasets_loads_both_parts_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    sft = ShardedWriter(tmp_path / "sft", "train", arrow_schema(Example), 2)
    sft.write(to_table([example(number) for number in range(3)], Example))
    sft.close()
    rl = ShardedWriter(tmp_path / "rl", "train", RL_SCHEMA, 2)
    rl.write(rl_rows())
    rl.close()

    def load(part: str) -> Any:
        return datasets.load_dataset(
            "parquet", data_files={"train": f"{tmp_path}/{part}/train-*.parquet"}, cache_dir=str(tmp_path / "cache")
        )["train"]

    loaded = {part: load(part) for part in ("sft", "rl")}
    assert loaded["sft"]["messages"][0] == [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    assert list(loaded["sft"]["problem_id"]) == [example(number).problem_id for number in range(3)]
    assert loaded["rl"].column_names == ["data_source", "prompt", "ability", "reward_model", "extra_info", "solution"]
    assert list(loaded["rl"]) == rl_rows().to_pylist()


def test_examples_read_back_from_the_files(tmp_path: Path) -> None:
    writer = ShardedWriter(tmp_path, "train", arrow_schema(Example), 10)
    writer.write(to_table([example(1)], Example))
    writer.close()
    assert list(from_table(pq.read_table(next(tmp_path.glob("*.parquet"))), Example)) == [example(1)]
