"""Copies of evaluation questions are refused, whatever their dress; other problems of the same template are not."""

import json
import random
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipo_data.schemas.config import Decontamination
from hipo_data.stages.ingest import decontamination
from hipo_data.stages.ingest.decontamination import HITS, EvaluationIndex
from hipo_data.stages.texts.words import Tokens, blocks, tokens, without_figures, words

BRIDGE = (
    "A bridge of length $\\frac{7}{2}$ km is crossed by a train that moves at $v=60$ km/h. A second train starts from"
    " the other end at the same moment and moves at twice that speed. After how many minutes do the two trains meet?"
)
ROBOT = (
    "A robot walks along a line of 100 lamps and switches every third one; then it turns around and switches every"
    " fifth lamp that it passes on the way back. How many of the lamps are on at last, if all were off at first?"
)
UNRELATED = (
    "Maria buys 12 apples and gives a quarter of them to her brother, who eats half of his share on the way to school"
    " and sells all others to his friends for 3 dollars each. How much money does he bring home in the end?"
)


def index(*questions: str, n: int = 8, coverage: float = 0.6) -> EvaluationIndex:
    listed = [("test", row, question) for row, question in enumerate(questions)]
    return EvaluationIndex(listed, Decontamination(n=n, coverage=coverage))


def found(questions: list[str], *evaluation: str) -> list[tuple[int, int]]:
    """Pairs of row and evaluation question."""
    hits = index(*evaluation).hits(pl.Series(questions))
    return list(hits.select("row", "item").iter_rows())


@pytest.mark.parametrize(
    "copy",
    [
        BRIDGE,
        BRIDGE.upper().replace("$\\FRAC{7}{2}$", "7/2"),
        BRIDGE.replace("$", "").replace(" ", "\n  ").replace("\\frac", "\\dfrac").replace(".", " !"),
        f"Solve this problem number 17 (from 2019) step by step.\n\n{BRIDGE}\n\nPut your answer in \\boxed{{}}.",
        BRIDGE.replace("second train", "second fast train").replace("at the same moment", "simultaneously"),
    ],
    ids=["exact", "case", "dress", "embedded", "edited"],
)
def test_copies_are_found(copy: str) -> None:
    assert found([UNRELATED, copy], BRIDGE, ROBOT) == [(1, 0)]


