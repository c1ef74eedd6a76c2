"""Telephone and PCM codings: bytes to 16 bit samples and back.

G.711 follows ITU-T G.711 (11/1988) in the widespread 16 bit form; one table look-up a sample.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]
"""Mono audio, full scale is 1.0."""
Pcm16 = npt.NDArray[np.int16]
"""Mono signed 16 bit audio."""
Codec = Literal["pcm16", "mulaw", "alaw"]

CODECS: tuple[Codec, ...] = ("pcm16", "mulaw", "alaw")


class CodecError(ValueError):
    """The bytes cannot be audio in the coding claimed; the message says why."""


def decode(codec: Codec, payload: bytes) -> Pcm16:
    """Samples of a packet. Raises :class:`CodecError` for a split sample or an unknown coding."""
    if codec == "pcm16":
        return decode_pcm16(payload)
    if codec == "mulaw":
        return decode_mulaw(payload)
    if codec == "alaw":
        return decode_alaw(payload)
    raise CodecError(f"unknown coding {codec!r}; use one of {', '.join(CODECS)}")


def decode_pcm16(payload: bytes) -> Pcm16:
    """Signed 16 bit little endian. An odd number of bytes is refused: a sample was split."""
    if len(payload) % 2:
        raise CodecError(f"{len(payload)} bytes cannot be 16 bit samples; send whole samples")
    return np.frombuffer(payload, "<i2").astype(np.int16, copy=False)


def decode_mulaw(payload: bytes) -> Pcm16:
    """G.711 µ-law, one byte a sample."""
    return _MULAW_TO_PCM[np.frombuffer(payload, np.uint8)]


def decode_alaw(payload: bytes) -> Pcm16:
    """G.711 A-law, one byte a sample."""
    return _ALAW_TO_PCM[np.frombuffer(payload, np.uint8)]


def apart(samples: Pcm16, channels: int) -> list[bytes]:
    """The PCM of each channel of interleaved samples, all in one go."""
    sound = samples.reshape(-1, channels).T.tobytes()
    size = len(sound) // channels
    return [sound[i * size : (i + 1) * size] for i in range(channels)]


def encode_mulaw(samples: Pcm16) -> bytes:
    """G.711 µ-law, one byte a sample."""
    return _PCM_TO_MULAW[samples.astype(np.int32) + 32768].tobytes()


def encode_alaw(samples: Pcm16) -> bytes:
    """G.711 A-law, one byte a sample."""
    return _PCM_TO_ALAW[samples.astype(np.int32) + 32768].tobytes()


def to_float(samples: Pcm16) -> Samples:
    """Full scale 32768 becomes 1.0."""
    return samples.astype(np.float32) * np.float32(1 / 32768)


def to_pcm16(samples: npt.NDArray[np.floating]) -> Pcm16:
    """Full scale 1.0 becomes 32768; what is louder is clipped, what is no number is silence."""
    finite = np.nan_to_num(np.asarray(samples, np.float64), nan=0.0, posinf=1.0, neginf=-1.0)
    return np.clip(np.rint(finite * 32768.0), -32768, 32767).astype(np.int16)


def _mulaw_table() -> Pcm16:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    exponent, mantissa = code >> 4 & 7, code & 15
    magnitude = ((mantissa << 3) + 0x84 << exponent) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _alaw_table() -> Pcm16:
    code = np.arange(256, dtype=np.int32) ^ 0x55
    exponent, mantissa = code >> 4 & 7, code & 15
    magnitude = np.where(
        exponent == 0, (mantissa << 4) + 8, (mantissa << 4) + 0x108 << np.maximum(exponent - 1, 0)
    )
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _mulaw_codes() -> npt.NDArray[np.uint8]:
    """The code of every 16 bit sample, at its value + 32768."""
    sample = np.arange(-32768, 32768, dtype=np.int32)
    # G.711 takes 14 bits: the two lowest are dropped before the bias is added.
    magnitude = np.minimum((np.abs(sample) >> 2) + 33, 8191)
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 5
    mantissa = magnitude >> exponent + 1 & 15
    code = exponent << 4 | mantissa
    return np.asarray(np.where(sample < 0, code | 0x80, code) ^ 0xFF, np.uint8)


def _alaw_codes() -> npt.NDArray[np.uint8]:
    """The code of every 16 bit sample, at its value + 32768."""
    sample = np.arange(-32768, 32768, dtype=np.int32)
    magnitude = np.minimum(np.abs(sample) >> 4, 2047)
    exponent = np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int32) - 3
    mantissa = magnitude >> np.maximum(exponent - 1, 0) & 15
    # The two lowest segments have the same step, so their code is the magnitude itself.
    code = np.where(magnitude < 32, magnitude, exponent << 4 | mantissa)
    return np.asarray(np.where(sample >= 0, code | 0x80, code) ^ 0x55, np.uint8)


_MULAW_TO_PCM = _mulaw_table()
_ALAW_TO_PCM = _alaw_table()
_PCM_TO_MULAW = _mulaw_codes()
_PCM_TO_ALAW = _alaw_codes()
