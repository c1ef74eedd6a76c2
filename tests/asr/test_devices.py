"""The same code on a processor and on a graphics card."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from asr.engine import Engine, EngineConfig
from asr.events import CallId, Transcript
from asr.offline import listen
from asr.paraformer import step as step_module
from asr.paraformer.decoder import Decoder
from asr.paraformer.load import DeviceMissing, device_named, load_model
from asr.paraformer.network import Precision, at_precision, native_precision, to_device
from asr.paraformer.reference import TINY, random_reference
from asr.paraformer.state import CHUNK_600_MS, ChunkShape, Slabs
from asr.paraformer.step import Row, Step
from asr.party import PartyConfig
from asr.second_pass import WHOLE, SecondPass
from asr.sentence import ShowConfig
from tests.asr.streams import Player, Script, sound
from tests.asr.talk import BOTH, RATE, model, talk

CUDA = torch.cuda.is_available()
needs_cuda = [pytest.mark.gpu, pytest.mark.skipif(not CUDA, reason="there is no CUDA device")]


def rows(slots: list[int], frames: int, ends: bool) -> list[Row]:
    return [Row(slot, np.zeros((frames, 560), np.float32), ends) for slot in slots]


class OneDevice(TorchDispatchMode):
    """Refuses whatever computes with tensors of two devices; only copies may see both."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        tensors = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
        if func not in (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default):
            # A single number may come along from the processor.
            assert len({t.device.type for t in tensors if t.dim()}) <= 1, func
        return func(*args, **(kwargs or {}))


@pytest.fixture
def elsewhere(monkeypatch) -> Iterator[torch.device]:
    """A device with shapes and no numbers, standing in for a card."""

    def fetched(values: torch.Tensor) -> np.ndarray:
        assert values.device.type == "meta"
        if values.dtype is torch.float64:
            return np.full(values.shape, 0.3)  # a character every three or four frames
        kind = np.float32 if values.is_floating_point() else np.int64
        return np.zeros(values.shape, kind)

    monkeypatch.setattr(step_module, "fetched", fetched)
    with OneDevice():
        yield torch.device("meta")


def slabs_on(device: torch.device, precision: Precision, shape: ChunkShape) -> Slabs:
    return Slabs(to_device(at_precision(model().network, precision), device), shape)


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.BF16])
def test_a_step_touches_no_other_device(elsewhere, precision):
    slabs = slabs_on(elsewhere, precision, CHUNK_600_MS)
    step = Step(slabs._network, slabs)
    slots = [slabs.take() for _ in range(9)]  # one more than there were: they grow
    for turn in range(6):  # the ring of chunks comes round
        heard = step(rows(slots[: 3 + turn], 10, ends=False))
        assert all(len(one.ids) for one in heard)
    step([*rows(slots[:2], 10, ends=False), *rows(slots[2:4], 7, ends=True)])
    step(rows(slots[4:5], 0, ends=True))
    assert {tensor.device.type for tensor in slabs._tensors().values()} == {"meta"}
    assert slabs.keys.dtype is (torch.bfloat16 if precision is Precision.BF16 else torch.float32)


def test_nor_does_a_second_pass(elsewhere):
    slabs = slabs_on(elsewhere, Precision.BF16, WHOLE)
    step = Step(slabs._network, slabs)
    slots = [slabs.take() for _ in range(2)]
    heard = step([*rows(slots[:1], 40, ends=True), *rows(slots[1:], 170, ends=True)])
    assert [len(one.ids) > 5 for one in heard] == [True, True]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("graphics", "is no device"),
        ("cuda:77", "CUDA"),
        ("meta", "cpu or cuda"),
        pytest.param(
            "cuda", "CUDA", marks=pytest.mark.skipif(CUDA, reason="there is one") if CUDA else ()
        ),
    ],
)
def test_a_device_that_is_not_there_is_told_before_anything_is_loaded(name, why, tmp_path):
    with pytest.raises(DeviceMissing, match=why):
        load_model(tmp_path / "nothing", device=name)


def test_a_card_computes_in_half_precision_unless_told_otherwise():
    assert native_precision(torch.device("cuda")) is Precision.BF16
    assert device_named("cpu", Precision.INT8) == torch.device("cpu")


class TestOnACard:
    pytestmark = needs_cuda

    @pytest.mark.parametrize("shape", [CHUNK_600_MS, WHOLE], ids=["chunks", "whole"])
    def test_it_says_what_funasr_says_on_a_processor(self, shape: ChunkShape):
        reference = random_reference(TINY, seed=3)
        ours = reference.model()
        network = to_device(ours.network, torch.device("cuda"))
        lengths = (9_601, 33_333, 60_001)
        scripts = [Script(sound(n, n), joins=i) for i, n in enumerate(lengths)]
        said = Player(Decoder(replace(ours, network=network), shape)).play(scripts)
        assert said == [reference.decode([sound(n, n)], shape) for n in lengths]

    async def test_a_live_call_is_heard_in_half_precision(self):
        whole = model()
        network = to_device(at_precision(whole.network, Precision.BF16), torch.device("cuda"))
        card = replace(whole, network=network)
        party = PartyConfig(early_every_ms=None, show=ShowConfig(hold_back=0.0))
        running = Engine(card, EngineConfig(party=party), second=SecondPass.of(card))
        await running.start()
        try:
            call = running.open(CallId("call"), BOTH, RATE)
            for frame in talk("call", 8):
                await call.push(frame)
            call.end()
            found = [e async for e in call if isinstance(e, Transcript) and e.final]
        finally:
            await running.aclose()
        alone = listen(whole, CallId("call"), BOTH, RATE, talk("call", 8), party)
        names = {e.utterance for e in alone if isinstance(e, Transcript) and e.final}
        assert {e.utterance for e in found} == names
