"""Measures what the browser side costs on this machine: ``python -m tests.web.measure``.

Keeps a result under benchmarks/results, like ``tingban bench``. Every figure stands beside its
floor, a bare page of ten lines that gets the same messages in the same run: what is above the
floor is ours, what is in it is the browser's and the machine's.

Paint: from the server's send to the page's word that it was painted, on one clock.
Frames: the gaps between animation frames with 300 live calls and 20 events a second, after a few
seconds of the same traffic, in which scripts are compiled and rows are made.
Memory: what the board's page holds after garbage collection, while an hour of such traffic comes
as fast as it goes; calls end and others begin (``--hour 0`` leaves it out).
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.keeping import keep
from benchmarks.result import RESULTS
from benchmarks.statistics import summary as quantiles
from tests.web.builder import Event, Script
from tests.web.conftest import PATIENCE, QUIET, chromium
from tests.web.hall import Hall, running
from tests.web.pages import bytes_loaded
from tests.web.traffic import Traffic

WARM_SECONDS = 4
WARM_CARDS = 10
SETTLED_MS = 1_000
LONG_MS = 50
"""A frame over this is felt."""

FRAMES = """seconds => new Promise((done) => {
  const gaps = [], long = []
  const observer = new PerformanceObserver((list) => { for (const one of list.getEntries()) long.push(one.duration) })
  observer.observe({ type: 'longtask' })
  const end = performance.now() + seconds * 1000
  let last = 0
  const next = (now) => {
    if (last) gaps.push(now - last)
    last = now
    if (now < end) requestAnimationFrame(next)
    else { observer.disconnect(); done({ gaps, long }) }
  }
  requestAnimationFrame(next)
})"""
BARE = """address => new Promise((opened) => {
  const socket = new WebSocket(address)
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data)
    if (message.type === 'hello') opened(0)
    const words = message.say ?? message.text ?? message.title
    if (!words) return
    requestAnimationFrame(() => {
      document.body.textContent = words
      if (message.type !== 'suggestion') return
      requestAnimationFrame(() => socket.send(JSON.stringify({ type: 'painted', call: message.call,
        seq: message.seq, at: (performance.timeOrigin + performance.now()) / 1000 })))
    })
  }
})"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--cards", type=int, default=300)
    options.add_argument("--calls", type=int, default=300)
    options.add_argument("--rate", type=float, default=20.0, help="events a second, all calls")
    options.add_argument("--seconds", type=int, default=20)
    options.add_argument("--hour", type=int, default=72_000, help="events of the memory run")
    options.add_argument("--results", type=Path, default=RESULTS)
    wanted = options.parse_args()
    load = os.getloadavg()[0]
    with running(Hall()) as hall, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        parts = {"first_load": _first_load(browser, hall), **_paint(browser, hall, wanted.cards)}
        parts |= _frames(browser, hall, wanted.calls, wanted.rate, wanted.seconds)
        if wanted.hour:
            parts["memory"] = _memory(browser, hall, wanted.calls, wanted.hour)
        version = browser.version
        browser.close()
    summary = {name: _summarised(part) for name, part in parts.items()}
    for name, figures in summary.items():
        sys.stdout.write(f"{name}: {figures}\n")
    asked = {name: value for name, value in vars(wanted).items() if name != "results"}
    keep("browser", {**asked, "chromium": version}, parts, summary, wanted.results, load)


def _summarised(part: dict[str, Any]) -> dict[str, Any]:
    """Lists as quantiles; of gaps also how many frames were too long."""
    figures: dict[str, Any] = {}
    for name, value in part.items():
        figures[name] = quantiles(value) if isinstance(value, list) else value
        if name == "gap_ms":
            figures[f"over_{LONG_MS}_ms"] = sum(gap > LONG_MS for gap in value)
    return figures


