"""JSON first, then 16 bit audio: FreeSWITCH mod_audio_stream and mod_audio_fork, jambonz listen.

The first text message is the metadata; every binary message after it is little endian L16,
interleaved when stereo. Text later on (DTMF, metadata of the stop command) says nothing to us.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, Field, ValidationError
from starlette.websockets import WebSocket

from asr.events import Party
from server import sockets
from server.ingest import hello as hellos
from server.ingest import who
from server.ingest.line import Line, Telephony
from server.refusals import Refusal

SUBPROTOCOLS = ("audio.jambonz.org", "audio.drachtio.org")
LONGEST_S = 5


def _hertz(rate: Any) -> Any:
    """FreeSWITCH writes ``8k`` and ``16k``, an address has only text."""
    if isinstance(rate, str) and rate.removesuffix("k").isascii():
        number = rate.removesuffix("k")
        return int(number) * (1000 if rate.endswith("k") else 1) if number.isdigit() else rate
    return rate


class Start(who.Who):
    """The metadata, completed by the parameters of the address."""

    call: Annotated[str, Field(max_length=256)] | None = Field(
        None,
        validation_alias=AliasChoices("call", "callSid", "call_sid", "callId", "call_id", "uuid"),
    )
    rate: Annotated[int, Field(ge=8_000, le=48_000), BeforeValidator(_hertz)] = Field(
        validation_alias=AliasChoices("rate", "sampleRate", "sample_rate")
    )
    mix: Literal["mono", "mixed", "stereo"] = Field(
        validation_alias=AliasChoices("mix", "mixType", "mix_type")
    )
    parties: Literal["customer,agent", "agent,customer", "customer", "agent"] | None = None

    def roles(self, stereo: str) -> tuple[Party, ...]:
        """Who speaks on which channel; ``stereo`` is how this installation orders them."""
        if self.mix == "mixed":
            return (Party.UNKNOWN,)
        named = who.pair(self.parties or stereo)
        if self.mix == "mono":
            return named[:1]
        if len(named) != 2:
            raise Refusal("bad_hello", "parties: stereo has two; name them as customer,agent")
        return named


class L16Socket:
    """One connection of a media server."""

    def __init__(self, socket: WebSocket, telephony: Telephony) -> None:
        self._socket = socket
        self._telephony = telephony

    async def talk(self) -> None:
        """Feed a call until the media server hangs up. Raises a disconnect or a refusal."""
        first = await self._telephony.greeting(sockets.receive(self._socket))
        start = self._start(first)
        settings = self._telephony.settings.telephony
        roles = start.roles(settings.stereo)
        info = start.info(who.call_id(start.call), self._telephony.agents)
        async with self._telephony.hold(info, roles, start.rate) as line:
            line.listen()
            at = 0 if isinstance(first, str) else await self._feed(line, 0, roles, first)
            while True:
                message = await sockets.receive(self._socket)
                if isinstance(message, bytes):
                    at = await self._feed(line, at, roles, message)

    def _start(self, first: str | bytes) -> Start:
        """Metadata may be left out where the address says all of it."""
        said: Any = {}
        if isinstance(first, str):
            try:
                said = json.loads(first)
            except (ValueError, RecursionError):
                raise Refusal("not_json", "the first message is metadata: a JSON object") from None
            if not isinstance(said, dict):
                raise Refusal("bad_hello", "the first message is metadata: a JSON object")
        try:
            return Start.model_validate(who.flat(dict(self._socket.query_params), said))
        except ValidationError as error:
            refusal = hellos.refusal(error, "bad_hello")
            if isinstance(first, bytes):
                raise Refusal(
                    "text_expected",
                    f"audio before metadata; send it, or put it in the address ({refusal.message})",
                ) from None
            raise refusal from None

    async def _feed(self, line: Line, at: int, roles: tuple[Party, ...], audio: bytes) -> int:
        if len(audio) > 2 * len(roles) * line.session.lanes.rate * LONGEST_S:
            raise Refusal("too_large", f"a message holds at most {LONGEST_S} s of audio")
        return await line.feed_pcm16(at, roles, audio)
