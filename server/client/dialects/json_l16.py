"""A recording as FreeSWITCH mod_audio_stream, mod_audio_fork or jambonz listen send it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from server.client.audio import PACKET_MS, Call
from server.client.clip import Clip

PATH = "/v1/telephony/l16"


def messages(call: Call, clip: Clip) -> Iterator[str | bytes]:
    """Metadata, then a message every 20 ms. The clip has to be ``pcm16``."""
    mono = "mixed" if clip.parties == ("unknown",) else "mono"
    metadata = {
        "callSid": call.id,
        "sampleRate": clip.rate,
        "mixType": "stereo" if len(clip.parties) == 2 else mono,
        "metadata": {"agent": call.agent, "queue": call.queue, "tier": call.tier},
    }
    if mono == "mono":
        metadata["parties"] = ",".join(clip.parties)
    yield json.dumps(metadata)
    step = clip.rate * PACKET_MS // 1000
    for start in range(0, clip.samples, step):
        yield clip.part(start, start + step)
