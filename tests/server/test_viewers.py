"""What agents and boards are shown, over real sockets: all of it, in order, after any break."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from server.client.audio import AudioClient, Call
from server.client.viewer import ViewerClient
from server.settings import Settings
from tests.fixtures.script import LINES
from tests.server.running import (
    PACKET,
    Running,
    hello,
    message,
    packet,
    running,
    silent_clip,
)


@pytest.fixture
async def server() -> AsyncIterator[Running]:
    async with running() as server:
        yield server


async def until(socket: ClientConnection, name: str) -> list[dict]:  # type: ignore[type-arg]
    """Messages up to the status or type of that name."""
    seen = []
    while True:
        seen.append(await message(socket))
        if name in (seen[-1]["type"], seen[-1].get("name")):
            return seen


async def send_call(server: Running, call: str = "c-1", agent: str = "a-7") -> int:
    return await AudioClient(server.ws, Call(call, agent=agent), silent_clip(61), speed=0).run()


async def test_an_agent_sees_the_whole_call_as_it_happens(server: Running) -> None:
    async with connect(f"{server.ws}/v1/agent?agent=a-7") as socket:
        assert await message(socket) == {
            "type": "hello",
            "v": 1,
            "recogniser": {"name": "scripted", "demonstration": True},
        }
        assert await send_call(server) == 61_000
        snapshot, *events = await until(socket, "call_ended")
        assert (snapshot["type"], snapshot["seq"], snapshot["events"]) == ("snapshot", 0, [])
        assert snapshot["info"]["agent"] == "a-7"
        finals = [e["text"] for e in events if e["type"] == "transcript" and e["final"]]
        assert finals == [line.text for line in LINES]
        seqs = [event["seq"] for event in events]
        assert seqs == sorted(set(seqs))
        assert {e["id"] for e in events if e["type"] == "suggestion"} == {"s1", "s2", "s4"}


async def test_every_event_tells_how_long_it_took(server: Running) -> None:
    async with connect(f"{server.ws}/v1/agent?agent=a-7") as socket:
        await send_call(server)
        events = await until(socket, "call_ended")
        stamps = [e["stamps"] for e in events if e["type"] in ("alert", "suggestion")]
        order = ("recognised", "fired", "sent")
        assert all([s[name] for name in order] == sorted(s[name] for name in order) for s in stamps)


async def test_an_agent_sees_no_other_agents_calls(server: Running) -> None:
    async with connect(f"{server.ws}/v1/agent?agent=a-8") as socket:
        await message(socket)
        await send_call(server, agent="a-7")
        await socket.send('{"type":"ping","id":1}')
        assert await message(socket) == {"type": "pong", "id": 1}


async def test_who_joins_late_gets_what_there_is(server: Running) -> None:
    await send_call(server)
    async with connect(f"{server.ws}/v1/agent?call=c-1") as socket:
        _, snapshot = await until(socket, "snapshot")
    assert snapshot["live"] is False
    texts = [e["text"] for e in snapshot["events"] if e["type"] == "transcript"]
    assert texts == [line.text for line in LINES]


async def test_who_comes_back_gets_only_what_was_missed(server: Running) -> None:
    await send_call(server)
    session = server.switchboard.get("c-1")
    assert session is not None
    everything = session.snapshot(plain=True)
    events = everything["events"]
    assert isinstance(events, list)
    seq = events[len(events) // 2]["seq"]
    async with connect(f"{server.ws}/v1/agent?call=c-1&resume_from={seq}") as socket:
        _, *missed = await until(socket, "call_ended")
    assert missed == [event for event in events if event["seq"] > seq]
    async with connect(f"{server.ws}/v1/agent?call=c-1&resume_from=99999") as socket:
        assert (await until(socket, "snapshot"))[-1]["events"] == events


async def test_feedback_is_an_event_that_everybody_sees(server: Running) -> None:
    verdict = {"type": "feedback", "call": "c-1", "suggestion": "s4", "verdict": "wrong"}
    async with (
        connect(f"{server.ws}/v1/agent?agent=a-7") as socket,
        connect(f"{server.ws}/v1/agent?agent=a-8") as stranger,
        # Unread messages would hold up the client's own closing handshake.
        connect(f"{server.ws}/v1/board", max_queue=None) as board,
        server.audio() as feed,
    ):
        await feed.send(hello("c-1"))
        for index in range(45 * 50):
            await feed.send(packet(index))
        seen: set[str] = set()
        while "s4" not in seen:
            seen.add(str((await message(socket)).get("id")))
        await stranger.send(json.dumps({**verdict, "verdict": "used"}))
        await stranger.send('{"type":"ping","id":"x"}')
        await until(stranger, "pong")
        await socket.send(json.dumps(verdict))
        for screen in (socket, board):
            told = (await until(screen, "feedback"))[-1]
            assert told["detail"] == {"suggestion": "s4", "verdict": "wrong"}


async def test_painting_is_measured(server: Running) -> None:
    async with connect(f"{server.ws}/v1/agent?agent=a-7") as socket:
        await send_call(server)
        events = await until(socket, "call_ended")
        alert = next(e for e in events if e["type"] == "alert")
        at = alert["stamps"]["sent"] + 0.1
        painted = {"type": "painted", "call": "c-1", "seq": alert["seq"], "at": at}
        await socket.send(json.dumps(painted))
        await socket.send('{"type":"ping","id":1}')
        await message(socket)
    (delay,) = server.switchboard.paint_delays
    assert delay >= 0.1


async def test_a_board_shows_all_calls_without_partials(server: Running) -> None:
    await send_call(server, "c-0")
    async with connect(f"{server.ws}/v1/board") as socket:
        hello_, board = await until(socket, "board")
        assert hello_["type"] == "hello"
        (line,) = board["calls"]
        assert (line["call"], line["live"]) == ("c-0", False)
        assert [alert["id"] for alert in line["alerts"]] == ["a1", "a2", "a3", "a5"]
        await send_call(server, "c-1", agent="a-8")
        events = await until(socket, "call_ended")
        assert events[0]["detail"]["agent"] == "a-8"
        assert all(e["final"] for e in events if e["type"] == "transcript")


@pytest.mark.parametrize(
    ("address", "sent", "code"),
    [
        ("agent", None, "bad_message"),
        ("agent?agent=a&call=c", None, "bad_message"),
        ("agent?agent=a&resume_from=3", None, "bad_message"),
        ("agent?call=a%20b", None, "bad_message"),
        ("agent?agent=a&colour=red", None, "bad_message"),
        ("agent?agent=a", "hello", "not_json"),
        ("agent?agent=a", '{"type":"shout"}', "bad_message"),
        ("agent?agent=a", '{"type":"ping"}', "bad_message"),
        ("agent?agent=a", b"\x00", "text_expected"),
        ("board", '{"type":"ping","id":1,"more":2}', "bad_message"),
        ("board", "x" * 600_000, "too_large"),
    ],
)
async def test_refuses_what_it_does_not_know(
    server: Running, address: str, sent: str | bytes | None, code: str
) -> None:
    async with connect(f"{server.ws}/v1/{address}") as socket:
        if sent is not None:
            await until(socket, "board" if address == "board" else "hello")
            await socket.send(sent)
        told = (await until(socket, "error"))[-1]
        assert told["code"] == code
        with pytest.raises(ConnectionClosed):
            await socket.recv()


async def test_a_viewer_who_does_not_read_is_cut_off_and_nobody_else_waits() -> None:
    settings = Settings.model_validate({"port": 0, "viewers": {"queue_limit": 16}})
    async with running(settings=settings) as server:
        # A window of one small message: what is not read soon waits in the server.
        async with connect(f"{server.ws}/v1/board", max_queue=1) as stalled:
            await until(stalled, "board")
            for number in range(30):
                async with server.audio() as feed:
                    await feed.send(hello(f"c-{number}", queue="q" * 64))
                    await feed.send('{"type":"end"}')
                    while (await message(feed))["type"] != "ended":
                        pass
        assert len(list(server.switchboard.calls())) == 30


async def test_the_client_comes_back_by_itself_and_misses_nothing(server: Running) -> None:
    viewer = ViewerClient(server.ws, call="c-1")
    seen: list[int] = []

    async def watch() -> None:
        async for item in viewer:
            if "seq" in item.message and item.message["type"] != "snapshot":
                seen.append(item.message["seq"])
                if item.message["seq"] == 5:
                    viewer.drop()
            if item.message.get("name") == "call_ended":
                return

    watching = asyncio.create_task(watch())
    await viewer.open.wait()
    await send_call(server)
    await asyncio.wait_for(watching, 20)
    assert seen == sorted(set(seen))
    session = server.switchboard.get("c-1")
    assert session is not None
    events = session.snapshot(plain=True)["events"]
    assert isinstance(events, list)
    assert {e["seq"] for e in events} <= set(seen)


async def test_rest_and_pages(server: Running) -> None:
    await send_call(server)
    async with httpx.AsyncClient(base_url=server.http) as http:
        assert (await http.get("/healthz")).json() == {"ok": True}
        ready = (await http.get("/readyz")).json()
        assert (ready["ok"], ready["amiss"]) == (True, {})
        (line,) = (await http.get("/v1/calls")).json()
        assert line["call"] == "c-1"
        assert (await http.get("/v1/calls/c-1")).json()["type"] == "snapshot"
        assert (await http.get("/v1/calls/c-2")).status_code == 404
        assert (await http.get("/v1/demo/recordings")).json() == []
        body = {"recording": "complaint-broadband"}
        assert (await http.post("/v1/demo/replays", json=body)).status_code == 404
        for path in ("/", "/agent", "/board"):
            page = await http.get(path)
            assert page.status_code == 200
            assert "default-src 'self'" in page.headers["content-security-policy"]
            assert "unsafe" not in page.headers["content-security-policy"]
        icon = await http.get("/favicon.ico")
        assert (icon.status_code, icon.headers["content-type"]) == (200, "image/svg+xml")
        assert (await http.get("/widget/../server/app.py")).status_code == 404


async def test_nothing_that_was_said_gets_into_the_log(
    server: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with connect(f"{server.ws}/v1/agent?agent=a-7") as socket:
        await send_call(server)
        await until(socket, "call_ended")
    async with server.audio() as feed:
        await feed.send(hello("c-2", attributes={"number": 13_800_000_000}))
        await until(feed, "error")
    async with server.audio() as feed:
        await feed.send(hello("c-3"))
        await feed.send("我要投诉")
        await until(feed, "error")
    said = [record.getMessage() for record in caplog.records]
    assert said
    for line in LINES:
        assert not any(line.text[:4] in text for text in said)
    assert not any("13800000000" in text for text in said)


async def test_audio_goes_on_after_a_lost_connection(server: Running) -> None:
    """The client of a cut connection sends again what the server lacks, and no more."""
    async with server.audio() as feed:
        await feed.send(hello("c-1"))
        await message(feed)
        for index in range(1_000):
            await feed.send(packet(index))
        while (acknowledged := await message(feed))["next_sample"] < 990 * PACKET:
            pass
        feed.transport.abort()
    client = AudioClient(server.ws, Call("c-1", agent="a-7"), silent_clip(61), speed=0)
    assert await client.run() == 61_000
    session = server.switchboard.get("c-1")
    assert session is not None
    events = session.snapshot(plain=True)["events"]
    assert isinstance(events, list)
    assert [e["text"] for e in events if e["type"] == "transcript"] == [x.text for x in LINES]
    assert acknowledged["type"] == "ack"


async def test_a_call_whose_client_never_comes_back_ends() -> None:
    settings = Settings.model_validate({"port": 0, "calls": {"resume_s": 0.1}})
    async with running(settings=settings) as server:
        async with server.audio() as feed:
            await feed.send(hello("c-1"))
            await message(feed)
        session = server.switchboard.get("c-1")
        assert session is not None
        await asyncio.wait_for(session.done.wait(), 10)
        assert session.why == "connection_lost"


async def test_a_dead_socket_gives_way_to_a_new_one(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.live.session.TAKEOVER_S", 0.0)
    async with server.audio() as old, server.audio() as new:
        await old.send(hello("c-1"))
        await message(old)
        await new.send(hello("c-1"))
        assert (await message(new))["type"] == "ready"
        assert (await message(old))["code"] == "call_taken"


async def test_stopping_lets_calls_end_with_their_last_words() -> None:
    async with (
        running() as server,
        connect(f"{server.ws}/v1/agent?agent=a-7") as socket,
        server.audio() as feed,
    ):
        await feed.send(hello("c-1"))
        assert (await message(feed))["type"] == "ready"
        await feed.send(packet(0))
        await server.switchboard.drain()
        assert (await until(feed, "error"))[-1]["code"] == "going_down"
        events = await until(socket, "call_ended")
        assert events[-1]["detail"]["why"] == "going_down"
        assert events[-1]["detail"]["utterances"] == len(LINES)
        async with server.audio() as late:
            await late.send(hello("c-2"))
            assert (await message(late))["code"] == "going_down"


async def test_a_board_may_ask_for_batches(server: Running) -> None:
    """What comes together comes in one message, and none of it is missing or out of order."""
    async with (
        connect(f"{server.ws}/v1/board?batch=1", max_queue=None) as batched,
        connect(f"{server.ws}/v1/board", max_queue=None) as single,
    ):
        # Who comes late is told of the first events otherwise.
        await until(single, "board")
        batches: list[list[dict]] = []  # type: ignore[type-arg]
        while not any(one["type"] == "board" for batch in batches for one in batch):
            batches.append(json.loads(await batched.recv()))
        sending = asyncio.create_task(send_call(server))
        one_by_one = await until(single, "call_ended")
        while not any(one.get("name") == "call_ended" for batch in batches for one in batch):
            batches.append(json.loads(await batched.recv()))
        await sending
    assert all(isinstance(batch, list) and batch for batch in batches)
    assert max(map(len, batches)) > 1

    def lasting(messages: list[dict]) -> list[int]:  # type: ignore[type-arg]
        passing = ("hello", "board", "metric")
        return [one["seq"] for one in messages if one["type"] not in passing]

    assert lasting([one for batch in batches for one in batch]) == lasting(one_by_one)
