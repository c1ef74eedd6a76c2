"""Character errors on recordings of one's own: WAVs with what was said in them.

Beside each ``NAME.wav`` lies ``NAME.txt`` or, as in ``corpus/``, ``NAME.labels.json``. In a text
file a line ``agent: …`` or ``customer: …`` belongs to that party; other lines belong to the only
party of a one-channel recording. Each party is judged by itself, so it does not matter who spoke
first. Only Hanzi count: a recogniser writes no punctuation, and numbers as they are said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from asr.audio.wavfile import AudioFileError, open_audio
from asr.events import CallId, Party, Transcript
from asr.offline import listen_many, recorded
from asr.paraformer.load import Model
from asr.paraformer.network import Precision
from asr.paraformer.state import CHUNK_600_MS, ChunkShape
from asr.paraformer.wording import Greedy, Wording
from asr.reading import reading_for
from asr.second_pass import SecondPass
from benchmarks import corpus
from benchmarks.accuracy import Reading, distance, hanzi, syllables

CONDITION = "recordings"


@dataclass(frozen=True, slots=True)
class Spoken:
    """One recording, and what each party says in it."""

    wav: Path
    said: dict[Party, str]


def spoken(folder: Path) -> list[Spoken]:
    """Every recording of a folder that has its words beside it.

    Raises ``LookupError`` if there is none, or if a text fits no party of its recording.
    """
    found = []
    for wav in sorted(folder.glob("*.wav")):
        text, labels = wav.with_suffix(".txt"), wav.with_suffix(".labels.json")
        if text.exists():
            found.append(Spoken(wav, _read_text(wav, text)))
        elif labels.exists():
            turns = [(Party(turn.role), turn.text) for turn in corpus.load(labels).turns]
            found.append(Spoken(wav, _joined(turns)))
    if not found:
        raise LookupError(f"{folder} holds no NAME.wav with a NAME.txt or NAME.labels.json")
    return found


def _read_text(wav: Path, text: Path) -> dict[Party, str]:
    try:
        parties = open_audio(wav).parties
    except AudioFileError as error:
        raise LookupError(str(error)) from error
    lines = []
    for number, line in enumerate(text.read_text(encoding="utf-8").splitlines(), 1):
        name, colon, words = line.replace("：", ":").partition(":")
        party = next((p for p in parties if colon and name.strip() == p), None)
        if party is not None:
            lines.append((party, words))
        elif len(parties) == 1:
            lines.append((parties[0], line))
        elif line.strip():
            names = " or ".join(f"'{p}:'" for p in parties)
            raise LookupError(f"{text}:{number}: begin each line with {names}")
    return _joined(lines)


def _joined(turns: Sequence[tuple[Party, str]]) -> dict[Party, str]:
    said: dict[Party, str] = defaultdict(str)
    for party, words in turns:
        said[party] += hanzi(words)
    return {party: text for party, text in said.items() if text}


def measure(
    model: Model,
    precision: Precision,
    found: Sequence[Spoken],
    shape: ChunkShape = CHUNK_600_MS,
    again: bool = False,
) -> list[Reading]:
    """One reading for each party of each recording, heard as in a live call; ``again``: and once
    more by the second pass.

    Raises ``LookupError`` for a recording that cannot be read.
    """
    plain = _hear(model, found, lambda: Greedy(model.tokens, model.unspoken), shape, again)
    read = _hear(model, found, reading_for(model), shape, again)
    return [
        Reading(
            text=text,
            kind=party,
            voice=one.wav.stem,
            condition=CONDITION,
            precision=precision,
            plain=plain[index, party],
            read=read[index, party],
            characters=len(text),
            plain_errors=distance(text, plain[index, party]),
            read_errors=distance(text, read[index, party]),
            syllable_errors=distance(syllables(text), syllables(read[index, party])),
        )
        for index, one in enumerate(found)
        for party, text in one.said.items()
    ]


def _hear(
    model: Model,
    found: Sequence[Spoken],
    new_wording: Callable[[], Wording],
    shape: ChunkShape,
    again: bool,
) -> dict[tuple[int, Party], str]:
    heard: dict[tuple[int, Party], dict[str, str]] = defaultdict(dict)
    second = SecondPass(model, new_wording) if again else None
    try:
        calls = [recorded(CallId(one.wav.stem), open_audio(one.wav)) for one in found]
    except AudioFileError as error:
        raise LookupError(str(error)) from error
    for index, event in listen_many(
        model, calls, new_wording=new_wording, shape=shape, second=second
    ):
        if isinstance(event, Transcript) and event.final:
            heard[index, event.party][event.utterance] = hanzi(event.text)
    whole = {key: "".join(texts.values()) for key, texts in heard.items()}
    return defaultdict(str, whole)
