"""FunASR's own websocket protocol, so that its clients work with us unchanged.

Clients append what ``online`` and ``2pass-online`` messages carry, so these hold only characters
that will not change any more; ``2pass-offline`` replaces them, ``offline`` comes once at the end.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.websockets import WebSocket

from asr.events import Party
from server import sockets
from server.ingest import hello as hellos
from server.ingest import who
from server.ingest.line import Telephony
from server.ingest.replies import replying
from server.refusals import Refusal

RIFF_HEADER = 44
Mode = Literal["2pass", "online", "offline"]


class Asked(who.Who):
    """What the address may say of the call, as no message can."""

    call: Annotated[str, Field(max_length=256)] | None = None
    party: Party = Party.UNKNOWN


class Config(BaseModel):
    """A text message: the first one configures, later ones tell where the input ends."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    mode: Mode | None = None
    wav_name: Annotated[str, Field(max_length=256)] | None = None
    wav_format: str = "pcm"
    audio_fs: Annotated[int, Field(ge=8_000, le=48_000)] | None = None
    is_speaking: bool = True
    is_end: bool = False

    def after(self, before: Config | None) -> Config:
        """What it leaves out is as it was."""
        kept = before.model_dump(exclude={"is_speaking", "is_end"}) if before else {}
        return Config.model_validate({**kept, **self.model_dump(exclude_unset=True)})


class FunAsrSocket:
    """One connection; it may bring one recording after another, each a call of its own."""

    def __init__(self, socket: WebSocket, telephony: Telephony) -> None:
        self._socket = socket
        self._telephony = telephony

    async def talk(self) -> None:
        """Hear recordings until the client hangs up. Raises a disconnect or a refusal."""
        try:
            asked = Asked.model_validate(dict(self._socket.query_params))
        except ValidationError as error:
            raise hellos.refusal(error, "bad_hello") from None
        config = _config(await self._telephony.greeting(sockets.receive(self._socket)), None)
        while True:
            if config.is_speaking and not config.is_end:
                config = await self._hear(config, asked)
                asked = asked.model_copy(update={"call": None})
            config = _config(await self._next(), config)

    async def _next(self) -> str | bytes:
        try:
            async with asyncio.timeout(self._telephony.idle_s):
                return await sockets.receive(self._socket)
        except TimeoutError:
            raise Refusal("idle", f"nothing for {self._telephony.idle_s:g} s") from None

    async def _hear(self, config: Config, asked: Asked) -> Config:
        """One call: audio in and text out until the client says that it ends."""
        if config.wav_format.lower() not in ("pcm", "wav"):
            raise Refusal(
                "bad_hello", "wav_format: send pcm, 16 bit mono; decode other files first"
            )
        call = who.call_id(asked.call or f"funasr-{uuid4()}")
        replies = Replies(self._socket, config)
        info = asked.info(call, self._telephony.agents)
        async with replying(self._telephony.switchboard.bus, call, replies.tell):
            rate = config.audio_fs or 16_000
            async with self._telephony.hold(info, (asked.party,), rate) as line:
                line.listen()
                at, rest, strip = 0, b"", config.wav_format.lower() == "wav"
                while True:
                    message = await sockets.receive(self._socket)
                    if isinstance(message, str):
                        config = _config(message, config)
                        if config.is_end or not config.is_speaking:
                            break
                        continue
                    if strip and message.startswith(b"RIFF"):
                        message = message[RIFF_HEADER:]
                    strip = False
                    # Pieces of a file are cut without regard to samples.
                    rest += message
                    whole = len(rest) & ~1
                    at = await line.feed_pcm16(at, (asked.party,), rest[:whole])
                    rest = rest[whole:]
        await replies.end(acknowledge=config.is_end)
        return config


def _config(message: str | bytes, before: Config | None) -> Config:
    if isinstance(message, bytes):
        raise Refusal("text_expected", "audio where a JSON message with mode and audio_fs is due")
    try:
        return Config.model_validate_json(message).after(before)
    except ValidationError as error:
        raise hellos.refusal(error, "bad_message" if before else "bad_hello") from None


class Replies:
    """The transcript of one recording in FunASR's words."""

    def __init__(self, socket: WebSocket, config: Config) -> None:
        self._socket = socket
        self._mode: Mode = config.mode or "2pass"
        self._head = {"wav_name": config.wav_name or "microphone"}
        self._utterance = ""
        self._told = 0
        self._over: set[str] = set()
        """Utterances that had their final."""
        self._finals: dict[str, dict[str, Any]] = {}
        """By utterance, for the mode that tells them at the end."""

    async def tell(self, event: dict[str, Any]) -> None:
        """One event of the call."""
        if event["type"] != "transcript":
            return
        if event["final"] and event["text"] and self._mode == "offline":
            self._finals[event["utterance"]] = event
        if event["utterance"] in self._over:
            return  # heard once more; clients append what they get, and have had it
        if event["utterance"] != self._utterance:
            self._utterance, self._told = event["utterance"], 0
        if self._mode != "offline" and not (event["final"] and self._mode == "2pass"):
            await self._grow(event)
        if event["final"] and event["text"]:
            self._over.add(event["utterance"])
            if self._mode == "2pass":
                await self._send("2pass-offline", event["text"], False, **_times([event]))

    async def _grow(self, event: dict[str, Any]) -> None:
        new = event["text"][self._told : event["stable"]]
        if new:
            self._told += len(new)
            await self._send("2pass-online" if self._mode == "2pass" else "online", new, False)

    async def end(self, acknowledge: bool) -> None:
        """The recording has been heard to its end."""
        mode = "2pass-offline" if self._mode == "2pass" else self._mode
        finals = list(self._finals.values())
        text = "".join(event["text"] for event in finals)
        await self._send(mode, text, True, **_times(finals))
        if acknowledge:
            await sockets.send(self._socket, {**self._head, "is_end": True, "is_final": True})

    async def _send(self, mode: str, text: str, is_final: bool, **times: Any) -> None:
        await sockets.send(
            self._socket, {"mode": mode, "text": text, **self._head, "is_final": is_final, **times}
        )


def _times(finals: list[dict[str, Any]]) -> dict[str, Any]:
    """Where each character and each sentence lies, in ms; nothing for no text."""
    if not finals:
        return {}
    sentences = []
    for event in finals:
        ends = [ms for ms, _ in event["chars"]]
        spans = [list(span) for span in zip([event["start_ms"], *ends], ends, strict=False)]
        sentences.append(
            {
                "text_seg": " ".join(event["text"]),
                "punc": "",
                "start": event["start_ms"],
                "end": event["end_ms"],
                "ts_list": spans,
            }
        )
    spans = [span for sentence in sentences for span in sentence["ts_list"]]
    return {"timestamp": str(spans).replace(" ", ""), "stamp_sents": sentences}
