"""Plays a recording through recogniser, rules and call state; the same events at every speed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from asr.events import AsrEvent, AudioFrame, CallId
from asr.recogniser import RecogniserInfo
from assist_rules.events import CallInfo
from server.events import CallEvent
from server.live.state import CallState
from server.live.switchboard import NewRules

Listen = Callable[[Iterable[AudioFrame]], Iterator[AsrEvent]]
"""A recogniser that reads packets and gives events, in one go."""


def call_id(path: Path) -> CallId:
    """A file's name as the id of a call."""
    return CallId(re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem)[:64].strip("-") or "replay")


def play(
    info: CallInfo,
    recogniser: RecogniserInfo,
    rules: NewRules,
    listen: Listen,
    packets: Iterable[AudioFrame],
    duration_ms: int,
) -> Iterator[CallEvent]:
    """All events of a call, in the order in which a live call would have them."""
    state = CallState(info, recogniser, rules(info))
    yield from state.start()
    for heard in listen(packets):
        yield from state.absorb(heard)
    yield from state.end("ended", duration_ms)


def paced(
    packets: Iterable[AudioFrame],
    rate: int,
    speed: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[AudioFrame]:
    """The packets, none before it has been spoken; speed 0 does not wait at all.

    Only the moment of reading changes, never what is read, so events do not depend on it.
    """
    began = clock()
    for packet in packets:
        if speed:
            spoken = (packet.start_sample + len(packet.pcm16) // 2) / rate / speed
            sleep(max(0.0, began + spoken - clock()))
        yield packet
