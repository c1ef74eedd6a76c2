"""Past calls and the review of one, with the archive's REST as the contract states it."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from fastapi import Response
from playwright.sync_api import expect

from tests.web.builder import Event, Script, danger
from tests.web.conftest import Open, Pool
from tests.web.hall import LOCAL, Hall
from tests.web.pages import no_sideways_scroll

pytestmark = pytest.mark.browser
EVIL = "<img src=x onerror=window.pwned=1>"


@pytest.fixture(autouse=True)
def _patient() -> None:
    expect.set_options(timeout=60_000)


def found(call: str, **more: Any) -> dict[str, Any]:
    return {
        "call": call, "info": {"agent": "a-7", "queue": EVIL}, "started_at": "2026-01-05T08:00:00Z",
        "ended_at": "2026-01-05T08:01:00Z", "duration_ms": 60_000, "severity": "high",
        "alerts": {"customer.complaint": 2}, "suggestions": 3, "used": 1, "dismissed": 0,
        "audio": True,
    } | more  # fmt: skip


def tone(seconds: int) -> Response:
    """The agent's channel sounds, the customer's is silent."""
    frames = b"".join(
        struct.pack("<hh", int(9_000 * math.sin(i / 5)), 0) for i in range(8_000 * seconds)
    )
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(frames), b"WAVE", b"fmt ", 16, 1, 2, 8_000,
        32_000, 4, 16, b"data", len(frames),
    )  # fmt: skip
    return Response(head + frames, media_type="audio/wav")


def stored(hall: Hall, *, audio: bool = True) -> Script:
    """The dangerous call, as the archive keeps it."""
    call = danger()
    call.hear("customer-6", EVIL * 3, final=True)
    for event in call.events:
        event["stamps"] = {"arrived": 1.0, "recognised": 1.1, "fired": 1.102, "sent": 1.105}
    call.events[-1]["stamps"] = {}
    of: Event = {"call": call.call, "info": call.info, "events": [*call.events, {"type": "later"}]}
    of |= {"started_at": "2026-01-05T08:00:00Z", "ended_at": None, "duration_ms": 20_000}
    hall.rest[f"GET /v1/archive/{call.call}"] = of
    hall.rest[f"POST /v1/calls/{call.call}/marks"] = {}
    if audio:
        hall.rest[f"GET /v1/calls/{call.call}/audio"] = tone(20)
    return call


def test_past_calls_are_found_and_paged(hall: Hall, visit: Open) -> None:
    hall.rest["GET /v1/archive"] = {"calls": [found("c-2"), found("c-1")], "next": "abc"}
    page = visit("/calls?queue=宽带", width=320)
    expect(page.locator(".found [data-call]")).to_have_count(2)
    expect(page.locator(".found a").first).to_contain_text(EVIL)
    no_sideways_scroll(page)
    hall.rest["GET /v1/archive"] = {"calls": [found("c-0")], "next": None}
    page.get_by_role("button", name="更多").click()
    expect(page.locator(".found [data-call]")).to_have_count(3)
    expect(page.get_by_role("button", name="更多")).to_be_hidden()
    page.get_by_label("类别").select_option("customer.danger")
    page.get_by_label("从", exact=True).fill("2026-01-05")
    page.get_by_role("button", name="查找").click()
    expect(page.locator(".found [data-call]")).to_have_count(1)
    paths = [path for _, path, _ in hall.asked if path.startswith("/v1/archive")]
    assert "queue=" in paths[0]
    assert "cursor=abc" in paths[1]
    assert "category=customer.danger" in paths[2]
    assert "from=2026-01-0" in paths[2]
    assert "cursor" not in paths[2]
    assert page.evaluate("window.pwned") is None


def test_a_call_is_heard_and_judged(hall: Hall, visit: Open) -> None:
    call = stored(hall)
    page = visit(f"/review?call={call.call}", width=1280)
    cues = page.locator(".cue")
    expect(cues).to_have_count(3)
    expect(page.get_by_role("button", name="播放")).to_be_enabled()
    loud = page.evaluate(
        """() => { const one = document.querySelector('canvas')
          const { data } = one.getContext('2d').getImageData(0, 0, one.width, one.height)
          const at = (y) => { let dark = 0; for (let x = 0; x < one.width; x++) {
            const i = 4 * (Math.round(y * one.height / 150) * one.width + x)
            if (data[i] < 60 && data[i + 3] > 200) dark += 1 } return dark }
          return [at(25), at(75)] }"""
    )
    assert loud[0] > 500, "the agent's channel is drawn"
    assert loud[1] == 0, "the customer's is silent"
    cues.nth(2).locator(".hear").click()
    fire = next(event for event in call.events if event.get("id") == "a3")["evidence"][0]
    wanted = f"audio?from_ms={fire['start_ms'] - 300}&to_ms={fire['end_ms'] + 300}"
    hall.wait(lambda: any(wanted in path for _, path, _ in hall.asked))
    cues.first.locator("summary").click()
    expect(cues.first.locator("dl")).to_contain_text("识别 100 毫秒 · 规则 2 毫秒 · 送出 3 毫秒")
    cues.first.locator('[data-verdict="wrong"]').click()
    expect(cues.first.locator('[data-verdict="wrong"]')).to_have_attribute("aria-pressed", "true")
    line = page.locator('[data-utterance="agent-3"]')
    line.get_by_role("button", name="这里漏了").click()
    line.get_by_label("哪几个字").fill("用电地址")
    page.keyboard.press("Enter")
    expect(line).to_contain_text("漏了：服务禁语")
    wrong, missed = hall.sent("POST", f"/v1/calls/{call.call}/marks")
    assert (wrong["verdict"], wrong["alert"], wrong["quote"]) == ("wrong", "a1", "昨天就打过电话")
    assert (missed["verdict"], missed["utterance"], missed["quote"]) == (
        "missed", "agent-3", "用电地址",
    )  # fmt: skip
    expect(page.get_by_role("link", name="导出")).to_have_attribute(
        "href", f"{hall.origin}/v1/archive/{call.call}/export"
    )
    assert page.evaluate("window.pwned") is None


def test_without_audio_the_words_are_still_reviewed(hall: Hall, visit: Open, pool: Pool) -> None:
    pool.expected.add("404")
    call = stored(hall, audio=False)
    hall.rest["GET /v1/session"] = {**LOCAL, "role": "agent", "access": "local"}
    page = visit(f"/review?call={call.call}&lang=en", width=320)
    expect(page.locator(".cue")).to_have_count(3)
    expect(page.get_by_text("No audio is kept of this call")).to_be_visible()
    expect(page.locator("[data-verdict], .missed")).to_have_count(0)
    no_sideways_scroll(page)
