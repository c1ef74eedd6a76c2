"""Sound in the browser to a painted card, through the real server; and what the page says when
the sound is not there."""

from __future__ import annotations

import math
import statistics
import struct
import wave
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from asr.events import AudioFrame, Party
from asr.recogniser import ScriptedRecogniser
from tests.server.running import SPOKEN
from tests.web.conftest import PATIENCE, QUIET, chromium
from tests.web.test_real_server_browser import in_a_thread

pytestmark = pytest.mark.browser
HERTZ = 440
EARLIER_MS = 22_000
"""The complaint of the recorded call is heard this much sooner: nobody wants to wait for it."""


@pytest.fixture(scope="module")
def speaking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium whose microphone plays a file: a tone, because its pitch can be measured."""
    file = tmp_path_factory.mktemp("sound") / "tone.wav"
    with wave.open(str(file), "wb") as out:
        out.setparams((1, 2, 48_000, 0, "NONE", ""))
        samples = (
            int(12_000 * math.sin(2 * math.pi * HERTZ * i / 48_000)) for i in range(48_000 * 2)
        )
        out.writeframes(b"".join(struct.pack("<h", one) for one in samples))
    fake = (
        "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={file}", "--autoplay-policy=no-user-gesture-required",
    )  # fmt: skip
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=chromium(), args=[*QUIET, *fake])
        except PlaywrightError as error:
            pytest.skip(f"NO CHROMIUM, browser tests skipped: {str(error).splitlines()[0]}")
        yield browser
        browser.close()


class Listening(ScriptedRecogniser):
    """Says what it is told to hear, and keeps what it was given."""

    def __init__(self) -> None:
        soon = [
            replace(
                one,
                at_ms=one.at_ms - EARLIER_MS, start_ms=one.start_ms - EARLIER_MS,
                end_ms=one.end_ms - EARLIER_MS,
            )
            for one in SPOKEN
            if one.utterance == "customer-4"
        ]  # fmt: skip
        super().__init__({"*": soon})
        self.given: dict[Party, bytearray] = {}
        self.next: dict[Party, int] = {}

    def open(self, call: Any, parties: Any, rate: int) -> Any:
        audio = super().open(call, parties, rate)
        push = audio.push

        async def kept(frame: AudioFrame) -> None:
            assert frame.start_sample == self.next.get(frame.party, 0), "no hole, nothing twice"
            self.next[frame.party] = frame.start_sample + len(frame.pcm16) // 2
            self.given.setdefault(frame.party, bytearray()).extend(frame.pcm16)
            await push(frame)

        audio.push = kept  # type: ignore[method-assign]
        return audio


def pitch(pcm: bytes, rate: int) -> float:
    """Of a tone, from the distances of its upward crossings of zero. The browser's pretended
    microphone stumbles on a busy machine: distances far from the usual one are its own."""
    samples = struct.unpack(f"<{len(pcm) // 2}h", pcm)
    ups = [i for i in range(1, len(samples)) if samples[i - 1] < 0 <= samples[i]]
    gaps = [after - before for before, after in pairwise(ups)]
    usual = statistics.median(gaps)
    whole = [gap for gap in gaps if abs(gap - usual) <= 2]
    assert len(whole) > 0.8 * len(gaps), "mostly one tone"
    return rate / statistics.fmean(whole)


TAB = """navigator.mediaDevices.getDisplayMedia =
  async () => navigator.mediaDevices.getUserMedia({ audio: true })"""
"""A headless browser has no other tab to share; what comes after the choice is the real thing."""


WRITE_DOWN = """() => {
  window.states = []
  const told = document.querySelector('.tap-state')
  const watch = { childList: true, characterData: true, subtree: true }
  new MutationObserver(() => states.push(told.textContent)).observe(told, watch)
}"""
"""What the page says for a moment only must not be missed by a test that looks too late."""


def opened(browser: Browser, address: str) -> Page:
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    page.add_init_script(TAB)
    page.goto(address)
    return page


def test_a_file_as_microphone_becomes_a_painted_card(speaking: Browser) -> None:
    listening = Listening()
    with in_a_thread(recogniser=listening) as (server, run):
        widget = opened(speaking, f"{server.http}/agent?agent=a-7")
        expect(widget.locator(".link")).to_have_text("已连接")
        page = opened(speaking, f"{server.http}/tap?agent=a-7&call=c-web&queue=宽带")
        page.get_by_role("button", name="开始").click()
        expect(page.locator(".tap-state")).to_have_text("正在送出")
        expect(widget.locator('.card[data-id="s1"] .say')).to_contain_text("我马上为您处理")
        page.wait_for_function("document.querySelector('meter').value > 0.5")

        async def cut() -> None:
            for connection in list(server.server.server_state.connections):
                if connection.transport:
                    connection.transport.abort()

        page.evaluate(WRITE_DOWN)
        with widget.expect_websocket(), page.expect_websocket():
            run(cut()).result(10)
        expect(page.locator(".tap-state")).to_have_text("正在送出")
        assert any("正在重连" in state for state in page.evaluate("states"))
        expect(widget.locator(".link"), "back, and so it sees the end").to_have_text("已连接")
        page.get_by_role("button", name="结束通话").click()
        expect(page.locator(".tap-state")).to_have_text("已结束")
        expect(widget.locator(".summary h2")).to_have_text("通话已结束")
        page.close()
        widget.close()
    for party in (Party.AGENT, Party.CUSTOMER):
        heard = bytes(listening.given[party][16_000:64_000])
        assert abs(pitch(heard, 16_000) - HERTZ) < 2, "at the right speed, and nothing torn"
    agent, customer = (len(listening.given[party]) for party in (Party.AGENT, Party.CUSTOMER))
    assert agent == customer, "both parties on one clock"


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("throw new DOMException('no', 'NotAllowedError')", "浏览器没有获准使用声音"),
        ("throw new DOMException('no', 'NotFoundError')", "没有找到麦克风"),
        ("return new MediaStream()", "没有声音"),
    ],
)
def test_missing_sound_is_explained(speaking: Browser, broken: str, told: str) -> None:
    with in_a_thread() as (server, _):
        page = opened(speaking, f"{server.http}/tap")
        page.evaluate(
            f"() => {{ navigator.mediaDevices.getUserMedia = async () => {{ {broken} }} }}"
        )
        page.get_by_label("声音来源").select_option("agentOnly")
        page.get_by_role("button", name="开始").click()
        expect(page.locator(".fault")).to_contain_text(told)
        expect(page.get_by_role("button", name="开始")).to_be_enabled()
        page.close()
