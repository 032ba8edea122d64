"""What a process and its descendants have used, as the kernel counts it."""

import os
from dataclasses import dataclass

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Usage:
    """CPU seconds, the longest that any thread was ready to run but waited for a processor (seconds), and bytes of
    memory of one's own.

    Memory is counted beyond what each process shares with the server that all were forked from.
    """

    cpu_s: float
    waited_s: float
    resident: int


def usage(pid: int, shared: int = 0) -> Usage:
    """The usage of process `pid` and all its living descendants, with what their ended children used.

    `shared`: bytes that each of them has in common with the others.
    """
    cpu, waited, resident = 0.0, 0.0, 0
    for member in tree(pid):
        try:
            with open(f"/proc/{member}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
            threads = os.listdir(f"/proc/{member}/task")
        except (FileNotFoundError, ProcessLookupError):
            continue
        ticks = sum(map(int, fields[11:15])) / _TICK
        resident += max(0, int(fields[21]) * _PAGE - shared)
        running = 0.0
        for thread in threads:
            try:
                with open(f"/proc/{member}/task/{thread}/schedstat") as file:
                    on_processor, ready, _ = map(int, file.read().split())
            except (FileNotFoundError, ProcessLookupError):
                continue
            running += on_processor / 1e9
            waited = max(waited, ready / 1e9)
        # The first counts ended threads and children, but only in ticks; the second is exact for what still lives.
        cpu += max(ticks, running)
    return Usage(cpu, waited, resident)


def tree(pid: int) -> list[int]:
    """`pid` and the ids of all its living descendants."""
    found = [pid]
    for member in found:
        try:
            for thread in os.listdir(f"/proc/{member}/task"):
                with open(f"/proc/{member}/task/{thread}/children") as file:
                    found += [int(child) for child in file.read().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found
