"""The part of SIP (RFC 3261) that a recording server needs: messages, framing, bodies. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message as Mime

LIMIT = 64 * 1024
"""Bytes of a message, head and body together."""
HEADERS = 256
COMPACT = {
    "i": "call-id",
    "m": "contact",
    "e": "content-encoding",
    "l": "content-length",
    "c": "content-type",
    "f": "from",
    "s": "subject",
    "k": "supported",
    "t": "to",
    "v": "via",
    "x": "session-expires",
}
LISTS = {"via", "record-route", "route", "require", "supported", "contact"}
"""Headers whose values may stand in one line with commas between."""
NEEDED = ("via", "from", "to", "call-id", "cseq")
_TOKEN = re.compile(r"[A-Za-z0-9.!%*_+`'~-]{1,64}")
_REQUEST = re.compile(r"([A-Za-z0-9.!%*_+`'~-]{1,32}) (\S{1,512}) SIP/2\.0")
_RESPONSE = re.compile(r"SIP/2\.0 ([1-6]\d\d) (.{0,256})")
_FOLD = re.compile(r"\r?\n[ \t]+")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_LENGTH = re.compile(rb"^(?:content-length|l)[ \t]*:[ \t]*(\d{1,9})[ \t]*\r?$", re.I | re.M)


class BadSip(ValueError):
    """What came is no SIP message; ``message`` says why, without what people sent."""


@dataclass(frozen=True, slots=True)
class SipMessage:
    """A request, or a response where ``status`` is not 0."""

    method: str
    uri: str
    status: int
    headers: tuple[tuple[str, str], ...]
    """Lower case names, compact forms written out, values as they came."""
    body: bytes

    def get(self, name: str) -> str:
        """The first value of a header; empty where there is none."""
        return next((value for key, value in self.headers if key == name), "")

    def all(self, name: str) -> list[str]:
        """Every value of a header, in order; lists are split."""
        values = [value for key, value in self.headers if key == name]
        if name not in LISTS:
            return values
        return [part for value in values for part in split(value)]

    @property
    def cseq(self) -> tuple[int, str]:
        """Number and method."""
        number, _, method = self.get("cseq").partition(" ")
        return int(number), method.strip()

    @property
    def branch(self) -> tuple[str, str]:
        """What tells transactions apart: branch and sender of the topmost hop."""
        top = self.all("via")[0]
        hop = top.split(";", 1)[0].split()
        return parameter(top, "branch"), hop[-1].lower() if hop else ""

    @property
    def tags(self) -> tuple[str, str]:
        """Of ``From`` and ``To``."""
        return parameter(self.get("from"), "tag"), parameter(self.get("to"), "tag")


def parse(data: bytes) -> SipMessage:
    """One whole message, as a datagram or the framer gives it. Raises :class:`BadSip`."""
    if len(data) > LIMIT:
        raise BadSip(f"{len(data)} bytes; at most {LIMIT}")
    end = _HEAD_END.search(data)
    if end is None:
        raise BadSip("no empty line after the headers")
    try:
        head = data[: end.start()].decode("utf-8").lstrip("\r\n")
    except UnicodeDecodeError:
        raise BadSip("headers are no UTF-8") from None
    first, *lines = _FOLD.sub(" ", head).replace("\r\n", "\n").split("\n")
    headers = tuple(_header(line) for line in lines)
    if len(headers) > HEADERS:
        raise BadSip(f"more than {HEADERS} headers")
    method, uri, status = _start(first)
    message = SipMessage(method, uri, status, headers, _body(data[end.end() :], headers))
    _check(message)
    return message


def _start(line: str) -> tuple[str, str, int]:
    if request := _REQUEST.fullmatch(line):
        return request[1], request[2], 0
    if response := _RESPONSE.fullmatch(line):
        return "", "", int(response[1])
    raise BadSip("the first line is no SIP/2.0")


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    name = name.strip().lower()
    if not colon or not _TOKEN.fullmatch(name):
        raise BadSip("a header without a name")
    if any(ord(letter) < 32 and letter != "\t" for letter in value):
        raise BadSip(f"{name}: control characters")
    return COMPACT.get(name, name), value.strip()


def _body(rest: bytes, headers: Sequence[tuple[str, str]]) -> bytes:
    told = next((value for name, value in headers if name == "content-length"), None)
    if told is None:
        return rest
    if not told.isascii() or not told.isdecimal() or int(told) > len(rest):
        raise BadSip("content-length: not the length of the body")
    return rest[: int(told)]


def _check(message: SipMessage) -> None:
    for name in NEEDED:
        if not message.get(name):
            raise BadSip(f"{name}: missing")
    number, _, method = message.get("cseq").partition(" ")
    if not re.fullmatch(r"\d{1,10}", number, re.ASCII) or not _TOKEN.fullmatch(method.strip()):
        raise BadSip("cseq: a number and a method")
    if not message.status and method.strip() != message.method:
        raise BadSip("cseq: not the method of the request")
    if not message.all("via"):
        raise BadSip("via: missing")


class Framer:
    """Cuts a TCP stream into messages by their ``Content-Length``."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The messages that are whole now. Raises :class:`BadSip` where none can follow."""
        self._held += data
        while True:
            # Empty lines between messages keep a connection alive.
            self._held = self._held.lstrip(b"\r\n")
            end = _HEAD_END.search(self._held, 0, LIMIT)
            if end is None:
                if len(self._held) > LIMIT:
                    raise BadSip(f"no end of the headers in {LIMIT} bytes")
                return
            length = _LENGTH.search(self._held, 0, end.start())
            if length is None:
                raise BadSip("content-length: missing, which a stream needs")
            size = end.end() + int(length[1])
            if size > LIMIT:
                raise BadSip(f"{size} bytes; at most {LIMIT}")
            if len(self._held) < size:
                return
            yield self._held[:size]
            self._held = self._held[size:]


