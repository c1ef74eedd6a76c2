"""An accusation that the second pass does not bear out is taken back, from sound to wire."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from asr.events import CallId, Party, Transcript
from asr.offline import listen
from asr.party import PartyConfig
from asr.recogniser import RecogniserInfo
from asr.second_pass import SecondPass
from asr.sentence import ShowConfig
from assist_rules.events import Alert, CallInfo, Retraction, State, Suggestion
from assist_rules.rulebook import Rulebook, load_rulebook
from assist_rules.session import RuleSession
from server.events import CallEvent, Status
from server.replay.play import play
from server.wire import from_wire, to_wire
from tests.asr.talk import RATE, model, talk

CALL = CallId("call")
SECONDS = 5
FORBIDDEN, HARMLESS = "这个我不清楚啊就这样", "这个我来给您查一下"


class Recital:
    """Reads a text out of whatever was heard, a character for each token."""

    def __init__(self, text: str, heard: int = 0) -> None:
        self._text, self._heard = text, heard

    @property
    def text(self) -> str:
        return self._text[: self._heard]

    @property
    def stable(self) -> int:
        return 0

    @property
    def confidence(self) -> Sequence[float]:
        return [0.9] * len(self.text)

    @property
    def positions(self) -> Sequence[int]:
        return range(len(self.text))

    def absorb(self, ids: NDArray[np.int64], logp: NDArray[np.float32]) -> None:
        self._heard += len(ids)

    def clone(self) -> Self:
        return type(self)(self._text, self._heard)

    def finish(self) -> None:
        """Nothing was held back."""


@cache
def rulebook() -> Rulebook:
    return load_rulebook([Path(__file__).parents[1] / "rules" / "practice.yaml"])


@cache
def call(second: str | None) -> list[CallEvent]:
    """The agent's first words heard as something forbidden, then as ``second``."""
    party = PartyConfig(show=ShowConfig(hold_back=0.0))
    again = SecondPass(model(), lambda: Recital(second)) if second else None

    def hear(sound):
        return listen(
            model(),
            CALL,
            [Party.AGENT],
            RATE,
            sound,
            party,
            lambda: Recital(FORBIDDEN),
            second=again,
        )

    sound = talk(CALL, SECONDS, parties=[Party.AGENT])
    info = CallInfo(CALL, agent="ann")
    recogniser = RecogniserInfo("scripted", True)
    return list(
        play(info, recogniser, lambda i: RuleSession(rulebook(), i), hear, sound, SECONDS * 1000)
    )


def of(events: list[CallEvent], kind: type) -> list:
    return [event.body for event in events if isinstance(event.body, kind)]


def test_words_that_were_misheard_are_replaced_and_the_accusation_is_corrected() -> None:
    events = call(HARMLESS)
    accused = next(a for a in of(events, Alert) if a.category == "agent.forbidden")
    states = [a.state for a in of(events, Alert) if a.id == accused.id]
    assert states[-1] is State.CONFIRMED
    cards = {s.id for s in of(events, Suggestion) if s.alert == accused.id}
    taken_back = {r.id: r.why for r in of(events, Retraction)}
    assert cards
    assert all(taken_back[id_] == "corrected" for id_ in {accused.id, *cards})
    first, second = [t for t in of(events, Transcript) if t.final and t.utterance == "agent-1"]
    assert first.text == FORBIDDEN[: len(first.text)]
    assert second.text == HARMLESS[: len(second.text)]
    assert second.revision == first.revision + 1
    order = [e.body for e in events]
    assert (
        order.index(first) < order.index(second) < order.index(Retraction(accused.id, "corrected"))
    )
    assert [e.seq for e in events] == list(range(1, len(events) + 1))
    assert all(from_wire(to_wire(e)) == e for e in events)
    ended = of(events, Status)[-1].detail
    assert ended["utterances"] == len({t.utterance for t in of(events, Transcript) if t.final})


def test_words_that_are_heard_alike_stay_and_so_does_the_accusation() -> None:
    assert call(FORBIDDEN) == call(None)
    assert not [r for r in of(call(None), Retraction) if r.why == "corrected"]
