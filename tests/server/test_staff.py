"""Who is on a call, and what leads do about it, over real sockets with real roles."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from server.ingest.packet import write
from tests.server.access.house import access_of, client, header, house
from tests.server.documents import check_down
from tests.server.running import RATE, Running, hello, message, running

Messages = list[dict[str, Any]]


@pytest.fixture
async def server() -> AsyncIterator[Running]:
    async with house() as server:
        yield server


def socket(server: Running, user: str, path: str) -> connect:
    return connect(server.ws + path, additional_headers=header(server, user), max_queue=None)


@asynccontextmanager
async def feeding(server: Running, call: str = "c-1", **changes: Any) -> AsyncIterator[Any]:
    """A call that has heard its first 30 s: an alert and a card."""
    async with socket(server, "pbx", "/v1/audio") as feed:
        await feed.send(hello(call, **{"queue": "broadband", **changes}))
        assert (await message(feed))["type"] == "ready"
        # Half a second at once: here it matters what was heard, not the pace.
        for start in range(0, 30 * RATE, RATE // 2):
            await feed.send(write(255, start, bytes(2 * RATE)))
        async with socket(server, "boss", f"/v1/agent?call={call}") as watching:
            await until(watching, "hello")
            for event in (await until(watching, "snapshot"))[-1]["events"]:
                if event["type"] == "suggestion":
                    break
            else:
                await until(watching, "suggestion")
        yield feed


async def until(socket: ClientConnection, *names: str) -> Messages:
    """Messages up to the type or status of that name."""
    seen: Messages = []
    while not seen or not {seen[-1]["type"], seen[-1].get("name")} & set(names):
        seen.append(await asyncio.wait_for(message(socket), 20))
    return seen


async def nothing_comes(socket: ClientConnection) -> Messages:
    """What came before the answer to a ping."""
    await socket.send('{"type":"ping","id":"x"}')
    return (await until(socket, "pong"))[:-1]


async def test_a_transfer_takes_the_widget_along(server: Running) -> None:
    async with (
        feeding(server) as feed,
        socket(server, "a-7", "/v1/agent?agent=a-7") as first,
        socket(server, "a-7", "/v1/agent?call=c-1") as tab,
        socket(server, "a-8", "/v1/agent?agent=a-8") as second,
        client(server, "lead") as lead,
    ):
        await until(first, "snapshot")
        await until(tab, "snapshot")
        await until(second, "hello")
        answer = await lead.put("/v1/calls/c-1/agent", json={"agent": "a-8"})
        assert answer.json() == {"agent": "a-8"}
        released = (await until(first, "released"))[-1]
        assert released == {"type": "released", "call": "c-1", "why": "transfer"}
        assert (await until(tab, "released"))[-1]["call"] == "c-1"
        with pytest.raises(ConnectionClosed) as closed:
            await until(tab, "never")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008
        snapshot, changed = await until(second, "agent_changed")
        assert snapshot["info"]["agent"] == "a-8"
        assert changed["seq"] == snapshot["seq"] + 1
        assert changed["detail"] == {"agent": "a-8", "by": "lead", "why": "transfer"}
        card = next(e["id"] for e in snapshot["events"] if e["type"] == "suggestion")
        verdict = {"type": "feedback", "call": "c-1", "suggestion": card, "verdict": "wrong"}
        await first.send(json.dumps(verdict))
        assert await nothing_comes(first) == []
        await second.send(json.dumps({**verdict, "verdict": "used"}))
        told = (await until(second, "feedback"))[-1]
        assert told["detail"]["verdict"] == "used"
        await feed.send('{"type":"end"}')
        ended = (await until(second, "call_ended"))[-1]
        assert ended["detail"]["used"] == 1
        assert await nothing_comes(first) == []
    assert [e.action for e in access_of(server).people.audited(call="c-1", user="lead")] == [
        "call.bind"
    ]


async def test_an_agent_claims_a_call_that_has_none(server: Running) -> None:
    async with (
        feeding(server, agent=None),
        socket(server, "a-7", "/v1/agent?agent=a-7") as first,
        socket(server, "a-8", "/v1/agent?agent=a-8") as second,
        socket(server, "lead", "/v1/board") as board,
    ):
        (row,) = (await until(board, "board"))[-1]["calls"]
        assert row["info"]["agent"] == ""
        for widget in (first, second):
            await until(widget, "hello")
        await first.send('{"type":"claim","call":"c-1"}')
        assert (await until(first, "snapshot"))[-1]["call"] == "c-1"
        changed = (await until(board, "agent_changed"))[-1]
        assert changed["detail"] == {"agent": "a-7", "by": "a-7", "why": "claim"}
        for call in ("c-1", "nowhere"):
            await second.send(json.dumps({"type": "claim", "call": call}))
            told = await message(second)
            assert told == {"type": "released", "call": call, "why": "taken"}
        await board.send('{"type":"claim","call":"c-1"}')
        assert (await until(board, "error"))[-1]["code"] == "bad_message"


def listed(message: dict[str, Any]) -> list[str]:
    check_down("agent", message)
    return [line["call"] for line in message["calls"]]


async def test_agents_see_the_calls_of_their_queues_that_nobody_is_on(server: Running) -> None:
    async with (
        socket(server, "a-7", "/v1/agent?agent=a-7") as north,
        socket(server, "a-8", "/v1/agent?agent=a-8") as south,
        feeding(server, agent=None),
        feeding(server, "c-2", agent=None, queue="billing"),
    ):
        assert listed((await until(north, "unbound"))[-1]) == ["c-1"]
        first = (await until(south, "unbound"))[-1]
        assert first["calls"][0]["queue"] == "billing"
        assert listed(first) == ["c-2"]
        async with socket(server, "a-7", "/v1/agent?agent=a-7") as tab:
            hello_, told = await until(tab, "unbound")
            assert (hello_["type"], listed(told)) == ("hello", ["c-1"])
            await south.send('{"type":"claim","call":"c-1"}')
            assert (await until(south, "released"))[-1]["why"] == "taken"
            await north.send('{"type":"claim","call":"c-1"}')
            for widget in (north, tab):
                assert listed((await until(widget, "unbound"))[-1]) == []
        async with client(server, "lead") as lead:
            await lead.put("/v1/calls/c-1/agent", json={"agent": ""})
        assert listed((await until(north, "unbound"))[-1]) == ["c-1"]
        for call in ("c-1", "c-2"):
            session = server.switchboard.get(call)
            assert session is not None
            session.finish("ended")
        for widget in (north, south):
            assert listed((await until(widget, "unbound"))[-1]) == []


async def test_the_queue_map_finds_the_agent_now_and_later(server: Running) -> None:
    async with (
        feeding(server, agent=None),
        socket(server, "a-8", "/v1/agent?agent=a-8") as widget,
        client(server, "boss") as boss,
    ):
        await until(widget, "hello")
        places = {"extensions": {"6002": "a-8"}, "queues": {"broadband": "a-8"}}
        assert (await boss.put("/v1/queue-map", json=places)).status_code == 200
        _, changed = await until(widget, "agent_changed")
        assert changed["detail"] == {"agent": "a-8", "by": "boss", "why": "map"}
        async with feeding(server, "c-2", agent=None):
            assert (await until(widget, "snapshot"))[-1]["call"] == "c-2"
        l16 = {"callSid": "c-3", "sampleRate": RATE, "mixType": "stereo", "extension": "6002"}
        async with socket(server, "pbx", "/v1/telephony/l16") as feed:
            await feed.send(json.dumps(l16))
            while (shown := (await until(widget, "snapshot"))[-1])["call"] != "c-3":
                pass
            assert shown["info"]["agent"] == "a-8"


async def test_a_client_that_comes_back_may_say_who_is_on_the_call(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.live.session.TAKEOVER_S", 0.0)
    async with socket(server, "pbx", "/v1/audio") as feed:
        await feed.send(hello("c-1", agent=None))
        await message(feed)
        feed.transport.abort()
    async with (
        socket(server, "a-7", "/v1/agent?agent=a-7") as widget,
        socket(server, "pbx", "/v1/audio") as feed,
    ):
        await until(widget, "hello")
        await feed.send(hello("c-1", agent="a-7"))
        assert (await until(widget, "agent_changed"))[-1]["detail"]["why"] == "hello"


async def test_what_leads_do_is_part_of_the_call(server: Running) -> None:
    async with (
        feeding(server) as feed,
        socket(server, "a-7", "/v1/agent?agent=a-7") as widget,
        socket(server, "lead", "/v1/board") as board,
        client(server, "lead") as lead,
    ):
        await until(widget, "snapshot")
        await until(board, "board")
        act = {"kind": "assign", "alert": "a1", "to": "lead-2", "text": "请接手"}
        done = await lead.post("/v1/calls/c-1/actions", json=act)
        assert done.status_code == 201
        assert {name: done.json()[name] for name in ("type", *act)} == {"type": "action", **act}
        said = await lead.post("/v1/calls/c-1/whispers", json={"text": "先道歉"})
        assert (said.json()["type"], said.json()["by"]) == ("whisper", "lead")
        assert (await until(widget, "whisper"))[-1] == said.json()
        await widget.send('{"type":"raise_hand","call":"c-1","raised":true}')
        hand = (await until(board, "hand"))[-1]
        assert (hand["raised"], hand["by"]) == (True, "a-7")
        # Who opens the board now sees what was done before.
        (row,) = (await lead.get("/v1/calls")).json()
        assert (row["hand"], [e["kind"] for e in row["actions"]]) == (True, ["assign"])
        snapshot = (await lead.get("/v1/calls/c-1")).json()
        kinds = [event["type"] for event in snapshot["events"]]
        assert {"action", "whisper", "hand"} <= set(kinds)
        for wrong, status in (
            ({"kind": "resolve", "alert": "a99"}, 404),
            ({"kind": "assign"}, 422),
            ({"kind": "shout"}, 422),
        ):
            answer = await lead.post("/v1/calls/c-1/actions", json=wrong)
            assert answer.status_code == status
        await feed.send('{"type":"end"}')
        await until(widget, "call_ended")
        late = await lead.post("/v1/calls/c-1/whispers", json={"text": "再见"})
        assert (late.status_code, late.json()["error"]["code"]) == (409, "call_ended")


async def test_nobody_reaches_the_calls_of_others(server: Running) -> None:
    """A lead of another team, another agent, an engineer: not by any way in."""
    access_of(server).people.change("a-8", {"role": "lead"})
    async with feeding(server), feeding(server, "c-2", agent="a-9", queue="billing"):
        for user, calls in (("lead", ["c-1"]), ("a-8", ["c-2"]), ("a-7", ["c-1"])):
            async with client(server, user) as http:
                assert [row["call"] for row in (await http.get("/v1/calls")).json()] == calls
                other = {"c-1": "c-2", "c-2": "c-1"}[calls[0]]
                assert (await http.get(f"/v1/calls/{other}")).status_code == 403
                assert (await http.get(f"/v1/calls/{calls[0]}")).status_code == 200
                for method, path, body in (
                    ("PUT", "agent", {"agent": "a-7"}),
                    ("POST", "actions", {"kind": "note"}),
                    ("POST", "whispers", {"text": "x"}),
                ):
                    answer = await http.request(method, f"/v1/calls/{other}/{path}", json=body)
                    assert answer.status_code == 403
            async with socket(server, user, f"/v1/agent?call={other}") as refused:
                assert (await message(refused))["code"] == "forbidden"
        async with socket(server, "a-8", "/v1/board") as board:
            assert [row["call"] for row in (await until(board, "board"))[-1]["calls"]] == ["c-2"]
            async with client(server, "lead") as lead:
                await lead.post("/v1/calls/c-1/actions", json={"kind": "note", "text": "x"})
            assert await nothing_comes(board) == []
        async with socket(server, "a-7", "/v1/agent?agent=a-9") as refused:
            assert (await message(refused))["code"] == "forbidden"


async def test_two_tabs_and_two_calls_of_one_agent(server: Running) -> None:
    """Each tab has both calls; hanging up one, or closing a tab, changes nothing for the other."""
    async with socket(server, "a-7", "/v1/agent?agent=a-7") as tab:
        await until(tab, "hello")
        async with feeding(server) as one, feeding(server, "c-2") as two:
            async with socket(server, "a-7", "/v1/agent?agent=a-7") as other_tab:
                shown = {(await until(other_tab, "snapshot"))[-1]["call"] for _ in range(2)}
                assert shown == {"c-1", "c-2"}
                await one.send('{"type":"end"}')
                assert (await until(tab, "call_ended"))[-1]["call"] == "c-1"
                assert (await until(other_tab, "call_ended"))[-1]["call"] == "c-1"
            await two.send('{"type":"end"}')
            assert (await until(tab, "call_ended"))[-1]["call"] == "c-2"


async def test_in_open_mode_everything_goes_without_a_name() -> None:
    async with running() as server, client(server) as http, server.audio() as feed:
        await feed.send(hello("c-1"))
        await message(feed)
        async with connect(f"{server.ws}/v1/agent?agent=a-8") as widget:
            await until(widget, "hello")
            await http.put("/v1/calls/c-1/agent", json={"agent": "a-8"})
            changed = (await until(widget, "agent_changed"))[-1]
            assert changed["detail"] == {"agent": "a-8", "by": "local", "why": "transfer"}
