"""The offer of a recording client (SDP, RFC 4566) and our answer to it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from asr.audio.codec import Codec

CODECS: dict[str, Codec] = {"pcmu": "mulaw", "pcma": "alaw"}
STATIC: dict[int, Codec] = {0: "mulaw", 8: "alaw"}
RATE = 8_000
MEDIA = 16
"""Streams that an offer may have."""
SILENT = ("inactive", "recvonly")
"""Directions in which the recording client sends nothing."""
_MEDIA = re.compile(r"(\S{1,32}) (\d{1,5})(?:/\d+)? (\S{1,32}) ([0-9 ]{1,256})")
_RTPMAP = re.compile(r"(\d{1,3}) ([A-Za-z0-9.-]{1,32})/(\d{1,6})(?:/1)?")
_ADDRESS = re.compile(r"IN IP([46]) ([0-9A-Fa-f.:]{2,45})(?:/\d+)?")


class BadSdp(ValueError):
    """The offer cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Media:
    """One ``m=`` line and what follows it."""

    kind: str
    port: int
    transport: str
    formats: str
    address: str
    label: str
    sending: bool
    codecs: tuple[tuple[int, Codec], ...]
    """Payload types that we can decode, best first."""

    @property
    def wanted(self) -> bool:
        """Whether we can hear it."""
        return (
            self.kind == "audio"
            and self.port > 0
            and self.transport in ("RTP/AVP", "RTP/AVPF")
            and bool(self.codecs)
        )


def read(body: bytes) -> list[Media]:
    """The media of an offer, in order. Raises :class:`BadSdp`."""
    try:
        lines = body.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        raise BadSdp("no UTF-8") from None
    if not lines or lines[0].strip() != "v=0":
        raise BadSdp("it begins with v=0")
    sections: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("m="):
            sections.append([])
        sections[-1].append(line.rstrip())
    head, *media = sections
    if not media or len(media) > MEDIA:
        raise BadSdp(f"1 to {MEDIA} media lines")
    return [_media(head, section) for section in media]


def _media(head: Sequence[str], section: Sequence[str]) -> Media:
    found = _MEDIA.fullmatch(section[0][2:])
    if found is None:
        raise BadSdp("m=: not of the form 'audio 4000 RTP/AVP 8'")
    kind, port, transport, formats = found.groups()
    own, shared = _values(section), _values(head)
    address = _ADDRESS.fullmatch(own.get("c") or shared.get("c") or "")
    if address is None or int(port) > 65_535:
        raise BadSdp("c= or m=: no address or port")
    direction = next((d for d in ("inactive", "recvonly", "sendonly", "sendrecv") if d in own), "")
    direction = direction or next((d for d in SILENT if d in shared), "sendonly")
    # An older way to put a stream on hold.
    held = address[2] in ("0.0.0.0", "::")
    return Media(
        kind, int(port), transport, formats, address[2], own.get("label", "")[:64],
        direction not in SILENT and not held, _codecs(formats, section),
    )  # fmt: skip


def _values(lines: Sequence[str]) -> dict[str, str]:
    """``c`` and the attributes by their names; of several the first."""
    values: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition("=")
        if name == "a":
            name, _, value = value.partition(":")
            values.setdefault(name.strip(), value.strip())
        elif name == "c":
            values.setdefault("c", value.strip())
    return values


def _codecs(formats: str, section: Sequence[str]) -> tuple[tuple[int, Codec], ...]:
    mapped = {}
    for line in section:
        if line.startswith("a=rtpmap:") and (found := _RTPMAP.fullmatch(line[9:].strip())):
            mapped[int(found[1])] = (found[2].lower(), int(found[3]))
    known = []
    for text in formats.split():
        number = int(text)
        name, rate = mapped.get(number, ("", RATE))
        codec = CODECS.get(name) if name else STATIC.get(number)
        if codec is not None and rate == RATE and number < 128:
            known.append((number, codec))
    return tuple(known)


def answer(host: str, version: int, media: Sequence[Media], ports: Sequence[int]) -> bytes:
    """Our answer: for each media line the port where we listen, or 0."""
    family = "IP6" if ":" in host else "IP4"
    lines = ["v=0", f"o=tingban 1 {version} IN {family} {host}", "s=-"]
    lines += [f"c=IN {family} {host}", "t=0 0"]
    for one, port in zip(media, ports, strict=True):
        if not port:
            lines.append(f"m={one.kind} 0 {one.transport} {one.formats}")
            continue
        numbers = " ".join(str(number) for number, _ in one.codecs)
        lines.append(f"m={one.kind} {port} {one.transport} {numbers}")
        names = {codec: name.upper() for name, codec in CODECS.items()}
        lines += [f"a=rtpmap:{number} {names[codec]}/{RATE}" for number, codec in one.codecs]
        lines += [f"a=label:{one.label}"] if one.label else []
        lines.append("a=recvonly" if one.sending else "a=inactive")
    return "".join(f"{line}\r\n" for line in lines).encode()
