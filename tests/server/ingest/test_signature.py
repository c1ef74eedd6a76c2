"""Who may open an AudioHook session: the signature, each of its parts, and the socket's answer."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from typing import Any

import pytest
from websockets.asyncio.client import connect

from asr.events import Party
from server.client.dialects import audiohook
from server.client.dialects.audiohook import ORGANIZATION, Session
from server.ingest.signature import check
from server.refusals import Refusal
from tests.server.ingest.listening import Ears, settings
from tests.server.ingest.test_audiohook import ID, closed, disconnected
from tests.server.running import running

SECRET = base64.b64encode(b"a secret that both sides know").decode()
KEYS = {"key-1": SECRET, "open": ""}
NOW = 1_800_000_000
PARTS = [
    "@request-target",
    "@authority",
    "audiohook-organization-id",
    "audiohook-session-id",
    "audiohook-correlation-id",
    "x-api-key",
]


def signed(
    target: str = "/v1", at: int = NOW, host: str = "example", **changes: Any
) -> dict[str, str]:
    """Headers as Genesys sends them; ``changes`` spoil the signature's parameters."""
    headers = {
        "host": host,
        "audiohook-organization-id": ORGANIZATION,
        "audiohook-session-id": ID,
        "audiohook-correlation-id": ID,
        "x-api-key": "key-1",
    }
    values = {**headers, "@request-target": target, "@authority": host}
    parts = changes.pop("parts", PARTS)
    said = {"keyid": "key-1", "nonce": "n" * 24, "alg": "hmac-sha256", "created": at, **changes}
    written = [f"{k}={v}" if isinstance(v, int) else f'{k}="{v}"' for k, v in said.items()]
    inner = f"({' '.join(f'{chr(34)}{part}{chr(34)}' for part in parts)});{';'.join(written)}"
    lines = [f'"{part}": {values[part]}' for part in parts] + [f'"@signature-params": {inner}']
    mac = hmac.digest(base64.b64decode(SECRET), "\n".join(lines).encode(), hashlib.sha256)
    return {
        **headers,
        "signature-input": f"sig1={inner}",
        "signature": f"sig1=:{base64.b64encode(mac).decode()}:",
    }


def test_takes_a_good_signature() -> None:
    check(signed(), "/v1", KEYS, NOW + 5)
    check(signed(expires=NOW + 30), "/v1", KEYS, NOW + 5)


def test_takes_an_unsigned_request_where_the_secret_is_empty() -> None:
    check({"x-api-key": "open"}, "/v1", KEYS, NOW)


BAD: dict[str, tuple[dict[str, str], str]] = {
    "nothing": ({}, "X-API-KEY"),
    "unknown key": ({"x-api-key": "key-2"}, "X-API-KEY"),
    "unsigned": ({"x-api-key": "key-1"}, "Signature-Input"),
    "another session": ({**signed(), "audiohook-session-id": "x"}, "does not fit"),
    "another host": ({**signed(), "host": "elsewhere"}, "does not fit"),
    "a header is gone": (
        {k: v for k, v in signed().items() if k != "audiohook-session-id"},
        "audiohook-session-id",
    ),
    "garbled": ({**signed(), "signature": "sig1=:!!:"}, "does not fit"),
    "another label": ({**signed(), "signature": "sig2=:AAAA:"}, "does not fit"),
    "no such form": ({**signed(), "signature-input": "sig1=1"}, "Signature-Input"),
    "part left out": (signed(parts=PARTS[1:]), "@request-target"),
    "too old": (signed(at=NOW - 31), "created"),
    "in the future": (signed(at=NOW + 9), "created"),
    "expired": (signed(expires=NOW - 9), "expires"),
    "short nonce": (signed(nonce="n"), "nonce"),
    "another key": (signed(keyid="open"), "keyid"),
    "another method": (signed(alg="rsa"), "alg"),
}


@pytest.mark.parametrize("what", BAD)
def test_refuses(what: str) -> None:
    headers, named = BAD[what]
    with pytest.raises(Refusal, match="forbidden") as refused:
        check(headers, "/v1", KEYS, NOW)
    assert named in refused.value.message


async def test_the_socket_asks_for_it() -> None:
    async with running(Ears(), settings=settings(audiohook_keys=KEYS)) as server:
        target = f"{audiohook.PATH}?x=1"
        headers = signed(target, int(time.time()), f"127.0.0.1:{server.port}")
        del headers["host"]
        url = f"{server.ws}{target}"
        session = Session(ID)
        async with connect(url, compression=None, additional_headers=headers) as socket:
            await socket.send(session.open((Party.CUSTOMER,)))
            await socket.send(session.message("close"))
            assert (await closed(socket))[0]["type"] == "opened"
        async with connect(url, compression=None) as socket:
            assert (await disconnected(socket))[:2] == (1008, "unauthorized")
