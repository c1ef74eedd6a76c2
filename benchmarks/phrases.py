"""What favouring phrases does on noisy speech: how many more are written, and what it costs.

The phrases are those that the shipped rule packs look for, three characters and more. Held-out
sentences are spoken in the withheld voices through a telephone line with noise, decoded once, and
read with and without the phrases. Sentences that hold none of them tell what it costs.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from asr.paraformer.load import Model
from asr.paraformer.wording import Wording
from assist_rules.engine.pattern import Pattern
from assist_rules.rulebook import Rulebook
from benchmarks.accuracy import TOGETHER, Sentence, distance, hanzi, hear, read, speak
from models.training import channel
from models.training.voice import WITHHELD_VARIANTS

SHORTEST = 3


@dataclass(frozen=True, slots=True)
class Reading:
    """One utterance, read without and with the phrases."""

    text: str
    voice: str
    phrases: int
    """In the text."""
    plain: str
    plain_found: int
    plain_errors: int
    favoured: str
    favoured_found: int
    favoured_errors: int


def phrases_of(rulebook: Rulebook) -> list[str]:
    """Every plain text that the rules look for."""
    found: set[str] = set()
    for say in rulebook.matcher.says:
        for sequence in say.phrases:
            for texts in Pattern(0, sequence, False).texts:
                found.update(texts)
    return sorted(text for text in found if len(text) >= SHORTEST)


def measure(
    model: Model,
    plain: Callable[[], Wording],
    favoured: Callable[[], Wording],
    phrases: Iterable[str],
    sentences: Sequence[Sentence],
    snr_db: float,
    advance: Callable[[int], None] = lambda _: None,
) -> list[Reading]:
    """Both readings of every sentence in every withheld voice."""
    known = list(phrases)
    tasks = [(sentence.text, voice) for voice in WITHHELD_VARIANTS for sentence in sentences]
    found = []
    for first in range(0, len(tasks), TOGETHER):
        part = tasks[first : first + TOGETHER]
        heard = hear(model, [_noisy(text, voice, snr_db) for text, voice in part])
        for (text, voice), candidates in zip(part, heard, strict=True):
            spoken = hanzi(text)
            wanted = [phrase for phrase in known if phrase in spoken]
            without, with_them = read(plain(), candidates), read(favoured(), candidates)
            found.append(
                Reading(
                    spoken, voice, len(wanted),
                    without, sum(p in without for p in wanted), distance(spoken, without),
                    with_them, sum(p in with_them for p in wanted), distance(spoken, with_them),
                )
            )  # fmt: skip
        advance(len(part))
    return found


def _noisy(text: str, voice: str, snr_db: float) -> Any:
    seed = zlib.crc32(f"{text} {voice}".encode())
    colour = random.Random(seed).choice(channel.COLOURS)
    return channel.add_noise(
        speak(text, voice, "telephone"), snr_db, colour, np.random.default_rng(seed)
    )


def summarise(readings: Sequence[Reading]) -> dict[str, float]:
    """Recall of phrases and character errors, without and with them."""
    with_phrases = [r for r in readings if r.phrases]
    without = [r for r in readings if not r.phrases]
    wanted = sum(r.phrases for r in readings)
    before, after = (
        sum(getattr(r, f"{name}_found") for r in readings) for name in ("plain", "favoured")
    )

    def cer(part: Sequence[Reading], name: str) -> float:
        characters = sum(len(r.text) for r in part)
        errors = sum(getattr(r, f"{name}_errors") for r in part)
        return round(errors / characters, 4) if characters else 0.0

    return {
        "phrases_said": wanted,
        "recall_plain": round(before / wanted, 4) if wanted else 0.0,
        "recall": round(after / wanted, 4) if wanted else 0.0,
        "part_of_missed_found": round((after - before) / (wanted - before), 4)
        if wanted > before
        else 0.0,
        "cer_with_phrases_plain": cer(with_phrases, "plain"),
        "cer_with_phrases": cer(with_phrases, "favoured"),
        "cer_without_phrases_plain": cer(without, "plain"),
        "cer_without_phrases": cer(without, "favoured"),
    }


def run(
    model: Model,
    rulebook: Rulebook,
    sentences: Sequence[Sentence],
    snr_db: float,
    advance: Callable[[int], None] = lambda _: None,
) -> dict[str, Any]:
    """Raw readings and their summary. The model needs its language model beside it."""
    from asr.reading import reading_for

    known = phrases_of(rulebook)
    favoured = reading_for(model, known)
    readings = measure(model, reading_for(model), favoured, known, sentences, snr_db, advance)
    return {
        "samples": {"readings": [asdict(reading) for reading in readings]},
        "summary": {"phrases_known": len(known), **summarise(readings)},
    }
