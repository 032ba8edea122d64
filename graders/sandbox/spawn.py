"""Starts child processes from one thread that lives as long as this process.

The kernel's parent-death signal is tied to the thread that started a child, not to its process: a child started from
a short-lived thread would be killed when that thread ends.
"""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import Any

_spawners: dict[int, ThreadPoolExecutor] = {}


def spawn(command: list[str], **options: Any) -> "subprocess.Popen[bytes]":
    """`subprocess.Popen(command, **options)` from the long-lived thread. Raises what it raises."""
    # One for each process id: a forked copy of this process has the pool but not its thread.
    spawner = _spawners.get(os.getpid())
    if spawner is None:
        spawner = _spawners.setdefault(os.getpid(), ThreadPoolExecutor(1, thread_name_prefix="spawner"))
    return spawner.submit(lambda: subprocess.Popen(command, **options)).result()
