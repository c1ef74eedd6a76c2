"""What is not kept for ever: old calls, old sound, the calls of a customer who asks for it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, select, update

from server.store.archive import Archive
from server.store.schema import calls
from server.store.sound import SoundFiles

DAY_MS = 86_400_000
AT_ONCE = 500


@dataclass(slots=True)
class Erased:
    """How much is gone."""

    calls: int = 0
    sounds: int = 0


async def prune(
    archive: Archive,
    sounds: SoundFiles,
    now_ms: int,
    keep_days: int | None,
    keep_audio_days: int | None,
) -> Erased:
    """Erase calls and sound that began longer ago than is kept; ``None`` keeps them."""
    erased = Erased()
    if keep_audio_days is not None:
        old = calls.c.epoch < now_ms - keep_audio_days * DAY_MS
        for call, epoch in await _named(archive, old & calls.c.audio):
            erased.sounds += sounds.erase(call, epoch)
        async with archive.engine.begin() as connection:
            await connection.execute(update(calls).where(old & calls.c.audio).values(audio=False))
    if keep_days is not None:
        gone = await _erase(archive, sounds, calls.c.epoch < now_ms - keep_days * DAY_MS)
        erased.calls, erased.sounds = gone.calls, erased.sounds + gone.sounds
    return erased


async def erase_customer(archive: Archive, sounds: SoundFiles, customer: str) -> Erased:
    """Erase every call of a customer, who is named by the keyed hash of the number."""
    return await _erase(archive, sounds, calls.c.customer == customer)


async def _named(archive: Archive, where: ColumnElement[bool]) -> list[tuple[str, int]]:
    await archive.ready()
    async with archive.engine.connect() as connection:
        found = await connection.execute(select(calls.c.call, calls.c.epoch).where(where))
        return [(call, epoch) for call, epoch in found]


async def _erase(archive: Archive, sounds: SoundFiles, where: ColumnElement[bool]) -> Erased:
    erased = Erased()
    named = await _named(archive, where)
    for first in range(0, len(named), AT_ONCE):
        # Sound first: what is left when this is broken off can still be found and erased.
        part = named[first : first + AT_ONCE]
        erased.sounds += sum(sounds.erase(call, epoch) for call, epoch in part)
        async with archive.engine.begin() as connection:
            for call, epoch in part:
                # Events, feedback and actions go with it.
                key = (calls.c.call == call) & (calls.c.epoch == epoch)
                erased.calls += (await connection.execute(delete(calls).where(key))).rowcount
    return erased