def test_half_a_question_is_another_question() -> None:
    half = BRIDGE.split(" ")[: len(BRIDGE.split(" ")) // 2]
    assert found([" ".join(half) + " " + UNRELATED], BRIDGE) == []


@pytest.mark.parametrize(
    ("evaluation", "other"),
    [
        ("Find the sum of the first 20 positive integers.", "Find the sum of the first 30 positive integers."),
        (BRIDGE, BRIDGE.replace("60", "80")),
        (
            "What is the sum of all odd positive integers that are less than 20 and that are no multiples of three?",
            "What is the sum of all odd positive integers that are less than 30 and that are no multiples of three?",
        ),
    ],
)
def test_other_numbers_make_another_problem(evaluation: str, other: str) -> None:
    assert found([evaluation, other], evaluation) == [(0, 0)]


def test_one_number_of_very_many_may_differ() -> None:
    prompt = f"{BRIDGE} For example, return {list(range(40))} in this order."
    assert found([prompt.replace(" 17,", " 99,")], prompt) == [(0, 0)]


def test_numbers_around_a_copy_do_not_matter() -> None:
    with_choices = f"{BRIDGE} Choose among (a) 21, (b) 42, (c) 84 and (d) 168 minutes."
    assert found([f"Problem 12 of 2019, worth 5 points and 4 stars. {BRIDGE}"], with_choices) == [(0, 0)]


def test_shared_wording_is_no_evidence() -> None:
    wording = "where $m$ and $n$ are relatively prime positive integers. Find $m+n$."
    assert found([f"{BRIDGE} {wording}"], f"{ROBOT} {wording}", f"The area of ABC is $m/n$, {wording}") == []


def test_wording_of_many_evaluation_questions_counts_neither_way() -> None:
    wording = (
        "Think step by step and write the final answer on a line of its own, after all of your careful reasoning. "
    )
    animals = ["ant", "bee", "cat", "dog", "eel", "fox", "gnu", "hen", "ibis", "jay"]
    asked = [
        wording * 3 + f"How many legs does one {animal} have, and how many have two of them?" for animal in animals
    ]
    assert found([wording * 3 + UNRELATED, asked[3]], *asked) == [(1, 3)]


def test_short_evaluation_questions_must_be_the_whole_question() -> None:
    short = "Compute $\\sin 60^\\circ$."
    questions = ["compute sin 60°", "Compute $\\sin 60^\\circ + \\cos 30^\\circ$.", "Hence compute sin 60 degrees"]
    assert found(questions, short) == [(0, 0)]


def test_marks_tell_short_questions_apart() -> None:
    assert found(["Compute $3-2$.", "Compute $\\frac{3}{2}$.", "Compute $3^2$."], "Compute 3/2.") == [(1, 0)]


def test_figures_need_not_be_copied() -> None:
    lines = "".join(f"draw((0,{at})--(1,{at})); " for at in range(20))
    figure = f"[asy] {lines} [/asy]"
    head, tail = BRIDGE.split(". A second")
    with_figure = f"{head}. {figure} A second{tail}"
    assert found([BRIDGE, with_figure], with_figure) == [(0, 0), (1, 0)]
    assert found([BRIDGE, with_figure], BRIDGE) == [(0, 0), (1, 0)]
    short = f"How long is AB? {figure}"
    assert found([short, "How long is AB?", "How long is AB? [asy] draw((0,0)--(9,9)); [/asy]"], short) == [(0, 0)]


def test_the_best_match_is_reported_once() -> None:
    questions = pl.Series([None, "Who are you?", f"{ROBOT} {BRIDGE} {UNRELATED}"])
    hits = index(f"{BRIDGE} {UNRELATED[:50]}", ROBOT, f"{BRIDGE} {UNRELATED}").hits(questions)
    assert hits.schema == HITS
    assert hits.drop("span").rows() == [(2, "test", 2, 1.0)]


def test_the_span_is_the_longest_shared_run() -> None:
    hits = index(BRIDGE).hits(pl.Series([BRIDGE.replace("After how many minutes", "When"), BRIDGE]))
    whole = " ".join(words(tokens(pl.Series([BRIDGE]))).of(0))
    assert hits["span"].to_list() == [whole.partition(" after how")[0], whole]
    assert 0.6 < hits["coverage"][0] < hits["coverage"][1] == 1


def test_rows_are_counted_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decontamination, "blocks", partial(blocks, chars=10))
    assert found([UNRELATED, BRIDGE, "", ROBOT], ROBOT, BRIDGE) == [(1, 1), (3, 0)]


def test_colliding_hashes_refuse_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tokens, "hashes", lambda self: np.zeros(len(self.flat), dtype=np.uint64))
    assert found([UNRELATED, "Compute 7.", ROBOT, "Compute 6."], ROBOT, "Compute 6.") == [(2, 0), (3, 1)]


def test_without_evaluation_questions_nothing_is_found() -> None:
    assert index().hits(pl.Series([BRIDGE, None, ""])).is_empty()
    assert index("", "$$", BRIDGE).hits(pl.Series(["", "$", None])).is_empty()
    assert index(BRIDGE).hits(pl.Series([], dtype=pl.String)).schema == HITS


TEXTS = st.lists(st.sampled_from(["a", "b", "c", "d", "1", "2", "+", "x^2"]), max_size=40).map(" ".join)


@given(
    st.lists(TEXTS, max_size=4), st.lists(TEXTS, max_size=8), st.sampled_from([4, 6]), st.sampled_from([0.3, 0.7, 1])
)
def test_questions_are_judged_one_by_one(evaluation: list[str], questions: list[str], n: int, coverage: float) -> None:
    made = index(*evaluation, n=n, coverage=coverage)
    alone = [made.hits(pl.Series([question])).drop("row").rows() for question in questions]
    together = made.hits(pl.Series(questions, dtype=pl.String))
    assert [together.filter(pl.col("row") == row).drop("row").rows() for row in range(len(questions))] == alone


@given(st.lists(TEXTS, min_size=1, max_size=6), st.sampled_from([4, 6]))
def test_exact_copies_are_always_found(evaluation: list[str], n: int) -> None:
    hits = index(*evaluation, n=n, coverage=1).hits(pl.Series(evaluation))
    assert hits["row"].to_list() == [row for row, question in enumerate(evaluation) if question]
    assert set(hits["coverage"]) <= {1.0}


