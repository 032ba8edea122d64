"""The time from which on CI begins no further long test: they are told, and no other test is left out."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import deadline

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


def test_without_it_all_are_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(deadline.VARIABLE, raising=False)
    assert not deadline.is_over()
    assert deadline.left_out([]) == ""
