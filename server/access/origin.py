"""Which pages may talk to us: our own, and those of sites that the settings name."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection


def sites(setting: str) -> tuple[str, ...]:
    """The origins of a setting, which has commas between them."""
    return tuple(site.strip().rstrip("/") for site in setting.split(",") if site.strip())


def allowed(connection: HTTPConnection, others: str = "") -> bool:
    """False for a page of another site; clients that are no browsers send no origin.

    ``others`` are the sites that may as well, with commas between.
    """
    origin = connection.headers.get("origin")
    if origin is None or urlsplit(origin).netloc == connection.headers.get("host"):
        return True
    return origin in sites(others)
