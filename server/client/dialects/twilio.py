"""A recording as Twilio sends it: both tracks, 20 ms of µ-law in each message."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from itertools import count
from typing import Any

from asr.events import Party
from server.client.audio import PACKET_MS, Call
from server.client.clip import Clip

PATH = "/v1/telephony/twilio"
STREAM = "MZ00000000000000000000000000000000"
TRACKS = {Party.CUSTOMER: "inbound", Party.AGENT: "outbound"}


def messages(call: Call, clip: Clip) -> Iterator[str]:
    """Every message of a stream. The clip has to be ``mulaw`` at 8000 Hz."""
    numbers = count(1)

    def event(name: str, **fields: Any) -> str:
        head = {"event": name, "sequenceNumber": str(next(numbers)), "streamSid": STREAM}
        return json.dumps({**head, **fields})

    yield json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"})
    yield event("start", start=_start(call, clip))
    step = clip.rate * PACKET_MS // 1000
    for chunk, start in enumerate(range(0, clip.samples, step), 1):
        for channel, party in enumerate(clip.parties):
            media = {
                "track": TRACKS[party],
                "chunk": str(chunk),
                "timestamp": str(start * 1000 // clip.rate),
                "payload": base64.b64encode(clip.part(start, start + step, channel)).decode(),
            }
            yield event("media", media=media)
    yield event("stop", stop={"accountSid": "AC0", "callSid": call.id})


def _start(call: Call, clip: Clip) -> dict[str, Any]:
    said = {"agent": call.agent, "queue": call.queue, "tier": call.tier, "brand": call.brand}
    return {
        "streamSid": STREAM,
        "accountSid": "AC0",
        "callSid": call.id,
        "tracks": [TRACKS[party] for party in clip.parties],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {
            **{name: value for name, value in said.items() if value is not None},
            **call.attributes,
        },
    }
