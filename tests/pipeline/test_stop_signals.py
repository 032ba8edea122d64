"""Signals that end a command: what each of them counts for."""

import subprocess
import sys
from pathlib import Path

ASKED = """
import signal
from hipo_data.pipeline.stop_signals import heeded
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # ignored where these tests run under nohup
times = 0
with heeded():
    for name in {names}:
        try:
            signal.raise_signal(signal.Signals[name])
        except KeyboardInterrupt:
            times += 1
open("times", "w").write(str(times))
"""


def times(tmp_path: Path, *names: str) -> int:
    subprocess.run([sys.executable, "-c", ASKED.format(names=names)], cwd=tmp_path, check=True)
    return int((tmp_path / "times").read_text())


def test_a_terminal_goes_once(tmp_path: Path) -> None:
    """A write that failed and the system both tell of it; a second request would cut the orderly end short."""
    assert times(tmp_path, "SIGHUP", "SIGHUP") == 1
    assert times(tmp_path, "SIGHUP", "SIGHUP", "SIGINT") == 2
    assert times(tmp_path, "SIGINT", "SIGINT") == 2
