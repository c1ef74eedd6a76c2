"""One forward pass over the ready windows of many utterances.

A window is the ``ahead`` frames kept from last time followed by up to ``size`` new ones. Rows of
different length are padded on the right; masks keep the padding out of attention, filters and
sums, so a row gives what it would give alone. State is read from the slabs at the start and
written back at the very end, so a step that raises has changed nothing.

``B`` rows, ``T`` window frames, ``D`` model width, ``H`` heads, ``C`` cached frames.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from asr.paraformer import cif
from asr.paraformer.network import DecoderLayer, EncoderLayer, Network
from asr.paraformer.state import Slabs


class StepFailed(Exception):
    """The network gave something that is not a number."""


@dataclass(frozen=True, slots=True)
class Row:
    """One utterance's part of a step."""

    slot: int
    features: NDArray[np.float32]
    """(n, F) normalised frames; exactly ``size`` of them unless the row ends, then 0 to size."""
    ends: bool
    """Decode as if the speech ended here, and leave the state as it was."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a row says. ``n`` characters with their ``k`` best candidates, best first."""

    ids: NDArray[np.int64]
    """(n, k)"""
    logp: NDArray[np.float32]
    """(n, k)"""
    frames: NDArray[np.int64]
    """(n,) frame of the utterance on which each was complete, counted from its first."""
    firm: int
    """The first so many stay; those after are what the look-ahead suggests."""


