"""Rules that answer from a script: the interface of a rule session without its judgement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from asr.events import Metric, Transcript, Watermark
from assist_rules.events import RuleEvent


class ScriptedRules:
    """Says what the script holds for an utterance's revision, once."""

    def __init__(self, script: Mapping[tuple[str, int], Sequence[RuleEvent]] | None = None) -> None:
        self._script = dict(script or {})

    def hear(self, transcript: Transcript) -> tuple[RuleEvent, ...]:
        """The lines of that revision."""
        return tuple(self._script.pop((transcript.utterance, transcript.revision), ()))

    def measure(self, metric: Metric) -> tuple[RuleEvent, ...]:
        """Nothing."""
        return ()

    def advance(self, watermark: Watermark) -> tuple[RuleEvent, ...]:
        """Nothing."""
        return ()

    def feedback(self, suggestion_id: str, verdict: str, at_ms: int) -> tuple[RuleEvent, ...]:
        """The lines kept under the pair of the word and the card, as revision 0."""
        return tuple(self._script.pop((f"{verdict} {suggestion_id}", 0), ()))

    def end(self, at_ms: int) -> tuple[RuleEvent, ...]:
        """The lines kept for the end."""
        return tuple(self._script.pop(("end", 0), ()))
