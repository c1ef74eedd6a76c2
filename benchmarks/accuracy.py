"""How well the bundled recogniser hears: character errors on sentences and voices it never met.

The sentences are `heldout/sentences.txt`. Each is spoken at run time by the three voices kept out
of training, and decoded in streaming chunks twice over, clean and through a telephone line. The
same candidates are read plainly and with the language model, so the two differ in nothing else.
Precisions are compared on the same sound.

The speech is synthesised. The figures say how the path works, not how people are understood.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from asr.paraformer.decoder import Decoder, Kind, Question
from asr.paraformer.load import Model
from asr.paraformer.network import Precision
from asr.paraformer.state import CHUNK_600_MS, ChunkShape
from asr.paraformer.step import Heard
from asr.paraformer.wording import Greedy, Wording
from models.training import channel
from models.training.voice import WITHHELD_VARIANTS, Voice, say

SENTENCES = Path(__file__).parent / "heldout" / "sentences.txt"
CONDITIONS = ("clean", "telephone")
TOGETHER = 16
"""Utterances decoded in one batch."""

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sentence:
    """What is said, and of which kind."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Reading:
    """One utterance, what was understood of it, and the errors in that."""

    text: str
    kind: str
    voice: str
    condition: str
    precision: str
    plain: str
    """Best candidate of every position."""
    read: str
    """With the language model."""
    characters: int
    plain_errors: int
    read_errors: int
    syllable_errors: int
    """Of `read`, in toneless pinyin: what remains when homophones are forgiven."""


def read_sentences(path: Path = SENTENCES) -> list[Sentence]:
    """The lines of a file; a heading names the kind of those below it."""
    kind = ""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            kind = line.lstrip("# ").strip()
        elif line.strip():
            found.append(Sentence(line.strip(), kind))
    return found


def speak(text: str, variant: str, condition: str) -> Samples:
    """16 kHz speech in a manner that depends on the arguments alone, but for espeak's breath noise."""
    rng = random.Random(f"{text} {variant}")
    voice = Voice(variant, rng.randint(145, 215), rng.randint(35, 65), rng.randint(35, 65))
    samples = channel.gain(say(text, voice).samples, rng.uniform(-20, -6))
    samples = channel.pad(samples, rng.uniform(100, 400), rng.uniform(200, 400))
    if condition == "telephone":
        samples = channel.telephone(samples)
    return channel.add_hiss(samples, -72, np.random.default_rng(rng.getrandbits(32)))


Candidates = tuple[NDArray[np.int64], NDArray[np.float32]]
"""(n, k) token ids, best first, and their log probabilities."""


def hear(
    model: Model, utterances: Sequence[Samples], shape: ChunkShape = CHUNK_600_MS
) -> list[Candidates]:
    """Stream utterances side by side through the engine's own step, in whole chunks."""
    decoder = Decoder(model, shape)
    size = decoder.shape.samples
    streams = [decoder.open() for _ in utterances]
    heard: list[list[Heard]] = [[] for _ in utterances]
    under_way = list(range(len(utterances)))
    start = 0
    while under_way:
        questions = []
        for i in under_way:
            samples = utterances[i]
            streams[i].push(samples[start : start + size])
            ends = start + size >= len(samples)
            kind = Kind.END if ends else Kind.CHUNK
            questions.append(Question(streams[i], kind, min(start + size, len(samples))))
        for i, question, answer in zip(under_way, questions, decoder.hear(questions), strict=True):
            firm = len(answer.ids) if question.kind is Kind.END else answer.firm
            heard[i].append(
                Heard(answer.ids[:firm], answer.logp[:firm], answer.frames[:firm], firm)
            )
            if question.kind is Kind.END:
                decoder.close(streams[i])
        start += size
        under_way = [i for i in under_way if start < len(utterances[i])]
    return [
        (np.concatenate([h.ids for h in parts]), np.concatenate([h.logp for h in parts]))
        for parts in heard
    ]


def read(wording: Wording, candidates: Candidates) -> str:
    """The final text of an utterance."""
    wording.absorb(*candidates)
    wording.finish()
    return wording.text


def measure(
    models: Mapping[Precision, Model],
    begin: Callable[[], Wording],
    sentences: Sequence[Sentence],
    voices: Sequence[str] = WITHHELD_VARIANTS,
    conditions: Sequence[str] = CONDITIONS,
    shape: ChunkShape = CHUNK_600_MS,
    advance: Callable[[int], None] = lambda _: None,
) -> list[Reading]:
    """Every sentence in every voice and condition, spoken once and heard at every precision.

    `begin` starts the reading that is judged."""
    tasks = [(s, v, c) for c in conditions for v in voices for s in sentences]
    readings = []
    for first in range(0, len(tasks), TOGETHER):
        part = tasks[first : first + TOGETHER]
        spoken = [speak(s.text, v, c) for s, v, c in part]
        for precision, model in models.items():
            for task, candidates in zip(part, hear(model, spoken, shape), strict=True):
                plain = read(Greedy(model.tokens, model.unspoken), candidates)
                readings.append(_judge(*task, precision, plain, read(begin(), candidates)))
        advance(len(part))
    return readings


