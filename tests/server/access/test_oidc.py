"""Tokens of a provider, checked with the keys that a real server publishes."""

from __future__ import annotations

import time

import jwt
import pytest

from server.access import oidc
from tests.server.access.house import client, settings, token
from tests.server.access.provider import AUDIENCE, Provider
from tests.server.running import running


async def test_a_providers_token_says_who_somebody_is(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = {
        "mode": "oidc",
        "oidc": {
            "issuer": provider.issuer,
            "audience": AUDIENCE,
            "roles": {"supervisor": "lead"},
        },
    }
    async with running(settings=settings(**access)) as server, client(server) as http:
        people = server.app.state.access.people
        people.set_teams({"north": ("broadband",)})

        async def status(text: str, path: str = "/v1/calls") -> int:
            answer = await http.get(path, headers={"Authorization": f"Bearer {text}"})
            return answer.status_code

        assert await status(provider.sign()) == 200
        assert await status(provider.sign(), "/v1/users") == 403
        who = await http.get("/v1/session", headers={"Authorization": f"Bearer {provider.sign()}"})
        assert who.json()["role"] == "lead"
        assert who.json()["teams"] == ["north"]
        for wrong in (
            {"aud": "another"},
            {"iss": "https://evil.example"},
            {"exp": time.time() - 600},
            {"exp": None},
            {"roles": ["cook"]},
            {"preferred_username": None},
        ):
            assert await status(provider.sign(**wrong)) == 401
        stolen = jwt.encode(
            {"iss": provider.issuer, "aud": AUDIENCE, "exp": time.time() + 60,
             "preferred_username": "x", "roles": ["admin"]},
            "x" * 40, "HS256", headers={"kid": "k1"},
        )  # fmt: skip
        assert await status(stolen) == 401
        # A token that the provider signs with a key it has just made.
        asked = len(provider.asked)
        provider.turn("k2")
        assert await status(provider.sign()) == 401
        assert len(provider.asked) == asked, "a key nobody knows must not flood the provider"
        monkeypatch.setattr(oidc, "AGAIN_S", 0.0)
        assert await status(provider.sign()) == 200
        assert (await http.post("/v1/session", json={"user": "a", "password": "b"})).json()[
            "error"
        ]["code"] == "no_passwords"
        # Telephone systems keep tokens of our own.
        from server.access.people import User
        from server.access.roles import Role

        people.add(User("pbx", "PBX", Role.INGEST))
        assert await status(token(server, "pbx")) == 403
