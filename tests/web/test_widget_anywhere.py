"""The widget where pages are hostile, words are hostile, screens are small and readers differ."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.web.builder import Script, danger
from tests.web.conftest import Open
from tests.web.hall import Hall
from tests.web.pages import bytes_loaded, no_sideways_scroll

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def _patient() -> None:
    expect.set_options(timeout=60_000)


def begin(hall: Hall, script: Script, told: int = 0) -> Script:
    hall.begin(script.call, script.info, script.events[:told])
    return script


HOSTILE = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>‮反转‬&lt;b&gt;'


def test_hostile_words_stay_words(hall: Hall, visit: Open) -> None:
    call = begin(hall, Script("c-1", queue=HOSTILE, tier=HOSTILE))
    page = visit("/agent?agent=a-7", width=320)
    hall.wait(lambda: hall.count() == 1)
    call.hear("customer-1", HOSTILE, final=True)
    alert = call.alert("a1", "customer.anger", "high", HOSTILE, "customer-1", HOSTILE[:30])
    call.suggest("s1", alert, HOSTILE)
    long = "投诉" * 5_000
    call.hear("customer-2", long, final=True)
    call.hear("customer-3", "最后一句", final=True)
    other = call.alert("a2", "customer.anger", "medium", long, "customer-2", long)
    call.suggest("s2", other, long)
    hall.tell(*call.events)
    expect(page.locator('.card[data-id="s2"]')).to_be_visible()
    expect(page.locator('[data-id="s1"] .say bdi')).to_have_text(HOSTILE)
    expect(page.locator('[data-utterance="customer-1"] .spoken bdi')).to_have_text(HOSTILE)
    assert page.evaluate("window.pwned") is None
    assert page.locator("tingban-assist img, tingban-assist script").count() == 0
    assert (
        page.locator(".say bdi").first.evaluate("one => getComputedStyle(one).unicodeBidi")
        == "isolate"
    )
    say = page.locator('[data-id="s2"] .say')
    assert len(say.inner_text()) < 400, "cut short"
    say.locator(".more").click()
    assert len(say.locator("bdi").inner_text()) == 10_000, "the full text on demand"
    line = page.locator('[data-utterance="customer-2"]')
    assert len(line.inner_text()) < 600
    line.locator(".more").click()
    assert len(line.locator("bdi").inner_text()) == 10_000
    no_sideways_scroll(page)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_nothing_scrolls_sideways_at_320(hall: Hall, visit: Open, lang: str) -> None:
    call = danger()
    begin(hall, call, told=len(call.events))
    page = visit(f"/agent?agent=a-7&lang={lang}", width=320, height=640)
    expect(page.locator(".card")).to_have_count(3)
    no_sideways_scroll(page)


def test_a_hostile_page_cannot_break_it(hall: Hall, visit: Open) -> None:
    call = danger()
    begin(hall, call, told=len(call.events))
    page = visit("/hostile", width=800)
    expect(page.locator("tingban-assist .card").first).to_be_visible()
    expect(page.locator('[data-id="s3"] [data-action="used"]')).to_be_visible()
    style = page.locator('[data-id="s3"] .say').evaluate(
        """one => { const { letterSpacing, fontSize, direction, textTransform, whiteSpaceCollapse, textWrapMode }
             = getComputedStyle(one); return { letterSpacing: parseFloat(letterSpacing) || 0, fontSize, direction, textTransform, textWrapMode } }"""
    )
    assert style["direction"] == "ltr"
    assert style["textTransform"] == "none"
    assert style["textWrapMode"] == "wrap"
    assert style["letterSpacing"] < 1
    assert style["fontSize"] == "22.05px"
    box = page.locator("tingban-assist").bounding_box()
    assert box
    assert (box["width"], box["height"]) == (360, 640), "the page decides the size, and only that"


def test_the_first_load_is_small_and_local(hall: Hall, visit: Open, record_property: Any) -> None:
    """Bytes as they come over the line; that nothing leaves the server, `visit` sees to."""
    page = visit("")
    sizes = bytes_loaded(page, f"{hall.origin}/agent?agent=a-7")
    record_property("first_load", {"files": len(sizes), "compressed_bytes": sum(sizes.values())})
    assert sizes["/widget/define.js"] > 0
    assert sum(sizes.values()) <= 60_000


def test_motion_stops_for_those_who_ask(hall: Hall, visit: Open) -> None:
    call = danger()
    begin(hall, call)
    page = visit("/agent?agent=a-7", reduced_motion="reduce")
    hall.wait(lambda: hall.count() == 1)
    hall.tell(*call.events)
    expect(page.locator(".card")).to_have_count(3)
    moving = "one => one.shadowRoot.getAnimations({ subtree: true }).length"
    assert page.locator("tingban-assist").evaluate(moving) == 0
