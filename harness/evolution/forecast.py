"""What a law says of rows that nobody has measured, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.evaluation.figures import count
from harness.evolution.choose import Choice, Finalist
from harness.evolution.emit import predict, refit
from harness.evolution.intervals import Interval, bootstrap_laws, bootstrap_rows, tree_of
from harness.evolution.rows import FloatArray, Kind
from harness.evolution.search import Search
from harness.evolution.starts import program_starts
from harness.evolution.tables import Table
from harness.tasks.data import GroupRows

_FAR = 10.0
"""How many times beyond the largest scale of the rows an answer is called far."""


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
    """Where the answer lies far outside the rows."""
    constants: Mapping[str, FloatArray]
    """By group, ``(1, K + P)``: those that predict, fitted to all rows."""


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
    warnings = _far_out(search, table, x)
    everything = _all_rows(table)
    others = [one for one in choice.finalists if one.entry is not choice.chosen.entry]
    possible = table.y > 0  # the logarithm of the others is no number
    if not possible.all() and tree_of(choice.chosen).link == "log":
        warnings.append(
            f"{count(int((~possible).sum()), 'row')} in which {table.target} is not above 0 had "
            "no part in the fit to all rows"
        )
        everything = _all_rows(table, possible)
    elif not possible.all():
        others = [one for one in others if tree_of(one).link != "log"]
    predicted = np.empty(len(x))
    fitted = fit_groups(search, choice.chosen, everything)
    for place, (row, group) in enumerate(zip(x, names, strict=True)):
        says = predict(tree_of(choice.chosen), search.rows.axes, fitted[group], row[None])
        predicted[place] = says[0, 0]
    return Forecast(
        x,
        names,
        predicted,
        bootstrap_rows(search, choice.chosen, fitted, everything, x, names),
        bootstrap_laws(search, predicted, others, everything, table.y, x, names),
        tuple(warnings),
        fitted,
    )


def _all_rows(table: Table, possible: np.ndarray | None = None) -> tuple[GroupRows, ...]:
    names = np.array(table.groups)
    some = np.ones(len(names), dtype=bool) if possible is None else possible
    return tuple(
        GroupRows(name, table.x[chosen], table.y[chosen][:, None])
        for name in sorted(set(table.groups))
        if (chosen := some & (names == name)).any()
    )


def _far_out(search: Search, table: Table, x: FloatArray) -> list[str]:
    """Say where rows lie far outside those that were measured."""
    said = []
    for column, axis in enumerate(search.rows.axes):
        low, high = float(table.x[:, column].min()), float(table.x[:, column].max())
        values = x[:, column]
        if axis.kind is Kind.SCALE and not (values > 0).all():
            said.append(f"{axis.name}: 0 or less in some rows; no row says anything of that")
        elif axis.kind is Kind.SCALE:
            factor = max(float(values.max()) / high, low / float(values.min()))
            if factor > _FAR:
                said.append(
                    f"{axis.name}: {factor:.3g} times beyond the rows ({low:.4g} to {high:.4g}); "
                    "nothing measured says that the law holds there"
                )
        else:
            beyond = max(float(values.max()) - high, low - float(values.min()))
            if beyond > high - low:
                said.append(
                    f"{axis.name}: {beyond:.3g} beyond the rows ({low:.4g} to {high:.4g}), more "
                    "than they span"
                )
    return said
