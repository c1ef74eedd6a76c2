"""The binary packet of the native audio socket: 12 bytes of header, then audio. Pure."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from asr.audio.codec import Codec, apart, decode
from asr.events import Party
from server.refusals import Refusal

VERSION = 1
ALL_CHANNELS = 255
LONGEST_S = 1
_HEADER = struct.Struct("<BBHQ")


@dataclass(frozen=True, slots=True)
class PacketReader:
    """Reads the packets of one connection, as its hello described them."""

    parties: Sequence[Party]
    codec: Codec
    rate: int

    def read(self, message: bytes) -> tuple[int, list[tuple[Party, bytes]]]:
        """The first sample's index and the PCM of each party in the packet.

        Raises :class:`Refusal` naming what is wrong with the header or the length.
        """
        if len(message) < _HEADER.size:
            raise Refusal(
                "bad_packet", f"{len(message)} bytes; a packet has a header of {_HEADER.size}"
            )
        version, channel, zero, start = _HEADER.unpack_from(message)
        if version != VERSION:
            raise Refusal("bad_packet", f"byte 0 is {version}; this server speaks {VERSION}")
        if zero:
            raise Refusal("bad_packet", "bytes 2 and 3 must be zero")
        if channel != ALL_CHANNELS and channel >= len(self.parties):
            raise Refusal(
                "bad_packet",
                f"byte 1, the channel, is {channel}; this call has {len(self.parties)}: "
                f"0 to {len(self.parties) - 1}, or {ALL_CHANNELS} for all interleaved",
            )
        parties = self.parties if channel == ALL_CHANNELS else self.parties[channel : channel + 1]
        return start, self._split(message[_HEADER.size :], parties)

    def _split(self, audio: bytes, parties: Sequence[Party]) -> list[tuple[Party, bytes]]:
        width = (2 if self.codec == "pcm16" else 1) * len(parties)
        samples, rest = divmod(len(audio), width)
        if rest:
            raise Refusal(
                "bad_packet",
                f"{len(audio)} bytes of audio are no whole number of samples of {width} bytes",
            )
        if samples > self.rate * LONGEST_S:
            raise Refusal(
                "too_large", f"{samples} samples; a packet holds at most {LONGEST_S} s of audio"
            )
        count = len(parties)
        if self.codec == "pcm16" and count == 1:
            return [(parties[0], audio)]
        return list(zip(parties, apart(decode(self.codec, audio), count), strict=True))


def write(channel: int, start_sample: int, audio: bytes) -> bytes:
    """A packet as clients send it."""
    return _HEADER.pack(VERSION, channel, 0, start_sample) + audio
