"""One RTP stream (RFC 3550) of G.711: packets in any order in, samples with their place out. Pure."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from asr.audio.codec import Codec, Pcm16, decode
from server.ingest.reorder import Piece, Reorder

HEADER = struct.Struct(">BBHII")
RATE = 8_000
RTCP = range(192, 224)
"""Second byte of RTCP, where it shares the port with RTP (RFC 5761)."""
LONGEST = RATE
"""Samples of a packet."""
JUMP_S = 60
"""A time stamp further on than this begins a new count."""
QUIET_S = 5
"""Silence that nobody sent (silence suppression) is put in up to this; beyond, it is a gap."""
HOLE_S = 240
"""A longer hole is told in steps of this: a call takes no leap of five minutes."""
BEHIND = 1_000
"""Sequence numbers this far back are not late, but of somebody who began anew."""
Placed = tuple[int, Pcm16]


@dataclass(frozen=True, slots=True)
class Packet:
    """What matters of a packet."""

    payload_type: int
    number: int
    time: int
    source: int
    payload: bytes


def read(data: bytes) -> Packet | None:
    """A packet, or ``None`` for what is none, RTCP for instance."""
    if len(data) < HEADER.size or data[0] >> 6 != 2 or data[1] in RTCP:
        return None
    flags, kind, number, time, source = HEADER.unpack_from(data)
    start, end = HEADER.size + 4 * (flags & 0x0F), len(data)
    if flags & 0x10:
        if len(data) < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    if flags & 0x20:
        end -= data[-1]
    if start > end:
        return None
    return Packet(kind & 0x7F, number, time, source, data[start:end])


def write(kind: int, number: int, time: int, source: int, payload: bytes) -> bytes:
    """A packet as clients send it."""
    return HEADER.pack(0x80, kind, number & 0xFFFF, time & 0xFFFFFFFF, source) + payload


class RtpStream:
    """One direction of a call. Places count from the beginning of the recording."""

    def __init__(self, codecs: Mapping[int, Codec]) -> None:
        self.codecs = codecs
        self._source: int | None = None
        self._reorder: Reorder[Pcm16] = Reorder(RATE)
        self._base = 0
        self._end = 0
        self._first = (0, 0)
        self._last = (0, 0)

    def put(self, packet: Packet, now: int) -> list[Placed]:
        """What is in order now. ``now`` is how many samples could have been spoken."""
        if len(packet.payload) > LONGEST:
            return []
        number = self._last[0] + _signed(packet.number - self._last[0], 16)
        time = self._last[1] + _signed(packet.time - self._last[1], 32)
        before: list[Placed] = []
        if packet.source != self._source or self._anew(number, time):
            before = self.flush()
            number, time = packet.number, packet.time
            self._begin(packet, now)
        if number > self._last[0]:
            self._last = (number, time)
        codec = self.codecs.get(packet.payload_type)
        # Comfort noise and keys are known to have come, and are no sound.
        sound = decode(codec or "mulaw", packet.payload if codec else b"")
        at = (time - self._first[1]) * 1000 // RATE
        return before + self._placed(number - self._first[0] + 1, at, sound)

    def again(self) -> list[Placed]:
        """The client goes on after a hold: its clock may have stood still."""
        placed, self._source = self.flush(), None
        return placed

    def flush(self) -> list[Placed]:
        """No more will come of this count."""
        return self._out(self._reorder.flush())

    def _anew(self, number: int, time: int) -> bool:
        ahead = time - self._last[1]
        return number < self._last[0] - BEHIND or not -JUMP_S * RATE < ahead < JUMP_S * RATE

    def _begin(self, packet: Packet, now: int) -> None:
        self._source = packet.source
        self._reorder = Reorder(RATE)
        self._base = max(self._end, now)
        self._first = self._last = (packet.number, packet.time)

    def _placed(self, chunk: int, at_ms: int, sound: Pcm16) -> list[Placed]:
        if chunk < 1 or at_ms < 0:
            return []
        return self._out(self._reorder.put(chunk, at_ms, sound))

    def _out(self, pieces: list[Piece[Pcm16]]) -> list[Placed]:
        placed: list[Placed] = []
        for piece in pieces:
            at, sound = self._base + piece.first, piece.sound
            while at - self._end > HOLE_S * RATE:
                self._end += HOLE_S * RATE
                placed.append((self._end, np.zeros(1, np.int16)))
            quiet = at - self._end
            # Before the first packet of a count nobody was silent: nobody was there.
            if piece.whole and piece.first and 0 < quiet <= QUIET_S * RATE:
                at, sound = self._end, np.concatenate([np.zeros(quiet, np.int16), sound])
            self._end = max(self._end, at + len(sound))
            if len(sound):
                placed.append((at, sound))
        return placed


def _signed(difference: int, bits: int) -> int:
    """The nearest difference between two counters that wrap."""
    half = 1 << (bits - 1)
    return (difference + half) % (2 * half) - half
