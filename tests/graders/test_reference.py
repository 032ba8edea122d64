"""Time limits that a gold brings along: its own, or one measured against a reference program."""

from collections.abc import Iterator
from typing import Any

import pytest

from hipo_data.graders import Grader, parse_gold
from hipo_data.schemas.grading import GradingConfig
from hipo_data.schemas.records import Status
from tests.graders.conftest import code
from tests.graders.test_evalplus import task

GOLD: dict[str, Any] = {"fn_name": "f", "inputs": ["1"], "outputs": ["2"]}


def busy(seconds: float) -> str:
    """A right program that computes for so many CPU seconds."""
    return (
        "import time\ndef f(x):\n    end = time.process_time() + "
        f"{seconds}\n    while time.process_time() < end: pass\n    return x + 1\n"
    )


@pytest.fixture(scope="module")
def strict() -> Iterator[Grader]:
    with Grader(GradingConfig(workers=2, code_timeout_s=0.3, memory_mb=512)) as made:
        yield made


@pytest.mark.parametrize(
    ("besides", "program", "status", "reason"),
    [
        ({}, busy(0.8), Status.INCORRECT, "time_limit"),
        ({"time_limit_s": 3}, busy(0.8), Status.CORRECT, "passed"),
        ({"time_limit_s": 0.05}, busy(0.2), Status.INCORRECT, "time_limit"),
        ({"reference": busy(0.5)}, busy(0.8), Status.CORRECT, "passed"),
        ({"reference": busy(0.2)}, "def f(x):\n    while True: pass", Status.INCORRECT, "time_limit"),
        ({"reference": busy(30)}, busy(0.8), Status.UNKNOWN, "slow_reference"),
        ({"reference": "def f(x): return 0"}, busy(0.8), Status.INCORRECT, "time_limit"),
        ({"reference": busy(0.5)}, "def f(x): return 0", Status.INCORRECT, "wrong_result"),
    ],
    ids=[
        "no reference",
        "a longer limit",
        "a shorter limit",
        "a slow problem",
        "never ends",
        "the reference never ends",
        "a wrong reference",
        "wrong at once",
    ],
)
@pytest.mark.slow
def test_time_limits(strict: Grader, besides: dict[str, Any], program: str, status: Status, reason: str) -> None:
    grade = strict.grade([code(GOLD | besides, program)])[0]
    assert (grade.status, grade.reason) == (status, reason)


def test_the_reference_of_an_evalplus_task_is_its_solution() -> None:
    gold = parse_gold("code", task("f", "def f(x): return x + 1", [[1]]))
    assert gold.reference == "def f(x): return x + 1"  # type: ignore[union-attr]


@pytest.mark.parametrize("bad", [{"time_limit_s": 0}, {"time_limit_s": "soon"}, {"reference": 5}, {"unordered": "?"}])
def test_what_makes_no_sense_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="unusable gold"):
        parse_gold("code", GOLD | bad)
