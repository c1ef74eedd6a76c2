"""Recordings: every usual coding is read the same, every bad file says what to do."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.audio.wavfile import AudioFile, AudioFileError, open_audio, packets, parse_parties
from asr.events import CallId, Party

A, C, U = Party.AGENT, Party.CUSTOMER, Party.UNKNOWN
CALL = CallId("c-1")


def write(
    path: Path, seconds: float = 0.5, rate: int = 8000, channels: int = 1, **how: str
) -> Path:
    t = np.arange(round(seconds * rate)) / rate
    sound = np.stack([0.3 * np.sin(2 * np.pi * 300 * (c + 1) * t) for c in range(channels)], axis=1)
    soundfile.write(path, sound, rate, **how)
    return path


def heard(file: AudioFile, party: Party, ms: int = 20) -> np.ndarray:
    own = (frame.pcm16 for frame in packets(CALL, file, ms) if frame.party is party)
    return np.frombuffer(b"".join(own), "<i2")


@pytest.mark.parametrize(
    "subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"]
)
def test_every_coding_is_read(tmp_path: Path, subtype: str) -> None:
    plain = heard(open_audio(write(tmp_path / "plain.wav")), U).astype(int)
    coded = heard(open_audio(write(tmp_path / "coded.wav", subtype=subtype)), U).astype(int)
    allowed = {"PCM_U8": 260, "ULAW": 330, "ALAW": 330}.get(subtype, 2)
    assert np.abs(plain - coded).max() <= allowed


@pytest.mark.parametrize("rate", [4000, 8000, 11025, 16000, 44100, 48000, 192000])
def test_every_usual_rate_is_read(tmp_path: Path, rate: int) -> None:
    file = open_audio(write(tmp_path / "a.wav", rate=rate))
    assert (file.rate_hz, file.frames, file.duration_ms) == (
        rate,
        rate // 2,
        rate // 2 * 1000 // rate,
    )
    assert len(heard(file, U)) == file.frames


def test_two_channels_are_agent_and_customer(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", channels=2)
    as_is, swapped = open_audio(path), open_audio(path, parse_parties("customer,agent"))
    assert as_is.parties == (A, C)
    assert np.array_equal(heard(as_is, A), heard(swapped, C))
    assert not np.array_equal(heard(as_is, A), heard(as_is, C))


def test_one_channel_is_mixed_unless_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav")
    assert open_audio(path).parties == (U,)
    assert open_audio(path, [A]).parties == (A,)


@pytest.mark.parametrize("ms", [10, 20, 60, 1000, 3000])
def test_packets_are_in_order_and_without_holes(tmp_path: Path, ms: int) -> None:
    file = open_audio(write(tmp_path / "a.wav", seconds=2.51, channels=2))
    expected = {A: 0, C: 0}
    last = -1
    for frame in packets(CALL, file, ms):
        assert frame.start_sample == expected[frame.party] >= last
        last = frame.start_sample
        expected[frame.party] += len(frame.pcm16) // 2
        assert len(frame.pcm16) <= 2 * file.rate_hz * ms // 1000
    assert expected == {A: file.frames, C: file.frames}


def test_other_formats_are_read_too(tmp_path: Path) -> None:
    assert open_audio(write(tmp_path / "a.flac")).frames == 4000


def test_floats_that_are_no_numbers_are_silence(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.array([np.nan, np.inf, 0.5, 9.0]), 8000, subtype="FLOAT")
    assert heard(open_audio(tmp_path / "a.wav"), U).tolist() == [0, 32767, 16384, 32767]


# --- bad files -----------------------------------------------------------------------------------


def riff(
    channels: int = 1, rate: int = 8000, data: bytes = b"\0" * 320, announced: int | None = None
) -> bytes:
    facts = struct.pack(
        "<HHIIHH", 1, channels, rate, rate * channels * 2 & 0xFFFFFFFF, channels * 2, 16
    )
    length = len(data) if announced is None else announced
    body = (
        b"WAVE"
        + b"fmt "
        + struct.pack("<I", 16)
        + facts
        + b"data"
        + struct.pack("<I", length)
        + data
    )
    return b"RIFF" + struct.pack("<I", len(body) & 0xFFFFFFFF) + body


BAD: dict[str, tuple[bytes, str, str]] = {
    "empty": (b"", "empty", "is empty (0 bytes)"),
    "text": (b"hello, this is a text file\n" * 20, "not_audio", "give a WAV file"),
    "noise": (np.random.default_rng(0).bytes(4000), "not_audio", "give a WAV file"),
    "no channels": (riff(channels=0), "channels", "has 0 channels"),
    "seven channels": (riff(channels=7, data=b"\0" * 1400), "channels", "has 7 channels"),
    "no rate": (riff(rate=0), "rate", "0 Hz is no sample rate"),
    "slow rate": (riff(rate=10), "rate", "10 Hz is no sample rate"),
    "fast rate": (riff(rate=200_000), "rate", "200000 Hz is no sample rate"),
    "no samples": (riff(data=b""), "empty", "holds no sound"),
    "only half a header": (riff()[:20], "truncated", "ends within its header"),
    "only a header": (riff(data=b"", announced=320), "truncated", "ends within its header"),
    "four bytes": (b"RIFF", "truncated", "ends within its header"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_file_says_what_is_wrong(tmp_path: Path, name: str) -> None:
    content, code, message = BAD[name]
    path = tmp_path / "bad.wav"
    path.write_bytes(content)
    with pytest.raises(AudioFileError) as raised:
        open_audio(path)
    assert raised.value.code == code
    assert message in str(raised.value)
    assert str(path) in str(raised.value)


def test_missing_file_and_folder_say_so(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match="there is no such file"):
        open_audio(tmp_path / "nope.wav")
    with pytest.raises(AudioFileError, match="is a folder"):
        open_audio(tmp_path)


def test_file_without_its_end_is_read_up_to_there(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.wav", seconds=2)
    cut = tmp_path / "cut.wav"
    cut.write_bytes(whole.read_bytes()[: 44 + 16_001])
    file = open_audio(cut)
    assert file.warning is not None
    assert (
        "15999 bytes of sound announced were not written; the first 1.0 s are used" in file.warning
    )
    assert np.array_equal(heard(file, U), heard(open_audio(whole), U)[:8000])


@pytest.mark.parametrize("announced", [0, 0xFFFFFFFF])
def test_unknown_length_of_a_pipe_is_no_warning(tmp_path: Path, announced: int) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(riff(data=b"\1\0" * 800, announced=announced))
    if announced:
        file = open_audio(path)
        assert (file.warning, file.frames) == (None, 800)


def test_chunks_before_the_sound_are_passed_over(tmp_path: Path) -> None:
    plain = riff(data=b"\1\0" * 80)
    extra = b"LIST" + struct.pack("<I", 5) + b"INFOx" + b"\0"
    path = tmp_path / "a.wav"
    path.write_bytes(plain[:12] + extra + plain[12:])
    assert open_audio(path).frames == 80


def test_damage_in_the_middle_is_told_when_it_is_met(tmp_path: Path) -> None:
    path = write(tmp_path / "a.flac", seconds=30)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = b"\xff" * 100
    path.write_bytes(content)
    file = open_audio(path)
    got = 0
    with pytest.raises(AudioFileError, match=r"cannot be read on after \d+\.\d s"):  # noqa: PT012
        for frame in packets(CALL, file):
            got += len(frame.pcm16)
    assert got > 0


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("agent,boss", "'boss' is no party; use agent, customer, unknown"),
        ("agent,agent", "both channels cannot be agent"),
        ("agent,customer,unknown", "at most two parties"),
        ("", "'' is no party"),
    ],
)
def test_wrong_party_names_are_refused(names: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_parties(names)


def test_parties_have_to_match_the_channels(tmp_path: Path) -> None:
    mono, stereo = write(tmp_path / "m.wav"), write(tmp_path / "s.wav", channels=2)
    with pytest.raises(AudioFileError, match="2 parties are named but the file has one channel"):
        open_audio(mono, [C, A])
    with pytest.raises(AudioFileError, match="one party is named but the file has 2 channels"):
        open_audio(stereo, [A])
