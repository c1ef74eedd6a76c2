"""The weights of a streaming Paraformer as plain tensors, and the precisions they can take.

Shapes: ``D`` model width, ``F`` feature width (mels × stacked frames), ``V`` vocabulary.
The residual stream stays float32 in every precision; only matrix products change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.nn import functional


class Precision(StrEnum):
    """How matrix products are computed."""

    FP32 = "fp32"
    BF16 = "bf16"
    INT8 = "int8"


@dataclass(frozen=True, slots=True)
class Norm:
    """Layer normalisation over the last axis."""

    weight: Tensor
    bias: Tensor
    eps: float

    def __call__(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)


@dataclass(frozen=True, slots=True)
class Dense:
    """A matrix product: (…, in) → (…, out), in the dtype of its weight."""

    weight: Tensor
    """(out, in)"""
    bias: Tensor | None

    def __call__(self, x: Tensor) -> Tensor:
        return functional.linear(x.to(self.weight.dtype), self.weight, self.bias)

    def rectified(self, x: Tensor) -> Tensor:
        """The product, nothing below zero."""
        return self(x).relu_()


@dataclass(frozen=True, slots=True)
class PackedDense:
    """The same on a CPU, with the weight laid out once as oneDNN wants it.

    torch lays it out anew in every call otherwise, which at our sizes costs as much as the
    product itself.
    """

    weight: Tensor
    """Opaque to everything but the operator below."""
    bias: Tensor | None
    dtype: torch.dtype

    def __call__(self, x: Tensor) -> Tensor:
        return self._product(x, "none")

    def rectified(self, x: Tensor) -> Tensor:
        """The product, nothing below zero."""
        return self._product(x, "relu")

    def _product(self, x: Tensor, then: str) -> Tensor:
        product: Tensor = torch.ops.mkldnn._linear_pointwise(
            x.to(self.dtype), self.weight, self.bias, then, [], ""
        )
        return product


@dataclass(frozen=True, slots=True)
class Int8Dense:
    """A matrix product in 8 bit integers with one activation scale per row.

    The scale belongs to the row alone, so a loud call does not change what its neighbours in
    the batch get (torch's own dynamic quantisation takes one scale for the whole batch).
    """

    weight: Tensor
    """(in, out) int8"""
    scale: Tensor
    """(out,) float32"""
    bias: Tensor | None

    def __call__(self, x: Tensor) -> Tensor:
        rows = x.reshape(-1, x.shape[-1]).float()
        step = rows.abs().amax(1, keepdim=True).clamp_min_(1e-8).div_(127)
        whole = torch._int_mm((rows / step).round_().to(torch.int8), self.weight)
        out = whole.float().mul_(step).mul_(self.scale)
        if self.bias is not None:
            out += self.bias
        return out.view(*x.shape[:-1], out.shape[-1])

    def rectified(self, x: Tensor) -> Tensor:
        """The product, nothing below zero."""
        return self(x).relu_()


AnyDense = Dense | PackedDense | Int8Dense


@dataclass(frozen=True, slots=True)
class EncoderLayer:
    """One SANM block: self-attention beside a memory filter, then feed-forward."""

    norm1: Norm
    qkv: AnyDense
    memory: Tensor
    """(kernel, D) filter over time, the identity path already added to its middle tap."""
    out: AnyDense
    norm2: Norm
    up: AnyDense
    down: AnyDense
    residual: bool
    """False for the first layer, whose input is as wide as the features."""


@dataclass(frozen=True, slots=True)
class DecoderLayer:
    """Feed-forward, causal memory filter over characters, attention to the audio."""

    norm1: Norm
    up: AnyDense
    inner: Norm
    down: AnyDense
    norm2: Norm
    memory: Tensor
    """(kernel, D) causal filter, the identity path already added to its last tap."""
    norm3: Norm
    query: AnyDense
    out: AnyDense


@dataclass(frozen=True, slots=True)
class LastLayer:
    """The decoder's last block: feed-forward alone, without residual."""

    norm1: Norm
    up: AnyDense
    inner: Norm
    down: AnyDense


@dataclass(frozen=True, slots=True)
class Predictor:
    """CIF: how much of a character each audio frame carries."""

    conv: Tensor
    """(D, D, 3)"""
    conv_bias: Tensor
    out: Dense
    threshold: float
    smooth: float
    noise: float
    tail: float


@dataclass(frozen=True, slots=True)
class Network:
    """All that one step needs."""

    encoder: tuple[EncoderLayer, ...]
    encoder_norm: Norm
    predictor: Predictor
    keys_values: AnyDense
    """Keys and values of every decoder layer in one product: (…, D) → (…, layers × 2D)."""
    decoder: tuple[DecoderLayer, ...]
    last: tuple[LastLayer, ...]
    decoder_norm: Norm
    output: AnyDense
    width: int
    feature_width: int
    heads: int
    decoder_heads: int
    precision: Precision

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.encoder_norm.weight.device

    @property
    def cache_dtype(self) -> torch.dtype:
        """What keys and values are kept in between steps."""
        return torch.bfloat16 if self.precision is Precision.BF16 else torch.float32


def native_precision(device: torch.device | None = None) -> Precision:
    """What the device (None: the processor) multiplies fastest without losing accuracy.

    bf16 where the processor has instructions for it (AMX, AVX512-BF16) or on a graphics card: on
    the bundled model it loses nothing (`tingban bench accuracy --precision`). Elsewhere bf16 is
    emulated and slower than fp32; int8 has not been faster than fp32 at the bundled model's size.
    """
    if device is not None and device.type != "cpu":
        return Precision.BF16
    able = torch.cpu.get_capabilities()
    native = able.get("amx_bf16") or able.get("avx512_bf16")
    return Precision.BF16 if native and torch.backends.mkldnn.enabled else Precision.FP32


_T = TypeVar("_T")


def at_precision(network: Network, precision: Precision) -> Network:
    """The same network with its matrix products in ``precision``. Takes an fp32 network.

    The predictor stays float32: whether a character is complete hangs on its sums.
    """
    if network.precision is not Precision.FP32:
        raise ValueError("only an fp32 network can be converted")
    if precision is Precision.FP32:
        return network
    convert = _to_bf16 if precision is Precision.BF16 else _to_int8
    changed = {
        f.name: _map_dense(getattr(network, f.name), convert)
        for f in fields(network)
        if f.name != "predictor"
    }
    return replace(network, **{**changed, "precision": precision})


def to_device(network: Network, device: torch.device) -> Network:
    """The same network with its weights on ``device``, laid out for it."""
    if device.type == "cuda":
        # The predictor's filter would be rounded to 10 bits otherwise, and characters hang on it.
        torch.backends.cudnn.allow_tf32 = False
    moved = _map(network, Tensor, lambda t: t.to(device))
    packs = device.type == "cpu" and torch.backends.mkldnn.enabled
    # The predictor's single output is no work worth packing.
    return replace(_map(moved, Dense, _pack), predictor=moved.predictor) if packs else moved


def _to_bf16(dense: Dense) -> AnyDense:
    bias = None if dense.bias is None else dense.bias.to(torch.bfloat16)
    return Dense(dense.weight.to(torch.bfloat16), bias)


def _to_int8(dense: Dense) -> AnyDense:
    scale = dense.weight.abs().amax(1).clamp_min(1e-12) / 127
    whole = (dense.weight / scale[:, None]).round().to(torch.int8)
    return Int8Dense(whole.t(), scale, dense.bias)


def _pack(dense: Dense) -> PackedDense:
    weight = torch.ops.mkldnn._reorder_linear_weight(dense.weight)
    return PackedDense(weight, dense.bias, dense.weight.dtype)


def _map_dense(value: Any, convert: Callable[[Dense], AnyDense]) -> Any:
    return _map(value, Dense, convert)


def _map(value: _T, kind: type, convert: Callable[[Any], Any]) -> _T:
    """``value`` with everything of ``kind`` inside it converted."""
    if isinstance(value, kind):
        return convert(value)  # type: ignore[no-any-return]
    if isinstance(value, tuple):
        return tuple(_map(v, kind, convert) for v in value)  # type: ignore[return-value]
    if is_dataclass(value) and not isinstance(value, type):
        changes = {f.name: _map(getattr(value, f.name), kind, convert) for f in fields(value)}
        return replace(value, **changes)
    return value
