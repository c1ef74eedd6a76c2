"""Mandarin speech from espeak-ng, in process, with the exact time of every character.

Three things to know:

* The voice is `cmn-latn-pinyin`, fed with pinyin. espeak-ng's plain `cmn` voice reads most Hanzi as
  English letter names, so it must never be used.
* Pinyin comes from pypinyin, which knows words (银行 is yin hang). Benchmarks and training share
  this file, so they share its polyphones.
* espeak reports when each syllable starts and ends. Training aligns nothing: it reads these times.

    spoken = say("您好，请问有什么可以帮您", Voice("f2", rate=170))
    spoken.samples   # float32, 16 kHz, |x| <= 1
    spoken.text      # 您好请问有什么可以帮您
    spoken.times     # ((0.0, 182.0), ...) milliseconds, one pair for every character of text

A comma is a short pause, a full stop a longer one; neither is part of the text that comes back.

espeak's noise generator runs on from call to call. The same calls in the same order in a fresh
process give the same samples; the same call twice gives other breath noise and times equal to a millisecond or two.
"""

from __future__ import annotations

import ctypes
import functools
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.signal import resample_poly

Samples = npt.NDArray[np.float32]

SAMPLE_RATE_HZ = 16_000

#: Variants that training may hear.
TRAINING_VARIANTS = (
    *("f1", "f2", "f3", "f5", "m1", "m2", "m3", "m4", "m5", "m6", "m8"),
    *("klatt", "klatt2", "klatt3", "klatt4", "Annie", "steph", "steph2", "steph3", "zac"),
    *("belinda", "adam", "ed", "edward", "john", "david", "paul", "robert", "sandro", "pablo"),
    *("marcelo", "max", "michel", "miguel", "quincy", "shelby", "travis", "victor", "caleb"),
    *("boris", "anika", "Alicia", "Andrea", "Andy", "Alex", "Gene", "Hugo", "Jacky", "Lee"),
    *("Marco", "Mario", "Michael", "Mike", "Denis", "Diogo", "Henrique", "norbert"),
    *("gustave", "iven", "aunty", "grandma"),
)
#: Variants for choosing settings (model, beam, language model), not trained on.
DEV_VARIANTS = ("antonio", "benjamin", "pedro", "rob")
#: Variants kept out of training: accuracy is measured with these.
WITHHELD_VARIANTS = ("f4", "m7", "linda")

_SHORT_PAUSE = set(",，、；;：:")
_LONG_PAUSE = set(".。！!？?")


class VoiceError(RuntimeError):
    """espeak-ng is missing or could not speak the text; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Voice:
    """How to speak. `variant` is one of espeak-ng's voice variants, such as f2, m3 or klatt."""

    variant: str = "f2"
    rate: int = 175  # espeak words per minute; 130 is slow, 240 fast
    pitch: int = 50  # 0..99
    pitch_range: int = 50  # 0 is monotone, 99 sings


@dataclass(frozen=True, slots=True)
class Spoken:
    """Speech at 16 kHz, peak normalised to 1, and where each character lies in it."""

    samples: Samples
    text: str  # the Hanzi only
    times: tuple[tuple[float, float], ...]  # (start_ms, end_ms) of every character of text
    syllables: tuple[str, ...]  # pinyin with a tone digit, one for every character of text


def say(text: str, voice: Voice | None = None) -> Spoken:
    """Speak Hanzi and pause marks. Safe to call from several threads."""
    return _espeak().say(text, voice or Voice())


@dataclass(frozen=True, slots=True)
class Pronunciation:
    """What espeak is given: pinyin, and the offset in it of every character's syllable."""

    pinyin: str
    characters: str
    syllables: tuple[str, ...]
    offsets: tuple[int, ...]


def pronounce(text: str) -> Pronunciation:
    """Turn Hanzi and pause marks into espeak's pinyin."""
    from pypinyin import Style, lazy_pinyin

    pinyin, characters = "", ""
    syllables: list[str] = []
    offsets: list[int] = []
    for clause, pause in _clauses(text):
        spelled = lazy_pinyin(clause, style=Style.TONE3, neutral_tone_with_five=True)
        if len(spelled) != len(clause):
            raise VoiceError(f"only Hanzi and pause marks can be spoken, got {clause!r}")
        for syllable in spelled:
            syllable = syllable if syllable[-1].isdigit() else syllable + "5"
            offsets.append(len(pinyin))
            syllables.append(syllable)
            pinyin += syllable + " "
        characters += clause
        pinyin += pause
    return Pronunciation(pinyin.rstrip(" ,."), characters, tuple(syllables), tuple(offsets))


