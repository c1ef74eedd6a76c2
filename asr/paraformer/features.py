"""Mel features of many streams in one pass, equal to FunASR's online front end.

FunASR computes 25 ms frames every 10 ms, stacks 7 of them every 6 (so one stacked frame per
60 ms, the first padded with copies of the first frame), adds and multiplies by the model's
statistics. A frame depends on its own 400 samples alone, so frames of all streams go through
one transform; stacking is per stream.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

RATE = 16_000
FRAME = 400
"""Samples in a frame."""
SHIFT = 160
"""Samples from one frame to the next."""
STACK = 7
"""Frames in a stacked frame."""
EVERY = 6
"""Frames from one stacked frame to the next."""
MELS = 80
TOO_SHORT_SAMPLES = 960
"""With fewer left over at the end, FunASR adds no frame at all."""

_FFT = 512
_BLOCK = 128  # frames per pass: larger ones fall out of the processor's cache
_FLOOR = 1.1920928955078125e-07  # float32 epsilon, Kaldi's floor for the energy of a mel band


def _mel_filters() -> torch.Tensor:
    """(FFT bins, MELS) triangles evenly spaced in mel from 20 Hz to half the rate, as in Kaldi."""

    def mel(hz: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.asarray(1127.0 * np.log(1.0 + hz / 700.0), np.float64)

    low, high = mel(np.array([20.0, RATE / 2]))
    edges = low + (high - low) / (MELS + 1) * np.arange(MELS + 2)
    bins = mel(np.arange(_FFT // 2 + 1) * (RATE / _FFT))[:, None]
    up = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    down = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    filters = np.maximum(np.minimum(up, down), 0.0)
    filters[-1] = 0.0  # Kaldi leaves the highest bin out
    return torch.from_numpy(filters).float()


_FILTERS = _mel_filters()
_WINDOW = torch.from_numpy(
    0.54 - 0.46 * np.cos(2 * np.pi * np.arange(FRAME) / (FRAME - 1))
).float() * (1 << 15)


@torch.inference_mode()
def log_mels(frames: torch.Tensor) -> torch.Tensor:
    """(n, 400) samples in [−1, 1] → (n, 80) log mel energies on the scale of 16 bit samples."""
    centred = frames - frames.mean(1, keepdim=True)
    sharp = centred.clone()
    sharp[:, 1:].sub_(centred[:, :-1], alpha=0.97)
    sharp[:, 0].mul_(1 - 0.97)
    squares = torch.view_as_real(torch.fft.rfft(sharp.mul_(_WINDOW), n=_FFT)).square_()
    # A sum over an axis of two is many times slower, for the same numbers.
    power = squares[..., 0] + squares[..., 1]
    return (power @ _FILTERS).clamp_min_(_FLOOR).log_()


class Features:
    """One utterance's audio on its way to stacked frames.

    Push samples, let :func:`compute` turn what is complete into frames, then take whole chunks
    or look at what the rest would give. Memory is bounded by what has not been taken.
    """

    __slots__ = ("_chunk", "_first", "_frames", "_samples", "_waiting")

    def __init__(self, chunk: int) -> None:
        self._chunk = chunk
        self._waiting: list[NDArray[np.float32]] = []
        self._samples = np.zeros(0, dtype=np.float32)
        self._frames = np.zeros((0, MELS), dtype=np.float32)
        self._first = True

    def push(self, samples: NDArray[np.float32]) -> None:
        """Append 16 kHz samples in [−1, 1]."""
        self._waiting.append(samples)

    def complete(self) -> NDArray[np.float32]:
        """(n, 400) windows of the samples that have not been turned into frames yet."""
        if self._waiting:
            self._samples = np.concatenate([self._samples, *self._waiting])
            self._waiting = []
        if len(self._samples) < FRAME:
            return np.zeros((0, FRAME), dtype=np.float32)
        return np.lib.stride_tricks.sliding_window_view(self._samples, FRAME)[::SHIFT]

    def absorb(self, mels: NDArray[np.float32]) -> None:
        """Take the (n, 80) mels of the windows that :meth:`complete` gave."""
        self._samples = self._samples[len(mels) * SHIFT :]
        before = self._frames
        if self._first:
            before = np.repeat(mels[:1], (STACK - 1) // 2, axis=0)
            self._first = False
        self._frames = np.concatenate([before, mels])

    def chunk(self, cmvn: NDArray[np.float32]) -> NDArray[np.float32]:
        """(chunk, F) the next whole chunk; all its audio must have been pushed and computed."""
        return _stack(self._frames, self._chunk, cmvn)

    def advance(self) -> None:
        """The next whole chunk has been used."""
        self._frames = self._frames[self._chunk * EVERY :]

    def rest(self, samples: int, cmvn: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, F) as if the audio ended ``samples`` after the last whole chunk; takes nothing."""
        if samples < TOO_SHORT_SAMPLES:
            return np.zeros((0, STACK * MELS), dtype=np.float32)
        # The frames in hand then, with the three copies at the start or what the chunk left over.
        frames = self._frames[: (STACK - 1) // 2 + 1 + (samples - FRAME) // SHIFT]
        count = -((STACK // 2 - len(frames)) // EVERY)
        missing = (count - 1) * EVERY + STACK - len(frames)
        if missing > 0:
            frames = np.concatenate([frames, np.repeat(frames[-1:], missing, axis=0)])
        return _stack(frames, count, cmvn)


def compute(streams: Sequence[Features]) -> None:
    """Turn the complete frames of every stream into mels, all in one pass."""
    windows = [(stream, found) for stream in streams if len(found := stream.complete())]
    if not windows:
        return
    # Copying first keeps the transform's reads contiguous: windows overlap in memory.
    frames = torch.from_numpy(np.concatenate([found for _, found in windows]))
    mels = torch.cat([log_mels(block) for block in torch.split(frames, _BLOCK)]).numpy()
    at = 0
    for stream, found in windows:
        stream.absorb(mels[at : at + len(found)])
        at += len(found)


def _stack(
    frames: NDArray[np.float32], count: int, cmvn: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(count, 560) frames stacked 7 by 7 every 6, normalised."""
    windows = np.lib.stride_tricks.sliding_window_view(frames, (STACK, MELS))[::EVERY, 0]
    stacked: NDArray[np.float32] = windows[:count].reshape(count, STACK * MELS) + cmvn[0]
    stacked *= cmvn[1]
    return stacked
