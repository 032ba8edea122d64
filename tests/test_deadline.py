"""The time from which on CI begins no further long test: they are told, and no other test is left out."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import deadline
from tests.support.two_workers import longest_first

LONG = "tests/engines/test_vllm_parallel.py"


@pytest.mark.parametrize("workers", ["0", "1"])
def test_long_tests_after_it_are_not_run_and_that_is_said(repo_root: Path, workers: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", workers, LONG, "tests/test_process_state.py"],
        cwd=repo_root, env=os.environ | {deadline.VARIABLE: "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "1 long tests were NOT RUN, as time was up" in done.stdout
    assert "1 skipped" in done.stdout and " passed" in done.stdout


class Item:
    def __init__(self, nodeid: str, *marks: str) -> None:
        self.nodeid, self._marks = nodeid, marks

    def get_closest_marker(self, name: str) -> str | None:
        return name if name in self._marks else None


def test_with_it_as_many_long_tests_as_possible_come_first() -> None:
    chaos, attack = Item("tests/runs/test_chaos.py::a", "long"), "tests/graders/test_attacks.py::"
    items: list[Any] = [chaos, Item("tests/a.py::a", "long"), *(Item(f"{attack}{i}", "long") for i in range(3))]
    longest_first(items, in_time=True)
    assert [item.nodeid.partition("::")[0] for item in items] == [
        *["tests/graders/test_attacks.py"] * 3, "tests/a.py", "tests/runs/test_chaos.py",
    ]  # fmt: skip
    longest_first(items)
    assert items[0] is chaos


def test_without_it_all_are_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(deadline.VARIABLE, raising=False)
    assert not deadline.is_over()
    assert deadline.left_out([]) == ""
