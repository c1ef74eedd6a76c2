"""One leg of a recording as Asterisk's AudioSocket sends it."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

from asr.events import Party
from server.client.audio import Call
from server.client.clip import Clip
from server.client.dialects.piece import Piece, cuts
from server.client.errors import ClientError, Lost
from server.client.pace import PACKET_MS, Pace
from server.ingest.audiosocket import HANGUP, IDENTITY, RATES

TYPES = {rate: kind for kind, rate in RATES.items()}
LETTERS = {Party.CUSTOMER: "c", Party.AGENT: "a"}
LATER_MS = 200
"""After the customer's leg the agent's: who is first is the customer."""


def message(kind: int, payload: bytes = b"") -> bytes:
    """A message with its header."""
    return struct.pack(">BH", kind, len(payload)) + payload


def messages(call: UUID, clip: Clip, party: Party, start_ms: int = 0) -> Iterator[Piece[bytes]]:
    """Every message of a connection that begins at a moment of the clip.

    The clip has to be ``pcm16``.
    """
    began = clip.rate * start_ms // 1000
    yield Piece(began, message(IDENTITY, call.bytes))
    channel = clip.parties.index(party)
    for start, stop in cuts(clip, PACKET_MS):
        if start >= began:
            yield Piece(stop, message(TYPES[clip.rate], clip.part(start, stop, channel)))
    yield Piece(clip.samples, message(HANGUP))


async def play(
    server: str, call: Call, clip: Clip, speed: float = 1.0, token: str | None = None
) -> None:
    """Each party on a connection of its own, as an Asterisk with two legs.

    ``server`` is ``tcp://HOST:PORT``. With ``?legs=suffix`` the last digit of the UUID, which is the
    call's id, tells the party; without, the customer's leg connects first and the other
    :data:`LATER_MS` after it. Whoever is refused is hung up on without a word: raises ``Lost``.
    """
    address, pace = urlsplit(server), Pace(clip.rate, speed)
    suffix = "legs=suffix" in address.query
    parties = sorted(clip.parties, key=LETTERS.__getitem__, reverse=True)
    try:
        async with asyncio.TaskGroup() as tasks:
            for number, party in enumerate(parties):
                name = UUID(call.id[:-1] + LETTERS[party]) if suffix else UUID(call.id)
                later_ms = 0 if suffix else number * LATER_MS
                sent = messages(name, clip, party, later_ms)
                tasks.create_task(_leg(address, sent, pace))
    except* (OSError, ClientError) as group:
        raise Lost(f"{server}: {group.exceptions[0]}") from group


async def _leg(address: SplitResult, pieces: Iterator[Piece[bytes]], pace: Pace) -> None:
    stop, first = next(pieces)
    await pace.due(stop)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        writer.write(first)
        for stop, data in pieces:
            await pace.due(stop)
            if reader.at_eof():
                raise Lost("the server hung up")
            writer.write(data)
            await writer.drain()
            pace.left(stop)
        # The server hangs up when it has heard the last word.
        await reader.read()
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
