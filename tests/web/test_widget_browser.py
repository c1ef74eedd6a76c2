"""`<tingban-assist>` in a real Chromium, against a server that the test plays by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.web.builder import Script, danger, fixture
from tests.web.conftest import Open
from tests.web.hall import Hall

pytestmark = pytest.mark.browser

INFO = {
    "agent": "a-7", "queue": "broadband", "tier": "gold", "brand": "telecom", "attributes": {},
    "started_at": "2026-01-05T08:00:00Z",
}  # fmt: skip
STATE = "() => structuredClone(document.querySelector('tingban-assist').state.calls)"


@pytest.fixture(autouse=True)
def _patient() -> None:
    expect.set_options(timeout=60_000)


def begin(hall: Hall, script: Script, told: int = 0) -> Script:
    hall.begin(script.call, script.info, script.events[:told])
    return script


def cards(page: Page) -> list[str]:
    found = page.locator(".card").evaluate_all("all => all.map(one => one.dataset.id)")
    assert isinstance(found, list)
    return found


def test_a_recorded_call_paints_its_cards_and_ends_with_a_summary(hall: Hall, visit: Open) -> None:
    events = fixture()
    hall.begin("c-fixture-1", INFO)
    page = visit("/agent?agent=a-7")
    hall.wait(lambda: hall.count() == 1)
    hall.tell(*[e for e in events if e["seq"] <= 52])
    card = page.locator(".card")
    expect(card).to_have_attribute("data-state", "tentative")
    expect(card.locator(".say")).to_contain_text("我马上为您处理")
    expect(card.locator("q")).to_have_text("我要投诉")
    hall.wait(lambda: any(one["seq"] == 52 for one in hall.of("painted")))
    hall.tell(*[e for e in events if 52 < e["seq"] <= 58])
    expect(card).to_have_attribute("data-state", "confirmed")
    hall.wait(lambda: any(one["seq"] == 58 for one in hall.of("painted")))
    hall.tell(*[e for e in events if 58 < e["seq"] <= 74])
    expect(page.locator('.card[data-id="s2"]')).to_be_visible()
    expect(page.locator('.card[data-id="s1"]')).to_have_count(0)
    hall.tell(*[e for e in events if 74 < e["seq"] <= 109])
    expect(page.locator('.card[data-id="s4"] .head')).to_contain_text("疑似")
    hall.tell(*[e for e in events if e["seq"] > 109])
    expect(page.locator(".summary h2")).to_have_text("通话已结束")
    expect(page.locator(".card")).to_have_count(0)
    assert {one["call"] for one in hall.of("painted")} == {"c-fixture-1"}
    for one in hall.of("painted"):
        assert one["at"] <= one["received_at"] + 0.001


def test_partials_stay_calm(hall: Hall, visit: Open) -> None:
    call = begin(hall, Script("c-1"))
    page = visit("/agent?agent=a-7", width=320)
    hall.wait(lambda: hall.count() == 1)
    line = page.locator('[data-utterance="customer-1"]')
    hall.tell(
        call.events[0],
        call.hear("customer-1", "我想问一下这个月的话费为什么突然多了这么多钱", stable=6),
    )
    expect(line.locator(".stable")).to_have_text("我想问一下这")
    expect(line.locator(".tail")).to_have_text("个月的话费为什么突然多了这么多钱")
    tall = line.bounding_box()
    hall.tell(call.hear("customer-1", "我想问一下这个月", stable=8))
    expect(line.locator(".spoken bdi")).to_have_text("我想问一下这个月")
    short = line.bounding_box()
    assert tall
    assert short
    assert short["height"] == tall["height"], "a shorter revision keeps the place it had"
    node = line.locator("span.stable").element_handle()
    hall.tell(call.hear("customer-1", "我想问一下这个月的话费", final=True))
    expect(line).to_have_attribute("data-final", "true")
    assert node.evaluate("node => node.isConnected"), "the same text node, not a new one"
    hall.tell(call.hear("customer-1", "", final=True))
    expect(line).to_have_count(0)


def test_a_retraction_takes_card_and_mark_away(hall: Hall, visit: Open) -> None:
    call = begin(hall, Script("c-1"))
    page = visit("/agent?agent=a-7")
    hall.wait(lambda: hall.count() == 1)
    spoken = call.speak("customer-1", "我要投诉你们")
    alert = call.alert("a1", "customer.complaint", "high", "客户要投诉", "customer-1", "我要投诉")
    call.suggest("s1", alert, "真的很抱歉。")
    hall.tell(*call.events)
    expect(page.locator(".card")).to_be_visible()
    expect(page.locator("mark")).to_have_text("我要投诉")
    hall.tell(call.retract("s1"), call.retract("a1"))
    expect(page.locator(".card")).to_have_count(0)
    expect(page.locator("mark")).to_have_count(0)
    expect(page.locator(".spoken bdi")).to_have_text(spoken["text"])


@pytest.mark.parametrize("who", ["agent=a-7", "call=c-fixture-1"])
def test_reconnect_in_an_utterance_restores_the_same_state(
    hall: Hall, visit: Open, who: str
) -> None:
    events = fixture()
    call = hall.begin("c-fixture-1", INFO)
    page = visit(f"/agent?{who}")
    hall.wait(lambda: hall.count() == 1)
    hall.tell(*events[:48])
    expect(page.locator('[data-utterance="customer-4"]')).to_be_visible()
    with hall.away():
        expect(page.locator('[data-notice="link"]')).to_be_visible()
        call.events.extend(events[48:70])
    expect(page.locator('[data-notice="link"]')).to_have_count(0)
    hall.tell(events[70], events[71])
    expect(page.locator('[data-utterance="agent-5"][data-final="true"]')).to_be_visible()
    fresh = visit("/agent?agent=a-7")
    expect(fresh.locator('[data-utterance="agent-5"][data-final="true"]')).to_be_visible()
    assert without_stamps(page.evaluate(STATE)) == without_stamps(fresh.evaluate(STATE))
    text = ".transcript"
    assert page.locator(text).inner_text() == fresh.locator(text).inner_text()
    assert cards(page) == cards(fresh)


def without_stamps(value: Any) -> Any:
    """A live event carries when it was sent; a snapshot may not."""
    if isinstance(value, dict):
        return {k: without_stamps(v) for k, v in value.items() if k != "stamps"}
    return [without_stamps(one) for one in value] if isinstance(value, list) else value


def test_a_call_that_ended_while_the_link_was_down_is_shown_as_ended(
    hall: Hall, visit: Open
) -> None:
    begin(hall, Script("c-1"), told=1)
    page = visit("/agent?agent=a-7")
    expect(page.locator(".clock")).to_have_text("00:00")
    with hall.away():
        del hall.calls["c-1"]
    expect(page.locator(".summary h2")).to_have_text("断线期间通话已结束")


def test_two_agents_never_see_each_others_calls(hall: Hall, visit: Open) -> None:
    mine = begin(hall, Script("c-mine", agent="a-7"))
    theirs = begin(hall, Script("c-theirs", agent="a-8"))
    first, second = visit("/agent?agent=a-7"), visit("/agent?agent=a-8")
    hall.wait(lambda: hall.count() == 2)
    mine.speak("customer-1", "我的话")
    theirs.speak("customer-1", "别人的话")
    # Even when a server slips: what belongs to no call of this agent is not shown.
    hall.tell(*mine.events, *theirs.events)
    hall.send(json.dumps(theirs.hear("customer-2", "泄漏", final=True)))
    hall.tell(mine.hear("customer-3", "结束语", final=True))
    expect(first.locator(".transcript")).to_contain_text("结束语")
    assert "别人" not in first.locator(".transcript").inner_text()
    assert "泄漏" not in first.locator(".transcript").inner_text()
    expect(second.locator(".transcript")).to_contain_text("别人的话")
    assert "我的" not in second.locator(".transcript").inner_text()


def test_the_keyboard_is_enough(hall: Hall, visit: Open) -> None:
    call = danger()
    begin(hall, call, told=len(call.events))
    page = visit("/agent?agent=a-7", permissions=["clipboard-read", "clipboard-write"])
    expect(page.locator(".card")).to_have_count(3)
    assert cards(page) == ["s3", "s2", "s1"], "the most urgent first"
    page.keyboard.press("1")
    expect(page.locator('[data-id="s3"]')).to_be_focused()
    page.keyboard.press("c")
    expect(page.locator('[data-id="s3"] [data-action="copy"]')).to_contain_text("已复制")
    assert "不要碰电线" in page.evaluate("navigator.clipboard.readText()")
    page.keyboard.press("u")
    expect(page.locator('[data-id="s3"]')).to_have_count(0)
    expect(page.locator('[data-id="s2"]')).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator('[data-id="s1"]')).to_be_focused()
    page.keyboard.press("x")
    expect(page.locator('[data-id="s1"]')).to_have_count(0)
    page.keyboard.press("1")
    page.keyboard.press("w")
    expect(page.locator(".card")).to_have_count(0)
    hall.wait(lambda: len(hall.of("feedback")) == 3)
    given = [(one["call"], one["suggestion"], one["verdict"]) for one in hall.of("feedback")]
    assert given == [
        ("c-1042", "s3", "used"), ("c-1042", "s1", "dismissed"), ("c-1042", "s2", "wrong"),
    ]  # fmt: skip


def test_keys_typed_into_the_page_are_the_pages(hall: Hall, visit: Open) -> None:
    call = danger()
    begin(hall, call, told=len(call.events))
    page = visit("/agent?agent=a-7")
    expect(page.locator(".card")).to_have_count(3)
    page.evaluate("document.body.append(document.createElement('input'))")
    page.locator("body > input").focus()
    page.keyboard.type("1uxwc")
    page.evaluate("document.querySelector('tingban-assist').removeAttribute('shortcuts')")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("x")
    assert page.locator("body > input").input_value() == "1uxwc"
    assert page.locator(".card").count() == 3


def test_answers_given_while_the_link_is_down_arrive(hall: Hall, visit: Open) -> None:
    call = danger()
    begin(hall, call, told=len(call.events))
    page = visit("/agent?agent=a-7")
    page.locator('[data-id="s3"] [data-action="used"]').click()
    hall.wait(lambda: len(hall.of("feedback")) == 1)
    expect(page.locator('[data-id="s3"]')).to_have_count(0)
    page.mouse.move(5, 5)
    with hall.away():
        expect(page.locator('[data-notice="link"]')).to_be_visible()
        page.locator('[data-id="s2"] [data-action="wrong"]').click()
    hall.wait(lambda: len(hall.of("feedback")) == 2)
    assert hall.of("feedback")[1]["suggestion"] == "s2"
    assert cards(page) == ["s1"]


def test_danger_is_announced_at_once_and_the_rest_politely(hall: Hall, visit: Open) -> None:
    call = danger()
    upto = next(i for i, e in enumerate(call.events) if e.get("id") == "a3")
    begin(hall, call)
    page = visit("/agent?agent=a-7")
    hall.wait(lambda: hall.count() == 1)
    hall.tell(*call.events[:upto])
    expect(page.locator('[aria-live="polite"]')).to_contain_text("新建议")
    expect(page.locator('[aria-live="assertive"]')).to_have_text("")
    hall.tell(*call.events[upto:])
    expect(page.locator('[aria-live="assertive"]')).to_contain_text(
        "危险：用电危险。请您和孩子先离开厨房"
    )
    card = page.locator('[data-severity="critical"]')
    expect(card.locator(".kind")).to_have_text("危险")
    expect(card.locator("svg").first).to_be_visible()
    assert page.locator(".transcript").get_attribute("aria-live") == "off"


def test_no_card_moves_under_the_pointer(hall: Hall, visit: Open) -> None:
    call = danger()
    upto = next(i for i, e in enumerate(call.events) if e.get("id") == "a3")
    begin(hall, call, told=upto)
    page = visit("/agent?agent=a-7", width=1200)
    expect(page.locator(".card")).to_have_count(2)
    page.locator('[data-id="s2"] .say').hover()
    before = page.locator('[data-id="s2"]').bounding_box()
    hall.tell(*call.events[upto:])
    expect(page.locator('[data-id="s3"]')).to_be_visible()
    assert page.locator('[data-id="s2"]').bounding_box() == before
    hall.tell(call.retract("s2", "expired"))
    expect(page.locator('[data-id="s2"] .state')).to_have_text("已撤回")
    page.mouse.move(5, 5)
    expect(page.locator('[data-id="s2"]')).to_have_count(0)
    assert cards(page) == ["s3", "s1"]


def test_the_transcript_follows_unless_the_reader_scrolled_up(hall: Hall, visit: Open) -> None:
    call = Script("c-1")
    for number in range(1, 40):
        call.hear(f"customer-{number}", f"第{number}句话", final=True)
        call.at_ms += 1000
    begin(hall, call, told=len(call.events))
    page = visit("/agent?agent=a-7", height=600)
    expect(page.get_by_text("第39句话")).to_be_in_viewport()
    log = page.locator(".transcript")
    log.evaluate("one => { one.scrollTop = 0 }")
    expect(page.locator(".to-newest")).to_be_visible()
    hall.tell(call.hear("customer-40", "第40句话", final=True))
    expect(page.get_by_text("第40句话")).to_be_attached()
    assert log.evaluate("one => one.scrollTop") == 0
    page.locator(".to-newest").click()
    expect(page.get_by_text("第40句话")).to_be_in_viewport()


def test_several_calls_and_the_next_one(hall: Hall, visit: Open) -> None:
    first = begin(hall, Script("c-1", queue="宽带"), told=1)
    page = visit("/agent?agent=a-7")
    expect(page.locator(".queue")).to_have_text("宽带")
    expect(page.get_by_role("tab")).to_have_count(0)
    second = danger()
    begin(hall, second, told=len(second.events))
    expect(page.get_by_role("tab")).to_have_count(2)
    expect(page.locator(".queue")).to_have_text("宽带")
    expect(page.locator('[data-notice="elsewhere"]')).to_contain_text("电力抢修")
    page.get_by_role("tab", name="电力抢修").click()
    expect(page.locator(".card")).to_have_count(3)
    hall.tell(first.end(), second.end())
    expect(page.locator(".summary")).to_be_visible()
    begin(hall, Script("c-3", queue="燃气"), told=1)
    expect(page.locator(".queue")).to_have_text("燃气")
    expect(page.locator(".summary")).to_be_hidden()


def test_the_state_of_things_is_said_honestly(hall: Hall, visit: Open) -> None:
    call = begin(hall, Script("c-1"), told=1)
    page = visit("/agent?agent=a-7")
    expect(page.locator('[data-notice="demonstration"]')).to_have_text("演示识别器：只懂合成语音")
    expect(page.locator(".link")).to_have_text("已连接")
    hall.tell(
        call.status("recogniser", name="bundled", demonstration=True, degraded=True),
        call.status("party_failed", party="customer", code="x", message="y"),
        call.status("audio_gap", party="agent", start_ms=0, end_ms=20, why="packets lost"),
    )
    expect(page.locator('[data-notice="degraded"]')).to_be_visible()
    expect(page.locator('[data-notice="failed-customer"]')).to_have_text("客户声音识别中断")
    expect(page.locator('[data-notice="gaps"]')).to_be_visible()
    hall.send('{"type":"metric","call":"c-1","seq":"nine"}')
    expect(page.locator('[data-notice="unreadable"]')).to_be_visible()
    hall.refuse = 1008
    hall.cut()
    expect(page.locator('[data-notice="link"]')).to_contain_text("not yours")


def test_no_demonstration_notice_on_a_real_recogniser(hall: Hall, visit: Open) -> None:
    hall.hello["recogniser"] = {"name": "paraformer-zh-streaming", "demonstration": False}
    begin(hall, Script("c-1"), told=1)
    page = visit("/agent?agent=a-7")
    expect(page.locator(".link")).to_have_text("已连接")
    expect(page.locator(".clock")).to_have_text("00:00")
    assert page.locator('[data-notice="demonstration"]').count() == 0


def test_embedders_hear_of_suggestions_and_answers(hall: Hall, visit: Open) -> None:
    call = begin(hall, Script("c-1"))
    page = visit("/agent?agent=a-7")
    page.evaluate(
        """() => { window.heard = []
          for (const name of ['tingban-suggestion', 'tingban-feedback'])
            document.addEventListener(name, ({ type, detail }) => window.heard.push([type, detail])) }"""
    )
    hall.wait(lambda: hall.count() == 1)
    call.speak("customer-1", "我要投诉")
    alert = call.alert("a1", "customer.complaint", "high", "客户要投诉", "customer-1", "我要投诉")
    call.suggest("s1", alert, "真的很抱歉。")
    hall.tell(*call.events)
    page.locator('[data-action="dismissed"]').click()
    page.wait_for_function("window.heard.length === 2")
    (one, suggestion), (other, answer) = page.evaluate("window.heard")
    assert (one, suggestion["id"], suggestion["say"]) == (
        "tingban-suggestion",
        "s1",
        "真的很抱歉。",
    )
    assert (other, answer["suggestion"], answer["verdict"]) == (
        "tingban-feedback",
        "s1",
        "dismissed",
    )


def test_a_lead_who_looks_on_answers_for_nobody(hall: Hall, visit: Open) -> None:
    call = danger()
    begin(hall, call, told=len(call.events))
    page = visit("/agent?call=c-1042&observe=1")
    expect(page.locator(".card")).to_have_count(3)
    assert page.locator(".action").count() == 0
    page.keyboard.press("1")
    page.keyboard.press("u")
    hall.tell(call.retract("s1", "expired"))
    expect(page.locator(".card")).to_have_count(2)
    assert hall.of("painted") == []
    assert hall.of("feedback") == []
