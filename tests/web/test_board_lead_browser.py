"""What a lead does from the board: who asks for help, alerts, whispers, spikes, agents."""

from __future__ import annotations

import io
import json
import wave
from typing import Any

import pytest
from fastapi import Response
from playwright.sync_api import expect

from tests.web.builder import Script
from tests.web.conftest import Open
from tests.web.hall import Hall
from tests.web.pages import no_sideways_scroll
from tests.web.test_board_browser import order_is, raised, three

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def _patient() -> None:
    expect.set_options(timeout=60_000)


def silence(seconds: float = 1.0) -> Response:
    """Two silent channels, as the audio route gives them."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((2, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(int(8000 * seconds) * 4))
    return Response(out.getvalue(), media_type="audio/wav")


def test_who_asks_for_help_comes_first(hall: Hall, visit: Open) -> None:
    calls = three(hall)
    page = visit("/board", width=1280)
    order_is(page, ["c-0", "c-1", "c-2"])
    hall.tell(raised(calls[1], "high"))
    order_is(page, ["c-1", "c-0", "c-2"])
    hall.tell(calls[2].add("hand", raised=True, by="a-2"))
    order_is(page, ["c-2", "c-1", "c-0"])
    expect(page.locator(".row").first.locator(".raised")).to_have_text("求助")
    hall.tell(calls[2].add("hand", raised=False, by="a-2"))
    order_is(page, ["c-1", "c-2", "c-0"])


def test_alerts_are_answered_and_the_agent_is_whispered_to(hall: Hall, visit: Open) -> None:
    calls = three(hall)
    hall.rest |= {f"POST /v1/calls/c-1/{what}": {} for what in ("actions", "whispers")}
    hall.rest |= {"PUT /v1/calls/c-1/agent": {}, "GET /v1/calls/c-1/audio": silence()}
    page = visit("/board?call=c-1", width=1440)
    hall.tell(raised(calls[1], "high"))
    lead = page.locator(".lead")
    lead.locator('[data-alert="a1"] [data-act="acknowledge"]').click()
    hall.wait(lambda: hall.sent("POST", "/v1/calls/c-1/actions"))
    wanted = {"kind": "acknowledge", "alert": "a1", "to": "", "text": ""}
    assert hall.sent("POST", "/v1/calls/c-1/actions") == [wanted]
    done = {"id": "x1", "kind": "acknowledge", "alert": "a1", "by": "w.li", "to": "", "text": ""}
    hall.tell(calls[1].add("action", **done))
    expect(lead.locator('[data-alert="a1"] .by')).to_have_text("已知悉 w.li")
    expect(page.locator('[data-call="c-1"] .handled')).to_have_text("已知悉")
    hall.tell(calls[1].add("action", **done | {"id": "x2", "kind": "resolve"}))
    expect(page.locator('[data-call="c-1"] .kind')).to_have_text("平稳")

    lead.locator("input").fill("先道歉")
    page.keyboard.press("Enter")
    expect(lead.locator(".told")).to_have_text("已发送")
    assert hall.sent("POST", "/v1/calls/c-1/whispers") == [{"text": "先道歉"}]
    for kind, value in (("transfer", "a-9"), ("note", "回访")):
        lead.locator("select").select_option(kind)
        lead.locator("input").fill(value)
        page.keyboard.press("Enter")
        expect(lead.locator("input")).to_have_value("")
    assert hall.sent("PUT", "/v1/calls/c-1/agent") == [{"agent": "a-9"}]
    assert hall.sent("POST", "/v1/calls/c-1/actions")[-1]["text"] == "回访"

    lead.locator('[data-alert="a1"] .hear').click()
    hall.wait(lambda: any("audio?from_ms=200&to_ms=1800" in path for _, path, _ in hall.asked))


def test_listening_in_says_when_no_audio_is_kept(hall: Hall, visit: Open) -> None:
    calls = three(hall)
    calls[0].at_ms = 60_000
    page = visit("/board?call=c-0", width=1440)
    hall.tell(calls[0].metric("agent", "rate", 200))
    listen = page.locator(".lead-tools > .tool")
    hall.rest["GET /v1/calls/c-0/audio"] = silence(2)
    listen.click()
    hall.wait(lambda: any("/audio?from_ms=56000&to_ms=58000" in path for _, path, _ in hall.asked))
    expect(listen).to_have_text("停止旁听")
    hall.rest["GET /v1/calls/c-0/audio"] = Response(b"{}", media_type="audio/wav")
    calls[0].at_ms = 64_000
    hall.tell(calls[0].metric("agent", "rate", 201))
    expect(listen).to_have_text("旁听")
    expect(page.locator(".told")).to_have_text("这通电话没有保留声音")


def spike(state: str = "on", **more: Any) -> str:
    told = {
        "type": "spike", "topic": "宽带<b>", "category": "customer.complaint", "calls": ["c-0", "c-2"],
        "count": 12, "baseline": 2.0, "window_ms": 600_000, "state": state,
    }  # fmt: skip
    return json.dumps(told | more)


def test_a_spike_leads_to_its_calls(hall: Hall, visit: Open) -> None:
    three(hall)
    page = visit("/board", width=320)
    order_is(page, ["c-0", "c-1", "c-2"])
    hall.send(spike())
    banner = page.locator('[data-kind="danger"] button')
    expect(banner).to_have_text("投诉集中：宽带<b>，12 通（平时 2） · 只看这 2 通")
    no_sideways_scroll(page)
    banner.click()
    order_is(page, ["c-0", "c-2"])
    hall.send(spike("off"))
    expect(page.locator('[data-kind="danger"]')).to_have_count(0)
    page.locator('[data-notice="only"] button').click()
    order_is(page, ["c-0", "c-1", "c-2"])


def test_filters_and_agents(hall: Hall, visit: Open) -> None:
    calls = three(hall)
    gold = Script("c-9", agent="a-0", queue="宽带", tier="金卡")
    hall.begin(gold.call, gold.info, list(gold.events))
    page = visit("/board", width=1440)
    order_is(page, ["c-0", "c-1", "c-2", "c-9"])
    page.get_by_label("队列", exact=True).select_option("宽带")
    order_is(page, ["c-0", "c-9"])
    page.get_by_label("等级", exact=True).select_option("金卡")
    order_is(page, ["c-9"])
    page.get_by_label("等级", exact=True).select_option("")
    page.get_by_role("button", name="坐席", exact=True).click()
    lines = page.locator(".agents tbody tr")
    expect(lines).to_have_count(1)
    calls[0].at_ms = 1_800_000
    first = raised(calls[0], "high")
    hall.tell(
        first, calls[0].suggest("s1", first, "好"), calls[0].suggest("s1", first, "好的"),
        calls[0].metric("agent", "rate", 240), calls[0].metric("agent", "rate", 250),
    )  # fmt: skip
    expect(lines.locator(".number")).to_have_text("2.0")
    expect(lines.locator(".chart b").first).to_have_text("250")
    points = page.locator(".spark polyline").first.get_attribute("points") or ""
    assert len(points.split()) == 2
    page.get_by_label("队列", exact=True).select_option("")
    expect(lines).to_have_count(3)
    no_sideways_scroll(page)
    lines.first.get_by_role("button").click()
    expect(page.locator(".detail h3")).to_contain_text("a-0")


def test_a_node_that_is_alone_says_so_quietly(hall: Hall, visit: Open) -> None:
    page = visit("/board", width=1280)
    hall.wait(lambda: hall.count() == 1)
    alone = {"type": "nodes", "state": "alone", "node": "n-1", "seen": []}
    hall.send(json.dumps(alone))
    line = page.locator('[data-notice="nodes"]')
    expect(line).to_have_text("与其他节点失去联系，这里只有节点 n-1 的通话")
    expect(line).to_have_attribute("data-kind", "plain")
    hall.send(json.dumps({**alone, "state": "together", "seen": ["n-2"]}))
    expect(line).to_have_count(0)