class Step:
    """The batched step over one set of slabs. Not thread-safe: one worker owns it."""

    def __init__(self, network: Network, slabs: Slabs, candidates: int = 16) -> None:
        self._net = network
        self.slabs = slabs
        self._candidates = candidates
        half = network.feature_width // 2
        spacing = torch.log(torch.tensor([10000.0])) / (network.feature_width / 2 - 1)
        self._inverse_scales = torch.exp(torch.arange(half).float() * -spacing).to(network.device)

    @torch.inference_mode()
    def __call__(self, rows: Sequence[Row]) -> list[Heard]:
        """Run ``rows`` (at most one per slot may keep state) and keep what those that go on need.

        Raises :class:`StepFailed` if any row's result is not finite; no state has changed then.
        """
        slabs, shape = self.slabs, self.slabs.shape
        keeping = [b for b, row in enumerate(rows) if not row.ends]
        slabs.check_taken([rows[b].slot for b in keeping])
        slabs.check_taken(sorted({row.slot for row in rows}))
        slots = np.array([row.slot for row in rows])
        slots_t = self._place(slots)
        lengths = np.array([shape.ahead + len(row.features) for row in rows])
        ends = np.array([row.ends for row in rows])
        if (lengths[~ends] != shape.window).any() or (lengths > shape.window).any():
            raise ValueError("a row that goes on needs a full chunk, one that ends at most that")

        x = self._window(rows, slots, slots_t, int(lengths.max()))
        going = self._place(np.array(keeping, dtype=np.int64))
        look_ahead = x.index_select(0, going)[:, shape.size :]
        valid = self._place(_valid(lengths, x.shape[1]))
        padded = bool((lengths < x.shape[1]).any())
        mask = self._past_mask(slots, valid)
        hidden, new_keys = self._encode(x, slots_t, valid if padded else None, mask)

        alphas = cif.frame_weights(self._net.predictor, hidden, valid[..., None].float())
        weights = fetched(alphas.double())
        if not np.isfinite(weights).all():
            raise StepFailed("the audio of a stream gave a result that is not a number")
        fired = cif.fire(
            weights,
            hidden,
            np.where(ends, x.shape[1], shape.size),
            ends,
            slabs.carry[0].index_select(0, slots_t),
            slabs.weight[slots],
            self._net.predictor.threshold,
            self._net.predictor.tail,
        )
        heard, new_audio, new_memory = self._decode(rows, fired, hidden, valid, lengths)

        if keeping:
            self._keep_encoder(rows, keeping, going, look_ahead, new_keys, fired)
            self._keep_decoder(rows, keeping, fired, new_audio, new_memory)
        return heard

    def _place(self, values: NDArray[Any]) -> Tensor:
        """The same numbers where the network is."""
        return torch.from_numpy(values).to(self._net.device)

    def _window(
        self, rows: Sequence[Row], slots: NDArray[np.int64], slots_t: Tensor, length: int
    ) -> Tensor:
        """(B, T, F): kept look-ahead, then the new frames, scaled and with their position."""
        net, shape = self._net, self.slabs.shape
        fresh = np.zeros((len(rows), length - shape.ahead, net.feature_width), dtype=np.float32)
        for b, row in enumerate(rows):
            fresh[b, : len(row.features)] = row.features
        start = self._place(self.slabs.chunks[slots] * shape.size)
        place = start[:, None] + torch.arange(1, fresh.shape[1] + 1, device=net.device)
        angle = place.float()[..., None] * self._inverse_scales
        new = self._place(fresh) * net.width**0.5
        new += torch.cat([angle.sin(), angle.cos()], dim=2)
        kept = self.slabs.features[0].index_select(0, slots_t)
        # FunASR scales the kept frames a second time when nothing new comes before the end.
        bare = [b for b, row in enumerate(rows) if not len(row.features)]
        if bare:
            again = np.ones((len(rows), 1, 1), np.float32)
            again[bare] = net.width**0.5
            kept *= self._place(again)
        return torch.cat([kept, new], dim=1)

    def _past_mask(self, slots: NDArray[np.int64], valid: Tensor) -> Tensor:
        """(B, 1, 1, C + T) additive mask over cached keys, then the window's own."""
        size = self.slabs.shape.size
        cached = self.slabs.keys.shape[2]
        seen = np.minimum(self.slabs.chunks[slots] * size, cached)
        past = self._place(_valid(seen, cached))
        return _mask(torch.cat([past, valid], dim=1), self.slabs.keys.dtype)

    def _encode(
        self, x: Tensor, slots: Tensor, valid: Tensor | None, mask: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """(B, T, D) encoded window, and each layer's (B, T, 2D) keys beside values. ``valid`` is
        None where no row is padded."""
        zeros = None if valid is None else valid[..., None].float()
        new_keys = []
        for number, layer in enumerate(self._net.encoder):
            past = self.slabs.keys[number].index_select(0, slots)
            x, keys = _encoder_layer(layer, x, past, mask, zeros, self._net.heads)
            new_keys.append(keys)
        return self._net.encoder_norm(x), new_keys

    def _decode(
        self,
        rows: Sequence[Row],
        fired: cif.Fired,
        hidden: Tensor,
        valid: Tensor,
        lengths: NDArray[np.int64],
    ) -> tuple[list[Heard], list[Tensor], list[Tensor]]:
        """Characters of every row; each layer's audio keys and memory for the rows that have any.

        Keys are (B′, T, 2D) and memory (B′, taps − 1 + N, D), B′ the rows with characters.
        """
        net, shape = self._net, self.slabs.shape
        speaking = np.flatnonzero(fired.total)
        nothing = Heard(
            np.zeros((0, self._candidates), np.int64),
            np.zeros((0, self._candidates), np.float32),
            np.zeros(0, np.int64),
            0,
        )
        heard = [nothing] * len(rows)
        if not len(speaking):
            return heard, [], []
        chosen = self._place(speaking)
        slots_np = np.array([rows[b].slot for b in speaking.tolist()])
        slots = self._place(slots_np)
        x = fired.embeddings.index_select(0, chosen)
        audio = net.keys_values(hidden.index_select(0, chosen))
        cached = self.slabs.audio.shape[2]
        past_valid = self._place(_valid(np.where(self.slabs.decoded[slots_np], cached, 0), cached))
        both = torch.cat([past_valid, valid.index_select(0, chosen)], dim=1)
        mask = _mask(both, self.slabs.audio.dtype)
        per_layer = torch.split(audio, 2 * net.width, dim=-1)
        memories = []
        for number, layer in enumerate(net.decoder):
            x, memory = _decoder_layer(
                layer,
                x,
                self.slabs.memory[number].index_select(0, slots),
                torch.cat(
                    [self.slabs.audio[number].index_select(0, slots), per_layer[number]], dim=1
                ),
                mask,
                net.decoder_heads,
            )
            memories.append(memory)
        counts = fired.total[speaking]
        real = self._place(np.flatnonzero(_valid(counts, x.shape[1])))
        ids, logp = self._candidates_of(x.flatten(0, 1).index_select(0, real))

        at = 0
        for b, count in zip(speaking.tolist(), counts.tolist(), strict=True):
            first = self.slabs.chunks[rows[b].slot] * shape.size - shape.ahead
            frames = first + np.minimum(fired.frames[b, :count], lengths[b])
            part = slice(at, at + count)
            heard[b] = Heard(ids[part], logp[part], frames, int(fired.firm[b]))
            at += count
        return heard, list(per_layer), memories

    def _candidates_of(self, x: Tensor) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Ids and log probabilities of the best candidates at each of (n, D) positions."""
        for layer in self._net.last:
            x = layer.down(layer.inner(layer.up.rectified(layer.norm1(x)).float()))
        scores = torch.log_softmax(self._net.output(self._net.decoder_norm(x.float())).float(), -1)
        best = scores.topk(min(self._candidates, scores.shape[1]), dim=-1)
        return fetched(best.indices), fetched(best.values)

    def _keep_encoder(
        self,
        rows: Sequence[Row],
        keeping: list[int],
        going: Tensor,
        look_ahead: Tensor,
        new_keys: list[Tensor],
        fired: cif.Fired,
    ) -> None:
        slabs, shape = self.slabs, self.slabs.shape
        slots = np.array([rows[b].slot for b in keeping])
        slots_t = self._place(slots)
        slabs.features[0].index_copy_(0, slots_t, look_ahead)
        ring = shape.encoder_look_back
        flat = slabs.keys.view(slabs.keys.shape[0], -1, shape.size * slabs.keys.shape[3])
        place = self._place(slots * ring + slabs.chunks[slots] % ring)
        new = torch.stack([keys.index_select(0, going)[:, : shape.size] for keys in new_keys])
        flat.index_copy_(1, place, new.reshape(len(new_keys), len(keeping), -1))
        slabs.carry[0].index_copy_(0, slots_t, fired.carry.index_select(0, going))
        slabs.weight[slots] = fired.weight[keeping]
        slabs.chunks[slots] += 1

    def _keep_decoder(
        self,
        rows: Sequence[Row],
        keeping: list[int],
        fired: cif.Fired,
        new_audio: list[Tensor],
        memories: list[Tensor],
    ) -> None:
        # FunASR's decoder does not run on a chunk without a finished character.
        speaking = {b: i for i, b in enumerate(np.flatnonzero(fired.total).tolist())}
        going = [b for b in keeping if fired.firm[b]]
        if not going:
            return
        slabs = self.slabs
        slots = np.array([rows[b].slot for b in going])
        slots_t = self._place(slots)
        chosen = self._place(np.array([speaking[b] for b in going]))
        cached, taps = slabs.audio.shape[2], slabs.memory.shape[2]
        audio = torch.stack([keys.index_select(0, chosen)[:, -cached:] for keys in new_audio])
        slabs.audio.index_copy_(1, slots_t, audio.to(slabs.audio.dtype))
        last = self._place(fired.firm[going][:, None] + np.arange(taps))
        index = last[..., None].expand(-1, -1, slabs.memory.shape[3])
        memory = torch.stack([kept.index_select(0, chosen).gather(1, index) for kept in memories])
        slabs.memory.index_copy_(1, slots_t, memory)
        slabs.decoded[slots] = True


def fetched(values: Tensor) -> NDArray[Any]:
    """Numbers brought to the processor: all that a step waits for on another device."""
    found: NDArray[Any] = values.cpu().numpy()
    return found


def _valid(counts: NDArray[np.int64], length: int) -> NDArray[np.bool_]:
    """(B, length): whether each place lies within its row's count."""
    valid: NDArray[np.bool_] = np.arange(length)[None] < counts[:, None]
    return valid


def _mask(valid: Tensor, dtype: torch.dtype) -> Tensor:
    """(B, 1, 1, length): 0 where valid, −∞ elsewhere."""
    mask = torch.zeros(valid.shape, dtype=dtype, device=valid.device)
    return mask.masked_fill_(~valid, -math.inf)[:, None, None]


def _attend(query: Tensor, keys: Tensor, mask: Tensor, heads: int) -> Tensor:
    """(B, T, D) queries over (B, C, 2D) keys beside values → (B, T, D)."""
    rows, length, width = query.shape
    size = width // heads
    q = query.to(keys.dtype).view(rows, length, heads, size).transpose(1, 2)
    k, v = keys.view(rows, keys.shape[1], 2, heads, size).unbind(2)
    out = functional.scaled_dot_product_attention(q, k.transpose(1, 2), v.transpose(1, 2), mask)
    return out.transpose(1, 2).reshape(rows, length, width)


def _encoder_layer(
    layer: EncoderLayer,
    x: Tensor,
    past: Tensor,
    mask: Tensor,
    zeros: Tensor | None,
    heads: int,
) -> tuple[Tensor, Tensor]:
    qkv = layer.qkv(layer.norm1(x))
    width = qkv.shape[-1] // 3
    keys = qkv[..., width:].to(past.dtype)
    memory = _filter(qkv[..., 2 * width :].float(), layer.memory, zeros)
    seen = _attend(qkv[..., :width], torch.cat([past, keys], dim=1), mask, heads)
    memory += layer.out(seen)
    if layer.residual:
        memory += x
    memory += layer.down(layer.up.rectified(layer.norm2(memory)))
    return memory, keys


def _filter(values: Tensor, taps: Tensor, zeros: Tensor | None) -> Tensor:
    """Depthwise filter over time, centred: (B, T, D) with (kernel, D) taps → (B, T, D)."""
    kernel, length = taps.shape[0], values.shape[1]
    side = kernel // 2
    padded = functional.pad(values if zeros is None else values * zeros, (0, 0, side, side))
    # A sum of shifted products beats a grouped convolution at these sizes.
    out = padded[:, :length] * taps[0]
    for k in range(1, kernel):
        out.addcmul_(padded[:, k : k + length], taps[k])
    return out


def _decoder_layer(
    layer: DecoderLayer, x: Tensor, past: Tensor, audio: Tensor, mask: Tensor, heads: int
) -> tuple[Tensor, Tensor]:
    """(B, N, D) → (B, N, D), and the memory filter's (B, taps − 1 + N, D) input."""
    y = layer.norm2(layer.down(layer.inner(layer.up.rectified(layer.norm1(x)).float())).float())
    memory = torch.cat([past, y], dim=1)
    # Causal: padding on the right cannot reach a real character.
    x = x + (memory.unfold(1, layer.memory.shape[0], 1) * layer.memory.t()).sum(-1)
    query = layer.query(layer.norm3(x))
    return x + layer.out(_attend(query, audio.to(mask.dtype), mask, heads)), memory
