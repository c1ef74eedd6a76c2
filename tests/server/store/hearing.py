"""A recogniser that hears what is in the sound: the value of a sample is the line being said.

So a stream that begins in the middle of a call hears exactly what is left of it, as a real one
would, and a line that is sent twice is heard twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import numpy as np

from asr.events import AsrEvent, AudioFrame, AudioGap, CallId, Char, Party, Transcript, Watermark
from asr.recogniser import CallAudio, RecogniserInfo
from server.client.clip import Clip

RATE = 8_000
LINES: tuple[tuple[Party, str], ...] = (
    (Party.AGENT, "您好这里是鹏程通信客服中心请问有什么可以帮您"),
    (Party.CUSTOMER, "我家宽带又断了这已经是这个月第四次了"),
    (Party.AGENT, "这个不归我管你自己去营业厅问"),
    (Party.CUSTOMER, "你什么态度我要投诉你我的电话是幺三八零零五七六二幺九"),
    (Party.AGENT, "非常对不起我马上为您登记抢修"),
    (Party.CUSTOMER, "再不解决我就去找工信部"),
    (Party.AGENT, "感谢您的来电祝您生活愉快再见"),
    (Party.CUSTOMER, "行吧再见"),
)
LOUD = 1_000
LINE_MS, PAUSE_MS = 1_500, 700
PARTIAL_MS, MARK_MS = 400, 250
PARTIES = (Party.AGENT, Party.CUSTOMER)


def clip(lines: Sequence[tuple[Party, str]] = LINES) -> Clip:
    """The lines one after the other, as sound."""
    total = len(lines) * (LINE_MS + PAUSE_MS) * RATE // 1000
    sound = np.zeros((total, 2), np.int16)
    for number, (party, _) in enumerate(lines):
        start = (number * (LINE_MS + PAUSE_MS) + PAUSE_MS // 2) * RATE // 1000
        channel = PARTIES.index(party)
        sound[start : start + LINE_MS * RATE // 1000, channel] = (number + 1) * LOUD
    return Clip(PARTIES, "pcm16", RATE, sound.tobytes())


class HearingRecogniser:
    """Fulfils ``Recogniser``."""

    def __init__(self) -> None:
        self.info = RecogniserInfo("hearing", demonstration=True)

    async def start(self) -> None:
        pass

    async def aclose(self) -> None:
        pass

    def room(self) -> int:
        return 1_000

    def open(self, call: CallId, parties: Sequence[Party], rate: int) -> CallAudio:
        return _Hearing(call, parties)


class _Hearing:
    def __init__(self, call: CallId, parties: Sequence[Party]) -> None:
        self._call = call
        self._ears = {party: _Ear(call, party) for party in parties}
        self._events: asyncio.Queue[AsrEvent | None] = asyncio.Queue()
        self._mark = 0

    async def push(self, frame: AudioFrame) -> None:
        for event in self._ears[frame.party].hear(frame):
            self._events.put_nowait(event)
        heard = min(ear.told_ms for ear in self._ears.values())
        if heard - self._mark >= MARK_MS:
            self._mark = heard
            self._events.put_nowait(Watermark(self._call, heard, heard))

    def end(self) -> None:
        for ear in self._ears.values():
            for event in ear.stop():
                self._events.put_nowait(event)
        self._events.put_nowait(None)

    async def aclose(self) -> None:
        self._events.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[AsrEvent]:
        while (event := await self._events.get()) is not None:
            yield event


class _Ear:
    def __init__(self, call: CallId, party: Party) -> None:
        self._call, self._party = call, party
        self._next = 0
        self._line = 0
        self._start = 0
        self._shown = 0
        self._count = 0
        self._revision = 0

    @property
    def at_ms(self) -> int:
        return self._next * 1000 // RATE

    @property
    def told_ms(self) -> int:
        """Everything before is in transcripts."""
        hidden = self._line and not self._shown
        return self._start * 1000 // RATE if hidden else self.at_ms

    def hear(self, frame: AudioFrame) -> list[AsrEvent]:
        events: list[AsrEvent] = []
        if frame.start_sample > self._next:
            gap = AudioGap(
                self._call, self._party, self.at_ms, frame.start_sample * 1000 // RATE, "missing"
            )
            events += [*self.stop(), gap]
        samples = np.frombuffer(frame.pcm16, "<i2") // LOUD
        edges = np.flatnonzero(np.diff(samples)) + 1
        at = frame.start_sample
        for piece in np.split(samples, edges):
            if piece[0] != self._line:
                self._next = at
                events += self.stop()
                self._line, self._start, self._shown = int(piece[0]), at, 0
                self._count += bool(piece[0])
            at += len(piece)
            self._next = at
        if self._line and self.at_ms - self._start * 1000 // RATE - self._shown >= PARTIAL_MS:
            self._shown = self.at_ms - self._start * 1000 // RATE
            events.append(self._said(final=False))
        return events

    def stop(self) -> list[AsrEvent]:
        said: list[AsrEvent] = [self._said(final=True)] if self._line else []
        self._line, self._revision = 0, 0
        return said

    def _said(self, final: bool) -> Transcript:
        whole = LINES[self._line - 1][1]
        start = self._start * 1000 // RATE
        spoken = min(1.0, (self.at_ms - start) / LINE_MS)
        text = whole[: max(1, round(len(whole) * spoken))]
        chars = tuple(
            Char(start + (i + 1) * (self.at_ms - start) // len(text), 0.95)
            for i in range(len(text))
        )
        self._revision += 1
        return Transcript(
            self._call, self._party, f"{self._party}-{self._count}", self._revision, text,
            len(text) if final else max(0, len(text) - 2), chars, final, start, self.at_ms,
            self.at_ms,
        )  # fmt: skip
