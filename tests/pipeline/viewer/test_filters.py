"""Filters of the viewer, against the same questions asked of the whole tables."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hipo_data.pipeline.viewer.filters import Filters, matching
from hipo_data.pipeline.viewer.search import Search
from hipo_data.pipeline.viewer.shown_run import ShownRun
from hipo_data.schemas.errors import UserError

Rows = pl.DataFrame


@pytest.fixture(scope="module")
def run(made_run: Path) -> ShownRun:
    return ShownRun(made_run)


@pytest.fixture(scope="module")
def problems(made_run: Path) -> Rows:
    asked, decided = (pl.read_parquet(made_run / folder / "02-000?.parquet") for folder in ("ingest", "select"))
    return asked.join(decided.drop("kind"), on="problem_id").sort("problem_id")


@pytest.fixture(scope="module")
def rollouts(made_run: Path) -> Rows:
    modes = []
    for mode in ("think_on", "think_off"):
        sampled, graded = (
            pl.read_parquet(made_run / f"{stage}.{mode}" / "02-000?.parquet") for stage in ("sample", "verify")
        )
        modes.append(sampled.join(graded, on=["problem_id", "mode", "index"]))
    return pl.concat(modes)


def found(run: ShownRun, flags: tuple[str, ...] = (), **asked: Any) -> list[str]:
    return matching(run.index(), Filters(**asked), None, flags)["problem_id"].to_list()


_OF_PROBLEMS: dict[str, tuple[dict[str, Any], Callable[[], pl.Expr]]] = {
    "mode": ({"mode": "think_off"}, lambda: pl.col("mode") == "think_off"),
    "dropped": ({"mode": "dropped"}, lambda: pl.col("mode").is_null()),
    "kind": ({"kind": "code"}, lambda: pl.col("kind") == "code"),
    "rule": ({"rule": "margin"}, lambda: pl.col("rule") == "margin"),
    "why dropped": ({"rule": "no_right_response"}, lambda: pl.col("drop_reason") == "no_right_response"),
    "source": (
        {"source": "org/contests"},
        lambda: pl.col("sources").list.first().struct.field("dataset") == "org/contests",
    ),
    "difficulty": (
        {"difficulty_from": 0.25, "difficulty_to": 0.5},
        lambda: pl.col("difficulty").is_between(0.25, 0.5),
    ),
    "both": (
        {"mode": "think_on", "kind": "math"},
        lambda: (pl.col("mode") == "think_on") & (pl.col("kind") == "math"),
    ),
}


@pytest.mark.parametrize("name", _OF_PROBLEMS)
def test_problems_by_what_is_known_of_them(run: ShownRun, problems: Rows, name: str) -> None:
    asked, expression = _OF_PROBLEMS[name]
    expected = problems.filter(expression())["problem_id"].to_list()
    assert 0 < len(expected) < problems.height
    assert found(run, **asked) == expected


_OF_ROLLOUTS: dict[str, tuple[dict[str, Any], Callable[[], pl.Expr]]] = {
    "verdict": ({"verdict": "unknown"}, lambda: pl.col("status") == "unknown"),
    "verdict in a mode": (
        {"verdict": "correct", "of": "think_off"},
        lambda: (pl.col("status") == "correct") & (pl.col("mode") == "think_off"),
    ),
    "ended by": ({"finish": "length"}, lambda: pl.col("finish_reason") == "length"),
    "length": ({"tokens_from": 300.0, "tokens_to": 320.0}, lambda: pl.col("completion_tokens").is_between(300, 320)),
    "one length": ({"tokens_from": 50.0, "tokens_to": 50.0}, lambda: pl.col("completion_tokens") == 50),
    "long and wrong": (
        {"tokens_from": 1500.0, "verdict": "incorrect"},
        lambda: (pl.col("completion_tokens") >= 1500) & (pl.col("status") == "incorrect"),
    ),
}


@pytest.mark.parametrize("name", _OF_ROLLOUTS)
def test_problems_by_one_of_their_rollouts(run: ShownRun, rollouts: Rows, name: str) -> None:
    asked, expression = _OF_ROLLOUTS[name]
    expected = rollouts.filter(expression())["problem_id"].unique().sort().to_list()
    assert 0 < len(expected) < 120
    assert found(run, **asked) == expected


def test_a_reason_is_asked_of_verdicts(run: ShownRun) -> None:
    assert len(found(run, reason="match")) == 120
    assert found(run, reason="mismatch") == []
    assert found(run, verdict="ungraded") == []


def test_flagged_ones(run: ShownRun, problems: Rows) -> None:
    ids = problems["problem_id"].to_list()
    assert found(run, (ids[3], ids[1]), flagged="yes") == [ids[1], ids[3]]


@pytest.mark.parametrize(
    ("sort", "column"), [("margin", "margin"), ("p_off", "p_off"), ("tokens", "chosen_tokens"), ("difficulty",) * 2]
)
def test_order_with_nothing_last_and_ties_by_id(run: ShownRun, problems: Rows, sort: str, column: str) -> None:
    for asked, descending in ((sort, False), (f"-{sort}", True)):
        ordered = problems.sort(column, "problem_id", descending=[descending, False], nulls_last=True)
        assert found(run, sort=asked) == ordered["problem_id"].to_list()


def test_a_text_is_found_in_questions_and_in_responses(run: ShownRun, problems: Rows) -> None:
    index = run.index()
    for text, column in (("wHAT IS 77 PLUS", "question"), ("it is " + problems["problem_id"][5][:4], "problem_id")):
        search = Search(index, text)
        assert search.wait(60)
        rows = matching(index, Filters(text=text), search.rows)
        expected = problems.filter(
            pl.col("question").str.contains("What is 77 plus")
            if column == "question"
            else pl.col("problem_id").str.starts_with(text[-4:])
        )
        assert rows["problem_id"].to_list() == expected["problem_id"].to_list()
        assert rows.height


def test_signs_of_patterns_mean_themselves(run: ShownRun) -> None:
    for text in (".*", "(", "[a-z]", "\\d", "?i"):
        search = Search(run.index(), text)
        assert search.wait(60)
        assert search.rows.len() == 0


def test_a_mode_of_no_run_and_one_of_another_run_are_refused(run: ShownRun) -> None:
    with pytest.raises(UserError, match="mode is a mode or an arm, not 'think-on'"):
        Filters.asked({"mode": "think-on"})
    for name, known in (("mode", "think_on, think_off, dropped, undecided"), ("of", "think_on, think_off")):
        with pytest.raises(UserError, match=f"{name} is one of {known} in this run, not 'short'"):
            matching(run.index(), Filters.asked({name: "short"}))


def test_an_address_says_what_is_asked_and_no_more() -> None:
    asked = Filters.asked({"mode": "think_on", "tokens_from": "12", "page": "3", "text": " a&b ", "other": "x"})
    assert asked == Filters(mode="think_on", tokens_from=12.0, page=3, text="a&b")
    assert asked.query() == "mode=think_on&tokens_from=12&text=a%26b&page=3"
    assert asked.query(page=1, text="") == "mode=think_on&tokens_from=12"
    assert Filters().query() == ""
