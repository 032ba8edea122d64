"""The tables of pairs and groups: whole pairs only, in the columns that preference trainers read."""

import polars as pl
import pytest
import torch

from hipo_data.schemas.arrow import to_table
from hipo_data.schemas.records import Decision, Example, Message, Mode, Pick, Problem, Status
from hipo_data.stages.publish.justification_copies import copies
from hipo_data.stages.publish.pairs import (
    GROUPS_SCHEMA,
    PREFERENCE_SCHEMA,
    groups_table,
    in_sft,
    preference_table,
    weights,
)
from hipo_data.trainer.algorithms.o1_pruner import standardised
from tests.stages.builders import SOURCE, make_decision, make_pick, make_problem, make_rollout

PROBLEMS = [make_problem(f"What is {number} times 7?") for number in range(3)]
ENDS = [  # problem, mode, index, role, status, weight
    (0, Mode.THINK_ON, 0, "chosen", Status.CORRECT, 3.5),
    (0, Mode.THINK_ON, 1, "rejected", Status.CORRECT, 1.0),
    (1, Mode.THINK_OFF, 0, "chosen", Status.INCORRECT, -1.0),
    (1, Mode.THINK_OFF, 2, "rejected", Status.INCORRECT, -0.5),
]


def made() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Examples and picks of two pairs."""
    examples, picks = [], []
    for rank, (number, mode, index, role, status, weight) in enumerate(ENDS):
        rollout = make_rollout(PROBLEMS[number], mode, index, completion_tokens=10 + index)
        pair = f"both_{'right' if status is Status.CORRECT else 'wrong'}:{mode}"
        fields = {"rank": rank % 2, "role": role, "status": status, "weight": weight, "margin": 0.25, "pair": pair}
        picks.append(make_pick(rollout, **fields))
        examples.append(make_example(PROBLEMS[number], mode, index))
    return pl.DataFrame(to_table(examples, Example)), pl.DataFrame(to_table(picks, Pick))


def make_example(problem: Problem, mode: Mode, index: int) -> Example:
    turns = [("user", problem.question), ("assistant", f"{mode} {index}")]
    return Example(
        problem_id=problem.problem_id, kind=problem.kind, split="train", question=problem.question, mode=mode,
        justification="j", reasoning=None, answer="a", format="hipo", completion_tokens=3, justification_attempts=1,
        messages=[Message.model_validate({"role": role, "content": text}) for role, text in turns],
        p_on=None, p_off=1.0, delta=0.15, rule="both_right", teacher="t", justifier="j", rollout_index=index,
        sources=[SOURCE], licence=None,
    )  # fmt: skip


def table(examples: pl.DataFrame, picks: pl.DataFrame) -> list[dict[str, object]]:
    made = preference_table(examples, picks, weights(examples.lazy(), picks.lazy()))
    assert made.schema == PREFERENCE_SCHEMA
    rows: list[dict[str, object]] = made.to_pylist()
    return rows


def test_a_pair_has_one_prompt_and_two_answers() -> None:
    rows = {row["problem_id"]: row for row in table(*made())}
    row = rows[PROBLEMS[0].problem_id]
    assert row["prompt"] == [{"role": "user", "content": PROBLEMS[0].question}]
    assert row["chosen"] == [{"role": "assistant", "content": "think_on 0"}]
    assert row["rejected"] == [{"role": "assistant", "content": "think_on 1"}]
    assert (row["kind"], row["margin"], row["chosen_tokens"], row["rejected_tokens"]) == ("both_right", 0.25, 10, 11)
    assert [row["kind"] for row in rows.values()].count("both_wrong") == 1
    assert [row["problem_id"] for row in table(*made())] == sorted(rows)


def test_weights_are_standardised_over_all_that_is_published_as_the_trainer_does() -> None:
    rows = {row["problem_id"]: row for row in table(*made())}
    expected = standardised(torch.tensor([end[-1] for end in ENDS])).tolist()
    found = [rows[PROBLEMS[number].problem_id][f"{role}_weight"] for number, _, _, role, *_ in ENDS]
    assert found == pytest.approx(expected, abs=1e-6)


def test_a_pair_with_one_end_is_no_row_and_its_weight_counts_nowhere() -> None:
    examples, picks = made()
    half = examples.filter(~((pl.col("problem_id") == PROBLEMS[0].problem_id) & (pl.col("rollout_index") == 1)))
    assert [row["kind"] for row in table(half, picks)] == ["both_wrong"]
    assert weights(half.lazy(), picks.lazy()).mean == pytest.approx((3.5 - 1.0 - 0.5) / 3)


def test_equal_weights_are_zero_and_not_a_division_by_zero() -> None:
    examples, picks = made()
    rows = table(examples, picks.with_columns(weight=pl.lit(1.5)))
    assert {row["chosen_weight"] for row in rows} == {0.0}
    assert preference_table(examples.head(0), picks, weights(examples.head(0).lazy(), picks.lazy())).num_rows == 0


def test_sft_holds_the_better_end_where_it_is_right() -> None:
    examples, picks = made()
    kept = in_sft(examples.lazy(), picks.lazy()).collect()
    assert kept.select("problem_id", "rollout_index").rows() == [(PROBLEMS[0].problem_id, 0)]
    plain = picks.with_columns(role=pl.lit("example"), status=pl.lit("incorrect"))
    assert in_sft(examples.lazy(), plain.lazy()).collect().equals(examples)


def test_a_group_holds_its_members_in_order_with_rates_and_rewards() -> None:
    problem, empty = PROBLEMS[:2]
    picks = [
        make_pick(make_rollout(problem, mode, index), rank=rank, role="member", score=score, status=status,
                  reasoning="r" if mode is Mode.THINK_ON else None, answer=None if score == 0 else "a")
        for rank, (mode, index, score, status) in enumerate(
            [(Mode.THINK_OFF, 0, 0.0, Status.INCORRECT), (Mode.THINK_ON, 0, 1.2, Status.CORRECT)]
        )
    ]  # fmt: skip
    decisions = [make_decision(problem, right_on=1, p_on=1.0), make_decision(empty, None)]
    listed = pl.DataFrame(
        [
            {"problem_id": p.problem_id, "kind": "math", "split": "train", "question": p.question}
            for p in (empty, problem)
        ]
    )
    made = groups_table(listed, pl.DataFrame(to_table(decisions, Decision)), pl.DataFrame(to_table(picks[::-1], Pick)))
    assert made.schema == GROUPS_SCHEMA
    (row,) = made.to_pylist()
    assert row["prompt"] == [{"role": "user", "content": problem.question}]
    assert (row["p_on"], row["right_on"]) == (1.0, 1)
    assert [(each["mode"], each["correct"], each["reward"], each["answer"]) for each in row["responses"]] == [
        ("think_off", False, 0.0, None),
        ("think_on", True, 1.2, "a"),
    ]


SENTENCE = "several partial sums have to be kept in mind here so going through them one by one is the safer way"


@pytest.mark.parametrize(
    ("texts", "share"),
    [
        ([SENTENCE, SENTENCE + " today", "a short list is all that has to be read before the answer is plain"], 1 / 3),
        ([SENTENCE] * 4, 3 / 4),
        ([SENTENCE, f"{SENTENCE} for me this time", f"as far as seen {SENTENCE}"], 2 / 3),  # both like the first
        ([SENTENCE.replace("partial", f"partial {number}") for number in (3, 4)], 0.0),  # numbers tell texts apart
        ([SENTENCE], 0.0),
        ([], None),
    ],
)
def test_copies_are_counted_but_for_the_first_of_their_kind(texts: list[str], share: float | None) -> None:
    assert copies(pl.Series(texts, dtype=pl.String)) == share
