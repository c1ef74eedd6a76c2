"""Plots as inline SVG: curves, stacked bars, and figures over runs. No script, no outside request."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement

WIDTH, HEIGHT = 760, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 26, 14, 46
NOTHING = 1e-9
"""Values and differences below this are none."""
COLOURS = 8
"""How many colours the page's style names, ``s0`` to ``s7``."""


@dataclass(frozen=True, slots=True)
class Line:
    """A curve or a row of points."""

    name: str
    points: Sequence[tuple[float, float]]
    titles: Sequence[str] = ()
    """What a pointer over each point is told."""
    joined: bool = True


@dataclass(frozen=True, slots=True)
class Limit:
    """A level that is spoken of in the text, drawn across."""

    value: float
    name: str


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to a stretch of pixels."""

    low: float
    high: float
    first: float
    last: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Where a value is drawn; one outside is drawn at the edge."""
        warp: Callable[[float], float] = math.log10 if self.log else float
        low, high = warp(self.low), warp(self.high)
        part = (warp(min(max(value, self.low), self.high)) - low) / (high - low)
        return round(self.first + part * (self.last - self.first), 1)

    def ticks(self) -> list[float]:
        """Round values that are worth a label."""
        if self.log:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            found = [step * 10.0**power for power in powers for step in (1, 2, 5)]
        else:
            rough = (self.high - self.low) / 5
            power = 10.0 ** math.floor(math.log10(rough))
            step = next(s * power for s in (1, 2, 5, 10) if s * power >= rough)
            first = math.ceil(self.low / step)
            found = [round(n * step, 10) for n in range(first, int(self.high / step) + 1)]
        return [tick for tick in found if self.low <= tick <= self.high * (1 + 1e-9)]


def scale(values: Sequence[float], first: float, last: float, log: bool = False) -> Scale:
    """A scale that holds all values; a linear one begins at zero or below."""
    if log:
        above = [value for value in values if value > NOTHING] or [1.0]
        low, high = min(above), max(above)
        return Scale(low, max(high, low * 10), first, last, True)
    low, high = min([0.0, *values]), max([0.0, *values])
    return Scale(low, high if high - low > NOTHING else low + 1, first, last)


def plot(
    lines: Sequence[Line],
    x_name: str,
    y_name: str,
    *,
    limits: Sequence[Limit] = (),
    marks: Sequence[Limit] = (),
    log_x: bool = False,
    log_y: bool = False,
    x_labels: Mapping[float, str] | None = None,
) -> Element:
    """Lines over common axes. Limits lie across, marks stand upright.

    ``x_labels`` replaces the numbers below.
    """
    points = [point for line in lines for point in line.points]
    xs = scale([x for x, _ in points] + [mark.value for mark in marks], LEFT, WIDTH - RIGHT, log_x)
    heights = [y for _, y in points] + [limit.value for limit in limits]
    ys = scale(heights, HEIGHT - BOTTOM, TOP, log_y)
    figure = Element("figure")
    picture = _picture(figure, f"{y_name} over {x_name}")
    _axes(picture, xs, ys, x_name, y_name, x_labels)
    for limit in limits:
        y = ys(limit.value)
        _draw(picture, "line", "limit", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y)
        _text(picture, WIDTH - RIGHT, y - 4, limit.name, "end")
    for mark in marks:
        x = xs(mark.value)
        _draw(picture, "line", "limit", x1=x, x2=x, y1=TOP, y2=HEIGHT - BOTTOM)
        _text(picture, x - 6, TOP + 12, mark.name, "end")
    for number, line in enumerate(lines):
        style = f"s{number % COLOURS}"
        places = [(xs(x), ys(y)) for x, y in line.points]
        if line.joined and len(places) > 1:
            path = " ".join(f"{x},{y}" for x, y in places)
            _draw(picture, "polyline", style, points=path)
        if line.titles or len(places) < 40:
            titles = line.titles or [f"{line.name}: {_number(y)}" for _, y in line.points]
            for (x, y), title in zip(places, titles, strict=True):
                dot = _draw(picture, "circle", f"dot {style}", cx=x, cy=y, r=3)
                SubElement(dot, "title").text = title
    _legend(figure, [line.name for line in lines])
    return figure


