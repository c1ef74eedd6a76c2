"""Who is calling: everything that proves it, tried in turn, and what may be done about it."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import logging
import secrets
import sqlite3
import time
from collections import OrderedDict
from dataclasses import replace
from typing import Literal

from starlette.requests import HTTPConnection

from assist_rules.events import CallInfo
from server.access import passwords, tokens
from server.access.doors import TICKETS
from server.access.oidc import Oidc
from server.access.people import Audited, People, PeopleError, User
from server.access.provider import Provider, Return, SignInError
from server.access.roles import Caller, Role
from server.access.throttle import Throttle
from server.access.tickets import Tickets, digest
from server.access.tokens import Claims
from server.settings import AccessSettings

log = logging.getLogger(__name__)

Mode = Literal["open", "local", "oidc"]
COOKIE = "tingban_session"
EVERYBODY = Caller("local", Role.ADMIN, "local")
"""Who everybody is while access is open."""
OURSELVES = Caller("tingban", Role.INGEST, "tingban")
"""This server, playing a recording into itself."""
ANY_LINE = Caller("anybody", Role.INGEST, "anybody")
"""A telephone system that nobody asked who it is."""
_NOBODYS = (OURSELVES.user, ANY_LINE.user)
SESSION = "tingban-session"
"""What a cookie is sealed for that stands for a provider's word."""
LONGEST_COOKIE = 3_800
"""Browsers drop longer ones without a word."""
SIGNED_OUT = 10_000
"""Sessions that ended before their time and are remembered until others push them out."""
HASHES_AT_ONCE = 2
"""Each needs 64 MiB for a moment."""


