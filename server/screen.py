"""A call in the terminal: what each party says as it grows, each card as it comes and goes.

Takes call events in their wire form, so it can stand behind a socket or a replay alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

PARTY = {
    "agent": ("agent   ", "cyan"),
    "customer": ("customer", "yellow"),
    "unknown": ("speaker ", "white"),
}
SEVERITY = {
    "critical": "bold white on red",
    "veto": "bold red",
    "high": "red",
    "medium": "dark_orange",
    "low": "yellow",
    "info": "blue",
}


class Screen:
    """Prints what is settled and keeps what still grows below it. Use it as a context."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self._growing: dict[str, Mapping[str, Any]] = {}
        self._final: set[str] = set()
        self._cards: dict[str, Mapping[str, Any]] = {}
        self._shown: dict[str, str] = {}
        self._live: Live | None = None

    def __enter__(self) -> Screen:
        # Where nobody watches, a growing line would be thousands of lines of log.
        if self.console.is_terminal:
            self._live = Live(console=self.console, refresh_per_second=8, transient=True)
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def show(self, event: Mapping[str, Any], delay_ms: float | None = None) -> None:
        """One event; ``delay_ms`` is how long a card took, where that is known."""
        match event["type"]:
            case "transcript":
                self._transcript(event)
            case "alert":
                self._alert(event)
            case "suggestion":
                self._suggestion(event, delay_ms)
            case "suppressed":
                alert = self._cards.get(event["alert"], {})
                self.say(
                    f"  ◌ held back: {alert.get('title', event['rule'])} ({event['why']})", "dim"
                )
            case "retraction":
                self._retraction(event)
            case "status":
                self._status(event)

    def say(self, text: str, style: str = "") -> None:
        """A line of our own; never read as markup."""
        self.console.print(Text(text, style), soft_wrap=True)

    def _transcript(self, event: Mapping[str, Any]) -> None:
        utterance = f"{event['call']}/{event['utterance']}"
        if event["final"]:
            self._growing.pop(utterance, None)
            if event["text"]:
                again = Text("↺ " if utterance in self._final else "", "dim")
                self.console.print(again + _spoken(event), soft_wrap=True)
                self._final.add(utterance)
        else:
            self._growing[utterance] = event
        if self._live is not None:
            self._live.update(Group(*(_spoken(e, "italic") for e in self._growing.values())))

    def _alert(self, event: Mapping[str, Any]) -> None:
        before = self._shown.get(event["id"])
        self._cards[event["id"]] = event
        self._shown[event["id"]] = f"{event['state']} {event['severity']}"
        if before == self._shown[event["id"]]:
            return
        quote = next((e["text"] for e in event["evidence"] if e["text"]), "")
        line = Text("  ▲ ", SEVERITY[event["severity"]])
        line.append(f"{clock(event['at_ms'])} {event['title']}", SEVERITY[event["severity"]])
        line.append(f" 「{quote}」" if quote else "")
        line.append(f"  {event['category']}, {event['state']}", "dim")
        self.console.print(line, soft_wrap=True)

    def _suggestion(self, event: Mapping[str, Any], delay_ms: float | None) -> None:
        first = event["id"] not in self._cards
        self._cards[event["id"]] = event
        if not first:
            return
        line = Text("  ● ", "bold green")
        line.append(event["say"], "green")
        line.append(f"  {event['why']}", "dim")
        if delay_ms is not None:
            line.append(f"  {delay_ms:+.0f} ms", "bold")
        self.console.print(line, soft_wrap=True)

    def _retraction(self, event: Mapping[str, Any]) -> None:
        card = self._cards.pop(event["id"], None)
        if card is None:
            return
        text = card.get("say") or card.get("title", "")
        self.say(f"  ✕ {clock(event['at_ms'])} withdrawn ({event['why']}): {text}", "dim strike")

    def _status(self, event: Mapping[str, Any]) -> None:
        detail = event["detail"]
        match event["name"]:
            case "audio_gap":
                lost = detail["end_ms"] - detail["start_ms"]
                self.say(f"  … {detail['party']}: {lost} ms of audio missing", "magenta")
            case "party_failed":
                self.say(f"  ! {detail['party']}: {detail['message']}", "bold red")
            case "call_ended":
                self._growing.clear()
                if self._live is not None:
                    self._live.update(Group())
                self.say(
                    f"{clock(detail['duration_ms'])} call ended: {detail['utterances']} utterances, "
                    f"{detail['alerts']} alerts, {detail['suggestions']} cards",
                    "bold",
                )


def _spoken(event: Mapping[str, Any], style: str = "") -> Text:
    name, colour = PARTY[event["party"]]
    line = Text(f"{clock(event['start_ms'])} ", "dim")
    line.append(f"{name} ", colour)
    line.append(event["text"], style)
    return line


def clock(ms: int) -> str:
    """Audio time as people read it."""
    minutes, rest = divmod(max(0, ms), 60_000)
    return f"{minutes:02d}:{rest / 1000:04.1f}"
