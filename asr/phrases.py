"""Phrases that a customer cares about, favoured while a text is read.

Rule packs know which words matter, a call centre its products and the names of its people; the
recogniser has perhaps never met them. :class:`Phrases` is a :class:`asr.beam.Bias`: it pays for every
character of a phrase that a hypothesis is within, and takes that back when the phrase turns out not
to be one. Where only the sound was understood, the character that the phrase goes on with is put
beside the candidates whose toneless pinyin it shares.

The state is a node of a trie with failure links (Aho and Corasick 1975). pyahocorasick, which the
rules use, searches whole texts and cannot be stepped character by character. A step is one
dictionary lookup however many phrases there are.
"""

from __future__ import annotations

import functools
import unicodedata
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path

REWARD = 1.25
"""Log score that each character of a phrase adds, but the first."""
FIRST = 0.5
"""What the first adds: many a character begins some phrase."""
PRICE = 2.5
"""Log score that a character costs which only sounds like a candidate."""
_NEAR = 3
"""Only the sound of so many best candidates counts."""
SHORTEST = 2
LONGEST = 32
_AT_ONCE = 4
"""Characters put beside the candidates of a position, at most."""


class PhraseFileError(Exception):
    """A file of phrases cannot be read; the message says what to do."""


class Phrases:
    """Implements :class:`asr.beam.Bias`. Shared by all readings, never changed."""

    def __init__(
        self,
        phrases: Iterable[str],
        tokens: Sequence[str],
        *,
        reward: float = REWARD,
        first: float = FIRST,
        price: float = PRICE,
    ) -> None:
        """Phrases with characters that are not among ``tokens``, too short or too long, are left out."""
        self._worth = (0.0, first, reward)
        """Of a node at depth 0, at 1, and further down."""
        self._price = -abs(price)
        self._tokens = tokens
        self._size = len(tokens)
        self._child: dict[int, int] = {}
        """Node and token → node."""
        self._parent_of: list[int] = [0]
        self._depth = [0]
        self._ends = [False]
        self.count = 0
        """Phrases taken in."""
        number = {token: i for i, token in enumerate(tokens)}
        for phrase in dict.fromkeys(map(_plain, phrases)):
            ids = [number.get(character, -1) for character in phrase]
            if SHORTEST <= len(ids) <= LONGEST and -1 not in ids:
                self._add(ids)
        self._fail = self._links()
        self._at_risk = self._credits()
        self._sounding = self._by_sound()

    def follow(self, state: int, token: int) -> tuple[int, float]:
        """The node after one more token, and what that adds to the log score."""
        node = state
        while (found := self._child.get(node * self._size + token)) is None:
            if not node:
                return 0, -self._at_risk[state]
            node = self._fail[node]
        gain = self._at_risk[found] - self._at_risk[state]
        if self._ends[found]:
            # What was at risk is kept, with the character that completes the phrase.
            gain += self._worth_of(found) + self._at_risk[self._parent_of[found]]
        return found, gain

    def suggest(self, states: Iterable[int], ids: Sequence[int]) -> list[tuple[int, int, float]]:
        """Characters that a phrase under way goes on with and that sound like a candidate."""
        found: dict[int, int] = {}
        for state in states:
            node = state
            while node:
                for place, token in enumerate(ids[:_NEAR]):
                    for sound in self._sounds(token):
                        for other in self._sounding.get((node, sound), ()):
                            if other not in ids:
                                found[other] = min(found.get(other, place), place)
                node = self._fail[node]
        best = sorted(found.items(), key=lambda one: one[1])[:_AT_ONCE]
        return [(token, place, self._price) for token, place in best]

    def _add(self, ids: Sequence[int]) -> None:
        node = 0
        for token in ids:
            place = node * self._size + token
            child = self._child.get(place)
            if child is None:
                child = self._child[place] = len(self._depth)
                self._depth.append(self._depth[node] + 1)
                self._parent_of.append(node)
                self._ends.append(False)
            node = child
        self.count += not self._ends[node]
        self._ends[node] = True

    def _links(self) -> list[int]:
        """For each node, that of the longest proper suffix which begins a phrase."""
        fail = [0] * len(self._depth)
        children: list[list[tuple[int, int]]] = [[] for _ in self._depth]
        for place, child in self._child.items():
            node, token = divmod(place, self._size)
            children[node].append((token, child))
        waiting = deque(child for _, child in children[0])
        while waiting:  # in order of depth: a node's link is final before its children's are made
            node = waiting.popleft()
            for token, child in children[node]:
                back = fail[node]
                while back and back * self._size + token not in self._child:
                    back = fail[back]
                fail[child] = self._child.get(back * self._size + token, 0)
                # A shorter phrase may end within a longer one that is under way.
                self._ends[child] |= self._ends[fail[child]]
                waiting.append(child)
        return fail

    def _credits(self) -> list[float]:
        """For each node, what has been paid since the last phrase that ended on the way to it."""
        credits = [0.0] * len(self._depth)
        for node in range(1, len(credits)):  # parents come before their children
            before = credits[self._parent_of[node]]
            credits[node] = 0.0 if self._ends[node] else before + self._worth_of(node)
        return credits

    def _worth_of(self, node: int) -> float:
        return self._worth[min(self._depth[node], 2)]

    def _by_sound(self) -> dict[tuple[int, str], tuple[int, ...]]:
        """Node and sound → the tokens that go on from there and have it. Not for the root: where
        any of thousands of phrases could begin, a candidate must begin it."""
        found: dict[tuple[int, str], list[int]] = {}
        for place in self._child:
            node, token = divmod(place, self._size)
            if node:
                for sound in self._sounds(token):
                    found.setdefault((node, sound), []).append(token)
        return {key: tuple(tokens) for key, tokens in found.items()}

    def _sounds(self, token: int) -> tuple[str, ...]:
        return sounds_of(self._tokens[token])


@functools.lru_cache(maxsize=20_000)
def sounds_of(character: str) -> tuple[str, ...]:
    """Toneless pinyin of a character, every reading of it; nothing for what is not Hanzi."""
    if len(character) != 1 or not "\u4e00" <= character <= "\u9fff":
        return ()
    from pypinyin import Style, pinyin

    return tuple(dict.fromkeys(pinyin(character, style=Style.NORMAL, heteronym=True)[0]))


def read_phrases(path: Path) -> list[str]:
    """One phrase a line; what follows ``#`` is a comment. Raises :class:`PhraseFileError`."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise PhraseFileError(
            f"{path} cannot be read as a list of phrases ({error}); "
            "give a UTF-8 text file with one phrase a line"
        ) from error
    return [phrase for line in lines if (phrase := line.partition("#")[0].strip())]


def _plain(phrase: str) -> str:
    """As the recogniser would write it: half-width, without spaces and punctuation."""
    text = unicodedata.normalize("NFKC", phrase)
    return "".join(c for c in text if c.isalnum())
