"""A client that was told of another node survives the death of its own, without a balancer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from server.client.audio import AudioClient, Call
from tests.server.nodes.site import NodeProcess
from tests.server.nodes.talk import (
    counting_clip,
    each_once,
    says,
    seen_by,
    snapshot,
    told,
    until,
    watching,
    words,
)

Start = Callable[..., tuple[NodeProcess, NodeProcess]]


async def test_a_node_that_dies_without_a_word_is_left(start: Start) -> None:
    one, two = start(nodes={"lost_s": 2})
    for node in (one, two):
        await seen_by(node.http, 2)
    client = AudioClient(one.ws, Call("c-1", agent="a-7"), counting_clip(10), speed=2)
    async with watching(f"{two.ws}/v1/agent?agent=a-7") as agent:
        calling = asyncio.create_task(client.run())
        await told(agent, says(3))
        one.kill()
        assert await calling == 10_000
        await until(agent, lambda one: one.get("name") == "call_ended")
    assert client.server == two.ws
    assert words((await snapshot(two.http, "c-1"))["events"]) == each_once(10)
