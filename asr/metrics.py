"""Facts about how people speak on a call: rate, level, pitch, silence, overlap, talk share.

Pure, on audio time. Level and pitch are relative to the speaker's own first 20 to 30 s of speech,
because telephones, microphones and people differ by more than moods do; nothing is said about
them before. Formulas:

- *voiced*: a piece of 32 ms of an open utterance whose level is within 25 dB of the speaker's
  recent peak (the threshold below the speech level of ITU-T P.56 is 15.9 dB; peaks lie some
  9 dB above that level).
- *rate*: characters a minute in the last 8 s of speaking time, which is voiced pieces and the
  gaps of up to 250 ms between them; not below 15 characters.
- *level*: 10 log10 of the mean square of the last 3 s of voiced sound, minus that of the baseline.
- *pitch*: median of the last 3 s of :func:`asr.audio.pitch.pitch_hz` in semitones, minus the
  baseline's median.
- *silence*: whole seconds since the last party stopped speaking, from 2 s on; 0 when it ends.
- *overlap*: seconds in which both parties are voiced, of the one who began later: that one
  interrupts. From 0.5 s on, so that a 嗯 is none; 0 when the overlap is over.
- *talk share*: time between onset and end of a party's utterances, by that of all parties.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from asr.audio.codec import Samples
from asr.audio.pitch import pitch_hz, semitones
from asr.events import CallId, Metric, Party, Transcript

_PIECE = 512
_PIECE_MS = 32
_PER_MS = 16
_PITCH_EVERY = 4
"""Voiced pieces from one estimate of pitch to the next."""
_PAUSE_MS = 250
"""A gap from which on a speaker pauses; shorter ones are closures of consonants (Goldman-Eisler
1968, Psycholinguistics, takes 250 ms)."""


@dataclass(frozen=True, slots=True)
class MeterConfig:
    """Spans of time, in ms."""

    baseline_from_ms: int = 20_000
    """Voiced time after which a speaker's own level and pitch are known."""
    baseline_to_ms: int = 30_000
    """Voiced time after which they stay as they are."""
    recent_ms: int = 3_000
    """Voiced time over which level and pitch are taken."""
    rate_ms: int = 8_000
    """Voiced time over which the rate is taken."""
    rate_characters: int = 15
    """With fewer characters there is no rate."""
    silence_from_ms: int = 2_000
    overlap_from_ms: int = 500
    every_ms: int = 1_000
    """Least audio time between two values of the same measure."""


