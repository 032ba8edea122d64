"""What vLLM's scheduler says after each step, as vLLM hands it to loggers of statistics."""

from collections.abc import Callable
from typing import Any

from vllm.v1.metrics.loggers import StatLoggerBase

Reports = Callable[[int, int, float], None]
"""Called with the requests that wait, those that run, and the share of the key-value cache in use."""


def reporter(reports: Reports) -> Callable[[Any, int], StatLoggerBase]:
    """A factory of loggers. Of several data-parallel engines requests are added up, and the fullest cache counts."""
    latest: dict[int, tuple[int, int, float]] = {}

    class Reporter(StatLoggerBase):
        def __init__(self, vllm_config: Any, engine_index: int = 0) -> None:
            self._index = engine_index

        def record(self, scheduler_stats: Any, *args: Any, **more: Any) -> None:
            if scheduler_stats is None:
                return
            waiting = scheduler_stats.num_waiting_reqs + scheduler_stats.num_skipped_waiting_reqs
            latest[self._index] = (waiting, scheduler_stats.num_running_reqs, scheduler_stats.kv_cache_usage)
            waits, runs, shares = zip(*latest.values(), strict=True)
            reports(sum(waits), sum(runs), max(shares))

        def log_engine_initialized(self) -> None:
            pass

    return Reporter
