"""Work on many items at once, results in their order, with a bounded number under way."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def in_threads(work: Callable[[A], B], items: Iterable[A], most: int = 2**16) -> Iterator[B]:
    """`work` of each item, in order. For work that Arrow and Polars do, which let other threads run.

    Args:
        most: threads, where items are so large that memory would not hold one a core.
    """
    threads = max(1, min(most, len(os.sched_getaffinity(0))))
    waiting: deque[Future[B]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
