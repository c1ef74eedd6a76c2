"""Bearer tokens of an OpenID Connect provider, checked with the keys that it publishes (JWKS)."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import jwt

from server.access.roles import Caller, Role
from server.settings import OidcSettings

log = logging.getLogger(__name__)

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
"""None of them has a secret that the provider would have to share with us."""
DISCOVERY = "/.well-known/openid-configuration"
FETCH_S = 5
AGAIN_S = 10
"""Keys that nobody knows do not make us ask the provider more often than this."""
KEEP_S = 3_600
LEEWAY_S = 30
LONGEST = 1024 * 1024
"""Bytes of an answer."""


class Oidc:
    """One provider."""

    def __init__(self, settings: OidcSettings) -> None:
        self._settings = settings
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._fetched = float("-inf")
        self._tried = float("-inf")
        self._fetching = asyncio.Lock()
        self._description: dict[str, Any] = {}
        self._described = self._asked = float("-inf")
        self._discovering = asyncio.Lock()

    async def caller(self, token: str) -> Caller | None:
        """Who a token speaks for; ``None`` when it is not to be believed, or has no role here."""
        claims = await self.claims(token, self._settings.audience)
        return None if claims is None else self.caller_of(claims)

    async def claims(self, token: str, audience: str) -> Mapping[str, Any] | None:
        """What a token says that is meant for ``audience``; ``None`` if it cannot be believed."""
        try:
            header = jwt.get_unverified_header(token)
            key = await self._key(header.get("kid"))
            if key is None:
                return None
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                issuer=self._settings.issuer,
                audience=audience,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iss", "aud"]},
            )
        except jwt.PyJWTError as error:
            log.info("OIDC: token refused: %s", type(error).__name__)
            return None
        return claims

    async def discovered(self) -> Mapping[str, Any]:
        """The provider's own description; what it said last, or nothing, while it is away."""
        async with self._discovering:
            now = time.monotonic()
            old = now - self._described > KEEP_S
            if old and now - self._asked >= AGAIN_S:
                self._asked = now
                try:
                    self._description = await asyncio.to_thread(self._discover)
                    self._described = now
                except (URLError, TimeoutError, OSError, ValueError) as error:
                    log.warning("OIDC: %s: %s", self._settings.issuer, error)
        return self._description

    def _discover(self) -> dict[str, Any]:
        issuer = self._settings.issuer
        found = _json(issuer.rstrip("/") + DISCOVERY)
        if found.get("issuer") != issuer:
            raise ValueError("describes another issuer")
        return found

    def caller_of(self, claims: Mapping[str, Any]) -> Caller | None:
        """Who the claims speak for; ``None`` where they give no user or no role of ours."""
        settings = self._settings
        user = claims.get(settings.user_claim)
        if not isinstance(user, str) or not 0 < len(user) <= 64:
            log.info("OIDC: token refused: no usable claim %s", settings.user_claim)
            return None
        role = self._role(_listed(claims.get(settings.role_claim)))
        if role is None:
            log.info("OIDC: token refused: no role of ours in claim %s", settings.role_claim)
            return None
        teams = tuple(_listed(claims.get(settings.teams_claim)))
        name = claims.get("name")
        return Caller(
            user,
            role,
            name if isinstance(name, str) else user,
            teams,
            expires_at=float(claims["exp"]),
        )

    def _role(self, names: list[str]) -> Role | None:
        """The first role of ours among the provider's, in the order in which ours are defined.

        Whoever has several gets the most: that is what several were given for.
        """
        ours = {self._settings.roles.get(name, name) for name in names}
        order = (Role.ADMIN, Role.ENGINEER, Role.LEAD, Role.AGENT, Role.INGEST)
        return next((role for role in order if role in ours), None)

    async def _key(self, kid: str | None) -> jwt.PyJWK | None:
        now = time.monotonic()
        if kid in self._keys and now - self._fetched < KEEP_S:
            return self._keys[kid]
        async with self._fetching:
            if now > self._tried and time.monotonic() - self._tried >= AGAIN_S:
                self._tried = time.monotonic()
                await self._fetch()
        # While the provider cannot be reached, what it said last still holds.
        return self._keys.get(kid)

    async def _fetch(self) -> None:
        try:
            found = await asyncio.to_thread(self._download)
        except (URLError, TimeoutError, OSError, ValueError, KeyError, jwt.PyJWTError) as error:
            log.warning("OIDC: the keys of %s: %s", self._settings.issuer, error)
            return
        self._keys, self._fetched = found, time.monotonic()

    def _download(self) -> dict[str | None, jwt.PyJWK]:
        settings = self._settings
        address = settings.jwks_url
        if address is None:
            address = str(_json(settings.issuer.rstrip("/") + DISCOVERY)["jwks_uri"])
        keys = jwt.PyJWKSet.from_dict(_json(address)).keys
        return {key.key_id: key for key in keys if key.public_key_use in (None, "sig")}


def web_address(address: str) -> str:
    """The address. Raises ``ValueError`` for one that leads elsewhere, such as to a file."""
    if not address.startswith(("https://", "http://")):
        raise ValueError(f"{address}: not a web address")
    return address


def _json(address: str) -> dict[str, Any]:
    with urlopen(web_address(address), timeout=FETCH_S) as answer:
        found = json.loads(answer.read(LONGEST))
    if not isinstance(found, dict):
        raise ValueError(f"{address}: not a JSON object")
    return found


def _listed(claim: object) -> list[str]:
    """A claim that holds one name or several."""
    if isinstance(claim, str):
        return [claim]
    return [name for name in claim if isinstance(name, str)] if isinstance(claim, list) else []
