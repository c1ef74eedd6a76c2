"""Signing in at our pages with an OpenID Connect provider: authorization code with PKCE.

Nothing waits here between the two halves: what has to be known when the browser comes back travels
in a cookie that we sign, so that it may come back to any node that has the same secret.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.error import URLError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

from server.access import tokens
from server.access.oidc import FETCH_S, LONGEST, Oidc, web_address
from server.access.roles import Caller
from server.settings import OidcSettings

log = logging.getLogger(__name__)

PENDING = "tingban-sign-in"
PENDING_S = 600
"""So long somebody may take at the provider."""


class SignInError(Exception):
    """Signing in failed; ``wait_s`` says when to try again, 0 for at once."""

    def __init__(self, code: str, message: str, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.code = code
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Return:
    """What the browser brings back from the provider."""

    pending: str
    """Our cookie."""
    state: str
    code: str
    redirect_uri: str


class Provider:
    """Sends browsers to the provider and believes what comes back, once it has been checked."""

    def __init__(self, settings: OidcSettings, oidc: Oidc, secret: Callable[[], str]) -> None:
        self._settings = settings
        self._client = settings.client_id or ""
        self._oidc = oidc
        self._secret = secret

    async def begin(self, redirect_uri: str, onward: str) -> tuple[str, str]:
        """Where to send the browser, and the cookie it needs when it comes back.

        Raises :class:`SignInError` while the provider cannot be reached.
        """
        there = await self._endpoint("authorization_endpoint")
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        asks = {
            "response_type": "code",
            "client_id": self._client,
            "redirect_uri": redirect_uri,
            "scope": self._settings.scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        known = {"state": state, "nonce": nonce, "verifier": verifier, "onward": onward}
        pending = tokens.seal(self._secret(), PENDING, known, time.time() + PENDING_S)
        return f"{there}{'&' if '?' in there else '?'}{urlencode(asks)}", pending

    async def finish(self, back: Return) -> tuple[Caller, str]:
        """Who has signed in, and where they wanted to go. Raises :class:`SignInError`."""
        known = tokens.unseal(self._secret(), PENDING, back.pending, time.time())
        if known is None:
            raise SignInError("expired", "the sign-in took too long, or was finished already")
        if not hmac.compare_digest(known["state"].encode(), back.state.encode()):
            raise SignInError("wrong_state", "this is not the answer to our question")
        if not back.code:
            raise SignInError("denied", "the provider did not let this user in")
        there = await self._endpoint("token_endpoint")
        try:
            answer = await asyncio.to_thread(self._redeem, there, back, known["verifier"])
        except (URLError, TimeoutError, OSError, ValueError) as error:
            log.warning("OIDC: the code was not redeemed: %s", type(error).__name__)
            raise SignInError("not_redeemed", "the provider does not take the code") from None
        claims = await self._oidc.claims(str(answer.get("id_token", "")), self._client)
        if claims is None or not self._meant(claims, known["nonce"]):
            raise SignInError("wrong_token", "what the provider says cannot be believed")
        caller = self._oidc.caller_of(claims)
        if caller is None:
            raise SignInError("no_role", "the provider gives this user no role here")
        return caller, str(known["onward"])

    def _meant(self, claims: Mapping[str, Any], nonce: str) -> bool:
        """Whether the token is the answer to this sign-in, and made for us."""
        said, party = claims.get("nonce"), claims.get("azp")
        right = isinstance(said, str) and hmac.compare_digest(said.encode(), nonce.encode())
        if party is None:
            return right and claims["aud"] in (self._client, [self._client])
        return right and party == self._client

    async def _endpoint(self, name: str) -> str:
        found = (await self._oidc.discovered()).get(name)
        if not isinstance(found, str):
            raise SignInError("no_provider", "the provider cannot be reached; try again")
        return web_address(found)

    def _redeem(self, there: str, back: Return, verifier: str) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": back.code,
            "redirect_uri": back.redirect_uri,
            "client_id": self._client,
            "code_verifier": verifier,
        }
        request = Request(there, urlencode(form).encode(), {"Accept": "application/json"})
        if self._settings.client_secret is not None:
            secret = self._settings.client_secret.get_secret_value()
            proof = f"{quote(self._client, safe='')}:{quote(secret, safe='')}"
            basic = base64.b64encode(proof.encode()).decode()
            request.add_header("Authorization", f"Basic {basic}")
        with urlopen(request, timeout=FETCH_S) as answer:
            found = json.loads(answer.read(LONGEST))
        if not isinstance(found, dict):
            raise ValueError("not a JSON object")
        return found


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
