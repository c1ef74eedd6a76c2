"""What Prometheus and an operator see, and what they must never see."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
import time
from collections.abc import Iterator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.asyncio.client import connect

from asr.events import Transcript
from assist_rules.events import CallInfo, RuleEvent
from server import logs
from server.ingest.packet import write
from server.live.state import Rules
from server.settings import LogSettings
from tests.fixtures import script as fixture
from tests.server.running import RATE, Running, hello, message, running, scripted_rules
from tests.server.scripted_rules import ScriptedRules

NUMBER = "13805715762"
SECRET = "幺三八零零五七六二幺九"


def values(text: str) -> dict[tuple[str, str], float]:
    """Sample name and its first label's value to the number."""
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def scraped(server: Running) -> str:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{server.http}/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return answer.text


async def whole_call(server: Running, call: str, **changes: object) -> None:
    async with server.audio() as socket:
        await socket.send(hello(call, **changes))
        assert (await message(socket))["type"] == "ready"
        for second in range(60):
            await socket.send(write(255, second * RATE, bytes(4 * RATE)))
        await socket.send('{"type":"end"}')
        while (await message(socket))["type"] != "ended":
            pass


async def test_every_stage_of_a_call_is_counted() -> None:
    async with running() as server:
        before = values(await scraped(server))
        async with connect(f"{server.ws}/v1/agent?agent=a-7", compression=None) as agent:
            calling = asyncio.create_task(whole_call(server, "c-stages"))
            while True:
                event = await message(agent)
                if event["type"] == "alert":
                    break
            said = {"type": "painted", "call": "c-stages", "seq": event["seq"], "at": time.time()}
            await agent.send(json.dumps(said))
            await agent.send('{"type":"ping","id":1}')
            while (await message(agent))["type"] != "pong":
                pass
            open_pages = values(await scraped(server))["tingban_viewers", ""]
            await calling
        after = values(await scraped(server))

    def grew(name: str, label: str) -> float:
        return after.get((name, label), 0) - before.get((name, label), 0)

    for stage in ("recognised", "ruled", "sent", "served", "painted", "seen"):
        assert grew("tingban_stage_seconds_count", stage) > 0, stage
    assert open_pages == 1
    assert grew("tingban_events_total", "alert") >= 1
    assert grew("tingban_calls_ended_total", "ended") == 1
    assert (
        after["tingban_dropped_total", "nodes_out"] == before["tingban_dropped_total", "nodes_out"]
    )


async def test_live_calls_room_and_refusals() -> None:
    async with running() as server, server.audio() as socket:
        before = values(await scraped(server))
        await socket.send(hello("c-room"))
        await message(socket)
        async with server.audio() as bad:
            await bad.send("no json")
            assert (await message(bad))["code"] == "not_json"
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{server.http}/v1/calls/none")).status_code == 404
        after = values(await scraped(server))
    assert after["tingban_calls", "live"] == before["tingban_calls", "live"] + 1
    assert after["tingban_calls_free", ""] == before["tingban_calls_free", ""] - 1
    for code in ("not_json", "no_call"):
        name = ("tingban_refusals_total", code)
        assert after[name] == before.get(name, 0) + 1


async def test_ready_until_it_drains() -> None:
    async with running() as server, httpx.AsyncClient() as client:
        answer = await client.get(f"{server.http}/readyz")
        assert answer.status_code == 200
        assert answer.json() == {"ok": True, "room": 10_000, "amiss": {}}
        await server.switchboard.drain()
        assert (await client.get(f"{server.http}/readyz")).status_code == 503
        assert (await client.get(f"{server.http}/healthz")).status_code == 200
        assert values(await scraped(server))["tingban_calls_free", ""] == 0


class Broken(ScriptedRules):
    """Fails with what the customer said in its error."""

    def hear(self, transcript: Transcript) -> tuple[RuleEvent, ...]:
        if SECRET in transcript.text and transcript.final:
            raise ValueError(f"cannot judge {transcript.text} {NUMBER}")
        return super().hear(transcript)


