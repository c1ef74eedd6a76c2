"""Turns audio packets into frames of each party, in order and without doubles. Pure.

What a client sends again after a lost connection is trimmed; what it never sent stays a hole
that the recogniser reports as a gap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from asr.events import AudioFrame, CallId, Party
from server.refusals import Refusal

AHEAD_LIMIT_S = 300
"""A packet further ahead than this is a client that counts wrongly, not a lost connection."""


class Lanes:
    """How far the audio of each party of one call has come."""

    def __init__(
        self,
        call: CallId,
        parties: Sequence[Party],
        rate: int,
        starts_ms: Mapping[Party, int] | None = None,
    ) -> None:
        """``starts_ms``: what each party has been heard up to before."""
        self.parties = tuple(parties)
        self.rate = rate
        self.starts_ms = {party: (starts_ms or {}).get(party, 0) for party in self.parties}
        self._call = call
        self._next = {party: ms * rate // 1000 for party, ms in self.starts_ms.items()}

    @property
    def next_sample(self) -> int:
        """The first sample that some party still lacks."""
        return min(self._next.values())

    @property
    def end_ms(self) -> int:
        """How much of the call has arrived."""
        return max(self._next.values()) * 1000 // self.rate

    def cut(self, start: int, parts: Iterable[tuple[Party, bytes]]) -> list[AudioFrame]:
        """The new frames of a packet that begins at sample ``start`` for each party in it.

        Call :meth:`advance` for each frame once the recogniser has taken it.
        """
        frames = []
        for party, pcm16 in parts:
            expected = self._next[party]
            if start - expected > AHEAD_LIMIT_S * self.rate:
                raise Refusal(
                    "bad_packet",
                    f"first sample {start} is more than {AHEAD_LIMIT_S} s ahead of {expected}, "
                    "the one that was due; count samples from the beginning of the call",
                )
            known = max(0, expected - start)
            if known * 2 < len(pcm16):
                frames.append(AudioFrame(self._call, party, start + known, pcm16[known * 2 :]))
        return frames

    def advance(self, frame: AudioFrame) -> None:
        """The recogniser has the frame; its samples will not be asked for again."""
        self._next[frame.party] = frame.start_sample + len(frame.pcm16) // 2
