"""The bundled model's configuration, and reading and writing its directory."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import yaml

WIDTH = 256
ENCODER_LAYERS = 6
DECODER_LAYERS = 3
HEADS = 4

#: The tokens before and after the characters in tokens.json.
LEADING_TOKENS = ("<blank>", "<s>", "</s>")
TRAILING_TOKENS = ("<unk>",)


def configuration() -> dict[str, Any]:
    """config.yaml of the model directory: FunASR builds the model from it."""
    return {
        "model": "ParaformerStreaming",
        "model_conf": {
            "ctc_weight": 0.0,
            "lsm_weight": 0.1,
            "length_normalized_loss": True,
            "predictor_weight": 1.0,
            "predictor_bias": 0,
            "sampling_ratio": 0.0,
        },
        "encoder": "SANMEncoderChunkOpt",
        "encoder_conf": {
            "output_size": WIDTH,
            "attention_heads": HEADS,
            "linear_units": 768,
            "num_blocks": ENCODER_LAYERS,
            "dropout_rate": 0.0,
            "positional_dropout_rate": 0.0,
            "attention_dropout_rate": 0.0,
            "input_layer": "pe_online",
            "pos_enc_class": "SinusoidalPositionEncoder",
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
            "attention_heads": HEADS,
            "linear_units": 512,
            "num_blocks": DECODER_LAYERS,
            "att_layer_num": DECODER_LAYERS,
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
            "idim": WIDTH,
            "threshold": 1.0,
            "l_order": 1,
            "r_order": 1,
            "tail_threshold": 0.45,
        },
        "frontend": "WavFrontendOnline",
        "frontend_conf": {
            "fs": 16000,
            "window": "hamming",
            "n_mels": 80,
            "frame_length": 25,
            "frame_shift": 10,
            "dither": 0.0,
            "lfr_m": 7,
            "lfr_n": 6,
        },
        "tokenizer": "CharTokenizer",
        "tokenizer_conf": {"unk_symbol": "<unk>", "split_with_space": True},
        "normalize": None,
    }


def build(tokens: Path, cmvn: Path) -> Any:
    """A model of this configuration with fresh weights, through FunASR's own builder."""
    from funasr import AutoModel

    settings = configuration()
    settings["tokenizer_conf"]["token_list"] = str(tokens)
    settings["frontend_conf"]["cmvn_file"] = str(cmvn)
    threads = torch.get_num_threads()
    model = AutoModel.build_model(**settings, device="cpu", ncpu=threads, disable_update=True)[0]
    torch.set_num_threads(threads)
    return model


def write_tokens(path: Path, characters: list[str]) -> None:
    """tokens.json: the special tokens and the characters."""
    tokens = [*LEADING_TOKENS, *characters, *TRAILING_TOKENS]
    path.write_text(json.dumps(tokens, ensure_ascii=False), encoding="utf-8")


def write_cmvn(
    path: Path, mean: npt.NDArray[np.float32], deviation: npt.NDArray[np.float32]
) -> None:
    """am.mvn in Kaldi's text form, for seven stacked frames of 80 bins."""

    def row(tag: str, values: npt.NDArray[np.floating]) -> str:
        numbers = " ".join(f"{value:.6f}" for value in np.tile(values, 7))
        return f"<{tag}> 560 560\n<LearnRateCoef> 0 [ {numbers} ]\n"

    body = row("AddShift", -mean) + row("Rescale", 1 / deviation)
    path.write_text(f"<Nnet>\n<Splice> 560 560\n[ 0 ]\n{body}</Nnet>\n", encoding="ascii")


def write_model(model: Any, tokens: Path, cmvn: Path, directory: Path) -> None:
    """A directory for `AutoModel(model=...)`. Weights are stored in half precision."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "tokens.json").write_bytes(tokens.read_bytes())
    (directory / "am.mvn").write_bytes(cmvn.read_bytes())
    text = yaml.safe_dump(configuration(), sort_keys=False, allow_unicode=True)
    (directory / "config.yaml").write_text(text, encoding="utf-8")
    state = {
        name: value.half() if value.is_floating_point() else value
        for name, value in model.state_dict().items()
    }
    torch.save(state, directory / "model.pt")


def write_checksums(directory: Path) -> None:
    """SHA256SUMS over everything in the directory except itself and the model card."""
    lines = []
    for path in sorted(directory.iterdir()):
        if path.is_file() and path.name not in ("SHA256SUMS", "README.md"):
            lines.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
    (directory / "SHA256SUMS").write_text("".join(lines), encoding="ascii")
