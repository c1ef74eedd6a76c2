"""What a recogniser offers to the rest of the service, and one that reads from a script.

The scripted one stands in where words do not matter (server tests, load tests without a model);
it goes through the same interface as the real engine.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from asr.events import AsrEvent, AudioFrame, CallId, Party, Transcript, Watermark


class RecogniserError(Exception):
    """Root of what a recogniser may raise: :class:`RecogniserFull`, :class:`CallClosed`."""


class RecogniserFull(RecogniserError):
    """There is no capacity for another call now."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"no capacity for another call; try again in {retry_after_s:.0f} s")
        self.retry_after_s = retry_after_s


class CallClosed(RecogniserError):
    """Audio was pushed after the end of the call."""


@dataclass(frozen=True, slots=True)
class RecogniserInfo:
    """What viewers are told about the recogniser that listens."""

    name: str
    demonstration: bool
    """True for the bundled model, which understands synthesised speech only."""


class CallAudio(Protocol):
    """One call inside a recogniser. Iterate it for events; it ends after :meth:`end`."""

    async def push(self, frame: AudioFrame) -> None:
        """Take a packet; waits while more than a few seconds of this call are undecoded.

        Packets of a party are in order; one that begins later than expected is a gap.
        Raises :class:`CallClosed` after :meth:`end`.
        """

    def end(self) -> None:
        """No more audio: the last utterances become final, then the iteration ends. Idempotent."""

    def __aiter__(self) -> AsyncIterator[AsrEvent]:
        """Events in order of audio time; one iteration at a time."""

    async def aclose(self) -> None:
        """Forget the call at once, without finals. Idempotent."""


class Recogniser(Protocol):
    """Turns the audio of many calls into events."""

    info: RecogniserInfo

    async def start(self) -> None:
        """Load what is needed; :meth:`open` may be called afterwards."""

    async def aclose(self) -> None:
        """Close every call and free the model."""

    def room(self) -> int:
        """How many more calls :meth:`open` would take now; an estimate, not a promise."""

    def open(self, call: CallId, parties: Sequence[Party], rate: int) -> CallAudio:
        """Begin a call whose packets come at ``rate`` Hz. Raises :class:`RecogniserFull`."""


class ScriptedRecogniser:
    """Gives prepared transcripts of a call once its audio has passed their ``at_ms``.

    ``script`` maps a call id to its transcripts, in order; ``"*"`` serves calls without their
    own. With an empty script it is the null recogniser.
    """

    def __init__(
        self, script: Mapping[str, Sequence[Transcript]] | None = None, max_calls: int = 10_000
    ) -> None:
        self.info = RecogniserInfo("scripted", demonstration=True)
        self._script = script or {}
        self._max_calls = max_calls
        self._open: set[_ScriptedCall] = set()

    async def start(self) -> None:
        """Nothing to load."""

    async def aclose(self) -> None:
        """Close every call."""
        for call in list(self._open):
            await call.aclose()

    def room(self) -> int:
        """What is left of ``max_calls``."""
        return self._max_calls - len(self._open)

    def open(self, call: CallId, parties: Sequence[Party], rate: int) -> CallAudio:
        """Begin a call; its script starts with its first packet."""
        if len(self._open) >= self._max_calls:
            raise RecogniserFull(retry_after_s=5)
        lines = [
            replace(line, call=call)
            for line in self._script.get(call, self._script.get("*", ()))
            if line.party in parties
        ]
        audio = _ScriptedCall(call, rate, lines, self._open)
        self._open.add(audio)
        return audio


class _ScriptedCall:
    def __init__(
        self, call: CallId, rate: int, lines: list[Transcript], peers: set[_ScriptedCall]
    ) -> None:
        self._call = call
        self._rate = rate
        self._lines = lines
        self._next = 0
        self._at_ms: dict[Party, int] = {}
        self._mark = 0
        self._events: asyncio.Queue[AsrEvent | None] = asyncio.Queue(maxsize=100_000)
        self._ended = False
        self._peers = peers

    async def push(self, frame: AudioFrame) -> None:
        if self._ended:
            raise CallClosed(f"call {self._call} has ended")
        samples = len(frame.pcm16) // 2
        self._at_ms[frame.party] = (frame.start_sample + samples) * 1000 // self._rate
        now = max(self._at_ms.values())
        self._give_until(now)
        if now - self._mark >= 500:
            self._mark = now
            await self._events.put(Watermark(self._call, now, now))

    def end(self) -> None:
        if self._ended:
            return
        self._ended = True
        self._give_until(2**62)
        now = max([0, *self._at_ms.values()])
        self._events.put_nowait(Watermark(self._call, now, now))
        self._events.put_nowait(None)
        self._peers.discard(self)

    def _give_until(self, at_ms: int) -> None:
        while self._next < len(self._lines) and self._lines[self._next].at_ms <= at_ms:
            self._events.put_nowait(self._lines[self._next])
            self._next += 1

    async def __aiter__(self) -> AsyncIterator[AsrEvent]:
        while (event := await self._events.get()) is not None:
            yield event

    async def aclose(self) -> None:
        if not self._ended:
            self._ended = True
            self._events.put_nowait(None)
        self._peers.discard(self)