def _clauses(text: str) -> list[tuple[str, str]]:
    """Split at pause marks: (Hanzi, the pause that follows)."""
    clauses: list[tuple[str, str]] = []
    clause = ""
    for character in text:
        if character.isspace():
            continue
        pause = ", " if character in _SHORT_PAUSE else ". " if character in _LONG_PAUSE else ""
        if not pause:
            if not "\u4e00" <= character <= "\u9fff":
                raise VoiceError(
                    f"{character!r} in {text!r} is not Hanzi; write digits as they are spoken "
                    "(一二三) and leave out Latin letters"
                )
            clause += character
        elif clause:
            clauses.append((clause, pause))
            clause = ""
    if clause:
        clauses.append((clause, ""))
    if not clauses:
        raise VoiceError(f"nothing to say in {text!r}")
    return clauses


# --- libespeak-ng through ctypes -------------------------------------------------------------------

_SYNCHRONOUS = 2
_PHONEME_EVENTS = 1
_UTF8 = 1
_RATE, _PITCH, _RANGE = 1, 3, 4
_EVENT_WORD, _EVENT_PHONEME = 1, 7
_PAUSES = (b"_|", b"_:", b"_")


class _EventId(ctypes.Union):
    _fields_ = (
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_char * 8),
    )


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_id", ctypes.c_uint),
        ("position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


class _Espeak:
    """One loaded library. It holds global state, so a lock lets one caller in at a time."""

    def __init__(self) -> None:
        try:
            self._lib = ctypes.CDLL("libespeak-ng.so.1")
        except OSError as error:
            raise VoiceError(
                "libespeak-ng.so.1 was not found; install espeak-ng (apt install espeak-ng)"
            ) from error
        self._lock = threading.Lock()
        self._pieces: list[npt.NDArray[np.int16]] = []
        self._events: list[tuple[int, int, int, bytes]] = []
        signature = ctypes.CFUNCTYPE(
            ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
        )
        self._callback = signature(self._collect)  # kept alive: the library only borrows it
        self._rate_hz = int(self._lib.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONEME_EVENTS))
        self._lib.espeak_SetSynthCallback(self._callback)
        self._variant = ""

    def _collect(self, wave: Any, count: int, events: Any) -> int:
        if wave and count > 0:
            self._pieces.append(np.ctypeslib.as_array(wave, (count,)).copy())
        index = 0
        while events[index].type:
            event = events[index]
            name = ctypes.string_at(ctypes.addressof(event.id), 8).split(b"\0")[0]
            self._events.append((event.type, event.position, event.ms, name))
            index += 1
        return 0

    def say(self, text: str, voice: Voice) -> Spoken:
        spoken = pronounce(text)
        with self._lock:
            raw, events = self._synthesise(spoken.pinyin, voice)
        starts_and_ends = _syllable_times(events, int(len(raw) * 1000 / self._rate_hz))
        missing = [o for o in spoken.offsets if o not in starts_and_ends]
        if missing:
            raise VoiceError(f"espeak-ng joined syllables of {text!r}; it cannot be aligned")
        divisor = np.gcd(SAMPLE_RATE_HZ, self._rate_hz)
        wave = resample_poly(
            raw.astype(np.float32), SAMPLE_RATE_HZ // divisor, self._rate_hz // divisor
        ).astype(np.float32)
        wave /= float(np.abs(wave).max()) + 1e-6
        times = tuple(starts_and_ends[offset] for offset in spoken.offsets)
        return Spoken(wave, spoken.characters, times, spoken.syllables)

    def _synthesise(
        self, pinyin: str, voice: Voice
    ) -> tuple[npt.NDArray[np.int16], list[tuple[int, int, int, bytes]]]:
        if voice.variant != self._variant:
            name = f"cmn-latn-pinyin+{voice.variant}"
            if self._lib.espeak_SetVoiceByName(name.encode()) != 0:
                raise VoiceError(f"espeak-ng has no voice {name!r}")
            self._variant = voice.variant
        for parameter, value in (
            (_RATE, voice.rate),
            (_PITCH, voice.pitch),
            (_RANGE, voice.pitch_range),
        ):
            self._lib.espeak_SetParameter(parameter, value, 0)
        self._pieces.clear()
        self._events.clear()
        text = pinyin.encode()
        self._lib.espeak_Synth(text, len(text) + 1, 0, 1, 0, _UTF8, None, None)
        if not self._pieces:
            raise VoiceError(f"espeak-ng said nothing for {pinyin!r}")
        return np.concatenate(self._pieces), list(self._events)


def _syllable_times(
    events: Sequence[tuple[int, int, int, bytes]], total_ms: int
) -> dict[int, tuple[float, float]]:
    """Offset of a syllable in the pinyin -> (start, end). A syllable ends at the pause after it."""
    spans: list[list[float]] = []
    for kind, position, ms, name in events:
        if kind == _EVENT_WORD:
            if spans and spans[-1][2] < 0:
                spans[-1][2] = ms
            spans.append([position - 1, ms, -1])
        elif kind == _EVENT_PHONEME and name in _PAUSES and spans and spans[-1][2] < 0:
            spans[-1][2] = ms
    return {int(p): (float(s), float(e if e >= 0 else total_ms)) for p, s, e in spans}


@functools.cache
def _espeak() -> _Espeak:
    return _Espeak()
