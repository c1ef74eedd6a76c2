"""Bearer tokens that we sign ourselves: JSON web tokens for one user, for a limited time."""

from __future__ import annotations

from dataclasses import dataclass

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
    body = {
        "iss": ISSUER,
        "sub": claims.user,
        "ver": claims.version,
        "iat": int(now),
        "exp": int(claims.expires_at),
    }
    return jwt.encode(body, secret, ALGORITHM)


def read(secret: str, token: str, now: float) -> Claims | None:
    """What a token of ours says; ``None`` for any other, or one that has run out."""
    try:
        body = jwt.decode(
            token,
            secret,
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            # Against the caller's clock, not the library's.
            options={"require": ["sub", "ver", "exp"], "verify_exp": False, "verify_iat": False},
        )
    except jwt.PyJWTError:
        return None
    user, version, expires_at = body["sub"], body["ver"], body["exp"]
    if not isinstance(version, int) or not isinstance(expires_at, int) or expires_at <= now:
        return None
    return Claims(user, version, float(expires_at))


def issuer(token: str) -> str | None:
    """Who claims to have signed it; nothing is checked."""
    try:
        found = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except jwt.PyJWTError:
        return None
    return found if isinstance(found, str) else None