class SoundMeter:
    """Listens beside the recogniser. Feed it in order of audio; it answers with what changed.

    ``hear`` takes all 16 kHz sound of a party, before ``activity`` tells of what was found in it.
    """

    def __init__(
        self, call: CallId, parties: Sequence[Party], config: MeterConfig | None = None
    ) -> None:
        self._call = call
        self._config = config or MeterConfig()
        self._speakers = {party: _Speaker(party) for party in parties}
        self._quiet_since_ms = 0
        self._silence = 0.0
        self._overlap = _Overlap()

    def hear(self, party: Party, samples: Samples, start_sample: int) -> list[Metric]:
        """Take sound whose first sample is ``start_sample`` of the call. A silent party is free."""
        speaker = self._speakers[party]
        speaker.position = start_sample + len(samples)
        metrics: list[Metric] = []
        if speaker.speaking:
            for at in range(0, len(samples) - _PIECE + 1, _PIECE):
                if speaker.measure(samples[at : at + _PIECE], start_sample + at, self._config):
                    self._both(speaker, start_sample + at, metrics)
            self._tell_sound(speaker, metrics)
        elif not any(s.speaking for s in self._speakers.values()):
            self._tell_silence(metrics)
        return metrics

    def activity(self, party: Party, speaking: bool, at_ms: int) -> list[Metric]:
        """A party began (``at_ms``: the onset) or stopped (``at_ms``: the last voice heard)."""
        speaker = self._speakers[party]
        if speaker.speaking == speaking:
            return []
        metrics: list[Metric] = []
        speaker.speaking = speaking
        if speaking:
            speaker.begin(at_ms)
            if self._silence:
                self._silence = 0.0
                metrics.append(self._metric(Party.UNKNOWN, "silence", 0.0))
        else:
            speaker.spoken_ms += max(at_ms - speaker.since_ms, 0)
            self._quiet_since_ms = max(self._quiet_since_ms, at_ms)
            self._overlap_ends(metrics)
        metrics.append(self._metric(party, "speaking", float(speaking)))
        if not speaking:
            self._tell_shares(metrics)
        return metrics

    def read(self, transcript: Transcript) -> list[Metric]:
        """A revision of what a party said: how fast it is said."""
        speaker = self._speakers[transcript.party]
        speaker.read(transcript)
        rate = speaker.rate(transcript.end_ms, self._config)
        metrics: list[Metric] = []
        if rate is not None and abs(rate - speaker.given("rate")) >= 5:
            self._tell(speaker, "rate", float(round(rate)), metrics)
        return metrics

    def _tell_sound(self, speaker: _Speaker, metrics: list[Metric]) -> None:
        if speaker.voiced % 8:
            return  # four times a second is often enough to look
        level = speaker.level(self._config)
        if level is not None and abs(level - speaker.given("level")) >= 1:
            self._tell(speaker, "level", round(level, 1), metrics)
        pitch = speaker.pitch(self._config)
        if pitch is not None and abs(pitch - speaker.given("pitch")) >= 1:
            self._tell(speaker, "pitch", round(pitch, 1), metrics)

    def _tell_silence(self, metrics: list[Metric]) -> None:
        # The party that is behind decides: it may have spoken in what has not come yet.
        until_ms = min(s.position for s in self._speakers.values()) // _PER_MS
        lasted_ms = until_ms - self._quiet_since_ms
        seconds = float(lasted_ms // 1000)
        if lasted_ms >= self._config.silence_from_ms and seconds > self._silence:
            self._silence = seconds
            metrics.append(self._metric(Party.UNKNOWN, "silence", seconds))

    def _both(self, speaker: _Speaker, start_sample: int, metrics: list[Metric]) -> None:
        """Two voices in the same piece: the later speaker talks over the earlier one."""
        piece = start_sample // _PIECE
        others = (s for s in self._speakers.values() if s is not speaker and s.speaking)
        for other in others:
            if piece in other.pieces:
                later = speaker if speaker.since_ms >= other.since_ms else other
                overlap = self._overlap
                overlap.by, overlap.ms = later.party, overlap.ms + _PIECE_MS
                lasts = overlap.ms - overlap.given_ms
                first = not overlap.given_ms and overlap.ms >= self._config.overlap_from_ms
                if first or (overlap.given_ms and lasts >= self._config.every_ms):
                    overlap.given_ms = overlap.ms
                    value = round(overlap.ms / 1000, 1)
                    metrics.append(self._metric(later.party, "overlap", value))

    def _overlap_ends(self, metrics: list[Metric]) -> None:
        if self._overlap.by is not None and self._overlap.given_ms:
            if self._overlap.ms > self._overlap.given_ms:
                value = round(self._overlap.ms / 1000, 1)
                metrics.append(self._metric(self._overlap.by, "overlap", value))
            metrics.append(self._metric(self._overlap.by, "overlap", 0.0))
        self._overlap = _Overlap()

    def _tell_shares(self, metrics: list[Metric]) -> None:
        total = sum(s.spoken_ms for s in self._speakers.values())
        if len(self._speakers) < 2 or not total:
            return
        for speaker in self._speakers.values():
            share = round(speaker.spoken_ms / total, 2)
            if share != speaker.share:
                speaker.share = share
                metrics.append(self._metric(speaker.party, "talk_share", share))

    def _tell(self, speaker: _Speaker, name: str, value: float, metrics: list[Metric]) -> None:
        now_ms = self._now_ms()
        last = speaker.told.get(name)
        if last is None or now_ms - last[1] >= self._config.every_ms:
            speaker.told[name] = (value, now_ms)
            metrics.append(self._metric(speaker.party, name, value))

    def _metric(self, party: Party, name: str, value: float) -> Metric:
        return Metric(self._call, party, name, value, self._now_ms())

    def _now_ms(self) -> int:
        """Metrics carry the position of the call at which they were known."""
        return max(s.position for s in self._speakers.values()) // _PER_MS


@dataclass(slots=True)
class _Overlap:
    by: Party | None = None
    ms: int = 0
    given_ms: int = 0


@dataclass(eq=False, slots=True)
class _Speaker:
    party: Party
    position: int = 0
    speaking: bool = False
    since_ms: int = 0
    spoken_ms: int = 0
    share: float = -1.0
    told: dict[str, tuple[float, int]] = field(default_factory=dict)
    """Last value given out of a measure, and when."""
    peak_db: float = -100.0
    pieces: deque[int] = field(default_factory=lambda: deque(maxlen=64))
    """The latest voiced pieces, counted in 32 ms since the call began."""
    spoken: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=640))
    """End of each of the latest voiced pieces, and the speaking time so far there, both ms."""
    voiced: int = 0
    """Voiced pieces so far."""
    base_energy: float = 0.0
    base_pieces: int = 0
    recent_energy: deque[float] = field(default_factory=deque)
    base_heights: list[float] = field(default_factory=list)
    base_pitch: float | None = None
    recent_heights: deque[float] = field(default_factory=deque)
    before: Samples | None = None
    utterance: str = ""
    earlier: deque[int] = field(default_factory=lambda: deque(maxlen=200))
    """Times of the characters of finished utterances."""
    current: list[int] = field(default_factory=list)

    def given(self, name: str) -> float:
        """The value last given out; infinitely far from any other if there was none."""
        return self.told[name][0] if name in self.told else math.inf

    def begin(self, onset_ms: int) -> None:
        """An utterance has begun; what was heard of it already counts as voiced."""
        self.since_ms = onset_ms
        for end_ms in range(onset_ms + _PIECE_MS, self.position // _PER_MS + 1, _PIECE_MS):
            self._speak(end_ms)

    def measure(self, piece: Samples, start_sample: int, config: MeterConfig) -> bool:
        """Take 32 ms of an open utterance; is it voiced?"""
        energy = float(piece @ piece) / _PIECE
        level = 10 * math.log10(energy + 1e-12)
        self.peak_db = max(level, self.peak_db - 0.05)
        previous, self.before = self.before, piece
        if level < self.peak_db - 25:
            self.before = None
            return False
        self.voiced += 1
        self.pieces.append(start_sample // _PIECE)
        self._speak((start_sample + _PIECE) // _PER_MS)
        self.recent_energy.append(energy)
        if len(self.recent_energy) > config.recent_ms // _PIECE_MS:
            self.recent_energy.popleft()
        learning = self.voiced * _PIECE_MS <= config.baseline_to_ms
        if learning:
            self.base_energy += energy
            self.base_pieces += 1
        # An estimate takes two pieces; eight a second are enough for a median of 3 s.
        if previous is not None and self.voiced % _PITCH_EVERY == 0:
            self._measure_pitch(previous, piece, learning, config)
        return True

    def _speak(self, end_ms: int) -> None:
        """Count speaking time: voiced pieces and the short gaps between them."""
        last_ms, so_far_ms = self.spoken[-1] if self.spoken else (-(10**9), 0)
        step_ms = end_ms - last_ms
        if step_ms > 0:
            step_ms = step_ms if step_ms <= _PAUSE_MS else _PIECE_MS
            self.spoken.append((end_ms, so_far_ms + step_ms))

    def _measure_pitch(
        self, previous: Samples, piece: Samples, learning: bool, config: MeterConfig
    ) -> None:
        hz = pitch_hz(np.concatenate((previous, piece)))
        if hz is None:
            return
        height = semitones(hz)
        self.recent_heights.append(height)
        if len(self.recent_heights) > config.recent_ms // (_PITCH_EVERY * _PIECE_MS):
            self.recent_heights.popleft()
        if learning:
            self.base_heights.append(height)
            self.base_pitch = None

    def level(self, config: MeterConfig) -> float | None:
        """dB relative to the baseline, None before that is known."""
        if self.voiced * _PIECE_MS < config.baseline_from_ms or not self.base_energy:
            return None
        recent = sum(self.recent_energy) / len(self.recent_energy)
        return 10 * math.log10((recent + 1e-12) / (self.base_energy / self.base_pieces + 1e-12))

    def pitch(self, config: MeterConfig) -> float | None:
        """Semitones relative to the baseline, None before that is known."""
        if self.voiced * _PIECE_MS < config.baseline_from_ms or len(self.recent_heights) < 10:
            return None
        if self.base_pitch is None:
            self.base_pitch = median(self.base_heights)
        return median(self.recent_heights) - self.base_pitch

    def read(self, transcript: Transcript) -> None:
        """Remember when characters were spoken."""
        if transcript.utterance != self.utterance:
            self.earlier.extend(self.current)
            self.utterance = transcript.utterance
        self.current = [
            char.ms
            for char, letter in zip(transcript.chars, transcript.text, strict=True)
            if letter.isalnum()
        ]

    def rate(self, until_ms: int, config: MeterConfig) -> float | None:
        """Characters a minute of voiced time up to ``until_ms``; None with too few."""
        last = bisect_right(self.spoken, (until_ms, 2**62)) - 1
        if last < 0:
            return None
        until_ms, so_far_ms = self.spoken[last]
        first = bisect_left(self.spoken, so_far_ms - config.rate_ms, key=lambda piece: piece[1])
        from_ms, before_ms = self.spoken[first]
        # Characters are timed with 60 ms resolution, in the middle or at the end of their sound.
        until_ms += 2 * _PIECE_MS
        count = sum(from_ms < ms <= until_ms for ms in (*self.earlier, *self.current))
        spoken_ms = so_far_ms - before_ms
        if count < config.rate_characters or spoken_ms <= 0:
            return None
        return count * 60_000 / spoken_ms
