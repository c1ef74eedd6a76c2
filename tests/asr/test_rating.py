"""Admission goes by what calls cost on this machine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from asr.engine import Engine, EngineConfig
from asr.events import CallId, Party
from asr.paraformer.wording import Greedy
from asr.rating import Costs, rated_calls
from asr.recogniser import RecogniserFull
from tests.asr.talk import model


def test_a_dearer_part_means_dearer_calls() -> None:
    costs = Costs(silence=1.0, voice=4.0, chunk=5.0, character=0.1)
    for part in ("silence", "voice", "chunk", "character"):
        dearer = replace(costs, **{part: 2 * getattr(costs, part)})
        assert dearer.call_ms(600) > costs.call_ms(600)
    assert costs.call_ms(480) > costs.call_ms(600)


def test_every_part_is_measured_and_at_least_one_call_is_taken() -> None:
    ears = model()
    wording = lambda: Greedy(ears.tokens, ears.unspoken)  # noqa: E731
    calls, costs = rated_calls(ears, EngineConfig(), wording)
    assert min(costs.silence, costs.voice, costs.chunk, costs.character) > 0
    assert calls >= 1
    none, _ = rated_calls(ears, EngineConfig(refuse_above_load=1e-6), wording)
    assert none == 1


async def test_the_call_above_what_was_measured_is_refused_with_a_hint() -> None:
    engine = Engine(model(), EngineConfig(max_calls=None, refuse_above_load=1e-6))
    await engine.start()
    try:
        assert engine.room() == 1
        engine.open(CallId("a"), [Party.AGENT], 8_000)
        with pytest.raises(RecogniserFull) as refused:
            engine.open(CallId("b"), [Party.AGENT], 8_000)
        assert refused.value.retry_after_s > 0
    finally:
        await engine.aclose()