# What follows reads real questions.

SETS = ("math", "aime", "amc", "minerva", "humaneval_prompts")


def texts_of(path: Path) -> list[str]:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [next(row[key] for key in ("problem", "question", "prompt") if key in row) for row in rows]


@pytest.fixture(scope="module")
def evaluation(shared_data: Path) -> list[tuple[str, int, str]]:
    return [(name, row, text) for name in SETS for row, text in enumerate(texts_of(shared_data / f"eval/{name}.jsonl"))]


@pytest.fixture(scope="module")
def real_index(evaluation: list[tuple[str, int, str]]) -> EvaluationIndex:
    return EvaluationIndex(evaluation, Decontamination(n=8, coverage=0.6))


def test_humaneval_is_found_in_full(shared_data: Path, real_index: EvaluationIndex) -> None:
    path = shared_data / "real/humaneval.jsonl"
    ids = [json.loads(line)["task_id"] for line in path.read_text().splitlines()]
    hits = real_index.hits(pl.Series(texts_of(path)))
    assert [f"HumanEval/{item}" for item in hits["item"]] == ids
    assert set(hits["set"]) == {"humaneval_prompts"}


def test_real_training_questions_are_refused_for_cause(shared_data: Path, real_index: EvaluationIndex) -> None:
    names = ("math_train", "aime_train", "gsm8k_model_solutions", "leetcode", "codeforces", "code_contests")
    hits = {name: real_index.hits(pl.Series(texts_of(shared_data / f"real/{name}.jsonl"))) for name in names}
    copies = set(hits["aime_train"].select("row", "set", "item").iter_rows())
    assert copies == {(64, "math", 292), (106, "math", 352), (340, "math", 475)}
    assert hits["math_train"].height <= 5, "none of them is a copy, by eye"
    assert not any(hits[name].height for name in names[2:])


def edited(text: str, changes: int) -> str:
    """With plain words replaced, dropped or added to."""
    rng = random.Random(text)
    parts = text.split(" ")
    plain = [at for at, part in enumerate(parts) if re.fullmatch("[A-Za-z]{3,}[,.?]?", part)]
    for at in rng.sample(plain, min(changes, len(plain))):
        parts[at] = rng.choice(["given", "", f"{parts[at]} certain"])
    return " ".join(parts)


@pytest.mark.parametrize(
    ("change", "least_words", "share"),
    [
        (lambda text: text, 1, 1.0),
        (lambda text: text.replace("$", "").replace("\\frac", "\\dfrac").replace(" ", " \n"), 1, 1.0),
        (lambda text: f"Solve problem 12 of 2019.\n{text}\nExplain all 3 steps.", 8, 1.0),
        (lambda text: edited(text, 1), 20, 0.97),
        (lambda text: edited(text, 3), 30, 0.95),
    ],
    ids=["exact", "dress", "embedded", "one word", "three words"],
)
def test_planted_copies_are_found(
    evaluation: list[tuple[str, int, str]],
    real_index: EvaluationIndex,
    change: Callable[[str], str],
    least_words: int,
    share: float,
) -> None:
    texts = pl.Series([text for *_, text in evaluation])
    originals = texts.filter(pl.Series(words(tokens(without_figures(texts))).counts >= least_words))
    hits = real_index.hits(pl.Series([change(text) for text in originals]))
    assert hits.height >= share * len(originals)


def test_planted_halves_are_not_found(shared_data: Path, evaluation: list[tuple[str, int, str]]) -> None:
    fill = words(tokens(pl.Series([" ".join(texts_of(shared_data / "real/gsm8k_model_solutions.jsonl"))]))).of(0)
    asked = [question for question in evaluation if question[0] in ("math", "aime", "amc")]
    own = words(tokens(without_figures(pl.Series([text for *_, text in asked]))))
    halves = [own.of(at)[: count // 2] + fill[: count - count // 2] for at, count in enumerate(own.counts)]
    hits = EvaluationIndex(asked, Decontamination(n=8, coverage=0.6)).hits(
        pl.Series([" ".join(half) for half in halves])
    )
    assert hits.height <= 0.01 * len(asked), "some questions say one thing twice, and half of them covers more"
