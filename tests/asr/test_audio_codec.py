"""G.711 equals libsndfile's, code by code."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
import soundfile

from asr.audio.codec import (
    CodecError,
    Pcm16,
    decode,
    decode_alaw,
    decode_mulaw,
    decode_pcm16,
    encode_alaw,
    encode_mulaw,
    to_float,
    to_pcm16,
)

EVERY_CODE = bytes(range(256))
EVERY_SAMPLE = np.arange(-32768, 32768).astype(np.int16)
LAWS = [
    pytest.param("ULAW", decode_mulaw, encode_mulaw, id="mulaw"),
    pytest.param("ALAW", decode_alaw, encode_alaw, id="alaw"),
]


@pytest.mark.parametrize(("subtype", "read", "write"), LAWS)
def test_g711_equals_libsndfile(
    subtype: str, read: Callable[[bytes], Pcm16], write: Callable[[Pcm16], bytes]
) -> None:
    raw = {"samplerate": 8000, "channels": 1, "format": "RAW", "subtype": subtype}
    with soundfile.SoundFile(io.BytesIO(EVERY_CODE), "r", **raw) as file:
        assert np.array_equal(read(EVERY_CODE), file.read(dtype="int16"))
    written = io.BytesIO()
    with soundfile.SoundFile(written, "w", **raw) as file:
        file.write(EVERY_SAMPLE)
    assert write(EVERY_SAMPLE) == written.getvalue()


@pytest.mark.parametrize(("subtype", "read", "write"), LAWS)
def test_g711_round_trip_stays_within_a_step(
    subtype: str, read: Callable[[bytes], Pcm16], write: Callable[[Pcm16], bytes]
) -> None:
    error = np.abs(read(write(EVERY_SAMPLE)).astype(int) - EVERY_SAMPLE)
    assert np.all(error <= np.maximum(np.abs(EVERY_SAMPLE.astype(int)) / 16, 16) * 1.01)


def test_decode_takes_every_coding() -> None:
    assert decode("pcm16", b"\x01\x00\xff\xff").tolist() == [1, -1]
    assert decode("mulaw", b"\xff\x00").tolist() == [0, -32124]
    assert decode("alaw", b"\xd5\x2a").tolist() == [8, -32256]


def test_decode_refuses_what_cannot_be_audio() -> None:
    with pytest.raises(CodecError, match="3 bytes cannot be 16 bit samples"):
        decode_pcm16(b"abc")
    with pytest.raises(CodecError, match="opus"):
        decode("opus", b"")  # type: ignore[arg-type]


def test_zero_bytes_are_zero_samples() -> None:
    assert [len(decode(codec, b"")) for codec in ("pcm16", "mulaw", "alaw")] == [0, 0, 0]


def test_floats_and_samples_convert_both_ways() -> None:
    assert np.array_equal(to_pcm16(to_float(EVERY_SAMPLE)), EVERY_SAMPLE)
    loud = np.array([2.0, -2.0, np.nan, np.inf, -np.inf])
    assert to_pcm16(loud).tolist() == [32767, -32768, 0, 32767, -32768]