@contextmanager
def _page(browser: Browser, address: str) -> Iterator[Page]:
    """A page in a window of its own: two such are in view at the same time."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    yield page
    assert page.evaluate("document.visibilityState") == "visible", "hidden pages paint nothing"
    context.close()


def _first_load(browser: Browser, hall: Hall) -> dict[str, Any]:
    with _page(browser, f"{hall.origin}/hostile.css") as page:
        sizes = bytes_loaded(page, f"{hall.origin}/agent?agent=a-7")
    hall.reset()
    return {"requests": len(sizes), "bytes": sum(sizes.values())}


def _paint(browser: Browser, hall: Hall, cards: int) -> dict[str, dict[str, Any]]:
    calls = {"bare": Script("c-bare", agent="bare"), "widget": Script("c-paint")}
    for call in calls.values():
        hall.begin(call.call, call.info)
    delays: dict[str, list[float]] = {"bare": [], "widget": []}
    with (
        _page(browser, f"{hall.origin}/hostile.css") as bare,
        _page(browser, f"{hall.origin}/agent?agent=a-7") as page,
    ):
        bare.evaluate(BARE, hall.origin.replace("http", "ws") + "/v1/agent?agent=bare")
        hall.wait(lambda: hall.count() == 2, 60)
        for number in range(WARM_CARDS):
            for call in calls.values():
                _painted_after(hall, call, number)
        thread = _Thread(page)
        for number in range(WARM_CARDS, WARM_CARDS + cards):
            for name, call in calls.items():
                delays[name].append(_painted_after(hall, call, number))
        busy = thread.busy_ms()
    hall.reset()
    return {
        "paint": {
            "bare_ms": delays["bare"], "widget_ms": delays["widget"],
            # Words, alert, card and retraction together.
            "main_thread_ms_per_card": {k: round(v / cards, 2) for k, v in busy.items()},
        }
    }  # fmt: skip


def _painted_after(hall: Hall, call: Script, number: int) -> float:
    """Milliseconds from sending a card to the page's word that it was painted."""
    call.hear(f"customer-{number}", "我要投诉你们", final=True)
    alert = call.alert(
        f"a{number}", "customer.complaint", "high", "客户要投诉", f"customer-{number}", "我要投诉"
    )
    hall.tell(*call.events[-2:])
    card = call.suggest(f"s{number}", alert, "给您添麻烦了，真的很抱歉。我马上为您处理。")

    def answers() -> list[Event]:
        wanted = (card["call"], card["seq"])
        return [one for one in hall.of("painted") if (one["call"], one["seq"]) == wanted]

    sent = time.time()
    hall.tell(card)
    hall.wait(answers, 60)
    hall.tell(call.retract(f"s{number}", "expired"))
    return round(float(1000 * (answers()[0]["at"] - sent)), 2)


def _frames(
    browser: Browser, hall: Hall, calls: int, rate: float, seconds: int
) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    with _page(browser, f"{hall.origin}/hostile.css") as bare:
        bare.evaluate(BARE, hall.origin.replace("http", "ws") + "/v1/board")
        found["frames_bare"] = _smooth(hall, bare, Traffic(calls, random.Random(7)), rate, seconds)
    hall.reset()
    traffic = Traffic(calls, random.Random(7))
    with _page(browser, f"{hall.origin}/board") as page:
        traffic.begin(hall)
        _all_rows(page, calls)
        found["frames_board"] = _smooth(hall, page, traffic, rate, seconds)
    hall.reset()
    return found


def _smooth(hall: Hall, page: Page, traffic: Traffic, rate: float, seconds: int) -> dict[str, Any]:
    """The page's frames while traffic comes in its real time."""
    traffic.begin(hall)
    _real_time(hall, traffic, rate, WARM_SECONDS)
    thread = _Thread(page)
    page.evaluate(f"window.frames_done = ({FRAMES})({seconds}); 0")
    sent = _real_time(hall, traffic, rate, seconds)
    got = page.evaluate("window.frames_done")
    return {
        "events": sent, "gap_ms": [round(gap, 1) for gap in got["gaps"]],
        "long_task_ms": got["long"],
        "main_thread_ms_per_event": {k: round(v / sent, 2) for k, v in thread.busy_ms().items()},
    }  # fmt: skip


def _real_time(hall: Hall, traffic: Traffic, rate: float, seconds: float) -> int:
    """So many events a second; gives how many there were."""
    began, events = time.monotonic(), int(seconds * rate)
    for number in range(1, events + 1):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        hall.tell(traffic.event())
    return events


def _all_rows(page: Page, calls: int) -> None:
    page.wait_for_function(
        "n => document.querySelector('tingban-board')?.shadowRoot.querySelectorAll('.row').length === n",
        arg=calls,
    )


def _memory(browser: Browser, hall: Hall, calls: int, events: int) -> dict[str, Any]:
    """Megabytes in use after collection, at twelve moments of the hour and before it."""
    traffic = Traffic(calls, random.Random(11))
    with _page(browser, f"{hall.origin}/board") as page:
        traffic.begin(hall)
        _all_rows(page, calls)
        heap = page.context.new_cdp_session(page)

        def held() -> float:
            page.wait_for_timeout(SETTLED_MS)
            heap.send("HeapProfiler.collectGarbage")
            return round(float(heap.send("Runtime.getHeapUsage")["usedSize"]) / 1e6, 2)

        told, marks = 0, {"0": held()}
        for part in range(1, 13):
            while told < events * part // 12:
                hall.tell(*(traffic.turnover(hall) for _ in range(100)))
                told += 100
            marks[str(told)] = held()
        began = traffic.began
    hall.reset()
    return {"events": told, "calls_begun": began, "heap_mb_after_events": marks}


class _Thread:
    """How long the page's main thread works: the same on a busy machine as on an idle one."""

    NAMES = ("TaskDuration", "ScriptDuration", "LayoutDuration", "RecalcStyleDuration")

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})
        self._before = self._now()

    def busy_ms(self) -> dict[str, float]:
        """Since this was made."""
        return {name: spent - self._before[name] for name, spent in self._now().items()}

    def _now(self) -> dict[str, float]:
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        return {one["name"]: 1000 * one["value"] for one in metrics if one["name"] in self.NAMES}


if __name__ == "__main__":
    main()
