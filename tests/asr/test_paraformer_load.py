"""Model directories, sound and unsound."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from asr.paraformer.decoder import Decoder
from asr.paraformer.load import (
    ModelDamaged,
    ModelMissing,
    ModelUnsupported,
    auto_model,
    load_model,
)
from asr.paraformer.reference import TINY, load_reference, random_reference, write_model
from tests.asr.streams import Player, Script, sound


@pytest.fixture(scope="module")
def directory(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("models") / "tiny"
    write_model(path, random_reference(TINY, seed=3), TINY)
    return path


def changed(directory: Path, tmp_path: Path, change) -> Path:
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in directory.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    config = yaml.safe_load((copy / "config.yaml").read_text())
    change(config)
    (copy / "config.yaml").write_text(yaml.safe_dump(config))
    return copy


def test_a_directory_is_read_as_funasr_reads_it(directory):
    """Our step against ``AutoModel.generate()`` itself, text for text."""
    auto = auto_model(directory)
    model = load_model(directory)
    wave = sound(40_000, 1)
    cache: dict = {}
    text = ""
    for first in range(0, len(wave), 3_000):
        text += auto.generate(
            input=wave[first : first + 3_000],
            cache=cache,
            is_final=first + 3_000 >= len(wave),
            chunk_size=[0, 10, 5],
            encoder_chunk_look_back=4,
            decoder_chunk_look_back=1,
        )[0]["text"]
    [ids] = Player(Decoder(model)).play([Script(wave)])
    assert text
    assert "".join(model.tokens[i] for i in ids) == text
    assert load_reference(directory).decode([wave]) == ids


def test_loading_leaves_process_settings_alone(directory, capsys):
    root = logging.getLogger()
    before = (root.level, list(root.handlers), root.manager.disable, torch.get_num_threads())
    load_model(directory)
    assert before == (root.level, root.handlers, root.manager.disable, torch.get_num_threads())
    assert capsys.readouterr() == ("", "")


def test_a_missing_directory_names_the_command_to_run(tmp_path):
    with pytest.raises(ModelMissing, match="tingban models fetch"):
        load_model(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["config.yaml", "model.pt", "tokens.json", "am.mvn"])
def test_a_missing_file_is_named(directory, tmp_path, name):
    copy = changed(directory, tmp_path, lambda config: None)
    (copy / name).unlink()
    with pytest.raises(ModelDamaged, match=f"{name}.*tingban models verify"):
        load_model(copy)


def test_truncated_weights_are_damage(directory, tmp_path):
    copy = changed(directory, tmp_path, lambda config: None)
    weights = copy / "model.pt"
    weights.write_bytes(weights.read_bytes()[:5_000])
    with pytest.raises(ModelDamaged, match="tingban models verify"):
        load_model(copy)


def test_a_decoder_with_blocks_without_attention_is_refused(directory, tmp_path):
    copy = changed(directory, tmp_path, lambda c: c["decoder_conf"].update(att_layer_num=1))
    with pytest.raises((ModelUnsupported, ModelDamaged)):
        load_model(copy)


def test_vocabulary_and_statistics_come_along(directory):
    model = load_model(directory)
    assert model.tokens[:3] == ("<blank>", "<s>", "</s>")
    assert model.unspoken == {0, 1, 2}
    assert model.cmvn.shape == (2, 560)
    np.testing.assert_allclose(model.cmvn[0], -8.0)
