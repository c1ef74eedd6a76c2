"""Users, teams, sessions and the audit log in a SQLite file of their own.

They are few and small, and ``tingban users`` changes them while a server runs, so every answer is
read from the file: microseconds from the page cache. Writes wait for the disk; call them from a
thread.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.access.roles import Role

SCHEMA = """
CREATE TABLE users (
    user TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, teams TEXT NOT NULL,
    active INTEGER NOT NULL, password TEXT, version INTEGER NOT NULL DEFAULT 1);
CREATE TABLE sessions (
    digest TEXT PRIMARY KEY, user TEXT NOT NULL, version INTEGER NOT NULL, expires_at REAL NOT NULL);
CREATE INDEX sessions_expire ON sessions (expires_at);
CREATE TABLE teams (team TEXT PRIMARY KEY, queues TEXT NOT NULL);
CREATE TABLE places (kind TEXT NOT NULL, place TEXT NOT NULL, agent TEXT NOT NULL,
    PRIMARY KEY (kind, place));
CREATE TABLE audit (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, user TEXT NOT NULL, action TEXT NOT NULL,
    call TEXT NOT NULL, detail TEXT NOT NULL);
CREATE INDEX audit_of_call ON audit (call, at);
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
PRAGMA user_version = 1;
"""
VERSION = 1


class PeopleError(Exception):
    """The change is not possible. ``code`` is for programs, the message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class User:
    """An account."""

    user: str
    name: str
    role: Role
    teams: tuple[str, ...] = ()
    active: bool = True
    password: str | None = None
    """The hash; ``None`` for who cannot sign in with one."""
    version: int = 1
    """Counts up when all sessions and tokens of this user are to end."""


@dataclass(frozen=True, slots=True)
class Audited:
    """Who did what, on which call."""

    at: float
    user: str
    action: str
    call: str
    detail: str


