"""Genesys AudioHook, version 2: one session for the time in which one agent is on a call.

A session is a call of its own, as Genesys begins another one when the call goes to another agent;
the conversation they share is an attribute. A session that continues another continues its call.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.websockets import WebSocket

from asr.audio.codec import decode_mulaw
from server import metrics, sockets
from server.ingest import hello as hellos
from server.ingest import signature, who
from server.ingest.audiohook_wire import (
    LANGUAGES,
    PROBE,
    Conversation,
    Media,
    Message,
    Open,
    Span,
    transcript,
)
from server.ingest.line import Line, Telephony
from server.ingest.replies import replying
from server.refusals import Refusal

log = logging.getLogger(__name__)

Model = TypeVar("Model", bound=BaseModel)

RATE = 8_000
LONGEST_S = 5
FAREWELL_S = 5
BREAK_MS = 200
"""A hole of this length ends an utterance."""
BRIDGED_MS = 100
"""A hole of this length does not."""
BREATH_MS = 500
"""Who lost no more than this is still in the same sentence."""
LONGEST_HOLE_MS = 240_000
"""A hole in the call is at most this long; a longer hold is made up for in the times we tell."""


class AudioHookSocket:
    """One session."""

    def __init__(self, socket: WebSocket, telephony: Telephony) -> None:
        self._socket = socket
        self._telephony = telephony
        self._words = Conversation()
        self._saying = asyncio.Lock()
        self._media: Media | None = None
        self._at = 0
        self._shifts: list[tuple[int, int]] = []
        """From which of our times on how much to add for the client's."""
        self._over: set[str] = set()
        """Utterances whose transcript was sent: a second pass changes it no more."""

    async def talk(self) -> None:
        """Hold the session. Whoever is refused gets ``disconnect`` and the close code."""
        try:
            await self._session()
        except Refusal as refusal:
            metrics.refused(refusal.code)
            log.info("AudioHook: refused with %s: %s", refusal.code, refusal.message)
            reason = "unauthorized" if refusal.code == "forbidden" else "error"
            info = f"{refusal.code}: {refusal.message}"
            try:
                async with asyncio.timeout(FAREWELL_S):
                    await self._say("disconnect", reason=reason, info=info)
                    await self._socket.close(refusal.close_code, refusal.code)
            except TimeoutError:
                log.info("AudioHook: left before reading why")

    async def _session(self) -> None:
        self._check_caller()
        message = await self._telephony.greeting(self._text())
        if message.type != "open":
            raise Refusal("bad_hello", "type: a session begins with open")
        asked = _parsed(Open, message)
        organization = self._socket.headers.get("audiohook-organization-id")
        if organization is not None and organization.lower() != str(asked.organizationId):
            raise Refusal("bad_hello", "organizationId: not the one of the header")
        if asked.conversationId == PROBE:
            await self._say("opened", media=[])
            await self._probed()
        else:
            await self._call(message, asked)
        await self._say("closed")

    def _check_caller(self) -> None:
        keys = self._telephony.settings.telephony.audiohook_keys
        if keys:
            scope = self._socket.scope
            query = b"?" + scope["query_string"] if scope["query_string"] else b""
            target = (scope["raw_path"].split(b"?")[0] + query).decode("latin-1")
            signature.check(dict(self._socket.headers), target, keys, time.time())

    async def _call(self, message: Message, asked: Open) -> None:
        choice = asked.choice()
        if choice is None:
            raise Refusal("bad_hello", "media: none of the offers is PCMU at 8000 Hz")
        offer, self._media = choice
        call = self._call_id(message, asked)
        config = {**asked.customConfig, "to": asked.participant.dnis[:128]}
        config["attributes"] = {"conversation": str(asked.conversationId)}
        try:
            said = who.Who.model_validate(config)
        except ValidationError as error:
            raise hellos.refusal(error, "bad_hello") from None
        info = said.info(call, self._telephony.agents)
        async with (
            replying(self._telephony.switchboard.bus, call, self._tell),
            self._telephony.hold(info, self._media.parties(), RATE) as line,
        ):
            self._shifts = [(0, message.position - line.first_sample * 1000 // RATE)]
            line.listen()
            languages = {"supportedLanguages": LANGUAGES} if asked.supportedLanguages else {}
            await self._say("opened", media=[offer], startPaused=False, **languages)
            await self._until_closed(line)

    def _call_id(self, message: Message, asked: Open) -> str:
        for continued in asked.continuedSessions:
            if self._telephony.switchboard.get(str(continued.id)) is not None:
                return str(continued.id)
        return str(message.id)

    async def _probed(self) -> None:
        """A tried connection has no audio."""
        try:
            async with asyncio.timeout(self._telephony.idle_s):
                while (message := await self._text()).type != "close":
                    await self._answer(message)
        except TimeoutError:
            raise Refusal("idle", "a connection that is only tried does not stay") from None

    async def _until_closed(self, line: Line) -> None:
        while True:
            content = await sockets.receive(self._socket)
            if isinstance(content, bytes):
                await self._audio(line, content)
                continue
            # Pings go on while a call is on hold.
            line.listen()
            message = self._words.read(content)
            match message.type:
                case "close":
                    return
                case "discarded":
                    ms = _parsed(Span, message).discarded
                    self._skip(line, ms, min(ms, BRIDGED_MS) if ms <= BREATH_MS else ms)
                case "resumed":
                    # Nobody goes on with a sentence after a hold, however short.
                    ms = _parsed(Span, message).discarded
                    self._skip(line, ms, max(ms, BREAK_MS))
                case "update":
                    # Another language is another sentence.
                    self._skip(line, 0, BREAK_MS)
                    await self._answer(message)
                case _:
                    await self._answer(message)

    async def _answer(self, message: Message) -> None:
        match message.type:
            case "ping":
                await self._say("pong")
            case "update":
                await self._say("updated")
            case "error":
                # The client says what it did not like and goes on; its texts are for logs.
                log.warning("AudioHook: the client tells of error %.80r", message.parameters)
            case "paused" | "discarded" | "resumed":
                pass
            case _:
                raise Refusal("bad_message", f"type: {message.type} is not known here")

    def _skip(self, line: Line, ms: int, hole: int) -> None:
        """Sound of ``ms`` will never come; it leaves a hole, and times are told accordingly."""
        hole = min(hole, LONGEST_HOLE_MS)
        if ms != hole:
            now = (line.first_sample + self._at) * 1000 // RATE
            self._shifts.append((now, self._shifts[-1][1] + ms - hole))
        self._at += hole * RATE // 1000

    async def _audio(self, line: Line, content: bytes) -> None:
        assert self._media is not None
        parties = self._media.parties()
        if len(content) % len(parties):
            raise Refusal("bad_packet", f"{len(content)} bytes for {len(parties)} channels")
        if len(content) > RATE * LONGEST_S * len(parties):
            raise Refusal("too_large", f"a message holds at most {LONGEST_S} s of audio")
        self._at = await line.feed(self._at, parties, decode_mulaw(content))

    async def _tell(self, event: dict[str, Any]) -> None:
        spoken = event["type"] == "transcript" and event["final"] and event["text"]
        if spoken and event["utterance"] not in self._over:
            self._over.add(event["utterance"])
            assert self._media is not None
            assert self._words.id is not None
            channel = [str(party) for party in self._media.parties()].index(event["party"])
            shifts = (
                shift for since, shift in reversed(self._shifts) if since <= event["start_ms"]
            )
            entity = transcript(self._words.id, event, channel, next(shifts, 0))
            await self._say("event", entities=[entity])

    async def _text(self) -> Message:
        return self._words.read(await sockets.receive_text(self._socket))

    async def _say(self, kind: str, **parameters: Any) -> None:
        # Answers and transcripts come from two tasks; their numbers must leave in order.
        async with self._saying:
            await sockets.send(self._socket, self._words.write(kind, **parameters))


def _parsed(kind: type[Model], message: Message) -> Model:
    try:
        return kind.model_validate(message.parameters)
    except ValidationError as error:
        raise hellos.refusal(error, "bad_message") from None
