"""Questions that are the same but for some words are found and merged; those that mean something else never are."""

import json
import random
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipo_data.schemas.config import NearDuplicates
from hipo_data.stages.texts import near_duplicates
from hipo_data.stages.texts.near_duplicates import (
    BANDS,
    CLUSTERS,
    PAIRS,
    VERIFIED,
    banding,
    bands,
    candidate_pairs,
    clusters,
    through_representatives,
    verify,
)
from hipo_data.stages.texts.words import blocks, tokens, words

CONFIG = NearDuplicates()
BRIDGE = (
    "A bridge of length $\\frac{7}{2}$ km is crossed by a train that moves at $v=60$ km/h. A second train starts from"
    " the other end at the same moment and moves at twice that speed. After how many minutes do the two trains meet?"
)


def problems(questions: list[str], golds: list[str] | None = None, kind: str = "math") -> pl.DataFrame:
    columns = {"row": range(len(questions)), "question": questions, "gold": golds or ["7"] * len(questions)}
    table = pl.DataFrame(columns, schema={"row": pl.UInt32, "question": pl.String, "gold": pl.String})
    return table.with_columns(kind=pl.lit(kind))


def verified(table: pl.DataFrame, config: NearDuplicates = CONFIG) -> pl.DataFrame:
    return verify(candidate_pairs(bands(table["question"], config)), table, config)


def pairs_of(questions: list[str], config: NearDuplicates = CONFIG) -> set[tuple[int, int]]:
    return set(verified(problems(questions), config).select("a", "b").iter_rows())


def bucket(rows: list[int], band: int = 1) -> pl.DataFrame:
    return pl.DataFrame({"row": rows, "band": [band] * len(rows)}, schema=BANDS)


def table_of(pairs: dict[tuple[int, int], bool]) -> pl.DataFrame:
    return pl.DataFrame([(a, b, 0.9, same) for (a, b), same in pairs.items()], schema=VERIFIED, orient="row")


@pytest.mark.parametrize(
    "other",
    [
        BRIDGE,
        BRIDGE.replace("$", "").replace("\\frac{7}{2}", "7/2").replace(" ", "  ").upper(),
        BRIDGE.replace("second train", "further train"),
        BRIDGE.replace("After how", "So after how"),
        f"Answer this question. {BRIDGE}",
    ],
    ids=["equal", "dress", "changed", "added", "prefix"],
)
def test_near_duplicates_are_found(other: str) -> None:
    assert pairs_of(["Who are you?", BRIDGE, "What is this?", other]) == {(1, 3)}


@pytest.mark.parametrize(
    "other",
    [
        BRIDGE.replace("60", "80"),
        BRIDGE.replace("v=60", "v<60"),
        BRIDGE.replace("v=60", "v=-60"),
        BRIDGE.replace("v=60", "v \\le 60"),
        BRIDGE.replace("{7}{2}", "{2}{7}").replace("v=60", "v=60^2"),
        BRIDGE.replace("twice", "half"),
        BRIDGE.replace("two trains", "three trains"),
    ],
)
def test_other_numbers_or_signs_make_another_problem(other: str) -> None:
    table = problems([BRIDGE, other])
    assert candidate_pairs(bands(table["question"], CONFIG)).is_empty()
    pair = pl.DataFrame({"a": [0], "b": [1]}, schema=PAIRS)
    assert verify(pair, table, CONFIG.model_copy(update={"threshold": 0.1})).is_empty()


REWORDED = BRIDGE.replace("length", "extent").replace("second", "further").replace("After how many", "When, in")


def test_math_is_found_reworded_where_code_is_not() -> None:
    (pair,) = verified(problems([BRIDGE, REWORDED])).iter_rows()
    assert pair[:2] == (0, 1) and 0.6 <= pair[2] < 0.8
    assert verified(problems([BRIDGE, REWORDED], kind="code")).is_empty()
    assert len(verified(problems([BRIDGE, REWORDED], kind="code"), NearDuplicates(threshold=0.6))) == 1
    assert verified(problems([BRIDGE, REWORDED]), NearDuplicates(threshold=0.8)).is_empty()
    mixed = problems([BRIDGE, REWORDED]).with_columns(kind=pl.Series(["math", "code"]))
    assert verified(mixed).is_empty()


def test_pairs_with_other_golds_are_reported_and_not_merged() -> None:
    questions = [BRIDGE, BRIDGE.replace("second", "new"), BRIDGE.replace("second", "other")]
    found = verified(problems(questions, ["7", "7", "8"]))
    assert found.select("a", "b", "same_gold").rows() == [(0, 1, True), (0, 2, False), (1, 2, False)]
    assert clusters(found).rows() == [(1, 0)]


def test_unknown_golds_are_not_the_same() -> None:
    table = problems([BRIDGE, BRIDGE]).with_columns(gold=pl.lit(None, dtype=pl.String))
    assert verified(table)["same_gold"].to_list() == [False]


