"""What stands before several nodes: passes connections on to the first that accepts one.

nginx with the shipped configuration is tried in tests of its own; here it matters just that clients
and pages know one address, and that a node that is dead gets nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Front:
    """The address that clients and pages know."""

    address: str

    @property
    def ws(self) -> str:
        """For sockets."""
        return f"ws://{self.address}"


@asynccontextmanager
async def balanced(nodes: Sequence[str]) -> AsyncIterator[Front]:
    """Before nodes, given as ``host:port``, until the context ends; the first that lives is asked."""
    open_: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_.add(task)
        try:
            await _pass_on(nodes, reader, writer)
        finally:
            open_.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield Front(f"{host}:{port}")
    finally:
        server.close()
        for task in open_:
            task.cancel()
        await asyncio.gather(*open_, return_exceptions=True)


async def _pass_on(
    nodes: Sequence[str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    for node in nodes:
        host, _, port = node.rpartition(":")
        try:
            there, back = await asyncio.open_connection(host, int(port))
        except OSError:
            continue
        ways = [asyncio.create_task(_copy(reader, back)), asyncio.create_task(_copy(there, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            back.close()
        return


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
