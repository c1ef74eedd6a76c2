"""uvicorn's websocket protocol with a short way for audio packets.

Ten thousand packets a second cost the parser of ``websockets``, which copes with everything, a
good part of a core. A binary message that has come whole in one masked frame is read right here;
all else (handshake, text, control frames, fragments, halves, whatever is wrong) is that parser's.
"""

from __future__ import annotations

from types import GeneratorType
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.speedups import apply_mask

WHOLE_BINARY = 0x82
MASKED = 0x80
LONG = 126
"""Lengths from here on stand in two bytes; longer ones than that are not audio packets."""
MASK = 4


class PacketProtocol(WebSocketsSansIOProtocol):
    """As uvicorn's own, and quicker for packets."""

    def data_received(self, data: bytes) -> None:
        """Take what the network brought."""
        if self._between_messages():
            data = data[self._packets(data) :]
        if data:
            super().data_received(data)

    def _between_messages(self) -> bool:
        """Whether the parser waits for the first byte of a message.

        It is a generator that then stands in ``StreamReader.at_eof``. Should that ever change, this
        is never true and nothing is lost but time; a test would tell.
        """
        inmost: Any = self.conn.parser
        while isinstance(inmost, GeneratorType) and inmost.gi_yieldfrom is not None:
            inmost = inmost.gi_yieldfrom
        return (
            inmost.__name__ == "at_eof"
            and self.handshake_complete
            and not self.close_sent
            and self.conn.current_size is None
        )

    def _packets(self, data: bytes) -> int:
        """Hand on the packets at the beginning of ``data``; gives where the first other thing is."""
        at = 0
        while len(data) - at >= 2 and data[at] == WHOLE_BINARY:
            begin, size = at + 2, data[at + 1] ^ MASKED
            if size == LONG:
                size = int.from_bytes(data[begin : begin + 2])
                begin += 2
            elif size > LONG:
                # Longer than any packet, or not masked.
                break
            end = begin + MASK + size
            if end > len(data) or size > self.config.ws_max_size:
                break
            self.frames = [apply_mask(data[begin + MASK : end], data[begin : begin + MASK])]
            self.curr_msg_data_type = "bytes"
            self.send_receive_event_to_app()
            at = end
        return at
