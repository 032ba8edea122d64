"""So much a minute: never more than asked for, and never much less while there is work."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipo_data.engines.pace import Pace


def starts(pace: Pace, amounts: list[float], seconds_each: float = 0.0) -> list[float]:
    """When each of a queue of requests may start."""
    now, times = 1000.0, []
    for amount in amounts:
        now = max(now + seconds_each, pace.free_at())
        pace.take(amount, now)
        times.append(now - 1000.0)
    return times


@given(st.floats(1, 10_000), st.integers(1, 300))
def test_no_minute_holds_more_than_the_limit_and_a_second_s_worth(per_minute: float, count: int) -> None:
    times = starts(Pace(per_minute), [1.0] * count)
    for first in times:
        within = sum(first <= time < first + 60 for time in times)
        assert within <= per_minute * 61 / 60 + 1


def test_queue_is_served_at_the_limit() -> None:
    times = starts(Pace(600), [1.0] * 601)
    assert 58 <= times[-1] <= 60


def test_late_wake_ups_do_not_lower_the_rate() -> None:
    pace, now = Pace(6000), 0.0
    for _ in range(6000):
        now = max(now, pace.free_at()) + 0.003
        pace.take(1, now)
    assert now < 61


def test_request_larger_than_a_minute_s_worth_starts_and_the_next_ones_pay() -> None:
    assert starts(Pace(1000), [5000, 1, 1]) == pytest.approx([0.0, 299.0, 299.06])


def test_what_was_reserved_and_not_used_is_given_back() -> None:
    pace = Pace(60_000)
    pace.take(32_000, 100.0)
    pace.give_back(31_000)
    assert pace.free_at() == 100.0


def test_what_was_used_beyond_the_reservation_is_paid_for() -> None:
    pace = Pace(60_000)
    pace.take(1000, 100.0)
    pace.give_back(-5000)
    assert pace.free_at() == 105.0
