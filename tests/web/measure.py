"""Prints what the browser side costs on this machine: ``python -m tests.web.measure``.

Paint latency: from the server's send to the widget's `painted`, both on this machine's clock;
`bare` is the floor, a page of ten lines that writes the sentence and answers, measured in turn
with it: what is above the floor is ours, what is in it is the browser's and the machine's.
Frames: the gaps between animation frames of a board of 300 live calls at 20 events a second.
Memory: what the board's page holds after garbage collection, before, half-way through and after an
hour of such traffic told as fast as it goes (``--hour 0`` leaves it out).
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import statistics
import sys
import time
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests.web.builder import Event, Script
from tests.web.conftest import PATIENCE, QUIET, chromium
from tests.web.hall import ROOT, Hall, running

FRAMES = """seconds => new Promise((done) => {
  const gaps = [], long = []
  new PerformanceObserver((list) => { for (const one of list.getEntries()) long.push(one.duration) })
    .observe({ type: 'longtask' })
  const end = performance.now() + seconds * 1000
  let last = performance.now()
  const next = (now) => { gaps.push(now - last); last = now
    now < end ? requestAnimationFrame(next) : done({ gaps, long }) }
  requestAnimationFrame(next)
})"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--cards", type=int, default=60)
    options.add_argument("--calls", type=int, default=300)
    options.add_argument("--rate", type=float, default=20.0, help="events a second, all calls")
    options.add_argument("--seconds", type=int, default=20)
    options.add_argument("--hour", type=int, default=72_000, help="events of the memory run")
    wanted = options.parse_args()
    with running(Hall()) as hall, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        load = os.getloadavg()[0]
        result = {
            "load_average_before": round(load, 1),
            "first_load": _sizes(browser, hall),
            "paint_ms": _paint(browser, hall, wanted.cards),
            "board": _board(browser, hall, wanted.calls, wanted.rate, wanted.seconds),
        }
        if wanted.hour:
            result["memory"] = _memory(browser, hall, wanted.calls, wanted.hour)
        browser.close()
    sys.stdout.write(json.dumps(result, indent=2) + "\n")


def _page(browser: Browser, address: str) -> Any:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    return page


def _sizes(browser: Browser, hall: Hall) -> dict[str, int]:
    page = _page(browser, f"{hall.origin}/agent?agent=a-7")
    hall.wait(lambda: hall.count() == 1, 60)
    paths = {path for _, path in hall.requests if path.startswith("/widget/")}
    files = [(ROOT / path.removeprefix("/widget/")).read_bytes() for path in paths]
    page.close()
    hall.reset()
    return {"files": len(files), "gzip_bytes": sum(len(gzip.compress(file)) for file in files)}


BARE = """address => new Promise((opened) => {
  const socket = new WebSocket(address)
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data)
    if (message.type === 'hello') opened(0)
    if (message.type !== 'suggestion') return
    requestAnimationFrame(() => {
      document.body.textContent = message.say
      requestAnimationFrame(() => socket.send(JSON.stringify({ type: 'painted', call: message.call,
        seq: message.seq, at: (performance.timeOrigin + performance.now()) / 1000 })))
    })
  }
})"""


def _paint(browser: Browser, hall: Hall, cards: int) -> dict[str, Any]:
    bare = _page(browser, f"{hall.origin}/hostile.css")
    calls = {"bare": Script("c-bare", agent="bare"), "widget": Script("c-paint")}
    for call in calls.values():
        hall.begin(call.call, call.info)
    bare.evaluate(BARE, hall.origin.replace("http", "ws") + "/v1/agent?agent=bare")
    page = _page(browser, f"{hall.origin}/agent?agent=a-7")
    hall.wait(lambda: hall.count() == 2, 60)
    thread = page.context.new_cdp_session(page)
    thread.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = _busy(thread)["TaskDuration"]
    delays: dict[str, list[float]] = {"bare": [], "widget": []}
    for number in range(cards):
        for name, call in calls.items():
            (bare if name == "bare" else page).bring_to_front()
            delays[name].append(_painted_after(hall, call, number))
    busy = _busy(thread)["TaskDuration"] - before
    bare.close()
    page.close()
    hall.reset()
    ours = [one - floor for one, floor in zip(delays["widget"], delays["bare"], strict=True)]
    return {
        **{name: _spread(one) for name, one in delays.items()},
        "above_bare": _spread(ours),
        # Words, alert, card and retraction together.
        "main_thread_cpu_ms_per_card": round(1000 * busy / cards, 2),
    }


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
    return float(1000 * (answers()[0]["at"] - sent))