def curve(samples: Sequence[float], most: int = 200) -> list[tuple[float, float]]:
    """The distribution as points: a value, and the share of samples that do not exceed it."""
    ordered = sorted(samples)
    steps = min(most, len(ordered))
    at = [math.ceil((i + 1) * len(ordered) / steps) - 1 for i in range(steps)]
    return [(ordered[i], (i + 1) / len(ordered)) for i in at]


def bars(rows: Mapping[str, Mapping[str, float]], unit: str) -> Element:
    """One bar a row, its parts one after the other. Parts below zero are left out of the bar."""
    parts = list(dict.fromkeys(part for row in rows.values() for part in row))
    longest = max((sum(max(0.0, v) for v in row.values()) for row in rows.values()), default=1.0)
    across = scale([longest], 190, WIDTH - RIGHT)
    figure = Element("figure")
    tall = 30 * len(rows) + BOTTOM
    picture = _picture(figure, f"{unit} by part", tall)
    for tick in across.ticks():
        _draw(picture, "line", "grid", x1=across(tick), x2=across(tick), y1=4, y2=tall - BOTTOM + 4)
        _text(picture, across(tick), tall - BOTTOM + 20, _number(tick), "middle")
    _text(picture, (190 + WIDTH - RIGHT) / 2, tall - 6, unit, "middle")
    for number, (name, row) in enumerate(rows.items()):
        top, begin = 30 * number + 8, 0.0
        _text(picture, 182, top + 13, name, "end")
        for part, value in row.items():
            if value <= 0:
                continue
            x, end = across(begin), across(begin + value)
            box = _draw(
                picture,
                "rect",
                f"bar s{parts.index(part) % COLOURS}",
                x=x,
                y=top,
                width=round(end - x, 1),
                height=18,
            )
            SubElement(box, "title").text = f"{part}: {_number(value)} {unit}"
            begin += value
    _legend(figure, parts)
    return figure


def _picture(figure: Element, title: str, tall: float = HEIGHT) -> Element:
    picture = SubElement(
        figure, "svg", {"viewBox": f"0 0 {WIDTH} {tall:g}", "role": "img", "aria-label": title}
    )
    return picture


def _axes(
    picture: Element,
    xs: Scale,
    ys: Scale,
    x_name: str,
    y_name: str,
    x_labels: Mapping[float, str] | None,
) -> None:
    for tick in ys.ticks():
        y = ys(tick)
        _draw(picture, "line", "grid", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y)
        _text(picture, LEFT - 6, y + 4, _number(tick), "end")
    below = x_labels or {tick: _number(tick) for tick in xs.ticks()}
    for tick, label in below.items():
        _text(picture, xs(tick), HEIGHT - BOTTOM + 16, label, "middle")
    _text(picture, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, x_name, "middle")
    upright = _text(picture, 14, (TOP + HEIGHT - BOTTOM) / 2, y_name, "middle")
    upright.set("transform", f"rotate(-90 14 {(TOP + HEIGHT - BOTTOM) / 2:g})")


def _draw(parent: Element, kind: str, style: str, **numbers: float | str) -> Element:
    return SubElement(
        parent, kind, {"class": style, **{key: str(value) for key, value in numbers.items()}}
    )


def _text(parent: Element, x: float, y: float, text: str, anchor: str) -> Element:
    written = SubElement(parent, "text", {"x": f"{x:g}", "y": f"{y:g}", "text-anchor": anchor})
    written.text = text
    return written


def _legend(figure: Element, names: Sequence[str]) -> None:
    legend = SubElement(figure, "p", {"class": "legend"})
    for number, name in enumerate(names):
        entry = SubElement(legend, "span")
        SubElement(entry, "i", {"class": f"s{number % COLOURS}"}).tail = name


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
