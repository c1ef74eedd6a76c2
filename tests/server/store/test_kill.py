"""A server that is killed in the middle of a call: nothing final is lost, nothing comes twice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection

from assist_rules.rulebook import load_rulebook
from assist_rules.session import RuleSession
from benchmarks.postgres import Cluster
from server.client.audio import AudioClient, Call
from server.client.viewer import ViewerClient
from server.settings import StoreSettings
from server.store.store import Store
from tests.server.nodes.site import FORKS
from tests.server.running import running
from tests.server.store import process
from tests.server.store.conftest import eventually
from tests.server.store.hearing import LINES, RATE, HearingRecogniser, clip

SPEED = 4.0
PACK = Path(__file__).with_name("pack.yaml")


class Client(AudioClient):
    """Notes from where it is asked to send, and what had been acknowledged by then.

    Its caller waits while there is no server: what follows comes at the pace of speech again, so
    that there is something left to be killed in.
    """

    asked: list[tuple[int, int]]

    async def _send(self, socket: ClientConnection, start: int) -> None:
        self.asked.append((self.acknowledged, start))
        self._pace._began = asyncio.get_running_loop().time() - start / RATE / SPEED
        await super()._send(socket, start)


class Server:
    """The process, which can be killed and begun again."""

    def __init__(self, folder: Path, url: str | None) -> None:
        self.port = 0
        self._folder, self._url = folder, url
        self._process: ForkServerProcess | None = None

    async def start(self) -> None:
        """The same port every time: the call's client comes back to it."""
        here, there = FORKS.Pipe()
        arguments = (self._folder, self.port, self._url, there)
        self._process = FORKS.Process(target=process.main, args=arguments, daemon=True)
        # In a thread: meanwhile the client finds nobody there.
        await asyncio.to_thread(self._process.start)
        there.close()
        with here:
            self.port = await asyncio.to_thread(here.recv)

    async def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        await asyncio.to_thread(self._process.join)


@asynccontextmanager
async def serving(folder: Path, url: str | None = None) -> AsyncIterator[Server]:
    server = Server(folder, url)
    await server.start()
    try:
        yield server
    finally:
        await server.kill()


async def watch(viewer: ViewerClient, seen: list[dict[str, Any]]) -> None:
    async for item in viewer:
        events = item.message.get("events", [item.message])
        if item.message["type"] == "snapshot":
            seen.clear()  # it tells everything that holds
        seen.extend(event for event in events if "seq" in event and "type" in event)
        if any(event.get("name") == "call_ended" for event in events):
            return


async def call_through(server: Server, kills: list[int]) -> tuple[Client, list[dict[str, Any]]]:
    """A call whose server is killed after so many finals have been shown."""
    address = f"ws://127.0.0.1:{server.port}"
    client = Client(address, Call("c-1", agent="a-7", queue="broadband"), clip(), speed=SPEED)
    client.asked = []
    seen: list[dict[str, Any]] = []
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(watch(ViewerClient(address, call="c-1"), seen))
        sending = tasks.create_task(client.run())
        for finals in kills:
            await eventually(lambda finals=finals: len(shown(seen)) >= finals)
            await server.kill()
            await server.start()
        await sending
    return client, seen


def shown(seen: list[dict[str, Any]]) -> list[str]:
    """Texts of finals, each utterance once."""
    finals = {e["utterance"]: e["text"] for e in seen if e["type"] == "transcript" and e["final"]}
    return list(finals.values())


async def kept(folder: Path, url: str | None) -> list[dict[str, Any]]:
    store = Store(folder, StoreSettings(url=url))
    async with store.open():
        await eventually(lambda: store.outbox.backlog() == 0)
        (epoch,) = await store.archive.epochs("c-1")
        rows = await store.archive.rows_of("c-1", epoch)
    return [json.loads(row.body) for row in rows if row.kind == "event"]


def standing(events: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    """Confirmed alerts that were not taken back: rule, party, which line they rest on."""
    alerts = {e["id"]: e for e in events if e["type"] == "alert" and e["state"] == "confirmed"}
    gone = {e["id"] for e in events if e["type"] == "retraction"}
    return sorted(
        (e["rule"], e["evidence"][0]["party"] if e["evidence"] else "",
         e["evidence"][0]["start_ms"] // 2_200 if e["evidence"] else -1)
        for id_, e in alerts.items()
        if id_ not in gone
    )  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The same call in this process, as fast as it can be heard."""
    folder = tmp_path_factory.mktemp("undisturbed")
    store = Store(folder, StoreSettings())
    rulebook = load_rulebook([PACK])
    async with running(
        HearingRecogniser(), lambda info: RuleSession(rulebook, info), store=store
    ) as server:
        await AudioClient(
            server.ws, Call("c-1", agent="a-7", queue="broadband"), clip(), speed=0
        ).run()
    return await kept(folder, None)


@pytest.mark.parametrize(("kind", "kills"), [("sqlite", [3, 6]), ("postgresql", [4])])
async def test_a_killed_server_goes_on_with_the_call(
    tmp_path: Path,
    kind: str,
    kills: list[int],
    undisturbed: list[dict[str, Any]],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A busy machine takes its time to start a process.
    monkeypatch.setattr("server.client.audio.GIVE_UP_S", 200)
    monkeypatch.setattr("server.client.viewer.GIVE_UP_S", 200)
    url = None
    if kind == "postgresql":
        cluster: Cluster = request.getfixturevalue("postgres")
        url = cluster.url
    async with serving(tmp_path, url) as server:
        client, seen = await call_through(server, kills)
    events = await kept(tmp_path, url)
    said = [e["text"] for e in events if e["type"] == "transcript"]
    masked = [text.replace("幺三八零零五七六二幺九", "*" * 11) for _, text in LINES]
    assert said == masked
    seqs = [event["seq"] for event in events]
    assert seqs == sorted(set(seqs))
    assert standing(events) == standing(undisturbed)
    assert len(client.asked) == 1 + len(kills)
    for acknowledged, asked in client.asked:
        assert asked >= acknowledged, "what was acknowledged is not asked for again"
    assert client.acknowledged > RATE
    # What was said in an earlier life of the call is known from the store, where it is masked.
    assert [text.replace("幺三八零零五七六二幺九", "*" * 11) for text in shown(seen)] == masked
    assert [e["name"] for e in events if e["type"] == "status" and e["name"] == "audio_gap"] == []
    assert events[-1]["name"] == "call_ended"
