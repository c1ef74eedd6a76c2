"""A recogniser that costs nothing and says as much as a real one: load without a model.

It does not listen. The load generator writes into every packet which packet of the call it is, and
the recogniser says what a labelled dialogue has up to there, at the rate of the real engine: a
partial every 600 ms of speech, finals, and the metrics of one second. Because the place comes from
the sound, a call that another process takes up goes on in the same sentence, and everything that
should have been said is known.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import count
from zlib import crc32

from asr.events import AsrEvent, AudioFrame, CallId, Char, Metric, Party, Transcript, Watermark
from asr.recogniser import CallAudio, CallClosed, RecogniserFull, RecogniserInfo
from benchmarks.dialogues import dialogues

PACKET_MS = 20
CHUNK_MS = 600
BEHIND_MS = 700
"""What is heard lies so far behind what has arrived, as with the engine's chunks and look-ahead."""
METRIC_MS = 1_000
PAUSE_MS = 2_000
"""Between the end of a dialogue and the next one of the same call."""
_MARK = struct.Struct("<hhh")
_MAGIC = 0x5A5A


def sound(packet: int, rate: int, parties: int = 1) -> bytes:
    """20 ms of interleaved 16 bit samples of the parties, which say that they are packet ``packet``."""
    mark = _MARK.pack(_MAGIC, packet & 0x7FFF, packet >> 15)
    samples = [mark[i : i + 2] for i in range(0, _MARK.size, 2)]
    said = b"".join(sample * parties for sample in samples)
    return said + bytes(2 * parties * rate * PACKET_MS // 1000 - len(said))


def place(pcm16: bytes) -> int | None:
    """Which packet a party's samples are; None for a part of one."""
    if len(pcm16) < _MARK.size:
        return None
    magic, low, high = _MARK.unpack_from(pcm16)
    return high << 15 | low if magic == _MAGIC else None


@dataclass(frozen=True, slots=True)
class Line:
    """An utterance of a call's conversation."""

    party: Party
    start_ms: int
    end_ms: int
    text: str


@cache
def conversation(number: int, until_ms: int) -> tuple[Line, ...]:
    """What is said on a call up to a moment: dialogues of the development split, one after another."""
    known = dialogues("dev")
    lines: list[Line] = []
    begins = 0
    for offset in count():
        dialogue = known[(number + offset) % len(known)]
        lines += [
            Line(Party(turn.role), begins + turn.start_ms, begins + turn.end_ms, turn.text)
            for turn in dialogue.turns
        ]
        begins = max(line.end_ms for line in lines) + PAUSE_MS
        if begins > until_ms:
            return tuple(line for line in lines if line.end_ms + CHUNK_MS <= until_ms)
    raise AssertionError("count() does not end")


@cache
def events(number: int, until_ms: int) -> tuple[AsrEvent, ...]:
    """What a recogniser would give out for the conversation, in order of audio time."""
    found: list[AsrEvent] = []
    call = CallId("")
    spoken = {Party.AGENT: 1, Party.CUSTOMER: 1}
    for index, line in enumerate(conversation(number, until_ms), 1):
        found += _revisions(line, f"{line.party}-{index}")
        spoken[line.party] += line.end_ms - line.start_ms
        found.append(Metric(call, line.party, "speaking", 1.0, line.start_ms + 300))
        found.append(Metric(call, line.party, "speaking", 0.0, line.end_ms + 500))
        for party, share in spoken.items():
            value = round(share / sum(spoken.values()), 3)
            found.append(Metric(call, party, "talk_share", value, line.end_ms + 500))
        for at in range(line.start_ms + METRIC_MS, line.end_ms, METRIC_MS):
            dice = crc32(f"{number} {at}".encode())
            found.append(Metric(call, line.party, "rate", 200.0 + dice % 80, at))
            found.append(Metric(call, line.party, "level", dice % 60 / 10 - 3, at))
            found.append(Metric(call, line.party, "pitch", dice % 40 / 10 - 2, at))
    return tuple(sorted(found, key=lambda event: event.at_ms))  # type: ignore[union-attr]


def _revisions(line: Line, utterance: str) -> list[Transcript]:
    step = (line.end_ms - line.start_ms) / len(line.text)
    times = [line.start_ms + round(step * (i + 1)) for i in range(len(line.text))]
    found: list[Transcript] = []
    first = line.start_ms + CHUNK_MS
    for revision, at in enumerate([*range(first, line.end_ms, CHUNK_MS), 0], 1):
        final = at == 0
        said = len(times) if final else max(1, sum(ms <= at - CHUNK_MS // 2 for ms in times))
        found.append(
            Transcript(
                CallId(""),
                line.party,
                utterance,
                revision,
                line.text[:said],
                said if final else max(0, said - 2),
                tuple(Char(ms, 0.95) for ms in times[:said]),
                final,
                line.start_ms,
                times[said - 1],
                line.end_ms + CHUNK_MS if final else at,
            )
        )
    return found


class BrokenStreamError(RuntimeError):
    """A stream that fails because it was told to."""


class NullRecogniser:
    """As many calls as there is memory for. ``until_ms`` bounds the length of a call."""

    def __init__(
        self, until_ms: int = 3_600_000, max_calls: int = 100_000, break_at_ms: int = 0
    ) -> None:
        """``break_at_ms``: streams fail there, once for each call."""
        self.info = RecogniserInfo("null", demonstration=True)
        self._until_ms = until_ms
        self._max_calls = max_calls
        self._break_at_ms = break_at_ms
        self._broken: set[CallId] = set()
        self._open: set[_NullCall] = set()

    async def start(self) -> None:
        """Think of everything that will be said, so that it costs nothing later."""
        for number in range(SCRIPTS):
            events(number, self._until_ms)

    async def aclose(self) -> None:
        """Close every call."""
        for call in list(self._open):
            await call.aclose()

    def room(self) -> int:
        """What is left of ``max_calls``."""
        return self._max_calls - len(self._open)

    def open(self, call: CallId, parties: Sequence[Party], rate: int) -> CallAudio:
        """Begin a call; its id chooses its conversation."""
        if len(self._open) >= self._max_calls:
            raise RecogniserFull(retry_after_s=5)
        audio = _NullCall(call, rate, events(script_of(call), self._until_ms), self._open)
        if self._break_at_ms and call not in self._broken:
            self._broken.add(call)
            audio.break_at_ms = self._break_at_ms
        self._open.add(audio)
        return audio


SCRIPTS = 64


def script_of(call: str) -> int:
    """Which conversation a call has."""
    return crc32(call.encode()) % SCRIPTS


class _NullCall:
    def __init__(
        self, call: CallId, rate: int, script: Sequence[AsrEvent], peers: set[_NullCall]
    ) -> None:
        self._call = call
        self._rate = rate
        self._script = script
        self._next = 0
        self._first_ms: dict[Party, int] = {}
        self._offset_ms = 0
        """Audio time of the conversation minus that of this stream."""
        self._at_ms = -1
        self._heard: dict[Party, int] = {}
        self._mark_ms = 0
        self._events: asyncio.Queue[AsrEvent | None] = asyncio.Queue()
        self._ended = False
        self._peers = peers
        self.break_at_ms = 0

    async def push(self, frame: AudioFrame) -> None:
        """Say what is due at this packet."""
        if self._ended:
            raise CallClosed(f"call {self._call} has ended")
        packet = place(frame.pcm16)
        if packet is None:
            return
        begins = packet * PACKET_MS
        if frame.party not in self._first_ms:
            self._first_ms[frame.party] = begins
            self._offset_ms = begins - frame.start_sample * 1000 // self._rate
        self._heard[frame.party] = begins + PACKET_MS
        at_ms = min(self._heard.values())
        if at_ms > self._at_ms:
            self._at_ms = at_ms
            self._give_until(at_ms)

    def _give_until(self, at_ms: int) -> None:
        while self._next < len(self._script):
            event = self._script[self._next]
            if event.at_ms > at_ms:  # type: ignore[union-attr]
                break
            self._next += 1
            begins = event.start_ms if isinstance(event, Transcript) else event.at_ms  # type: ignore[union-attr]
            party = getattr(event, "party", Party.UNKNOWN)
            if party in self._first_ms and begins >= self._first_ms[party]:
                self._events.put_nowait(self._own(event))
        if at_ms - self._mark_ms >= 500:
            self._mark_ms = at_ms
            ours = at_ms - self._offset_ms
            self._events.put_nowait(Watermark(self._call, max(0, ours - BEHIND_MS), ours))

    def _own(self, event: AsrEvent) -> AsrEvent:
        """The event with this call's name, in the time of this stream."""
        by = self._offset_ms
        match event:
            case Transcript() if by:
                return replace(
                    event,
                    call=self._call,
                    chars=tuple(replace(char, ms=char.ms - by) for char in event.chars),
                    start_ms=event.start_ms - by,
                    end_ms=event.end_ms - by,
                    at_ms=event.at_ms - by,
                )
            case Transcript():
                return replace(event, call=self._call)
            case Metric():
                return replace(event, call=self._call, at_ms=event.at_ms - by)
            case _:
                raise AssertionError(f"no conversation has {event}")

    def end(self) -> None:
        """No more audio; an utterance that is not over stays without its final."""
        if not self._ended:
            self._ended = True
            ours = max(0, self._at_ms - self._offset_ms)
            self._events.put_nowait(Watermark(self._call, ours, ours))
            self._events.put_nowait(None)
            self._peers.discard(self)

    async def __aiter__(self) -> AsyncIterator[AsrEvent]:
        while (event := await self._events.get()) is not None:
            if self.break_at_ms and self._at_ms >= self.break_at_ms:
                raise BrokenStreamError(f"call {self._call}: asked to fail")
            yield event

    async def aclose(self) -> None:
        """Forget the call."""
        if not self._ended:
            self._ended = True
            self._events.put_nowait(None)
        self._peers.discard(self)
