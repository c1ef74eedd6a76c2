"""How long after the last sample of a phrase its words, its alert and its card arrive.

The recorded calls run in real time through a server of their own, over real sockets, each at a
random phase to the recogniser's chunks. Where a phrase ends is known from synthesis. A card
that the governor held back is counted as held, not as late; words that the recogniser did not
get right count as missed, not as fast. One call is played in haste before anything counts.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from benchmarks import corpus, statistics
from benchmarks.painting import Browser
from benchmarks.process import Server, serving
from server.client.audio import AudioClient, Call
from server.client.clip import load
from server.client.viewer import Received, ViewerClient

CHUNK_MS = 600
SPAN_MARGIN_MS = 600
"""Recognised times differ from spoken ones by up to this much."""
PATIENCE_S = 30
"""A call's last words may take this long on a machine that is behind."""
WARM_UP_SPEED = 8.0


STAGES = ("arrived", "recognised", "fired", "sent", "received", "painted")


@dataclass(frozen=True, slots=True)
class Phrase:
    """One labelled phrase in one playing of its call. Delays are wall ms after its last sample."""

    call: str
    phase_ms: int
    category: str
    quote: str
    transcript_ms: float | None
    """To a transcript that contains the phrase; None: the recogniser never wrote it."""
    alert_ms: float | None
    """To the first alert of the label's category on it; None: it never fired."""
    card_ms: float | None
    """To the first suggestion of such an alert."""
    confirmed_ms: float | None
    held: str | None
    """Why the governor held that card back before it came, or why it never showed any."""
    stages_ms: dict[str, float]
    """Of the alert: last sample → arrived → recognised → fired → sent → received; ``painted`` is of
    its card, from receipt to the page's word that it has been drawn."""
    painted_ms: float | None = None
    """To the painting of that suggestion; None: nobody looked, or it was never painted."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run plays."""

    calls: tuple[str, ...]
    """Ids of recorded calls; empty: all."""
    rounds: int
    """How often each is played."""
    together: int
    """Calls at a time."""
    seed: int = 0
    folder: Path = corpus.FOLDER
    """Where the recordings and their labels are."""
    browser: bool = False
    """Whether a real page of the widget looks at each call as well."""
    within_s: float | None = None
    """No call begins later than this after the first; None: all are played."""

    def recorded(self) -> list[corpus.Call]:
        """What it plays. Raises ``LookupError`` if there is none of it."""
        everything = list(corpus.calls(self.folder))
        found = [call for call in everything if not self.calls or call.id in self.calls]
        if not found:
            known = ", ".join(call.id for call in everything) or "none"
            raise LookupError(f"no such call with labels; there are {known} in {self.folder}")
        return found

    def for_phrases(self, least: int) -> Plan:
        """As many rounds as give at least so many phrases."""
        in_a_round = sum(bool(label.quote) for call in self.recorded() for label in call.labels)
        return replace(self, rounds=max(1, math.ceil(least / max(1, in_a_round))))


class Spoken(Protocol):
    """Knows when a moment of the clip had been spoken; an :class:`AudioClient` does."""

    def spoken_at(self, ms: int) -> float | None:
        """Epoch seconds, whenever its packet then left: what leaves late is late."""


def measure(plan: Plan, serve: Sequence[str], told: Callable[[str], None]) -> list[Phrase]:
    """Plays the calls; ``serve`` are further arguments of ``tingban serve``."""
    with serving(*serve) as server:
        return asyncio.run(_play_all(plan, server, told))


def summarise(phrases: Sequence[Phrase]) -> dict[str, Any]:
    """The table: every delay's quantiles, and how many phrases never got there."""
    said = [phrase for phrase in phrases if phrase.quote]
    accused = [p for p in phrases if p.category == "agent.forbidden"]
    carded = [p for p in said if p.category.startswith("customer.")]
    unseen = [p.held for p in carded if p.card_ms is None and p.held is not None]

    def delays(name: str, of: Sequence[Phrase]) -> list[float]:
        return [value for p in of if (value := getattr(p, name)) is not None]

    return {
        "phrases": len(said),
        "transcript_ms": statistics.summary(delays("transcript_ms", said)),
        "transcript_missed": sum(p.transcript_ms is None for p in said),
        "alert_ms": statistics.summary(delays("alert_ms", said)),
        "alert_missed": sum(p.alert_ms is None for p in said),
        "customer_card_ms": statistics.summary(
            delays("card_ms", [p for p in carded if p.held is None])
        ),
        "customer_card_after_hold_ms": statistics.summary(
            delays("card_ms", [p for p in carded if p.held is not None])
        ),
        "customer_card_painted_ms": statistics.summary(
            delays("painted_ms", [p for p in carded if p.held is None])
        ),
        "customer_cards_held": len(unseen),
        "customer_cards_held_why": dict(Counter(unseen).most_common()),
        "accusation_confirmed_ms": statistics.summary(delays("confirmed_ms", accused)),
        "stages_ms": {
            stage: statistics.summary([p.stages_ms[stage] for p in said if stage in p.stages_ms])
            for stage in STAGES
        },
    }


def rows(phrases: Sequence[Phrase]) -> list[dict[str, Any]]:
    """The raw samples for the result file."""
    return [asdict(phrase) for phrase in phrases]


