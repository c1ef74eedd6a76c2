"""A call on the event loop's side of the live recogniser: packets go in, events come out.

Both directions are bounded: :meth:`LiveCall.push` waits while the worker is behind or while
nobody reads the events.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from asr.events import AsrEvent, AudioFrame, CallId, Party
from asr.paraformer.state import CHUNK_600_MS, ChunkShape
from asr.party import PartyConfig
from asr.recogniser import CallClosed
from asr.scheduler import SchedulerConfig


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """How many calls are taken and how they are listened to."""

    max_calls: int | None = 64
    """Calls at once; None: what :mod:`asr.rating` finds at the start."""
    refuse_above_load: float = 0.85
    """Refuse new calls while the model spends this share of its time on what cannot wait."""
    retry_after_s: float = 5.0
    """What a refused caller is told."""
    threads: int = 1
    """Processor threads of the model; no more than are free."""
    gather_ms: float = 5.0
    """How long an idle worker waits for more packets once one has come."""
    undecoded_ms: int = 2_000
    """Audio of a call that may wait for the worker before :meth:`LiveCall.push` waits."""
    unread_events: int = 2_000
    """Events nobody has read before :meth:`LiveCall.push` waits."""
    restarts: int = 3
    """A worker that breaks more often than this within a minute stays down."""
    restart_wait_s: float = 0.5
    """The first restart within a minute comes at once, the second after this, then twice as long
    each time: what broke it may need a moment."""
    shape: ChunkShape = CHUNK_600_MS
    party: PartyConfig = field(default_factory=PartyConfig)
    scheduler: SchedulerConfig = field(default_factory=SchedulerConfig)


@dataclass(frozen=True, slots=True)
class Push:
    """A packet has arrived."""

    call: LiveCall
    frame: AudioFrame
    arrived_s: float


@dataclass(frozen=True, slots=True)
class End:
    """No more packets will."""

    call: LiveCall


@dataclass(frozen=True, slots=True)
class Close:
    """Nobody wants to hear any more."""

    call: LiveCall


Message = Push | End | Close


class LiveCall:
    """One call's end of the engine; see :class:`asr.recogniser.CallAudio`."""

    def __init__(
        self,
        call: CallId,
        parties: Sequence[Party],
        rate: int,
        config: EngineConfig,
        send: Callable[[Message], None],
        left: Callable[[LiveCall], None],
    ) -> None:
        self.call = call
        self.parties = tuple(parties)
        self.rate = rate
        self._config = config
        self._send = send
        self._left = left
        self._events: deque[AsrEvent] = deque()
        self._changed = asyncio.Event()
        self._sent_samples = 0
        self._taken_samples = 0
        self._waiting_ms = 0
        self._ended = False
        self._over = False

    async def push(self, frame: AudioFrame) -> None:
        """Take a packet; waits while too much audio or too many events of this call wait."""
        if self._ended:
            raise CallClosed(f"call {self.call} has ended")
        self._sent_samples += len(frame.pcm16) // 2
        self._send(Push(self, frame, time.monotonic()))
        while self._behind() and not self._over:
            self._changed.clear()
            await self._changed.wait()

    def end(self) -> None:
        """No more audio: the last utterances become final. Idempotent."""
        if not self._ended:
            self._ended = True
            self._send(End(self))

    async def __aiter__(self) -> AsyncIterator[AsrEvent]:
        while True:
            while self._events:
                event = self._events.popleft()
                if not self._events:
                    self._changed.set()
                yield event
            if self._over:
                return
            self._changed.clear()
            await self._changed.wait()

    async def aclose(self) -> None:
        """Forget the call at once. Idempotent."""
        if not self._over:
            self._ended = True
            self._over = True
            self._events.clear()
            self._changed.set()
            self._send(Close(self))
            self._left(self)

    def _behind(self) -> bool:
        # Counted in samples sent, not in positions: those are the sender's claim.
        sent_ms = (self._sent_samples - self._taken_samples) * 1000 / self.rate
        undecoded_ms = sent_ms / len(self.parties) + self._waiting_ms
        return (
            undecoded_ms > self._config.undecoded_ms
            or len(self._events) > self._config.unread_events
        )

    def deliver(self, delivery: Delivery) -> None:
        """What the worker has to say; called on the event loop."""
        if self._over:
            return
        self._events.extend(delivery.events)
        self._taken_samples = delivery.taken_samples
        self._waiting_ms = delivery.waiting_ms
        if delivery.over:
            self._ended = self._over = True
            self._left(self)
        self._changed.set()


@dataclass(frozen=True, slots=True)
class Delivery:
    """From the worker to a call."""

    call: LiveCall
    events: list[AsrEvent]
    taken_samples: int
    """Of what was sent, all parties together, so many have been taken in."""
    waiting_ms: int
    """Audio taken in that waits for an answer."""
    over: bool
    """Nothing follows."""


def deliver_all(deliveries: Sequence[Delivery]) -> None:
    """Called on the event loop."""
    for delivery in deliveries:
        delivery.call.deliver(delivery)
