"""How often characters that were already shown change, and how early characters are shown.

The recorded calls are listened to with every early partial, once for each setting of what is held
back; the same sound is asked the same questions, so the settings differ in nothing else. Times are
audio time: what the decoder's work takes comes on top.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from asr.audio.wavfile import open_audio
from asr.events import CallId, Transcript
from asr.offline import listen_many, recorded
from asr.paraformer.load import Model
from asr.party import PartyConfig
from asr.sentence import ShowConfig
from benchmarks.corpus import calls


@dataclass(frozen=True, slots=True)
class Shown:
    """What became of one utterance's characters."""

    characters: int
    """Of the final text."""
    revised: int
    """Times that a shown character was replaced or taken back."""
    delay_ms: tuple[int, ...]
    """For each character of the final text, from its end to when it was shown for good."""


def follow(revisions: Iterable[Transcript]) -> Shown:
    """Look at all revisions of one utterance, the final one last."""
    text, since_ms = "", list[int]()
    revised = 0
    last: Transcript | None = None
    for last in revisions:
        kept = [
            at if i < len(last.text) and text[i] == last.text[i] else None
            for i, at in enumerate(since_ms)
        ]
        revised += kept.count(None)
        kept += [None] * (len(last.text) - len(kept))
        since_ms = [last.at_ms if at is None else at for at in kept[: len(last.text)]]
        text = last.text
    ends_ms = [char.ms for char in last.chars] if last else []
    delays = tuple(at - end for at, end in zip(since_ms, ends_ms, strict=True))
    return Shown(len(text), revised, delays)


def measure(
    model: Model, hold_back: Sequence[float], progress: Callable[[str], None] = lambda line: None
) -> list[dict[str, Any]]:
    """Of every setting: characters, revised ones, and each character's delay."""
    found = []
    for hold in hold_back:
        utterances: dict[tuple[int, str], list[Transcript]] = {}
        config = PartyConfig(show=ShowConfig(hold_back=hold))
        recordings = (recorded(CallId(call.id), open_audio(call.wav)) for call in calls())
        for index, event in listen_many(model, recordings, config, together=16):
            if isinstance(event, Transcript):
                utterances.setdefault((index, event.utterance), []).append(event)
        shown = [follow(revisions) for revisions in utterances.values()]
        found.append(
            {
                "hold_back": hold,
                "characters": sum(one.characters for one in shown),
                "revised": sum(one.revised for one in shown),
                "delay_ms": [ms for one in shown for ms in one.delay_ms],
            }
        )
        progress(f"holding back below {hold}: done")
    return found
