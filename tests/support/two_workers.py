"""Which tests pytest-xdist keeps on one worker, and which ones start first."""

from collections import Counter
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

SHARING = {
    "tests/runs/test_damaged_runs.py": "one finished run",
    "tests/runs/test_finished_run.py": "one finished run",
    "tests/runs/test_policy_runs.py": "one finished run",
    "tests/runs/test_recorded_run.py": "one finished run",
    "tests/engines/test_vllm.py": "one vLLM engine",
    "tests/engines/test_vllm_admission.py": "one vLLM engine",
    "tests/engines/test_serve.py": "one vLLM server",
    "tests/engines/test_serve_parsers.py": "one vLLM server",
    "tests/evaluation/test_teacher.py": "one vLLM server",
    "tests/runs/test_teacher_run.py": "one vLLM server",
}
"""Modules that share what takes long to start. All others stay whole, as their own fixtures are started once."""

MINUTES = {
    "tests/pipeline/ship/test_trainers_read_exports.py",
    "tests/reproduce/test_reproduce.py",
    "tests/runs/test_chaos.py",
    "tests/runs/test_s3_run.py",
    "tests/test_packaging.py",
    "tests/trainer/training/test_training.py",
}
"""Other modules that take longer than most."""


def share_of(nodeid: str) -> str:
    """What a test is kept together with."""
    module = nodeid.partition("::")[0]
    return SHARING.get(module, module)


class Sharing(LoadScopeScheduling):
    """Gives out modules in the order in which they were collected."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        config.option.loadscopereorder = False  # by how many tests they hold, which is not how long they take
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return share_of(nodeid)


def longest_first(items: list[pytest.Item], *, in_time: bool = False) -> None:
    """Moves what takes long to the front, so that at the end no worker waits for the other.

    With `in_time`, as many long tests as possible have to begin before a deadline: those that take minutes come last,
    and modules of many tests first, as each of these takes little.
    """
    marked = {share_of(item.nodeid) for item in items if item.get_closest_marker("slow") or _is_long(item)}

    def place(item: pytest.Item) -> int:
        share = share_of(item.nodeid)
        return 0 if share in SHARING.values() else 1 if share in MINUTES else 2 if share in marked else 3

    counts = Counter(share_of(item.nodeid) for item in items if _is_long(item))

    def last(item: pytest.Item) -> tuple[int, int]:
        return (-place(item), -counts[share_of(item.nodeid)]) if in_time and _is_long(item) else (place(item), 0)

    items.sort(key=last)


def _is_long(item: pytest.Item) -> bool:
    return item.get_closest_marker("long") is not None
