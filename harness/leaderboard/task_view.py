"""What pages show of a task: its definition, its rows where they are here, and plain baselines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UserError
from harness.evaluation.scoring import figures, join, per_group
from harness.leaderboard.board import BoardTask
from harness.tasks.reach import FeatureReach, feature_reaches

if TYPE_CHECKING:
    from harness.evaluation.records import Evaluation, GroupFigures, Traces
    from harness.tasks import GroupRows, TaskData, TaskDefinition

_SAME = 1e-9
"""How far a recomputed R² may lie from the stored one, relative to the larger of it and 1."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a plain rule, without any law, scores on a task."""

    name: str
    r2: float
    per_group: dict[str, GroupFigures]


@dataclass(frozen=True, slots=True, eq=False)
class TaskView:
    """A task as pages show it."""

    definition: TaskDefinition
    data: TaskData | None
    """None where the rows are not on this machine, or are not those of the definition."""
    reaches: tuple[FeatureReach, ...]
    """How far test lies outside train, by feature; empty without data."""

    @property
    def n_train(self) -> int:
        """Train rows."""
        return sum(len(rows.targets) for rows in self.data.train) if self.data else 0

    @property
    def n_test(self) -> int:
        """Test rows."""
        return sum(len(rows.targets) for rows in self.data.test) if self.data else 0

    def agrees(self, evaluation: Evaluation, traces: Traces) -> bool:
        """Return whether stored predictions give the stored figures on the rows at hand.

        They do not where the task's data has changed since, so that a chart would show another
        task's rows.
        """
        if self.data is None or evaluation.r2 is None:
            return False
        if not _gives(evaluation.r2, self.data.test, traces.test):
            return False
        if evaluation.r2_fit is not None:
            return _gives(evaluation.r2_fit, self.data.train, traces.train)
        # Some train rows could not be predicted; there are figures of the other groups.
        return all(
            _gives(own.r2_fit, [rows], traces.train)
            for rows in self.data.train
            if (own := evaluation.per_group.get(rows.group)) and own.r2_fit is not None
        )


def _gives(r2: float, rows: Sequence[GroupRows], predicted: dict[str, np.ndarray]) -> bool:
    """Return whether predictions are of as many rows and give, but for rounding, an R²."""
    for group in rows:
        found = predicted.get(group.group)
        if found is None or found.shape != group.targets.shape:
            return False
    with np.errstate(over="ignore"):
        given = figures(*join(rows, predicted))
    return given is not None and abs(given.r2 - r2) <= _SAME * max(1.0, abs(r2))


_VIEWS: dict[str, TaskView] = {}


def task_view(task: BoardTask) -> TaskView:
    """Return the view of a task; within a process it is made once for the same definition and data.

    Args:
        task: The task; its data may be missing.
    """
    try:
        key = f"{task.digest()} {task.definition.model_dump_json()}"
        if key not in _VIEWS:
            data = task.data()
            _VIEWS[key] = TaskView(task.definition, data, feature_reaches(task.definition, data))
        return _VIEWS[key]
    except UserError:
        return TaskView(task.definition, None, ())


def group_means(view: TaskView) -> Baseline | None:
    """Return what answering each group's mean over its train rows scores; None without data."""
    data = view.data
    if data is None:
        return None
    means = {rows.group: rows.targets.mean(axis=0) for rows in data.train}
    test = {rows.group: np.tile(means[rows.group], (len(rows.targets), 1)) for rows in data.test}
    train = {rows.group: np.tile(means[rows.group], (len(rows.targets), 1)) for rows in data.train}
    found = figures(*join(data.test, test))
    if found is None:
        return None
    groups = per_group(data.train, data.test, train, test)
    return Baseline("each group’s train mean", found.r2, groups)
