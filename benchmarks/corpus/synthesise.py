"""Turn `scripts/<call-id>.yaml` into `<call-id>.wav` and `<call-id>.labels.json`.

    python -m benchmarks.corpus.synthesise            # write all recordings and labels
    python -m benchmarks.corpus.synthesise --check    # compare with the committed files

The same scripts give the same bytes with the same espeak-ng. Another espeak-ng may round a sample
differently; `--check` then accepts audio whose loudness over time is the same.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import multiprocessing
import sys
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import yaml
from pydantic import BaseModel, ConfigDict, Field
from scipy.signal import butter, resample_poly, sosfilt

from benchmarks.corpus import FOLDER, SCRIPTS
from benchmarks.dialogues import Role
from models.training.channel import add_hiss, noise
from models.training.voice import SAMPLE_RATE_HZ, Voice, say

Samples = npt.NDArray[np.float32]

LINE_RATE_HZ = 8_000
TAIL_MS = 800
SPEECH_RMS_DB = -22.0  # of full scale, over the syllables of a turn
PEAK_LIMIT = 0.89
HISS_DB = -66.0  # no line is digitally silent
#: Pink room noise behind each party, decibels of full scale. Customers call from noisier places.
ROOM_DB: dict[Role, float] = {"agent": -64.0, "customer": -58.0}
PARTIES: tuple[Role, ...] = ("agent", "customer")  # in the order of the channels

_TELEPHONE_BAND = butter(4, [300, 3400], "bandpass", fs=LINE_RATE_HZ, output="sos")
_SAMPLES_PER_MS = SAMPLE_RATE_HZ // 1000
_ENVELOPE_MS = 20


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Title(_Strict):
    zh: str
    en: str


class ScriptVoice(_Strict):
    """How one party speaks; see models.training.voice.Voice."""

    variant: str
    rate: int  # espeak words per minute
    pitch: int
    range: int

    def voice(self) -> Voice:
        return Voice(self.variant, self.rate, self.pitch, self.range)


class ScriptLabel(_Strict):
    category: str
    quote: str = ""  # empty for an absence: the label then spans the turn
    card: bool
    at_once: bool = False  # the card may not be held back
    accept_turns: tuple[int, ...] = ()


class ScriptTurn(_Strict):
    role: Role
    text: str  # Hanzi and commas
    pause_ms: int  # after all that was said before; negative: speaks over the end of it
    labels: tuple[ScriptLabel, ...] = ()
    optional: tuple[str, ...] = ()

    @property
    def characters(self) -> str:
        return self.text.replace("，", "")


class Script(_Strict):
    """One call as written: who says what, and what should fire on it."""

    id: str
    title: Title
    domain: str
    voices: dict[Role, ScriptVoice]
    absent: tuple[str, ...]
    optional_anywhere: tuple[str, ...] = ()  # on every turn of the party that it is about
    turns: tuple[ScriptTurn, ...] = Field(min_length=2)


@dataclass(frozen=True, slots=True)
class Recording:
    """What one script becomes: the bytes of the WAV file and the labels beside it."""

    id: str
    wav: bytes
    labels: dict[str, Any]


def read_script(path: Path) -> Script:
    """Read and validate one script."""
    return Script.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def scripts() -> list[Script]:
    """All scripts, sorted by id."""
    return [read_script(path) for path in sorted(SCRIPTS.glob("*.yaml"))]


def record(scripts: Iterable[Script]) -> Iterator[Recording]:
    """Record scripts in their order, each in a process of its own.

    espeak-ng keeps state from one sentence to the next, so that what was said before moves a
    syllable by some milliseconds. A fresh process makes a call depend on its script alone.
    """
    with ProcessPoolExecutor(
        max_workers=2, mp_context=multiprocessing.get_context("spawn"), max_tasks_per_child=1
    ) as pool:
        yield from pool.map(_synthesise, scripts)


def _synthesise(script: Script) -> Recording:
    """Speak a script over a telephone line. Repeatable only as the first words of a process."""
    turns, tracks = _speak(script)
    rng = np.random.default_rng(zlib.crc32(script.id.encode()))
    line = np.stack([_line(tracks[p], ROOM_DB[p], rng) for p in PARTIES], axis=1)
    return Recording(script.id, _mu_law_wav(line), _labels(script, turns, len(line)))


def _speak(script: Script) -> tuple[list[dict[str, Any]], dict[Role, Samples]]:
    """Every turn with its times, and each party's clean track at 16 kHz."""
    turns: list[dict[str, Any]] = []
    clips: list[tuple[Role, int, Samples]] = []
    spoken_until_ms = 0
    for turn in script.turns:
        spoken = say(turn.text, script.voices[turn.role].voice())
        first_ms = round(spoken.times[0][0])
        clip_ms = max(0, spoken_until_ms + turn.pause_ms - first_ms)
        chars = [[clip_ms + round(start), clip_ms + round(end)] for start, end in spoken.times]
        turns.append(
            {
                "role": turn.role,
                "start_ms": chars[0][0],
                "end_ms": chars[-1][1],
                "text": spoken.text,
                "chars": chars,
            }
        )
        clips.append((turn.role, clip_ms * _SAMPLES_PER_MS, _levelled(spoken.samples)))
        spoken_until_ms = max(spoken_until_ms, chars[-1][1])

    total = max((spoken_until_ms + TAIL_MS) * _SAMPLES_PER_MS, *(s + len(c) for _, s, c in clips))
    total += -total % _SAMPLES_PER_MS
    tracks: dict[Role, Samples] = {role: np.zeros(total, np.float32) for role in PARTIES}
    for role, start, clip in clips:
        tracks[role][start : start + len(clip)] += clip
    return turns, tracks


