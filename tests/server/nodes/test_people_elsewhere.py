"""People at one node, a call at the other: who sees what, and who may take it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from server.access.files import open_access
from server.access.people import User
from server.access.roles import Role
from server.settings import Settings
from tests.server.nodes.site import NodeProcess
from tests.server.nodes.talk import Message, until
from tests.server.running import hello, message

PHONE = "13800138000"
WORDS = f"客户的电话是{PHONE}"
MASKED = WORDS.replace(PHONE, "*" * len(PHONE))
Start = Callable[..., tuple[NodeProcess, NodeProcess]]


class People:
    """Users whom both nodes know, and what proves them."""

    def __init__(self, folder: Path) -> None:
        self.settings = {"mode": "local", "file": str(folder / "people"), "secret": "s" * 32}
        self._access = open_access(Settings.model_validate({"access": self.settings}))
        for name, role in (
            ("a-7", Role.AGENT),
            ("a-8", Role.AGENT),
            ("lead", Role.LEAD),
            ("pbx", Role.INGEST),
        ):
            self._access.people.add(User(name, name, role, ("north",)))
        self._access.people.set_teams({"north": ("broadband",)})

    def proof(self, user: str) -> dict[str, str]:
        known = self._access.people.get(user)
        assert known is not None
        return {"Authorization": f"Bearer {self._access.token(known, 600)}"}

    def socket(self, node: NodeProcess, user: str, path: str) -> connect:
        return connect(node.ws + path, additional_headers=self.proof(user), max_queue=None)

    @asynccontextmanager
    async def calling(self, node: NodeProcess, agent: str | None) -> AsyncIterator[None]:
        """A call `c-1` at that node."""
        async with self.socket(node, "pbx", "/v1/audio") as feed:
            await feed.send(hello(parties=["customer"], queue="broadband", agent=agent))
            assert (await message(feed))["type"] == "ready"
            yield

    async def whisper(self, node: NodeProcess, text: str) -> None:
        async with httpx.AsyncClient(base_url=node.http, headers=self.proof("lead")) as http:
            answer = await http.post("/v1/calls/c-1/whispers", json={"text": text})
            assert answer.status_code == 201, answer.text


@pytest.fixture
def people(tmp_path: Path) -> People:
    return People(tmp_path)


async def whispers(socket: ClientConnection, count: int) -> list[str]:
    """The first so many whispers that a page is shown, in a snapshot or as they come."""
    seen: list[str] = []
    while len(seen) < count:
        one = await message(socket)
        events = one["events"] if one["type"] == "snapshot" else [one]
        seen += [event["text"] for event in events if event["type"] == "whisper"]
    return seen


async def test_a_lead_at_another_node_sees_no_personal_data(start: Start, people: People) -> None:
    one, two = start(access=people.settings)
    async with (
        people.calling(one, "a-7"),
        people.socket(two, "a-7", "/v1/agent?agent=a-7") as agent,
    ):
        await people.whisper(one, f"{WORDS}，请核对")
        # The agent's page brings the plain words to this node; the lead's must not show them.
        assert await whispers(agent, 1) == [f"{WORDS}，请核对"]
        async with people.socket(two, "lead", "/v1/agent?call=c-1") as lead:
            assert await whispers(lead, 1) == [f"{MASKED}，请核对"]
            await people.whisper(one, f"{WORDS}，请回拨")
            assert await whispers(lead, 1) == [f"{MASKED}，请回拨"]
        assert await whispers(agent, 1) == [f"{WORDS}，请回拨"]
        async with httpx.AsyncClient(base_url=two.http, headers=people.proof("lead")) as http:
            assert PHONE not in (await http.get("/v1/calls/c-1")).text


def waiting(calls: list[str]) -> Callable[[Message], bool]:
    """The list of the calls that wait for an agent."""
    return lambda one: one["type"] == "unbound" and [c["call"] for c in one["calls"]] == calls


async def test_agents_claim_calls_of_other_nodes(start: Start, people: People) -> None:
    one, two = start(access=people.settings)
    async with (
        people.socket(two, "a-7", "/v1/agent?agent=a-7") as before,
        people.calling(one, None),
        people.socket(two, "a-8", "/v1/agent?agent=a-8") as after,
    ):
        for widget in (before, after):
            await until(widget, waiting(["c-1"]))
        await before.send('{"type":"claim","call":"c-1"}')
        snapshot = (await until(before, lambda m: m["type"] == "snapshot"))[-1]
        assert snapshot["info"]["agent"] == "a-7"
        await until(after, waiting([]))
        await after.send('{"type":"claim","call":"c-1"}')
        assert (await until(after, lambda m: m["type"] == "released"))[-1]["why"] == "taken"
