"""What the tests of pages share: a browser."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest_asyncio

if TYPE_CHECKING:
    from playwright.async_api import Browser


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> "AsyncIterator[Browser]":
    """One for all tests of a session."""
    from tests.support.browser import system_browser  # which most tests beside them do not need

    async with system_browser() as found:
        yield found