def split(value: str) -> list[str]:
    """The parts between commas that stand in neither quotes nor angle brackets."""
    parts, start, quoted, angled = [], 0, False, False
    for at, letter in enumerate(value):
        if letter == '"' and value[at - 1 : at] != "\\":
            quoted = not quoted
        elif not quoted and letter in "<>":
            angled = letter == "<"
        elif letter == "," and not quoted and not angled:
            parts.append(value[start:at].strip())
            start = at + 1
    return [part for part in [*parts, value[start:].strip()] if part]


def parameter(value: str, name: str) -> str:
    """A parameter behind an address or hop, such as ``tag`` or ``branch``; empty for none."""
    found = re.search(rf";[ \t]*{name}[ \t]*=[ \t]*([^;,\s>\"]*)", value.rpartition(">")[2], re.I)
    return found[1] if found else ""


def address(value: str) -> str:
    """The URI of ``From``, ``To`` or ``Contact``."""
    inside = re.search(r"<([^<>]*)>", value)
    return inside[1].strip() if inside else value.split(";", 1)[0].strip()


def user_and_domain(uri: str) -> tuple[str, str]:
    """``6001`` and ``pbx.example`` of ``sip:6001@pbx.example:5060;user=phone``; or of ``tel:``."""
    rest = re.sub(r"^(?:sips?|tel):", "", uri.strip(), flags=re.I)
    rest = re.split(r"[;?]", rest, maxsplit=1)[0]
    user, at, host = rest.rpartition("@")
    if not at:
        return (rest, "") if uri.strip().lower().startswith("tel:") else ("", rest)
    return user.split(":", 1)[0], re.sub(r":\d+$", "", host).lower()


def write(first: str, headers: Sequence[tuple[str, str]], body: bytes = b"") -> bytes:
    """A message with its length."""
    lines = [first, *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


REASONS = {
    100: "Trying",
    200: "OK",
    400: "Bad Request",
    403: "Forbidden",
    405: "Method Not Allowed",
    408: "Request Timeout",
    420: "Bad Extension",
    421: "Extension Required",
    481: "Call/Transaction Does Not Exist",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    491: "Request Pending",
    500: "Server Internal Error",
    503: "Service Unavailable",
    513: "Message Too Large",
}


def answer(
    request: SipMessage,
    status: int,
    source: tuple[str, int],
    tag: str = "",
    headers: Sequence[tuple[str, str]] = (),
    body: bytes = b"",
) -> bytes:
    """A response to a request that came from ``source``. ``tag`` is ours, where there is none."""
    vias = request.all("via")
    vias[0] = _received(vias[0], source)
    to = request.get("to")
    if tag and not parameter(to, "tag"):
        to += f";tag={tag}"
    same = [
        *(("Via", via) for via in vias),
        ("From", request.get("from")),
        ("To", to),
        ("Call-ID", request.get("call-id")),
        ("CSeq", request.get("cseq")),
    ]
    if 100 < status < 300:
        same += [("Record-Route", route) for route in request.all("record-route")]
    return write(f"SIP/2.0 {status} {REASONS[status]}", [*same, *headers], body)


def _received(via: str, source: tuple[str, int]) -> str:
    """The topmost hop with where it really is (RFC 3581)."""
    via = re.sub(r";[ \t]*rport(?:=\d*)?(?=[;,\s]|$)", "", via, flags=re.I)
    return f"{via};received={source[0]};rport={source[1]}"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a body."""

    type: str
    content: bytes


def parts(content_type: str, body: bytes) -> list[Part]:
    """The parts of a body that is ``multipart/…``, or the body itself. Raises :class:`BadSip`."""
    mime = Mime()
    mime["Content-Type"] = content_type
    kind = mime.get_content_type() if content_type else ""
    if not kind.startswith("multipart/"):
        return [Part(kind, body)] if body else []
    boundary = mime.get_param("boundary")
    if not isinstance(boundary, str) or not 1 <= len(boundary) <= 70:
        raise BadSip("content-type: a multipart body needs a boundary")
    line = rb"(?:^|\r?\n)--" + re.escape(boundary.encode("utf-8", "replace"))
    pieces = re.split(line, body)
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        raise BadSip("the boundaries do not enclose the body")
    return [_part(piece) for piece in pieces[1:-1]]


def _part(piece: bytes) -> Part:
    piece = re.sub(rb"^[ \t]*\r?\n", b"", piece, count=1)
    if re.match(rb"\r?\n", piece):
        raise BadSip("a part without a content-type")
    head, content = _cut(piece)
    mime = Mime()
    for line in head.decode("utf-8", "replace").replace("\r\n", "\n").split("\n"):
        name, value = _header(line)
        if name == "content-type":
            mime["Content-Type"] = value
    return Part(mime.get_content_type(), content)


def _cut(piece: bytes) -> tuple[bytes, bytes]:
    end = _HEAD_END.search(piece)
    if end is None:
        raise BadSip("a part without an empty line after its headers")
    return piece[: end.start()], piece[end.end() :]


def multipart(boundary: str, contents: Mapping[str, bytes]) -> bytes:
    """A ``multipart/mixed`` body of these contents by their types."""
    inside = b"".join(
        f"--{boundary}\r\nContent-Type: {kind}\r\n\r\n".encode() + content + b"\r\n"
        for kind, content in contents.items()
    )
    return inside + f"--{boundary}--\r\n".encode()
