"""Pages of the widget in a real Chromium, and when they say that they have drawn something.

Needs Playwright (requirements-test.txt) and a Chromium: $TINGBAN_CHROMIUM, the system's, or
Playwright's own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

PATIENCE_MS = 120_000
"""For anything of a page, on a machine that may be busy."""
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
# A page in the background would draw once a second only.
AWAKE = (
    "--disable-renderer-backgrounding",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
)
LISTEN = """window.tingbanPainted = {}
const send = WebSocket.prototype.send
WebSocket.prototype.send = function (text) {
  if (text.includes('"painted"')) {
    const { seq, at } = JSON.parse(text)
    window.tingbanPainted[seq] ??= at
  }
  return send.call(this, text)
}"""


class Page:
    """One agent's page."""

    def __init__(self, page: Any) -> None:
        self._page = page

    async def painted(self) -> dict[int, float]:
        """Epoch seconds of each event's painting, by the event's number."""
        said: dict[str, float] = await self._page.evaluate("window.tingbanPainted")
        return {int(seq): at for seq, at in said.items()}


class Browser:
    """A Chromium. Use :meth:`open`."""

    def __init__(self, browser: Any) -> None:
        self._browser = browser

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[Browser]:
        """A browser until the context ends. Raises ``ImportError`` without Playwright."""
        from playwright.async_api import async_playwright

        names = ("chromium", "chromium-browser", "google-chrome")
        own = os.environ.get("TINGBAN_CHROMIUM")
        found = own or next(filter(None, map(shutil.which, names)), None)
        async with async_playwright() as playwright:
            arguments = [*ARGUMENTS, *AWAKE]
            browser = await playwright.chromium.launch(executable_path=found, args=arguments)
            try:
                yield cls(browser)
            finally:
                await browser.close()

    @asynccontextmanager
    async def page(self, address: str) -> AsyncIterator[Page]:
        """A page that is connected, in a window of its own."""
        context = await self._browser.new_context()
        try:
            page = await context.new_page()
            page.set_default_timeout(PATIENCE_MS)
            await page.add_init_script(LISTEN)
            # What a page still loads may wait behind the calls of this very run.
            await page.goto(address, wait_until="commit")
            await page.wait_for_selector("tingban-assist")
            yield Page(page)
        finally:
            await context.close()
