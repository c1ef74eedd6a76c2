"""Speak the training sentences and keep their features, in shards.

A shard is one .npz with everything training needs: 80-bin log-mel frames exactly as FunASR's
frontend computes them before stacking, and per character its token, syllable, tone and times.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt

from . import channel
from .text import Sentence
from .voice import TRAINING_VARIANTS, Spoken, Voice, VoiceError, say

Frames = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Shard:
    """Utterances laid end to end. Utterance i has frames[frame_offsets[i]:frame_offsets[i + 1]]."""

    frames: npt.NDArray[np.float16]  # (F, 80)
    frame_offsets: npt.NDArray[np.int64]
    character_offsets: npt.NDArray[np.int64]
    texts: npt.NDArray[np.str_]  # one string of Hanzi for every utterance
    syllables: npt.NDArray[np.str_]  # pinyin with a tone digit, one for every character
    times: npt.NDArray[np.float32]  # (C, 2) start and end in ms

    def save(self, path: Path) -> None:
        """Write under another name first: a shard that exists is complete."""
        draft = path.with_suffix(".draft.npz")
        np.savez(
            draft,
            frames=self.frames,
            frame_offsets=self.frame_offsets,
            character_offsets=self.character_offsets,
            texts=self.texts,
            syllables=self.syllables,
            times=self.times,
        )
        draft.rename(path)

    @classmethod
    def load(cls, path: Path) -> Shard:
        """Read a shard back."""
        with np.load(path) as data:
            return cls(**{name: data[name] for name in cls.__slots__})


class MelFrontend:
    """80-bin log-mel frames, bit for bit those of FunASR's WavFrontendOnline with dither 0."""

    def __init__(self) -> None:
        import kaldi_native_fbank as knf

        self._knf = knf
        options = knf.FbankOptions()
        options.frame_opts.samp_freq = 16_000
        options.frame_opts.dither = 0.0
        options.frame_opts.window_type = "hamming"
        options.frame_opts.snip_edges = True
        options.mel_opts.num_bins = 80
        options.energy_floor = 0.0
        self._options = options

    def __call__(self, samples: npt.NDArray[np.float32]) -> Frames:
        """(frames, 80) for samples at 16 kHz in [-1, 1]."""
        fbank = self._knf.OnlineFbank(self._options)
        fbank.accept_waveform(16_000, (samples * 32_768).tolist())
        fbank.input_finished()
        count = fbank.num_frames_ready
        return np.array([fbank.get_frame(i) for i in range(count)], np.float32).reshape(-1, 80)


def random_voice(rng: random.Random) -> Voice:
    """A training voice. 130-240 espeak words a minute is 3 to 6 characters a second."""
    return Voice(
        variant=rng.choice(TRAINING_VARIANTS),
        rate=rng.randint(130, 240),
        pitch=rng.randint(20, 80),
        pitch_range=rng.randint(25, 75),
    )


def through_the_line(
    spoken: Spoken, rng: random.Random
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Silence around the speech, level, noise, telephone, hiss. Returns samples and times in ms."""
    chance = np.random.default_rng(rng.getrandbits(32))
    before_ms, after_ms = rng.uniform(50, 700), rng.uniform(100, 500)
    samples = channel.gain(spoken.samples, rng.uniform(-26, -1))
    samples = channel.pad(samples, before_ms, after_ms)
    if rng.random() < 0.6:
        colour = rng.choice(channel.COLOURS)
        samples = channel.add_noise(samples, rng.uniform(8, 40), colour, chance)
    if rng.random() < 0.5:
        samples = channel.telephone(samples)
    samples = channel.add_hiss(samples, 20 * rng.uniform(-4.5, -3.0), chance)
    times = np.asarray(spoken.times, np.float32) + np.float32(before_ms)
    return np.clip(samples, -1, 1), times


def make_shard(sentences: Sequence[Sentence], first: int) -> Shard:
    """Speak sentences; the seed of each is its place in the whole list, so shards may be redone."""
    frontend = MelFrontend()
    frames: list[Frames] = []
    texts: list[str] = []
    syllables: list[str] = []
    times: list[npt.NDArray[np.float32]] = []
    for index, sentence in enumerate(sentences, first):
        rng = random.Random(index * 7919 + 13)
        try:
            spoken = say(sentence.text, random_voice(rng))
        except VoiceError:
            continue
        samples, at = through_the_line(spoken, rng)
        frames.append(frontend(samples))
        texts.append(spoken.text)
        syllables.extend(spoken.syllables)
        times.append(at)
    return Shard(
        frames=np.concatenate(frames).astype(np.float16),
        frame_offsets=np.cumsum([0, *map(len, frames)]),
        character_offsets=np.cumsum([0, *map(len, texts)]),
        texts=np.array(texts),
        syllables=np.array(syllables),
        times=np.concatenate(times),
    )


def _write_shard(task: tuple[list[Sentence], int, Path]) -> str:
    sentences, first, path = task
    if not path.exists():
        make_shard(sentences, first).save(path)
    return path.name


def speak_all(
    sentences: Sequence[Sentence], directory: Path, per_shard: int, processes: int
) -> None:
    """All shards, those already there excepted."""
    directory.mkdir(parents=True, exist_ok=True)
    tasks = [
        (list(sentences[first : first + per_shard]), first, directory / f"shard{first:06}.npz")
        for first in range(0, len(sentences), per_shard)
    ]
    with get_context("spawn").Pool(processes) as pool:
        for name in pool.imap_unordered(_write_shard, tasks):
            print("wrote", name, flush=True)
