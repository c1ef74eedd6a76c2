"""Bearer tokens that we sign ourselves: JSON web tokens for one user, for a limited time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

ISSUER = "tingban"
ALGORITHM = "HS256"
SHORTEST_SECRET = 32


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says."""

    user: str
    version: int
    """The user's, when it was made: tokens end when that goes on."""
    expires_at: float


def mint(secret: str, claims: Claims, now: float) -> str:
    """A token."""
    body = {"sub": claims.user, "ver": claims.version, "iat": int(now)}
    return seal(secret, ISSUER, body, claims.expires_at)


def read(secret: str, token: str, now: float) -> Claims | None:
    """What a token of ours says; ``None`` for any other, or one that has run out."""
    body = unseal(secret, ISSUER, token, now)
    if body is None or not isinstance(body.get("sub"), str) or not isinstance(body.get("ver"), int):
        return None
    return Claims(body["sub"], body["ver"], float(body["exp"]))


def seal(secret: str, purpose: str, body: Mapping[str, Any], expires_at: float) -> str:
    """Words that only we can have written, good for one purpose and until then. Not secret."""
    return jwt.encode({**body, "iss": purpose, "exp": int(expires_at)}, secret, ALGORITHM)


def unseal(secret: str, purpose: str, text: str, now: float) -> dict[str, Any] | None:
    """What :func:`seal` was given, with ``exp``; ``None`` for anything else."""
    try:
        body: dict[str, Any] = jwt.decode(
            text,
            secret,
            algorithms=[ALGORITHM],
            issuer=purpose,
            # Against the caller's clock, not the library's.
            options={"require": ["exp"], "verify_exp": False, "verify_iat": False},
        )
    except jwt.PyJWTError:
        return None
    expires_at = body["exp"]
    return body if isinstance(expires_at, int) and expires_at > now else None


def issuer(token: str) -> str | None:
    """Who claims to have signed it; nothing is checked."""
    try:
        found = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except jwt.PyJWTError:
        return None
    return found if isinstance(found, str) else None
