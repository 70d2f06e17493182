"""Draws the extrapolation folds of a task: ``python docs/images/draw_folds.py`` writes folds.svg.

A small chart for each fold, with the train rows of ``nano_pretraining`` where they lie.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from harness.evolution.folds import Fold, plan_folds
from harness.evolution.gateway import train_side
from harness.evolution.rows import TrainRows, train_rows
from harness.tasks import load_catalogue

FILE = Path(__file__).with_name("folds.svg")
TASK = "nano_pretraining"
_WIDE, _HIGH, _ACROSS = 250, 190, 3
_LEFT, _TOP, _RIGHT, _BOTTOM = 34, 40, 12, 26
_HEAD = 50
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1a1f29; }
.title { font-weight: 600; }
.small { fill: #586173; font-size: 11px; }
.frame { fill: none; stroke: #c9cfd8; }
.fitted { fill: #3451c6; }
.judged { fill: none; stroke: #b4520b; stroke-width: 1.6; }
.unused { fill: #c9cfd8; }
.ground { fill: #ffffff; }
@media (prefers-color-scheme: dark) {
text { fill: #e6e9ef; }
.small { fill: #9aa5b8; }
.frame { stroke: #3a4456; }
.fitted { fill: #9db1ff; }
.judged { stroke: #f5a565; }
.unused { fill: #3a4456; }
.ground { fill: #161a22; }
}
"""


def draw() -> str:
    """Return the picture as SVG text."""
    side = train_side(load_catalogue().find(TASK))
    rows = train_rows(side.train, side.feature_names, side.target_names)
    folds = plan_folds(rows)
    down = -(-len(folds) // _ACROSS)
    width, height = _ACROSS * _WIDE, _HEAD + down * _HIGH
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img" aria-labelledby="title">'
        ),
        f'<title id="title">The extrapolation folds of {TASK}</title>',
        f"<style>{_STYLE}</style>",
        f'<rect class="ground" width="{width}" height="{height}" rx="12"/>',
        _legend(),
    ]
    for number, fold in enumerate(folds):
        x, y = number % _ACROSS * _WIDE, _HEAD + number // _ACROSS * _HIGH
        parts += [f'<g transform="translate({x} {y})">', *_panel(rows, fold), "</g>"]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _legend() -> str:
    marks = (
        ("fitted", "fitted"),
        ("judged", "judged: larger, and not fitted"),
        ("unused", "neither: larger still"),
    )
    parts = []
    x = _LEFT
    for kind, words in marks:
        parts.append(f'<circle class="{kind}" cx="{x}" cy="26" r="4"/>')
        parts.append(f'<text x="{x + 10}" y="30">{words}</text>')
        x += 40 + 7 * len(words)
    return "\n".join(parts)


def _panel(rows: TrainRows, fold: Fold) -> list[str]:
    real = rows.weights > 0
    x, y = (np.log10(rows.values[..., column][real]) for column in range(2))
    status = np.where(fold.fitted, 0, np.where(fold.judged, 1, 2))[real]
    fitted, judged = fold.sizes
    first, second = (axis.name for axis in rows.axes)
    title = fold.name.replace("all features jointly", "both jointly")
    parts = [
        f'<text class="title" x="{_LEFT}" y="18">{title}</text>',
        (
            f'<text class="small" x="{_LEFT}" y="33">{fold.purpose}: {fitted} rows fitted, '
            f"{judged} judged</text>"
        ),
        (
            f'<rect class="frame" x="{_LEFT}" y="{_TOP}" width="{_WIDE - _LEFT - _RIGHT}" '
            f'height="{_HIGH - _TOP - _BOTTOM}" rx="4"/>'
        ),
        (
            f'<text class="small" x="{_WIDE - _RIGHT}" y="{_HIGH - 12}" '
            f'text-anchor="end">{first} →</text>'
        ),
        (
            f'<text class="small" transform="translate({_LEFT - 8} {_TOP + 60}) rotate(-90)">'
            f"{second} →</text>"
        ),
    ]
    places = sorted(set(zip(x.tolist(), y.tolist(), status.tolist(), strict=True)))
    for at_x, at_y, kind in places:
        cx = _scaled(at_x, x, _LEFT + 10, _WIDE - _RIGHT - 10)
        cy = _scaled(at_y, y, _HIGH - _BOTTOM - 10, _TOP + 10)
        name = ("fitted", "judged", "unused")[kind]
        parts.append(f'<circle class="{name}" cx="{cx:.1f}" cy="{cy:.1f}" r="3.2"/>')
    return parts


def _scaled(value: float, values: np.ndarray, start: float, end: float) -> float:
    share = (value - values.min()) / (values.max() - values.min())
    return start + float(share) * (end - start)


if __name__ == "__main__":
    FILE.write_text(draw(), encoding="utf-8", newline="\n")
