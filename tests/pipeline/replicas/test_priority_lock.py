"""The most urgent first, and nobody is forgotten."""

import asyncio

from hipo_data.pipeline.replicas.priority_lock import PriorityLock


async def test_the_most_urgent_comes_next_and_equals_in_order_of_arrival() -> None:
    lock, came = PriorityLock(), []

    async def one(urgency: int, name: str) -> None:
        async with lock.held(urgency):
            came.append(name)
            await asyncio.sleep(0)

    await asyncio.gather(one(9, "first, for nobody waited"), one(5, "c"), one(1, "a"), one(5, "d"), one(3, "b"))
    assert came == ["first, for nobody waited", "a", "b", "c", "d"]


async def test_who_is_cancelled_while_waiting_or_just_called_holds_nobody_up() -> None:
    lock, came = PriorityLock(), []

    async def one(name: str) -> None:
        async with lock.held(0):
            came.append(name)
            await asyncio.sleep(0.01)

    async with lock.held(0):
        tasks = [asyncio.create_task(one(name)) for name in "abc"]
        await asyncio.sleep(0)
        tasks[0].cancel()
    tasks[1].cancel()  # its turn has come, but it has not run since
    await asyncio.gather(*tasks, return_exceptions=True)
    assert came == ["c"]
    async with lock.held(0):
        pass
