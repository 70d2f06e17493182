"""What a law says of rows that nobody has measured, and how sure that is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.evaluation.figures import count
from harness.evolution.choose import Choice, Finalist
from harness.evolution.emit import predict, refit
from harness.evolution.expression import Law
from harness.evolution.intervals import Interval, bootstrap_laws, bootstrap_rows, tree_of
from harness.evolution.rows import Axis, FloatArray, Kind
from harness.evolution.search import Search
from harness.evolution.starts import program_starts
from harness.evolution.tables import Table
from harness.tasks.data import GroupRows

_FAR = 10.0
"""How many times beyond the largest scale of the rows an answer is called far."""
_SHARE = re.compile(r"acc|err|brier|rate", re.IGNORECASE)
"""Targets that cannot be above 1 where none measured is; small models may well lose more."""
_NAMED = 8
"""Groups that a warning names."""


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """What a law says of rows that nobody has measured."""

    features: FloatArray
    """``(M, F)``."""
    groups: tuple[str, ...]
    """Of each row, ``(M,)``."""
    predicted: FloatArray
    """``(M,)``; from a law fitted to all rows, held-out ones too."""
    by_rows: Interval
    """95 % interval over resampled rows: how sure the constants are."""
    by_laws: Interval
    """Least and largest of what the elite laws say: how sure the form is."""
    warnings: tuple[str, ...]
    """What speaks against an answer: far outside the rows, impossible, hardly a row to go by."""
    constants: Mapping[str, FloatArray]
    """By group, ``(1, K + P)``: those that predict, fitted to all rows."""
    scatter: float
    """Root mean square of the residuals of that fit: how far a single run lies from the law."""


def fit_groups(
    search: Search, finalist: Finalist, rows: Sequence[GroupRows]
) -> dict[str, FloatArray]:
    """Fit a law to each group; returns the constants by group, ``(1, K + P)`` each."""
    law = tree_of(finalist)
    starts = program_starts(law, finalist.theta)
    return {
        one.group: refit(law, search.rows.axes, starts, one.features, one.targets, search.rows.loss)
        for one in rows
    }


def forecast(
    search: Search, choice: Choice, table: Table, x: FloatArray, names: tuple[str, ...]
) -> Forecast:
    """Return what the chosen law says of rows, fitted to all that were measured.

    Args:
        search: The search.
        choice: What it ended with.
        table: The rows, held-out ones too.
        x: Rows to predict, ``(M, F)``.
        names: Their groups.
    """
    warnings = _far_out(search, table, x, names)
    chosen, law = choice.chosen, tree_of(choice.chosen)
    everything = _all_rows(table)
    others = [one for one in choice.finalists if one.entry is not choice.chosen.entry]
    possible = table.y > 0  # the logarithm of the others is no number
    if not possible.all() and law.link == "log":
        warnings.append(
            f"{count(int((~possible).sum()), 'row')} in which {table.target} is not above 0 had "
            "no part in the fit to all rows"
        )
        everything = _all_rows(table, possible)
    elif not possible.all():
        others = [_any_floor(one) for one in others if tree_of(one).link != "log"]
        chosen = _any_floor(chosen)
        law = tree_of(chosen)
    predicted = np.empty(len(x))
    fitted = fit_groups(search, chosen, everything)
    for place, (row, group) in enumerate(zip(x, names, strict=True)):
        predicted[place] = predict(law, search.rows.axes, fitted[group], row[None])[0, 0]
    warnings += [*_impossible(table, predicted), *_few_rows(law, everything, names)]
    return Forecast(
        x,
        names,
        predicted,
        bootstrap_rows(search, chosen, fitted, everything, x, names),
        bootstrap_laws(search, predicted, others, everything, table.y, x, names),
        tuple(warnings),
        fitted,
        _scatter(law, search.rows.axes, fitted, everything),
    )


def _any_floor(one: Finalist) -> Finalist:
    """Return a law whose floor may lie below 0: what was measured does, too."""
    law = tree_of(one)
    return replace(one, law=replace(law, signs="terms")) if law.signs == "all" else one


def _scatter(
    law: Law,
    axes: Sequence[Axis],
    fitted: Mapping[str, FloatArray],
    rows: Sequence[GroupRows],
) -> float:
    """Return the root mean square of the residuals of a fit."""
    off = [one.targets - predict(law, axes, fitted[one.group], one.features) for one in rows]
    return float(np.sqrt(np.square(np.concatenate(off)).mean()))


def _all_rows(table: Table, possible: np.ndarray | None = None) -> tuple[GroupRows, ...]:
    names = np.array(table.groups)
    some = np.ones(len(names), dtype=bool) if possible is None else possible
    return tuple(
        GroupRows(name, table.x[chosen], table.y[chosen][:, None])
        for name in sorted(set(table.groups))
        if (chosen := some & (names == name)).any()
    )


def _far_out(search: Search, table: Table, x: FloatArray, names: Sequence[str]) -> list[str]:
    """Say where rows lie far outside those of their group that were measured."""
    said = []
    for column, axis in enumerate(search.rows.axes):
        values, (low, high) = x[:, column], _ranges(table, column, names)
        if axis.kind is Kind.SCALE:
            none = (values <= 0) & (values < low)
            if none.any():
                said.append(f"{axis.name}: 0 or less in some rows; no row says anything of that")
            far = _times_beyond(values, low, high)
            limit, how = np.full(len(x), _FAR), "times beyond"
            what = "; nothing measured says that the law holds there"
        else:
            far = np.maximum(values - high, low - values)
            limit, how, what = high - low, "beyond", ", more than they span"
        if (far > limit).any():
            worst = int(np.where(far > limit, far, -np.inf).argmax())
            of = f" of group {names[worst]}" if len(set(table.groups)) > 1 else ""
            span = f"{low[worst]:.4g} to {high[worst]:.4g}"
            said.append(f"{axis.name}: {far[worst]:.3g} {how} the rows{of} ({span}){what}")
    return said


def _ranges(table: Table, column: int, names: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    """Return the least and the largest value of a feature in the group of each row, ``(M,)``."""
    groups, values = np.array(table.groups), table.x[:, column]
    ends = {
        name: (values[groups == name].min(), values[groups == name].max()) for name in set(names)
    }
    low, high = np.array([ends[name] for name in names], dtype=float).T
    return low, high


def _times_beyond(values: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Return how many times sizes lie above or below a range; 0 for what is no size."""
    sizes = np.where(values > 0, values, np.nan)
    with np.errstate(all="ignore"):
        beyond: FloatArray = np.fmax(sizes / high, low / sizes)
    return np.nan_to_num(beyond, nan=0.0, posinf=0.0)


