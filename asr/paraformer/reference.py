"""FunASR's own streaming, one stream at a time: what our step is compared with, never used live.

Builds it on a model directory or on random weights of any size, in memory.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from numpy.typing import NDArray

from asr.paraformer.load import Model, auto_model, extract, left_as_found
from asr.paraformer.network import Precision
from asr.paraformer.state import CHUNK_600_MS, ChunkShape


@dataclass(frozen=True, slots=True)
class Size:
    """Dimensions of a model."""

    encoder_layers: int
    decoder_layers: int
    width: int
    heads: int
    encoder_hidden: int
    decoder_hidden: int
    vocabulary: int


FULL = Size(50, 16, 512, 4, 2048, 2048, 8404)
"""What ``paraformer-zh-streaming`` is published as: 220 million parameters."""
TINY = Size(3, 2, 64, 4, 128, 128, 60)
"""For tests: everything a large one has, in a few milliseconds."""


class Reference:
    """FunASR's modules, decoding with FunASR's code."""

    def __init__(self, path: Path, model: Any, frontend: Any, tokenizer: Any) -> None:
        self._path = path
        self._model = model
        self._frontend = frontend
        self._tokenizer = tokenizer

    @property
    def device(self) -> torch.device:
        """Where FunASR's modules are."""
        device: torch.device = next(iter(self._model.parameters())).device
        return device

    def to(self, device: torch.device) -> Reference:
        """The same modules, moved."""
        self._model.to(device)
        return self

    def model(self) -> Model:
        """The same weights for our own step."""
        return extract(self._path, self._model, self._frontend, self._tokenizer)

    @contextlib.contextmanager
    def at_precision(self, precision: Precision) -> Iterator[Reference]:
        """FunASR's modules as one would run them at our precision: autocast for bf16, torch's
        dynamic quantisation for int8."""
        if precision is Precision.BF16:
            with torch.autocast(self.device.type, dtype=torch.bfloat16):
                yield self
        elif precision is Precision.INT8:
            quantise: Any = torch.ao.quantization.quantize_dynamic
            small = quantise(self._model, {torch.nn.Linear}, torch.qint8)
            yield Reference(self._path, small, self._frontend, self._tokenizer)
        else:
            yield self

    @property
    def network(self) -> Any:
        """FunASR's torch module, for whoever wants to quantise it."""
        return self._model

    def begin(self, shape: ChunkShape = CHUNK_600_MS) -> ReferenceStream:
        """A new stream."""
        return ReferenceStream(self._model, self._frontend, self._tokenizer, shape, self.device)

    def decode(
        self, pieces: Iterable[NDArray[np.float32]], shape: ChunkShape = CHUNK_600_MS
    ) -> list[int]:
        """Token ids of a whole stream, its audio given in pieces of any size."""
        stream = self.begin(shape)
        ids = [token for piece in pieces for token in stream.push(piece, final=False)]
        return ids + stream.push(np.zeros(0, np.float32), final=True)


class ReferenceStream:
    """One stream: what ``AutoModel.generate(cache=…)`` does, without its bookkeeping."""

    def __init__(
        self, model: Any, frontend: Any, tokenizer: Any, shape: ChunkShape, device: torch.device
    ) -> None:
        self._model = model
        self._ids: list[int] = []
        self._cache: dict[str, Any] = {}
        self._arguments = {
            "key": ["stream"],
            "tokenizer": _Listener(tokenizer, self._ids),
            "frontend": frontend,
            "device": str(device),
            "chunk_size": [0, shape.size, shape.ahead],
            "encoder_chunk_look_back": shape.encoder_look_back,
            "decoder_chunk_look_back": shape.decoder_look_back,
            "encoder_conf": {"output_size": model.encoder.output_size()},
            "frontend_conf": {"n_mels": frontend.n_mels, "lfr_m": frontend.lfr_m},
        }

    @torch.inference_mode()
    def push(self, samples: NDArray[np.float32], final: bool) -> list[int]:
        """Token ids that 16 kHz samples complete, blank and the like left out."""
        self._ids.clear()
        self._model.inference(
            [torch.from_numpy(samples)], cache=self._cache, is_final=final, **self._arguments
        )
        return list(self._ids)


class _Listener:
    """A tokenizer that notes which ids it was asked to spell."""

    def __init__(self, tokenizer: Any, ids: list[int]) -> None:
        self._tokenizer = tokenizer
        self._ids = ids

    def ids2tokens(self, ids: list[int]) -> list[str]:
        self._ids.extend(ids)
        return list(self._tokenizer.ids2tokens(ids))


def load_reference(directory: Path | str) -> Reference:
    """FunASR on a model directory."""
    path = Path(directory)
    auto = auto_model(path)
    return Reference(path, auto.model, auto.kwargs["frontend"], auto.kwargs["tokenizer"])