async def _play_all(plan: Plan, server: Server, told: Callable[[str], None]) -> list[Phrase]:
    dice = random.Random(plan.seed)
    recorded = plan.recorded()
    plays = [(call, dice.randrange(CHUNK_MS)) for _ in range(plan.rounds) for call in recorded]
    dice.shuffle(plays)
    places = asyncio.Semaphore(plan.together)
    heard: list[Phrase] = []
    await _warm_up(server, recorded)
    began = time.monotonic()

    async def one(number: int, call: corpus.Call, phase_ms: int) -> None:
        async with places:
            if plan.within_s is not None and time.monotonic() - began > plan.within_s:
                return
            # Calls that start together would meet the chunk grid together.
            await asyncio.sleep(dice.random() * CHUNK_MS / 1000)
            name = f"bench-{number}-{call.id}"[:64]
            found = await _play(server, browser, name, call, phase_ms)
            heard.extend(found)
            told(call.id)

    async with AsyncExitStack() as stack:
        browser = await stack.enter_async_context(Browser.open()) if plan.browser else None
        async with asyncio.TaskGroup() as tasks:
            for number, (call, phase_ms) in enumerate(plays):
                tasks.create_task(one(number, call, phase_ms))
    return heard


async def _warm_up(server: Server, recorded: Sequence[corpus.Call]) -> None:
    """What a server does for the first time only should not count."""
    shortest = min(recorded, key=lambda call: call.wav.stat().st_size)
    clip = load(shortest.wav, codec="mulaw")
    await AudioClient(server.ws, Call("bench-warm-up"), clip, speed=WARM_UP_SPEED).run()


async def _play(
    server: Server, browser: Browser | None, name: str, call: corpus.Call, phase_ms: int
) -> list[Phrase]:
    clip = load(call.wav, codec="mulaw").later(phase_ms)
    client = AudioClient(server.ws, Call(name, agent=name), clip)
    viewer = ViewerClient(server.ws, agent=name)
    seen: list[Received] = []
    over = asyncio.Event()

    async def watch() -> None:
        async for received in viewer:
            seen.append(received)
            if received.message.get("name") == "call_ended":
                over.set()

    async with AsyncExitStack() as stack:
        page = None
        if browser is not None:
            page = await stack.enter_async_context(
                browser.page(f"{server.http}/agent?agent={name}")
            )
        watching = asyncio.create_task(watch())
        try:
            await viewer.open.wait()
            await client.run()
            async with asyncio.timeout(PATIENCE_S):
                await over.wait()
        finally:
            watching.cancel()
        painted = {} if page is None else await page.painted()
    return [phrase(call, label, phase_ms, client, seen, painted) for label in call.labels]


def phrase(
    call: corpus.Call,
    label: corpus.SpokenLabel,
    phase_ms: int,
    client: Spoken,
    seen: Sequence[Received],
    painted: Mapping[int, float] | None = None,
) -> Phrase:
    """What became of one label in one playing, from what its viewer saw.

    ``painted``: epoch seconds at which the page had drawn an event, by its number.
    """
    end_ms = label.end_ms + phase_ms
    spoken = client.spoken_at(end_ms)
    assert spoken is not None, f"{call.id}: {label.quote} lies after the end of the recording"
    turns = [call.turns[turn] for turn in (label.turn, *label.accept_turns)]
    roles = {str(turn.role) for turn in turns}

    def after(received: Received | None) -> float | None:
        return None if received is None else round((received.at - spoken) * 1000, 1)

    def is_ours(evidence: dict[str, Any]) -> bool:
        return any(
            evidence["party"] == str(turn.role)
            and evidence["end_ms"] > turn.start_ms + phase_ms - SPAN_MARGIN_MS
            and evidence["start_ms"] < turn.end_ms + phase_ms + SPAN_MARGIN_MS
            for turn in turns
        )

    alerts = [
        r
        for r in _of_type(seen, "alert")
        if r.message["category"] == label.category and is_ours(r.message["evidence"][0])
    ]
    ids = {r.message["id"] for r in alerts}
    card = next((r for r in _of_type(seen, "suggestion") if r.message["alert"] in ids), None)
    drawn = None if card is None else (painted or {}).get(card.message.get("seq", 0))
    stages = _stages(spoken, alerts[0]) if alerts else {}
    if card is not None and drawn is not None:
        stages["painted"] = round((drawn - card.at) * 1000, 2)
    wanted = _plain(label.quote)
    return Phrase(
        call=call.id,
        phase_ms=phase_ms,
        category=label.category,
        quote=label.quote,
        transcript_ms=after(
            next(
                (
                    r
                    for r in _of_type(seen, "transcript")
                    if wanted
                    and wanted in _plain(r.message["text"])
                    and r.message["party"] in roles
                    and r.message["end_ms"] > turns[0].start_ms + phase_ms
                ),
                None,
            )
        ),
        alert_ms=after(alerts[0] if alerts else None),
        card_ms=after(card),
        confirmed_ms=after(next((r for r in alerts if r.message["state"] == "confirmed"), None)),
        held=_held(seen, ids if card is None else {card.message["alert"]}),
        stages_ms=stages,
        painted_ms=None if drawn is None else round((drawn - spoken) * 1000, 1),
    )


def _held(seen: Sequence[Received], alerts: Collection[str]) -> str | None:
    """Why the first of these alerts to be held back was."""
    return next(
        (r.message["why"] for r in _of_type(seen, "suppressed") if r.message["alert"] in alerts),
        None,
    )


def _stages(spoken: float, received: Received) -> dict[str, float]:
    """Each stage's own part of the delay, ms; the sum is the whole."""
    stamps = received.message.get("stamps", {})
    stages, before = {}, spoken
    for stage in ("arrived", "recognised", "fired", "sent"):
        if stage in stamps:
            stages[stage] = round((stamps[stage] - before) * 1000, 2)
            before = stamps[stage]
    stages["received"] = round((received.at - before) * 1000, 2)
    return stages


def _of_type(seen: Sequence[Received], kind: str) -> Iterator[Received]:
    return (received for received in seen if received.message["type"] == kind)


def _plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text) if c.isalnum())
