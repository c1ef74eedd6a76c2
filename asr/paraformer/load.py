"""Reads a model directory through FunASR; besides ``reference.py`` the only file that knows it.

The bundled model and ``paraformer-zh-streaming`` come through the same door. What FunASR
prints, logs or sets globally while loading is put back.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from asr.paraformer.network import (
    DecoderLayer,
    Dense,
    EncoderLayer,
    LastLayer,
    Network,
    Norm,
    Precision,
    Predictor,
    at_precision,
    to_device,
)

NEEDED_FILES = ("config.yaml", "model.pt", "tokens.json", "am.mvn")


class ModelError(Exception):
    """Root of what loading may raise."""


class ModelMissing(ModelError):
    """There is no model directory."""


class ModelDamaged(ModelError):
    """The directory is incomplete or its files cannot be read."""


class ModelUnsupported(ModelError):
    """The files are sound but hold another kind of model."""


class DeviceMissing(ModelError):
    """The model cannot be run on the device that was asked for."""


@dataclass(frozen=True, slots=True)
class Model:
    """A loaded recogniser: weights, vocabulary and the feature statistics that go with it."""

    name: str
    directory: Path
    network: Network
    tokens: tuple[str, ...]
    unspoken: frozenset[int]
    """Ids that stand for no text: blank, begin, end."""
    cmvn: NDArray[np.float32]
    """(2, F): what to add to a stacked feature frame, then what to multiply it by."""


def load_model(
    directory: Path | str,
    precision: Precision = Precision.FP32,
    device: str = "cpu",
) -> Model:
    """Read a ``ParaformerStreaming`` from ``directory``, without any network access.

    ``device`` is ``cpu``, ``cuda`` or one of several, ``cuda:1``. Raises :class:`ModelMissing`,
    :class:`ModelDamaged`, :class:`ModelUnsupported` or :class:`DeviceMissing`.
    """
    place = device_named(device, precision)
    path = Path(directory)
    auto = auto_model(path)
    try:
        model = extract(path, auto.model, auto.kwargs["frontend"], auto.kwargs["tokenizer"])
    except (AttributeError, KeyError, IndexError) as error:
        raise ModelUnsupported(f"{path} is not a streaming Paraformer: {error}") from error
    network = to_device(at_precision(model.network, precision), place)
    return replace(model, network=network)


def device_named(name: str, precision: Precision = Precision.FP32) -> torch.device:
    """Where a model in ``precision`` can be run. Raises :class:`DeviceMissing`."""
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceMissing(f"{name!r} is no device; cpu, cuda or cuda:1 are") from error
    if device.type == "cpu":
        return device
    if device.type != "cuda":
        raise DeviceMissing(f"models do not run on {name}; cpu or cuda")
    if torch.version.cuda is None:
        raise DeviceMissing(f"{name}: this torch was built without CUDA; install one with it")
    if (device.index or 0) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise DeviceMissing(f"{name}: there are {count} CUDA devices here; is the driver loaded?")
    if precision is Precision.INT8:
        raise DeviceMissing(f"{name}: int8 is for processors; take bf16 or fp32 there")
    return device


def _check_files(path: Path) -> None:
    if not path.is_dir():
        raise ModelMissing(
            f"there is no model at {path}; `tingban models fetch paraformer-zh-streaming` "
            "gets the published one, `tingban models list` shows what is here"
        )
    missing = [name for name in NEEDED_FILES if not (path / name).is_file()]
    if missing:
        raise ModelDamaged(
            f"{path} lacks {', '.join(missing)}; `tingban models verify` says what is wrong"
        )


def auto_model(path: Path) -> Any:
    """FunASR's ``AutoModel`` on a directory. Raises as :func:`load_model` does."""
    _check_files(path)
    with left_as_found():
        from funasr import AutoModel

        try:
            return AutoModel(
                model=str(path),
                disable_update=True,
                disable_pbar=True,
                disable_log=True,
                device="cpu",
                ncpu=torch.get_num_threads(),
                log_level="ERROR",
            )
        except Exception as error:  # a damaged file can raise anything
            raise ModelDamaged(
                f"{path} cannot be read ({type(error).__name__}: {error}); "
                "`tingban models verify` says what is wrong"
            ) from error


@contextlib.contextmanager
def left_as_found() -> Iterator[None]:
    """Keep FunASR from printing, and undo what it does to the root logger and to torch."""
    root = logging.getLogger()
    level, handlers, disabled = root.level, list(root.handlers), root.manager.disable
    threads = torch.get_num_threads()
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(disabled)
        root.setLevel(level)
        root.handlers[:] = handlers
        torch.set_num_threads(threads)


