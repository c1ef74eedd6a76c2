"""Every page: no serious accessibility finding, everything by keyboard, strict policy, pictures."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.responses import JSONResponse, PlainTextResponse
from playwright.sync_api import Page, expect

from server.desk import form
from server.pages import HEADERS, PAGES
from tests.server.desk.test_desk import pack
from tests.web.builder import danger
from tests.web.conftest import ARTEFACTS, Open, Pool
from tests.web.hall import ROOT, Hall
from tests.web.pages import no_sideways_scroll
from tests.web.test_review_browser import found, stored

pytestmark = pytest.mark.browser

READY = {
    "/": ".recordings li", "/login": "form", "/agent?agent=a-7": ".card", "/board": ".row",
    "/calls": ".found [data-call]", "/review?call=c-1042": ".cue", "/desk": ".fields textarea",
    "/admin": "[data-user]", "/tap": "form",
}  # fmt: skip
"""Every page with what it shows once it is there."""


@pytest.fixture(autouse=True)
def _patient() -> None:
    expect.set_options(timeout=60_000)


def furnished(hall: Hall) -> None:
    """Something to see on every page."""
    stored(hall)
    call = danger()
    call.whisper("w1", "先安抚，费用我来批。")
    hall.begin(call.call, call.info, list(call.events))
    hall.recordings.append({"name": "complaint", "title": "宽带反复断线", "duration_ms": 61_000})
    rule = {
        "rule": "core.promise", "category": "agent.promise", "severity": "high", "title": "擅自承诺",
        "pack": "core", "version": 1, "hits": 12, "shown": 10, "used": 6, "dismissed": 2,
        "wrong": 1, "said": 1,
    }  # fmt: skip
    user = {"user": "w.li", "name": "李雯", "role": "lead", "teams": ["甲组"], "active": True}
    packs = [{"pack": "core", "files": ["promise.yaml"]}]
    hall.rest |= {
        "GET /v1/archive": {"calls": [found("c-1", info={"agent": "a-7"})], "next": "x"},
        "GET /v1/rules": [rule], "GET /v1/users": [user],
        "GET /v1/teams": {"teams": [{"team": "甲组", "queues": ["宽带", "账单"]}]},
        "GET /v1/queue-map": {"extensions": {"8001": "w.li"}, "queues": {}},
        "GET /v1/desk/packs": {"version": 1, "hash": "x", "packs": packs, "drafts": []},
        "GET /v1/desk/packs/core/promise.yaml": PlainTextResponse(pack()),
        "POST /v1/desk/form": lambda body: {"text": body["text"], **form.read(body["text"], "")},
        "GET /v1/desk/versions": {
            "current": 1,
            "versions": [{"at": 1.7e9, "by": "w.li", "what": "publish", "version": 1}],
        },
    }  # fmt: skip


def opened(
    hall: Hall, visit: Open, pool: Pool, path: str, lang: str = "zh", **options: Any
) -> Page:
    """The page once it shows something; nobody is signed in on the sign-in page."""
    hall.rest.pop("GET /v1/session", None)
    if path == "/login":
        pool.expected.add("401")
        fault = {"error": {"code": "unauthorized", "message": "sign in"}}
        hall.rest["GET /v1/session"] = JSONResponse(fault, 401)
    page = visit(f"{path}{'&' if '?' in path else '?'}lang={lang}", **options)
    expect(page.locator(READY[path]).first).to_be_visible()
    return page


def test_no_page_is_forgotten() -> None:
    assert {path.partition("?")[0] for path in READY} == set(PAGES)


def test_the_policy_lets_nothing_in_from_elsewhere_and_nothing_inline() -> None:
    policy = dict(
        part.strip().split(" ", 1) for part in HEADERS["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'self'"
    assert not any("unsafe" in value or "*" in value for value in policy.values())
    for name in PAGES.values():
        text = (ROOT / name).read_text("utf8")
        assert "<style" not in text
        assert 'style="' not in text
        assert "<script>" not in text


UNREACHED = """() => { const out = []
  const look = (root) => { for (const one of root.querySelectorAll('*')) {
    if (one.shadowRoot) look(one.shadowRoot)
    const pressed = one.matches('a[href], button, input, select, textarea, summary')
    // One row is in the tab order, arrow keys reach the others; tabs and cards likewise.
    const roving = one.matches('.row, .tab, .card')
    if (pressed && !roving && one.checkVisibility() && !one.disabled && one.tabIndex < 0)
      out.push(one.outerHTML.slice(0, 120))
  } }
  look(document)
  return out }"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_serious_finding_on_any_page(hall: Hall, visit: Open, pool: Pool, theme: str) -> None:
    axe = ROOT / "node_modules" / "axe-core" / "axe.min.js"
    if not axe.is_file():
        pytest.skip("axe-core is not installed: npm ci in web_widget")
    furnished(hall)
    serious = []
    for path in READY:
        page = opened(hall, visit, pool, path, width=1280, color_scheme=theme)
        assert page.evaluate(UNREACHED) == [], path
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement !== document.body"), path
        page.wait_for_function("document.getAnimations().length === 0")
        page.evaluate(axe.read_text("utf8"))
        seen = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
        serious += [
            (path, one["id"], [node["html"][:160] for node in one["nodes"]])
            for one in seen["violations"]
            if one["impact"] in ("serious", "critical")
        ]
        pool.give_back()
    assert serious == []


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_pictures_for_the_eye(hall: Hall, visit: Open, pool: Pool, lang: str) -> None:
    """Kept outside the repository's history; what is asserted is that nothing sticks out."""
    furnished(hall)
    ARTEFACTS.mkdir(exist_ok=True)
    for path in READY:
        page = opened(hall, visit, pool, path, lang, width=320, height=640)
        name = path.strip("/").partition("?")[0] or "home"
        for width, height in ((320, 640), (768, 900), (1440, 900)):
            page.set_viewport_size({"width": width, "height": height})
            no_sideways_scroll(page)
            page.screenshot(path=ARTEFACTS / f"{name}-{width}-{lang}.png")
        pool.give_back()
