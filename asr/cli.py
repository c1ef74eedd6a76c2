"""``tingban transcribe``: recordings to text, without a running server."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from asr.audio.wavfile import AudioFile, AudioFileError, open_audio, packets, parse_parties
from asr.events import AudioFrame, CallId, Party, StreamFailed, Transcript

if TYPE_CHECKING:
    from asr.paraformer.load import Model

FAILED, USAGE = 1, 2
_COLOURS = {Party.AGENT: "cyan", Party.CUSTOMER: "magenta", Party.UNKNOWN: "white"}


def transcribe(
    files: Annotated[
        list[Path],
        typer.Argument(help="Recordings: WAV and the like, one or two channels.", metavar="FILE…"),
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object per transcript revision on stdout.")
    ] = False,
    asr: Annotated[
        str, typer.Option(help="Recogniser: a name from `tingban models list`, or a folder.")
    ] = "bundled",
    parties: Annotated[
        str | None,
        typer.Option(
            help="Who is on each channel, e.g. customer,agent. Otherwise the first of two is the "
            "agent, and one channel is both, mixed."
        ),
    ] = None,
) -> None:
    """Write down what is said in recordings, as far as it is known, while it is heard."""
    try:
        named = parse_parties(parties) if parties is not None else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--parties") from error
    jobs, failures = _look_at(files, named)
    if jobs:
        model = _load(asr)
        if model is None:
            raise typer.Exit(FAILED)
        screen = _Lines() if as_json else _Screen(many=len(files) > 1)
        with screen:
            failures += _listen(model, jobs, screen)
    if failures:
        _complain(f"{failures} of {len(files)} recordings failed" if len(files) > 1 else "failed")
        raise typer.Exit(FAILED)


@dataclass(slots=True)
class _Job:
    """One recording, and what went wrong with it."""

    name: str
    file: AudioFile
    position_ms: int = 0
    problems: list[str] = field(default_factory=list)

    def read(self) -> Iterator[AudioFrame]:
        """Its packets. One that breaks off in the middle is heard up to there."""
        try:
            for frame in packets(CallId(self.name), self.file):
                self.position_ms = frame.start_sample * 1000 // self.file.rate_hz
                yield frame
        except AudioFileError as error:
            self.problems.append(error.message)


def _look_at(files: list[Path], parties: tuple[Party, ...] | None) -> tuple[list[_Job], int]:
    """Open every file before the model is loaded, so that wrong ones are told of at once."""
    jobs, failures = [], 0
    for path in files:
        try:
            file = open_audio(path, parties)
        except AudioFileError as error:
            failures += 1
            _complain(str(error))
            continue
        if file.warning:
            _complain(f"{path}: {file.warning}")
        jobs.append(_Job(str(path), file))
    return jobs, failures


def _load(asr: str) -> Model | None:
    from asr.paraformer.load import ModelError, load_model
    from asr.paraformer.network import native_precision
    from models.manifest import cards
    from models.store import StoreError, locate

    try:
        directory = locate(asr)
        with Console(stderr=True).status(f"loading {directory.name}"):
            model = load_model(directory, native_precision())
    except (StoreError, ModelError) as error:
        _complain(str(error))
        return None
    card = cards().get(asr)
    if card and card.demonstration:
        _complain(
            f"{asr}: a demonstration that understands synthesised speech only; for people: "
            "tingban models fetch paraformer-zh-streaming, then --asr paraformer-zh-streaming"
        )
    return model


def _listen(model: Model, jobs: list[_Job], screen: _Lines | _Screen) -> int:
    """Show every revision; how many recordings failed."""
    from asr.offline import Recording, listen_many

    recordings = [
        Recording(CallId(job.name), job.file.parties, job.file.rate_hz, job.read()) for job in jobs
    ]
    for index, event in listen_many(model, recordings):
        if isinstance(event, Transcript):
            screen.show(jobs[index].name, event)
        elif isinstance(event, StreamFailed):
            jobs[index].problems.append(f"{event.party}: {event.message}")
        screen.progress(jobs)
    for job in jobs:
        for problem in job.problems:
            _complain(f"{job.name}: {problem}")
    return sum(bool(job.problems) for job in jobs)


class _Lines:
    """JSON lines on stdout; progress on stderr where somebody sees it."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._status = console.status("") if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._status:
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._status:
            self._status.stop()

    def show(self, name: str, transcript: Transcript) -> None:
        row: dict[str, Any] = {
            "type": "transcript",
            "file": name,
            "party": transcript.party,
            "utterance": transcript.utterance,
            "revision": transcript.revision,
            "final": transcript.final,
            "text": transcript.text,
            "stable": transcript.stable,
            "start_ms": transcript.start_ms,
            "end_ms": transcript.end_ms,
            "at_ms": transcript.at_ms,
        }
        sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
        sys.stdout.flush()

    def progress(self, jobs: list[_Job]) -> None:
        if self._status:
            self._status.update(_done(jobs))


class _Screen:
    """For people: finals one below the other, what is being said now beneath them."""

    def __init__(self, many: bool) -> None:
        self._console = Console(highlight=False)
        self._many = many
        self._now: dict[tuple[str, str], Text] = {}
        self._done = ""
        self._live = (
            Live(console=self._console, transient=True, auto_refresh=False)
            if self._console.is_terminal
            else None
        )

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.stop()

    def show(self, name: str, transcript: Transcript) -> None:
        line = self._line(name, transcript)
        key = (name, transcript.utterance)
        if not transcript.final:
            self._now[key] = line
            return
        self._now.pop(key, None)
        if transcript.text:
            self._console.print(line, soft_wrap=True)
            self._console.file.flush()

    def progress(self, jobs: list[_Job]) -> None:
        if self._live and (done := _done(jobs)) != self._done:
            self._done = done
            lines = [*self._now.values(), Text(done, style="dim")]
            self._live.update(Text("\n").join(lines), refresh=True)

    def _line(self, name: str, transcript: Transcript) -> Text:
        seconds = transcript.start_ms / 1000
        line = Text(f"{name}  " if self._many else "", style="dim")
        line.append(f"{int(seconds // 60):02}:{seconds % 60:04.1f}  ", style="dim")
        line.append(f"{transcript.party:<8}  ", style=_COLOURS[transcript.party])
        line.append(transcript.text[: transcript.stable])
        line.append(transcript.text[transcript.stable :], style="italic dim")
        return line


def _done(jobs: list[_Job]) -> str:
    heard_s = sum(job.position_ms for job in jobs) // 1000
    total_s = max(sum(job.file.duration_ms for job in jobs) // 1000, 1)
    share = min(heard_s * 100 // total_s, 100)
    return (
        f"heard {heard_s // 60}:{heard_s % 60:02} of {total_s // 60}:{total_s % 60:02} ({share} %)"
    )


def _complain(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