def test_clusters_are_stars() -> None:
    chain = table_of(
        {(0, 1): True, (1, 2): True, (2, 3): True, (3, 4): True, (5, 7): True, (6, 7): True, (8, 9): False}
    )
    merged = clusters(chain)
    assert merged.schema == CLUSTERS
    assert merged.rows() == [(1, 0), (3, 2), (7, 5)]


@given(st.sets(st.tuples(st.integers(0, 12), st.integers(0, 12)).filter(lambda pair: pair[0] < pair[1]), max_size=30))
def test_members_are_like_their_representative_and_none_is_left_over(pairs: set[tuple[int, int]]) -> None:
    members = dict(clusters(table_of(dict.fromkeys(pairs, True))).iter_rows())
    assert all((representative, row) in pairs for row, representative in members.items())
    assert not set(members.values()) & set(members)
    assert all(a in members or b in members for a, b in pairs)


def test_crowded_buckets_stay_linear() -> None:
    crowd = candidate_pairs(
        pl.concat([bucket(list(range(5_000))), bucket([3, 4_000], band=2)]).sample(fraction=1, shuffle=True)
    )
    assert crowd.height <= 17 * 5_000
    assert set(crowd.filter(pl.col("a") == 0)["b"]) == set(range(1, 5_000))
    assert crowd.filter(a=3, b=4_000).height == 1
    assert crowd.filter(a=1_000, b=1_016).height == 1


def test_crowds_of_copies_are_merged_whole() -> None:
    merged = clusters(verified(problems([BRIDGE] * 600)))
    assert merged.rows() == [(row, 0) for row in range(1, 600)]


def test_crowds_are_merged_whole_in_whatever_order_they_are_numbered_later() -> None:
    order = random.Random(0).sample(range(600), 600)
    pairs = candidate_pairs(bands(pl.Series([BRIDGE] * 600), CONFIG))
    moved = pl.DataFrame([sorted((order[a], order[b])) for a, b in pairs.iter_rows()], schema=PAIRS, orient="row")
    table = problems([BRIDGE] * 600)
    found = verify(moved, table, CONFIG)
    more = through_representatives(moved, clusters(found))
    assert more.join(moved, on=["a", "b"]).is_empty()
    merged = clusters(pl.concat([found, verify(more, table, CONFIG)]))
    assert merged.rows() == [(row, 0) for row in range(1, 600)]


def test_representatives_stand_in_for_their_rows() -> None:
    pairs = pl.DataFrame([(1, 5), (2, 5), (2, 6), (3, 4)], schema=PAIRS, orient="row")
    merged = pl.DataFrame([(5, 1), (6, 2)], schema=CLUSTERS, orient="row")
    assert through_representatives(pairs, merged).rows() == [(1, 2)]
    assert through_representatives(pairs, merged.clear()).is_empty()


def test_rows_are_counted_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_duplicates, "blocks", partial(blocks, chars=10))
    assert pairs_of([BRIDGE, "", "Who are you?", BRIDGE]) == {(0, 3)}


@given(st.lists(st.tuples(st.integers(0, 16), st.integers(0, 3)), max_size=40))
def test_small_buckets_give_all_their_pairs(entries: list[tuple[int, int]]) -> None:
    table = pl.DataFrame(entries, schema=BANDS, orient="row")
    expected = {(a, b) for a, one in entries for b, other in entries if a < b and one == other}
    found = candidate_pairs(table)
    assert found.schema == PAIRS
    assert found.rows() == sorted(expected)


def test_rows_may_have_any_numbers() -> None:
    table = problems(["What is this?", BRIDGE, BRIDGE]).with_columns(
        row=pl.Series([7, 4_000_000_000, 12], dtype=pl.UInt32)
    )
    pair = pl.DataFrame({"a": [12], "b": [4_000_000_000]}, schema=PAIRS)
    assert verify(pair, table, CONFIG).rows() == [(12, 4_000_000_000, 1.0, True)]
    with pytest.raises(ValueError, match="row 13 "):
        verify(pl.DataFrame({"a": [12], "b": [13]}, schema=PAIRS), table, CONFIG)


def test_questions_without_words_are_never_alike() -> None:
    assert bands(pl.Series(["", "?!", None, "$$"]), CONFIG).is_empty()
    nothing = problems([])
    assert verified(nothing).schema == VERIFIED
    assert clusters(verified(nothing)).schema == CLUSTERS


def test_short_questions_are_one_shingle() -> None:
    assert pairs_of(["Compute pi", "compute $\\pi$.", "Evaluate pi", "pi"]) == {(0, 1)}


