"""The tables of the board: every suite and task, in every reading, with how sure the ranks are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.leaderboard.board import BoardSuite, BoardTask
from harness.leaderboard.bootstrap import EntryScores
from harness.leaderboard.entries import Entry
from harness.leaderboard.page_names import Pair
from harness.leaderboard.readings import Counting, readings_of
from harness.leaderboard.standings import SuiteRow, TaskRow, suite_rows, task_rows
from harness.leaderboard.uncertainty import Uncertainty, suite_uncertainty, task_uncertainty


@dataclass(frozen=True, slots=True)
class SuiteTable:
    """A suite's ranking in one reading."""

    counting: Counting
    rows: Sequence[SuiteRow]
    sure: Mapping[Pair, Uncertainty]
    """By pair; absent for one of which nothing counts."""


@dataclass(frozen=True, slots=True)
class TaskTable:
    """A task's ranking in one reading."""

    counting: Counting
    rows: Sequence[TaskRow]
    sure: Mapping[Pair, Uncertainty]
    """By pair; absent for one of which nothing counts."""


@dataclass(frozen=True, slots=True)
class TaskTables:
    """A task with its rankings, the usual reading first."""

    task: BoardTask
    readings: Sequence[TaskTable]

    @property
    def usual(self) -> TaskTable:
        """The ranking with runs counted as they are."""
        return self.readings[0]


@dataclass(frozen=True, slots=True)
class SuiteTables:
    """A suite with its rankings, the usual reading first, and those of its tasks."""

    suite: BoardSuite
    readings: Sequence[SuiteTable]
    tasks: Sequence[TaskTables]

    @property
    def usual(self) -> SuiteTable:
        """The ranking with runs counted as they are."""
        return self.readings[0]


def suite_tables(suite: BoardSuite, shown: Sequence[Entry]) -> SuiteTables:
    """Return all rankings of a suite.

    Args:
        suite: The suite.
        shown: Entries with runs, of other suites too.
    """
    countings = readings_of(suite.expected_runs)
    return SuiteTables(
        suite=suite,
        readings=[_suite_table(suite, shown, counting) for counting in countings],
        tasks=[
            TaskTables(task, [_task_table(task, shown, counting) for counting in countings])
            for task in suite.tasks
        ],
    )


def claimed_tables(suite: BoardSuite, claimed: Sequence[Entry]) -> SuiteTables:
    """Return the rankings of claims: as printed, in one reading, without a word on how sure."""
    counting = Counting()
    return SuiteTables(
        suite=suite,
        readings=[SuiteTable(counting, suite_rows(claimed, suite.tasks), {})],
        tasks=[
            TaskTables(task, [TaskTable(counting, task_rows(claimed, task.name), {})])
            for task in suite.tasks
        ],
    )


def _suite_table(suite: BoardSuite, shown: Sequence[Entry], counting: Counting) -> SuiteTable:
    rows = suite_rows(shown, suite.tasks, counting)
    counted = [row for row in rows if row.figures is not None]
    scores = [
        EntryScores("/".join(row.pair), {t: counting.scores(e) for t, e in row.entries.items()})
        for row in counted
    ]
    names = [task.name for task in suite.tasks]
    found = suite_uncertainty(scores, names, counting.absent)
    sure = {row.pair: each for row, each in zip(counted, found, strict=True)}
    return SuiteTable(counting, rows, sure)


def _task_table(task: BoardTask, shown: Sequence[Entry], counting: Counting) -> TaskTable:
    rows = task_rows(shown, task.name, counting)
    counted = [row for row in rows if row.figures is not None]
    scores = [("/".join(row.entry.pair), counting.scores(row.entry)) for row in counted]
    found = task_uncertainty(scores, task.name)
    sure = {row.entry.pair: each for row, each in zip(counted, found, strict=True)}
    return TaskTable(counting, rows, sure)
