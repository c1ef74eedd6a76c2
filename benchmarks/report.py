"""``tingban bench report``: every kept result on one page that needs nothing but a browser.

The newest result of each command is shown in full; older ones make the history. Captions say
what a figure is of, on what machine and under what load, because a plot is quoted without its text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from pydantic import ValidationError

from benchmarks import measures, svg
from benchmarks.result import Result, read
from benchmarks.sizing import steps_of
from benchmarks.statistics import percentile, summary
from benchmarks.svg import Limit, Line

Plot = Callable[[Result], list[Element]]
QUANTILES = ("n", "p50", "p95", "p99", "max")

STYLE = """
:root { color-scheme: light dark; --ink: #1d2733; --soft: #5d6b7a; --line: #dfe4ea; --paper: #fff;
  --c0: #2563c9; --c1: #d2691e; --c2: #23855a; --c3: #9d3fb0; --c4: #b8860b; --c5: #0f8b9e;
  --c6: #c23b5a; --c7: #64748b }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebf1; --soft: #9aa8b7; --line: #2e3945;
  --paper: #131a22; --c0: #7aa7f0; --c1: #f0a868; --c2: #68c99b; --c3: #cf8be0; --c4: #dfb84c;
  --c5: #5fc6d6; --c6: #f0889f; --c7: #a3b1c2 } }
body { font: 15px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 800px; margin: 32px auto; padding: 0 20px }
h1 { font-size: 26px; margin-bottom: 4px } h2 { font-size: 20px; margin-top: 44px;
  border-top: 1px solid var(--line); padding-top: 20px } h3 { font-size: 16px; margin-top: 26px }
p.caption, .legend, .facts { color: var(--soft); font-size: 13px }
table { border-collapse: collapse; font-size: 13px; margin: 10px 0; display: block; overflow-x: auto }
th, td { padding: 3px 10px; border-bottom: 1px solid var(--line); text-align: right }
th:first-child, td:first-child { text-align: left; padding-left: 0 } th { color: var(--soft) }
figure { margin: 12px 0 } svg { width: 100%; height: auto }
svg text { font-size: 11px; fill: var(--soft) }
svg .grid { stroke: var(--line) } svg .limit { stroke: var(--c6); stroke-dasharray: 5 4 }
svg polyline { fill: none; stroke-width: 1.8 }
.legend span { margin-right: 16px; white-space: nowrap }
.legend i { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 5px }
""" + "".join(
    f"svg polyline.s{n} {{ stroke: var(--c{n}) }} svg .dot.s{n}, svg .bar.s{n} {{ fill: var(--c{n}) }} "
    f".legend i.s{n} {{ background: var(--c{n}) }}\n"
    for n in range(svg.COLOURS)
)


def results(folder: Path) -> tuple[list[Result], list[str]]:
    """All results of a folder, oldest first, and the names of files that are none."""
    found, foreign = [], []
    for path in sorted(folder.glob("*.json")):
        try:
            found.append(read(path))
        except (ValidationError, UnicodeDecodeError):
            foreign.append(path.name)
    return sorted(found, key=lambda one: one.created_at), foreign


def page(kept: Sequence[Result]) -> str:
    """The whole document."""
    root = Element("html", {"lang": "en"})
    head = SubElement(root, "head")
    SubElement(head, "meta", {"charset": "utf-8"})
    SubElement(head, "meta", {"name": "viewport", "content": "width=device-width"})
    # Nothing may be asked of anybody, not even by a mistake of ours.
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    SubElement(head, "meta", {"http-equiv": "Content-Security-Policy", "content": policy})
    SubElement(head, "title").text = "Tingban: what was measured"
    SubElement(head, "style").text = STYLE
    body = SubElement(root, "body")
    SubElement(body, "h1").text = "What was measured"
    _caption(
        body,
        f"{len(kept)} runs of `tingban bench`. Delays are counted from the moment a packet was due, "
        "not from when it left, so late packets count. A load above the number of cores means that "
        "the run shared the machine and its times are inflated. The speech is synthesised.",
    )
    by_command: dict[str, list[Result]] = defaultdict(list)
    for one in kept:
        by_command[one.command].append(one)
    for command in [*SECTIONS, *(by_command.keys() - SECTIONS.keys())]:
        if command in by_command:
            _section(body, command, by_command[command])
    return "<!doctype html>\n" + tostring(root, encoding="unicode", method="html") + "\n"


def _section(body: Element, command: str, runs: Sequence[Result]) -> None:
    title, plot = SECTIONS.get(command, (command, _plain))
    SubElement(body, "h2").text = title
    for newest in _newest(runs):
        _facts(body, newest)
        body.extend(plot(newest))
    _history(body, runs)


def _newest(runs: Sequence[Result]) -> list[Result]:
    """The last run of each kind: another model or another manner of talk is another kind."""
    apart = ("asr", "talk", "full_size", "chunk_ms", "recordings", "faults")
    kinds = {tuple(str(run.configuration.get(name)) for name in apart): run for run in runs}
    return list(kinds.values())


def _facts(body: Element, run: Result) -> None:
    machine = run.machine
    asked = ", ".join(
        f"{key} {_value(value)}" for key, value in run.configuration.items() if value is not None
    )
    text = (
        f"{run.created_at[:16].replace('T', ' ')} UTC · commit {_short(run.commit)} · {machine.cpu}, "
        f"{machine.cores} cores{', ' + machine.gpu if machine.gpu else ''} · load before "
        f"{machine.load_before} · {asked}"
    )
    SubElement(body, "p", {"class": "facts"}).text = text


def _value(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _short(commit: str) -> str:
    name, plus, _ = commit.partition("+")
    return name[:8] + plus


def _history(body: Element, runs: Sequence[Result]) -> None:
    if len(runs) < 2:
        return
    lines: dict[str, dict[str, list[tuple[int, float, str]]]] = defaultdict(dict)
    for number, run in enumerate(runs):
        where = f"{_short(run.commit)}, {run.created_at[:16]}, load {run.machine.load_before}"
        for one in measures.of(run):
            title = f"{one.name}: {one.value:.4g} {one.unit} ({where})"
            lines[one.unit].setdefault(one.name, []).append((number, one.value, title))
    if not lines:
        # Nothing of this command is followed; say at least that there is more.
        for run in runs[:-1]:
            _caption(body, f"Earlier: {run.created_at[:16]}, commit {_short(run.commit)}")
        return
    labels = {float(n): _short(run.commit)[:7] for n, run in enumerate(runs)}
    thinned = dict(list(labels.items())[:: max(1, len(labels) // 9)])
    SubElement(body, "h3").text = "Over commits"
    for unit, named in lines.items():
        shown = [
            Line(name, [(n, value) for n, value, _ in row], [title for *_, title in row])
            for name, row in list(named.items())[: svg.COLOURS]
        ]
        body.append(svg.plot(shown, "commit", unit or "count", x_labels=thinned))


def _caption(parent: Element, text: str) -> Element:
    written = SubElement(parent, "p", {"class": "caption"})
    written.text = text
    return written


def caption(text: str) -> Element:
    """What a figure shows, in words."""
    written = Element("p", {"class": "caption"})
    written.text = text
    return written


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Element:
    """A plain table; the first column names the row."""
    made = Element("table")
    head = SubElement(made, "tr")
    for name in columns:
        SubElement(head, "th").text = name
    for row in rows:
        line = SubElement(made, "tr")
        for value in row:
            SubElement(line, "td").text = "" if value is None else str(value)
    return made


def _delays(samples: Mapping[str, Sequence[float]], x_name: str, *limits: Limit) -> list[Element]:
    shown = {name: values for name, values in samples.items() if values}
    rows = [
        [name, *(values.get(k) for k in QUANTILES)]
        for name, values in ((name, summary(values)) for name, values in shown.items())
    ]
    if not shown:
        return [caption("Nothing was measured.")]
    lines = [Line(name, svg.curve(values)) for name, values in shown.items()]
    plot = svg.plot(lines, x_name, "share of samples at most so late", limits=limits)
    return [plot, table(["ms", *QUANTILES], rows)]


def _latency(run: Result) -> list[Element]:
    phrases = [p for p in run.samples["phrases"] if p["quote"]]
    carded = [p for p in phrases if p["category"].startswith("customer.")]

    def of(name: str, rows: Iterable[dict[str, Any]]) -> list[float]:
        return [p[name] for p in rows if p.get(name) is not None]

    found = _delays(
        {
            "words are right": of("transcript_ms", phrases),
            "alert": of("alert_ms", phrases),
            "customer's card, never held": of("card_ms", (p for p in carded if not p["held"])),
            "that card painted": of("painted_ms", (p for p in carded if not p["held"])),
            "accusation confirmed": of(
                "confirmed_ms", (p for p in phrases if p["category"] == "agent.forbidden")
            ),
        },
        "ms after the phrase's last sample",
    )
    found.append(
        caption(
            f"{len(phrases)} phrases at random phases to the recogniser's chunks. Words that never "
            f"came out right ({run.summary['transcript_missed']}) and alerts that never fired "
            f"({run.summary['alert_missed']}) are in no curve. Cards that the governor held back "
            f"({run.summary['customer_cards_held']}) are counted apart: they wait on purpose."
        )
    )
    stages = ("arrived", "recognised", "fired", "sent", "received", "painted")
    by_stage: dict[str, dict[str, float]] = {}
    for name, part in (("median", 0.5), ("95th percentile", 0.95)):
        rows = {s: [p["stages_ms"][s] for p in phrases if s in p["stages_ms"]] for s in stages}
        by_stage[name] = {s: percentile(values, part) for s, values in rows.items() if values}
    if any(by_stage.values()):
        found += [
            svg.bars(by_stage, "ms of the alert's delay"),
            caption(
                "Each stage's own quantile; they need not add up to the quantile of the sum. "
                "`arrived` may be negative: an alert can rest on words before the phrase's end."
            ),
        ]
    return found


def _plain(run: Result) -> list[Element]:
    """A command that has no plot of its own: the figures as they were printed."""
    return [table(["figure", "value"], [[name, value] for name, value in _flat("", run.summary)])]


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(f"{name} · {key}" if name else str(key), inner)
    else:
        yield name, value


def _capacity(run: Result) -> list[Element]:
    lags = {one["calls"]: one["chunk_lag_ms"] + one["end_lag_ms"] for one in run.samples["loads"]}
    lines = [
        Line(name, [(calls, percentile(lag, part)) for calls, lag in sorted(lags.items())])
        for name, part in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
    ]
    rated = run.summary["rated_calls"]
    knee = [Limit(float(rated), f"knee: {rated} calls")] if rated in lags else []
    return [
        svg.plot(lines, "live calls", "ms from a chunk's last sample to its answer",
                 limits=[Limit(600.0, "bound of the rated load")], marks=knee),
        table(
            ["calls", *QUANTILES],
            [[calls, *(summary(lag).get(k) for k in QUANTILES)] for calls, lag in sorted(lags.items())],
        ),
        caption(
            f"Rated here: {rated} calls, the most tried at which the 99th "
            "percentile is within the bound. "
            + ("Sockets are part of it." if run.configuration.get("sockets") else "Without sockets.")
        ),
    ]  # fmt: skip


def _compare(run: Result) -> list[Element]:
    rows = {
        f"{row['precision']}, batch {row['batch']}": {"ours": row["ours_ms"]}
        for row in run.summary["rows"]
    }
    for row in run.summary["rows"]:
        rows[f"FunASR, {row['precision']}"] = {"FunASR": row["funasr_ms"]}
    return [
        svg.bars(rows, "processor ms a 600 ms chunk of one stream, median"),
        caption("Same weights, same speech, one thread; features included on both sides."),
    ]


def _accuracy(run: Result) -> list[Element]:
    rows = {
        name: {
            "other sound": row["syllable_errors"] * 100,
            "right sound, wrong character": (row["cer"] - row["syllable_errors"]) * 100,
        }
        for name, row in run.summary.items()
        if name != "precisions"
    }
    held_out = "Voices and sentences kept out of training, all of them synthetic."
    own = "recordings" in run.configuration
    return [
        svg.bars(rows, "character errors, %"),
        caption("One's own recordings." if own else held_out),
    ]


def _rules(run: Result) -> list[Element]:
    found: list[Element] = []
    for name, part in run.summary["parts"].items():
        found.append(caption(f"{name}: {part['calls']} calls, macro F1 {part['macro_f1']}"))
        names = ("tp", "fp", "fn", "late", "precision", "recall", "f1")
        rows = [[cat, *(row.get(k) for k in names)] for cat, row in part["categories"].items()]
        found.append(table(["category", *names], rows))
    return found


def _server(run: Result) -> list[Element]:
    found: list[Element] = []
    rows = []
    for one in run.samples["loads"]:
        name = f"{one['calls']} calls, {one['boards']} boards, {one['packets']}"
        name += f", {one['idle']} idle" if one.get("idle") else ""
        found.append(caption(name))
        found += _delays(
            {
                "to the agent": [ms for _, ms in one["agent_ms"]],
                "to a board": [ms for _, ms in one["board_ms"]],
                "a packet leaves late (generator)": one["late_ms"],
            },
            "ms after the packet was due",
            Limit(0.99, "99 %"),
        )
        rows.append(
            [
                name,
                round(
                    sum(one["cpu_ms_per_call_second"]) / max(1, len(one["cpu_ms_per_call_second"])),
                    2,
                ),
                one["server_cpu_share"],
                one["delivered"],
            ]
        )
    found.append(
        table(["setting", "processor ms a call and second", "of one core", "messages"], rows)
    )
    found.append(
        caption(
            "A null recogniser says as much as a real one would, the shipped rules listen. The "
            "server has one core, the generator another; the last curve is the generator's own part."
        )
    )
    return found


def _faults(run: Result) -> list[Element]:
    columns = ("fault", "seen", "lost", "doubled", "recovery_s", "passed", "detail")
    rows = [[row.get(name) for name in columns] for row in run.samples["faults"]]
    names = ["fault", "what people see", "lost", "doubled", "recovery, s", "passed", ""]
    said = "Finals and confirmed alerts. Two faults at once are no promise: their loss is told."
    return [table(names, rows), caption(said)]


def _nodes(run: Result) -> list[Element]:
    settings, traffic = run.summary["settings"], run.summary["traffic"]
    kinds = {"one node": "one_us", "two, not joined": "unjoined_us", "two nodes": "two_us"}
    costs: list[Element] = []
    for name, row in settings.items():
        bars = {kind: {"servers": row[key]} for kind, key in kinds.items() if row[key] is not None}
        costs += [caption(name), svg.bars(bars, "processor µs an event")]
    steps = steps_of(traffic)
    rated = [
        (one["events_per_s"], one) for one in sorted(steps, key=lambda one: one["events_per_s"])
    ]
    delays = [
        Line(part, [(rate, one["delivery_ms"][part]) for rate, one in rated])
        for part in ("p50", "p99")
    ]
    shares = [
        Line(name, [(rate, one[key]) for rate, one in rated])
        for name, key in (("Redis", "redis_cpu_share"), ("all nodes", "nodes_cpu_share"))
    ]
    life = Limit(float(traffic["life"]["events_per_s"]), "these calls in life")
    columns = ("ratio", "interval", "joining", "joining_interval", "redis_us")
    ratios = [[name, *(row.get(column) for column in columns)] for name, row in settings.items()]
    return [
        *costs,
        table(
            ["two nodes", "to one", "95 %", "to two not joined", "95 %", "Redis, µs an event"],
            ratios,
        ),
        svg.plot(delays, "events/s through Redis", "ms from node to node", marks=[life]),
        svg.plot(shares, "events/s through Redis", "processor cores", marks=[life]),
        caption(
            f"{run.configuration['traffic_calls']} calls of {run.configuration['synthetic']} "
            "synthetic nodes through one Redis; nodes, Redis and all else share the machine."
        ),
    ]


def _soak(run: Result) -> list[Element]:
    found: list[Element] = []
    ticks, summed = run.samples["ticks"], run.summary
    plots = {
        "MiB": ("rss_mib",),
        "count": ("fds", "tasks"),
        "ms to the agent": ("p50_ms", "p99_ms"),
        "of one core; the machine's load": ("cpu_share", "load"),
    }
    for unit, shown in plots.items():
        lines = [
            Line(name, [(t["at_s"] / 60, t[name]) for t in ticks if t.get(name) is not None])
            for name in shown
        ]
        found.append(svg.plot([line for line in lines if line.points], "minutes", unit))
    columns = ("level", "by", "low", "high", "per_hour", "allowed", "verdict")
    rows = [[name, *(row[c] for c in columns)] for name, row in summed["grown"].items()]
    names = ["", "level", "rise", "from", "to (95 %)", "an hour", "allowed", "verdict"]
    found.append(table(names, rows))
    found.append(
        caption(
            f"{summed['calls']} calls begun and ended in {summed['minutes']} min, "
            f"{run.configuration['speed']:g} times faster than life: {summed['audio_minutes']} min "
            f"of calls. {summed['lost']} finals lost, {summed['doubled']} doubled. A line through "
            "all but the first third; the rise is that of the judged part, its interval from a "
            "bootstrap over stretches. Delays and processor time also show who shared the machine."
        )
    )
    return found


def _malformed(run: Result) -> list[Element]:
    columns = ("dialect", "messages", "connections", "refusals", "codes")
    rows = [[row.get(name) for name in columns] for row in run.samples["dialects"]]
    return [table(columns, rows)]


SECTIONS: Mapping[str, tuple[str, Plot]] = {
    "latency": ("From the last sample of a phrase to the agent's eyes", _latency),
    "capacity": ("How many calls a machine hears", _capacity),
    "server": ("What the server costs without a model", _server),
    "compare": ("A chunk against FunASR", _compare),
    "accuracy": ("How well it hears", _accuracy),
    "rules": ("How right the rules are", _rules),
    "faults": ("What happens on a bad day", _faults),
    "nodes": ("More than one node", _nodes),
    "browser": ("What the pages do with it", _plain),
    "soak": ("Hours of traffic", _soak),
    "malformed": ("Nonsense on every socket", _malformed),
}