def _levelled(clip: Samples) -> Samples:
    """Bring speech to the common level, and peaks below the limit."""
    loud = clip[np.abs(clip) > 0.02]
    gain = 10 ** (SPEECH_RMS_DB / 20) / float(np.sqrt(np.mean(np.square(loud))))
    return clip * np.float32(min(gain, PEAK_LIMIT / float(np.abs(clip).max())))


def _line(track: Samples, room_db: float, rng: np.random.Generator) -> Samples:
    """One party's telephone line: room, 8 kHz, 300-3400 Hz, hiss."""
    room = noise(len(track), "pink", rng) * np.float32(10 ** (room_db / 20))
    narrow = sosfilt(_TELEPHONE_BAND, resample_poly(track + room, 1, 2)).astype(np.float32)
    return add_hiss(narrow, HISS_DB, rng)


def _mu_law_wav(line: Samples) -> bytes:
    pcm = np.round(np.clip(line, -1, 1) * 32767).astype(np.int16)
    file = io.BytesIO()
    soundfile.write(file, pcm, LINE_RATE_HZ, format="WAV", subtype="ULAW")
    return file.getvalue()


def _labels(script: Script, turns: list[dict[str, Any]], samples: int) -> dict[str, Any]:
    labels: list[dict[str, Any]] = []
    optional: list[dict[str, Any]] = []
    for index, (turn, timed) in enumerate(zip(script.turns, turns, strict=True)):
        labels += [_label(index, label, timed) for label in turn.labels]
        anywhere = [c for c in script.optional_anywhere if c.startswith(turn.role)]
        optional += [{"turn": index, "category": c} for c in (*turn.optional, *anywhere)]
    return {
        "id": script.id,
        "domain": script.domain,
        "title": script.title.zh,
        "title_en": script.title.en,
        "rate": LINE_RATE_HZ,
        "duration_ms": samples * 1000 // LINE_RATE_HZ,
        "turns": turns,
        "labels": labels,
        "absent": list(script.absent),
        "optional": optional,
    }


def _label(index: int, label: ScriptLabel, turn: dict[str, Any]) -> dict[str, Any]:
    start, end = turn["start_ms"], turn["end_ms"]
    if label.quote:
        first = turn["text"].index(label.quote)
        start = turn["chars"][first][0]
        end = turn["chars"][first + len(label.quote) - 1][1]
    placed = {
        "turn": index,
        "category": label.category,
        "quote": label.quote,
        "start_ms": start,
        "end_ms": end,
        "card": label.card,
    }
    if label.at_once:
        placed["at_once"] = True
    if label.accept_turns:
        placed["accept_turns"] = list(label.accept_turns)
    return placed


def to_json(labels: dict[str, Any]) -> str:
    """JSON that diffs well: one line per turn, label and optional entry."""
    lines = []
    for key, value in labels.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            rows = ",\n".join(f"    {json.dumps(row, ensure_ascii=False)}" for row in value)
            lines.append(f'  "{key}": [\n{rows}\n  ]')
        else:
            lines.append(f'  "{key}": {json.dumps(value, ensure_ascii=False)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def write(recording: Recording, folder: Path = FOLDER) -> None:
    """Write the WAV file and the labels."""
    (folder / f"{recording.id}.wav").write_bytes(recording.wav)
    text = to_json(recording.labels)
    (folder / f"{recording.id}.labels.json").write_text(text, encoding="utf-8", newline="\n")


def differences(recording: Recording, folder: Path = FOLDER) -> list[str]:
    """How the files in `folder` differ from a fresh recording; empty when they do not."""
    wav = folder / f"{recording.id}.wav"
    labels = folder / f"{recording.id}.labels.json"
    missing = [f"{path.name} is missing" for path in (wav, labels) if not path.exists()]
    if missing:
        return missing
    found = []
    if json.loads(labels.read_text(encoding="utf-8")) != recording.labels:
        found.append(f"{labels.name} does not match its script")
    if not _same_audio(wav.read_bytes(), recording.wav):
        found.append(f"{wav.name} does not sound like its script")
    return found


def _same_audio(committed: bytes, fresh: bytes) -> bool:
    if hashlib.sha256(committed).digest() == hashlib.sha256(fresh).digest():
        return True
    a, b = _envelope(committed), _envelope(fresh)
    if a.shape != b.shape:
        return False
    return all(float(np.corrcoef(a[:, c], b[:, c])[0, 1]) > 0.99 for c in range(a.shape[1]))


def _envelope(wav: bytes) -> npt.NDArray[np.float64]:
    """Decibels of every 20 ms of every channel."""
    samples, _ = soundfile.read(io.BytesIO(wav), dtype="float64", always_2d=True)
    frame = LINE_RATE_HZ * _ENVELOPE_MS // 1000
    count = len(samples) // frame
    framed = samples[: count * frame].reshape(count, frame, samples.shape[1])
    return np.asarray(10 * np.log10(np.mean(np.square(framed), axis=1) + 1e-9), np.float64)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check: bool = parser.parse_args().check
    failed = False
    for recording in record(scripts()):
        if check:
            problems = differences(recording)
            failed = failed or bool(problems)
            sys.stdout.write(f"{recording.id}: {'; '.join(problems) or 'ok'}\n")
        else:
            write(recording)
            seconds = recording.labels["duration_ms"] / 1000
            sys.stdout.write(f"{recording.id}: {seconds:.1f} s\n")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
