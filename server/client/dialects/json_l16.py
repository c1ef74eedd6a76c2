"""A recording as FreeSWITCH mod_audio_stream, mod_audio_fork or jambonz listen send it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from server.client.audio import Call
from server.client.clip import Clip
from server.client.dialects import websocket
from server.client.dialects.piece import Piece, cuts
from server.client.pace import PACKET_MS, Pace

PATH = "/v1/telephony/l16"


def messages(call: Call, clip: Clip) -> Iterator[Piece[str | bytes]]:
    """Metadata, then a message every 20 ms. The clip has to be ``pcm16``."""
    mono = "mixed" if clip.parties == ("unknown",) else "mono"
    metadata = {
        "callSid": call.id,
        "sampleRate": clip.rate,
        "mixType": "stereo" if len(clip.parties) == 2 else mono,
        "metadata": {**call.known(), "attributes": dict(call.attributes)},
    }
    if metadata["mixType"] != "mixed":
        metadata["parties"] = ",".join(clip.parties)
    yield Piece(0, json.dumps(metadata))
    for start, stop in cuts(clip, PACKET_MS):
        yield Piece(stop, clip.part(start, stop))


async def play(
    server: str, call: Call, clip: Clip, speed: float = 1.0, token: str | None = None
) -> None:
    """One call, from metadata to hanging up. Raises ``Refused`` or ``Lost``."""
    await websocket.play(server + PATH, messages(call, clip), Pace(clip.rate, speed), token)
