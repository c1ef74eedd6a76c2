"""What may never be trained on, neither as speech nor as language-model text.

A sentence is kept out when it equals a withheld sentence, shares with one a clause of seven or more
characters, or contains such a clause. Shorter clauses (您好, 请稍等) are everyday phrases.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import yaml

LONG_CLAUSE = 7
_NOT_HANZI = re.compile(r"[^\u4e00-\u9fff]+")

_BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
HELDOUT_FILE = _BENCHMARKS / "heldout" / "sentences.txt"
CALL_SCRIPTS = _BENCHMARKS / "corpus" / "scripts"
DEV_FILE = Path(__file__).with_name("phrases") / "dev.txt"


def clauses(sentence: str) -> list[str]:
    """The pieces between pause marks."""
    return [piece for piece in _NOT_HANZI.split(sentence) if piece]


class Withheld:
    """A set of sentences, and the question whether another one gives them away."""

    def __init__(self, sentences: Iterable[str]) -> None:
        self._sentences: set[str] = set()
        self._by_start: dict[str, set[str]] = {}
        for sentence in sentences:
            pieces = clauses(sentence)
            if pieces:
                self._sentences.add("".join(pieces))
            for piece in pieces:
                if len(piece) >= LONG_CLAUSE:
                    self._by_start.setdefault(piece[:LONG_CLAUSE], set()).add(piece)

    def __len__(self) -> int:
        return len(self._sentences)

    def blocks(self, sentence: str) -> bool:
        """True when the sentence must be kept out of training."""
        text = "".join(clauses(sentence))
        if text in self._sentences:
            return True
        for start in range(len(text) - LONG_CLAUSE + 1):
            for clause in self._by_start.get(text[start : start + LONG_CLAUSE], ()):
                if text.startswith(clause, start):
                    return True
        return False


def read_sentences(path: Path) -> list[str]:
    """The lines of a file that are neither empty nor a heading."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def withheld_sentences(
    heldout: Path = HELDOUT_FILE, scripts: Path = CALL_SCRIPTS, dev: Path = DEV_FILE
) -> list[str]:
    """The held-out list, every turn of the benchmark calls, and the development sentences."""
    found = read_sentences(heldout) + read_sentences(dev)
    for script in sorted(scripts.glob("*.yaml")):
        call = yaml.safe_load(script.read_text(encoding="utf-8"))
        found += [str(turn["text"]) for turn in call.get("turns", []) if turn.get("text")]
    return found


def load_withheld() -> Withheld:
    """Everything that is withheld in this repository."""
    return Withheld(withheld_sentences())
