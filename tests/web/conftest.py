"""A fake server, a real Chromium, and pages that fail their test when anything goes wrong in them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tests.web.hall import Hall, running

ARTEFACTS = Path(__file__).parents[1] / "artefacts"
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--force-color-profile=srgb",
)  # fmt: skip
PATIENCE = 60_000
"""Milliseconds that a page gets for anything, on a machine that may be busy."""


def chromium() -> str | None:
    """The Chromium to drive: $TINGBAN_CHROMIUM, else the system's, else Playwright's own."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("TINGBAN_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    return found


# One browser a module: the loop inside Playwright must not outlive it, or asynchronous tests of
# other modules find a loop running that is not theirs.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        except PlaywrightError as error:
            pytest.skip(f"NO CHROMIUM, browser tests skipped: {str(error).splitlines()[0]}")
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def open_hall() -> Iterator[Hall]:
    with running(Hall()) as hall:
        yield hall


@pytest.fixture
def hall(open_hall: Hall) -> Iterator[Hall]:
    yield open_hall
    open_hall.reset()


Open = Callable[..., Page]


class Pool:
    """Pages that tests of a module take and give back: a new renderer process each costs more
    than all that most tests do."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._idle: dict[str, list[Page]] = {}
        self._taken: list[tuple[str, Page]] = []
        self.wrong: list[str] = []
        self.expected: set[str] = set()
        """Words of console errors that a test brings about."""
        self.origin = ""

    def take(self, **options: Any) -> Page:
        key = repr(sorted(options.items()))
        idle = self._idle.setdefault(key, [])
        page = idle.pop() if idle else self._new(options)
        self._taken.append((key, page))
        return page

    def give_back(self) -> None:
        """Every page is emptied and waits for the next test."""
        for key, page in self._taken:
            page.evaluate("localStorage.clear()")
            page.goto("about:blank")
            self._idle[key].append(page)
        self._taken.clear()

    def _new(self, options: dict[str, Any]) -> Page:
        page = self._browser.new_context(**options).new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.wrong.append(f"script error: {error}"))
        page.on("console", lambda message: self._console(message.type, message.text))
        page.on("request", lambda request: self._request(request.url))
        return page

    def _console(self, kind: str, text: str) -> None:
        # A link that the test cut is no fault of the page.
        if kind == "error" and not any(one in text for one in {"WebSocket", *self.expected}):
            self.wrong.append(f"console: {text}")

    def _request(self, url: str) -> None:
        if not url.startswith((self.origin + "/", "data:", "blob:", "about:")):
            self.wrong.append(f"left the server: {url}")


@pytest.fixture(scope="module")
def pool(browser: Browser) -> Pool:
    return Pool(browser)


@pytest.fixture
def visit(pool: Pool, hall: Hall) -> Iterator[Open]:
    """Opens a page of the hall, an empty one for no path. Script errors, complaints of the policy and
    requests that leave the server fail the test."""
    pool.wrong.clear()
    pool.expected.clear()
    pool.origin = hall.origin

    def open(path: str, width: int = 400, height: int = 800, **options: Any) -> Page:
        page = pool.take(**options)
        page.set_viewport_size({"width": width, "height": height})
        if path:
            page.goto(hall.origin + path)
        return page

    yield open
    pool.give_back()
    assert pool.wrong == []
