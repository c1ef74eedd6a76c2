"""Two server processes and a real Redis between them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from websockets.asyncio.client import connect

from benchmarks.redis_server import RedisServer
from server.client.audio import AudioClient, Call
from tests.server.nodes.site import NodeProcess, start_node
from tests.server.nodes.talk import (
    calling,
    counting_clip,
    each_once,
    says,
    seen_by,
    snapshot,
    speak,
    told,
    until,
    watching,
    words,
)
from tests.server.running import hello, message


def knows(call: str, alert: str) -> Callable[[dict[str, Any]], bool]:
    """A board's message that shows an alert, as an event or with all the rest."""

    def good(m: dict[str, Any]) -> bool:
        if m["type"] == "board":
            rows = [row for row in m["calls"] if row["call"] == call]
            return any(one["id"] == alert for row in rows for one in row["alerts"])
        return m["type"] == "alert" and (m["call"], m["id"]) == (call, alert)

    return good


@contextmanager
def node_of(node: NodeProcess) -> Iterator[NodeProcess]:
    """Killed at the end."""
    try:
        yield node
    finally:
        node.kill()


Start = Callable[..., tuple[NodeProcess, NodeProcess]]


async def together(*nodes: NodeProcess) -> None:
    for node in nodes:
        await seen_by(node.http, len(nodes))


async def test_any_node_shows_any_call(start: Start) -> None:
    one, two = start()
    await together(one, two)
    async with calling(one.ws, "c-1", queue="broadband") as socket:
        await speak(socket, range(1, 6))
        async with watching(f"{two.ws}/v1/agent?agent=a-7") as agent:
            await told(agent, says(5))
            await speak(socket, range(6, 11))
            # A second page of the same agent, later: from what this node has by now.
            async with watching(f"{two.ws}/v1/agent?agent=a-7") as second:
                assert words(await told(second, says(10))) == each_once(10)
            known = await told(agent, lambda m: m.get("id") == "s10")
            assert len(words(known)) >= 5
            # What the agent says here reaches the call there and comes back.
            verdict = {"call": "c-1", "suggestion": "s10", "verdict": "used"}
            await agent.send(json.dumps({"type": "feedback", **verdict}))
            said = await until(agent, lambda m: m.get("name") == "feedback")
            assert said[-1]["detail"] == {"suggestion": "s10", "verdict": "used"}
        there, here = await snapshot(one.http, "c-1"), await snapshot(two.http, "c-1")
        assert here == there
        async with watching(f"{two.ws}/v1/agent?call=c-1") as page:
            assert (await message(page)) == there


async def test_a_board_shows_the_calls_of_all_nodes(start: Start) -> None:
    one, two = start()
    await together(one, two)
    async with calling(one.ws, "c-there") as there, calling(two.ws, "c-here") as here:
        await speak(there, range(1, 6))
        await speak(here, range(1, 3))

        async with watching(f"{two.ws}/v1/board") as board:
            await until(board, knows("c-there", "a5"))
            await speak(there, range(6, 11))
            await until(board, knows("c-there", "a10"))
            # A call that begins there while the board is open here.
            async with calling(one.ws, "c-new") as new:
                await speak(new, range(1, 6))
                began = await until(board, lambda m: m["type"] == "alert" and m["call"] == "c-new")
                assert any(m.get("name") == "call_started" for m in began)
                await new.send('{"type":"end"}')
            await until(board, lambda m: m.get("name") == "call_ended" and m["call"] == "c-new")
            # Another board, later, knows all that.
            async with watching(f"{two.ws}/v1/board") as later:
                board_ = (await until(later, lambda m: m["type"] == "board"))[-1]
                rows = {row["call"]: row for row in board_["calls"]}
                assert {"c-there", "c-here"} <= rows.keys()
                assert [alert["id"] for alert in rows["c-there"]["alerts"]] == ["a5", "a10"]
                nodes = await until(later, lambda m: m["type"] == "nodes")
                assert nodes[-1] == {
                    "type": "nodes", "state": "together", "node": "two", "seen": ["one", "two"],
                }  # fmt: skip


async def test_calls_of_all_nodes_make_a_spike_at_all_nodes(
    start: Start, redis: RedisServer
) -> None:
    few: dict[str, Any] = {"spike": {"calls": 3, "window_s": 600}}
    one, two = start(**few)
    await together(one, two)

    async def spike(node: NodeProcess) -> set[str]:
        async with watching(f"{node.ws}/v1/board") as board:
            told = await until(board, lambda m: m["type"] == "spike" and m["count"] == 3)
        return set(told[-1]["calls"])

    async with (
        calling(one.ws, "c-1") as first,
        calling(two.ws, "c-2") as second,
        calling(one.ws, "c-3") as third,
    ):
        for socket in (first, second, third):
            await speak(socket, range(1, 6))
        assert await spike(one) == await spike(two) == {"c-1", "c-2", "c-3"}
        # A node that comes later is told what the others know.
        with node_of(start_node("three", redis.url, **few)) as three:
            assert await spike(three) == {"c-1", "c-2", "c-3"}


