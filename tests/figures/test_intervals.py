import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipo_data.figures.intervals import score_interval, wilson


def test_wilson_interval_of_8_in_10() -> None:
    # Wilson 1927; 0.4901625 and 0.9433178 also stand in Newcombe 1998's examples of the score method.
    assert wilson(8, 10) == pytest.approx((0.4901625, 0.9433178), abs=1e-6)


def test_wilson_interval_of_none_and_of_all() -> None:
    # 0 of 10: z² / (n + z²) = 3.841459 / 13.841459.
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775328), abs=1e-6)
    assert wilson(10, 10) == pytest.approx((0.7224672, 1.0), abs=1e-6)


@pytest.mark.parametrize(("right", "n"), [(1, 0), (-1, 4), (5, 4)])
def test_wilson_refuses_what_is_no_share(right: int, n: int) -> None:
    with pytest.raises(ValueError, match="is no share"):
        wilson(right, n)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_holds_the_share_and_narrows(counts: tuple[int, int]) -> None:
    right, n = counts
    low, high = wilson(right, n)
    assert 0 <= low <= right / n + 1e-12 and right / n - 1e-12 <= high <= 1
    wider = wilson(4 * right, 4 * n)
    assert wider.high - wider.low < high - low


def test_a_column_has_the_intervals_of_its_rows_and_null_where_nothing_was_counted() -> None:
    frame = pl.DataFrame({"right": [0, 3, 8, 10, 0], "n": [10, 7, 10, 10, None]})
    low, high = score_interval(pl.col("right") / pl.col("n"), pl.col("n"))
    found = frame.select(low=low, high=high).rows()
    assert found[4] == (None, None)
    for row, right, n in zip(found, frame["right"], frame["n"][:4], strict=False):
        assert row == pytest.approx(tuple(wilson(right, n)), abs=1e-12)
