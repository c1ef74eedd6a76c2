"""Recorded calls: a sound file's channels as the parties of a call, packet by packet.

Reads what libsndfile reads: WAV with PCM of 8 to 32 bits, float, G.711 µ-law and A-law, and FLAC
and others as well. Bad files raise :class:`AudioFileError`, which says what to do.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import soundfile

from asr.audio.codec import to_pcm16
from asr.audio.resample import RateError, check_rate
from asr.events import AudioFrame, CallId, Party

_UNKNOWN_LENGTHS = (0, 0xFFFFFFFF, 0x7FFFFFFF)
"""What programs that write into a pipe put for a length they do not know yet."""


class AudioFileError(Exception):
    """A file cannot be heard. ``code`` is for programs, the message for people."""

    def __init__(self, path: Path, code: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class AudioFile:
    """A recording that can be read."""

    path: Path
    rate_hz: int
    parties: tuple[Party, ...]
    """One party per channel, in channel order."""
    frames: int
    """Samples per channel."""
    warning: str | None
    """What is wrong with the file although it can be read, e.g. that its end is missing."""

    @property
    def duration_ms(self) -> int:
        """Length in ms."""
        return self.frames * 1000 // self.rate_hz


def parse_parties(names: str) -> tuple[Party, ...]:
    """``agent,customer`` as parties. Raises :class:`ValueError` for a wrong or double name."""
    parties = []
    for name in names.split(","):
        try:
            parties.append(Party(name.strip()))
        except ValueError:
            known = ", ".join(Party)
            raise ValueError(f"{name.strip()!r} is no party; use {known}") from None
    if len(parties) > 2:
        raise ValueError("a recording has one or two channels; name at most two parties")
    if len(set(parties)) < len(parties):
        raise ValueError(f"both channels cannot be {parties[0]}; name two different parties")
    return tuple(parties)


def open_audio(path: Path, parties: Sequence[Party] | None = None) -> AudioFile:
    """Look at a file's header. Without ``parties``: two channels are agent and customer, one is
    unknown (mixed). Raises :class:`AudioFileError`.
    """
    header = _read_header(path)
    # The header is looked at first: libsndfile has one message for all that is wrong with it.
    if header:
        _check(path, header.channels, header.rate_hz)
    try:
        with soundfile.SoundFile(path) as sound:
            channels, rate_hz, frames = sound.channels, sound.samplerate, sound.frames
    except soundfile.LibsndfileError as error:
        if header and header.missing:
            raise _truncated(path) from error
        raise AudioFileError(
            path,
            "not_audio",
            f"not a sound file that can be read ({error.error_string.rstrip('.')}); "
            "give a WAV file, or convert it with: sox FILE OUT.wav",
        ) from error
    _check(path, channels, rate_hz)
    if frames <= 0:
        if header and header.missing:
            raise _truncated(path)
        raise AudioFileError(path, "empty", "holds no sound: a header without samples")
    return AudioFile(
        path=path,
        rate_hz=rate_hz,
        parties=_parties(path, channels, parties),
        frames=frames,
        warning=(
            f"the end is missing: {header.missing} bytes of sound announced were not written; "
            f"the first {frames / rate_hz:.1f} s are used"
            if header and header.missing
            else None
        ),
    )


def packets(call: CallId, file: AudioFile, ms: int = 20) -> Iterator[AudioFrame]:
    """The sound as a softphone would send it: every ``ms``, one packet per party in turn.

    Raises :class:`AudioFileError` where the file breaks off or turns out to be damaged.
    """
    step = max(1, file.rate_hz * ms // 1000)
    # Reading a second at a time keeps long recordings out of memory.
    block = step * max(1, 1000 // ms)
    start = 0
    try:
        with soundfile.SoundFile(file.path) as sound:
            while len(part := sound.read(block, dtype="float32", always_2d=True)):
                samples = to_pcm16(part)
                for first in range(0, len(samples), step):
                    for channel, party in enumerate(file.parties):
                        pcm16 = samples[first : first + step, channel].astype("<i2").tobytes()
                        yield AudioFrame(call, party, start + first, pcm16)
                start += len(samples)
    except soundfile.LibsndfileError as error:
        raise AudioFileError(
            file.path,
            "damaged",
            f"cannot be read on after {start / file.rate_hz:.1f} s "
            f"({error.error_string.rstrip('.')}); copy the file again",
        ) from error


def _parties(path: Path, channels: int, parties: Sequence[Party] | None) -> tuple[Party, ...]:
    if parties is None:
        return (Party.AGENT, Party.CUSTOMER) if channels == 2 else (Party.UNKNOWN,)
    if len(parties) != channels:
        named = "one party is" if len(parties) == 1 else f"{len(parties)} parties are"
        has = "one channel" if channels == 1 else f"{channels} channels"
        raise AudioFileError(
            path, "parties", f"{named} named but the file has {has}; name one party per channel"
        )
    return tuple(parties)


def _check(path: Path, channels: int, rate_hz: int) -> None:
    if channels not in (1, 2):
        raise AudioFileError(
            path,
            "channels",
            f"has {channels} channels; a call has one (mixed) or two (agent, customer): "
            "pick them with, e.g., sox FILE OUT.wav remix 1 2",
        )
    try:
        check_rate(rate_hz)
    except RateError as error:
        raise AudioFileError(path, "rate", str(error)) from error


def _truncated(path: Path) -> AudioFileError:
    return AudioFileError(
        path, "truncated", "ends within its header: there is no sound; copy the file again"
    )


@dataclass(frozen=True, slots=True)
class _Header:
    """The facts of a RIFF header that libsndfile does not tell when it refuses a file."""

    channels: int
    rate_hz: int
    missing: int
    """Bytes of sound that are announced but not there."""


def _read_header(path: Path) -> _Header | None:
    """None if this is not a RIFF WAV file. Raises :class:`AudioFileError`."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            return _riff(path, file, size)
    except FileNotFoundError:
        raise AudioFileError(path, "missing", "there is no such file") from None
    except IsADirectoryError:
        raise AudioFileError(path, "not_audio", "is a folder; name the files in it") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise AudioFileError(path, "unreadable", f"cannot be read: {reason}") from error


def _riff(path: Path, file: BinaryIO, size: int) -> _Header | None:
    if not size:
        raise AudioFileError(path, "empty", "is empty (0 bytes)")
    riff = file.read(12)
    if riff[:4] != b"RIFF" or (len(riff) == 12 and riff[8:] != b"WAVE"):
        return None
    channels = rate_hz = 0
    while len(head := file.read(8)) == 8:
        name, length = head[:4], struct.unpack("<I", head[4:])[0]
        if name == b"data" and rate_hz:
            there = size - file.tell()
            known = length not in _UNKNOWN_LENGTHS
            return _Header(channels, rate_hz, max(0, length - there) if known else 0)
        if name == b"fmt ":
            facts = file.read(length)
            if len(facts) < 16:
                break
            channels, rate_hz = struct.unpack("<HI", facts[2:8])
            if not rate_hz:
                _check(path, 1, rate_hz)
        else:
            file.seek(length, 1)
        file.seek(length % 2, 1)
    raise _truncated(path)
