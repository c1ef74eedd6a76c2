"""A call's transcripts as a recognition stream, for the trial of a draft. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

INFO = ("agent", "queue", "tier", "brand", "attributes")


def stream(
    call: str, info: Mapping[str, Any], events: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """``events`` are wire events; of them the final transcripts count."""
    heard = [
        {
            "role": event["party"],
            "utterance": event["utterance"],
            "revision": event["revision"],
            "final": True,
            "text": event["text"],
            "chars": event["chars"],
            "start_ms": event["start_ms"],
            "end_ms": event["end_ms"],
            "at_ms": event["at_ms"],
        }
        for event in events
        if event["type"] == "transcript" and event["final"]
    ]
    known = {name: info[name] for name in INFO if info.get(name)}
    return {"id": call, "info": known, "events": heard}
