"""One node as a process of its own: the server with a recogniser that hears numbers.

Each second of sound is a word: its first sample's value. So a test can tell by the words whether
any second was lost or heard twice, wherever the call went on.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from multiprocessing.connection import Connection
from typing import Any

from asr.events import AsrEvent, AudioFrame, CallId, Party, Transcript, Watermark
from asr.recogniser import RecogniserFull, RecogniserInfo
from assist_rules.events import (
    Alert,
    CallInfo,
    Evidence,
    Path,
    RuleEvent,
    Severity,
    State,
    Suggestion,
)
from server import logs
from server.access.files import open_access
from server.app import create_app
from server.live.state import Rules
from server.serve import DrainingServer, listen, uvicorn_config
from server.settings import Settings
from tests.server.scripted_rules import ScriptedRules


class Counting:
    """Fulfils ``Recogniser``."""

    def __init__(self, max_calls: int) -> None:
        self.info = RecogniserInfo("counting", demonstration=True)
        self.max_calls = max_calls
        self.calls: set[CountingCall] = set()

    async def start(self) -> None:
        """Nothing to load."""

    async def aclose(self) -> None:
        for call in list(self.calls):
            await call.aclose()

    def room(self) -> int:
        return self.max_calls - len(self.calls)

    def open(self, call: CallId, parties: Sequence[Party], rate: int) -> CountingCall:
        if not self.room():
            raise RecogniserFull(1)
        made = CountingCall(self, call, rate)
        self.calls.add(made)
        return made


class CountingCall:
    """Makes a final of each whole second of the customer's."""

    def __init__(self, owner: Counting, call: CallId, rate: int) -> None:
        self._owner, self._call, self._rate = owner, call, rate
        self._events: asyncio.Queue[AsrEvent | None] = asyncio.Queue()
        self._heard = b""
        self._start: int | None = None
        self._number = 0

    async def push(self, frame: AudioFrame) -> None:
        if frame.party is not Party.CUSTOMER:
            return
        if self._start is None:
            self._start = frame.start_sample
        self._heard += frame.pcm16
        second = 2 * self._rate
        while len(self._heard) >= second:
            word = int.from_bytes(self._heard[:2], "little", signed=True)
            self._heard = self._heard[second:]
            begin = self._start * 1000 // self._rate
            self._start += self._rate
            self._number += 1
            end = begin + 1000
            self._events.put_nowait(
                Transcript(
                    self._call, Party.CUSTOMER, f"customer-{self._number}", 1, f"word{word}", 0, (),
                    True, begin, end, end,
                )
            )  # fmt: skip
            self._events.put_nowait(Watermark(self._call, end, end))

    def end(self) -> None:
        self._owner.calls.discard(self)
        self._events.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[AsrEvent]:
        while (event := await self._events.get()) is not None:
            yield event

    async def aclose(self) -> None:
        self.end()


class Judging(ScriptedRules):
    """An alert and a card for each word that is a multiple of five."""

    def hear(self, transcript: Transcript) -> tuple[RuleEvent, ...]:
        word = int(transcript.text.removeprefix("word"))
        if word % 5:
            return ()
        span = Evidence(
            transcript.call, transcript.party, transcript.utterance, transcript.revision, 0,
            len(transcript.text), transcript.text, transcript.start_ms, transcript.end_ms,
            Path.EXACT,
        )  # fmt: skip
        alert = Alert(
            f"a{word}", "five", "customer.complaint", Severity.HIGH, "五", (span,), State.CONFIRMED, 1.0, 1,
            "p", (),
        )  # fmt: skip
        card = Suggestion(
            f"s{word}", alert.id, "five", "好", "五", {}, State.CONFIRMED, Severity.HIGH,
            "customer.complaint",
        )  # fmt: skip
        return (alert, card)


def rules(_: CallInfo) -> Rules:
    return Judging()


class Telling(DrainingServer):
    """Tells its port once it answers."""

    port: Connection

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.port.send(self.config.port)
        self.port.close()


def main(values: dict[str, Any], max_calls: int, port: Connection) -> None:
    """Be a node until a signal comes."""
    settings = Settings.model_validate(values)
    logs.set_up(settings.log)
    listener = listen(settings)
    settings = settings.model_copy(update={"port": listener.getsockname()[1]})
    app = create_app(settings, Counting(max_calls), rules, access=open_access(settings))
    server = Telling(uvicorn_config(app, settings), app.state.switchboard)
    server.port = port
    asyncio.run(server.serve(sockets=[listener]))
