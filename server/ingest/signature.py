"""The HTTP message signature with which Genesys proves that a connection comes from it. Pure.

HMAC-SHA256 over the request's target, host and AudioHook headers (RFC 9421, in the one form that
AudioHook uses); the parts that are signed and when are in ``Signature-Input``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping

from server.refusals import Refusal

SIGNED = {
    "@request-target",
    "@authority",
    "audiohook-organization-id",
    "audiohook-session-id",
    "audiohook-correlation-id",
    "x-api-key",
}
"""What a signature has to cover."""
AGE_S = 30
SKEW_S = 3
"""How far the clocks of client and server may be apart."""
SHORTEST_NONCE = 22
_INPUT = re.compile(r'([a-z*][a-z0-9_.*-]*)=(\(((?:"[^"]*"| )*)\)((?:;[a-z]+=(?:"[^"]*"|\d+))*))')
_PARAMETER = re.compile(r';([a-z]+)=(?:"([^"]*)"|(\d+))')


def check(headers: Mapping[str, str], target: str, keys: Mapping[str, str], now: float) -> None:
    """Raise :class:`Refusal` unless the request may connect.

    ``keys`` are the client secrets in base64 by API key; an empty one allows unsigned requests.
    """
    key = headers.get("x-api-key", "")
    secret = keys.get(key)
    if secret is None:
        raise _no("X-API-KEY: not known here")
    if not secret and "signature" not in headers:
        return
    found = _INPUT.fullmatch(headers.get("signature-input", "").strip())
    if found is None:
        raise _no("Signature-Input: missing or not in the form that AudioHook uses")
    label, signed, names, tail = found.groups()
    components = re.findall(r'"([^"]*)"', names)
    if not set(components) >= SIGNED:
        raise _no(f"Signature-Input: {', '.join(sorted(SIGNED - set(components)))} is not signed")
    parameters = {name: text or number for name, text, number in _PARAMETER.findall(tail)}
    _check_parameters(parameters, key, now)
    values = {**headers, "@request-target": target, "@authority": headers.get("host", "").lower()}
    lines = [f'"{name}": {_value(values, name)}' for name in components]
    base = "\n".join([*lines, f'"@signature-params": {signed}'])
    expected = hmac.digest(base64.b64decode(secret), base.encode(), hashlib.sha256)
    if not hmac.compare_digest(expected, _signature(headers.get("signature", ""), label)):
        raise _no("Signature: it does not fit; are the client secrets the same?")


def _check_parameters(parameters: Mapping[str, str], key: str, now: float) -> None:
    if parameters.get("alg", "hmac-sha256") != "hmac-sha256":
        raise _no("alg: only hmac-sha256")
    if parameters.get("keyid") != key:
        raise _no("keyid: not the X-API-KEY")
    if len(parameters.get("nonce", "")) < SHORTEST_NONCE:
        raise _no("nonce: too short")
    created, expires = parameters.get("created", ""), parameters.get("expires", "")
    if not created.isdecimal() or not -SKEW_S <= now - int(created) <= AGE_S:
        raise _no("created: missing, in the future or too long ago; are both clocks right?")
    if expires and (not expires.isdecimal() or int(expires) < now - SKEW_S):
        raise _no("expires: it has")


def _value(values: Mapping[str, str], name: str) -> str:
    if name not in values:
        raise _no(f"{name}: signed but not there")
    return values[name].strip()


def _signature(header: str, label: str) -> bytes:
    found = re.fullmatch(re.escape(label) + r"=:([A-Za-z0-9+/=]*):", header.strip())
    try:
        return base64.b64decode(found.group(1), validate=True) if found else b""
    except binascii.Error:
        return b""


def _no(message: str) -> Refusal:
    return Refusal("forbidden", message)
