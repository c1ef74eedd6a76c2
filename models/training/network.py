"""FunASR's ParaformerStreaming, computed for training exactly as it computes when streaming.

A streaming Paraformer sees speech in windows of 15 rows (60 ms each): 10 new ones and 5 of look-ahead.
Attention reaches the first 10 rows of the last 4 windows. FunASR's training forward approximates
this with masks over padded utterances; here the windows of many utterances lie in ONE flat batch:

    window   0      1      2    | 3      4    | 5 ...        15 rows each
    from     utterance A        | utterance B | C

Every shape is fixed, nothing is padding, and what a window may see of its neighbours is a mask. So
the step stays simple and its matrix products run in bfloat16 on cores that have AMX. The modules
and their weights are FunASR's own: what is trained here loads through `AutoModel` unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHUNK = 10  # rows a window emits
AHEAD = 5  # rows of look-ahead
WINDOW = CHUNK + AHEAD
ENCODER_LOOK_BACK = 4  # windows
DECODER_TAPS = 11  # kernel of the decoder's causal memory


@dataclass(frozen=True, slots=True)
class Packed:
    """One flat batch. W windows, N character positions, U utterances, all fixed."""

    features: Tensor  # (W, 15, 560) encoder input: scaled LFR features plus position encoding
    valid: Tensor  # (W, 15) the row exists
    has_previous: Tensor  # (W, 4) the window 4, 3, 2, 1 before belongs to the same utterance
    emits: Tensor  # (W * 15,) CIF reads this row
    utterance: Tensor  # (W,) which utterance, U for unused windows
    counts: Tensor  # (U + 1,) characters of each utterance
    weights: Tensor  # (W * 15,) true CIF weights
    syllables: Tensor  # (W * 15,) syllable heard in this row, -1 where not scored
    tones: Tensor  # (W * 15,) its tone, -1 where not scored
    characters: Tensor  # (N,) token ids, -1 for unused positions
    chain: Tensor  # (N, 11) the position k before belongs to the same utterance


class Heads(nn.Module):
    """Helpers of training that are thrown away afterwards."""

    def __init__(self, width: int, tokens: int, syllables: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.syllable = nn.Linear(width, syllables)
        self.tone = nn.Linear(width, 6)
        self.heard = nn.Linear(width, tokens)


def depthwise(x: Tensor, weight: Tensor, before: int) -> Tensor:
    """Depthwise convolution of (W, R, D) along R, as one banded R x R matrix for every channel.

    A depthwise convolution is all memory traffic on a CPU, and its backward more so. Windows are
    short, so the same sum as a batched matrix product over channels is several times faster.
    """
    rows, taps = x.shape[1], weight.shape[-1]
    offset = torch.arange(rows)[None] - torch.arange(rows)[:, None] + before  # [to, from]
    inside = (offset >= 0) & (offset < taps)
    bands = weight[:, 0][:, offset.clamp(0, taps - 1)] * inside  # (D, R, R)
    return torch.bmm(bands, x.permute(2, 1, 0)).permute(2, 1, 0)


class _Reach(torch.autograd.Function):
    """(W, 15, D) -> (W, 55, D): the emitted rows of the four windows before, then the window's own.

    Written by hand because the backward of four overlapping slices fills whole tensors with zeros.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        windows, _, width = x.shape
        out = x.new_zeros(windows, ENCODER_LOOK_BACK * CHUNK + WINDOW, width)
        for j in range(ENCODER_LOOK_BACK):
            ago = ENCODER_LOOK_BACK - j
            out[ago:, j * CHUNK : (j + 1) * CHUNK] = x[: windows - ago, :CHUNK]
        out[:, ENCODER_LOOK_BACK * CHUNK :] = x
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        windows = len(grad)
        back = grad[:, ENCODER_LOOK_BACK * CHUNK :].clone()
        for j in range(ENCODER_LOOK_BACK):
            ago = ENCODER_LOOK_BACK - j
            back[: windows - ago, :CHUNK] += grad[ago:, j * CHUNK : (j + 1) * CHUNK]
        return back


