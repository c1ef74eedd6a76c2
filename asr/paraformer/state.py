"""What the recogniser remembers of every utterance under way, in slabs indexed by slot.

A slot is taken when an utterance begins and given back when it ends, so silent parties hold
none. The slabs are one tensor per kind, grown by doubling; a step gathers the rows it needs and
writes back only what changed. Past keys and values lie in a ring of ``look_back`` chunks:
attention does not mind the order of its keys, so nothing is ever shifted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from asr.paraformer.network import Network


@dataclass(frozen=True, slots=True)
class ChunkShape:
    """How audio is cut for the model, in stacked feature frames of 60 ms."""

    size: int = 10
    """New frames in a step."""
    ahead: int = 5
    """Frames of look-ahead: seen now, spoken for in the next step."""
    encoder_look_back: int = 4
    """Chunks of past keys the encoder attends to."""
    decoder_look_back: int = 1
    """Chunks of past audio the decoder attends to."""

    @property
    def samples(self) -> int:
        """New 16 kHz samples in a step."""
        return self.size * 960

    @property
    def window(self) -> int:
        """Frames the encoder sees in a full step."""
        return self.size + self.ahead


CHUNK_600_MS = ChunkShape(10, 5)
"""What the published model is usually run with: [0, 10, 5]."""
CHUNK_480_MS = ChunkShape(8, 4)
"""The published model's other training shape: [0, 8, 4]."""
CHUNK_300_MS = ChunkShape(5, 3, encoder_look_back=8)
"""Earlier words from models that bear it: the bundled one. As much past as at 600 ms."""
SHAPES: Mapping[int, ChunkShape] = {600: CHUNK_600_MS, 480: CHUNK_480_MS, 300: CHUNK_300_MS}
"""Latency profiles, by the ms of a chunk."""


class SlotError(Exception):
    """A slot was used that is not taken."""


class Slabs:
    """State of many utterances. Sizes: ``L`` encoder layers, ``M`` decoder layers, ``S`` slots.

    All tensors are float32 but keys and values, which are in the network's cache dtype.
    """

    def __init__(self, network: Network, shape: ChunkShape, slots: int = 8) -> None:
        self._network = network
        self.shape = shape
        width, device = network.width, network.device
        past = shape.encoder_look_back
        taps = network.decoder[0].memory.shape[0] - 1

        def zeros(*size: int, dtype: torch.dtype = torch.float32) -> Tensor:
            return torch.zeros(*size, dtype=dtype, device=device)

        layers, blocks = len(network.encoder), len(network.decoder)
        kept = network.cache_dtype
        self.features = zeros(1, slots, shape.ahead, network.feature_width)
        """(1, S, ahead, F): scaled, with position: the look-ahead that the next window opens with."""
        self.keys = zeros(layers, slots, past * shape.size, 2 * width, dtype=kept)
        """(L, S, look_back × size, 2D): encoder keys beside values, a ring of chunks."""
        self.audio = zeros(
            blocks, slots, shape.decoder_look_back * shape.size, 2 * width, dtype=kept
        )
        """(M, S, look_back × size, 2D): decoder keys beside values of the last window."""
        self.memory = zeros(blocks, slots, taps, width)
        """(M, S, kernel − 1, D): inputs of the decoder's memory filter."""
        self.carry = zeros(1, slots, width)
        """(1, S, D): the part of a character that the last chunk ended in."""
        self.weight: NDArray[np.float64] = np.zeros(slots)
        """How much of that character has been seen, 0 to 1."""
        self.chunks: NDArray[np.int64] = np.zeros(slots, dtype=np.int64)
        """Full chunks taken in so far."""
        self.decoded: NDArray[np.bool_] = np.zeros(slots, dtype=np.bool_)
        """Whether ``audio`` holds anything."""
        self._free = list(range(slots - 1, -1, -1))
        self._taken: set[int] = set()

    @property
    def slots(self) -> int:
        """Slots there are, taken or not."""
        return len(self.chunks)

    @property
    def taken(self) -> int:
        """Slots in use."""
        return len(self._taken)

    def bytes_per_slot(self) -> int:
        """Memory that one utterance under way holds."""
        return sum(t.nbytes for t in self._tensors().values()) // self.slots

    def take(self) -> int:
        """A cleared slot for a new utterance; grows the slabs when none is free."""
        if not self._free:
            self._grow()
        slot = self._free.pop()
        self._taken.add(slot)
        for kept in (self.features, self.memory, self.carry):
            kept.select(1, slot).zero_()
        self.weight[slot] = 0
        self.chunks[slot] = 0
        self.decoded[slot] = False
        return slot

    def give_back(self, slot: int) -> None:
        """The utterance has ended. Raises :class:`SlotError` if the slot is not taken."""
        if slot not in self._taken:
            raise SlotError(f"slot {slot} is not taken")
        self._taken.remove(slot)
        self._free.append(slot)

    def check_taken(self, slots: list[int]) -> None:
        """Raise :class:`SlotError` unless every one of ``slots`` is taken and none is doubled."""
        if not self._taken.issuperset(slots) or len(set(slots)) != len(slots):
            raise SlotError(f"slots {slots} are not all taken, or one comes twice")

    def _tensors(self) -> dict[str, Tensor]:
        names = ("features", "keys", "audio", "memory", "carry")
        return {name: getattr(self, name) for name in names}

    def _grow(self) -> None:
        old = self.slots
        for name, tensor in self._tensors().items():
            setattr(self, name, torch.cat([tensor, torch.zeros_like(tensor)], dim=1))
        self.weight = np.concatenate([self.weight, np.zeros(old)])
        self.chunks = np.concatenate([self.chunks, np.zeros(old, dtype=np.int64)])
        self.decoded = np.concatenate([self.decoded, np.zeros(old, dtype=np.bool_)])
        self._free.extend(range(2 * old - 1, old - 1, -1))
