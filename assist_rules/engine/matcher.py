"""All phrases of a rulebook in two automata: one over characters, one over sounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import ahocorasick

from assist_rules.engine.conditions import Say
from assist_rules.engine.guards import in_real_word
from assist_rules.engine.pattern import Pattern
from assist_rules.engine.sound import same_sound, sounds_of_phrase
from assist_rules.engine.text import norm

_BY_LENGTH = {2: 0.65, 3: 0.75, 4: 0.9}
"""Confidence of a hit by sound, by its number of characters (more: 0.95)."""
ACCENT_PENALTY = 0.35
"""zh for z, n for l, ng for n."""
WORD_PENALTY = 0.35
"""What was heard is itself a word."""
WORD_CONTEXT = 4


class Anchor(NamedTuple):
    """The telling part of some phrases, met in a text."""

    start: int
    end: int
    entry: int
    by_sound: bool


class Match(NamedTuple):
    """A whole phrase met in a text; guards have not looked at it yet."""

    leaf: int
    start: int
    end: int
    confidence: float
    by_sound: bool
    at_end: bool
    parts: tuple[tuple[int, int], ...]


Candidate = tuple[Pattern, str]
Candidates = Sequence[Candidate]


class Matcher:
    """Built once per rulebook, read by every session."""

    def __init__(self, says: Sequence[Say], rivals: Mapping[str, Sequence[str]]) -> None:
        self.says = tuple(says)
        self._rivals = {norm(k): frozenset(map(norm, v)) for k, v in rivals.items()}
        exact: dict[str, list[Candidate]] = {}
        by_sound: dict[str, list[Candidate]] = {}
        for leaf, say in enumerate(self.says):
            for sequence in say.phrases:
                pattern = Pattern(leaf, sequence, say.homophones != "off")
                for text in pattern.texts[pattern.anchor]:
                    exact.setdefault(text, []).append((pattern, text))
                    if self._sounds_allowed(say, pattern, text):
                        for code in sounds_of_phrase(text):
                            by_sound.setdefault(code, []).append((pattern, text))
        self._exact = list(exact.values())
        self._by_sound = list(by_sound.values())
        self._sole = [_sole(candidates) for candidates in self._by_sound]
        self._chars = _automaton(exact)
        self._sounds = _automaton(by_sound)
        self.longest = max(map(len, exact), default=1)
        self.phrase_count = len(exact)

    def _sounds_allowed(self, say: Say, pattern: Pattern, text: str) -> bool:
        if say.homophones == "off":
            return False
        if say.homophones == "loose":
            return len(text) >= 2
        if len(text) >= 3 or (len(text) == 2 and pattern.shortest >= 4):
            return True
        return len(text) == 2 and say.homophones == "on" and self._has_rivals(text)

    def _has_rivals(self, text: str) -> bool:
        return any(word in text for word in self._rivals)

    def anchors(self, text: str, sound: str, done: int) -> list[Anchor]:
        """Anchors that end after the first ``done`` characters, in order of their ends."""
        begin = max(0, done - self.longest + 1)
        found: list[Anchor] = []
        if self._chars is not None:
            for last, (entry, length) in self._chars.iter(text, begin):
                if last >= done:
                    found.append(Anchor(last + 1 - length, last + 1, entry, False))
        if self._sounds is not None:
            sole = self._sole
            for last, (entry, length) in self._sounds.iter(sound, begin):
                # What is heard as it is written is found as it is written.
                if last >= done and text[last + 1 - length : last + 1] != sole[entry]:
                    found.append(Anchor(last + 1 - length, last + 1, entry, True))
            found.sort(key=_end)
        return found

    def candidates(self, anchor: Anchor) -> Candidates:
        """The phrases that have this anchor, each with the text that the anchor stands for."""
        return self._by_sound[anchor.entry] if anchor.by_sound else self._exact[anchor.entry]

    def matches(
        self, anchor: Anchor, candidates: Candidates, norm_text: str, sound: str
    ) -> tuple[list[Match], int, Candidates]:
        """Which candidates are there in whole; up to which place of the text what comes later
        may still change that; and those for which it may. What stands before an anchor does not
        change while the anchor stands, so what fails there fails for good."""
        if anchor.by_sound:
            return self._matches_by_sound(anchor, candidates, norm_text, sound)
        found: list[Match] = []
        alive: list[Candidate] = []
        until = 0
        for candidate in candidates:
            pattern = candidate[0]
            if pattern.plain:
                span = (anchor.start, anchor.end)
                found.append(Match(pattern.leaf, *span, 1.0, False, False, (span,)))
                alive.append(candidate)
                continue
            if pattern.fails_before(norm_text, anchor.start, sound):
                continue
            parts, open_to = self._around(pattern, anchor, norm_text, "")
            by_sound, confidence = False, 1.0
            if parts is None and pattern.sounds_around:
                parts, also_to = self._around(pattern, anchor, norm_text, sound)
                open_to = max(open_to, also_to)
                by_sound, confidence = True, 0.75
            if open_to:
                alive.append(candidate)
                until = max(until, open_to)
            if parts is not None:
                found.append(_match(pattern, parts, confidence, by_sound))
        return found, until, alive

    def _around(
        self, pattern: Pattern, anchor: Anchor, norm_text: str, sound: str
    ) -> tuple[tuple[tuple[int, int], ...] | None, int]:
        """Its parts, if all are there; how far what comes may matter, 0 for not at all."""
        left = pattern.left_of(norm_text, anchor.start, sound)
        if left is None:
            return None, 0
        right = pattern.right_of(norm_text, anchor.end, sound)
        open_to = anchor.end + pattern.after
        if right is None:
            return None, open_to
        return (*left, (anchor.start, anchor.end), *right), open_to

    def _matches_by_sound(
        self, anchor: Anchor, candidates: Candidates, norm_text: str, sound: str
    ) -> tuple[list[Match], int, Candidates]:
        heard = norm_text[anchor.start : anchor.end]
        found: list[Match] = []
        alive: list[Candidate] = []
        until = 0
        first_look = candidates is self._by_sound[anchor.entry]
        for candidate in candidates:
            pattern, meant = candidate
            if first_look and heard == meant:
                continue
            parts, open_to = self._around(pattern, anchor, norm_text, sound)
            if not open_to or (first_look and self._is_rival(heard, meant)):
                continue
            # What stands right of it decides how it is cut into words.
            until = max(until, open_to, anchor.end + WORD_CONTEXT)
            alive.append(candidate)
            if parts is None:
                continue
            confidence = self._confidence(pattern, anchor, heard, meant, norm_text)
            if confidence + 1e-9 >= self.says[pattern.leaf].min_confidence:
                found.append(_match(pattern, parts, confidence, True))
        return found, until, alive

    def _confidence(
        self, pattern: Pattern, anchor: Anchor, heard: str, meant: str, norm_text: str
    ) -> float:
        confidence = _BY_LENGTH.get(pattern.shortest, 0.95)
        if not same_sound(heard, meant):
            confidence -= ACCENT_PENALTY
        first = max(0, anchor.start - WORD_CONTEXT)
        window = norm_text[first : anchor.end + WORD_CONTEXT]
        shift = anchor.start - first
        differ = [i for i, (a, b) in enumerate(zip(heard, meant, strict=True)) if a != b]
        if any(in_real_word(window, shift + i) for i in differ):
            confidence -= WORD_PENALTY
        return confidence

    def _is_rival(self, heard: str, meant: str) -> bool:
        for word, rivals in self._rivals.items():
            at = meant.find(word)
            while at >= 0:
                if heard[at : at + len(word)] in rivals:
                    return True
                at = meant.find(word, at + 1)
        return False


def _sole(candidates: Candidates) -> str:
    """What all of them are written like; empty when they differ."""
    texts = {meant for _, meant in candidates}
    return texts.pop() if len(texts) == 1 else ""


def _end(anchor: Anchor) -> int:
    return anchor.end


def _match(
    pattern: Pattern, parts: tuple[tuple[int, int], ...], confidence: float, by_sound: bool
) -> Match:
    start, end = parts[0][0], parts[-1][1]
    return Match(pattern.leaf, start, end, confidence, by_sound, pattern.at_end, parts)


def _automaton(keys: Mapping[str, object]) -> ahocorasick.Automaton | None:
    if not keys:
        return None
    automaton = ahocorasick.Automaton()
    for entry, key in enumerate(keys):
        automaton.add_word(key, (entry, len(key)))
    automaton.make_automaton()
    return automaton
