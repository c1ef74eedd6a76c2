"""A call's sound: the last minutes in memory, whole calls on disk where that is switched on.

Both hold G.711 µ-law of one second a piece, so that coding costs one step a second and party.
"""

from __future__ import annotations

import asyncio
import io
import logging
import wave
from collections import deque
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from asr.audio.codec import decode_mulaw, decode_pcm16, encode_mulaw
from asr.events import AudioFrame, Party

log = logging.getLogger(__name__)

SILENCE = 0xFF
WAITING = 4_000
"""Pieces that may wait for the disk; more are given up, counted and told."""
SUFFIX = ".ulaw"


class Ring:
    """The last seconds of one call."""

    def __init__(self, parties: Iterable[Party], rate: int, seconds: int) -> None:
        self.rate = rate
        self.parties = tuple(parties)
        self._pieces: dict[Party, deque[tuple[int, bytes]]] = {p: deque() for p in self.parties}
        self._open: dict[Party, tuple[int, bytearray]] = {}
        self._keep = seconds * rate

    def take(self, frame: AudioFrame) -> list[tuple[Party, int, bytes]]:
        """Add sound; gives pieces of a second that are whole now: party, first sample, µ-law."""
        start, open_ = self._open.get(frame.party, (frame.start_sample, bytearray()))
        whole = []
        if frame.start_sample != start + len(open_) // 2 or len(open_) >= 2 * self.rate:
            if open_:
                whole.append(self._close(frame.party, start, open_))
            start, open_ = frame.start_sample, bytearray()
        open_ += frame.pcm16
        self._open[frame.party] = (start, open_)
        return whole

    def flush(self) -> list[tuple[Party, int, bytes]]:
        """What is left at the end."""
        left = [self._close(party, *piece) for party, piece in self._open.items() if piece[1]]
        self._open.clear()
        return left

    def _close(
        self, party: Party, start: int, pcm16: bytes | bytearray
    ) -> tuple[Party, int, bytes]:
        coded = encode_mulaw(decode_pcm16(bytes(pcm16)))
        pieces = self._pieces[party]
        if self._keep:
            pieces.append((start, coded))
        while pieces and pieces[0][0] + len(pieces[0][1]) < start + len(coded) - self._keep:
            pieces.popleft()
        return party, start, coded

    @property
    def first_sample(self) -> int | None:
        """Where the sound that is still here begins; None when there is none."""
        starts = [pieces[0][0] for pieces in self._pieces.values() if pieces]
        starts += [start for start, open_ in self._open.values() if open_]
        return min(starts, default=None)

    def read(self, start: int, stop: int) -> dict[Party, bytes]:
        """µ-law of each party from sample ``start`` up to ``stop``; silence where there is none."""
        found = {}
        for party in self.parties:
            lane = np.full(max(0, stop - start), SILENCE, np.uint8)
            pieces = list(self._pieces[party])
            if party in self._open and self._open[party][1]:
                begun, pcm16 = self._open[party]
                pieces.append((begun, encode_mulaw(decode_pcm16(bytes(pcm16)))))
            for at, coded in pieces:
                low, high = max(at, start), min(at + len(coded), stop)
                if low < high:
                    piece = np.frombuffer(coded, np.uint8)[low - at : high - at]
                    lane[low - start : high - start] = piece
            found[party] = lane.tobytes()
        return found


class SoundFiles:
    """Whole calls on disk, one µ-law file for each party. Writing is a thread's business."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.given_up = 0
        """Pieces that the disk did not take."""
        self._thread = ThreadPoolExecutor(1, "sound")
        self._waiting = 0

    def path(self, call: str, epoch: int, party: Party) -> Path:
        """The file of one party."""
        return self.folder / f"{call}-{epoch}-{party}{SUFFIX}"

    def write(self, call: str, epoch: int, party: Party, start: int, coded: bytes) -> None:
        """Put a piece at its place; never waits."""
        if self._waiting >= WAITING:
            self.given_up += 1
            return
        self._waiting += 1
        loop = asyncio.get_running_loop()
        done = loop.run_in_executor(
            self._thread, self._write, self.path(call, epoch, party), start, coded
        )
        done.add_done_callback(self._written)

    def _written(self, done: asyncio.Future[None]) -> None:
        self._waiting -= 1
        if not done.cancelled() and (error := done.exception()) is not None:
            self.given_up += 1
            log.error("sound: a second was not kept: %s", error)

    def _write(self, path: Path, start: int, coded: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("r+b" if path.exists() else "w+b") as file:
            end = file.seek(0, io.SEEK_END)
            if start > end:
                file.write(bytes([SILENCE]) * (start - end))
            file.seek(start)
            file.write(coded)

    def read(
        self, call: str, epoch: int, parties: Iterable[Party], start: int, stop: int
    ) -> dict[Party, bytes] | None:
        """As :meth:`Ring.read`; None when nothing is kept of the call. Waits for the disk."""
        found: dict[Party, bytes] = {}
        known = False
        for party in parties:
            path = self.path(call, epoch, party)
            part = b""
            if path.exists():
                known = True
                with path.open("rb") as file:
                    file.seek(start)
                    part = file.read(max(0, stop - start))
            found[party] = part.ljust(max(0, stop - start), bytes([SILENCE]))
        return found if known else None

    def samples(self, call: str, epoch: int, parties: Iterable[Party]) -> int:
        """How long the longest party is."""
        files = [self.path(call, epoch, party) for party in parties]
        return max((file.stat().st_size for file in files if file.exists()), default=0)

    def erase(self, call: str, epoch: int) -> int:
        """Delete a call's sound; how many files that was."""
        found = [self.path(call, epoch, party) for party in Party]
        there = [file for file in found if file.exists()]
        for file in there:
            file.unlink()
        return len(there)

    async def erase_last(self, call: str, epoch: int) -> None:
        """Delete a call's sound once all of it that waits has been written."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self.erase, call, epoch)

    async def aclose(self) -> None:
        """Write what waits."""
        await asyncio.to_thread(self._thread.shutdown, wait=True)


def wav(lanes: Mapping[Party, bytes], rate: int) -> bytes:
    """A WAV file of 16 bit, agent on the left, customer on the right; mixed mono is one channel."""
    order = [p for p in (Party.AGENT, Party.CUSTOMER) if p in lanes] or list(lanes)
    if order != [Party.UNKNOWN]:
        order = [Party.AGENT, Party.CUSTOMER]
    length = max((len(lane) for lane in lanes.values()), default=0)
    silent = bytes([SILENCE]) * length
    samples = np.stack([decode_mulaw(lanes.get(party, silent)) for party in order], axis=1)
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(len(order))
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(samples.astype("<i2").tobytes())
    return file.getvalue()
