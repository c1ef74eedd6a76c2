"""One recorded call played into a running server while its agent's socket is watched."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from server.client.audio import AudioClient, Call
from server.client.clip import load
from server.client.viewer import Received, ViewerClient
from server.demo.judge import Cards, Outcome, Verdict, judge
from server.demo.labels import Labels, read
from server.recordings import AGENT
from server.screen import Screen

LAST_WORDS_S = 10
RECORDINGS_SUFFIX = ".labels.json"


@dataclass(frozen=True, slots=True)
class Stage:
    """Where calls are played: a server, and recordings with their labels."""

    server: str
    """``ws://host:port``"""
    folder: Path

    def names(self) -> list[str]:
        """The recordings there are."""
        files = self.folder.glob("*" + RECORDINGS_SUFFIX)
        return sorted(file.name.removesuffix(RECORDINGS_SUFFIX) for file in files)

    def labels(self, name: str) -> Labels:
        """Raises ``LabelError``."""
        return read(self.folder / f"{name}{RECORDINGS_SUFFIX}")


_NUMBERS = itertools.count(1)


async def play(stage: Stage, name: str, screen: Screen, speed: float = 1.0) -> Verdict:
    """Play a recording in real time; show what the agent sees; judge it at the end."""
    labels = stage.labels(name)
    clip = await asyncio.to_thread(load, stage.folder / f"{name}.wav", None, "mulaw")
    # A name that a page's replay of the same recording cannot have.
    call = f"terminal-{name}-{next(_NUMBERS)}"
    client = AudioClient(
        stage.server, Call(call, agent=AGENT, queue=labels.domain), clip, speed=speed
    )
    viewer = ViewerClient(stage.server, call=call)
    received: list[Received] = []
    screen.say(f"\n{labels.title} ({name}, {clip.duration_ms / 1000:.0f} s)", "bold")
    watching = asyncio.create_task(_watch(viewer, labels, client, received, screen))
    try:
        await viewer.open.wait()
        await client.run()
        async with asyncio.timeout(LAST_WORDS_S):
            await watching
    except TimeoutError:
        screen.say("the end of the call never reached the agent", "bold red")
    finally:
        watching.cancel()
    return judge(labels, received, client.spoken_at)


async def _watch(
    viewer: ViewerClient,
    labels: Labels,
    client: AudioClient,
    received: list[Received],
    screen: Screen,
) -> None:
    cards = Cards(labels)
    async with aclosing(viewer.messages()) as messages:
        async for item in messages:
            for event in _events_in(item.message):
                received.append(Received(item.at, event))
                cards.note(event)
                delay = None
                if event["type"] == "suggestion":
                    delay = cards.delay_ms(event, item.at, client.spoken_at)
                screen.show(event, delay)
                if event.get("name") == "call_ended":
                    return


def _events_in(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The call events of a message; a snapshot holds those from before."""
    if message["type"] == "snapshot":
        events: list[dict[str, Any]] = message["events"]
        return events
    return [message] if "seq" in message else []


def summary(name: str, verdict: Verdict) -> Table:
    """What the demonstration showed, on one screen."""
    passed = "[bold green]passed[/]" if verdict.passed else "[bold red]failed[/]"
    table = Table(title=f"{name}: {passed}", title_justify="left")
    for column in ("turn", "cue", "card"):
        table.add_column(column, overflow="fold")
    table.add_column("after its last sample", justify="right")
    table.add_column("")
    for outcome in verdict.outcomes:
        cue = outcome.cue
        delay = "" if outcome.delay_ms is None else f"{outcome.delay_ms:.0f} ms"
        what = f"{escape(cue.quote)}\n[dim]{cue.category}[/]"
        card = escape(outcome.say or "")
        table.add_row(str(cue.turn), what, card, delay, _judgement(outcome))
    for suggestion in verdict.unexpected:
        what = f"{escape(suggestion['why'])}\n[dim]{suggestion['category']}[/]"
        table.add_row("", what, escape(suggestion["say"]), "", "[bold red]not in the labels[/]")
    return table


def _judgement(outcome: Outcome) -> str:
    if outcome.missing:
        return "[bold red]missing[/]"
    if outcome.late:
        return "[bold red]late[/]"
    if outcome.held:
        return escape(f"{'after a hold' if outcome.say else 'held back'}: {outcome.held}")
    if outcome.say is None:
        return "[dim]no card due[/]"
    return "[green]in time[/]"