@pytest.mark.parametrize(("threshold", "permutations"), [(0.8, 128), (0.5, 128), (0.9, 256), (1.0, 16)])
def test_bands_are_as_wide_as_recall_allows(threshold: float, permutations: int) -> None:
    def recall(count: int, rows: int) -> float:
        return float(1 - (1 - threshold**rows) ** count)

    count, rows = banding(threshold, permutations)
    assert recall(count, rows) >= 0.9
    assert rows == permutations or recall(permutations // (rows + 1), rows + 1) < 0.9


def test_bands_are_the_same_in_every_process() -> None:
    program = (
        "import polars as pl; from hipo_data.schemas.config import NearDuplicates;"
        "from hipo_data.stages.texts.near_duplicates import bands;"
        f"print(bands(pl.Series([{BRIDGE!r}]), NearDuplicates())['band'].to_list())"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == bands(pl.Series([BRIDGE]), CONFIG)["band"].to_list()


WORDS = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "1", "+", "^"]), max_size=12).map(" ".join)


@given(st.lists(WORDS, min_size=2, max_size=10), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(questions: list[str], rng: random.Random) -> None:
    order = rng.sample(range(len(questions)), len(questions))
    config = NearDuplicates(threshold=0.5)
    moved = verified(problems([questions[at] for at in order]), config)
    found = {(*sorted((order[a], order[b])), similarity) for a, b, similarity, _ in moved.iter_rows()}
    assert found == {(a, b, similarity) for a, b, similarity, _ in verified(problems(questions), config).iter_rows()}


@given(WORDS, st.lists(WORDS, max_size=5))
def test_identical_questions_are_always_found(question: str, others: list[str]) -> None:
    found = verified(problems([question, *others, question]))
    has_words = words(tokens(pl.Series([question]))).counts[0] > 0
    assert found.filter(a=0, b=len(others) + 1, similarity=1.0).height == has_words


@given(st.lists(WORDS, min_size=2, max_size=6), st.integers(1, 4))
def test_similarity_is_that_of_the_sets_of_shingles(questions: list[str], n: int) -> None:
    config = NearDuplicates(threshold=0.01, shingle_words=n)
    every = [(a, b) for b in range(len(questions)) for a in range(b)]
    table = verify(pl.DataFrame(every, schema=PAIRS, orient="row"), problems(questions), config)
    own = words(tokens(pl.Series(questions)))

    def shingles(at: int) -> set[tuple[str, ...]]:
        listed = own.of(at)
        return {tuple(listed[start : start + n]) for start in range(max(1, len(listed) - n + 1))}

    for a, b, similarity, _ in table.iter_rows():
        assert similarity == pytest.approx(len(shingles(a) & shingles(b)) / len(shingles(a) | shingles(b)))


# What follows reads real questions.


@pytest.fixture(scope="module")
def real(shared_data: Path) -> pl.DataFrame:
    """Columns `row`, `question`, `gold`, `source` and `kind`."""
    rows = [
        (
            row.get("problem") or row["question"],
            json.dumps(row.get("answer") or row.get("ground_truth")),
            source,
            "code" if source == "leetcode" else "math",
        )
        for source in ("math_train", "aime_train", "gsm8k_model_solutions", "leetcode")
        for row in map(json.loads, (shared_data / f"real/{source}.jsonl").read_text().splitlines())
    ]
    table = pl.DataFrame(rows, schema=["question", "gold", "source", "kind"], orient="row")
    return table.with_row_index("row").with_columns(pl.col("row").cast(pl.UInt32))


def test_only_real_copies_are_merged(real: pl.DataFrame) -> None:
    merged = clusters(verified(real))
    reworded = {(286, 2004), (343, 1881)}  # read: one and the same in other words
    assert reworded <= set(merged.select("representative", "row").iter_rows())
    merged = merged.filter(~pl.col("row").is_in([row for _, row in reworded]))
    sources = [real["source"].gather(merged[column]).to_list() for column in ("representative", "row")]
    assert sources == [["math_train"] * merged.height, ["aime_train"] * merged.height], "problems of AIME are in both"
    assert merged.height >= 55


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
        (lambda text: text.replace("$", "").replace("\\frac", "\\dfrac").replace(" ", " \n"), 1, 0.99),
        (lambda text: text.replace(", ", " ").replace("?", "??"), 1, 0.99),
        (lambda text: f"Please answer the following question. {text}", 30, 0.98),
        (lambda text: edited(text, 1), 30, 0.95),
        (lambda text: edited(text, 2), 60, 0.95),
    ],
    ids=["dress", "punctuation", "prefix", "one word", "two words"],
)
def test_planted_near_duplicates_are_found(
    real: pl.DataFrame, change: Callable[[str], str], least_words: int, share: float
) -> None:
    math = real.filter(source="math_train")
    originals = math["question"].filter(pl.Series(words(tokens(math["question"])).counts >= least_words)).to_list()
    found = pairs_of([*originals, *map(change, originals)])
    right = {(at, at + len(originals)) for at in range(len(originals))}
    assert len(found & right) >= share * len(originals)
