"""What spike detection is told of a call: that it is about something, or not after all. Pure.

It goes under a topic of its own, so that nodes need not send each other what boards are shown.
"""

from __future__ import annotations

from assist_rules.events import Alert, Retraction
from server.events import CallEvent
from server.live.notice import Notice, encode

CAUSES = "causes"
"""The bus topic."""
WATCHED = ("complaint", "escalation", "anger", "danger", "churn", "repeat")
"""Of ``customer.``: what a lead has to know of when it comes in numbers."""
CATEGORIES = frozenset(f"customer.{name}" for name in WATCHED)


def of_event(event: CallEvent) -> Notice | None:
    """What the event means for spikes, if anything."""
    match event.body:
        case Alert(id=alert, category=category, title=title) if category in CATEGORIES:
            return about(event.call, alert, category, title)
        case Retraction(id=alert):
            said = {"type": "cause_withdrawn", "call": event.call, "alert": alert}
            return Notice(encode(said))
    return None


def about(call: str, alert: str, category: str, title: str, age_ms: int = 0) -> Notice:
    """A call is about a topic, and has been for so long. As said to other nodes, too."""
    said = {"call": call, "alert": alert, "category": category, "topic": title, "age_ms": age_ms}
    return Notice(encode({"type": "cause", **said}))