class Access:
    """The one place that says who somebody is."""

    def __init__(self, settings: AccessSettings, people: People | None = None) -> None:
        self.settings = settings
        self.people = people or People()
        self.tickets = Tickets(settings.ticket_s)
        self.own_token = secrets.token_urlsafe(32)
        """Proves that it is this server itself."""
        self._secret = settings.secret.get_secret_value() if settings.secret else None
        self._oidc = None if settings.oidc is None else Oidc(settings.oidc)
        self._accounts = Throttle(settings.sign_in_tries, settings.sign_in_window_s)
        # A whole call centre may sit behind one address.
        self._addresses = Throttle(10 * settings.sign_in_tries, settings.sign_in_window_s)
        self._hashing = asyncio.Semaphore(HASHES_AT_ONCE)
        self._link: str | None = None
        self.provider: Provider | None = None
        """Signs people in at our pages, where the settings name a client of it."""
        if settings.oidc is not None and self._oidc is not None and settings.oidc.client_id:
            self.provider = Provider(settings.oidc, self._oidc, lambda: self.secret)
        self._signed_out: OrderedDict[str, None] = OrderedDict()

    @property
    def mode(self) -> Mode:
        """What is in force now: unless settings say, ``local`` from the first user on."""
        if self.settings.mode is not None:
            return self.settings.mode
        return "local" if self.people.any() else "open"

    @property
    def secret(self) -> str:
        """What our own tokens are signed with."""
        if self._secret is None:
            self._secret = self.people.secret()
        return self._secret

    # Who is it

    async def caller(self, connection: HTTPConnection, action: str = "") -> Caller | None:
        """Who sends this request or opens this socket; ``action`` is what the socket is for."""
        if self.mode == "open":
            return EVERYBODY
        found = await self._by_proof(connection, action)
        if found is None:
            return None
        queues = self.people.teams()
        return replace(
            found, queues=frozenset(queue for team in found.teams for queue in queues.get(team, ()))
        )

    async def _by_proof(self, connection: HTTPConnection, action: str) -> Caller | None:
        kind, _, proof = connection.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return await self.by_token(proof.strip())
        if action == "audio.push":
            # Telephone systems can often set no header, but an address with a password in it.
            if kind.lower() == "basic":
                return await self.by_token(_password(proof))
            if given := connection.query_params.get("token"):
                return await self.by_token(given)
        if action in TICKETS and (ticket := connection.query_params.get("ticket")):
            return self.tickets.take(ticket, TICKETS[action], time.monotonic())
        if cookie := connection.cookies.get(COOKIE):
            return self._by_session(cookie)
        return None

    async def by_token(self, token: str) -> Caller | None:
        """Who a bearer token speaks for."""
        if hmac.compare_digest(token.encode(), self.own_token.encode()):
            return OURSELVES
        if self._oidc is not None and self.mode == "oidc" and tokens.issuer(token) != tokens.ISSUER:
            return await self._oidc.caller(token)
        claims = tokens.read(self.secret, token, time.time())
        user = None if claims is None else self.people.get(claims.user)
        if claims is None or user is None or not user.active or user.version != claims.version:
            return None
        return _caller(user, claims.expires_at)

    def _by_session(self, cookie: str) -> Caller | None:
        if self.mode == "oidc":
            return self._by_provider(cookie)
        found = self.people.session(digest(cookie), time.time())
        return None if found is None else _caller(*found)

    def _by_provider(self, cookie: str) -> Caller | None:
        known = tokens.unseal(self.secret, SESSION, cookie, time.time())
        if known is None or digest(cookie) in self._signed_out:
            return None
        teams, expires_at = tuple(known["teams"]), float(known["exp"])
        return Caller(
            known["user"], Role(known["role"]), known["name"], teams, expires_at=expires_at
        )

    def holds(self, caller: Caller) -> bool:
        """Whether somebody who was let in may stay: nothing has run out or been taken away."""
        if caller.expires_at is not None and caller.expires_at <= time.time():
            return False
        if self.mode == "open":
            return True
        if caller == EVERYBODY:
            # Let in before there were users.
            return False
        if self.mode == "oidc" or caller.user in _NOBODYS:
            return True
        user = self.people.get(caller.user)
        return (
            user is not None
            and user.active
            and (user.role, user.teams, user.version) == (caller.role, caller.teams, caller.version)
        )

    # Signing in and out

    async def sign_in(self, user: str, password: str, address: str) -> tuple[str, Caller]:
        """A session for whoever knows the password: its cookie, and who it is.

        Raises :class:`SignInError`.
        """
        if self.mode == "oidc":
            raise SignInError("no_passwords", "sign in with your organisation's provider")
        now = time.monotonic()
        throttles = ((self._accounts, user), (self._addresses, address))
        wait_s = max(throttle.wait_s(key, now) for throttle, key in throttles)
        if wait_s:
            raise SignInError("too_many_tries", f"try again in {wait_s:.0f} s", wait_s)
        # Counted before the hash is compared, so that many tries at once count as many.
        for throttle, key in throttles:
            throttle.failed(key, now)
        known = self.people.get(user)
        async with self._hashing:
            right = await asyncio.to_thread(
                passwords.fits, known.password if known else None, password
            )
        if known is None or not right or not known.active:
            await self.audit(Caller(user, Role.AGENT), "sign_in_failed", detail=address)
            raise SignInError("wrong_password", "user or password is wrong")
        for throttle, key in throttles:
            throttle.forgive(key)
        return await self._open_session(known)

    async def sign_in_by_provider(self, back: Return, address: str) -> tuple[str, Caller, str]:
        """A session for whoever the provider says: its cookie, who it is, and where to go.

        Raises :class:`SignInError`.
        """
        if self.provider is None or self.mode != "oidc":
            raise SignInError("no_provider", "no provider is configured")
        now = time.monotonic()
        if wait_s := self._addresses.wait_s(address, now):
            raise SignInError("too_many_tries", f"try again in {wait_s:.0f} s", wait_s)
        try:
            caller, onward = await self.provider.finish(back)
        except SignInError as error:
            self._addresses.failed(address, now)
            await self.audit(Caller("", Role.AGENT), "sign_in_failed", detail=error.code)
            raise
        until = time.time() + self.settings.session_s
        caller = replace(caller, expires_at=until)
        known = {"user": caller.user, "role": caller.role, "name": caller.name}
        cookie = tokens.seal(self.secret, SESSION, {**known, "teams": caller.teams}, until)
        if len(cookie) > LONGEST_COOKIE:
            raise SignInError("too_many_teams", "the provider names more teams than a cookie holds")
        await self.audit(caller, "sign_in")
        return cookie, caller, onward

    def offer_link(self) -> str:
        """A secret that makes one person, once, the first administrator."""
        link = secrets.token_urlsafe(24)
        self._link = digest(link)
        return link

    async def follow_link(self, link: str) -> tuple[str, Caller]:
        """Make the first administrator: the session's cookie, and who it is."""
        if self._link is None or not hmac.compare_digest(self._link, digest(link)):
            raise SignInError("wrong_link", "the link is not valid, or has been used")
        self._link = None
        admin = User("admin", "admin", Role.ADMIN)
        try:
            await asyncio.to_thread(self.people.add, admin, first=True)
        except PeopleError as error:
            raise SignInError(error.code, str(error)) from None
        return await self._open_session(admin)

    async def _open_session(self, user: User) -> tuple[str, Caller]:
        cookie, now = secrets.token_urlsafe(32), time.time()
        until = now + self.settings.session_s
        await asyncio.to_thread(self.people.open_session, digest(cookie), user, until, now)
        await self.audit(_caller(user, until), "sign_in")
        return cookie, _caller(user, until)

    async def sign_out(self, cookie: str) -> None:
        """End a session."""
        if self.mode == "oidc":
            self._signed_out[digest(cookie)] = None
            while len(self._signed_out) > SIGNED_OUT:
                self._signed_out.popitem(last=False)
            return
        await asyncio.to_thread(self.people.end_session, digest(cookie))

    def token(self, user: User, life_s: float) -> str:
        """A bearer token for a user."""
        now = time.time()
        return tokens.mint(self.secret, Claims(user.user, user.version, now + life_s), now)

    # Who did what

    async def audit(
        self, caller: Caller, action: str, call: CallInfo | str = "", detail: str = ""
    ) -> None:
        """Write down that somebody saw, heard or did something."""
        name = call if isinstance(call, str) else call.call
        entry = Audited(time.time(), caller.user, action, name, detail)
        try:
            await asyncio.to_thread(self.people.note, entry)
        except (OSError, sqlite3.Error) as error:
            log.error("audit: %s by %s was not written: %s", action, caller.user, error)


def _caller(user: User, expires_at: float) -> Caller:
    return Caller(
        user.user, user.role, user.name, user.teams, expires_at=expires_at, version=user.version
    )


def _password(basic: str) -> str:
    """The password of basic authentication; the user's name says nothing that a token does not."""
    try:
        return base64.b64decode(basic, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
