"""The rows of somebody's own table that were held out, and what the law says of further ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from harness.evaluation.figures import count
from harness.evolution.discover import Discovery, relative_errors
from harness.evolution.emit import predict
from harness.evolution.forecast import Forecast
from harness.evolution.intervals import Interval
from harness.evolution.report.against import MOST_GROUPS, MOST_ROWS, Fit
from harness.evolution.report.charts import Dots, Picture, draw
from harness.evolution.report.parts import Figure, Table
from harness.evolution.report.progress import thinned
from harness.evolution.report.words import BRIEF, DASH, LONG, figure, fixed, plain
from harness.evolution.tables import ALL
from harness.tasks.data import GroupRows

_MANY = 1e4
"""From here on decimals of a relative error say nothing."""
_WIDE = 8.0
"""Targets that span this factor are drawn on logarithmic axes."""


@dataclass(frozen=True, slots=True, eq=False)
class OwnRuns:
    """What a page on somebody's own runs says besides the search."""

    tiles: list[tuple[str, str]]
    split: str
    """How rows were divided."""
    doubt: str
    """What speaks against using the law at larger scale."""
    hint: str
    """Which rows to look at."""
    left_out: list[str]
    """What was not used."""
    figures: list[Figure]
    """Predicted against measured, fitted and held-out rows, by group."""
    unshown: list[str]
    """Groups that are not drawn."""
    forecast: Table | None
    """What the law says of rows that were asked for."""
    unlisted: int
    """How many of these the table leaves out."""
    warnings: list[str]
    scatter: str
    """How far single runs lie from what is predicted."""
    one_law: bool
    """Whether in some row no elite law but the chosen one says anything possible."""


def own_runs(found: Discovery, forecast: Forecast | None) -> OwnRuns:
    """Return what is known beyond the rows that a search read.

    Args:
        found: What was discovered.
        forecast: What it says of other rows, where somebody asked.
    """
    table = found.table
    held, groups = int(table.held_out.sum()), table.rows(held_out=True)
    return OwnRuns(
        tiles=[
            ("R², rows held out", fixed(found.r2, 4)),
            *_by_group(found),
            ("Median relative error there", _off(found)),
            ("R², fitted rows", fixed(found.r2_fit, 4)),
            ("Rows fitted", f"{len(table.y) - held:,}"),
            ("Rows held out", f"{held:,}"),
        ],
        split=plain(table.split),
        doubt=found.doubt,
        hint=plain(found.hint, LONG),
        left_out=[plain(line) for line in table.left_out],
        figures=_figures(found, groups[:MOST_GROUPS]),
        unshown=[plain(one.group) for one in groups[MOST_GROUPS:]],
        forecast=None if forecast is None else _forecast(found, forecast),
        unlisted=0 if forecast is None else max(0, len(forecast.predicted) - MOST_ROWS),
        warnings=[] if forecast is None else [plain(one, LONG) for one in forecast.warnings],
        scatter="" if forecast is None else figure(forecast.scatter, 2),
        one_law=forecast is not None and bool((forecast.by_laws.n == 1).any()),
    )


def _by_group(found: Discovery) -> list[tuple[str, str]]:
    """Return R² of the groups in the middle and of the worst, where there are several."""
    if not found.judged:
        return []
    worst, lowest = next(iter(found.judged.items()))
    return [
        ("R² there, median of groups", fixed(median(found.judged.values()), 4)),
        ("R² there, worst group", f"{fixed(lowest, 4)} ({plain(worst, BRIEF)})"),
    ]


def _off(found: Discovery) -> str:
    zeros = f" ({count(found.zeros, 'row')} measured as 0 left out)" if found.zeros else ""
    return f"{_percent(found.relative_error)}{zeros}"


def _percent(share: float) -> str:
    """Return a relative error; a dash where there is none."""
    if not np.isfinite(share):
        return DASH
    return f"{share:.2%}" if share < _MANY else f"{figure(100 * share)}%"


def _fits(found: Discovery, group: GroupRows) -> Fit:
    """Return what the law, as it was fitted, says of some rows of a group."""
    constants = found.constants[group.group]
    said = predict(found.law, found.search.rows.axes, constants, group.features)
    return Fit(plain(group.group), constants, group.features, group.targets, said)


def _figures(found: Discovery, held: Sequence[GroupRows]) -> list[Figure]:
    fitted = {one.group: one for one in found.table.rows(held_out=False)}
    return [
        _figure(found, number, _fits(found, fitted[one.group]), _fits(found, one))
        for number, one in enumerate(held)
    ]


def _figure(found: Discovery, number: int, fit: Fit, beyond: Fit) -> Figure:
    """Draw the rows of a group that were held out over those that were fitted."""
    every = np.concatenate(
        [fit.measured, fit.predicted, beyond.measured, beyond.predicted], axis=None
    )
    wide = bool((every > 0).all()) and float(every.max() / every.min()) > _WIDE
    target = plain(found.table.target, BRIEF)
    picked = thinned(range(len(beyond.measured)), MOST_ROWS)
    off = relative_errors(beyond.measured, beyond.predicted)
    known = off[~np.isnan(off)]
    typically = f", typically off by {_percent(float(np.median(known)))}" if len(known) else ""
    said = f"{count(len(beyond.measured), 'row')} held out{typically}."
    picture = Picture(
        f"held-out-{number}",
        f"Held-out and fitted rows, group {fit.group}",
        f"{said} The closer to the diagonal, the better.",
        f"measured {target}",
        "predicted",
        [_dots(fit, "s0", "fitted rows", 2.6), _dots(beyond, "s1", "held-out rows", 3.4)],
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
            _percent(float(off[n, 0])),
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
        row += [_ends(one, n) for one in both]
        rows.append((plain(forecast.groups[n]), *row) if several else tuple(row))
    head: Sequence[str] = (*names, target, "95 % over rows", "over elite laws")
    words = frozenset({0}) if several else frozenset()
    return Table("Predictions", ("Group", *head) if several else head, rows, words)


def _ends(interval: Interval, n: int) -> str:
    if interval.n[n] < 2:
        return "one law only" if interval.n[n] else DASH
    return f"{figure(float(interval.low[n]), 5)} to {figure(float(interval.high[n]), 5)}"
