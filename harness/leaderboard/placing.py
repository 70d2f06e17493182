"""Where a run stands, or would stand, among those that are stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.leaderboard.entries import Entry, entries
from harness.leaderboard.standings import NamedTask, SuiteRow, TaskRow, suite_rows, task_rows
from harness.results.records import StoredRun


@dataclass(frozen=True, slots=True)
class Place:
    """Where one agent with one model stands once a run of theirs counts."""

    task: TaskRow
    n_task: int
    """How many are ranked on the task."""
    before: int | None
    """The rank on the task without the run; None where they had none."""
    suite: SuiteRow
    n_suite: int
    best_other: Entry | None
    """The first on the task who is somebody else."""
    bar: Entry | None
    """The best entry of people on the task, which others have to beat."""


def place_of(run: StoredRun, stored: Sequence[StoredRun], tasks: Sequence[NamedTask]) -> Place:
    """Return where the agent and model of a run stand when it counts.

    Args:
        run: The run, stored or not.
        stored: All runs that are stored, of other tasks too.
        tasks: The tasks of the suite.
    """
    others = [one for one in stored if one.key != run.key]
    pair = run.key.agent, run.key.model
    name = run.key.task
    now = entries([*others, run])
    rows = task_rows(now, name)
    before = [row for row in task_rows(entries(others), name) if row.entry.pair == pair]
    suite = suite_rows(now, tasks)
    strangers = [row.entry for row in rows if row.entry.pair != pair]
    return Place(
        task=next(row for row in rows if row.entry.pair == pair),
        n_task=len(rows),
        before=before[0].rank if before else None,
        suite=next(row for row in suite if row.pair == pair),
        n_suite=len(suite),
        best_other=strangers[0] if strangers else None,
        bar=next((entry for entry in strangers if entry.is_bar), None),
    )
