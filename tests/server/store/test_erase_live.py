"""A customer who asks to be forgotten during a call: nothing of it is left once it has ended."""

from __future__ import annotations

from pathlib import Path

import httpx

from server.ingest.packet import write
from server.store.retention import erase_customer
from tests.server.running import RATE, hello, message, running
from tests.server.store.conftest import eventually, new_store

NUMBER = "13800576219"


async def test_nothing_is_left_of_a_call_that_was_erased_while_it_went_on(
    tmp_path: Path, url: str | None
) -> None:
    store = new_store(tmp_path, url=url, audio=True)

    def sounds() -> list[Path]:
        return list((tmp_path / "sound").glob("c-1-*"))

    async with running(store=store) as server, server.audio() as feed:
        await feed.send(hello(attributes={"number": NUMBER}))
        assert (await message(feed))["type"] == "ready"
        for start in range(0, 20 * RATE, RATE):
            await feed.send(write(255, start, bytes(4 * RATE)))
        await eventually(lambda: len(sounds()) == 2)
        while await store.archive.head_of("c-1") is None:
            pass
        customer = store.customers.hash(NUMBER)
        erased = await erase_customer(store.archive, store.sounds, customer)
        assert (erased.calls, erased.sounds) == (1, 2)
        # Help goes on; what follows is not kept either.
        for start in range(20 * RATE, 40 * RATE, RATE):
            await feed.send(write(255, start, bytes(4 * RATE)))
        await feed.send('{"type":"end"}')
        while (await message(feed))["type"] != "ended":
            pass
        await eventually(lambda: server.switchboard.get("c-1") is None)
        assert sounds() == []
        assert store.outbox.backlog() == 0
        assert await store.archive.epochs("c-1") == []
        async with httpx.AsyncClient(base_url=server.http) as http:
            for path in ("/v1/calls/c-1", "/v1/archive/c-1"):
                assert (await http.get(path)).status_code == 404
