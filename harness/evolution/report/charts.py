"""Small charts as SVG text: points and lines on linear or logarithmic axes.

Colours come from the page's style sheet, so charts follow light and dark. The same picture gives
the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from harness.evolution.report.words import BRIEF, figure, plain

_WIDTH, _HEIGHT = 400.0, 280.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 62.0, 14.0, 10.0, 46.0
_MARGIN = 0.04
"""Free space around the outermost points, of an axis' length."""
_TICKS = 5
_EQUAL, _TINY = 1e-9, 1e-300
"""Values within such a share of each other count as one, and so does what is as small as that."""


@dataclass(frozen=True, slots=True)
class Dots:
    """Points of one kind."""

    x: Sequence[float]
    y: Sequence[float]
    kind: str = "s0"
    """Of the style sheet; never from outside."""
    titles: Sequence[str] = ()
    """Shown when a pointer rests on a point."""
    name: str = ""
    """For the legend."""
    radius: float = 3.0


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points; where there is a step, it is horizontal first."""

    x: Sequence[float]
    y: Sequence[float]
    kind: str = "line"
    name: str = ""
    step: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart that is to be drawn."""

    name: str
    """Unique on the page; ours."""
    title: str
    desc: str
    x_label: str
    y_label: str
    marks: Sequence[Dots | Line]
    log_x: bool = False
    log_y: bool = False
    square: bool = False
    """Whether both axes have one range, with a diagonal."""

    @property
    def legend(self) -> list[tuple[str, str]]:
        """Return the kinds that have a name."""
        return [(mark.kind, mark.name) for mark in self.marks if mark.name]


