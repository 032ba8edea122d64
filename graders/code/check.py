"""Asks a gold's checker about what a program brought, when the program has done its work."""

from collections.abc import Sequence
from typing import Any

from hipo_data.graders.code.outcome import CHECKER_ERROR
from hipo_data.graders.inside import wire
from hipo_data.graders.sandbox.interface import Sandbox
from hipo_data.graders.sandbox.run import Exceeded, Limits

Test = tuple[Any, Any, Any]
"""Input, expected output and output, each as `wire.encode` writes it."""


def check(box: Sandbox, limits: Limits, checker: str, tests: Sequence[Test], wrong: str) -> list[str | None]:
    """Why each test failed: null where it did not, `wrong`, or `checker_error` where the checker did not say.

    The checker may take the time of one test of a program for each. Raises `SandboxBroken` and `SandboxUnavailable`.
    """
    reasons: list[str | None] = []
    if not tests:
        return reasons
    with box.for_tests.run(limits) as run:
        try:
            run.send({"mode": "check", "code": checker, "tests": tests})
            for _ in tests:
                said = run.receive()["right"]
                reasons.append(None if said is True else wrong if said is False else CHECKER_ERROR)
        except (Exceeded, EOFError, ConnectionError, wire.WireError):
            reasons += [CHECKER_ERROR] * (len(tests) - len(reasons))
    return reasons
