"""Sends recorded calls to a running server, as a softphone or a telephone system does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from asr.audio.wavfile import AudioFileError
from asr.events import Party
from server.client.audio import Call
from server.client.clip import load
from server.client.dialects.senders import SENDERS, CannotCarry
from server.client.errors import ClientError
from server.replay.play import call_id


def send(
    files: list[Path],
    dialect: str,
    server: str | None,
    who: Call,
    *,
    parties: tuple[Party, ...] | None = None,
    speed: float = 1.0,
    token: str | None = None,
    told: Callable[[str], None],
    failed: Callable[[str], None],
) -> bool:
    """Send each file as a call of its own, one after the other; ``who`` is on all of them.

    ``server`` is the address; ``None``: where such a server listens on this machine. False if
    one could not be sent.
    """
    sender, well = SENDERS[dialect], True
    address = server or sender.server
    for path in files:
        number = uuid4()
        name = str(number) if sender.uuid else f"{call_id(path)[:48]}-{str(number)[:8]}"
        try:
            clip = sender.fit(load(path, parties))
            told(f"{path.name}: call {name} to {address}, {clip.duration_ms / 1000:.1f} s")
            asyncio.run(sender.play(address, replace(who, id=name), clip, speed, token))
        except (AudioFileError, CannotCarry, ClientError) as error:
            failed(f"{path}: {error}")
            well = False
    return well
