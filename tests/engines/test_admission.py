"""Admission on a scheduler like vLLM's: no seat stays empty while there is work, and no long queue grows."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from hipo_data.engines.admission import Admission
from hipo_data.schemas.config import VllmEngine
from tests.engines.simulated_scheduler import Run, Scheduler, Sequence, drive

NO_LIMIT = 10**9
WARM = 120
"""Steps, which take some milliseconds each; responses take thousands of them."""


def sequences(count: int, shortest: int, longest: int) -> list[Sequence]:
    """Prompts of 50 to 200 tokens, and responses."""
    rng = random.Random(count)
    prompts = [rng.randint(50, 200) for _ in range(count)]
    return [Sequence(prompt, prompt + rng.randint(shortest, longest)) for prompt in prompts]


def both(seats: int, cache: int, *work: int, delay: int = 1) -> tuple[Run, Run]:
    """With admission, and with all requests in the engine from the start."""
    return (
        drive(Scheduler(seats, cache), sequences(*work), Admission(), delay),
        drive(Scheduler(seats, cache), sequences(*work), None, delay),
    )


@pytest.mark.parametrize("delay", [1, 3])
@pytest.mark.parametrize("seats", [64, 256, 1024])
def test_seats_are_taken_and_the_queue_is_short(seats: int, delay: int) -> None:
    run, _ = both(seats, NO_LIMIT, 12 * seats, 50, 400, delay=delay)
    assert 0 not in run.waiting[WARM : -run.left.count(0)]
    assert set(run.running[WARM : -run.left.count(0)]) == {seats}
    assert max(run.waiting[WARM:]) <= 0.25 * seats


@pytest.mark.parametrize("delay", [1, 3])
@pytest.mark.parametrize(("seats", "shortest", "longest"), [(128, 50, 400), (1024, 50, 400), (256, 200, 200)])
def test_admission_costs_no_time(seats: int, shortest: int, longest: int, delay: int) -> None:
    """Nothing but the start, that is, also where all end in the same step."""
    admitted, all_at_once = both(seats, NO_LIMIT, 12 * seats, shortest, longest, delay=delay)
    assert admitted.steps <= all_at_once.steps + 0.6 * WARM


@pytest.mark.parametrize("delay", [1, 3])
def test_full_cache_halves_what_is_computed_twice(delay: int) -> None:
    admitted, all_at_once = both(1024, 60_000, 2000, 50, 1500, delay=delay)
    assert admitted.preempted < 0.5 * all_at_once.preempted
    assert admitted.steps <= 1.04 * all_at_once.steps


def test_queue_that_has_grown_too_long_shrinks() -> None:
    """A cache that fills as responses grow leaves fewer seats than there were."""
    admission = Admission()
    for _ in range(100):
        admission.observe(0, admission.limit if admission.limit < 800 else 800, 0.5)
    assert admission.limit == 1000
    for _ in range(200):
        admission.observe(admission.limit - 100, 100, 0.8)
    assert admission.limit == 125
    for _ in range(200):
        admission.observe(admission.limit - 100, 100, 0.95)
    assert admission.limit == 100


def test_step_in_which_nearly_all_end_hardly_lowers_it() -> None:
    admission = Admission()
    admission.observe(0, 400, 0.5)
    admission.observe(100, 20, 0.1)
    assert admission.limit >= 470


@pytest.mark.parametrize(
    ("value", "said"),
    [*((value, "a number from 1 on, or auto") for value in ("many", 0, 1.5, None)), (True, "true is no number")],
)
def test_anything_but_a_number_or_auto_is_refused_in_one_sentence(value: object, said: str) -> None:
    with pytest.raises(ValidationError, match=said) as caught:
        VllmEngine.model_validate({"type": "vllm", "model": "m", "max_in_flight": value})
    assert caught.value.error_count() == 1


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 2000), st.floats(0, 1)), max_size=60),
    st.integers(1, 2000),
)
def test_no_report_ever_closes_the_engine(reports: list[tuple[int, int, float]], initial: int) -> None:
    admission = Admission(initial)
    for waiting, running, kv in reports:
        admission.observe(waiting, running, kv)
        assert admission.limit >= 8
        assert admission.limit >= running
