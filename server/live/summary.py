"""What is said of a call when it is over. Pure: counts events as they are made."""

from __future__ import annotations

from asr.events import Metric
from assist_rules.events import Alert, Commitment, CommitmentState, Retraction, Step, StepState
from server.events import Body, Detail, Status

VERDICTS = ("used", "dismissed", "wrong", "said")


class Summary:
    """Give it every event of the call."""

    def __init__(self) -> None:
        self._shares: dict[str, float] = {}
        self._cues: set[str] = set()
        self._verdicts: dict[str, str] = {}
        self._commitments: dict[str, CommitmentState] = {}
        self._steps: dict[tuple[str, str], StepState] = {}

    def note(self, body: Body) -> None:
        """One more event."""
        match body:
            case Metric(name="talk_share", party=party, value=value):
                self._shares[f"{party}_talk_share"] = round(value, 3)
            case Alert(category=category) if category.startswith("customer."):
                self._cues.add(body.id)
            case Retraction():
                self._cues.discard(body.id)
            case Commitment():
                self._commitments[body.id] = body.state
            case Step():
                self._steps[body.list, body.step] = body.state
            case Status(name="feedback"):
                # Who changed their mind is counted once.
                self._verdicts[str(body.detail["suggestion"])] = str(body.detail["verdict"])

    def detail(self) -> Detail:
        """The fields that it adds to ``call_ended``."""
        verdicts = list(self._verdicts.values())
        made = [s for s in self._commitments.values() if s is CommitmentState.MADE]
        return {
            **self._shares,
            "cues": len(self._cues),
            **{verdict: verdicts.count(verdict) for verdict in VERDICTS},
            "commitments": len(made),
            "steps_open": sum(state is not StepState.DONE for state in self._steps.values()),
        }
