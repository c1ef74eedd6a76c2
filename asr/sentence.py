"""The text of one utterance while it is heard: what to show, how surely, when it was said.

Pure. Answers of the decoder go in, revisions of a :class:`Transcript` come out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from asr.events import CallId, Char, Party, Transcript
from asr.paraformer.decoder import Kind
from asr.paraformer.step import Heard
from asr.paraformer.wording import Wording

FRAME_MS = 60
SPOKEN_AFTER_MS = 24
"""From the beginning of the frame a character is complete on to the character's end: measured on
``benchmarks/corpus``, where the median difference to the true end is then nothing."""


@dataclass(frozen=True, slots=True)
class ShowConfig:
    """What a partial may show."""

    hold_back: float = 0.8
    """The last characters of an early partial wait while they are less sure than this.

    On ``benchmarks/corpus`` with the bundled model 3.9 % of shown characters change; with 0.9 it is
    2.2 %, and a character is shown 44 ms later (median); with 0.7 it is 5.5 %, and 20 ms earlier
    (``tingban bench revisions``)."""
    look_ahead: bool = True
    """Show what a chunk's look-ahead suggests, which costs next to nothing."""


class Sentence:
    """One utterance of one party, from its first sound to its final text."""

    def __init__(
        self,
        call: CallId,
        party: Party,
        name: str,
        origin_ms: int,
        onset_ms: int,
        wording: Wording,
        config: ShowConfig,
    ) -> None:
        self._call = call
        self._party = party
        self._name = name
        self._origin_ms = origin_ms
        self._start_ms = onset_ms
        self._wording = wording
        self._config = config
        self.heard_ms = origin_ms
        """Audio time up to which answers have come."""
        self._frames: list[int] = []
        self._shown = ""
        self._stable = 0
        self._revision = 0
        self._last: Transcript | None = None

    def hear(self, heard: Heard, kind: Kind, until_ms: int, at_ms: int) -> Transcript | None:
        """Take an answer; the revision to give out, or None if there is nothing new to show.

        ``until_ms`` is the audio time up to which the question asked, ``at_ms`` the party's
        position when it became possible to ask it.
        """
        firm = len(heard.ids) if kind is Kind.END else heard.firm
        self.heard_ms = until_ms
        if kind is not Kind.EARLY:
            self._wording.absorb(heard.ids[:firm], heard.logp[:firm])
            self._frames.extend(heard.frames[:firm].tolist())
        if kind is Kind.END:
            self._wording.finish()
            return self._final(until_ms, at_ms)

        view, frames = self._wording, self._frames
        sure = len(view.text)
        if kind is Kind.EARLY or self._config.look_ahead:
            after = 0 if kind is Kind.EARLY else firm
            view = view.clone()
            view.absorb(heard.ids[after:], heard.logp[after:])
            frames = frames + heard.frames[after:].tolist()
        length = self._sure_length(view, sure)
        text = view.text[:length]
        if not text or self._shown.startswith(text):
            return None
        self._stable = max(self._stable, self._wording.stable)
        return self._revise(view, frames, length, until_ms, at_ms, final=False)

    @property
    def written(self) -> bool:
        """The final is out and has words in it."""
        return self._last is not None and self._last.final and bool(self._last.text)

    def hear_again(self, heard: Heard, wording: Wording, at_ms: int) -> Transcript | None:
        """The whole utterance, heard once more after its final and read by a fresh ``wording``.

        None if the words are the same, or none at all: then the first final stays.
        """
        wording.absorb(heard.ids, heard.logp)
        wording.finish()
        text = wording.text
        if self._last is None or not text or text == self._shown:
            return None
        self._stable = len(text)
        frames = heard.frames.tolist()
        return self._revise(wording, frames, len(text), self._last.end_ms, at_ms, final=True)

    def abandon(self, at_ms: int) -> Transcript | None:
        """No more answers will come: what was shown last becomes final."""
        if not self._revision or self._last is None:
            return None
        self._revision += 1
        return replace(
            self._last,
            revision=self._revision,
            stable=len(self._last.text),
            final=True,
            at_ms=max(at_ms, self._last.at_ms),
        )

    def _sure_length(self, view: Wording, sure: int) -> int:
        """Characters worth showing: unsure ones at the end wait for more sound."""
        length = len(view.text)
        while length > sure and view.confidence[length - 1] < self._config.hold_back:
            length -= 1
        return length

    def _final(self, until_ms: int, at_ms: int) -> Transcript | None:
        text = self._wording.text
        if not text and not self._revision:
            return None  # nothing was ever shown, so there is nothing to take back
        self._stable = len(text)
        return self._revise(self._wording, self._frames, len(text), until_ms, at_ms, final=True)

    def _revise(
        self,
        view: Wording,
        frames: list[int],
        length: int,
        until_ms: int,
        at_ms: int,
        *,
        final: bool,
    ) -> Transcript:
        self._shown = view.text[:length]
        self._revision += 1
        self._last = Transcript(
            call=self._call,
            party=self._party,
            utterance=self._name,
            revision=self._revision,
            text=self._shown,
            stable=min(self._stable, length),
            chars=tuple(
                Char(self._spoken_ms(frames[position], until_ms), round(confidence, 3))
                for position, confidence in zip(
                    view.positions[:length], view.confidence[:length], strict=True
                )
            ),
            final=final,
            start_ms=self._start_ms,
            end_ms=until_ms,
            at_ms=at_ms,
        )
        return self._last

    def _spoken_ms(self, frame: int, until_ms: int) -> int:
        spoken_ms = self._origin_ms + frame * FRAME_MS + SPOKEN_AFTER_MS
        return min(max(spoken_ms, self._start_ms), until_ms)
