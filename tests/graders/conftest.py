"""One grader for all tests of this folder: a real sandbox, short limits."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hipo_data.graders import Grader, parse_gold
from hipo_data.schemas.gold import MathGold
from hipo_data.schemas.grading import GradeRequest, GradingConfig

PATIENCE_S = 20.0
REAL = Path(__file__).parents[3] / "shared" / "data" / "real"


@pytest.fixture(scope="session")
def grader() -> Iterator[Grader]:
    with Grader(GradingConfig(workers=2, code_timeout_s=1.0, math_timeout_s=1.0, memory_mb=512)) as made:
        yield made


@pytest.fixture(scope="session")
def patient() -> Iterator[Grader]:
    """One for programs that are right, which get their time on a machine that does much else, too."""
    with Grader(GradingConfig(workers=2, code_timeout_s=PATIENCE_S, memory_mb=512)) as made:
        yield made


def real(name: str) -> list[dict[str, Any]]:
    """Rows of a file beside the repository; the test is skipped where it is missing."""
    path = REAL / f"{name}.jsonl"
    if not path.exists():
        pytest.skip(f"no real data at {path}")
    return [json.loads(line) for line in path.read_text().splitlines()]


def code(gold: Any, program: str, question: str = "", name: str = "x") -> GradeRequest:
    """A request to grade `program`, in a fence, under a raw gold."""
    text = f"Here is my program.\n\n```python\n{program}\n```\n"
    return GradeRequest(id=name, kind="code", question=question, gold=parse_gold("code", gold), response=text)


def math(gold: str | list[str], response: str, question: str = "") -> GradeRequest:
    """A request to grade a math response."""
    golds = [gold] if isinstance(gold, str) else gold
    return GradeRequest(id="x", kind="math", question=question, gold=MathGold(answers=golds), response=response)
