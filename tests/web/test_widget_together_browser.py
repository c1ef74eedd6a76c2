"""What agent and lead do together on a call: checklist, promises, whispers, a raised hand."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from tests.web.builder import FLOW, SEVEN, Script
from tests.web.conftest import Open
from tests.web.hall import Hall
from tests.web.pages import no_sideways_scroll

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def _patient() -> None:
    expect.set_options(timeout=60_000)


def begun(hall: Hall, **info: str) -> Script:
    call = Script("c-1", **info)
    for name, title in FLOW:
        call.step(name, title)
    hall.begin(call.call, call.info, list(call.events))
    return call


def test_the_checklist_ticks_itself_in_the_order_of_work(hall: Hall, visit: Open) -> None:
    call = begun(hall)
    page = visit("/agent?agent=a-7", width=320)
    strip = page.locator(".strip")
    expect(strip.locator(".next-step")).to_have_text("下一步：问候并报身份")
    tall = strip.bounding_box()
    hall.tell(call.step("opening", "问候并报身份", "done"))
    expect(strip.locator('[data-list="flow"] b')).to_have_text("1/6")
    hall.tell(call.step("paraphrase", "复述并确认问题", "due"))
    expect(strip.locator(".next-step")).to_have_text("下一步：复述并确认问题")
    hall.tell(*(call.step(name, title, checklist="7a") for name, title in SEVEN))
    expect(strip.locator(".next-step")).to_have_text("下一步：受理")
    hall.tell(call.promise("p1", "我两小时内给您回电话", "两小时内"))
    expect(strip.locator('[data-list="promises"] b')).to_have_text("1")
    assert strip.bounding_box() == tall, "one line, whatever happens"
    no_sideways_scroll(page)
    strip.locator('[data-list="7a"]').click()
    expect(page.locator(".panel .step bdi")).to_have_text([title for _, title in SEVEN])
    # Whoever joins now sees the same order, although the server tells the last changes last.
    with hall.away():
        hall.tell(call.step("accept", "受理", "done", "7a"))
    expect(page.locator('.panel [data-state="done"] bdi')).to_have_text("受理")
    expect(page.locator(".panel .step bdi")).to_have_text([title for _, title in SEVEN])
    strip.locator('[data-list="promises"]').click()
    expect(page.locator(".panel .promise")).to_contain_text("两小时内")
    hall.tell(call.promise("p1", "我两小时内给您回电话", "两小时内", "withdrawn"))
    expect(strip.locator('[data-list="promises"]')).to_have_count(0)


def test_a_whisper_waits_until_it_was_read(hall: Hall, visit: Open) -> None:
    call = begun(hall)
    page = visit("/agent?agent=a-7", width=320)
    expect(page.locator(".clock")).to_have_text("00:00")
    told = call.whisper("w1", "先道歉，<b>费用</b>我来批。")
    hall.tell(told, call.whisper("w2", "第二句"))
    whisper = page.locator(".whisper")
    expect(whisper).to_contain_text("先道歉，<b>费用</b>我来批。")
    expect(page.locator('[aria-live="polite"]')).to_contain_text("先道歉")
    hall.wait(lambda: any(one["seq"] == told["seq"] for one in hall.of("painted")))
    page.keyboard.press("k")
    expect(whisper).to_contain_text("第二句")
    whisper.locator("button.action").click()
    expect(whisper).to_be_hidden()


def test_the_hand_goes_up_when_the_server_has_heard_it(hall: Hall, visit: Open) -> None:
    call = begun(hall)
    page = visit("/agent?agent=a-7", width=320)
    hand = page.locator(".hand")
    expect(hand).to_have_attribute("aria-pressed", "false")
    expect(page.get_by_text("暂无通话")).to_have_count(0)
    expect(hand).to_be_visible()
    page.keyboard.press("h")
    hall.wait(lambda: hall.of("raise_hand"))
    assert hall.of("raise_hand")[0]["raised"] is True
    expect(hand).to_have_attribute("aria-pressed", "false")
    hall.tell(call.add("hand", raised=True, by="a-7"))
    expect(hand).to_have_text("已求助")
    hand.click()
    hall.wait(lambda: len(hall.of("raise_hand")) == 2)
    assert hall.of("raise_hand")[1]["raised"] is False


def test_a_call_without_an_agent_can_be_claimed_and_one_can_be_taken_away(
    hall: Hall, visit: Open
) -> None:
    call = begun(hall, agent="")
    page = visit("/agent?call=c-1")
    page.locator('[data-notice="claim"] button').click()
    hall.wait(lambda: hall.of("claim"))
    assert hall.of("claim")[0]["call"] == "c-1"
    hall.tell(call.status("agent_changed", agent="a-7", by="a-7", why="claim"))
    expect(page.locator('[data-notice="claim"]')).to_have_count(0)
    hall.send('{"type":"released","call":"c-1","why":"transfer"}')
    expect(page.locator('[data-notice="released"]')).to_contain_text("c-1")
    expect(page.locator(".quiet")).to_contain_text("暂无通话")


def test_what_is_not_stored_or_not_speech_is_said(hall: Hall, visit: Open) -> None:
    call = begun(hall)
    page = visit("/agent?agent=a-7", width=320)
    expect(page.locator(".clock")).to_have_text("00:00")
    hall.tell(
        call.status("durability", state="lost", why="disk_full"),
        call.status("not_speech", party="customer", kind="music", start_ms=0, end_ms=100),
    )
    expect(page.locator('[data-notice="durability"]')).to_be_visible()
    expect(page.locator('[data-notice="not_speech"]')).to_have_text("客户 正在放音乐，不识别")
    hall.tell(call.status("durability", state="ok", why=""))
    expect(page.locator('[data-notice="durability"]')).to_have_count(0)
    call.at_ms = 9_000
    hall.tell(call.metric("agent", "rate", 200))
    expect(page.locator('[data-notice="not_speech"]')).to_have_count(0)


def test_a_ticket_opens_the_socket(hall: Hall, visit: Open) -> None:
    begun(hall)
    page = visit("/agent?agent=a-7")
    expect(page.locator(".link")).to_have_text("已连接")
    assert hall.sent("POST", "/v1/tickets") == [{"for": "agent"}]


def test_a_call_that_nobody_is_on_is_taken_with_one_key(hall: Hall, visit: Open) -> None:
    """Quiet: nothing is announced and nothing is taken from under the agent's eyes."""
    call = begun(hall)
    page = visit("/agent?agent=a-7", width=320)
    expect(page.locator(".strip")).to_be_visible()
    row = page.locator(".unbound")
    expect(row).to_be_hidden()
    hall.wait(lambda: hall.count() == 1)
    waiting = [{"call": f"c-{n}", "queue": f"队列{n}", "started_at": None} for n in range(2, 7)]
    hall.send(json.dumps({"type": "unbound", "calls": waiting}))
    expect(row).to_contain_text("5 通电话没有坐席")
    expect(row.locator("button")).to_have_text(["队列2 我来接T", "队列3 我来接", "队列4 我来接"])
    no_sideways_scroll(page)
    page.keyboard.press("t")
    hall.wait(lambda: hall.of("claim"))
    row.locator("button").nth(2).click()
    hall.wait(lambda: len(hall.of("claim")) == 2)
    assert [one["call"] for one in hall.of("claim")] == ["c-2", "c-4"]
    hall.send(json.dumps({"type": "unbound", "calls": waiting[3:]}))
    expect(row).to_contain_text("2 通电话没有坐席")
    # After a lost link the server says nothing of them when there are none.
    with hall.away():
        pass
    expect(row).to_be_hidden()
    expect(page.locator(".top .queue")).to_have_text(call.call)
