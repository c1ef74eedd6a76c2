"""Connections that are gone without a word: nobody reads them, and they go."""

from __future__ import annotations

import asyncio
import base64

from tests.server.running import running


async def test_a_viewer_whose_machine_has_vanished_is_let_go() -> None:
    """Raw TCP, as a websocket library would answer the pings for us."""
    async with running() as server:
        server.server.config.ws_ping_interval = 0.1
        server.server.config.ws_ping_timeout = 0.1
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        key = base64.b64encode(bytes(16)).decode()
        writer.write(
            "GET /v1/agent?agent=a-7 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        said = await asyncio.wait_for(reader.read(), 20)
        assert b'"type":"hello"' in said
        assert b"keepalive ping timeout" in said
        writer.close()
