"""The numbers behind the charts: measured and predicted, a row a data row, a column a run.

The charts read these very tables, so what is drawn is what is written.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup, escape

from harness.evaluation.figures import DASH
from harness.leaderboard.task_view import TaskView

if TYPE_CHECKING:
    from harness.evaluation.records import Traces
    from harness.tasks import GroupRows

MOST_ROWS = 6000
"""Of a split with more rows every second, third... row is shown."""

_LABELS = {
    "test": "Held-out rows, which are scored",
    "train": "Train rows, on which programs are fitted",
    "curve": "The law along one feature",
}


@dataclass(frozen=True, slots=True)
class Head:
    """A column of a table, for readers and for the charts."""

    text: str
    role: str
    """``group``, ``feature``, ``target`` or ``prediction``."""
    name: str
    unit: str = ""
    run: str = ""
    target: str = ""
    log: bool = False


@dataclass(frozen=True, slots=True)
class NumberTable:
    """A table, ready to be put on a page."""

    split: str
    label: str
    heads: tuple[Head, ...]
    body: Markup
    n_rows: int
    step: int
    """Every how-manieth row is shown."""


@dataclass(frozen=True, slots=True, eq=False)
class Predicted:
    """The predictions of one run."""

    name: str
    """What the run is called in the table: its number, mostly."""
    label: str
    traces: Traces


def number_tables(view: TaskView, runs: Sequence[Predicted]) -> list[NumberTable]:
    """Return the tables of a task's rows with the predictions of some runs.

    Args:
        view: The task, with data.
        runs: Runs whose predictions belong to these very rows.

    Returns:
        Held-out rows, train rows, and the curve where the task declares one and a run has it.
    """
    data = view.data
    if data is None:
        return []
    tables = [
        _rows_table("test", view, data.test, [run.traces.test for run in runs], runs),
        _rows_table("train", view, data.train, [run.traces.train for run in runs], runs),
    ]
    drawn = [run for run in runs if run.traces.curve]
    if drawn and data.curve:
        tables.append(_curve_table(view, drawn))
    return tables


def _rows_table(
    split: str,
    view: TaskView,
    groups: Sequence[GroupRows],
    predicted: Sequence[Mapping[str, np.ndarray]],
    runs: Sequence[Predicted],
) -> NumberTable:
    total = sum(len(rows.targets) for rows in groups)
    step = math.ceil(total / MOST_ROWS) or 1
    lines: list[str] = []
    for rows in groups:
        measured = _cells(np.hstack([rows.features, rows.targets])[::step])
        columns = [
            _cells(_matching(run.get(rows.group), rows.targets.shape)[::step]) for run in predicted
        ]
        head = f"<tr><td>{escape(rows.group)}"
        lines.extend(head + "".join(parts) for parts in zip(measured, *columns, strict=True))
    heads = (*_row_heads(view), *_prediction_heads(view, runs))
    return NumberTable(split, _LABELS[split], heads, _body(lines), len(lines), step)


def _matching(found: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray:
    """Return predictions as they are where they fit the rows, else as nothing."""
    return found if found is not None and found.shape == shape else np.full(shape, np.nan)


def _curve_table(view: TaskView, runs: Sequence[Predicted]) -> NumberTable:
    data = view.data
    assert data is not None  # noqa: S101 (the caller has looked)
    width = len(view.definition.targets)
    lines: list[str] = []
    for group, features in sorted(data.curve.items()):
        columns = [
            _cells(_matching(run.traces.curve.get(group), (len(features), width))) for run in runs
        ]
        head = f"<tr><td>{escape(group)}"
        rows = zip(_cells(features), *columns, strict=True)
        lines.extend(head + "".join(parts) for parts in rows)
    heads = (*_feature_heads(view), *_prediction_heads(view, runs))
    return NumberTable("curve", _LABELS["curve"], heads, _body(lines), len(lines), 1)


def _cells(values: np.ndarray) -> Iterator[str]:
    """Yield the cells of each row."""
    template = "<td>%.6g" * values.shape[1]
    for row in values.tolist():
        text = template % tuple(row)
        # Not a number, or beyond all numbers: nothing was predicted there.
        yield text.replace("nan", DASH).replace("-inf", DASH).replace("inf", DASH)


def _body(lines: Sequence[str]) -> Markup:
    return Markup("\n".join(lines))  # noqa: S704 (numbers, and group names escaped above)


def _feature_heads(view: TaskView) -> list[Head]:
    logs = log_features(view)
    features = [
        Head(column.name, "feature", column.name, column.unit, log=column.name in logs)
        for column in view.definition.features
    ]
    return [Head("group", "group", "group"), *features]


def _row_heads(view: TaskView) -> list[Head]:
    targets = [
        Head(f"{column.name} measured", "target", column.name, column.unit)
        for column in view.definition.targets
    ]
    return [*_feature_heads(view), *targets]


def _prediction_heads(view: TaskView, runs: Sequence[Predicted]) -> list[Head]:
    several = len(view.definition.targets) > 1
    return [
        Head(
            f"{run.label}{f': {column.name}' if several else ''}",
            "prediction",
            column.name,
            column.unit,
            run=run.name,
            target=column.name,
        )
        for run in runs
        for column in view.definition.targets
    ]


def log_features(view: TaskView) -> frozenset[str]:
    """Return the features to draw on a logarithmic axis: all above 0, over more than a decade."""
    return frozenset(
        reach.name
        for reach in view.reaches
        if reach.is_factor
        and min(reach.train.low, reach.test.low) > 0
        and max(reach.train.high, reach.test.high) / min(reach.train.low, reach.test.low) >= 10
    )
