"""A recording as FunASR's clients send it: one channel, 16 bit."""

from __future__ import annotations

import json
from collections.abc import Iterator

from server.client.clip import Clip

PATH = "/v1/telephony/funasr"
STRIDE_MS = 60


def messages(name: str, clip: Clip, mode: str = "2pass") -> Iterator[str | bytes]:
    """Every message of a connection. The clip has to be ``pcm16`` with one party."""
    yield json.dumps(
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
    )
    step = clip.rate * STRIDE_MS // 1000
    for start in range(0, clip.samples, step):
        yield clip.part(start, start + step)
    yield json.dumps({"is_speaking": False, "is_end": True})