def _impossible(table: Table, predicted: FloatArray) -> list[str]:
    """Say where the law foresees what no run can reach, as far as the measured ones tell."""
    y, kinds = table.y, []
    least, most = float(y.min()), float(y.max())
    if least > 0:
        kinds.append(("0 or less", predicted <= 0))
    elif least == 0:
        kinds.append(("below 0", predicted < 0))
    if most < 0:
        kinds.append(("0 or more", predicted >= 0))
    elif most == 0:
        kinds.append(("above 0", predicted > 0))
    if least >= 0 and 0 < most <= 1 and _SHARE.search(table.target):
        kinds.append(("above 1", predicted > 1))
    kinds.append(("no number", ~np.isfinite(predicted)))
    return [
        f"{table.target}: {int(where.sum())} of {count(len(predicted), 'prediction')} "
        f"{'is' if where.sum() == 1 else 'are'} {kind}, which nothing measured is "
        f"({least:.4g} to {most:.4g}); the law does not hold there"
        for kind, where in kinds
        if where.any()
    ]


def _few_rows(law: Law, rows: Sequence[GroupRows], names: Sequence[str]) -> list[str]:
    """Say which of the groups that were asked for have fewer rows than the law has constants."""
    asked = set(names)
    few = [one for one in rows if one.group in asked and len(one.features) < law.n_constants]
    which = ", ".join(f"{one.group} ({count(len(one.features), 'row')})" for one in few[:_NAMED])
    more = f" and {len(few) - _NAMED} more" if len(few) > _NAMED else ""
    if not few:
        return []
    said = (
        f"{which}{more}: fewer rows than the {law.n_constants} constants of the law; what it says "
        "there is hardly measured, and its intervals are too narrow"
    )
    return [said]
