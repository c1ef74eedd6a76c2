"""A recording as Genesys AudioHook sends it: open, audio of both channels, close."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

from asr.events import Party
from server.client.audio import Call
from server.client.clip import Clip
from server.client.dialects import websocket
from server.client.dialects.piece import Piece, cuts
from server.client.errors import Refused
from server.client.pace import Pace

PATH = "/v1/telephony/audiohook"
PACKET_MS = 100
CHANNELS = {Party.CUSTOMER: "external", Party.AGENT: "internal"}
ORGANIZATION = "d7934305-0972-4844-938e-9060eef73d05"
CONVERSATION = "090eaa2f-72fa-480a-83e0-8667ff89c0ec"


class Session:
    """Writes a client's messages. ``id`` is a UUID; the server takes it for the call's id."""

    def __init__(self, id: str) -> None:
        self.id = id
        self._numbers = count(1)

    def message(self, kind: str, position_ms: int = 0, **parameters: Any) -> str:
        """The next text message."""
        return json.dumps(
            {
                "version": "2",
                "id": self.id,
                "type": kind,
                "seq": next(self._numbers),
                "serverseq": 0,
                "position": f"PT{position_ms / 1000}S",
                "parameters": parameters,
            }
        )

    def open(self, parties: tuple[Party, ...], **changes: Any) -> str:
        """The first message, with all offers that Genesys makes for these channels."""
        both = [CHANNELS[party] for party in parties]
        offers = [both, *([one] for one in both)] if len(both) > 1 else [both]
        said: dict[str, Any] = {
            "organizationId": ORGANIZATION,
            "conversationId": CONVERSATION,
            "participant": {
                "id": "883efee8-3d6c-4537-b500-6d7ca4b92fa0",
                "ani": "+8613800000000",
                "aniName": "",
                "dnis": "6001",
            },
            "media": [
                {"type": "audio", "format": "PCMU", "channels": channels, "rate": 8000}
                for channels in offers
            ],
            **changes,
        }
        return self.message("open", **said)


def messages(call: Call, clip: Clip) -> Iterator[Piece[str | bytes]]:
    """Every message of a session. The clip has to be ``mulaw`` at 8000 Hz."""
    session = Session(call.id)
    yield Piece(0, session.open(tuple(clip.parties), customConfig=call.known()))
    for start, stop in cuts(clip, PACKET_MS):
        yield Piece(stop, clip.part(start, stop))
    yield Piece(clip.samples, session.message("close", clip.duration_ms, reason="end"))


async def play(
    server: str, call: Call, clip: Clip, speed: float = 1.0, token: str | None = None
) -> None:
    """One session, from ``open`` to ``closed``, without a signature.

    Raises ``Refused`` or ``Lost``.
    """
    await websocket.play(
        server + PATH,
        messages(call, clip),
        Pace(clip.rate, speed),
        token,
        last=lambda reply: bool(reply["type"] == "closed"),
        refusal=_refused,
    )


def _refused(reply: dict[str, Any]) -> Refused | None:
    if reply["type"] == "error":
        return websocket.refused(reply)
    if reply["type"] != "disconnect":
        return None
    code, _, message = reply["parameters"]["info"].partition(": ")
    return Refused(code, message)
