"""Pages of other sites: a browser lets them read our answers only where the settings name them."""

from __future__ import annotations

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.server.access.house import client, header, house
from tests.server.running import Running, message

DESK = "https://desk.example"
EVIL = "https://evil.example"
LETS = "access-control-allow-origin"


async def preflight(http: httpx.AsyncClient, site: str, method: str = "POST") -> httpx.Response:
    asks = {
        "Origin": site,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    return await http.options("/v1/tickets", headers=asks)


async def test_a_named_site_gets_a_ticket_and_opens_a_socket() -> None:
    async with house(origins=f"https://other.example, {DESK}/") as server, client(server) as http:
        asked = await preflight(http, DESK)
        assert (asked.status_code, asked.headers[LETS]) == (200, DESK)
        allowed = asked.headers["access-control-allow-headers"].lower()
        assert {"authorization", "content-type"} <= set(allowed.replace(" ", "").split(","))
        headers = {"Origin": DESK, **header(server, "a-7")}
        answer = await http.post("/v1/tickets", json={"for": "agent"}, headers=headers)
        assert (answer.status_code, answer.headers[LETS]) == (200, DESK)
        assert await first(server, answer.json()["ticket"], DESK) == "hello"
        # Its pages may show ours, and load the widget's modules.
        page = await http.get("/login")
        assert (
            f"frame-ancestors 'self' https://other.example {DESK}"
            in page.headers["content-security-policy"]
        )
        module = await http.get("/widget/define.js", headers={"Origin": DESK})
        assert module.headers[LETS] == DESK
        # Also what goes wrong can be read; a cookie is never asked for.
        refused = await http.get("/v1/calls", headers={"Origin": DESK})
        assert (refused.status_code, refused.headers[LETS]) == (401, DESK)
        assert "access-control-allow-credentials" not in refused.headers


@pytest.mark.parametrize("origins", ["", DESK])
async def test_no_other_site_gets_anything(origins: str) -> None:
    async with house(origins=origins) as server, client(server) as http:
        assert (await preflight(http, EVIL)).is_error
        headers = {"Origin": EVIL, **header(server, "a-7")}
        answer = await http.post("/v1/tickets", json={"for": "agent"}, headers=headers)
        assert answer.status_code == 403
        read = await http.get("/v1/calls", headers=headers)
        assert LETS not in answer.headers.keys() | read.headers.keys()
        ticket = (
            await http.post("/v1/tickets", json={"for": "agent"}, headers=header(server, "a-7"))
        ).json()["ticket"]
        assert await first(server, ticket, EVIL) == "error"


async def first(server: Running, ticket: str, site: str) -> str:
    address = f"{server.ws}/v1/agent?agent=a-7&ticket={ticket}"
    async with connect(address, origin=site) as socket:  # type: ignore[arg-type]
        kind: str = (await message(socket))["type"]
        return kind
