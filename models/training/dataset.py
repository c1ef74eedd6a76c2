"""Shards in memory, and flat batches of windows made from them.

Batches depend on the seed and the step alone, so a run that was stopped goes on as if it had not.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from .network import AHEAD, CHUNK, DECODER_TAPS, ENCODER_LOOK_BACK, WINDOW, Packed
from .speech import Shard
from .withheld import Withheld

FloatArray = npt.NDArray[np.float32]

WINDOWS = 48  # 28.8 s of speech
POSITIONS = 128
UTTERANCES = 20
WIDTH = 256
FEATURE = 560
_STACK, _SKIP, _ROW_MS = 7, 6, 60.0
#: A row stacks 7 frames of 25 ms around frame 6i: it stands for [60i - 17.5, 60i + 42.5) ms.
_FIRST_EDGE_MS = -17.5


@dataclass(frozen=True, slots=True)
class Utterance:
    """Labels by row of 60 ms; frames lie in the corpus's big array."""

    frames: npt.NDArray[np.float16]
    rows: int
    windows: int
    text: str
    tokens: npt.NDArray[np.int64]
    weights: FloatArray
    syllables: npt.NDArray[np.int64]
    tones: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Corpus:
    """All utterances, with the statistics and tables that go with them."""

    utterances: list[Utterance]
    syllables: list[str]
    mean: FloatArray
    deviation: FloatArray

    @property
    def hours(self) -> float:
        """Hours of speech."""
        return sum(len(u.frames) for u in self.utterances) / 360_000


def row_count(frames: int) -> int:
    """Rows of 60 ms that FunASR's frontend makes of frames of 10 ms."""
    return math.ceil(frames / _SKIP)


def load_corpus(directory: Path, tokens: Sequence[str], withheld: Withheld) -> Corpus:
    """Read every shard. Utterances that touch a withheld sentence are dropped here too."""
    shards = [Shard.load(path) for path in sorted(directory.glob("shard??????.npz"))]
    names = sorted({str(s)[:-1] for shard in shards for s in np.unique(shard.syllables)})
    number = {name: index + 1 for index, name in enumerate(names)}
    token = {character: index for index, character in enumerate(tokens)}
    sample = np.concatenate([shard.frames[::37] for shard in shards]).astype(np.float32)
    utterances = []
    for shard in shards:
        kinds = np.array([number[str(s)[:-1]] for s in shard.syllables], np.int64)
        tones = np.array([int(str(s)[-1]) for s in shard.syllables], np.int64)
        for index, text in enumerate(shard.texts):
            if withheld.blocks(str(text)):
                continue
            first, last = shard.character_offsets[index : index + 2]
            start, end = shard.frame_offsets[index : index + 2]
            ids = np.array([token[c] for c in str(text)], np.int64)
            utterances.append(
                _label(
                    shard.frames[start:end],
                    str(text),
                    ids,
                    kinds[first:last],
                    tones[first:last],
                    shard.times[first:last],
                )
            )
    return Corpus(utterances, names, sample.mean(0), sample.std(0))


def _label(
    frames: npt.NDArray[np.float16],
    text: str,
    tokens: npt.NDArray[np.int64],
    kinds: npt.NDArray[np.int64],
    tones: npt.NDArray[np.int64],
    times: FloatArray,
) -> Utterance:
    rows = row_count(len(frames))
    edges = np.arange(rows + 1) * _ROW_MS + _FIRST_EDGE_MS
    knots = times.reshape(-1).astype(np.float64)
    heard = np.repeat(np.arange(len(times) + 1, dtype=np.float64), 2)[1:-1]
    spoken = np.interp(edges, knots + np.arange(len(knots)) * 1e-6, heard)
    weights = np.diff(spoken)
    weights *= len(times) / max(float(weights.sum()), 1e-6)
    middle = edges[:-1] + _ROW_MS / 2
    at = np.searchsorted(times[:, 0], middle, "right") - 1
    inside = (at >= 0) & (middle <= times[at, 1] + 10)
    return Utterance(
        frames=frames,
        rows=rows,
        windows=math.ceil(rows / CHUNK),
        text=text,
        tokens=tokens,
        weights=weights.astype(np.float32),
        syllables=np.where(inside, kinds[at], 0),
        tones=np.where(inside, tones[at], 0),
    )


