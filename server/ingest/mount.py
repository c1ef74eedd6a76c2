"""Where the telephony dialects are found: the addresses of the application."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter
from starlette.websockets import WebSocket

from server import sockets
from server.access import guard
from server.ingest import json_l16
from server.ingest.audiohook import AudioHookSocket
from server.ingest.funasr import FunAsrSocket
from server.ingest.json_l16 import L16Socket
from server.ingest.line import Telephony
from server.ingest.twilio import TwilioSocket


def routes(telephony: Telephony) -> APIRouter:
    """The websockets of all dialects."""
    router = APIRouter()

    @router.websocket("/v1/telephony/l16")
    async def l16(socket: WebSocket) -> None:
        chosen = _chosen(socket, json_l16.SUBPROTOCOLS)
        await sockets.serve(socket, L16Socket(socket, telephony).talk, chosen)

    @router.websocket("/v1/telephony/twilio")
    async def twilio(socket: WebSocket) -> None:
        # Twilio sends neither header nor query, so its token comes with the first message.
        await sockets.serve(socket, TwilioSocket(socket, telephony).talk, admit=guard.known)

    # FunASR's clients know a host and a port, no path.
    @router.websocket("/")
    @router.websocket("/v1/telephony/funasr")
    async def funasr(socket: WebSocket) -> None:
        chosen = _chosen(socket, ("binary",))
        await sockets.serve(socket, FunAsrSocket(socket, telephony).talk, chosen)

    @router.websocket("/v1/telephony/audiohook")
    async def audiohook(socket: WebSocket) -> None:
        keys = telephony.settings.telephony.audiohook_keys
        # Where there are keys the socket asks for one, which proves more than a token.
        admit = guard.known if keys else guard.admit
        await sockets.serve(socket, AudioHookSocket(socket, telephony).talk, admit=admit)

    return router


def _chosen(socket: WebSocket, known: Sequence[str]) -> str | None:
    """The first sub-protocol that the client offers and we speak."""
    offered: list[str] = socket.scope.get("subprotocols", [])
    return next((name for name in offered if name in known), None)
