"""Streams of sound for the recogniser's proofs, and our step driven over many of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.paraformer.decoder import Decoder, Kind, Question, Utterance
from asr.paraformer.step import Heard


def sound(samples: int, seed: int) -> NDArray[np.float32]:
    """Something that changes like speech does: a gliding tone in bursts, over noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(samples) / 16_000
    glide = 200 + 900 * np.abs(np.sin(t * (1 + seed % 7)))
    bursts = rng.random(samples // 1600 + 1).repeat(1600)[:samples]
    wave = 0.2 * np.sin(2 * np.pi * glide * t) * bursts + 0.03 * rng.standard_normal(samples)
    return wave.astype(np.float32)


@dataclass(frozen=True)
class Script:
    """One stream of a proof."""

    samples: NDArray[np.float32]
    joins: int = 0
    """Turn at which it begins."""
    packets: Sequence[int] = (9600,)
    """Samples pushed in each of its turns, over and over."""
    early: bool = False
    """Ask for early partials in between, which must not change anything."""


class Player:
    """Feeds scripts to one decoder turn by turn and notes the token ids of each."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder

    def play(self, scripts: Sequence[Script]) -> list[list[int]]:
        streams = [_Stream(self._decoder, script) for script in scripts]
        turn = 0
        while not all(stream.over for stream in streams):
            for stream in streams:
                if turn >= stream.script.joins:
                    stream.feed()
            while asked := [(s, q) for s in streams if (q := s.next_question())]:
                heard = self._decoder.hear([question for _, question in asked])
                for (stream, question), answer in zip(asked, heard, strict=True):
                    stream.take(question, answer)
            turn += 1
        return [stream.ids for stream in streams]


class _Stream:
    def __init__(self, decoder: Decoder, script: Script) -> None:
        self.script = script
        self.ids: list[int] = []
        self.over = False
        self._decoder = decoder
        self._utterance: Utterance = decoder.open()
        self._pushed = 0
        self._fed = 0
        self._chunks = 0
        self._asked_early = -1

    def feed(self) -> None:
        size = self.script.packets[self._fed % len(self.script.packets)]
        self._fed += 1
        self._utterance.push(self.script.samples[self._pushed : self._pushed + size])
        self._pushed = min(self._pushed + size, len(self.script.samples))

    def next_question(self) -> Question | None:
        if self.over:
            return None
        chunk = self._decoder.shape.samples
        if self._pushed >= (self._chunks + 1) * chunk:
            return Question(self._utterance, Kind.CHUNK, (self._chunks + 1) * chunk)
        if self._pushed == len(self.script.samples):
            return Question(self._utterance, Kind.END, self._pushed)
        if self.script.early and self._asked_early < self._pushed:
            return Question(self._utterance, Kind.EARLY, self._pushed)
        return None

    def take(self, question: Question, heard: Heard) -> None:
        if question.kind is Kind.EARLY:
            self._asked_early = self._pushed
            return
        unspoken = self._decoder.model.unspoken
        best = heard.ids[: heard.firm, 0].tolist()
        self.ids.extend(token for token in best if token not in unspoken)
        if question.kind is Kind.CHUNK:
            self._chunks += 1
        else:
            self.over = True
            self._decoder.close(self._utterance)
