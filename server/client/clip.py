"""A recording as it goes over the wire: interleaved audio in one coding, cut by sample index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from asr.audio.codec import Codec, Pcm16, encode_alaw, encode_mulaw
from asr.audio.wavfile import open_audio, packets
from asr.events import CallId, Party
from server.ingest.packet import ALL_CHANNELS

SILENCE: dict[Codec, bytes] = {"pcm16": b"\0\0", "mulaw": b"\xff", "alaw": b"\xd5"}

ENCODE: dict[Codec, Callable[[Pcm16], bytes]] = {
    "pcm16": lambda samples: samples.tobytes(),
    "mulaw": encode_mulaw,
    "alaw": encode_alaw,
}


@dataclass(frozen=True, slots=True)
class Clip:
    """Audio of all parties, interleaved in the order of ``parties``."""

    parties: Sequence[Party]
    codec: Codec
    rate: int
    audio: bytes

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of every party."""
        return len(SILENCE[self.codec]) * len(self.parties)

    @property
    def samples(self) -> int:
        """Length in samples."""
        return len(self.audio) // self.frame_bytes

    @property
    def duration_ms(self) -> int:
        """Length in milliseconds."""
        return self.samples * 1000 // self.rate

    def part(self, start: int, stop: int, channel: int = ALL_CHANNELS) -> bytes:
        """The audio of a channel, or of all interleaved, from sample ``start`` up to ``stop``."""
        part = self.audio[start * self.frame_bytes : stop * self.frame_bytes]
        if channel == ALL_CHANNELS:
            return part
        samples = np.frombuffer(part, np.int16 if self.codec == "pcm16" else np.uint8)
        return samples[channel :: len(self.parties)].tobytes()

    def mixed(self) -> Clip:
        """All parties on one channel, where nobody can tell who speaks. Only of ``pcm16``."""
        width = len(self.parties)
        if width == 1:
            return self
        samples = np.frombuffer(self.audio, "<i2").astype(np.int32).reshape(-1, width).sum(axis=1)
        audio = np.clip(samples, -32_768, 32_767).astype("<i2").tobytes()
        return replace(self, parties=(Party.UNKNOWN,), audio=audio)

    def coded(self, codec: Codec) -> Clip:
        """The same in another coding. Only of ``pcm16``."""
        if codec == "pcm16":
            return self
        samples = np.frombuffer(self.audio, "<i2")
        return replace(self, codec=codec, audio=ENCODE[codec](samples))

    def later(self, lead_ms: int) -> Clip:
        """The same with silence before it: another phase to the recogniser's chunks."""
        lead = lead_ms * self.rate // 1000
        silence = SILENCE[self.codec] * len(self.parties) * lead
        return replace(self, audio=silence + self.audio)


def load(path: Path, parties: Sequence[Party] | None = None, codec: Codec = "pcm16") -> Clip:
    """A sound file as a clip in ``codec``. Raises ``AudioFileError``."""
    file = open_audio(path, parties)
    channels: dict[Party, list[bytes]] = {party: [] for party in file.parties}
    for frame in packets(CallId(path.stem), file, 1_000):
        channels[frame.party].append(frame.pcm16)
    samples = np.stack(
        [np.frombuffer(b"".join(parts), "<i2") for parts in channels.values()], axis=1
    ).reshape(-1)
    return Clip(file.parties, codec, file.rate_hz, ENCODE[codec](samples))