def random_reference(size: Size, seed: int = 0) -> Reference:
    """FunASR on random weights that speak about four characters a chunk."""
    with left_as_found():
        import funasr  # noqa: F401 - registers the classes below
        from funasr.frontends.wav_frontend import WavFrontendOnline
        from funasr.models.paraformer_streaming.model import ParaformerStreaming
        from funasr.tokenizer.char_tokenizer import CharTokenizer

        torch.manual_seed(seed)
        tokens = [chr(0x4E00 + i) for i in range(size.vocabulary - 4)]
        tokenizer = CharTokenizer(
            token_list=["<blank>", "<s>", "</s>", *tokens, "<unk>"],
            unk_symbol="<unk>",
            split_with_space=True,
        )
        frontend = WavFrontendOnline(n_mels=80, lfr_m=7, lfr_n=6, dither=0.0)
        width = frontend.output_size()
        frontend.cmvn = np.stack([np.full(width, -8.0), np.full(width, 0.25)])
        frontend.cmvn_file = "in memory"
        model = ParaformerStreaming(
            input_size=width, vocab_size=size.vocabulary, **configuration(size)
        )
        model.eval()
        with torch.no_grad():
            # Half a character on every frame; which one must depend on the sound alone.
            model.predictor.cif_output.bias.zero_()
            model.decoder.output_layer.bias.zero_()
    return Reference(Path("random"), model, frontend, tokenizer)


def configuration(size: Size) -> dict[str, Any]:
    """The model part of a ``config.yaml`` for these dimensions."""
    return {
        "ctc_weight": 0.0,
        "predictor_weight": 1.0,
        "predictor_bias": 1,
        "sampling_ratio": 0.0,
        "encoder": "SANMEncoderChunkOpt",
        "encoder_conf": {
            "output_size": size.width,
            "attention_heads": size.heads,
            "linear_units": size.encoder_hidden,
            "num_blocks": size.encoder_layers,
            "dropout_rate": 0.0,
            "positional_dropout_rate": 0.0,
            "attention_dropout_rate": 0.0,
            "input_layer": "pe_online",
            "normalize_before": True,
            "kernel_size": 11,
            "sanm_shfit": 0,
            "selfattention_layer_type": "sanm",
            "chunk_size": [15],
            "stride": [10],
            "pad_left": [0],
            "encoder_att_look_back_factor": [4],
            "decoder_att_look_back_factor": [1],
        },
        "decoder": "ParaformerSANMDecoder",
        "decoder_conf": {
            "attention_heads": size.heads,
            "linear_units": size.decoder_hidden,
            "num_blocks": size.decoder_layers,
            "att_layer_num": size.decoder_layers,
            "dropout_rate": 0.0,
            "positional_dropout_rate": 0.0,
            "self_attention_dropout_rate": 0.0,
            "src_attention_dropout_rate": 0.0,
            "kernel_size": 11,
            "sanm_shfit": 5,
            "wo_input_layer": True,
        },
        "predictor": "CifPredictorV2",
        "predictor_conf": {
            "idim": size.width,
            "threshold": 1.0,
            "l_order": 1,
            "r_order": 1,
            "tail_threshold": 0.45,
        },
    }


def write_model(directory: Path, reference: Reference, size: Size) -> None:
    """Write random weights as a model directory that FunASR and we can load."""
    directory.mkdir(parents=True, exist_ok=True)
    described = configuration(size)
    scalars = {k: v for k, v in described.items() if isinstance(v, int | float)}
    config = {
        "model": "ParaformerStreaming",
        "model_conf": scalars,
        **{k: v for k, v in described.items() if k not in scalars},
        "frontend": "WavFrontendOnline",
        "frontend_conf": {"fs": 16000, "n_mels": 80, "lfr_m": 7, "lfr_n": 6, "dither": 0.0},
        "tokenizer": "CharTokenizer",
        "tokenizer_conf": {"unk_symbol": "<unk>", "split_with_space": True},
    }
    (directory / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    tokens = json.dumps(reference.model().tokens, ensure_ascii=False)
    (directory / "tokens.json").write_text(tokens, encoding="utf-8")
    torch.save(reference.network.state_dict(), directory / "model.pt")
    (directory / "am.mvn").write_text(_kaldi_cmvn(reference.model().cmvn), encoding="utf-8")


def _kaldi_cmvn(cmvn: NDArray[np.float32]) -> str:
    width = cmvn.shape[1]
    shift, scale = (" ".join(f"{value:.9g}" for value in row) for row in cmvn)
    return (
        f"<Nnet>\n<AddShift> {width} {width}\n<LearnRateCoef> 0 [ {shift} ]\n"
        f"<Rescale> {width} {width}\n<LearnRateCoef> 0 [ {scale} ]\n</Nnet>\n"
    )
