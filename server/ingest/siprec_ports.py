"""UDP ports for the sound of recordings: taken in pairs, given back at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from server.refusals import Refusal

Hear = Callable[[bytes, str], None]
"""Gets a datagram and the address from which it came."""


class _Listener(asyncio.DatagramProtocol):
    def __init__(self, hear: Hear) -> None:
        self._hear = hear

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._hear(data, addr[0])


class RtpPort:
    """One port for RTP, and the next one for RTCP where there is one."""

    def __init__(self, port: int, transports: list[asyncio.DatagramTransport]) -> None:
        self.number = port
        self._transports = transports

    def close(self) -> None:
        """Give it back."""
        for transport in self._transports:
            transport.close()


class RtpPorts:
    """The range of the settings; ``0`` lets the system choose."""

    def __init__(self, host: str, ports: str) -> None:
        first, _, last = ports.partition("-")
        self._host = host
        self._even = [port for port in range(int(first), int(last or first)) if port % 2 == 0]
        self._next = 0

    async def take(self, hear: Hear) -> RtpPort:
        """A port that is free. Raises :class:`Refusal` where there is none."""
        if not self._even:
            transport = await self._bind(0, hear)
            return RtpPort(transport.get_extra_info("sockname")[1], [transport])
        # From the one after the last: a port that was just given back still gets late packets.
        turned = self._even[self._next :] + self._even[: self._next]
        for tried, port in enumerate(turned, 1):
            transports: list[asyncio.DatagramTransport] = []
            try:
                transports += [await self._bind(port, hear)]
                transports += [await self._bind(port + 1, hear)]
            except OSError:
                RtpPort(port, transports).close()
                continue
            self._next = (self._next + tried) % len(self._even)
            return RtpPort(port, transports)
        raise Refusal("full", "no port for sound is free; see telephony.siprec.rtp_ports")

    async def _bind(self, port: int, hear: Hear) -> asyncio.DatagramTransport:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Listener(hear), local_addr=(self._host, port)
        )
        return transport
