"""What a comparison started ends with it, also where it is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

WORKER = """
import os, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from hipo_data.reproduce.children import end_with_parent
if __name__ == "__main__":
    pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=end_with_parent)
    print(pool.submit(os.getpid).result(), flush=True)
    pool.submit(time.sleep, 600).result()
"""
COMMAND = """
from hipo_data.reproduce import steps
steps._run("child_that_waits")
"""
CHILD = "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(600)\n"


def runs(pid: int) -> bool:
    """Whether a process is there and more than a zombie, whose end nobody has read."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("script", [WORKER, COMMAND], ids=["worker", "command"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_comparison_leaves_nothing_running(script: str, number: int, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(script)
    (tmp_path / "child_that_waits.py").write_text(CHILD)
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "script.py"], cwd=tmp_path, stdout=subprocess.PIPE, text=True, env=environment
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        os.kill(parent.pid, number)
    for _ in range(600):
        if not runs(child):
            return
        time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    raise AssertionError(f"process {child} goes on after its parent")
