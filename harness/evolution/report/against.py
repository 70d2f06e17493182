"""The law against the rows that it was fitted to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.evaluation.figures import count
from harness.evolution.choose import Finalist
from harness.evolution.emit import predict, refit
from harness.evolution.expression import Law
from harness.evolution.factors import Mixture
from harness.evolution.report.charts import Dots, Line, Picture, draw
from harness.evolution.report.mathml import named_constants, symbols
from harness.evolution.report.parts import Figure, Table
from harness.evolution.report.progress import thinned
from harness.evolution.report.words import BRIEF, figure, fixed, plain
from harness.evolution.rows import FloatArray, Kind
from harness.evolution.search import Search
from harness.evolution.starts import program_starts

MOST_GROUPS = 12
"""That are drawn; the others are named."""
MOST_ROWS = 400
"""That are drawn of one group; of more, evenly spread ones."""
_KINDS = 6
"""Of points that the style sheet can tell apart."""
_WIDE = 8.0
"""Targets that span this factor are drawn on logarithmic axes."""
_PARTS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """The law fitted to all train rows of one group."""

    group: str
    constants: FloatArray
    """``(T, K + P)``."""
    features: FloatArray
    measured: FloatArray
    """``(N, T)``."""
    predicted: FloatArray
    """``(N, T)``."""


def fits_of(search: Search, chosen: Finalist, law: Law) -> list[Fit]:
    """Fit a law to each group's train rows, as its program does.

    Args:
        search: The search.
        chosen: What it ended with.
        law: Its tree.
    """
    axes = search.rows.axes
    starts = program_starts(law, chosen.theta)
    fits = []
    for one in search.side.train:
        constants = refit(law, axes, starts, one.features, one.targets, search.rows.loss)
        predicted = predict(law, axes, constants, one.features)
        fits.append(Fit(plain(one.group), constants, one.features, one.targets, predicted))
    return fits


def constants_table(search: Search, law: Law, fits: Sequence[Fit]) -> Table:
    """Return the constants of each group and target, as they stand in the formula."""
    several = len(search.rows.targets) > 1
    rows, names = [], list[str]()
    for fit in fits:
        for target, own in zip(search.rows.targets, fit.constants, strict=True):
            constants = named_constants(law, own)
            names = list(constants)
            of = (fit.group, plain(target)) if several else (fit.group,)
            rows.append((*of, *map(figure, constants.values())))
    head = ("Group", "Target") if several else ("Group",)
    words = frozenset(range(len(head)))
    return Table("Constants by group", (*head, *names), rows, words)


def meanings(search: Search, law: Law) -> list[tuple[str, str]]:
    """Return each shape constant with what it is of."""
    names = [plain(axis.name, BRIEF) for axis in search.rows.axes]
    found = []
    for factor in (factor for term in law.terms for factor in term.factors):
        all_of = " and ".join(names[index] for index in sorted(factor.features))
        for place, slot in enumerate(factor.slots):
            of = names[factor.shares[place]] if isinstance(factor, Mixture) else all_of
            found.append(f"{slot.name.removeprefix('log_')} of {of}")
    return list(zip(symbols(law), found, strict=True))


def features_table(search: Search) -> Table:
    """Return what each feature is and how it enters the law."""
    enters = {
        Kind.SCALE: "divided by {}",
        Kind.SHARE: "as it is",
        Kind.LOG: "less {}, divided by {}",
    }
    rows = [
        (
            plain(name),
            plain(unit),
            plain(meaning),
            enters[axis.kind].format(figure(axis.reference), figure(axis.unit)),
        )
        for (name, unit, meaning), axis in zip(search.side.features, search.rows.axes, strict=True)
    ]
    head = ("Feature", "Unit", "Meaning", "Enters the law")
    return Table("Features", head, rows, frozenset({0, 1, 2, 3}))


def predicted_figures(search: Search, fits: Sequence[Fit]) -> list[Figure]:
    """Return predicted against measured, a chart for each group."""
    return [
        _predicted(search, number, fit, targets=search.rows.targets)
        for number, fit in enumerate(fits[:MOST_GROUPS])
    ]


def _predicted(search: Search, number: int, fit: Fit, targets: Sequence[str]) -> Figure:
    picked = _picked(fit)
    both = np.concatenate([fit.measured, fit.predicted])
    wide = bool((both > 0).all()) and float(both.max() / both.min()) > _WIDE
    names = [plain(name, BRIEF) for name in targets]
    marks = [
        Dots(
            fit.measured[picked, place].tolist(),
            fit.predicted[picked, place].tolist(),
            f"s{place % _KINDS}",
            [f"measured {figure(m)}, predicted {figure(p)}" for m, p in _pairs(fit, picked, place)],
            name if len(names) > 1 else "",
        )
        for place, name in enumerate(names)
    ]
    r2 = _r2(fit)
    said = f"{count(len(fit.measured), 'train row')}, R² {fixed(r2)} where it was fitted"
    picture = Picture(
        f"predicted-{number}",
        f"Predicted against measured, group {fit.group}",
        f"{said}. The closer to the diagonal, the better.",
        f"measured {names[0]}" if len(names) == 1 else "measured",
        "predicted",
        marks,
        log_x=wide,
        log_y=wide,
        square=True,
    )
    table = _rows_table(search, fit, picked)
    return Figure(fit.group, draw(picture), f"{said}.", picture.legend, table, _thin(fit))


def _thin(fit: Fit) -> list[str]:
    rows = len(fit.measured)
    if rows <= MOST_ROWS:
        return []
    return [f"Of {rows:,} rows, {MOST_ROWS} are drawn and listed, evenly spread."]


def _picked(fit: Fit) -> list[int]:
    return thinned(range(len(fit.measured)), MOST_ROWS)


def _pairs(fit: Fit, picked: Sequence[int], place: int) -> list[tuple[float, float]]:
    return [(float(fit.measured[n, place]), float(fit.predicted[n, place])) for n in picked]


def _r2(fit: Fit) -> float | None:
    """Return R² on the rows that were fitted; None where a target does not vary."""
    spread = fit.measured.var(axis=0)
    if not (spread > 0).all():
        return None
    return 1.0 - float((np.square(fit.measured - fit.predicted).mean(axis=0) / spread).mean())


def _rows_table(search: Search, fit: Fit, picked: Sequence[int]) -> Table:
    features = [plain(name, BRIEF) for name in search.side.feature_names]
    targets = [plain(name, BRIEF) for name in search.side.target_names]
    head = list(features)
    for name in targets:
        own = f"{name}, " if len(targets) > 1 else ""
        head += [f"{own}measured", f"{own}predicted", f"{own}residual"]
    rows = []
    for n in picked:
        row = [figure(float(value), 6) for value in fit.features[n]]
        for measured, predicted in zip(fit.measured[n], fit.predicted[n], strict=True):
            off = float(predicted - measured)
            row += [figure(float(measured), 6), figure(float(predicted), 6), figure(off, 3)]
        rows.append(tuple(row))
    return Table(f"Rows of group {fit.group}", head, rows, frozenset())


def residual_figures(search: Search, fits: Sequence[Fit]) -> list[Figure]:
    """Return residuals against each feature, all drawn groups together."""
    shown = fits[:MOST_GROUPS]
    return [_residuals(search, column, shown) for column in range(len(search.rows.axes))]


def _residuals(search: Search, column: int, fits: Sequence[Fit]) -> Figure:
    axis, targets = search.rows.axes[column], search.rows.targets
    name = plain(axis.name, BRIEF)
    apart = len(fits) <= _KINDS
    y = np.concatenate([one.measured for one in fits])
    unit = y.std(axis=0) if len(targets) > 1 else np.ones(1)
    unit = np.where(unit > 0, unit, 1.0)
    ends = [float(edge(fit.features[:, column])) for edge in (np.min, np.max) for fit in fits]
    marks: list[Dots | Line] = [Line([min(ends), max(ends)], [0.0, 0.0], "diagonal")]
    for number, fit in enumerate(fits):
        picked = _picked(fit)
        off = ((fit.predicted - fit.measured) / unit)[picked]
        x = np.repeat(fit.features[picked, column], len(targets)).tolist()
        titles = [
            f"{fit.group}: {name} {figure(at)}, {figure(float(value), 3)}"
            for at, value in zip(x, off.ravel(), strict=True)
        ]
        kind = f"s{number if apart else 0}"
        label = plain(fit.group, BRIEF) if apart and len(fits) > 1 else ""
        marks.append(Dots(x, off.ravel().tolist(), kind, titles, label, 2.6))
    label = "predicted − measured"
    if len(targets) > 1:
        label = "predicted − measured, scaled"
    title = f"Residuals by {name}"
    picture = Picture(
        f"residuals-{column}",
        title,
        "A pattern along the feature is what the law's form does not say.",
        name,
        label,
        marks,
        log_x=axis.kind is Kind.SCALE,
    )
    table = _thirds(column, name, fits, unit)
    caption = "In standard deviations of each target." if len(targets) > 1 else ""
    return Figure(title, draw(picture), caption, picture.legend, table)


def _thirds(column: int, name: str, fits: Sequence[Fit], unit: FloatArray) -> Table:
    """Return the residuals in parts of a feature: is the law off at one end?"""
    x = np.concatenate([fit.features[:, column] for fit in fits])
    off = np.concatenate([(fit.predicted - fit.measured) / unit for fit in fits])
    levels = np.unique(x)
    rows = []
    for part in np.array_split(levels, min(_PARTS, len(levels))):
        inside = (x >= part[0]) & (x <= part[-1])
        some = off[inside]
        ends = figure(float(part[0]))
        if len(part) > 1:
            ends += f" to {figure(float(part[-1]))}"
        root = float(np.sqrt(np.square(some).mean()))
        mean = float(some.mean())
        rows.append((ends, f"{int(inside.sum()):,}", figure(mean, 3), figure(root, 3)))
    head = (name, "Rows", "Mean residual", "Root mean square")
    return Table(f"Residuals by parts of {name}", head, rows)
