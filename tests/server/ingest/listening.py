"""A recogniser that keeps what reached it, and the recorded call that every dialect plays."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from asr.audio.codec import Codec
from asr.events import AsrEvent, AudioFrame, AudioGap, CallId, Party
from asr.recogniser import CallAudio, ScriptedRecogniser
from server.client.clip import Clip, load
from server.client.dialects.piece import Piece
from server.live.session import CallSession
from server.settings import Settings
from tests.fixtures.script import LINES
from tests.server.running import Running, fixture_recogniser

RECORDING = Path(__file__).parents[3] / "benchmarks" / "corpus" / "complaint-broadband.wav"
SECONDS = 8


def settings(**telephony: Any) -> Settings:
    """A test server's, with these for telephony."""
    return Settings.model_validate(
        {"port": 0, "calls": {"drain_s": 2}, "telephony": {"agents": {"6001": "a-7"}, **telephony}}
    )


@cache
def recorded(codec: Codec = "pcm16") -> Clip:
    """The beginning of a recorded call, agent and customer."""
    clip = load(RECORDING, None, codec)
    return Clip(clip.parties, codec, clip.rate, clip.part(0, SECONDS * clip.rate))


def of(clip: Clip, parties: Sequence[Party]) -> Clip:
    """The same call with other channels: both in another order, or one of them."""
    width = clip.frame_bytes // len(clip.parties)
    channels = [clip.part(0, clip.samples, clip.parties.index(party)) for party in parties]
    audio = b"".join(
        channel[first : first + width]
        for first in range(0, len(channels[0]), width)
        for channel in channels
    )
    return Clip(tuple(parties), clip.codec, clip.rate, audio)


class Ears:
    """The scripted recogniser, and every sample that it was given."""

    def __init__(self, **options: Any) -> None:
        self._inner: ScriptedRecogniser = fixture_recogniser(**options)
        self.info = self._inner.info
        self.heard: defaultdict[str, dict[Party, bytearray]] = defaultdict(dict)
        self.gaps: defaultdict[str, list[tuple[Party, int, int]]] = defaultdict(list)
        """Party, first missing sample, how many."""

    async def start(self) -> None:
        await self._inner.start()

    async def aclose(self) -> None:
        await self._inner.aclose()

    def open(self, call: CallId, parties: Sequence[Party], rate: int) -> CallAudio:
        self.heard[call] = {party: bytearray() for party in parties}
        return _Ear(self._inner.open(call, parties, rate), self, rate)

    def note(self, frame: AudioFrame) -> int:
        """What was missed is silence in ``heard``; gives how many samples that is."""
        so_far = self.heard[frame.call][frame.party]
        missing = frame.start_sample - len(so_far) // 2
        assert missing >= 0, "frames overlap"
        if missing:
            self.gaps[frame.call].append((frame.party, len(so_far) // 2, missing))
        so_far += bytes(2 * missing) + frame.pcm16
        return missing


class _Ear:
    """Reports gaps as every recogniser does, before what it hears next."""

    def __init__(self, inner: CallAudio, ears: Ears, rate: int) -> None:
        self._inner = inner
        self._ears = ears
        self._rate = rate
        self._gaps: deque[AudioGap] = deque()

    async def push(self, frame: AudioFrame) -> None:
        missing = self._ears.note(frame)
        if missing:
            first, last = frame.start_sample - missing, frame.start_sample
            ms = [sample * 1000 // self._rate for sample in (first, last)]
            self._gaps.append(AudioGap(frame.call, frame.party, ms[0], ms[1], "packets missing"))
        await self._inner.push(frame)

    def end(self) -> None:
        self._inner.end()

    async def __aiter__(self) -> AsyncIterator[AsrEvent]:
        async for event in self._inner:
            while self._gaps:
                yield self._gaps.popleft()
            yield event

    async def aclose(self) -> None:
        await self._inner.aclose()


async def send_all(socket: ClientConnection, messages: Iterable[str | bytes | Piece[Any]]) -> None:
    """As fast as the server takes them."""
    for message in messages:
        await socket.send(message.data if isinstance(message, Piece) else message)


async def until(condition: Callable[[], object]) -> None:
    """Let everybody else run until it is so; nothing tells when a call begins, and need not."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0)


async def ended(server: Running, call: str) -> CallSession:
    """The call once it is over. Another connection may still be beginning it."""
    await until(lambda: server.switchboard.get(call))
    session = server.switchboard.get(call)
    assert session is not None
    await session.done.wait()
    return session


async def refused(socket: ClientConnection) -> tuple[int, str, str]:
    """Close code, error code and message of a socket that is being closed."""
    code = text = ""
    try:
        while True:
            told = json.loads(await socket.recv())
            if told.get("type") == "error":
                code, text = told["code"], told["message"]
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 1006, code, text


def shown(session: CallSession) -> tuple[list[str], set[str]]:
    """The finals and the ids of all cards that a call has had."""
    events: list[dict[str, Any]] = session.snapshot(plain=True)["events"]  # type: ignore[assignment]
    finals = [e["text"] for e in events if e["type"] == "transcript" and e["final"]]
    return finals, {e["id"] for e in events if e["type"] == "suggestion"}


def gaps(session: CallSession) -> list[tuple[str, int, int]]:
    """Party, begin and end in ms of each gap that viewers are told of."""
    events: list[dict[str, Any]] = session.snapshot(plain=True)["events"]  # type: ignore[assignment]
    told = [e["detail"] for e in events if e["type"] == "status" and e["name"] == "audio_gap"]
    return [(detail["party"], detail["start_ms"], detail["end_ms"]) for detail in told]


SAID = [line.text for line in LINES]
