"""Roles, and what each may do on whose calls. Pure: the whole of it is one table.

A new route or socket gets its action in ``doors.py``, a new action its line here; both are tested.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from assist_rules.events import CallInfo


class Role(StrEnum):
    """What somebody is here for; everybody has one."""

    AGENT = "agent"
    LEAD = "lead"
    ENGINEER = "engineer"
    ADMIN = "admin"
    INGEST = "ingest"
    """A telephone system: pushes audio and sees nothing."""


class Scope(StrEnum):
    """On which calls somebody may do something."""

    OWN = "own"
    """Calls whose agent it is."""
    TEAM = "team"
    """Calls in the queues of the own teams."""
    ALL = "all"


EVERY_QUEUE = "*"
"""A team with this queue sees all calls, also those without a queue."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody whose name has been checked."""

    user: str
    """Also the agent's id on calls."""
    role: Role
    name: str = ""
    teams: tuple[str, ...] = ()
    queues: frozenset[str] = frozenset()
    """Of the teams."""
    expires_at: float | None = None
    """Epoch seconds at which the proof of who it is runs out; ``None`` for never."""
    version: int = 0
    """The account's, when it was checked."""


_OWN, _TEAM, _ALL = Scope.OWN, Scope.TEAM, Scope.ALL
_A, _L, _E, _X, _I = Role.AGENT, Role.LEAD, Role.ENGINEER, Role.ADMIN, Role.INGEST

PERMISSIONS: Mapping[str, Mapping[Role, Scope]] = {
    "audio.push": {_I: _ALL, _X: _ALL},
    "widget.watch": {_A: _OWN, _L: _TEAM, _X: _ALL},
    "board.watch": {_L: _TEAM, _X: _ALL},
    "call.read": {_A: _OWN, _L: _TEAM, _X: _ALL},
    "call.feedback": {_A: _OWN, _X: _ALL},
    "call.claim": {_A: _TEAM, _X: _ALL},
    "call.hand": {_A: _OWN, _X: _ALL},
    "call.bind": {_L: _TEAM, _X: _ALL},
    "call.act": {_L: _TEAM, _X: _ALL},
    "call.whisper": {_L: _TEAM, _X: _ALL},
    "call.listen": {_L: _TEAM, _X: _ALL},
    "archive.read": {_A: _OWN, _L: _TEAM, _E: _ALL, _X: _ALL},
    "mark.write": {_L: _TEAM, _E: _ALL, _X: _ALL},
    "mark.read": {_E: _ALL, _X: _ALL},
    "rules.read": {_L: _ALL, _E: _ALL, _X: _ALL},
    "desk.use": {_E: _ALL, _X: _ALL},
    "metrics.read": {_E: _ALL, _X: _ALL},
    "demo.see": {_A: _ALL, _L: _ALL, _E: _ALL, _X: _ALL},
    "demo.replay": {_L: _ALL, _E: _ALL, _X: _ALL},
    "users.manage": {_X: _ALL},
    "teams.read": {_L: _ALL, _X: _ALL},
    "teams.write": {_X: _ALL},
    "audit.read": {_X: _ALL},
    "ticket.get": {_A: _ALL, _L: _ALL, _E: _ALL, _X: _ALL, _I: _ALL},
    "anything": {_X: _ALL},
}
"""Who may do what, on which calls. Who has no entry may not. ``anything`` is what no door names."""


def scope(caller: Caller, action: str) -> Scope | None:
    """On which calls ``caller`` may do ``action``; ``None`` for on none."""
    return PERMISSIONS[action].get(caller.role)


def may(caller: Caller, action: str, call: CallInfo) -> bool:
    """Whether ``caller`` may do ``action`` on that call."""
    return may_on(caller, action, call.agent, call.queue)


def may_on(caller: Caller, action: str, agent: str | None, queue: str | None) -> bool:
    """As :func:`may`, for a call of which only agent and queue are known, e.g. a stored one."""
    match scope(caller, action):
        case Scope.ALL:
            return True
        case Scope.TEAM:
            return EVERY_QUEUE in caller.queues or (queue is not None and queue in caller.queues)
        case Scope.OWN:
            return bool(agent) and agent == caller.user
        case None:
            return False
