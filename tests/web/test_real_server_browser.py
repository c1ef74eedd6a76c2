"""From the audio socket of the real server to a painted card, with a scripted recogniser."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from server.ingest.packet import write
from tests.server.running import RATE, Running, hello, running
from tests.web.conftest import PATIENCE

pytestmark = pytest.mark.browser


@contextmanager
def in_a_thread(**options: Any) -> Iterator[tuple[Running, Any]]:
    """The server in a loop of its own, and a way to run things in that loop."""
    ready: Future[tuple[Running, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        async with running(**options) as up:
            over = asyncio.Event()
            ready.set_result((up, asyncio.get_running_loop(), over))
            await over.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    up, loop, over = ready.result(60)
    try:
        yield up, lambda work: asyncio.run_coroutine_threadsafe(work, loop)
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(60)


class Phone:
    """A call that is fed second by second, when the test says so."""

    def __init__(self, server: Running) -> None:
        self._line = server.audio()
        self._heard = 0

    async def dial(self) -> None:
        self._socket = await self._line
        await self._socket.send(hello("c-1", queue="宽带"))
        await self._socket.recv()

    async def speak(self, until_s: int) -> None:
        for second in range(self._heard, until_s):
            await self._socket.send(write(255, second * RATE, bytes(2 * 2 * RATE)))
        self._heard = until_s

    async def hang_up(self) -> None:
        await self._socket.send('{"type":"end"}')
        await self._socket.wait_closed()


def test_audio_in_card_painted_answer_back(browser: Browser) -> None:
    wrong: list[str] = []
    with in_a_thread() as (server, run):
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda one: wrong.append(one.text) if one.type == "error" else None)
        page.add_init_script(
            """window.painted = 0
            const send = WebSocket.prototype.send
            WebSocket.prototype.send = function (text) {
              if (text.includes('"painted"')) window.painted += 1
              return send.call(this, text)
            }"""
        )
        page.goto(f"{server.http}/agent?agent=a-7")
        expect(page.locator(".link")).to_have_text("已连接")
        phone = Phone(server)
        run(phone.dial()).result(60)
        run(phone.speak(until_s=25)).result(60)
        card = page.locator('.card[data-id="s1"]')
        expect(card.locator(".say")).to_contain_text("我马上为您处理")
        page.wait_for_function("window.painted > 0")
        card.locator('[data-action="used"]').click()
        expect(card).to_have_count(0)
        board = browser.new_page()
        board.set_default_timeout(PATIENCE)
        board.goto(f"{server.http}/board")
        expect(board.locator(".row b")).to_have_text("a-7")
        page.locator(".hand").click()
        expect(page.locator(".hand")).to_have_text("已求助")
        expect(board.locator(".row .raised")).to_have_text("求助")
        board.locator(".row").click()
        board.locator(".say-to input").fill("先道歉")
        board.keyboard.press("Enter")
        expect(page.locator(".whisper")).to_contain_text("先道歉")
        board.locator('[data-act="acknowledge"]').first.click()
        expect(board.locator(".lead .by").first).to_have_text("已知悉 local")
        board.locator(".shut").click()
        run(phone.speak(until_s=62)).result(60)
        run(phone.hang_up()).result(60)
        expect(page.locator(".summary h2")).to_have_text("通话已结束")
        expect(board.locator(".past button")).to_have_text("a-7")
        verdicts = page.evaluate("document.querySelector('tingban-assist').state.calls[0].verdicts")
        assert verdicts == {"s1": "used"}, "the server took the answer and told it to everybody"
        page.close()
        board.close()
    assert wrong == []
