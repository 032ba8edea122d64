"""The window of requests in flight: what makes it smaller, what larger, and its bounds."""

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from hipo_data.engines.concurrency import Window


def test_starts_at_the_upper_bound_so_that_an_endpoint_without_limits_is_never_idle() -> None:
    assert Window(512).limit == 512


def cut(window: Window, in_flight: int) -> None:
    """A burst of refusals of requests sent together."""
    sent = window.epoch
    for left in range(in_flight, 0, -1):
        window.overloaded(sent, left)


def test_overload_halves_what_was_in_flight() -> None:
    window = Window(256)
    cut(window, 100)
    assert window.limit == 50


def test_refusals_of_a_few_among_many_hardly_make_it_smaller() -> None:
    window, draw = Window(64), random.Random(7)
    for _ in range(20_000):
        if draw.random() < 0.06:
            window.overloaded(window.epoch, window.limit)
        else:
            window.succeeded(window.epoch)
        assert window.limit > 32


def test_one_that_refuses_what_is_over_its_capacity_is_soon_asked_for_little_more() -> None:
    window, refused = Window(256), 0
    for _ in range(100):
        sent, epoch = window.limit, window.epoch
        for number in range(sent):
            if number < 20:
                window.succeeded(epoch)
            else:
                window.overloaded(epoch, sent)
                refused += 1
    assert 15 <= window.limit <= 30
    assert refused < 100 * 20 * 0.5


def test_burst_of_refusals_counts_once() -> None:
    window = Window(256)
    sent = window.epoch
    for left in range(256, 0, -1):
        window.overloaded(sent, left)
    assert window.limit == 128


def test_success_of_a_request_from_before_the_cut_says_nothing() -> None:
    window = Window(64)
    before = window.epoch
    cut(window, 64)
    for _ in range(10_000):
        window.succeeded(before)
    assert window.limit == 32


def test_each_whole_window_of_successes_adds_the_same() -> None:
    window = Window(256)
    cut(window, 64)
    sizes = [window.limit]
    for _ in range(4):
        for _ in range(window.limit):
            window.succeeded(window.epoch)
        sizes.append(window.limit)
    steps = {later - earlier for earlier, later in itertools.pairwise(sizes)}
    assert sizes[0] == 32 and steps <= {3, 4}


@given(st.integers(1, 300), st.lists(st.booleans(), max_size=400))
def test_stays_between_one_and_the_upper_bound(upper: int, outcomes: list[bool]) -> None:
    window = Window(upper)
    for served in outcomes:
        if served:
            window.succeeded(window.epoch)
        else:
            window.overloaded(window.epoch, window.limit)
        assert 1 <= window.limit <= upper
