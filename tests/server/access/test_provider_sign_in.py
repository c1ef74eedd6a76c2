"""Signing in at the pages by way of a provider, and every way in which that must fail."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from websockets.asyncio.client import connect

from server.access import provider as signing_in
from server.access.access import COOKIE
from server.access.routes import PENDING_COOKIE
from tests.server.access.house import access_of, client, settings
from tests.server.access.provider import AUDIENCE, CLIENT, SECRET, Provider
from tests.server.running import Running, message, running


@asynccontextmanager
async def place(provider: Provider, tries: int = 100, **changes: Any) -> AsyncIterator[Running]:
    named = {
        "issuer": provider.issuer,
        "audience": AUDIENCE,
        "roles": {"supervisor": "lead"},
        "client_id": CLIENT,
        "client_secret": SECRET,
    }
    access = {"mode": "oidc", "oidc": {**named, **changes}, "sign_in_tries": tries}
    async with running(settings=settings(**access)) as server:
        access_of(server).people.set_teams({"north": ("broadband",)})
        yield server


async def asked(http: httpx.AsyncClient, onward: str = "board") -> httpx.URL:
    """Where the page's link leads to."""
    answer = await http.get("/v1/session/provider", params={"next": onward})
    assert answer.status_code == 302, answer.text
    return httpx.URL(answer.headers["location"])


async def back(http: httpx.AsyncClient, there: httpx.URL) -> str:
    """Where the provider sends the browser."""
    async with httpx.AsyncClient() as browser:
        return (await browser.get(there)).headers["location"]


async def signed_in(http: httpx.AsyncClient) -> httpx.Response:
    return await http.get(await back(http, await asked(http)))


def problem(answer: httpx.Response) -> str:
    """What the sign-in page is to tell; nobody is signed in."""
    assert answer.status_code == 303
    assert COOKIE not in answer.cookies
    return parse_qs(urlsplit(answer.headers["location"]).query)["problem"][0]


async def test_who_comes_back_from_the_provider_is_signed_in(provider: Provider) -> None:
    async with place(provider) as server, client(server) as http:
        ways = await http.get("/v1/session/ways")
        assert ways.json() == {"password": False, "provider": True}
        answer = await signed_in(http)
        assert urlsplit(str(answer.url.join(answer.headers["location"]))).path == "/board"
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        assert PENDING_COOKIE not in http.cookies
        who = (await http.get("/v1/session")).json()
        assert (who["user"], who["role"], who["teams"]) == ("lead", "lead", ["north"])
        assert 0 < who["expires_at"] - time.time() <= 43_200
        kept = {"Cookie": f"{COOKIE}={http.cookies[COOKIE]}"}
        async with connect(f"{server.ws}/v1/board", additional_headers=kept) as board:
            assert (await message(board))["type"] == "hello"
        assert (await http.delete("/v1/session")).status_code == 204
        # Also for who has kept the cookie.
        assert (await http.get("/v1/calls", headers=kept)).status_code == 401
        done = [entry.action for entry in access_of(server).people.audited(user="lead")]
        assert "sign_in" in done


async def test_an_answer_is_good_once_and_in_its_own_browser(provider: Provider) -> None:
    async with place(provider) as server, client(server) as http, client(server) as thief:
        there = await asked(http)
        pending = http.cookies[PENDING_COOKIE]
        link = await back(http, there)
        # Somebody else who got hold of the link.
        assert problem(await thief.get(link)) == "expired"
        await asked(thief)
        assert problem(await thief.get(link)) == "wrong_state"
        assert (await http.get(link)).cookies[COOKIE]
        assert problem(await http.get(link)) == "expired"
        again = {"Cookie": f"{PENDING_COOKIE}={pending}"}
        assert problem(await http.get(link, headers=again)) == "not_redeemed"


WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"aud": AUDIENCE}, "wrong_token"),
    ({"aud": [CLIENT, "another"]}, "wrong_token"),
    ({"aud": [CLIENT, "another"], "azp": "another"}, "wrong_token"),
    ({"nonce": "of another sign-in"}, "wrong_token"),
    ({"nonce": None}, "wrong_token"),
    ({"iss": "https://evil.example"}, "wrong_token"),
    ({"exp": 1_000}, "wrong_token"),
    ({"roles": ["cook"]}, "no_role"),
    ({"teams": ["t" * 60] * 80}, "too_many_teams"),
)


async def test_a_token_that_is_not_right_signs_nobody_in(provider: Provider) -> None:
    async with place(provider) as server, client(server) as http:
        for changes, code in WRONG:
            provider.changes = changes
            assert problem(await signed_in(http)) == code, changes
            assert (await http.get("/v1/session")).status_code == 401


async def test_a_wrong_state_code_or_cookie_signs_nobody_in(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with place(provider) as server, client(server) as http:
        link = httpx.URL(await back(http, await asked(http)))
        for name, value, code in (
            ("state", "guess", "wrong_state"),
            ("state", "", "wrong_state"),
            ("code", "guess", "not_redeemed"),
            ("code", "", "denied"),
        ):
            link = httpx.URL(await back(http, await asked(http)))
            assert problem(await http.get(link.copy_set_param(name, value))) == code
        await asked(http)
        forged = jwt.encode({"state": "s", "exp": time.time() + 60}, "x" * 40, "HS256")
        headers = {"Cookie": f"{PENDING_COOKIE}={forged}"}
        answer = await http.get(link.copy_set_param("state", "s"), headers=headers)
        assert problem(answer) == "expired"
        # A session's cookie is no pending sign-in and the other way round.
        await asked(http)
        headers = {"Cookie": f"{COOKIE}={http.cookies[PENDING_COOKIE]}"}
        assert (await http.get("/v1/session", headers=headers)).status_code == 401
        monkeypatch.setattr(signing_in, "PENDING_S", -1)
        assert problem(await signed_in(http)) == "expired"


async def test_guessing_answers_has_to_wait(provider: Provider) -> None:
    async with place(provider, tries=1) as server, client(server) as http:
        for _ in range(10):
            assert problem(await http.get("/v1/session/provider/callback")) == "expired"
        assert problem(await signed_in(http)) == "too_many_tries"


async def test_without_its_secret_or_a_provider_nothing_happens(provider: Provider) -> None:
    async with place(provider, client_secret="wrong") as server, client(server) as http:
        assert problem(await signed_in(http)) == "not_redeemed"
    async with place(provider, client_id=None) as server, client(server) as http:
        assert (await http.get("/v1/session/ways")).json()["provider"] is False
        assert (await http.get("/v1/session/provider")).status_code == 404
        assert problem(await http.get("/v1/session/provider/callback")) == "no_provider"
    async with place(provider, issuer="http://127.0.0.1:9") as server, client(server) as http:
        assert (await http.get("/v1/session/provider")).status_code == 503


async def test_nobody_is_sent_on_to_another_site(provider: Provider) -> None:
    async with place(provider) as server, client(server) as http:
        for onward in ("//evil.example", "https://evil.example", "/x", "a\\b", "a b"):
            answer = await http.get("/v1/session/provider", params={"next": onward})
            assert answer.status_code == 422, onward
