"""Everything that a recorded call can be sent as."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from asr.audio.codec import Codec
from asr.events import Party
from server.client.audio import AudioClient, Call
from server.client.clip import Clip
from server.client.dialects import audiohook, audiosocket, funasr, json_l16, siprec, twilio

WEB = "ws://127.0.0.1:8765"


class CannotCarry(ValueError):
    """A recording does not fit a dialect; the message says why."""


class Play(Protocol):
    """Sends one call. Raises ``Refused`` or ``Lost``."""

    def __call__(
        self, server: str, call: Call, clip: Clip, speed: float = 1.0, token: str | None = None
    ) -> Coroutine[Any, Any, None]:
        """``server`` is the address, ``token`` proves who sends, where that is asked, and
        ``speed`` is that of ``Pace``."""


@dataclass(frozen=True, slots=True)
class Sender:
    """One dialect."""

    play: Play
    server: str
    """Where such a server listens, if nobody says otherwise."""
    codec: Codec = "pcm16"
    rates: tuple[int, ...] | None = None
    """In Hz; ``None``: any."""
    mixed: bool = False
    """One channel is all it has."""
    parties: bool = False
    """Who speaks has to be known."""
    uuid: bool = False
    """Calls are named by a UUID."""

    def fit(self, clip: Clip) -> Clip:
        """A recording as this dialect carries it. Raises :class:`CannotCarry`."""
        if self.rates is not None and clip.rate not in self.rates:
            rates = ", ".join(map(str, self.rates))
            raise CannotCarry(f"it has {clip.rate} Hz, and this dialect carries {rates}")
        if self.parties and Party.UNKNOWN in clip.parties:
            raise CannotCarry("nobody says who speaks on which channel; see --parties")
        return (clip.mixed() if self.mixed else clip).coded(self.codec)


async def _native(
    server: str, call: Call, clip: Clip, speed: float = 1.0, token: str | None = None
) -> None:
    await AudioClient(server, call, clip, speed=speed, token=token).run()


SENDERS: dict[str, Sender] = {
    "native": Sender(_native, WEB),
    "funasr": Sender(funasr.play, WEB, mixed=True),
    "audiohook": Sender(audiohook.play, WEB, "mulaw", rates=(8_000,), parties=True, uuid=True),
    "json-l16": Sender(json_l16.play, WEB),
    "twilio": Sender(twilio.play, WEB, "mulaw", rates=(8_000,), parties=True),
    "audiosocket": Sender(
        audiosocket.play,
        "tcp://127.0.0.1:9092",
        rates=tuple(audiosocket.TYPES),
        parties=True,
        uuid=True,
    ),
    "siprec": Sender(siprec.play, "udp://127.0.0.1:5060", "alaw", rates=(8_000,), parties=True),
}