def extract(path: Path, model: Any, frontend: Any, tokenizer: Any) -> Model:
    """Our form of FunASR's modules, float32. Raises :class:`ModelUnsupported`."""
    _check_kind(model, frontend)
    encoder, decoder = model.encoder, model.decoder
    blocks = [*encoder.encoders0, *encoder.encoders]
    layers = list(decoder.decoders)
    both = [layer.src_attn.linear_k_v for layer in layers]
    network = Network(
        encoder=tuple(_encoder_layer(block) for block in blocks),
        encoder_norm=_norm(encoder.after_norm),
        predictor=_predictor(model.predictor),
        keys_values=Dense(
            torch.cat([p.weight for p in both]).detach().clone(),
            torch.cat([p.bias for p in both]).detach().clone(),
        ),
        decoder=tuple(_decoder_layer(layer) for layer in layers),
        last=tuple(_last_layer(layer) for layer in decoder.decoders3),
        decoder_norm=_norm(decoder.after_norm),
        output=_dense(decoder.output_layer),
        width=encoder.output_size(),
        feature_width=frontend.output_size(),
        heads=blocks[0].self_attn.h,
        decoder_heads=layers[0].src_attn.h,
        precision=Precision.FP32,
    )
    return Model(
        name=path.name,
        directory=path,
        network=network,
        tokens=tuple(tokenizer.token_list),
        unspoken=frozenset((model.sos, model.eos, model.blank_id)),
        cmvn=np.asarray(frontend.cmvn, dtype=np.float32),
    )


def _check_kind(model: Any, frontend: Any) -> None:
    def need(holds: bool, what: str) -> None:
        if not holds:
            raise ModelUnsupported(f"this model cannot be run here: {what}")

    encoder, decoder = model.encoder, model.decoder
    kinds = [type(part).__name__ for part in (model, encoder, decoder, model.predictor, frontend)]
    need(
        kinds
        == [
            "ParaformerStreaming",
            "SANMEncoderChunkOpt",
            "ParaformerSANMDecoder",
            "CifPredictorV2",
            "WavFrontendOnline",
        ],
        f"it is made of {', '.join(kinds)}",
    )
    need(type(encoder.embed).__name__ == "StreamSinusoidalPositionEncoder", "position encoding")
    need(encoder.normalize_before and decoder.normalize_before, "normalisation after the blocks")
    need(model.normalize is None, "a second feature normalisation")
    need(decoder.decoders2 is None, "decoder blocks without attention (decoders2)")
    need(encoder.conditioning_layer is None, "intermediate CTC")
    need(tuple(model.predictor.cif_conv1d.kernel_size) == (3,), "a CIF filter not 3 frames wide")
    filters = [layer.self_attn for layer in decoder.decoders]
    need(all(f.pad_fn.padding[1] == 0 for f in filters), "a decoder filter that looks ahead")
    need(
        (frontend.fs, frontend.n_mels, frontend.lfr_m, frontend.lfr_n) == (16000, 80, 7, 6)
        and (frontend.frame_length, frontend.frame_shift, frontend.window) == (25, 10, "hamming"),
        "features other than 80 mels of 25 ms every 10 ms, 7 stacked every 6",
    )
    need(frontend.cmvn is not None, "no feature statistics (am.mvn)")


def _tensor(value: Any) -> Tensor:
    # FunASR's bundled checkpoints may be half precision on disk; everything starts at float32.
    return torch.as_tensor(value).detach().float().clone()


def _norm(norm: Any) -> Norm:
    return Norm(_tensor(norm.weight), _tensor(norm.bias), float(norm.eps))


def _dense(linear: Any) -> Dense:
    return Dense(_tensor(linear.weight), None if linear.bias is None else _tensor(linear.bias))


def _filter(attention: Any, identity_tap: int) -> Tensor:
    taps = _tensor(attention.fsmn_block.weight)[:, 0].t().contiguous()
    taps[identity_tap] += 1
    return taps


def _encoder_layer(block: Any) -> EncoderLayer:
    attention = block.self_attn
    left, right = attention.pad_fn.padding
    if left != right:
        raise ModelUnsupported("this model cannot be run here: a shifted encoder filter")
    return EncoderLayer(
        norm1=_norm(block.norm1),
        qkv=_dense(attention.linear_q_k_v),
        memory=_filter(attention, left),
        out=_dense(attention.linear_out),
        norm2=_norm(block.norm2),
        up=_dense(block.feed_forward.w_1),
        down=_dense(block.feed_forward.w_2),
        residual=block.in_size == block.size,
    )


def _decoder_layer(layer: Any) -> DecoderLayer:
    forward = layer.feed_forward
    return DecoderLayer(
        norm1=_norm(layer.norm1),
        up=_dense(forward.w_1),
        inner=_norm(forward.norm),
        down=_dense(forward.w_2),
        norm2=_norm(layer.norm2),
        memory=_filter(layer.self_attn, layer.self_attn.pad_fn.padding[0]),
        norm3=_norm(layer.norm3),
        query=_dense(layer.src_attn.linear_q),
        out=_dense(layer.src_attn.linear_out),
    )


def _last_layer(layer: Any) -> LastLayer:
    forward = layer.feed_forward
    return LastLayer(
        norm1=_norm(layer.norm1),
        up=_dense(forward.w_1),
        inner=_norm(forward.norm),
        down=_dense(forward.w_2),
    )


def _predictor(predictor: Any) -> Predictor:
    return Predictor(
        conv=_tensor(predictor.cif_conv1d.weight),
        conv_bias=_tensor(predictor.cif_conv1d.bias),
        out=_dense(predictor.cif_output),
        threshold=float(predictor.threshold),
        smooth=float(predictor.smooth_factor),
        noise=float(predictor.noise_threshold),
        tail=float(predictor.tail_threshold),
    )
