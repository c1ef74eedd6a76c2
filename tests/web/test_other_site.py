"""The widget in a page of another site: one script tag, one element, an allowed origin."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, expect

from server.settings import Settings
from tests.server.running import SETTINGS, Running
from tests.web.conftest import PATIENCE
from tests.web.test_real_server_browser import Phone, in_a_thread

pytestmark = pytest.mark.browser

PAGE = """<!doctype html><html lang="zh-CN"><head><title>CRM</title><link rel="icon" href="data:,">
<script type="module" src="{server}/widget/define.js"></script></head>
<body><h1>CRM</h1><tingban-assist agent="a-7"></tingban-assist></body></html>"""


@contextmanager
def crm() -> Iterator[tuple[str, Callable[[Running], None]]]:
    """Another site, and a way to name the server that its page embeds."""
    page = {"text": ""}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = page["text"].encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=site.serve_forever, daemon=True)
    thread.start()
    try:
        address = f"http://127.0.0.1:{site.server_address[1]}"
        yield address, lambda server: page.update(text=PAGE.format(server=server.http))
    finally:
        site.shutdown()
        site.server_close()


def allowing(origin: str) -> Settings:
    access = SETTINGS.access.model_copy(update={"origins": origin})
    return SETTINGS.model_copy(update={"access": access})


def test_an_allowed_site_shows_the_widget(browser: Browser) -> None:
    expect.set_options(timeout=PATIENCE)
    with crm() as (site, embeds), in_a_thread(settings=allowing(site)) as (server, run):
        embeds(server)
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(site)
        expect(page.locator("tingban-assist .link")).to_have_text("已连接")
        phone = Phone(server)
        run(phone.dial()).result(60)
        run(phone.speak(until_s=25)).result(60)
        card = page.locator('tingban-assist .card[data-id="s1"]')
        expect(card.locator(".say")).to_contain_text("我马上为您处理")
        card.locator('[data-action="used"]').click()
        expect(card).to_have_count(0)
        run(phone.hang_up()).result(60)
        page.close()


def test_a_site_that_is_not_allowed_gets_nothing(browser: Browser) -> None:
    with (
        crm() as (site, embeds),
        in_a_thread(settings=allowing("https://crm.example")) as (
            server,
            _,
        ),
    ):
        embeds(server)
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        with page.expect_event("requestfailed", lambda one: one.url.endswith("define.js")):
            page.goto(site)
        assert page.evaluate("customElements.get('tingban-assist') === undefined")
        page.close()
