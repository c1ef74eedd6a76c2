"""Every dialect's refusals: a code that clients may know, words, and a count in the metrics."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from websockets.asyncio.client import connect

from server import metrics
from server.client.dialects import audiohook, funasr, json_l16, twilio
from server.refusals import CLOSE_CODES
from tests.server.ingest.listening import refused, settings
from tests.server.ingest.test_audiohook import disconnected
from tests.server.running import Running, running


@pytest.fixture
async def server() -> AsyncIterator[Running]:
    async with running(settings=settings(idle_s=0.3)) as server:
        yield server


def counted() -> dict[str, float]:
    """Refusals so far, by their code."""
    return {
        sample.labels["code"]: sample.value
        for metric in metrics.COUNTED.collect()
        for sample in metric.samples
        if sample.name == "tingban_refusals_total"
    }


WRONG = ("no JSON", b"\0", "{}", "[]", json.dumps({"version": "2"}))


@pytest.mark.parametrize(
    "path", ["/v1/audio", json_l16.PATH, twilio.PATH, funasr.PATH, audiohook.PATH]
)
async def test_each_refusal_has_a_code_words_and_a_count(server: Running, path: str) -> None:
    for wrong in WRONG:
        before = counted()
        async with connect(f"{server.ws}{path}?call={uuid4()}", compression=None) as socket:
            await socket.send(wrong)
            if path == audiohook.PATH:
                close, reason, info = await disconnected(socket)
                assert reason == "error"
                code, _, words = info.partition(": ")
            else:
                close, code, words = await refused(socket)
        assert close == CLOSE_CODES[code], wrong
        assert len(words) > 10, wrong
        grown = {name: n - before.get(name, 0) for name, n in counted().items()}
        assert {name: n for name, n in grown.items() if n} == {code: 1}, wrong


def test_sip_has_a_status_for_every_refusal_of_a_call() -> None:
    from server.ingest.siprec_offer import STATUS

    # The others are about websockets and their viewers.
    webs = {"not_json", "binary_expected", "text_expected", "unauthorized", "too_slow"}
    assert STATUS.keys() == CLOSE_CODES.keys() - webs
