"""What somebody asks of ``discover``, checked before a search is spent on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UserError
from harness.evolution.columns import group_names, read_numbers, require_columns
from harness.evolution.rows import FloatArray
from harness.evolution.tables import Table

if TYPE_CHECKING:
    import pandas as pd

_MOSTLY = 0.5
"""A column with fewer values is none of numbers."""


def require_call(
    frame: pd.DataFrame, features: Sequence[str] | None, minutes: float, evaluations: int | None
) -> None:
    """Check what a command checks by itself and a notebook does not.

    Raises:
        UserError: A name is no text, the features are one, or there is no time to search.
    """
    for name in frame.columns:
        if not isinstance(name, str):
            raise UserError(
                f"column {name!r}: expected text as the name of a column, got "
                f"{type(name).__name__}; rename it: frame.rename(columns=str)"
            )
    if isinstance(features, str):
        raise UserError(
            f"features: expected a list of columns, got the text {features!r}; write [{features!r}]"
        )
    if not minutes > 0:  # NaN, too
        raise UserError(
            f"minutes: expected a number above 0, got {minutes}; leave it out for the usual time"
        )
    if evaluations is not None and evaluations < 1:
        raise UserError(
            f"evaluations: expected 1 or more, got {evaluations}; leave it out to go by minutes"
        )


def rows_asked(
    frame: pd.DataFrame, table: Table, group: str | None
) -> tuple[FloatArray, tuple[str, ...]]:
    """Return the features and groups of rows to predict, ``(M, F)`` and ``(M,)``.

    Args:
        frame: The rows.
        table: What was measured.
        group: The column of the groups, where the table had one.

    Raises:
        UserError: A column is not there, there twice or no number, or a group is unknown.
    """
    for name in (*table.features, *([group] if group else [])):
        if name not in frame.columns:
            raise UserError(f"the rows to predict have no column {name!r}")
    try:
        require_columns(frame, ())
    except UserError as error:
        raise UserError(f"the rows to predict: {error}") from error
    if not len(frame):
        raise UserError("there are no rows to predict")
    numbers = frame[list(table.features)].apply(read_numbers)
    x = numbers.to_numpy(dtype=float)
    if not np.isfinite(x).all():
        row, column = (int(place[0]) for place in np.nonzero(~np.isfinite(x)))
        name = table.features[column]
        said = str(frame[name].iloc[row])[:40]
        raise UserError(
            f"the rows to predict: row {row + 1}, column {name!r}: expected a number, got {said!r}"
        )
    known = set(table.groups)
    if group is None:
        if len(known) > 1:
            raise UserError(
                f"the table has groups ({', '.join(sorted(known)[:8])}); the rows to predict need "
                "the column that says which each belongs to"
            )
        return x, tuple(known) * len(x)
    if frame[group].isna().any():
        row = int(np.flatnonzero(frame[group].isna())[0])
        raise UserError(f"the rows to predict: row {row + 1}, column {group!r}: no group")
    names = group_names(frame[group])
    unknown = sorted(set(names) - known)
    if unknown:
        raise UserError(f"group {unknown[0]!r} of the rows to predict is not in the table")
    return x, names


def unvaried_columns(frame: pd.DataFrame, table: Table, group: str | None) -> dict[str, float]:
    """Return the columns of numbers that are the same in all rows, and what they hold."""
    others = [name for name in frame.columns if name not in {*table.features, table.target, group}]
    found = {name: read_numbers(frame[name]) for name in others}
    return {
        name: float(values.dropna().iloc[0])
        for name, values in found.items()
        if values.notna().mean() >= _MOSTLY and values.nunique() == 1
    }


def other_values(frame: pd.DataFrame, unvaried: Mapping[str, float]) -> list[str]:
    """Say where rows differ in what was the same in all that were measured."""
    said = []
    for name, known in unvaried.items():
        if name not in frame.columns:
            continue
        values = read_numbers(frame[name])
        others = values[values.notna() & (values != known)]
        if len(others):
            said.append(
                f"{name}: {others.iloc[0]:.6g}, but {known:.6g} in the whole table; what it "
                "changes no row says, and the law leaves it out"
            )
    return said
