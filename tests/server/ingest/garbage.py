"""Malformed messages by the hundred, beside a healthy call that must not notice."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.server.ingest.listening import send_all
from tests.server.running import Running
from tests.server.test_native_refusals import healthy_call

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
BATCHES = 100

Sent = Sequence[str | bytes]


def batches(messages: st.SearchStrategy[list[str | bytes]]) -> list[Sent]:
    """What hypothesis thinks of; drawn first, as it knows no event loop."""
    drawn: list[Sent] = []

    @given(messages)
    @settings(max_examples=BATCHES, database=None, suppress_health_check=list(HealthCheck))
    def draw(sent: list[str | bytes]) -> None:
        drawn.append(sent)

    draw()
    return drawn


async def harmless(
    server: Running,
    connection: Callable[[], connect],
    messages: st.SearchStrategy[list[str | bytes]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Throw batches of messages at new connections; nothing breaks and nobody else notices."""
    drawn = batches(messages)
    async with healthy_call(server):
        for sent in drawn:
            async with connection() as socket:
                # The server may well hang up before it has heard everything.
                with contextlib.suppress(ConnectionClosed):
                    await send_all(socket, sent)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
