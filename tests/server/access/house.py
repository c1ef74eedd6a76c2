"""A server with users: one of each role, two teams."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from server.access.access import Access
from server.access.passwords import hashed
from server.access.people import User
from server.access.roles import Role
from server.settings import Settings
from tests.server.running import Running, running

PASSWORD = "a good password"
HASH = hashed(PASSWORD)
USERS = (
    User("boss", "Boss", Role.ADMIN, password=HASH),
    User("a-7", "Agent 7", Role.AGENT, ("north",), password=HASH),
    User("a-8", "Agent 8", Role.AGENT, ("south",), password=HASH),
    User("lead", "Lead", Role.LEAD, ("north",), password=HASH),
    User("eng", "Engineer", Role.ENGINEER, password=HASH),
    User("pbx", "PBX", Role.INGEST),
)
TEAMS = {"north": ("broadband",), "south": ("billing",)}


def settings(**access: Any) -> Settings:
    return Settings.model_validate({"port": 0, "calls": {"drain_s": 2}, "access": access})


@asynccontextmanager
async def house(**access: Any) -> AsyncIterator[Running]:
    """The server, where everybody has to say who they are."""
    async with running(settings=settings(**access)) as server:
        people = access_of(server).people
        for user in USERS:
            people.add(user)
        people.set_teams(TEAMS)
        yield server


def access_of(server: Running) -> Access:
    found: Access = server.app.state.access
    return found


def token(server: Running, user: str) -> str:
    known = access_of(server).people.get(user)
    assert known is not None
    return access_of(server).token(known, 600)


def header(server: Running, user: str | None) -> dict[str, str]:
    return {} if user is None else {"Authorization": f"Bearer {token(server, user)}"}


def client(server: Running, user: str | None = None) -> httpx.AsyncClient:
    # Hashing passwords takes its time on a busy machine.
    return httpx.AsyncClient(base_url=server.http, headers=header(server, user), timeout=60)
