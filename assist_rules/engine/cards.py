"""From a rule's card to the sentence on the screen: slots filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping

from assist_rules.engine.conditions import Rule
from assist_rules.engine.governor import Offer
from assist_rules.engine.moments import Moment
from assist_rules.events import Alert, CallInfo

SLOT = re.compile(r"\{([a-z_][a-z0-9_]*)(?:\|([^{}]*))?\}")
"""``{company}`` or ``{title|您}``."""
CALL_SLOTS = ("agent", "queue", "tier", "brand")
MADE_SLOTS = frozenset(("open", "next", "done", "heard"))
"""Slots that conditions fill."""


def make_offer(
    rule: Rule,
    alert: Alert,
    moment: Moment,
    info: CallInfo,
    settings: Mapping[str, str],
    captured: Mapping[str, str],
    place: int,
) -> Offer:
    """The suggestion of an alert; ``rule`` has a card and stands at that place of the packs."""
    card = rule.card
    assert card is not None
    say = dict(card.brands).get(info.brand or "", card.say)
    heard = alert.evidence[0].text if alert.evidence else ""
    known: dict[str, str] = {**settings}
    known.update({name: v for name in CALL_SLOTS if (v := getattr(info, name))})
    known.update({str(k): str(v) for k, v in info.attributes.items()})
    known.update(captured)
    known.update({"heard": heard, **moment.slots})
    used: dict[str, str] = {}

    def fill(found: re.Match[str]) -> str:
        name, default = found[1], found[2]
        value = known.get(name) or default or ""
        used[name] = value
        return value

    return Offer(
        alert=alert.id,
        rule=rule.id,
        category=rule.category,
        group=card.group or rule.category,
        severity=alert.severity,
        state=alert.state,
        say=SLOT.sub(fill, say),
        why=heard,
        slots=used,
        keep_ms=card.keep_ms,
        cooldown_ms=card.cooldown_ms,
        cue=alert.evidence[0] if alert.evidence else None,
        place=place,
    )
