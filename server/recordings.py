"""Recorded calls that a page may replay into the server that shows it: for demonstrations.

They come in through the server's own audio socket, so what a page sees is what a softphone would
have caused.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from asr.audio.wavfile import AudioFileError
from server.client.audio import AudioClient, Call
from server.client.clip import load
from server.client.errors import ClientError
from server.refusals import Refusal

log = logging.getLogger(__name__)

AGENT = "demo"
"""The agent whose widget shows the replayed calls."""
AT_ONCE = 4


class Unknown(LookupError):
    """There is no recording of that name."""


class Recordings:
    """The recordings of a folder: ``NAME.wav`` beside ``NAME.labels.json``."""

    def __init__(self, folder: Path, server: str, token: str | None = None) -> None:
        self._folder = folder
        self._server = server
        self._token = token
        self._numbers = itertools.count(1)
        self._tasks: asyncio.TaskGroup | None = None
        self._playing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Replays that still run at the end are broken off."""
        async with asyncio.TaskGroup() as self._tasks:
            try:
                yield
            finally:
                for task in tuple(self._playing):
                    task.cancel()

    def listing(self) -> list[dict[str, Any]]:
        """Name, title, domain and length of each recording."""
        return [_about(path) for path in sorted(self._folder.glob("*.labels.json"))]

    def replay(self, name: str) -> str:
        """Begin to play a recording; gives the id of the call it becomes."""
        wav = self._folder / f"{name}.wav"
        if name not in {about["name"] for about in self.listing()} or not wav.is_file():
            raise Unknown(f"no recording {name}")
        if len(self._playing) >= AT_ONCE or self._tasks is None:
            raise Refusal("full", f"{AT_ONCE} recordings are being played; wait for one to end")
        call = f"demo-{name}-{next(self._numbers)}"
        task = self._tasks.create_task(self._play(call, wav))
        self._playing.add(task)
        task.add_done_callback(self._playing.discard)
        return call

    async def _play(self, call: str, wav: Path) -> None:
        try:
            clip = await asyncio.to_thread(load, wav, None, "mulaw")
            of_demo = Call(call, agent=AGENT, queue="demo")
            await AudioClient(self._server, of_demo, clip, token=self._token).run()
        except (ClientError, AudioFileError) as error:
            log.warning("replay of %s failed: %s", wav.name, error)


def _about(path: Path) -> dict[str, Any]:
    labels = json.loads(path.read_text("utf-8"))
    return {
        "name": labels["id"],
        "title": labels["title"],
        "domain": labels["domain"],
        "duration_ms": labels["duration_ms"],
    }