def _board(browser: Browser, hall: Hall, calls: int, rate: float, seconds: int) -> dict[str, Any]:
    dice = random.Random(7)
    scripts, page = _full_board(browser, hall, calls)
    # Processor time of the page's main thread: says the same on a busy machine as on an idle one.
    thread = page.context.new_cdp_session(page)
    thread.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = _busy(thread)
    page.evaluate(f"window.frames_done = ({FRAMES})({seconds}); 0")
    began, sent = time.monotonic(), 0
    while (now := time.monotonic() - began) < seconds:
        while sent < now * rate:
            hall.tell(_anything(dice.choice(scripts), dice, sent))
            sent += 1
        time.sleep(0.005)
    got = page.evaluate("window.frames_done")
    busy = {name: spent - before[name] for name, spent in _busy(thread).items()}
    page.close()
    hall.reset()
    gaps = got["gaps"][2:]
    return {
        "calls": calls, "events": sent, "frames": len(gaps), "gap_ms": _spread(gaps),
        "over_50_ms": sum(gap > 50 for gap in gaps), "long_tasks": len(got["long"]),
        "longest_task_ms": max(got["long"], default=0),
        "main_thread_cpu_ms_per_event": {
            name: round(1000 * spent / sent, 2) for name, spent in busy.items()
        },
    }  # fmt: skip


def _full_board(browser: Browser, hall: Hall, calls: int) -> tuple[list[Script], Any]:
    scripts = [Script(f"c-{n}", agent=f"a-{n}", queue=f"队列{n % 9}") for n in range(calls)]
    for script in scripts:
        script.speak("customer-1", "我想问一下你们能不能快一点")
        hall.begin(script.call, script.info, list(script.events))
    page = _page(browser, f"{hall.origin}/board")
    page.wait_for_function(
        "n => document.querySelector('tingban-board')?.shadowRoot.querySelectorAll('.row').length === n",
        arg=calls,
    )
    return scripts, page


def _memory(browser: Browser, hall: Hall, calls: int, events: int) -> dict[str, Any]:
    """Megabytes in use after collection; the first sixth fills lists that have a limit."""
    dice = random.Random(11)
    scripts, page = _full_board(browser, hall, calls)
    heap = page.context.new_cdp_session(page)

    def held() -> float:
        page.wait_for_timeout(1_000)
        heap.send("HeapProfiler.collectGarbage")
        return round(float(heap.send("Runtime.getHeapUsage")["usedSize"]) / 1e6, 2)

    told, marks = 0, {"before": held()}
    for name, until in (("after_a_sixth", events // 6), ("half_way", events // 2), ("end", events)):
        while told < until:
            batch = [_anything(dice.choice(scripts), dice, told + n) for n in range(100)]
            hall.tell(*batch)
            told += len(batch)
        marks[name] = held()
    page.close()
    hall.reset()
    return {"calls": calls, "events": told, "heap_mb": marks}


def _busy(thread: Any) -> dict[str, float]:
    """Seconds that the main thread has worked so far."""
    wanted = {"TaskDuration", "ScriptDuration", "LayoutDuration", "RecalcStyleDuration"}
    metrics = thread.send("Performance.getMetrics")["metrics"]
    return {one["name"]: one["value"] for one in metrics if one["name"] in wanted}


def _anything(script: Script, dice: random.Random, number: int) -> Event:
    """Mostly metrics and finals, now and then an alert, as on an ordinary day."""
    script.at_ms += 1000
    roll = dice.random()
    if roll < 0.6:
        return script.metric("agent", "talk_share", dice.random())
    if roll < 0.9:
        return script.hear(f"customer-{number + 2}", "等了半个小时了怎么还没有人来", final=True)
    severity = dice.choice(["low", "medium", "medium", "high", "critical"])
    return script.alert(
        f"a{number}", "customer.repeat", severity, "等待过久", "customer-1", "快一点"
    )


def _spread(values: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {
        "n": len(values), "p50": round(cuts[49], 1), "p95": round(cuts[94], 1),
        "p99": round(cuts[98], 1), "max": round(max(values), 1),
    }  # fmt: skip


if __name__ == "__main__":
    main()
