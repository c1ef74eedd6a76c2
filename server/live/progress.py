"""Up to where the speech of each party is settled: heard, and nothing before it still open. Pure.

A call that is taken up by another process is heard again from there, so it lies before the words
of every utterance that is not final, and never before the end of one that is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from asr.events import AsrEvent, Party, StreamFailed, Transcript, Watermark

PREROLL_MS = 300
"""Sound before the first word that a recogniser needs to hear the word begin."""


class Progress:
    """Follows one call's recogniser."""

    def __init__(self, parties: Sequence[Party], settled_ms: Mapping[Party, int] | None = None):
        self._final = {party: (settled_ms or {}).get(party, 0) for party in parties}
        self._open: dict[str, tuple[Party, int]] = {}
        self._failed: set[Party] = set()
        self._heard_ms = 0

    def hear(self, event: AsrEvent) -> None:
        """Take the recogniser's next event."""
        match event:
            case Watermark():
                self._heard_ms = max(self._heard_ms, event.heard_ms)
            case Transcript(final=True):
                self._open.pop(event.utterance, None)
                self._final[event.party] = max(self._final.get(event.party, 0), event.end_ms)
            case Transcript():
                self._open.setdefault(event.utterance, (event.party, event.start_ms))
            case StreamFailed():
                # Nothing more will come of it, so nothing of it is worth waiting for.
                self._failed.add(event.party)

    def settled(self) -> dict[Party, int]:
        """Audio milliseconds of each party."""
        settled = {}
        for party, final in self._final.items():
            begun = [start - PREROLL_MS for who, start in self._open.values() if who is party]
            if party in self._failed:
                begun = []
            settled[party] = max(final, min([self._heard_ms, *begun]))
        return settled
