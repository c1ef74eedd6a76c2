"""What all dialects share: one connection's hold on a call, and where its next sample belongs.

The native socket counts samples; telephone systems do not. Their audio is placed by counting what
has come, and after a lost connection by how much time went by, so that the hole shows as a gap.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import TypeVar
from weakref import WeakKeyDictionary

from starlette.websockets import WebSocketDisconnect

from asr.audio.codec import Pcm16, apart, decode_pcm16
from asr.events import Party
from assist_rules.events import CallInfo
from server.access.access import Access
from server.live.session import CallSession
from server.live.switchboard import Switchboard
from server.refusals import Refusal
from server.settings import Settings

T = TypeVar("T")

HUNG_UP = (1000, 1001)
"""Close codes of a client that is done. Whoever vanishes in another way may come back; uvicorn
tells of a broken connection with 1005, the code of a close that gives none."""
PIECE_S = 1
"""A long message goes to the recogniser in pieces, so that one call cannot hold up the others."""
JITTER_S = 0.5
"""Lateness up to this is the network's; more after a reconnect is audio that was never sent."""


@dataclass(slots=True)
class Telephony:
    """What every dialect needs of the service."""

    switchboard: Switchboard
    settings: Settings
    access: Access
    clock: Callable[[], float] = time.monotonic
    _began: WeakKeyDictionary[CallSession, float] = field(default_factory=WeakKeyDictionary)

    def place(self, session: CallSession) -> int:
        """The sample at which a connection that begins now goes on with a call."""
        rate = session.lanes.rate
        come = -(-session.lanes.end_ms * rate // 1000)
        elapsed = self.elapsed(session)
        return elapsed if elapsed - come > JITTER_S * rate else come

    def elapsed(self, session: CallSession) -> int:
        """How many samples could have been spoken since a call's first connection."""
        now = self.clock()
        return int((now - self._began.setdefault(session, now)) * session.lanes.rate)

    def believes(self, address: str, peers: str) -> bool:
        """Whether a system at that address may connect, where a dialect has no password.

        ``peers`` are the networks from which it may.
        """
        if not peers:
            free = self.access.mode == "open" or self.access.settings.audio_without_token
            return free or ip_address(address).is_loopback
        return any(
            ip_address(address) in ip_network(peer.strip(), strict=False)
            for peer in peers.split(",")
        )

    @property
    def agents(self) -> Mapping[str, str]:
        """The agent at an extension, at a number or in a queue."""
        people = self.access.people
        return {
            **self.settings.telephony.agents,
            **people.places("extension"),
            **people.places("queue"),
        }

    @property
    def idle_s(self) -> float:
        """How long a line may be silent."""
        return self.settings.telephony.idle_s

    @asynccontextmanager
    async def hold(
        self, info: CallInfo, parties: Sequence[Party], rate: int
    ) -> AsyncIterator[Line]:
        """Join a call and feed it inside the context; leaving it normally ends the call.

        Raises :class:`Refusal` when the call cannot be joined, and out of the context when the
        line falls silent or another connection takes over.
        """
        await self.switchboard.admit(info.call)
        session = self.switchboard.join(info, parties, rate)
        line = Line(session, self.place(session), self.idle_s)
        session.attach(line.stop)
        try:
            async with line.deadline:
                yield line
            session.finish("ended")
        except TimeoutError:
            raise line.why() from None
        except WebSocketDisconnect as gone:
            if gone.code in HUNG_UP:
                session.finish("ended")
            raise
        finally:
            session.detach(line.stop)

    async def greeting(self, awaitable: Awaitable[T]) -> T:
        """What a client says first, which must not take long."""
        limit = self.settings.audio.hello_s
        try:
            async with asyncio.timeout(limit):
                return await awaitable
        except TimeoutError:
            raise Refusal("hello_timeout", f"nothing that begins a call in {limit:g} s") from None


class Line:
    """A connection that feeds a call."""

    def __init__(self, session: CallSession, first_sample: int, idle_s: float) -> None:
        self.session = session
        self.first_sample = first_sample
        """Where this connection's audio begins in the call."""
        self.deadline = asyncio.timeout(None)
        self._idle_s = idle_s
        self._stopped: Refusal | None = None

    def stop(self, refusal: Refusal) -> None:
        """Leave the context with this refusal."""
        self._stopped = refusal
        self.deadline.reschedule(asyncio.get_running_loop().time())

    def why(self) -> Refusal:
        """The reason for which the deadline has passed."""
        return self._stopped or Refusal("idle", f"no audio for {self._idle_s:g} s")

    def listen(self, within_s: float | None = None) -> None:
        """From now on the client is expected to send, ``within_s`` if that differs."""
        if self._stopped is None:
            wait_s = self._idle_s if within_s is None else within_s
            self.deadline.reschedule(asyncio.get_running_loop().time() + wait_s)

    async def feed_pcm16(self, start: int, parties: Sequence[Party], audio: bytes) -> int:
        """As :meth:`feed`, from little endian bytes. Raises :class:`Refusal` for half a sample."""
        width = 2 * len(parties)
        if len(audio) % width:
            raise Refusal(
                "bad_packet",
                f"{len(audio)} bytes of audio are no whole number of samples of {width} bytes",
            )
        return await self.feed(start, parties, decode_pcm16(audio))

    async def feed(self, start: int, parties: Sequence[Party], samples: Pcm16) -> int:
        """Interleaved samples that begin at ``start`` of the connection; gives where they end."""
        if self._stopped is None:
            # While the recogniser is behind it is not the client who is idle.
            self.deadline.reschedule(None)
        session, width = self.session, len(parties)
        piece = session.lanes.rate * PIECE_S
        for first in range(0, len(samples) // width, piece):
            part = samples[first * width : (first + piece) * width]
            parts = list(zip(parties, apart(part, width), strict=True))
            await session.feed(session.lanes.cut(self.first_sample + start + first, parts))
        self.listen()
        return start + len(samples) // width