async def test_a_full_node_sends_callers_to_one_with_room(start: Start) -> None:
    one, two = start(one=1)
    await together(one, two)
    async with calling(one.ws, "c-first"):
        async with connect(f"{one.ws}/v1/audio", compression=None) as socket:
            await socket.send(hello("c-second", parties=["customer"]))
            refused = await message(socket)
        assert (refused["code"], refused["node"], refused["url"]) == ("full", "two", two.ws)
        client = AudioClient(one.ws, Call("c-second"), counting_clip(5), speed=0)
        assert await client.run() == 5_000
        assert client.server == two.ws
        assert words((await snapshot(two.http, "c-second"))["events"]) == each_once(5)


async def test_a_call_goes_on_after_its_node_was_killed(start: Start) -> None:
    one, two = start()
    await together(one, two)
    async with calling(one.ws, "c-1") as socket:
        await speak(socket, range(1, 13))
        await until_kept(one, two)
        await speak(socket, [13])
        acknowledged = (await message(socket))["next_sample"]
        before = await snapshot(two.http, "c-1")
        one.kill()
    # The client knows one address, as behind a balancer that has noticed.
    client = AudioClient(two.ws, Call("c-1", agent="a-7"), counting_clip(20), speed=0)
    async with watching(f"{two.ws}/v1/agent?agent=a-7") as agent:
        assert await client.run() == 20_000
        await until(agent, lambda m: m.get("name") == "call_ended")
    after = (await snapshot(two.http, "c-1"))["events"]
    assert acknowledged > 0
    assert words(after) == each_once(20), "no word lost, none twice"
    alerts = [event["id"] for event in after if event["type"] == "alert"]
    # Each once; those of the second node carry the number of the call's life.
    assert sorted(alerts) == ["a10", "a15.2", "a20.2", "a5"]
    old = {event["seq"]: event for event in before["events"]}
    kept = [event["seq"] for event in after if event["seq"] in old]
    assert len(kept) >= len(old) - 1, "those before are still there, under their numbers"
    assert max(old) < min(event["seq"] for event in after if event["seq"] not in old)


async def until_kept(one: NodeProcess, two: NodeProcess) -> None:
    """Until the other node has been told everything, so that a kill loses nothing of it."""
    async with watching(f"{two.ws}/v1/agent?call=c-1") as page:
        await told(page, says(12))
    async with httpx.AsyncClient() as client:
        while (
            "\ntingban_bus_queue_messages 0.0\n"
            not in (await client.get(f"{one.http}/metrics")).text
        ):
            pass


async def test_a_node_that_stops_hands_its_calls_over(start: Start) -> None:
    one, two = start()
    await together(one, two)
    clip = counting_clip(12)
    client = AudioClient(one.ws, Call("c-1", agent="a-7"), clip, speed=2)
    async with watching(f"{two.ws}/v1/agent?agent=a-7") as agent:
        calling_ = asyncio.create_task(client.run())
        await told(agent, says(4))
        one.terminate()
        assert await calling_ == 12_000
        await until(agent, lambda m: m.get("name") == "call_ended")
    assert client.server == two.ws
    assert words((await snapshot(two.http, "c-1"))["events"]) == each_once(12)
    one.process.join()
    assert one.process.exitcode == 0


async def test_without_redis_each_node_goes_on_alone_and_finds_back(
    start: Start, redis: RedisServer
) -> None:
    one, two = start()
    await together(one, two)
    async with (
        calling(one.ws, "c-1") as socket,
        watching(f"{one.ws}/v1/agent?agent=a-7") as agent,
        watching(f"{two.ws}/v1/board") as board,
    ):
        await speak(socket, range(1, 6))
        await until(board, knows("c-1", "a5"))
        redis.kill()
        alone = await until(board, lambda m: m["type"] == "nodes" and m["state"] == "alone")
        assert alone[-1]["seen"] == ["two"]
        await speak(socket, range(6, 11))
        await until(agent, lambda m: m["type"] == "alert" and m["id"] == "a10")
        # New calls begin, too; the board of that node shows them.
        async with calling(two.ws, "c-2") as other:
            await speak(other, range(1, 6))
            await until(board, knows("c-2", "a5"))
        async with httpx.AsyncClient() as client:
            ready = await client.get(f"{two.http}/readyz")
            assert ready.status_code == 200
            assert "redis" in ready.json()["amiss"]
        redis.start()
        await until(board, lambda m: m["type"] == "nodes" and m["seen"] == ["one", "two"])

        await until(board, knows("c-1", "a10"))
        await speak(socket, range(11, 16))
        await until(board, knows("c-1", "a15"))
        # What happened meanwhile has been written down again: the call survives its node.
        await until(agent, lambda m: m["type"] == "alert" and m["id"] == "a15")
        one.kill()
    client_ = AudioClient(two.ws, Call("c-1"), counting_clip(20), speed=0)
    assert await client_.run() == 20_000
    assert words((await snapshot(two.http, "c-1"))["events"]) == each_once(20)
