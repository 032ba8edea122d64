"""The mix of rows that think and rows that do not: shares, pairs, phases, and that no row is lost."""

from collections import Counter
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipo_data.schemas.errors import UnfitError
from hipo_data.schemas.mix_config import MixConfig
from hipo_data.stages.publish.mix import PAIR, READ, SHARE, kept_counts, mix_figures, mixed

SCHEMA = {"problem_id": pl.String, "mode": pl.String, "rollout_index": pl.Int64, "split": pl.String}
SCHEMA |= {"completion_tokens": pl.Int64}


def rows_of(*sorts: tuple[int, int], validation: int = 0, think: str = "think_on") -> pl.DataFrame:
    """A problem for each pair: rows that think, and rows that do not; the last ones in the validation split."""
    found: list[tuple[Any, ...]] = []
    for place, (on, off) in enumerate(sorts):
        split = "validation" if place >= len(sorts) - validation else "train"
        found += [(f"{place:032x}", think, index, split, 100 + index) for index in range(on)]
        found += [(f"{place:032x}", "think_off", index, split, 10 + place) for index in range(off)]
    return pl.DataFrame(found, schema=SCHEMA, orient="row")


def shares(rows: pl.DataFrame) -> tuple[int, int]:
    train = rows.filter(pl.col("aside").is_null(), pl.col("split") == "train")
    think = train.filter(pl.col("mode") != "think_off").height
    return think, train.height - think


def test_the_recipe_of_the_paper_on_rows_that_are_unpaired_already() -> None:
    """20 thousand rows with --think_ratio 0.56 are 11,200 that think, of which --split_size 4480 are phase 1."""
    rows = mixed(rows_of(*[(1, 0)] * 150, *[(0, 1)] * 88), MixConfig(), seed=0)
    assert shares(rows) == (112, 88)
    said = mix_figures(rows)
    assert said.phases == {1: 45, 2: 155}
    assert said.set_aside == {SHARE: 38}
    assert set(rows.filter(pl.col("phase") == 1)["mode"]) == {"think_on"}
    assert said.in_words == (
        "of 150 training rows that think and 88 that do not, 112 and 88 stay (56.0 % think); phase 1: 45 rows, "
        "phase 2: 155 rows; set aside: mix_share 38"
    )


def test_of_pairs_those_stay_that_bring_the_share() -> None:
    rows = mixed(rows_of(*[(1, 1)] * 100), MixConfig(phases=1), seed=0)
    assert shares(rows) == (56, 44)
    assert Counter(rows["aside"].drop_nulls()) == {PAIR: 100}
    another = mixed(rows_of(*[(1, 1)] * 100), MixConfig(phases=1), seed=1)
    assert shares(another) == (56, 44) and not another.equals(rows)


def test_arms_that_think_count_as_rows_that_think() -> None:
    rows = pl.concat([rows_of((1, 1), (1, 0), think="low"), rows_of((0, 0), (0, 0), (0, 0), (0, 3))])
    assert shares(mixed(rows, MixConfig(think=0.5, phases=1), seed=0)) == (2, 2)


@pytest.mark.parametrize(("keep", "lengths"), [("short", [100, 101]), ("long", [104, 105])])
def test_the_rows_that_stay_may_be_the_short_or_the_long_ones(keep: Any, lengths: list[int]) -> None:
    rows = mixed(rows_of((6, 0), (0, 2)), MixConfig(think=0.5, phases=1, keep=keep), seed=0)
    stay = rows.filter(pl.col("aside").is_null(), pl.col("mode") == "think_on")
    assert sorted(stay["completion_tokens"]) == lengths


def test_pairs_may_be_kept_and_the_share_left_as_it_is() -> None:
    rows = mixed(rows_of(*[(1, 1)] * 9, (5, 0)), MixConfig(pairs="allow", think=None), seed=0)
    assert rows["aside"].null_count() == rows.height
    assert mix_figures(rows).phases == {1: 6, 2: 17}


def test_validation_measures_and_has_neither_share_nor_phase() -> None:
    rows = mixed(rows_of(*[(1, 0)] * 30, *[(0, 1)] * 30, (0, 1), (0, 1), (1, 1), validation=3), MixConfig(), seed=0)
    held_out = rows.filter(pl.col("split") == "validation")
    assert held_out["phase"].null_count() == held_out.height == 4
    assert held_out["aside"].drop_nulls().to_list() == [PAIR]


@pytest.mark.parametrize(
    ("sorts", "config", "said"),
    [
        (
            [(1, 0)] * 12,
            MixConfig(),
            "publish.mix.think asks that 56.0 % of the rows think, but of the rows of the train split 12 think and 0 "
            "do not, so that 0 and 0 could stay; set another share, or publish.mix.think: null",
        ),
        ([(0, 1)] * 3, MixConfig(phases=1), "0 think and 3 do not"),
        ([(1, 0), *[(0, 1)] * 9], MixConfig(), "1 think and 9 do not, of which 1 and 1 stay: too few"),
        ([(1, 0)], MixConfig(think=None), "too few for both phases; set publish.mix.phases: 1"),
        ([], MixConfig(), "0 think and 0 do not"),
    ],
)
def test_what_the_rows_cannot_give_is_said_in_numbers(
    sorts: list[tuple[int, int]], config: MixConfig, said: str
) -> None:
    with pytest.raises(UnfitError) as error:
        mixed(rows_of(*sorts), config, seed=0)
    assert said in str(error.value)


def test_a_mix_that_changes_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="leave 'mix' out"):
        MixConfig(pairs="allow", think=None, phases=1)


CONFIGS = st.builds(
    MixConfig,
    pairs=st.just("forbid"),
    think=st.none() | st.floats(0.02, 0.98),
    keep=st.sampled_from(["any", "short", "long"]),
    phases=st.sampled_from([1, 2]),
    first=st.floats(0.05, 0.95),
)
SORTS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=60)


@given(SORTS, CONFIGS, st.integers(0, 5), st.integers(0, 2**31))
def test_whatever_comes_in_shares_hold_and_no_row_is_lost(
    sorts: list[tuple[int, int]], config: MixConfig, validation: int, seed: int
) -> None:
    rows = rows_of(*sorts, validation=validation)
    try:
        done = mixed(rows, config, seed)
    except UnfitError:
        return
    assert done.select(READ).equals(rows)
    stay = done.filter(pl.col("aside").is_null())
    sides = stay.group_by("problem_id").agg(sides=(pl.col("mode") == "think_off").n_unique())
    assert (sides["sides"] == 1).all()
    think, other = shares(done)
    if config.think is not None:
        assert think > 0 and other > 0
        assert abs(think - config.think * (think + other)) <= 1
    phases = mix_figures(done).phases
    if config.phases == 2:
        assert sum(phases.values()) == think + other
        assert abs(phases[1] - config.first * think) <= 1
        early = done.filter(pl.col("phase") == 1)
        assert set(early["mode"]) == {"think_on"} and set(early["split"]) == {"train"}
    else:
        assert not phases
    shuffled = mixed(rows.sample(fraction=1, shuffle=True, seed=3), config, seed)
    order = ["problem_id", "mode", "rollout_index"]
    assert shuffled.sort(order).equals(done.sort(order))


@given(st.integers(0, 2000), st.integers(0, 2000), st.floats(0.01, 0.99))
def test_as_many_rows_stay_as_can(think: int, other: int, share: float) -> None:
    kept = kept_counts(think, other, share)
    assert kept[0] == think or kept[1] == other
    assert kept[0] <= think + 1e-9 and kept[1] <= other
    assert abs(kept[0] - share * sum(kept)) <= 0.5 + 1e-6