class _CausalMemory(torch.autograd.Function):
    """Depthwise convolution over the last 11 positions of the same utterance; y (N, D)."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, weight: Tensor, chain: Tensor) -> Tensor:
        ctx.save_for_backward(y, weight, chain)
        out = y * weight[:, 0, -1]
        for ago in range(1, DECODER_TAPS):
            tap = weight[:, 0, DECODER_TAPS - 1 - ago]
            out[ago:] += y[:-ago] * chain[ago:, ago, None] * tap
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        y, weight, chain = ctx.saved_tensors
        grad_y = grad * weight[:, 0, -1]
        grad_weight = torch.zeros_like(weight)
        grad_weight[:, 0, -1] = (grad * y).sum(0)
        for ago in range(1, DECODER_TAPS):
            column = DECODER_TAPS - 1 - ago
            linked = grad[ago:] * chain[ago:, ago, None]
            grad_y[:-ago] += linked * weight[:, 0, column]
            grad_weight[:, 0, column] = (linked * y[:-ago]).sum(0)
        return grad_y, grad_weight, None


def _reach(x: Tensor) -> Tensor:
    return cast(Tensor, _Reach.apply(x))  # type: ignore[no-untyped-call]


def _causal_memory(y: Tensor, weight: Tensor, chain: Tensor) -> Tensor:
    return cast(Tensor, _CausalMemory.apply(y, weight, chain))  # type: ignore[no-untyped-call]


def _attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, heads: int) -> Tensor:
    """Scaled dot product attention; mask is additive and broadcasts over heads.

    Plain products: PyTorch's fused attention is much slower on a CPU for shapes this small.
    """
    batch, rows, width = q.shape
    depth = width // heads

    def split(z: Tensor) -> Tensor:
        return z.reshape(batch, -1, heads, depth).transpose(1, 2)

    scores = split(q * depth**-0.5) @ split(k).transpose(-2, -1)
    weights = torch.softmax(scores + mask, -1)
    return (weights @ split(v)).transpose(1, 2).reshape(batch, rows, width)


def encode(encoder: Any, batch: Packed, tap: int) -> tuple[Tensor, Tensor]:
    """(W, 15, D) encoder output and the output of layer `tap`, both before any masking of rows."""
    width = encoder.output_size()
    x = batch.features.to(encoder.after_norm.weight.dtype)
    reachable = torch.cat([batch.has_previous.repeat_interleave(CHUNK, 1), batch.valid], 1)
    mask = torch.where(reachable, 0.0, -1e4)[:, None, None]
    mask = mask.to(x.dtype)
    valid = batch.valid[..., None].to(x.dtype)
    middle = x
    for index, layer in enumerate([*encoder.encoders0, *encoder.encoders]):
        attention = layer.self_attn
        qkv: Tensor = attention.linear_q_k_v(layer.norm1(x))
        q, kv = torch.split(qkv, [width, 2 * width], -1)
        keys, values = _reach(kv).chunk(2, -1)
        out = attention.linear_out(_attend(q, keys, values, mask, attention.h))
        seen = kv[..., width:] * valid
        out = out + depthwise(seen, attention.fsmn_block.weight, 5) + seen
        x = x + out if layer.in_size == layer.size else out
        x = x + layer.feed_forward(layer.norm2(x))
        if index == tap:
            middle = x
    return encoder.after_norm(x) * valid, middle


def fire_weights(predictor: Any, memory: Tensor) -> Tensor:
    """(W, 15) CIF weights; the convolution sees one window at a time, as when streaming."""
    rows = memory.shape[1]
    padded = F.pad(memory, (0, 0, 1, 1))
    stacked = torch.cat([padded[:, k : k + rows] for k in range(3)], -1)
    kernel = predictor.cif_conv1d.weight.permute(0, 2, 1).reshape(memory.shape[-1], -1)
    hidden = torch.relu(F.linear(stacked, kernel, predictor.cif_conv1d.bias))
    return torch.sigmoid(predictor.cif_output(hidden)[..., 0].float())


def scale_to_counts(weights: Tensor, batch: Packed) -> Tensor:
    """Make the weights of every utterance sum to its number of characters."""
    rows = batch.utterance.repeat_interleave(WINDOW)
    sums = torch.zeros_like(batch.counts, dtype=weights.dtype).index_add(0, rows, weights)
    factor = batch.counts / sums.clamp_min(0.1)
    return weights * factor[rows]


def integrate(weights: Tensor, memory: Tensor, positions: int) -> tuple[Tensor, Tensor]:
    """CIF as one matrix: position j gets the part of the cumulative weight in [j, j + 1].

    Utterances follow each other and each sums to a whole number, so one running sum serves all.
    Returns (N, D) embeddings and the window in which each position fires.
    """
    running = weights.double().cumsum(0)
    ends = running.float()
    starts = ends - weights
    index = torch.arange(positions)[:, None]
    share = (torch.minimum(ends, index + 1.0) - torch.maximum(starts, index.float())).clamp_min(0)
    fires_at = torch.arange(1, positions + 1, dtype=torch.float64) - 1e-4
    row = torch.searchsorted(running.detach(), fires_at).clamp_max(len(weights) - 1)
    return share.to(memory.dtype) @ memory.reshape(-1, memory.shape[-1]), row // WINDOW


def decode(
    decoder: Any, memory: Tensor, embeddings: Tensor, fired: Tensor, batch: Packed
) -> Tensor:
    """(N, V) logits. A position sees the window it fired in and 10 rows of the window before."""
    windows, rows, width = memory.shape
    flat = memory.reshape(1, windows * rows, width)
    window = torch.arange(windows).repeat_interleave(rows)
    row = torch.arange(rows).repeat(windows)
    continues = batch.has_previous[:, -1][fired][:, None]
    own = window[None] == fired[:, None]
    before = (window[None] == fired[:, None] - 1) & (row >= AHEAD)[None] & continues
    mask = torch.where((own | before) & batch.valid.reshape(1, -1), 0.0, -1e4)[None, None]
    mask = mask.to(memory.dtype)
    chain = batch.chain.to(memory.dtype)
    x = embeddings
    for layer in decoder.decoders:
        y = layer.norm2(layer.feed_forward(layer.norm1(x)))
        x = x + y + _causal_memory(y, layer.self_attn.fsmn_block.weight, chain)
        attention = layer.src_attn
        keys, values = attention.linear_k_v(flat).split(width, -1)
        q = attention.linear_q(layer.norm3(x))[None]
        x = x + attention.linear_out(_attend(q, keys, values, mask, attention.h))[0]
    for layer in decoder.decoders3:
        x = layer.feed_forward(layer.norm1(x))
    logits: Tensor = decoder.output_layer(decoder.after_norm(x))
    return logits
