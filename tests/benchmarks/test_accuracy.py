"""The accuracy benchmark: the same sound at every precision, and how much each loses."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from asr.paraformer.network import Precision, at_precision, native_precision, to_device
from asr.paraformer.reference import TINY, random_reference
from asr.paraformer.wording import Greedy
from benchmarks.accuracy import Reading, Sentence, distance, losses, measure


def test_hears_the_same_sound_at_every_precision():
    model = random_reference(TINY).model()
    models = {
        precision: replace(model, network=to_device(at_precision(model.network, precision), device))
        for precision in (Precision.FP32, Precision.INT8)
        for device in [model.network.device]
    }
    told: list[int] = []
    readings = measure(
        models,
        lambda: Greedy(model.tokens, model.unspoken),
        [Sentence("我要投诉", "made up")],
        voices=["f4"],
        conditions=["clean", "telephone"],
        advance=told.append,
    )
    assert sorted((r.precision, r.condition) for r in readings) == [
        ("fp32", "clean"),
        ("fp32", "telephone"),
        ("int8", "clean"),
        ("int8", "telephone"),
    ]
    assert all(r.plain == r.read for r in readings)
    assert sum(told) == 2


def test_loss_is_in_points_against_the_first_precision():
    def reading(precision: Precision, errors: int) -> Reading:
        return Reading("我要投诉", "k", "f4", "clean", precision, "", "", 4, 0, errors, 0)

    found = losses([reading(Precision.FP32, 1), reading(Precision.BF16, 2)])
    assert found["fp32"]["clean"] == {"cer": 0.25, "points_lost": 0.0}
    assert found["bf16"]["clean"] == {"cer": 0.5, "points_lost": 25.0}


@pytest.mark.parametrize(
    ("wanted", "got", "errors"), [("我要投诉", "我要头素", 2), ("好", "", 1), ("", "好的", 2)]
)
def test_errors_are_the_fewest_edits(wanted: str, got: str, errors: int):
    assert distance(wanted, got) == errors


@pytest.mark.parametrize(
    ("able", "precision"),
    [
        ({"amx_bf16": True}, Precision.BF16),
        ({"avx512_bf16": True}, Precision.BF16),
        ({"avx512_f": True, "amx_bf16": False}, Precision.FP32),
        ({}, Precision.FP32),
    ],
)
def test_half_precision_is_for_processors_that_have_it(
    able: dict[str, bool], precision: Precision, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    assert native_precision() is precision
