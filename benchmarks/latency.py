"""How long after the last sample of a phrase its words, its alert and its card arrive.

The recorded calls run in real time through a server of their own, over real sockets, each at a
random phase to the recogniser's chunks. Where a phrase ends is known from synthesis. A card
that the governor held back is counted as held, not as late; words that the recogniser did not
get right count as missed, not as fast.
"""

from __future__ import annotations

import asyncio
import random
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
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
    """Why the governor held the card back, when it did."""
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
        "customer_cards_held": sum(p.card_ms is None and p.held is not None for p in carded),
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
    recorded = [
        call for call in corpus.calls(plan.folder) if not plan.calls or call.id in plan.calls
    ]
    if not recorded:
        known = ", ".join(call.id for call in corpus.calls(plan.folder)) or "none"
        raise LookupError(f"no such call with labels; there are {known} in {plan.folder}")
    plays = [(call, dice.randrange(CHUNK_MS)) for _ in range(plan.rounds) for call in recorded]
    dice.shuffle(plays)
    places = asyncio.Semaphore(plan.together)
    heard: list[Phrase] = []

    async def one(number: int, call: corpus.Call, phase_ms: int) -> None:
        async with places:
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
        held=next(
            (r.message["why"] for r in _of_type(seen, "suppressed") if r.message["alert"] in ids),
            None,
        ),
        stages_ms=stages,
        painted_ms=None if drawn is None else round((drawn - spoken) * 1000, 1),
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
