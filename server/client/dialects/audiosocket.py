"""One leg of a recording as Asterisk's AudioSocket sends it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from uuid import UUID

from asr.events import Party
from server.client.audio import PACKET_MS
from server.client.clip import Clip
from server.ingest.audiosocket import HANGUP, IDENTITY, RATES

TYPES = {rate: kind for kind, rate in RATES.items()}


def message(kind: int, payload: bytes = b"") -> bytes:
    """A message with its header."""
    return struct.pack(">BH", kind, len(payload)) + payload


def messages(call: UUID, clip: Clip, party: Party) -> Iterator[bytes]:
    """Every message of a connection. The clip has to be ``pcm16``."""
    yield message(IDENTITY, call.bytes)
    step, channel = clip.rate * PACKET_MS // 1000, clip.parties.index(party)
    for start in range(0, clip.samples, step):
        yield message(TYPES[clip.rate], clip.part(start, start + step, channel))
    yield message(HANGUP)
