"""The rows of somebody's own table that were held out, and what the law says of further ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.evolution.discover import Discovery, Forecast
from harness.evolution.emit import predict
from harness.evolution.report.against import MOST_GROUPS, MOST_ROWS, Fit, fits_of
from harness.evolution.report.charts import Dots, Picture, draw
from harness.evolution.report.parts import Figure, Table
from harness.evolution.report.progress import thinned
from harness.evolution.report.words import BRIEF, LONG, count, figure, fixed, plain
from harness.evolution.tables import ALL

_WIDE = 8.0
"""Targets that span this factor are drawn on logarithmic axes."""


@dataclass(frozen=True, slots=True, eq=False)
class OwnRuns:
    """What a page on somebody's own runs says besides the search."""

    tiles: list[tuple[str, str]]
    split: str
    """How rows were divided."""
    left_out: list[str]
    """What was not used."""
    figures: list[Figure]
    """Predicted against measured, fitted and held-out rows, by group."""
    forecast: Table | None
    """What the law says of rows that were asked for."""
    unlisted: int
    """How many of these the table leaves out."""
    warnings: list[str]


def own_runs(found: Discovery, forecast: Forecast | None) -> OwnRuns:
    """Return what is known beyond the rows that a search read.

    Args:
        found: What was discovered.
        forecast: What it says of other rows, where somebody asked.
    """
    table = found.table
    held = int(table.held_out.sum())
    return OwnRuns(
        tiles=[
            ("R², rows held out", fixed(found.r2, 4)),
            ("Median relative error there", f"{found.relative_error:.2%}"),
            ("R², fitted rows", fixed(found.r2_fit, 4)),
            ("Rows fitted", f"{len(table.y) - held:,}"),
            ("Rows held out", f"{held:,}"),
        ],
        split=plain(table.split),
        left_out=[plain(line) for line in table.left_out],
        figures=_figures(found),
        forecast=None if forecast is None else _forecast(found, forecast),
        unlisted=0 if forecast is None else max(0, len(forecast.predicted) - MOST_ROWS),
        warnings=[] if forecast is None else [plain(one, LONG) for one in forecast.warnings],
    )


def _figures(found: Discovery) -> list[Figure]:
    if found.result.choice is None:
        return []
    fits = fits_of(found.search, found.result.choice.chosen, found.law)
    held = {plain(one.group): one for one in found.table.rows(held_out=True)}
    axes = found.search.rows.axes
    drawn: list[Figure] = []
    for fit in fits:
        if (one := held.get(fit.group)) is None:
            continue
        said = predict(found.law, axes, fit.constants, one.features)
        beyond = Fit(fit.group, fit.constants, one.features, one.targets, said)
        drawn.append(_figure(found, len(drawn), fit, beyond))
    return drawn[:MOST_GROUPS]


def _figure(found: Discovery, number: int, fit: Fit, beyond: Fit) -> Figure:
    """Draw the rows of a group that were held out over those that were fitted."""
    every = np.concatenate(
        [fit.measured, fit.predicted, beyond.measured, beyond.predicted], axis=None
    )
    wide = bool((every > 0).all()) and float(every.max() / every.min()) > _WIDE
    target = plain(found.table.target, BRIEF)
    picked = thinned(range(len(beyond.measured)), MOST_ROWS)
    off = np.abs(beyond.predicted - beyond.measured) / np.maximum(np.abs(beyond.measured), 1e-300)
    said = (
        f"{count(len(beyond.measured), 'row')} held out, typically off by "
        f"{float(np.median(off)):.2%}."
    )
    picture = Picture(
        f"held-out-{number}",
        f"Held-out and fitted rows, group {fit.group}",
        f"{said} The closer to the diagonal, the better.",
        f"measured {target}",
        "predicted",
        [
            _dots(fit, "s0", "fitted rows", 2.6),
            _dots(beyond, "s1", "held-out rows", 3.4),
        ],
        log_x=wide,
        log_y=wide,
        square=True,
    )
    names = [plain(name, BRIEF) for name in found.table.features]
    rows = [
        (
            *(figure(float(value), 6) for value in beyond.features[n]),
            figure(float(beyond.measured[n, 0]), 6),
            figure(float(beyond.predicted[n, 0]), 6),
            f"{off[n, 0]:.2%}",
        )
        for n in picked
    ]
    head = (*names, f"{target} measured", "predicted", "off by")
    title = "All rows" if fit.group == ALL else fit.group
    listed = Table(f"Held-out rows of group {fit.group}", head, rows, frozenset())
    notes = []
    if len(picked) < len(beyond.measured):
        notes = [f"{len(picked)} of {len(beyond.measured):,} held-out rows are drawn and listed."]
    return Figure(title, draw(picture), said, picture.legend, listed, notes)


def _dots(fit: Fit, kind: str, name: str, radius: float) -> Dots:
    picked = thinned(range(len(fit.measured)), MOST_ROWS)
    measured, predicted = fit.measured[picked, 0], fit.predicted[picked, 0]
    titles = [
        f"{name}: measured {figure(float(m))}, predicted {figure(float(p))}"
        for m, p in zip(measured, predicted, strict=True)
    ]
    return Dots(measured.tolist(), predicted.tolist(), kind, titles, name, radius)


def _forecast(found: Discovery, forecast: Forecast) -> Table:
    """Return a row for each row that was asked for, with both intervals."""
    several = len(set(found.table.groups)) > 1
    names = [plain(name, BRIEF) for name in found.table.features]
    target = plain(found.table.target, BRIEF)
    rows = []
    for n in range(min(len(forecast.predicted), MOST_ROWS)):
        row = [figure(float(value), 6) for value in forecast.features[n]]
        row.append(figure(float(forecast.predicted[n]), 5))
        both = (forecast.by_rows, forecast.by_laws)
        row += [_ends(float(one.low[n]), float(one.high[n])) for one in both]
        rows.append((plain(forecast.groups[n]), *row) if several else tuple(row))
    head: Sequence[str] = (*names, target, "95 % over rows", "over elite laws")
    words = frozenset({0}) if several else frozenset()
    return Table("Predictions", ("Group", *head) if several else head, rows, words)


def _ends(low: float, high: float) -> str:
    return f"{figure(low, 5)} to {figure(high, 5)}"
