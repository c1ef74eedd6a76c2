"""One message on its way to viewers, encoded once for all of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from websockets.frames import Frame, Opcode

from asr.events import Metric, Transcript
from server.events import CallEvent
from server.wire import to_wire


@dataclass(frozen=True)
class Notice:
    """A text message, and what it may replace while it waits in a viewer's queue."""

    text: str
    about: tuple[str, ...] | None = None
    """A waiting notice about the same thing that is ``passing`` is replaced by this one."""
    passing: bool = False
    """Partials and metrics: a later one stands for them. All else must arrive."""
    for_board: bool = True
    """The board does without partial transcripts."""
    batch: bool = False
    """An array of messages already."""

    @cached_property
    def frame(self) -> bytes:
        """As it goes over every viewer's websocket."""
        return Frame(Opcode.TEXT, self.text.encode()).serialize(mask=False)


AFRESH = Notice("", ("afresh",), passing=True)
"""To boards: what is shown of other nodes has changed as a whole, so tell everything again."""


# ``json.dumps`` makes an encoder for each text that is not in its default form.
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)


def encode(message: dict[str, Any]) -> str:
    """The text of a message, as short as JSON allows."""
    return _ENCODER.encode(message)


def of_event(event: CallEvent) -> Notice:
    """The notice that carries a call event."""
    text = encode(to_wire(event))
    match event.body:
        case Transcript(utterance=utterance, final=final):
            return Notice(text, (event.call, utterance), passing=not final, for_board=final)
        case Metric(party=party, name=name):
            return Notice(text, (event.call, "metric", party, name), passing=True)
        case _:
            return Notice(text)
