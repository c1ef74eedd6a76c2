"""What people say is nowhere but where it belongs: no log and no metric has it."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect

from assist_rules.rulebook import load_rulebook
from assist_rules.session import RuleSession
from server.client.audio import AudioClient, Call
from server.client.viewer import ViewerClient
from tests.server.running import running
from tests.server.store.conftest import eventually, new_store
from tests.server.store.hearing import LINES, HearingRecogniser, clip

PACK = Path(__file__).with_name("pack.yaml")
SPOKEN = "幺三八零零五七六二幺九"


def in_files(folder: Path) -> list[str]:
    """Files that hold the number."""
    files = folder.glob("*.sqlite3*")
    return [file.name for file in files if SPOKEN.encode() in file.read_bytes()]


def traces(text: str) -> set[str]:
    """Four characters in a row of anything that was said."""
    parts = {line[i : i + 4] for _, line in LINES for i in range(len(line) - 3)}
    return {part for part in parts if part in text}


async def test_no_words_in_logs_or_metrics(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    # These print whole messages by design; the server holds them, a test of it must not undo that.
    for name in ("websockets", "uvicorn.error", "httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    rulebook = load_rulebook([PACK])
    store = new_store(tmp_path)
    async with running(
        HearingRecogniser(), lambda info: RuleSession(rulebook, info), store=store
    ) as server:
        who = Call("c-1", agent="a-7", attributes={"number": "13800576219"})
        await AudioClient(server.ws, who, clip(), speed=0).run()
        async with connect(f"{server.ws}/v1/agent?call=c-1") as socket:
            await socket.send('{"type":"feedback","call":"' + LINES[0][1] + '"}')
            await socket.wait_closed()
        async with httpx.AsyncClient(base_url=server.http) as web:
            metrics = (await web.get("/metrics")).text
            await web.post("/v1/calls/c-1/marks", json={"verdict": LINES[1][1]})
            await web.get("/v1/archive", params={"text": LINES[2][1]})
    logged = caplog.text + "".join(capfd.readouterr())
    assert len(metrics) > 500
    assert traces(metrics) == set()
    assert traces(logged) == set()
    assert "13800576219" not in logged + metrics


async def test_a_statement_that_fails_is_logged_without_its_values(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.store.store.RETRY_S", (0.05, 0.1))
    rulebook = load_rulebook([PACK])
    store = new_store(tmp_path)
    async with running(
        HearingRecogniser(), lambda info: RuleSession(rulebook, info), store=store
    ) as server:
        await store.archive.ready()
        async with store.archive.engine.begin() as connection:
            await connection.exec_driver_sql("DROP TABLE feedback")
            await connection.exec_driver_sql("DROP TABLE events")
        await AudioClient(server.ws, Call("c-1"), clip(), speed=0).run()
        await eventually(lambda: store.figures.ship_failures > 1)
    assert store.away == "OperationalError"
    assert traces(caplog.text) == set()


async def test_only_the_agent_sees_the_number(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    rulebook = load_rulebook([PACK])
    async with running(
        HearingRecogniser(), lambda info: RuleSession(rulebook, info), store=store
    ) as server:
        seen: dict[str, str] = {"agent": "", "board": ""}

        async def watch(name: str, viewer: ViewerClient) -> None:
            async for item in viewer:
                seen[name] += str(item.message)
                if item.message.get("name") == "call_ended":
                    return

        viewers = {
            "agent": ViewerClient(server.ws, agent="a-7"),
            "board": ViewerClient(server.ws),
        }
        async with asyncio.TaskGroup() as tasks:
            for name, viewer in viewers.items():
                tasks.create_task(watch(name, viewer))
            for viewer in viewers.values():
                await viewer.open.wait()
            await AudioClient(server.ws, Call("c-1", agent="a-7"), clip(), speed=0).run()
        async with httpx.AsyncClient(base_url=server.http) as web:
            rest = (await web.get("/v1/calls/c-1")).text + (await web.get("/v1/calls")).text
    assert SPOKEN in seen["agent"]
    assert "我的电话是" + "*" * 11 in seen["board"]
    assert "我的电话是" + "*" * 11 in rest
    for shown in (seen["board"], rest):
        assert SPOKEN[:5] not in shown
    assert in_files(tmp_path) == []
