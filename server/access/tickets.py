"""One-time tickets that open a socket, for browsers cannot send a header with one. Time comes in."""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from dataclasses import dataclass

from server.access.roles import Caller


@dataclass(frozen=True, slots=True)
class _Ticket:
    caller: Caller
    purpose: str
    until: float


def digest(secret: str) -> str:
    """What is kept of a secret that was given out."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Tickets:
    """Those that were given out and not used yet, at most ``limit``; the oldest make room."""

    def __init__(self, life_s: float, limit: int = 10_000) -> None:
        self.life_s = life_s
        self._limit = limit
        self._tickets: OrderedDict[str, _Ticket] = OrderedDict()

    def give(self, caller: Caller, purpose: str, now: float) -> str:
        """A ticket for one socket; ``purpose`` is ``agent``, ``board`` or ``audio``."""
        ticket = secrets.token_urlsafe(24)
        self._tickets[digest(ticket)] = _Ticket(caller, purpose, now + self.life_s)
        while len(self._tickets) > self._limit:
            self._tickets.popitem(last=False)
        return ticket

    def take(self, ticket: str, purpose: str, now: float) -> Caller | None:
        """Whose it is, once; ``None`` for one that is unknown, used, too old or for another door."""
        found = self._tickets.pop(digest(ticket), None)
        if found is None or found.purpose != purpose or now >= found.until:
            return None
        return found.caller
