"""A small OpenID Connect provider: keys of its own, tokens, and the authorization code flow."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from server.access import oidc

AUDIENCE = "tingban"
CLIENT = "tingban-pages"
SECRET = "a secret: with signs"


class Provider:
    """A provider with one signing key at a time."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.codes: dict[str, dict[str, str]] = {}
        """What was asked for, by the code that was given; each is good once."""
        self.changes: dict[str, Any] = {}
        """How the next tokens differ from right ones."""
        self.turn("k1")
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked.append(self.path)
                address = urlsplit(self.path)
                if address.path == "/authorize":
                    self.send_response(302)
                    self.send_header("Location", provider.authorize(address.query))
                    self.end_headers()
                else:
                    self._tell(provider.documents().get(self.path))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                self._tell(provider.redeem(form, self.headers["Authorization"] or ""), 400)

            def _tell(self, found: dict[str, Any] | None, otherwise: int = 404) -> None:
                self.send_response(200 if found else otherwise)
                self.end_headers()
                self.wfile.write(json.dumps(found or {"error": "no"}).encode())

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
            oidc.DISCOVERY: {
                "issuer": self.issuer,
                "jwks_uri": f"{self.issuer}/keys",
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
            },
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

    def authorize(self, query: str) -> str:
        """Everybody is let in at once: back to where the browser came from."""
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT)
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def redeem(self, form: dict[str, str], proof: str) -> dict[str, Any] | None:
        """Tokens for a code, once, for who can prove to have asked for it."""
        asked = self.codes.pop(form.get("code", ""), None)
        client, secret = "tingban-pages", "a%20secret%3A%20with%20signs"
        basic = base64.b64encode(f"{client}:{secret}".encode()).decode()
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            asked is None
            or proof != f"Basic {basic}"
            or form["grant_type"] != "authorization_code"
            or form["redirect_uri"] != asked["redirect_uri"]
            or challenge != asked["code_challenge"]
        ):
            return None
        claims = {"aud": CLIENT, "nonce": asked["nonce"], **self.changes}
        return {"token_type": "Bearer", "access_token": "x", "id_token": self.sign(**claims)}