class People:
    """The file. ``None`` keeps it all in memory, for a server that knows no users."""

    def __init__(self, path: Path | None = None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Before SQLite opens it: hashes and the signing secret are nobody else's business.
            path.touch(mode=0o600)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(
            ":memory:" if path is None else path,
            timeout=5,
            isolation_level=None,
            check_same_thread=False,
        )
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version == 0:
            self._db.executescript(SCHEMA)
        elif version != VERSION:
            self._db.close()
            raise PeopleError("newer_file", f"{path}: made by another version of tingban")

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _rows(self, question: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(question, values).fetchall()

    # Users

    def any(self) -> bool:
        """Whether there is a user at all."""
        return bool(self._rows("SELECT 1 FROM users LIMIT 1"))

    def users(self) -> tuple[User, ...]:
        """All of them, by name."""
        return tuple(map(_user, self._rows(f"SELECT {_COLUMNS} FROM users ORDER BY user")))

    def get(self, user: str) -> User | None:
        """The user of that name."""
        rows = self._rows(f"SELECT {_COLUMNS} FROM users WHERE user = ?", (user,))
        return _user(rows[0]) if rows else None

    def add(self, user: User, *, first: bool = False) -> None:
        """Add a user; with ``first`` only while there is none. Raises :class:`PeopleError`."""
        with self._writing() as db:
            if first and db.execute("SELECT 1 FROM users LIMIT 1").fetchone():
                raise PeopleError("not_first", "there are users already; sign in")
            if db.execute("SELECT 1 FROM users WHERE user = ?", (user.user,)).fetchone():
                raise PeopleError("user_exists", f"there is a user {user.user} already")
            db.execute(
                f"INSERT INTO users ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    user.user,
                    user.name,
                    user.role,
                    json.dumps(user.teams, ensure_ascii=False),
                    user.active,
                    user.password,
                    user.version,
                ),
            )

    def change(self, user: str, changes: Mapping[str, Any]) -> User:
        """Set fields of a user. A new password, role or ``active`` ends sessions and tokens.

        Raises :class:`PeopleError`, also for what would leave no administrator.
        """
        with self._writing() as db:
            before = self._present(db, user)
            values = dict(changes)
            if "teams" in values:
                values["teams"] = json.dumps(values["teams"], ensure_ascii=False)
            loses = values.get("role", Role.ADMIN) != Role.ADMIN or not values.get("active", True)
            if loses:
                _keep_one_admin(db, before)
            if values.keys() & {"password", "role", "active"}:
                values["version"] = before.version + 1
            for name, value in values.items():
                db.execute(f"UPDATE users SET {_known(name)} = ? WHERE user = ?", (value, user))
            return self._present(db, user)

    def delete(self, user: str) -> None:
        """Forget a user. Raises :class:`PeopleError`."""
        with self._writing() as db:
            _keep_one_admin(db, self._present(db, user))
            db.execute("DELETE FROM users WHERE user = ?", (user,))
            db.execute("DELETE FROM sessions WHERE user = ?", (user,))

    @staticmethod
    def _present(db: sqlite3.Connection, user: str) -> User:
        row = db.execute(f"SELECT {_COLUMNS} FROM users WHERE user = ?", (user,)).fetchone()
        if row is None:
            raise PeopleError("no_user", f"there is no user {user}")
        return _user(row)

    # Sessions

    def open_session(self, digest: str, user: User, expires_at: float, now: float) -> None:
        """Keep a session; those that have run out go."""
        with self._writing() as db:
            db.execute("DELETE FROM sessions WHERE expires_at <= ?", (now,))
            db.execute(
                "INSERT INTO sessions VALUES (?, ?, ?, ?)",
                (digest, user.user, user.version, expires_at),
            )

    def session(self, digest: str, now: float) -> tuple[User, float] | None:
        """Whose session it is and when it ends."""
        rows = self._rows(
            "SELECT user, version, expires_at FROM sessions WHERE digest = ?", (digest,)
        )
        if not rows or rows[0][2] <= now:
            return None
        user = self.get(rows[0][0])
        if user is None or not user.active or user.version != rows[0][1]:
            return None
        return user, rows[0][2]

    def end_session(self, digest: str) -> None:
        """Forget a session."""
        with self._writing() as db:
            db.execute("DELETE FROM sessions WHERE digest = ?", (digest,))

    # Teams and places

    def teams(self) -> dict[str, tuple[str, ...]]:
        """The queues of each team."""
        rows = self._rows("SELECT team, queues FROM teams ORDER BY team")
        return {team: tuple(json.loads(queues)) for team, queues in rows}

    def set_teams(self, teams: Mapping[str, Sequence[str]]) -> None:
        """These are the teams from now on."""
        with self._writing() as db:
            db.execute("DELETE FROM teams")
            db.executemany(
                "INSERT INTO teams VALUES (?, ?)",
                [(team, json.dumps(queues, ensure_ascii=False)) for team, queues in teams.items()],
            )

    def places(self, kind: str) -> dict[str, str]:
        """The agent at each ``extension`` or in each ``queue``."""
        rows = self._rows("SELECT place, agent FROM places WHERE kind = ? ORDER BY place", (kind,))
        return dict(rows)

    def set_places(self, extensions: Mapping[str, str], queues: Mapping[str, str]) -> None:
        """This is the map from now on."""
        with self._writing() as db:
            db.execute("DELETE FROM places")
            db.executemany(
                "INSERT INTO places VALUES (?, ?, ?)",
                [
                    *(("extension", place, agent) for place, agent in extensions.items()),
                    *(("queue", place, agent) for place, agent in queues.items()),
                ],
            )

    # The audit log

    def note(self, entry: Audited) -> None:
        """Write it down."""
        with self._writing() as db:
            db.execute(
                "INSERT INTO audit (at, user, action, call, detail) VALUES (?, ?, ?, ?, ?)",
                (entry.at, entry.user, entry.action, entry.call, entry.detail),
            )

    def audited(
        self, *, call: str = "", user: str = "", since: float = 0.0, limit: int = 1_000
    ) -> tuple[Audited, ...]:
        """What was written down, newest first; empty ``call`` and ``user`` mean any."""
        rows = self._rows(
            "SELECT at, user, action, call, detail FROM audit WHERE at >= ?"
            " AND (? = '' OR call = ?) AND (? = '' OR user = ?) ORDER BY id DESC LIMIT ?",
            (since, call, call, user, user, limit),
        )
        return tuple(Audited(*row) for row in rows)

    def secret(self) -> str:
        """Signs our tokens; made once for the file."""
        with self._writing() as db:
            db.execute(
                "INSERT OR IGNORE INTO meta VALUES ('secret', ?)", (secrets.token_urlsafe(48),)
            )
            (value,) = db.execute("SELECT value FROM meta WHERE name = 'secret'").fetchone()
            return str(value)


_COLUMNS = "user, name, role, teams, active, password, version"


def _known(column: str) -> str:
    assert column in _COLUMNS.split(", ")
    return column


def _user(row: tuple[Any, ...]) -> User:
    user, name, role, teams, active, password, version = row
    return User(user, name, Role(role), tuple(json.loads(teams)), bool(active), password, version)


def _keep_one_admin(db: sqlite3.Connection, user: User) -> None:
    if user.role != Role.ADMIN or not user.active:
        return
    others = db.execute(
        "SELECT 1 FROM users WHERE role = ? AND active AND user != ? LIMIT 1",
        (Role.ADMIN, user.user),
    ).fetchone()
    if others is None:
        raise PeopleError("last_admin", f"{user.user} is the last administrator; name another one")
