"""Tokens of a provider, checked with the keys that a real server publishes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from server.access import oidc
from tests.server.access.house import client, settings, token
from tests.server.running import running

AUDIENCE = "tingban"


class Provider:
    """A provider with one signing key at a time."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.turn("k1")
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked.append(self.path)
                found = provider.documents().get(self.path)
                self.send_response(200 if found else 404)
                self.end_headers()
                self.wfile.write(json.dumps(found or {}).encode())

            def log_message(self, *_: Any) -> None:
                """Quietly."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"

    def turn(self, kid: str) -> None:
        """Another key from now on."""
        self.kid = kid
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def documents(self) -> dict[str, Any]:
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {
            oidc.DISCOVERY: {"jwks_uri": f"{self.issuer}/keys"},
            "/keys": {"keys": [{**public, "kid": self.kid, "use": "sig", "alg": "RS256"}]},
        }

    def sign(self, **changes: Any) -> str:
        claims = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "exp": time.time() + 600,
            "sub": "0815",
            "preferred_username": "lead",
            "name": "Lead",
            "roles": ["offline_access", "supervisor"],
            "teams": ["north"],
            **changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, self.key, "RS256", headers={"kid": self.kid})


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    thread = threading.Thread(target=provider.server.serve_forever)
    thread.start()
    yield provider
    provider.server.shutdown()
    thread.join()
    provider.server.server_close()


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
