"""Another server that speaks FunASR's websocket protocol, with more and more speakers at once.

Its answers carry no positions, so chunk lag cannot be told from outside. What can be told is how
long after a speaker's last sample the last word of the server comes: a server that keeps up answers
within a chunk, one that does not falls behind for as long as people speak.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from websockets.asyncio.client import connect

from asr.audio.codec import to_pcm16
from asr.audio.resample import resample
from benchmarks.capacity import corpus, everybody_talks

PIECE_MS = 60
QUIET_S = 3.0
"""A server that has said nothing for so long after the end has nothing more to say."""
HELLO = {
    "mode": "online",
    "chunk_size": [5, 10, 5],
    "chunk_interval": 10,
    "encoder_chunk_look_back": 4,
    "decoder_chunk_look_back": 1,
    "wav_format": "pcm",
    "audio_fs": 16_000,
    "is_speaking": True,
}


def measure(address: str, speakers: Sequence[int], seconds: float) -> list[dict[str, Any]]:
    """For each number of speakers, everyone's ms to the last word, and what did not come at all."""
    voices = [
        to_pcm16(resample(samples[: int((seconds + 2) * call.rate)], call.rate)).tobytes()
        for call in everybody_talks(corpus())
        for samples in call.samples.values()
    ]
    return [asyncio.run(_at(address, voices, count, seconds)) for count in speakers]


async def _at(
    address: str, voices: Sequence[bytes], speakers: int, seconds: float
) -> dict[str, Any]:
    tasks = [
        _speak(address, f"speaker-{n}", voices[n % len(voices)], n / speakers * 0.6, seconds)
        for n in range(speakers)
    ]
    heard = await asyncio.gather(*tasks)
    last = [ms for ms, _ in heard if ms is not None]
    return {
        "speakers": speakers,
        "last_word_ms": last,
        "silent": len(heard) - len(last),
        "characters": int(np.sum([count for _, count in heard])),
    }


async def _speak(
    address: str, name: str, voice: bytes, later_s: float, seconds: float
) -> tuple[float | None, int]:
    """Milliseconds from the last sample to the last words, None if none came; their characters."""
    await asyncio.sleep(later_s)
    size = 32 * PIECE_MS
    words: list[tuple[float, int]] = []
    async with connect(address, subprotocols=["binary"], max_size=None) as socket:  # type: ignore[list-item]

        async def listen() -> None:
            async for message in socket:
                words.append((time.monotonic(), len(json.loads(message).get("text", ""))))

        listening = asyncio.create_task(listen())
        await socket.send(json.dumps({**HELLO, "wav_name": name}))
        began = time.monotonic()
        for piece in range(int(seconds * 1000 / PIECE_MS)):
            await asyncio.sleep(max(0.0, began + (piece + 1) * PIECE_MS / 1000 - time.monotonic()))
            at = piece % (len(voice) // size) * size
            await socket.send(voice[at : at + size])
        ended = time.monotonic()
        await socket.send(json.dumps({"is_speaking": False}))
        while not listening.done():
            heard_s = max([ended, *(at for at, _ in words[-1:])])
            if (left_s := heard_s + QUIET_S - time.monotonic()) <= 0:
                break
            await asyncio.wait({listening}, timeout=left_s)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    spoken = [at for at, count in words if count]
    last = round((spoken[-1] - ended) * 1000, 1) if spoken else None
    return last, sum(count for _, count in words)
