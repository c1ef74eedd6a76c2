"""Where one party's speech begins and ends: 16 kHz sound in, utterances out.

Pure: no clock, no input or output. Decisions are made every 512 samples, counted from the first,
so that the packets in which the sound came cannot change them.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

import numpy as np

from asr.audio.codec import Samples
from asr.audio.gate import Gate, Loudness
from asr.audio.vad import HOP, VoiceActivity, VoiceNetwork

_HOP_MS = 32
_PER_MS = 16
_WARM_UP = 8
"""Pieces from before that the network hears when it wakes; with two it missed soft beginnings."""


@dataclass(frozen=True, slots=True)
class CutterConfig:
    """When an utterance begins and ends. Times in ms."""

    onset_probability: float = 0.5
    """The network's verdict from which a piece counts as voice while nobody speaks."""
    stay_probability: float = 0.35
    """The same inside of an utterance."""
    onset_hops: int = 3
    """Voiced pieces of 32 ms among the last five that open an utterance."""
    least_preroll_ms: int = 200
    """Sound before the onset that belongs to the utterance: soft first consonants."""
    preroll_ms: int = 480
    """At most so much of it, as long as it is loud: the network is sometimes slow to wake."""
    hangover_ms: int = 400
    """Silence that ends an utterance, before the speaker's own pauses are known."""
    shortest_hangover_ms: int = 250
    longest_hangover_ms: int = 600
    tiring_ms: int = 12_000
    """From here on a shorter pause is enough."""
    long_ms: int = 16_000
    """From here on a dip in level is enough, a shallower one the longer it lasts."""
    longest_ms: int = 20_000
    """Here the utterance is cut, wherever that is."""


@dataclass(frozen=True, slots=True)
class Begin:
    """An utterance has begun; its sound follows."""

    start_sample: int
    """Of the first sound given, pre-roll included."""
    onset_sample: int
    """Where the voice was first heard."""


@dataclass(frozen=True, slots=True)
class Speech:
    """Sound of the open utterance, without holes from ``Begin.start_sample`` to the end."""

    start_sample: int
    samples: Samples


@dataclass(frozen=True, slots=True)
class End:
    """The utterance is over; nothing of it follows."""

    end_sample: int
    """Past the last sound given."""
    spoken_sample: int
    """Past the last voice heard."""
    why: Literal["pause", "long", "gap", "end"]


Action = Begin | Speech | End


