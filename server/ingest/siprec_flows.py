"""Sockets for SIP: UDP and TCP on one port, and the ways on which clients' messages come."""

from __future__ import annotations

import asyncio
import secrets
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable
from ipaddress import ip_address
from typing import cast

TRIES = 20
BUFFER = 1024 * 1024
"""Bytes that a client may leave unread before its connection is cut."""


class Way(ABC):
    """Where a client's messages come from and ours go to."""

    reliable = False
    transport = "UDP"

    def __init__(self, source: tuple[str, int], host: str, port: int) -> None:
        self.source = source
        """The client's address and port."""
        self.host = host
        """Ours, as the client reaches it."""
        self.port = port

    @property
    def address(self) -> str:
        """The client's, without the port."""
        return self.source[0]

    def _place(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def contact(self) -> str:
        """A URI under which the client reaches us."""
        return f"sip:tingban@{self._place()};transport={self.transport.lower()}"

    def via(self) -> str:
        """Our hop, with a branch of its own."""
        branch = f"z9hG4bK{secrets.token_hex(8)}"
        return f"SIP/2.0/{self.transport} {self._place()};branch={branch};rport"

    @abstractmethod
    def send(self, data: bytes) -> None:
        """One message."""


class Datagrams(Way):
    """A client that sends datagrams."""

    def __init__(self, port: DatagramPort, source: tuple[str, int]) -> None:
        super().__init__(source, port.host_for(source), port.port)
        self._port = port

    def send(self, data: bytes) -> None:
        """As one datagram."""
        self._port.transport.sendto(data, self.source)


class Connection(Way):
    """A client that holds a TCP connection."""

    reliable = True
    transport = "TCP"

    def __init__(self, writer: asyncio.StreamWriter, address: str | None) -> None:
        host, port = writer.get_extra_info("sockname")[:2]
        super().__init__(writer.get_extra_info("peername")[:2], address or host, port)
        self._writer = writer

    def send(self, data: bytes) -> None:
        """On the connection, while there is one."""
        if self._writer.is_closing():
            return
        if self._writer.transport.get_write_buffer_size() > BUFFER:
            self._writer.transport.abort()
            return
        self._writer.write(data)

    def close(self) -> None:
        """Hang up, once what was said has left."""
        self._writer.close()


class DatagramPort(asyncio.DatagramProtocol):
    """Our UDP port."""

    transport: asyncio.DatagramTransport
    port: int
    _host: str

    def __init__(self, address: str | None, hear: Callable[[Datagrams, bytes], None]) -> None:
        self._address = address
        self._hear = hear

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is bound."""
        # Neither loop's transport is an instance of what the documentation calls it.
        self.transport = cast(asyncio.DatagramTransport, transport)
        self._host, self.port = transport.get_extra_info("sockname")[:2]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """From a client, or from anybody."""
        self._hear(Datagrams(self, addr[:2]), data)

    def host_for(self, source: tuple[str, int]) -> str:
        """Our address as that client reaches it."""
        if self._address is not None:
            return self._address
        if not ip_address(self._host).is_unspecified:
            return self._host
        family = socket.AF_INET6 if ":" in source[0] else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            # Nothing is sent: the system only chooses the way.
            asking.connect(source)
            return str(asking.getsockname()[0])

    def close(self) -> None:
        """Listen no more."""
        self.transport.close()


async def bind(
    host: str,
    port: int,
    address: str | None,
    connected: Callable[[asyncio.StreamReader, Connection], None],
    datagram: Callable[[Datagrams, bytes], None],
) -> tuple[asyncio.Server, DatagramPort]:
    """Both sockets on the same port; where it is 0, on one that is free for both.

    Raises ``OSError``.
    """
    loop = asyncio.get_running_loop()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected(reader, Connection(writer, address))

    for left in reversed(range(TRIES if port == 0 else 1)):
        server = await asyncio.start_server(accept, host, port)
        number = server.sockets[0].getsockname()[1]
        try:
            _, datagrams = await loop.create_datagram_endpoint(
                lambda: DatagramPort(address, datagram), local_addr=(host, number)
            )
        except OSError:
            server.close()
            if not left:
                raise
        else:
            return server, datagrams
    raise AssertionError("unreachable")
