"""The binary header, the codings, and one or all channels in a packet."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.audio.codec import encode_alaw, encode_mulaw
from asr.events import Party
from server.ingest.packet import ALL_CHANNELS, PacketReader, write
from server.refusals import Refusal

BOTH = (Party.CUSTOMER, Party.AGENT)
LEFT = np.array([100, -200, 300], "<i2")
RIGHT = np.array([-4, 5, -6], "<i2")
STEREO = np.stack([LEFT, RIGHT], axis=1).reshape(-1)


def test_splits_interleaved_audio_in_the_order_of_the_parties() -> None:
    reader = PacketReader(BOTH, "pcm16", 8_000)
    assert reader.read(write(ALL_CHANNELS, 7, STEREO.tobytes())) == (
        7,
        [(Party.CUSTOMER, LEFT.tobytes()), (Party.AGENT, RIGHT.tobytes())],
    )


def test_takes_one_channel_alone() -> None:
    reader = PacketReader(BOTH, "pcm16", 8_000)
    assert reader.read(write(1, 0, RIGHT.tobytes())) == (0, [(Party.AGENT, RIGHT.tobytes())])


@pytest.mark.parametrize(("codec", "encode"), [("mulaw", encode_mulaw), ("alaw", encode_alaw)])
def test_decodes_telephone_codings(codec: str, encode) -> None:  # type: ignore[no-untyped-def]
    reader = PacketReader((Party.UNKNOWN,), codec, 8_000)  # type: ignore[arg-type]
    _, [(_, pcm16)] = reader.read(write(0, 0, encode(LEFT)))
    heard = np.frombuffer(pcm16, "<i2")
    assert np.abs(heard - LEFT).max() <= 16


def test_takes_a_second_but_not_more() -> None:
    reader = PacketReader((Party.UNKNOWN,), "pcm16", 8_000)
    reader.read(write(0, 0, bytes(16_000)))
    with pytest.raises(Refusal) as refused:
        reader.read(write(0, 0, bytes(16_002)))
    assert refused.value.code == "too_large"


@given(st.binary(max_size=64))
def test_never_breaks_on_garbage(message: bytes) -> None:
    reader = PacketReader(BOTH, "mulaw", 8_000)
    with contextlib.suppress(Refusal):
        start, parts = reader.read(message)
        assert 0 <= start < 2**64
        assert {party for party, _ in parts} <= set(BOTH)