class UtteranceCutter:
    """Cuts one party's 16 kHz sound into utterances.

    A cheap gate looks at every piece; the voice network hears only what is loud, and all of an
    open utterance. Three voiced pieces of five (96 ms) open an utterance. It ends after a pause
    of :attr:`hangover_ms`, which follows the speaker: nine of ten pauses that the speaker goes on
    after are shorter (stochastic approximation of the quantile, Robbins and Monro 1951).
    """

    def __init__(
        self,
        config: CutterConfig | None = None,
        start_sample: int = 0,
        network: VoiceNetwork | None = None,
    ) -> None:
        self._config = config or CutterConfig()
        self._position = start_sample
        self._rest: Samples = np.zeros(0, np.float32)
        self._gate = Gate()
        self._voice = VoiceActivity(network)
        # Pieces before the present one: enough for the onset window and the pre-roll.
        past = 5 + -(-self._config.preroll_ms // _HOP_MS)
        self._past: deque[tuple[Samples, bool]] = deque(maxlen=past)
        self._voiced: deque[bool] = deque(maxlen=5)
        self._awake = 0
        self._open = False
        self._begin_sample = start_sample
        self._end_sample = start_sample
        self._spoken_sample = start_sample - 10**9
        self._peak_db = -100.0
        self._hangover_ms = float(self._config.hangover_ms)
        self._ended = False

    @property
    def speaking(self) -> bool:
        """An utterance is open."""
        return self._open

    @property
    def hangover_ms(self) -> float:
        """Silence that ends an utterance of this speaker now."""
        return self._hangover_ms

    @property
    def position(self) -> int:
        """Samples taken so far, counted from the beginning of the call."""
        return self._position + len(self._rest)

    def push(self, samples: Samples) -> list[Action]:
        """Take sound. Raises :class:`asr.audio.gate.SoundError` if it holds NaN or infinity."""
        if self._ended:
            raise RuntimeError("sound was pushed into a cutter after its end")
        sound = np.concatenate((self._rest, samples)) if len(self._rest) else samples
        actions: list[Action] = []
        whole = len(sound) - len(sound) % HOP
        for first in range(0, whole, HOP):
            self._hear(sound[first : first + HOP], HOP, actions)
        self._rest = sound[whole:]
        return actions

    def gap(self, next_sample: int) -> list[Action]:
        """Sound is missing; what comes next is sample ``next_sample``. Ends an open utterance."""
        actions = self._finish("gap")
        self._position = self._end_sample = next_sample
        self._past.clear()
        self._voiced.clear()
        self._awake = 0
        return actions

    def end(self) -> list[Action]:
        """No more sound: ends an open utterance. Idempotent."""
        actions = [] if self._ended else self._finish("end")
        self._ended = True
        return actions

    def _finish(self, why: Literal["gap", "end"]) -> list[Action]:
        actions: list[Action] = []
        if len(self._rest):
            count = len(self._rest)
            self._hear(np.pad(self._rest, (0, HOP - count)), count, actions)
            self._rest = np.zeros(0, np.float32)
        if self._open:
            actions.append(self._close(why))
        return actions

    def _hear(self, hop: Samples, count: int, actions: list[Action]) -> None:
        """Decide on one piece, whose first ``count`` samples are real."""
        loudness = self._gate.hear(hop)
        voice = self._ask(hop, loudness)
        start = self._position
        self._position += count
        if self._open:
            actions.append(Speech(start, hop[:count]))
            self._listen(loudness, voice)
            if why := self._over(loudness):
                actions.append(self._close(why))
            self._past.append((hop[:count], loudness.loud))
            return
        self._past.append((hop[:count], loudness.loud))
        self._voiced.append(voice >= self._config.onset_probability)
        if sum(self._voiced) >= self._config.onset_hops:
            self._begin(loudness, actions)

    def _ask(self, hop: Samples, loudness: Loudness) -> float:
        """The network's verdict, 0 where it need not be asked."""
        if loudness.loud or self._open:
            if not self._awake:
                # Waking up: let it hear what came just before.
                self._voice.reset()
                for past, _ in list(self._past)[-_WARM_UP:]:
                    if len(past) == HOP:
                        self._voice.hear(past)
            self._awake = 6
        elif self._awake:
            self._awake -= 1
        if not self._awake:
            return 0.0
        voice = self._voice.hear(hop)
        self._gate.teach(loudness, voice)
        return voice

    def _begin(self, loudness: Loudness, actions: list[Action]) -> None:
        config = self._config
        # The onset is the first voiced piece among those that count.
        back = len(self._voiced) - list(self._voiced).index(True)
        pieces = list(self._past)
        held = np.concatenate([samples for samples, _ in pieces])
        held_from = self._position - len(held)
        onset = self._position - sum(len(samples) for samples, _ in pieces[-back:])
        start = onset
        for samples, loud in reversed(pieces[:-back]):
            if not loud:
                break
            start -= len(samples)
        start = max(start, onset - config.preroll_ms * _PER_MS)
        start = min(start, onset - config.least_preroll_ms * _PER_MS)
        start = max(start, held_from, self._end_sample)
        if onset - self._spoken_sample < 1000 * _PER_MS:
            self._learn((onset - self._spoken_sample) / _PER_MS)
        self._open = True
        self._begin_sample = start
        self._spoken_sample = self._position
        self._peak_db = max(loudness.first_db, loudness.second_db)
        self._voiced.clear()
        actions.append(Begin(start, onset))
        actions.append(Speech(start, held[start - held_from :]))

    def _listen(self, loudness: Loudness, voice: float) -> None:
        """Move the end of the voice on, if there is one in the piece just taken."""
        level = max(loudness.first_db, loudness.second_db)
        # The network stays sure for some 60 ms after a voice has ended; its level does not.
        audible = max(self._gate.floor_db + 4, self._peak_db - 35)
        if voice < self._config.stay_probability or level < audible:
            return
        self._peak_db = max(level, self._peak_db - 0.1)
        until = self._position - (HOP // 2 if loudness.second_db < audible else 0)
        pause_ms = (self._position - HOP - self._spoken_sample) / _PER_MS
        if pause_ms >= 100:
            self._learn(pause_ms)
        self._spoken_sample = max(until, self._spoken_sample)

    def _learn(self, pause_ms: float) -> None:
        """The speaker went on after this pause: next time, wait long enough in nine of ten."""
        config = self._config
        moved = self._hangover_ms + (54 if pause_ms > self._hangover_ms - 50 else -6)
        self._hangover_ms = min(max(moved, config.shortest_hangover_ms), config.longest_hangover_ms)

    def _over(self, loudness: Loudness) -> Literal["pause", "long"] | None:
        config = self._config
        lasted_ms = (self._position - self._begin_sample) / _PER_MS
        silent_ms = (self._position - self._spoken_sample) / _PER_MS
        hangover = self._hangover_ms
        if lasted_ms >= config.tiring_ms:
            hangover = min(hangover, 160)
        if silent_ms >= hangover:
            return "pause"
        if lasted_ms >= config.longest_ms:
            return "long"
        if lasted_ms >= config.long_ms:
            # What has been given out cannot be taken back, so the quietest place is not looked
            # up afterwards but accepted when it comes, more readily as time runs out.
            part = (lasted_ms - config.long_ms) / (config.longest_ms - config.long_ms)
            floor = self._gate.floor_db + 6
            if max(loudness.first_db, loudness.second_db) < floor + part * (
                self._peak_db - 6 - floor
            ):
                return "long"
        return None

    def _close(self, why: Literal["pause", "long", "gap", "end"]) -> End:
        self._open = False
        self._end_sample = self._position
        return End(self._position, min(self._spoken_sample, self._position), why)
