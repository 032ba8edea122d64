"""A clock for engines whose waits pass at once, and are noted."""

import asyncio

from hipo_data.engines.clock import Clock

START = 1_800_000_000.0
"""Seconds since the epoch, some time in 2027."""


class VirtualTime(Clock):
    """Sleeping moves it on; nothing else does."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sleeps: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return START + self.now

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        until = self.now + seconds
        await asyncio.sleep(0)
        self.now = max(self.now, until)
