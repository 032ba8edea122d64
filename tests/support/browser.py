"""A real browser, the system's Chromium, and pages that tell what they tried."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from playwright.async_api import Browser, Page, async_playwright

_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
DESKTOP, PHONE = 1280, 390
"""Widths in pixels."""


@asynccontextmanager
async def system_browser() -> AsyncIterator[Browser]:
    """Starts it. Raises `RuntimeError` where there is none."""
    path = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if path is None:
        raise RuntimeError(
            "there is no Chromium for the tests of the viewer; install one (Debian: apt-get install "
            "chromium-headless-shell, which scripts/install.sh does with the extra dev)"
        )
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            await browser.close()


@dataclass
class Seen:
    """A page, and what it did that no page of ours does."""

    page: Page
    dialogs: list[str] = field(default_factory=list)
    """Texts of `alert` and the like."""
    requests: list[str] = field(default_factory=list)
    """Addresses of all requests."""
    complaints: list[str] = field(default_factory=list)
    """What the console said, such as that the policy refused something."""

    async def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        wide: int = await self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        return max(0, wide)


@asynccontextmanager
async def page_of(browser: Browser, width: int, scheme: Literal["light", "dark"] = "light") -> AsyncIterator[Seen]:
    """A page in a window of its own."""
    context = await browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    context.set_default_timeout(30_000)
    page = await context.new_page()
    seen = Seen(page)

    async def dismissed(dialog: object) -> None:
        seen.dialogs.append(dialog.message)  # type: ignore[attr-defined]
        await dialog.dismiss()  # type: ignore[attr-defined]

    context.on("dialog", dismissed)
    context.on("request", lambda request: seen.requests.append(request.url))
    page.on("console", lambda message: seen.complaints.append(message.text))
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    try:
        yield seen
    finally:
        await context.close()
