"""A recording as Twilio sends it: both tracks, 20 ms of µ-law in each message."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from itertools import count
from typing import Any

from asr.events import Party
from server.client.audio import Call
from server.client.clip import Clip
from server.client.dialects import websocket
from server.client.dialects.piece import Piece, cuts
from server.client.pace import PACKET_MS, Pace

PATH = "/v1/telephony/twilio"
STREAM = "MZ00000000000000000000000000000000"
TRACKS = {Party.CUSTOMER: "inbound", Party.AGENT: "outbound"}


def messages(call: Call, clip: Clip, token: str | None = None) -> Iterator[Piece[str]]:
    """Every message of a stream. The clip has to be ``mulaw`` at 8000 Hz."""
    numbers = count(1)

    def event(name: str, **fields: Any) -> str:
        head = {"event": name, "sequenceNumber": str(next(numbers)), "streamSid": STREAM}
        return json.dumps({**head, **fields})

    yield Piece(0, json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
    yield Piece(0, event("start", start=_start(call, clip, token)))
    for chunk, (start, stop) in enumerate(cuts(clip, PACKET_MS), 1):
        for channel, party in enumerate(clip.parties):
            media = {
                "track": TRACKS[party],
                "chunk": str(chunk),
                "timestamp": str(start * 1000 // clip.rate),
                "payload": base64.b64encode(clip.part(start, stop, channel)).decode(),
            }
            yield Piece(stop, event("media", media=media))
    yield Piece(clip.samples, event("stop", stop={"accountSid": "AC0", "callSid": call.id}))


async def play(
    server: str, call: Call, clip: Clip, speed: float = 1.0, token: str | None = None
) -> None:
    """One stream, from ``connected`` to ``stop``. Raises ``Refused`` or ``Lost``."""
    # Twilio sends no header of ours, so the token is a parameter of the stream.
    await websocket.play(server + PATH, messages(call, clip, token), Pace(clip.rate, speed))


def _start(call: Call, clip: Clip, token: str | None) -> dict[str, Any]:
    return {
        "streamSid": STREAM,
        "accountSid": "AC0",
        "callSid": call.id,
        "tracks": [TRACKS[party] for party in clip.parties],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {
            **call.known(),
            **({} if token is None else {"token": token}),
            **call.attributes,
        },
    }
