"""Signing in: against the real server's access, and what pages show to whom."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from server.settings import AccessSettings
from tests.server.running import SETTINGS
from tests.web.conftest import PATIENCE, Open
from tests.web.hall import LOCAL, Hall
from tests.web.pages import no_sideways_scroll
from tests.web.test_real_server_browser import in_a_thread

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def _patient() -> None:
    expect.set_options(timeout=60_000)


def signed_in(role: str, **more: Any) -> dict[str, Any]:
    return {**LOCAL, "user": "w.li", "name": "李雯", "role": role, "access": "local"} | more


@pytest.mark.parametrize(
    ("role", "pages"),
    [
        ("agent", ["坐席", "历史通话"]),
        ("lead", ["看板", "历史通话", "坐席"]),
        ("engineer", ["历史通话", "规则台"]),
        ("admin", ["看板", "历史通话", "规则台", "坐席", "接入声音", "管理"]),
    ],
)
def test_everybody_sees_the_ways_of_their_role(
    hall: Hall, visit: Open, role: str, pages: list[str]
) -> None:
    hall.rest["GET /v1/session"] = signed_in(role)
    page = visit("/", width=320)
    expect(page.locator(".site .ways a")).to_have_text(pages)
    expect(page.locator(".site .name")).to_have_text("李雯")
    no_sideways_scroll(page)


def test_open_access_shows_nobody_and_no_sign_in(hall: Hall, visit: Open) -> None:
    page = visit("/login?next=board", width=800)
    expect(page).to_have_url(f"{hall.origin}/board")
    expect(page.locator(".site .name")).to_have_count(0)
    expect(page.get_by_role("button", name="退出")).to_have_count(0)


@pytest.mark.parametrize("evil", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_the_way_on_stays_on_this_server(hall: Hall, visit: Open, evil: str) -> None:
    page = visit(f"/login?next={evil}")
    expect(page).to_have_url(f"{hall.origin}/")


def test_an_agent_is_shown_the_own_calls_without_asking(hall: Hall, visit: Open) -> None:
    hall.rest["GET /v1/session"] = signed_in("agent")
    page = visit("/agent")
    expect(page.locator("tingban-assist")).to_have_attribute("agent", "w.li")


def test_the_first_administrator_and_everybody_after(browser: Browser) -> None:
    """The real server: from the printed link to signing out and in again."""
    local = SETTINGS.model_copy(update={"access": AccessSettings(mode="local")})
    with in_a_thread(settings=local) as (server, _):
        link = server.app.state.access.offer_link()
        context = browser.new_context()
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(f"{server.http}/login#link={link}")
        page.get_by_role("button", name="继续").click()
        expect(page.locator("h1")).to_have_text("设定密码")
        assert "link" not in page.url
        first, again = page.locator("input").all()
        first.fill("correct horse")
        again.fill("correct mare")
        page.get_by_role("button", name="保存并进入").click()
        expect(page.locator(".fault")).to_contain_text("两次输入不一样")
        again.fill("correct horse")
        page.get_by_role("button", name="保存并进入").click()
        expect(page.locator(".site .name")).to_have_text("admin")
        page.get_by_role("button", name="退出").click()
        expect(page).to_have_url(re.compile("/login"))
        page.goto(f"{server.http}/board")
        expect(page).to_have_url(re.compile("/login.*next=board"))
        page.get_by_label("用户名").fill("admin")
        page.get_by_label("密码").fill("wrong one")
        page.keyboard.press("Enter")
        expect(page.locator(".fault")).to_have_text("用户名或密码不对")
        page.get_by_label("密码").fill("correct horse")
        page.keyboard.press("Enter")
        expect(page.locator("tingban-board .link")).to_have_text("已连接")
        page.goto(f"{server.http}/login#link={link}")
        page.get_by_role("button", name="继续").click()
        expect(page.locator(".fault")).to_have_text("这个链接无效或已用过")
        context.close()
