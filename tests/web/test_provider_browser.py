"""Signing in with a provider: a real browser, the real server, and a provider of the tests' own."""

from __future__ import annotations

import re
import threading

import pytest
from playwright.sync_api import Browser, expect

from server.settings import AccessSettings
from tests.server.access.provider import AUDIENCE, CLIENT, SECRET, Provider
from tests.server.running import SETTINGS
from tests.web.conftest import PATIENCE
from tests.web.test_real_server_browser import in_a_thread

pytestmark = pytest.mark.browser


def test_a_page_comes_back_from_the_provider(browser: Browser) -> None:
    provider = Provider()
    threading.Thread(target=provider.server.serve_forever, daemon=True).start()
    named = {
        "issuer": provider.issuer,
        "audience": AUDIENCE,
        "roles": {"supervisor": "lead"},
        "client_id": CLIENT,
        "client_secret": SECRET,
    }
    access = AccessSettings.model_validate({"mode": "oidc", "oidc": named})
    provider.changes = {"roles": ["cook"]}
    with in_a_thread(settings=SETTINGS.model_copy(update={"access": access})) as (server, _):
        context = browser.new_context()
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        page.goto(f"{server.http}/board")
        expect(page).to_have_url(re.compile("/login.*next=board"))
        page.get_by_role("button", name="用公司账号登录").click()
        # The provider knows the user, and we have no role for a cook.
        expect(page).to_have_url(re.compile("/login.*problem=no_role"))
        expect(page.locator(".sign-in")).to_contain_text("没有登录成功")
        provider.changes = {}
        page.goto(f"{server.http}/board")
        page.get_by_role("button", name="用公司账号登录").click()
        expect(page).to_have_url(re.compile("/board"))
        expect(page.locator("tingban-board .link")).to_have_text("已连接")
        page.get_by_role("button", name="退出").click()
        expect(page).to_have_url(re.compile("/login"))
        context.close()
    provider.server.shutdown()
    provider.server.server_close()
