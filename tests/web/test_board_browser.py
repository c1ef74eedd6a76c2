"""`<tingban-board>` in a real Chromium: who needs help stands first, and rows stay put."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.web.builder import Event, Script, danger
from tests.web.conftest import Open
from tests.web.hall import Hall
from tests.web.pages import no_sideways_scroll

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def _patient() -> None:
    expect.set_options(timeout=60_000)


def three(hall: Hall) -> list[Script]:
    """Three calm calls of three agents."""
    calls = [Script(f"c-{n}", agent=f"a-{n}", queue=["宽带", "账单", "燃气"][n]) for n in range(3)]
    for call in calls:
        call.speak("customer-1", "我要投诉你们")
        hall.begin(call.call, call.info, list(call.events))
    return calls


def raised(call: Script, severity: str) -> Event:
    return call.alert("a1", "customer.complaint", severity, "客户要投诉", "customer-1", "我要投诉")


def rows(page: Page) -> list[str]:
    found = page.locator(".list .row").evaluate_all("all => all.map(one => one.dataset.call)")
    assert isinstance(found, list)
    return found


def order_is(page: Page, calls: list[str]) -> None:
    page.wait_for_function(
        """wanted => { const all = [...document.querySelector('tingban-board').shadowRoot
             .querySelectorAll('.list .row')].map(one => one.dataset.call)
             return all.join() === wanted }""",
        arg=",".join(calls),
    )


def test_the_worst_call_comes_first_with_why_and_what_was_suggested(
    hall: Hall, visit: Open
) -> None:
    calls = three(hall)
    page = visit("/board", width=1280)
    order_is(page, ["c-0", "c-1", "c-2"])
    alert = raised(calls[2], "high")
    hall.tell(alert, calls[2].suggest("s1", alert, "真的很抱歉。"))
    order_is(page, ["c-2", "c-0", "c-1"])
    first = page.locator(".row").first
    expect(first.locator(".kind")).to_have_text("紧急")
    expect(first.locator(".quote")).to_have_text("「我要投诉」")
    expect(first.locator(".said")).to_have_text("已建议：真的很抱歉。")
    expect(page.locator(".feed li")).to_have_count(1)
    hall.tell(calls[2].retract("a1"))
    expect(first.locator(".kind")).to_have_text("平稳")
    expect(page.locator(".feed li")).to_have_count(0)
    assert rows(page) == ["c-2", "c-0", "c-1"], "what is equally calm keeps its place"


def test_rows_stay_under_the_pointer(hall: Hall, visit: Open) -> None:
    calls = three(hall)
    page = visit("/board", width=1280)
    order_is(page, ["c-0", "c-1", "c-2"])
    page.locator('[data-call="c-1"]').hover()
    before = page.locator('[data-call="c-1"]').bounding_box()
    hall.tell(raised(calls[2], "critical"), calls[0].end())
    expect(page.locator('[data-call="c-2"] .kind')).to_have_text("危险")
    expect(page.locator('.list [data-call="c-0"]')).to_have_attribute("data-live", "false")
    assert page.locator('[data-call="c-1"]').bounding_box() == before
    page.mouse.move(5, 5)
    order_is(page, ["c-2", "c-1"])
    expect(page.locator(".past li")).to_have_count(1)


def test_filters_and_keyboard(hall: Hall, visit: Open) -> None:
    calls = three(hall)
    page = visit("/board", width=1280)
    order_is(page, ["c-0", "c-1", "c-2"])
    hall.tell(raised(calls[1], "high"))
    order_is(page, ["c-1", "c-0", "c-2"])
    page.get_by_role("searchbox").fill("燃气")
    order_is(page, ["c-2"])
    expect(page.locator(".count")).to_have_text("1 / 3 通")
    page.get_by_role("searchbox").fill("")
    page.get_by_label("最低级别").select_option("high")
    order_is(page, ["c-1"])
    page.get_by_label("最低级别").select_option("")
    order_is(page, ["c-1", "c-0", "c-2"])
    page.locator(".row").first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator('[data-call="c-0"]')).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".detail h3")).to_contain_text("a-0")
    page.keyboard.press("Escape")
    expect(page.locator(".detail")).to_have_count(0)
    expect(page.locator('[data-call="c-0"]')).to_be_focused()


def test_a_call_opens_beside_and_goes_on_live(hall: Hall, visit: Open) -> None:
    call = danger()
    hall.begin(call.call, call.info, list(call.events))
    page = visit("/board", width=1440)
    page.locator(".row").first.click()
    detail = page.locator(".detail")
    expect(detail.locator(".card")).to_have_count(3)
    hall.tell(call.hear("customer-5", "厨房的电线断了在冒火花孩子还在里面怎么办", final=True))
    expect(detail.locator(".transcript")).to_contain_text("怎么办")
    assert detail.locator(".action").count() == 0
    assert hall.of("painted") == []
    detail.locator(".shut").click()
    expect(page.locator(".feed")).to_be_visible()


def test_the_board_comes_back_whole_after_a_cut(hall: Hall, visit: Open) -> None:
    calls = three(hall)
    page = visit("/board", width=1280)
    order_is(page, ["c-0", "c-1", "c-2"])
    with hall.away():
        hall.calls["c-1"].events.append(raised(calls[1], "veto"))
        del hall.calls["c-2"]
    order_is(page, ["c-1", "c-0"])
    expect(page.locator('[data-call="c-1"] .kind')).to_have_text("一票否决")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_nothing_scrolls_sideways_at_320(hall: Hall, visit: Open, lang: str) -> None:
    call = danger()
    hall.begin(call.call, call.info, list(call.events))
    page = visit(f"/board?lang={lang}", width=320, height=640)
    expect(page.locator(".row")).to_have_count(1)
    no_sideways_scroll(page)
    page.locator(".row").click()
    expect(page.locator(".detail .card")).to_have_count(3)
    no_sideways_scroll(page)


def test_hostile_names_stay_names(hall: Hall, visit: Open) -> None:
    evil = "<img src=x onerror=window.pwned=1>‮名"
    call = Script("c-1", agent=evil, queue=evil, tier=evil)
    call.hear("customer-1", evil * 300, final=True)
    alert = call.alert("a1", "customer.anger", "high", evil * 200, "customer-1", evil * 200)
    call.suggest("s1", alert, evil * 200)
    hall.begin(call.call, call.info, list(call.events))
    page = visit("/board", width=320)
    expect(page.locator(".row b")).to_contain_text("<img src=x")
    assert page.evaluate("window.pwned") is None
    no_sideways_scroll(page)


def test_three_hundred_calls_cost_no_more_than_what_changed(hall: Hall, visit: Open) -> None:
    """Counted, not timed: an event on one of 300 calls touches that row and no other."""
    calls = [Script(f"c-{n}", agent=f"a-{n}") for n in range(300)]
    for call in calls:
        hall.begin(call.call, call.info, list(call.events))
    page = visit("/board", width=1440)
    expect(page.locator(".row")).to_have_count(300)
    page.evaluate(
        """() => { window.touched = new Set(); window.moved = 0
          const list = document.querySelector('tingban-board').shadowRoot.querySelector('.list')
          new MutationObserver((records) => { for (const { target, type, addedNodes } of records) {
              const row = (target instanceof Element ? target : target.parentElement).closest('.row')
              if (row) window.touched.add(row.dataset.call)
              else if (type === 'childList') window.moved += addedNodes.length
          } }).observe(list, { subtree: true, childList: true, attributes: true, characterData: true }) }"""
    )
    for n in range(40):
        hall.tell(calls[n % 4].metric("agent", "talk_share", n / 40))
    expect(page.locator('[data-call="c-3"] .part')).to_have_text("坐席 98%")
    assert set(page.evaluate("[...window.touched]")) == {"c-0", "c-1", "c-2", "c-3"}
    assert page.evaluate("window.moved") == 0


def test_the_landing_page_replays_a_recording(hall: Hall, visit: Open) -> None:
    hall.recordings.append({"name": "complaint", "title": "宽带反复断线", "duration_ms": 61_000})
    page = visit("/", width=800)
    expect(page.locator(".recordings li")).to_contain_text("宽带反复断线")
    page.get_by_role("button", name="重放 宽带反复断线").click()
    hall.wait(lambda: hall.of("replay"))
    assert hall.of("replay")[0]["recording"] == "complaint"
    expect(page.get_by_role("link", name="看坐席视图")).to_be_visible()
    page.get_by_role("button", name="English").click()
    expect(page.locator("h1")).to_have_text("Tingban")
    expect(page.locator(".notice")).to_contain_text("not people")
