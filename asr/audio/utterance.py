"""Where one party's speech begins and ends: 16 kHz sound in, utterances out.

Pure: no clock, no input or output. Decisions are made every 512 samples, counted from the first,
so that the packets in which the sound came cannot change them.
"""

from __future__ import annotations

from collections import deque
from typing import Literal

import numpy as np

from asr.audio.actions import Action, Begin, CutterConfig, End, NotSpeech, Speech
from asr.audio.codec import Samples
from asr.audio.crosstalk import Ear
from asr.audio.gate import Gate, Loudness
from asr.audio.together import Asking, alone
from asr.audio.tones import Listener
from asr.audio.vad import HOP, VoiceActivity, VoiceNetwork

__all__ = ["Action", "Begin", "CutterConfig", "End", "NotSpeech", "Speech", "UtteranceCutter"]

_HOP_MS = 32
_PER_MS = 16
_WARM_UP = 8
"""Pieces from before that the network hears when it wakes; with two it missed soft beginnings."""


class UtteranceCutter:
    """Cuts one party's 16 kHz sound into utterances.

    A cheap gate looks at every piece; the voice network hears only what is loud, and all of an
    open utterance. Three voiced pieces of five (96 ms) open an utterance. It ends after a pause
    of :attr:`hangover_ms`, which follows the speaker: nine of ten pauses that the speaker goes on
    after are shorter (stochastic approximation of the quantile, Robbins and Monro 1951).

    With an ``ear`` on the other party, that one's voice leaking into this channel opens nothing.
    """

    def __init__(
        self,
        config: CutterConfig | None = None,
        start_sample: int = 0,
        network: VoiceNetwork | None = None,
        ear: Ear | None = None,
    ) -> None:
        self._config = config or CutterConfig()
        self._position = start_sample
        self._rest: Samples = np.zeros(0, np.float32)
        self._gate = Gate()
        self._voice = VoiceActivity(network)
        self._ear = ear
        self._other = Listener()
        # Pieces before the present one: enough for the onset window, the pre-roll, and the time
        # that it can take to tell a voice from a leaking one.
        past = 5 + -(-self._config.preroll_ms // _HOP_MS) + (Ear.LONGEST_HOPS if ear else 0)
        self._past: deque[tuple[Samples, bool]] = deque(maxlen=past)
        self._voiced: deque[bool] = deque(maxlen=5)
        self._candidate: int | None = None
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
        return alone(self.taking(samples))

    def taking(self, samples: Samples) -> Asking[list[Action]]:
        """:meth:`push`, stopping where the voice network is needed."""
        if self._ended:
            raise RuntimeError("sound was pushed into a cutter after its end")
        sound = np.concatenate((self._rest, samples)) if len(self._rest) else samples
        actions: list[Action] = []
        whole = len(sound) - len(sound) % HOP
        for first in range(0, whole, HOP):
            yield from self._hear(sound[first : first + HOP], HOP, actions)
        self._rest = sound[whole:]
        return actions

    def gap(self, next_sample: int) -> list[Action]:
        """Sound is missing; what comes next is sample ``next_sample``. Ends an open utterance."""
        actions = self._finish("gap")
        self._position = self._end_sample = next_sample
        self._past.clear()
        self._voiced.clear()
        self._candidate = None
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
            alone(self._hear(np.pad(self._rest, (0, HOP - count)), count, actions))
            self._rest = np.zeros(0, np.float32)
        if self._open:
            actions.append(self._close(why))
        if mark := self._other.stop():
            actions.append(mark)
        return actions

    def _hear(self, hop: Samples, count: int, actions: list[Action]) -> Asking[None]:
        """Decide on one piece, whose first ``count`` samples are real."""
        loudness = self._gate.hear(hop)
        voice = yield from self._ask(hop, loudness)
        start = self._position
        self._position += count
        if self._ear:
            self._ear.hear(hop, start)
        self._past.append((hop[:count], loudness.loud))
        if self._open:
            actions.append(Speech(start, hop[:count]))
            self._listen(loudness, voice)
            if why := self._over(loudness):
                actions.append(self._close(why))
            return
        self._voiced.append(voice >= self._config.onset_probability)
        if mark := self._other.hear(hop, start, loudness.loud and not any(self._voiced)):
            actions.append(mark)
        if sum(self._voiced) >= self._config.onset_hops:
            self._consider(loudness, actions)
        elif not any(self._voiced):
            self._candidate = None

    def _consider(self, loudness: Loudness, actions: list[Action]) -> None:
        """Somebody speaks. Begin, unless it is the other party, or that is not clear yet."""
        if self._candidate is None:
            # The onset is the first voiced piece among those that count.
            back = len(self._voiced) - list(self._voiced).index(True)
            pieces = list(self._past)[-back:]
            self._candidate = self._position - sum(len(samples) for samples, _ in pieces)
        whose = self._ear.judge(self._candidate, self._position) if self._ear else "own"
        if whose == "own":
            if mark := self._other.stop():
                actions.append(mark)
            self._begin(self._candidate, loudness, actions)
        elif whose == "leak":
            actions.append(NotSpeech(self._candidate, self._position, "crosstalk"))
        if whose != "unclear":
            self._voiced.clear()
            self._candidate = None

    def _ask(self, hop: Samples, loudness: Loudness) -> Asking[float]:
        """The network's verdict, 0 where it need not be asked."""
        if loudness.loud or self._open:
            if not self._awake:
                # Waking up: let it hear what came just before.
                self._voice.reset()
                for past, _ in list(self._past)[-_WARM_UP:]:
                    if len(past) == HOP:
                        yield self._voice, past
            self._awake = 6
        elif self._awake:
            self._awake -= 1
        if not self._awake:
            return 0.0
        voice = yield self._voice, hop
        self._gate.teach(loudness, voice)
        return voice

    def _begin(self, onset: int, loudness: Loudness, actions: list[Action]) -> None:
        config = self._config
        pieces = list(self._past)
        held = np.concatenate([samples for samples, _ in pieces])
        held_from = self._position - len(held)
        start, at = onset, self._position
        for samples, loud in reversed(pieces):
            at -= len(samples)
            if at < onset:
                if not loud:
                    break
                start = at
        start = max(start, onset - config.preroll_ms * _PER_MS)
        start = min(start, onset - config.least_preroll_ms * _PER_MS)
        start = max(start, held_from, self._end_sample)
        if onset - self._spoken_sample < 1000 * _PER_MS:
            self._learn((onset - self._spoken_sample) / _PER_MS)
        self._open = True
        self._begin_sample = start
        self._spoken_sample = self._position
        self._peak_db = max(loudness.first_db, loudness.second_db)
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
