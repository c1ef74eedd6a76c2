"""Passwords, kept as argon2id hashes."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 8
LONGEST = 256
"""Longer ones would only cost hashing time."""

_hasher = PasswordHasher()
_nobodys = _hasher.hash("a password that nobody has")


def hashed(password: str) -> str:
    """The hash to keep. Takes tens of milliseconds, on purpose."""
    return _hasher.hash(password)


def fits(kept: str | None, password: str) -> bool:
    """Whether it is the password. Takes as long for somebody who has none."""
    try:
        return _hasher.verify(kept or _nobodys, password) and kept is not None
    except (VerificationError, InvalidHashError):
        return False