def _judge(
    sentence: Sentence, voice: str, condition: str, precision: Precision, plain: str, read: str
) -> Reading:
    text = hanzi(sentence.text)
    return Reading(
        text=text,
        kind=sentence.kind,
        voice=voice,
        condition=condition,
        precision=precision,
        plain=plain,
        read=read,
        characters=len(text),
        plain_errors=distance(text, plain),
        read_errors=distance(text, read),
        syllable_errors=distance(syllables(text), syllables(read)),
    )


def hanzi(text: str) -> str:
    """What of a text counts: recognisers write no punctuation, and numbers as they are said."""
    return "".join(c for c in text if "\u4e00" <= c <= "\u9fff")


def distance(wanted: Sequence[str], got: Sequence[str]) -> int:
    """Fewest insertions, deletions and substitutions."""
    row = list(range(len(got) + 1))
    for i, a in enumerate(wanted, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(got, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]


def syllables(text: str) -> list[str]:
    """Toneless pinyin."""
    from pypinyin import lazy_pinyin

    return [str(syllable) for syllable in lazy_pinyin(text)]


def summarise(readings: Iterable[Reading]) -> dict[str, dict[str, float]]:
    """Rates by condition, by condition and voice, and by condition and kind."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0] * 6)
    for r in readings:
        for name in (
            r.condition,
            f"{r.condition} · voice {r.voice}",
            f"{r.condition} · {r.kind}",
        ):
            numbers = (
                r.characters,
                r.plain_errors,
                r.read_errors,
                r.syllable_errors,
                1,
                int(r.read == r.text),
            )
            sums[name] = [a + b for a, b in zip(sums[name], numbers, strict=True)]
    return {
        name: {
            "utterances": total[4],
            "characters": total[0],
            "cer_plain": round(total[1] / total[0], 4),
            "cer": round(total[2] / total[0], 4),
            "syllable_errors": round(total[3] / total[0], 4),
            "whole_right": round(total[5] / total[4], 4),
        }
        for name, total in sorted(sums.items(), key=_place)
    }


def losses(readings: Iterable[Reading]) -> dict[str, dict[str, dict[str, float]]]:
    """By precision and condition: the error rate, and points lost against the first precision."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    by_precision: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        by_precision[reading.precision].append(reading)
    for precision, part in by_precision.items():
        rows = summarise(part)
        first = next(iter(found.values()), {})
        found[precision] = {
            condition: {
                "cer": row["cer"],
                "points_lost": round(100 * (row["cer"] - first.get(condition, row)["cer"]), 2),
            }
            for condition, row in rows.items()
            if condition in CONDITIONS
        }
    return found


def _place(entry: tuple[str, object]) -> tuple[str, int]:
    """Conditions first, then their voices, then their kinds; each in order of appearance."""
    condition, _, part = entry[0].partition(" · ")
    return condition, 0 if not part else 1 if part.startswith("voice ") else 2


def table(
    summary: dict[str, dict[str, float]],
    title: str = "Held-out sentences, withheld synthetic voices, streaming in chunks",
) -> Table:
    """For people."""
    shown = Table(title=title)
    shown.add_column("")
    for heading in ("utterances", "CER plain", "CER", "syllable errors", "whole right"):
        shown.add_column(heading, justify="right")
    for name, row in summary.items():
        if name == "precisions":
            continue
        shown.add_row(
            name,
            str(row["utterances"]),
            *(f"{row[key]:.1%}" for key in ("cer_plain", "cer", "syllable_errors", "whole_right")),
            style="bold" if "·" not in name else None,
        )
    return shown


def run(
    directory: Path,
    sentences: Path = SENTENCES,
    limit: int = 0,
    precisions: Sequence[Precision] = (Precision.FP32,),
    shape: ChunkShape = CHUNK_600_MS,
    advance: Callable[[int], None] = lambda _: None,
    device: str = "cpu",
) -> dict[str, Any]:
    """Everything `tingban bench accuracy` needs: raw readings and their summary."""
    from asr.paraformer.load import load_model
    from asr.reading import reading_for

    models = {precision: load_model(directory, precision, device) for precision in precisions}
    first = next(iter(models.values()))
    chosen = read_sentences(sentences)[: limit or None]
    readings = measure(models, reading_for(first), chosen, shape=shape, advance=advance)
    of_first = [reading for reading in readings if reading.precision == precisions[0]]
    return {
        "samples": {
            "readings": [asdict(reading) for reading in of_first],
            "other_precisions": [asdict(r) for r in readings if r.precision != precisions[0]],
        },
        "summary": {**summarise(of_first), "precisions": losses(readings)},
    }
