"""Writes calls for the browser to show: wire events in the order a server would number them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Event = dict[str, Any]
FIXTURE = Path(__file__).parents[1] / "fixtures" / "call.jsonl"


def fixture() -> list[Event]:
    """The recorded call that all parts share."""
    return [json.loads(line) for line in FIXTURE.read_text("utf8").splitlines()]


class Script:
    """One call being written; every method gives the event that it appended."""

    def __init__(self, call: str, **info: Any) -> None:
        self.call = call
        self.info: dict[str, Any] = {"agent": "a-7", "queue": None, "tier": None, "brand": None}
        self.info |= {"attributes": {}, "started_at": "2026-01-05T08:00:00Z"} | info
        self.events: list[Event] = []
        self.at_ms = 0
        self._texts: dict[str, tuple[str, int, int, str]] = {}
        self.status("call_started", agent=self.info["agent"], queue=self.info["queue"])

    def add(self, type: str, **fields: Any) -> Event:
        event = {
            "type": type, "call": self.call, "seq": len(self.events) + 1, "at_ms": self.at_ms,
            **fields,
        }  # fmt: skip
        self.events.append(event)
        return event

    def status(self, status: str, **detail: Any) -> Event:
        return self.add("status", name=status, detail=detail)

    def metric(self, party: str, name: str, value: float) -> Event:
        return self.add("metric", party=party, name=name, value=value)

    def hear(
        self, utterance: str, text: str, *, stable: int | None = None, final: bool = False
    ) -> Event:
        """The next revision of an utterance, named ``party-number``."""
        party = utterance.rpartition("-")[0]
        _, revision, start_ms, _ = self._texts.get(utterance, ("", 0, self.at_ms + 600, ""))
        self.at_ms = max(self.at_ms, start_ms + 200 * len(text))
        self._texts[utterance] = (text, revision + 1, start_ms, party)
        return self.add(
            "transcript", party=party, utterance=utterance, revision=revision + 1, text=text,
            stable=len(text) if final else min(stable or 0, len(text)), final=final,
            chars=[[start_ms + 200 * i, 0.9] for i in range(len(text))],
            start_ms=start_ms, end_ms=self.at_ms, heard_ms=self.at_ms,
        )  # fmt: skip

    def speak(self, utterance: str, text: str) -> Event:
        """A whole utterance: partials of growing length, then the final."""
        for end in range(4, len(text), 5):
            self.hear(utterance, text[:end], stable=max(0, end - 3))
        return self.hear(utterance, text, final=True)

    def alert(
        self,
        id: str,
        category: str,
        severity: str,
        title: str,
        utterance: str,
        quote: str,
        *,
        state: str = "confirmed",
        path: str = "exact",
    ) -> Event:
        text, revision, start_ms, party = self._texts.get(utterance, (quote, 1, 0, "customer"))
        start = max(0, text.find(quote))
        span = {
            "party": party, "utterance": utterance, "revision": revision, "start": start,
            "end": start + len(quote), "text": quote, "start_ms": start_ms + 200 * start,
            "end_ms": start_ms + 200 * (start + len(quote)), "path": path,
        }  # fmt: skip
        return self.add(
            "alert", id=id, rule=f"test.{id}", category=category, severity=severity, title=title,
            evidence=[span], state=state, confidence=1.0, version=1, pack="", trace=[],
            heard_ms=span["end_ms"],
        )  # fmt: skip

    def suggest(
        self, id: str, alert: Event, say: str, *, severity: str = "", state: str = ""
    ) -> Event:
        quote = alert["evidence"][0]["text"]
        return self.add(
            "suggestion", id=id, alert=alert["id"], rule=alert["rule"], say=say,
            why=f"客户说「{quote}」", slots={}, state=state or alert["state"],
            severity=severity or alert["severity"], category=alert["category"],
            heard_ms=alert["heard_ms"],
        )  # fmt: skip

    def retract(self, id: str, why: str = "asr_revised") -> Event:
        return self.add("retraction", id=id, why=why)

    def step(self, name: str, title: str, state: str = "open", checklist: str = "flow") -> Event:
        return self.add("step", list=checklist, step=name, title=title, state=state, evidence=[])

    def promise(self, id: str, text: str, due: str = "", state: str = "made") -> Event:
        return self.add("commitment", id=id, text=text, due=due, state=state, evidence=[])

    def whisper(self, id: str, text: str, by: str = "lead-1") -> Event:
        return self.add("whisper", id=id, by=by, text=text)

    def end(self) -> Event:
        return self.status("call_ended", why="ended", duration_ms=self.at_ms)


FLOW = (
    ("opening", "问候并报身份"), ("identity", "核对身份或电话"), ("paraphrase", "复述并确认问题"),
    ("solution", "给出方案和时间"), ("more_help", "询问其他需要"), ("closing", "致谢并道别"),
)  # fmt: skip
SEVEN = (
    ("accept", "受理"), ("apologise", "致歉"), ("understand", "表示理解"), ("explore", "了解情况"),
    ("propose", "给出方案"), ("agree", "征得同意"), ("promise", "承诺时间并跟进"),
)  # fmt: skip


def danger() -> Script:
    """A broken wire in a kitchen: complaint, then danger, three cards at once."""
    call = Script("c-1042", queue="电力抢修", tier="金卡")
    for name, title in FLOW:
        call.step(name, title)
    call.status("recogniser", name="bundled", demonstration=True, degraded=False)
    call.speak("agent-1", "您好这里是鹏程客服中心请问有什么可以帮您")
    call.speak("customer-2", "我昨天就打过电话了到现在都没有人来修")
    call.metric("agent", "rate", 236.0)
    call.metric("agent", "talk_share", 0.42)
    repeat = call.alert(
        "a1", "customer.repeat", "medium", "客户重复来电", "customer-2", "昨天就打过电话"
    )
    call.suggest("s1", repeat, "让您久等了，很抱歉。我先查一下昨天的工单，马上告诉您进度。")
    call.speak("agent-3", "请问您的用电地址是哪里")
    call.speak("customer-4", "我要投诉你们你们这是什么态度")
    complaint = call.alert(
        "a2", "customer.complaint", "high", "客户要投诉", "customer-4", "我要投诉"
    )
    call.suggest("s2", complaint, "给您添麻烦了，真的很抱歉。您的情况我记下了，我马上为您处理。")
    call.step("opening", "问候并报身份", "done")
    call.step("identity", "核对身份或电话", "due")
    for name, title in SEVEN:
        call.step(name, title, checklist="7a")
    call.step("accept", "受理", "done", "7a")
    call.promise("p1", "我今天下午六点前给您回电话", "今天下午六点前")
    call.metric("agent", "talk_share", 0.36)
    call.hear("customer-5", "厨房的电线断了在冒火花孩子还在", stable=12)
    fire = call.alert(
        "a3", "customer.danger", "critical", "用电危险", "customer-5", "冒火花", state="tentative"
    )
    call.suggest("s3", fire, "请您和孩子先离开厨房，不要碰电线。我现在就联系抢修，请保持电话畅通。")
    call.hear("customer-5", "厨房的电线断了在冒火花孩子还在里面怎", stable=15)
    return call