@dataclass(frozen=True, slots=True)
class _Axis:
    """Maps values to places between two ends."""

    low: float
    high: float
    log: bool
    start: float
    end: float

    def has(self, value: float) -> bool:
        return math.isfinite(value) and (value > 0 or not self.log)

    def place(self, value: float) -> float:
        at = math.log10(value) if self.log else value
        return self.start + (at - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        if not self.log:
            return linear_ticks(self.low, self.high)
        return log_ticks(self.low, self.high)


def draw(picture: Picture) -> Markup:
    """Return a chart as an ``svg`` element."""
    x_values = np.concatenate([np.asarray(mark.x, dtype=float) for mark in picture.marks])
    y_values = np.concatenate([np.asarray(mark.y, dtype=float) for mark in picture.marks])
    if picture.square:
        x_values = y_values = np.concatenate([x_values, y_values])
    x = _axis(x_values, picture.log_x, _LEFT, _WIDTH - _RIGHT)
    y = _axis(y_values, picture.log_y, _HEIGHT - _BOTTOM, _TOP)
    parts = [_head(picture.name, picture.title, picture.desc, _WIDTH, _HEIGHT)]
    parts += _grid(picture, x, y)
    if picture.square:
        ends = f"M{x.start:.1f} {y.start:.1f}L{x.end:.1f} {y.end:.1f}"
        parts.append(path("diagonal", ends))
    for mark in picture.marks:
        parts += _line(mark, x, y) if isinstance(mark, Line) else _dots(mark, x, y)
    return Markup("\n").join([*parts, Markup("</svg>")])


def path(kind: str, drawn: str) -> Markup:
    """Return a ``path`` element."""
    return Markup('<path class="{}" d="{}"/>').format(kind, drawn)


def _head(name: str, title: str, desc: str, width: float, height: float) -> Markup:
    return Markup(
        '<svg class="plot" viewBox="0 0 {w} {h}" role="img" aria-labelledby="{n}-t {n}-d">'
        '<title id="{n}-t">{title}</title><desc id="{n}-d">{desc}</desc>'
    ).format(w=f"{width:.0f}", h=f"{height:.0f}", n=name, title=title, desc=desc)


def _axis(values: np.ndarray, log: bool, start: float, end: float) -> _Axis:
    shown = values[np.isfinite(values)]
    if log:
        shown = np.log10(shown[shown > 0])
    low, high = (float(shown.min()), float(shown.max())) if len(shown) else (0.0, 1.0)
    room = _room(low, high, log)
    return _Axis(low - room, high + room, log, start, end)


def _room(low: float, high: float, log: bool) -> float:
    """Return the free space on either side, which makes an axis of a single value, too."""
    size = max(abs(low), abs(high))
    if log:
        return 0.3 if high - low < _EQUAL else _MARGIN * (high - low)
    if size < _TINY:
        return 0.5
    return 0.5 * size if high - low < _EQUAL * size else _MARGIN * (high - low)


def _grid(picture: Picture, x: _Axis, y: _Axis) -> list[Markup]:
    parts = []
    for tick in x.ticks():
        at = f"{x.place(tick):.1f}"
        parts.append(path("grid", f"M{at} {y.start:.1f}V{y.end:.1f}"))
        parts.append(_text("tick middle", at, f"{y.start + 17:.1f}", _short(tick)))
    for tick in y.ticks():
        at = f"{y.place(tick):.1f}"
        parts.append(path("grid", f"M{x.start:.1f} {at}H{x.end:.1f}"))
        parts.append(_text("tick end", f"{x.start - 6:.1f}", f"{float(at) + 4:.1f}", _short(tick)))
    middle = (x.start + x.end) / 2
    x_label, y_label = plain(picture.x_label, 2 * BRIEF), plain(picture.y_label, 2 * BRIEF)
    parts.append(_text("label middle", f"{middle:.1f}", f"{_HEIGHT - 8:.1f}", x_label))
    upright = Markup('<g transform="translate(13 {}) rotate(-90)">{}</g>')
    text = _text("label middle", "0", "0", y_label)
    parts.append(upright.format(f"{(y.start + y.end) / 2:.1f}", text))
    return parts


def _short(tick: float) -> str:
    """Return a tick's figure so that neighbours do not touch: ``200k``, ``1.5M``."""
    for size, sign in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if size <= abs(tick) < 1e15 and (size > 1e3 or abs(tick) >= 1e4):
            return f"{figure(tick / size)}{sign}"
    return figure(tick)


def _text(kind: str, x: str, y: str, text: str) -> Markup:
    return Markup('<text class="{}" x="{}" y="{}">{}</text>').format(kind, x, y, text)


def _line(line: Line, x: _Axis, y: _Axis) -> list[Markup]:
    drawn = ""
    for across, up in zip(line.x, line.y, strict=True):
        if not (x.has(across) and y.has(up)):
            continue
        at = f"{x.place(across):.1f}", f"{y.place(up):.1f}"
        if not drawn:
            drawn = f"M{at[0]} {at[1]}"
        else:
            drawn += f"H{at[0]}V{at[1]}" if line.step else f"L{at[0]} {at[1]}"
    return [path(line.kind, drawn)]


def _dots(dots: Dots, x: _Axis, y: _Axis) -> list[Markup]:
    parts = []
    for number, (across, up) in enumerate(zip(dots.x, dots.y, strict=True)):
        if not (x.has(across) and y.has(up)):
            continue
        title = Markup("<title>{}</title>").format(dots.titles[number]) if dots.titles else ""
        circle = Markup('<circle class="{}" cx="{}" cy="{}" r="{}">{}</circle>').format(
            dots.kind, f"{x.place(across):.1f}", f"{y.place(up):.1f}", f"{dots.radius:g}", title
        )
        parts.append(circle)
    return parts


def linear_ticks(low: float, high: float) -> list[float]:
    """Return round numbers between two ends, five or so."""
    rough = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * nice for nice in (1, 2, 5, 10) if power * nice >= rough)
    first, last = math.ceil(low / step), math.floor(high / step)
    digits = max(0, 12 - math.ceil(math.log10(max(abs(low), abs(high), step))))
    return [round(number * step, digits) + 0.0 for number in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Return round numbers between two powers of ten."""
    decades = range(math.ceil(low), math.floor(high) + 1)
    if len(decades) >= 3:
        every = math.ceil(len(decades) / _TICKS)
        return [10.0**power for power in decades if power % every == 0]
    found = [
        nice * 10.0**power
        for power in range(math.floor(low), math.ceil(high) + 1)
        for nice in (1, 2, 5)
        if low <= math.log10(nice * 10.0**power) <= high
    ]
    if len(found) >= 3:
        return found
    return [tick for tick in linear_ticks(10.0**low, 10.0**high) if tick > 0]
