"""Did the agent then say the suggested sentence? Judged by sound, as a recogniser spells. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from pypinyin import Style, lazy_pinyin
from rapidfuzz import fuzz

from asr.events import Party, Transcript
from assist_rules.events import Suggestion

ALIKE = 72.0
"""Percent of agreement from which it is the sentence in other words."""
SHORTEST = 5
"""Syllables below which agreement says nothing: everybody says 好的."""
FOLLOWS_MS = 30_000
"""A card that was answered answers what was said lately."""
PAUSE_MS = 2_000
"""A sentence with a shorter pause in it is one sentence, though two utterances."""
PART = 0.4
"""So much of a sentence is the sentence; of less nobody can tell."""
OPEN = 16
"""Cards that are waited for at once."""


@lru_cache(maxsize=4_096)
def syllables(text: str) -> tuple[str, ...]:
    """How a text sounds, without tones, punctuation and spaces."""
    kept = "".join(char for char in text if char.isalnum())
    return tuple(lazy_pinyin(kept, style=Style.NORMAL))


def alike(said: str, sentence: str) -> bool:
    """The agent said the sentence, or most of it in nearly the same words."""
    spoken, wanted = syllables(said), syllables(sentence)
    if len(wanted) < SHORTEST or len(spoken) < SHORTEST:
        return False
    if len(spoken) < len(wanted) * PART:
        return False
    # The shorter is looked for in the longer: agents say more around it.
    return fuzz.partial_ratio(spoken, wanted) >= ALIKE


class Said:
    """Waits for the sentences of one call's cards."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[str, int]] = {}
        self._before: Transcript | None = None

    def show(self, card: Suggestion, at_ms: int) -> None:
        """A card is on the agent's screen; one that comes again is the same."""
        self._open[card.id] = (card.say, self._open.get(card.id, ("", at_ms))[1])
        if len(self._open) > OPEN:
            del self._open[next(iter(self._open))]

    def forget(self, card: str) -> None:
        """The agent answered the card by hand."""
        self._open.pop(card, None)

    def hear(self, transcript: Transcript) -> Iterable[str]:
        """Cards whose sentence that is; each once."""
        if transcript.party is not Party.AGENT or not transcript.final:
            return ()
        self._open = {
            card: (say, at_ms)
            for card, (say, at_ms) in self._open.items()
            if transcript.start_ms - at_ms <= FOLLOWS_MS
        }
        before, self._before = self._before, transcript
        if before is not None and transcript.start_ms <= before.start_ms:
            before, self._before = None, before  # earlier words, heard once more
        whole = transcript.text
        if before is not None and transcript.start_ms - before.end_ms < PAUSE_MS:
            whole = before.text + whole
        said = [
            card
            for card, (say, at_ms) in self._open.items()
            if transcript.end_ms > at_ms and (alike(transcript.text, say) or alike(whole, say))
        ]
        for card in said:
            del self._open[card]
        return said
