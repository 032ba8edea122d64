"""What the tests themselves rely on: a test that changes its process is named, and the next one does not notice."""

import os
import signal
from pathlib import Path

import pytest

from tests.support.process_state import ProcessState


def test_what_a_test_changes_is_named_and_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "a")
    monkeypatch.setenv("GONE", "b")
    before, folder = ProcessState.now(), os.getcwd()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.chdir(tmp_path)
    os.environ.update({"KEPT": "c", "NEW": "d"})
    del os.environ["GONE"]
    changed = before.put_back()
    assert ["handler of SIGINT" in changed.refused[0], "working directory is" in changed.refused[1]] == [True, True]
    assert changed.told == [f"the variable {what}" for what in ("GONE was removed", "KEPT was changed", "NEW was set")]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert (os.environ["KEPT"], os.environ["GONE"], os.getcwd()) == ("a", "b", folder)
    assert "NEW" not in os.environ
    assert before.put_back() == ([], [])
