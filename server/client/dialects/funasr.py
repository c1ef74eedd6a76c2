"""A recording as FunASR's clients send it: one channel, 16 bit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlencode

from server.client.audio import Call
from server.client.clip import Clip
from server.client.dialects import websocket
from server.client.dialects.piece import Piece, cuts
from server.client.pace import Pace

PATH = "/v1/telephony/funasr"
STRIDE_MS = 60


def messages(name: str, clip: Clip, mode: str = "2pass") -> Iterator[Piece[str | bytes]]:
    """Every message of a connection. The clip has to be ``pcm16`` with one party."""
    yield Piece(
        0,
        json.dumps(
            {
                "mode": mode,
                "wav_name": name,
                "wav_format": "pcm",
                "audio_fs": clip.rate,
                "chunk_size": [5, 10, 5],
                "chunk_interval": 10,
                "is_speaking": True,
                "hotwords": "",
                "itn": True,
            }
        ),
    )
    for start, stop in cuts(clip, STRIDE_MS):
        yield Piece(stop, clip.part(start, stop))
    yield Piece(clip.samples, json.dumps({"is_speaking": False, "is_end": True}))


async def play(
    server: str, call: Call, clip: Clip, speed: float = 1.0, token: str | None = None
) -> None:
    """One recording, up to the server's last word. Raises ``Refused`` or ``Lost``."""
    query = urlencode({"call": call.id, "party": clip.parties[0], **call.known()})
    await websocket.play(
        f"{server}{PATH}?{query}",
        messages(call.id, clip),
        Pace(clip.rate, speed),
        token,
        last=lambda reply: bool(reply.get("is_end")),
    )
