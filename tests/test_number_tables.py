"""The tables behind the charts: every number of the data and of a run's predictions, as written."""

from __future__ import annotations

import re

import numpy as np
import pytest
from board_samples import DATA, TASKS, Task, drawn_run

from harness.evaluation.records import Traces
from harness.leaderboard.number_tables import NumberTable, Predicted, number_tables
from harness.leaderboard.task_view import TaskView, task_view

HERE = Task("drawn_law", "Drawn Law", "nano")
AWAY = Task("away_law", "Away Law", "nano", has_data=False)


def cells(table: NumberTable) -> list[list[str]]:
    return [
        re.sub(r"<[^>]+>", "\x00", line).strip("\x00").split("\x00")
        for line in str(table.body).splitlines()
    ]


def tables(view: TaskView, traces: Traces) -> dict[str, NumberTable]:
    found = number_tables(view, [Predicted("1", "run 1", traces)])
    return {table.split: table for table in found}


def test_rows_hold_group_features_measured_and_predicted() -> None:
    _, traces = drawn_run(1, 0.125)
    found = tables(task_view(HERE), traces)
    assert list(found) == ["test", "train", "curve"]
    assert [head.role for head in found["test"].heads] == [
        "group",
        "feature",
        "target",
        "prediction",
    ]
    for split, groups in (("test", DATA.test), ("train", DATA.train)):
        rows = iter(cells(found[split]))
        for group in groups:
            for feature, target in zip(group.features[:, 0], group.targets[:, 0], strict=True):
                name, *numbers = next(rows)
                assert name == group.group
                expected = [feature, target, target + 0.125]
                assert [float(n) for n in numbers] == pytest.approx(expected, rel=1e-5)
        assert next(rows, None) is None


def test_what_was_not_predicted_is_a_dash() -> None:
    _, traces = drawn_run(1, 0.0)
    broken = Traces(
        params=traces.params,
        train={},
        test={name: np.full_like(values, np.inf) for name, values in traces.test.items()},
        curve={name: np.full_like(values, np.nan) for name, values in traces.curve.items()},
    )
    for table in tables(task_view(HERE), broken).values():
        assert {row[-1] for row in cells(table)} == {"–"}


def test_without_data_there_is_nothing_to_draw() -> None:
    _, traces = drawn_run(1, 0.0)
    view = task_view(AWAY)
    assert number_tables(view, [Predicted("1", "run 1", traces)]) == []
    assert (view.n_train, view.n_test) == (0, 0)


def test_predictions_of_other_rows_are_not_drawn_beside_these() -> None:
    run, traces = drawn_run(1, 0.25)
    view = task_view(HERE)
    assert view.agrees(run.evaluation, traces)
    other = {name: values + 0.1 for name, values in traces.test.items()}
    changed = Traces(params=traces.params, train=traces.train, test=other, curve=traces.curve)
    assert not view.agrees(run.evaluation, changed)
    shorter = {name: values[:-1] for name, values in traces.test.items()}
    fewer = Traces(params=traces.params, train=traces.train, test=shorter, curve=traces.curve)
    assert not view.agrees(run.evaluation, fewer)
    assert not task_view(TASKS[0]).agrees(run.evaluation.model_copy(update={"r2": None}), traces)