def _position_table(length: int, depth: int) -> FloatArray:
    half = depth // 2
    inverse = np.exp(np.arange(half) * -(math.log(10_000.0) / (half - 1)))
    angle = np.arange(length)[:, None] * inverse[None]
    table = np.concatenate([np.sin(angle), np.cos(angle)], 1).astype(np.float32)
    table[0] = 0
    return table


class Batcher:
    """Packs utterances into flat batches."""

    def __init__(self, corpus: Corpus, seed: int) -> None:
        self._corpus = corpus
        self._seed = seed
        self._positions = _position_table(2_000, FEATURE)

    def epochs(self) -> Iterator[list[int]]:
        """Groups of utterance numbers, one for each batch, epoch after epoch."""
        epoch = 0
        while True:
            rng = np.random.default_rng((self._seed, epoch))
            yield from self.groups(rng.permutation(len(self._corpus.utterances)).tolist())
            epoch += 1

    def groups(self, order: list[int]) -> list[list[int]]:
        """Fill each batch in order; an utterance that does not fit waits for the next one."""
        groups: list[list[int]] = []
        waiting: list[int] = []
        queue = iter(order)
        exhausted = False
        while waiting or not exhausted:
            group: list[int] = []
            windows = positions = 0
            later: list[int] = []
            while len(later) < 12 and len(group) < UTTERANCES:
                if waiting:
                    index = waiting.pop(0)
                else:
                    found = next(queue, None)
                    if found is None:
                        exhausted = True
                        break
                    index = found
                utterance = self._corpus.utterances[index]
                fits = (
                    windows + utterance.windows <= WINDOWS
                    and positions + len(utterance.tokens) <= POSITIONS
                )
                if fits:
                    group.append(index)
                    windows += utterance.windows
                    positions += len(utterance.tokens)
                else:
                    later.append(index)
                if windows == WINDOWS:
                    break
            waiting = later + waiting
            if group:
                groups.append(group)
        return groups

    def stream(self, first: int, rank: int, workers: int) -> Iterator[tuple[Packed, float]]:
        """The batches of one of several workers from step `first` on.

        With each comes a number in [0, 1) for whatever else the step decides by chance.
        """
        groups = self.epochs()
        for number in itertools.count():
            group = next(groups)
            step, turn = divmod(number, workers)
            if step >= first and turn == rank:
                rng = np.random.default_rng((self._seed, 1, number))
                yield self.pack(group, rng), float(rng.random())

    def pack(self, group: Sequence[int], rng: np.random.Generator | None) -> Packed:
        """One flat batch. With a generator the features are augmented; without, they are as is."""
        chosen = [self._corpus.utterances[i] for i in group]
        buffer, starts = self._stack(chosen, rng)
        rows_shape = (WINDOWS, WINDOW)
        source = np.zeros(rows_shape, np.int64)  # row 0 of the buffer is silence: zeros
        positions = np.zeros(rows_shape, np.int64)
        valid = np.zeros(rows_shape, bool)
        previous = np.zeros((WINDOWS, ENCODER_LOOK_BACK), bool)
        owner = np.full(WINDOWS, UTTERANCES, np.int64)
        counts = np.zeros(UTTERANCES + 1, np.float32)
        weights = np.zeros(WINDOWS * WINDOW, np.float32)
        emits = np.zeros(WINDOWS * WINDOW, np.float32)
        syllables = np.full(WINDOWS * WINDOW, -1, np.int64)
        tones = np.full(WINDOWS * WINDOW, -1, np.int64)
        tokens = np.full(POSITIONS, -1, np.int64)
        chain = np.zeros((POSITIONS, DECODER_TAPS), np.float32)
        window = place = 0
        for number, utterance in enumerate(chosen):
            count, length = utterance.windows, len(utterance.tokens)
            shift = int(rng.integers(0, 600)) if rng is not None and rng.random() < 0.5 else 0
            row = np.arange(count)[:, None] * CHUNK - AHEAD + np.arange(WINDOW)
            real = (row >= 0) & (row < utterance.rows)
            source[window : window + count] = np.where(real, starts[number] + row * _SKIP, 0)
            positions[window : window + count] = np.where(real, row + 1 + shift, 0)
            valid[window : window + count] = row < utterance.rows
            ago = np.arange(ENCODER_LOOK_BACK, 0, -1)
            previous[window : window + count] = np.arange(count)[:, None] >= ago
            owner[window : window + count] = number
            counts[number] = length
            emitted = np.arange(utterance.rows + AHEAD)
            in_window = np.minimum(emitted // CHUNK, count - 1)
            flat = (window + in_window) * WINDOW + emitted - in_window * CHUNK
            emits[flat] = 1
            weights[flat[AHEAD:]] = utterance.weights
            syllables[flat[AHEAD:]] = utterance.syllables
            tones[flat[AHEAD:]] = utterance.tones
            tokens[place : place + length] = utterance.tokens
            chain[place : place + length] = np.arange(length)[:, None] >= np.arange(DECODER_TAPS)
            window += count
            place += length
        sliding = np.lib.stride_tricks.as_strided(
            buffer, (len(buffer) - _STACK + 1, FEATURE), (buffer.strides[0], buffer.strides[1])
        )
        features = sliding[source.ravel()]
        features *= np.float32(math.sqrt(WIDTH))
        features += self._positions[positions.ravel()]
        return Packed(
            features=torch.from_numpy(features.reshape(WINDOWS, WINDOW, FEATURE)),
            valid=torch.from_numpy(valid),
            has_previous=torch.from_numpy(previous),
            emits=torch.from_numpy(emits),
            utterance=torch.from_numpy(owner),
            counts=torch.from_numpy(counts),
            weights=torch.from_numpy(weights),
            syllables=torch.from_numpy(syllables),
            tones=torch.from_numpy(tones),
            characters=torch.from_numpy(tokens),
            chain=torch.from_numpy(chain),
        )

    def _stack(
        self, chosen: Sequence[Utterance], rng: np.random.Generator | None
    ) -> tuple[FloatArray, list[int]]:
        """Frames end to end, edges repeated as FunASR's frontend does; where each one starts."""
        total = sum(_SKIP * u.rows + _STACK for u in chosen) + _STACK
        buffer = np.zeros((total, 80), np.float32)
        starts = []
        at = _STACK
        for utterance in chosen:
            frames = utterance.frames.astype(np.float32)
            frames -= self._corpus.mean
            frames /= self._corpus.deviation
            if rng is not None:
                _augment(frames, rng)
            length, before = len(frames), _STACK // 2
            end = at + _SKIP * utterance.rows + _STACK
            buffer[at : at + before] = frames[0]
            buffer[at + before : at + before + length] = frames
            buffer[at + before + length : end] = frames[-1]
            starts.append(at)
            at = end
        return buffer, starts


def _augment(frames: FloatArray, rng: np.random.Generator) -> None:
    """In place: another level now and then, and masked bands and stretches."""
    if rng.random() < 0.3:
        frames += np.float32(rng.uniform(-0.5, 0.5))
    for _ in range(2):
        width = int(rng.integers(0, 11))
        first = int(rng.integers(0, 80 - width))
        frames[:, first : first + width] = 0
    for _ in range(int(rng.integers(0, 3))):
        width = int(rng.integers(0, 21))
        first = int(rng.integers(0, max(1, len(frames) - width)))
        frames[first : first + width] = 0