def rules(info: CallInfo) -> Rules:
    return Broken() if info.call == "c-broken" else scripted_rules(info)


@pytest.fixture(params=["text", "json"])
def logged(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """Everything that is logged at the most talkative level, in the form of the server."""
    stream, root = io.StringIO(), logging.getLogger()
    level, quiet = root.level, {name: logging.getLogger(name).level for name in logs.QUIET}
    added = logs.handler(LogSettings(format=request.param), stream)
    root.addHandler(added)
    root.setLevel(logging.DEBUG)
    logs.hold_quiet()
    yield stream
    root.removeHandler(added)
    root.setLevel(level)
    for name, old in quiet.items():
        logging.getLogger(name).setLevel(old)


async def test_nothing_that_was_said_and_no_number_gets_out(logged: io.StringIO) -> None:
    attributes = {"number": NUMBER, "note": SECRET}
    async with running(rules=rules) as server:
        async with connect(f"{server.ws}/v1/board") as board:
            await whole_call(server, f"c-{NUMBER}", attributes=attributes, queue="投诉专线")
            async with server.audio() as socket:
                await socket.send(hello("c-broken", attributes=attributes))
                await message(socket)
                for second in range(60):
                    await socket.send(write(255, second * RATE, bytes(4 * RATE)))
                while (await message(socket))["type"] == "ack":
                    pass
            for bad in (f'{{"type":"{SECRET}"}}', f'{{"call":"{NUMBER}"', f'["{SECRET}"]'):
                async with server.audio() as socket:
                    await socket.send(bad)
                    assert (await message(socket))["type"] == "error"
            await board.send(f'{{"type":"feedback","call":"{SECRET}"}}')
            async with httpx.AsyncClient() as client:
                await client.get(f"{server.http}/v1/calls/{NUMBER}?q={SECRET}")
        exposed = await scraped(server)
    written = logged.getvalue()
    assert "the recogniser failed" in written
    assert "ValueError" in written
    said = {line.text for line in fixture.LINES} | {SECRET, NUMBER, "投诉专线"}
    for text in (written, exposed):
        assert not [one for one in said if one in text]
        # Not even a piece of it: no Chinese at all, and no long number that is not a time or size.
        assert not re.search(r"[\u4e00-\u9fff]", text)
    assert not re.search(r"(?<![\d.])1[3-9]\d{9}(?!\d)", written)
    labels = re.findall(r"\{([^}]*)\}", exposed)
    assert not [label for label in labels if re.search(r"\d{7}", label)]


def test_json_lines_are_json() -> None:
    stream = io.StringIO()
    logger = logging.Logger("one")
    logger.addHandler(logs.handler(LogSettings(format="json"), stream))
    try:
        raise KeyError(SECRET)
    except KeyError:
        logger.exception("call %s: failed", "c-1")
    entry = json.loads(stream.getvalue())
    assert (entry["level"], entry["logger"], entry["message"]) == (
        "ERROR",
        "one",
        "call c-1: failed",
    )
    assert entry["exception"].endswith("builtins.KeyError")


def test_lines_keep_their_time_and_mask_numbers() -> None:
    stream = io.StringIO()
    logger = logging.Logger("one")
    logger.addHandler(logs.handler(LogSettings(), stream))
    logger.warning("call %s", NUMBER)
    line = r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d,\d+ WARNING one: call \*{11}\n"
    assert re.fullmatch(line, stream.getvalue())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("call c-13805715762: ended", "call c-***********: ended"),
        ("138 0571 5762 and 138-0571-5762", "************* and *************"),
        ("port 8765, 60000 ms", "port 8765, 60000 ms"),
    ],
)
def test_long_numbers_are_starred(text: str, shown: str) -> None:
    assert logs.masked(text) == shown
