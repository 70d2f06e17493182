"""Lines of the rankings, flat: the same columns for suites and tasks, in JSON, CSV and LaTeX."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.leaderboard.exports.text import encodable

if TYPE_CHECKING:  # computing tables needs numpy; writing them down does not
    from harness.leaderboard.entries import Entry
    from harness.leaderboard.readings import Figures
    from harness.leaderboard.standings import SuiteRow
    from harness.leaderboard.tables import SuiteTable, TaskTable
    from harness.leaderboard.uncertainty import Uncertainty


@dataclass(frozen=True, slots=True)
class RankedLine:
    """An agent with a model in a ranking.

    The fields are the columns of the files, in this order; ``schema.RankedRow`` says what each
    means.
    """

    rank: int
    tie_rank: int | None
    rank_low: int | None
    rank_high: int | None
    agent: str
    agent_name: str
    model: str
    model_name: str
    mean: float | None
    mean_low: float | None
    mean_high: float | None
    best: float | None
    min: float | None
    tasks_with_runs: int | None
    """None in the ranking of a single task, as is the next."""
    tasks_counted: int | None
    runs: int
    failures: int
    violations: int
    formats: tuple[str, ...]
    is_bar: bool


def suite_lines(table: SuiteTable) -> list[RankedLine]:
    """Return the lines of a suite's ranking, the best first."""
    return [
        replace(
            _line(row.rank, row, row.figures, table.sure.get(row.pair)),
            tasks_with_runs=row.n_tasks_with_runs,
            tasks_counted=row.n_tasks_counted,
        )
        for row in table.rows
    ]


def task_lines(table: TaskTable) -> list[RankedLine]:
    """Return the lines of a task's ranking, the best first."""
    return [
        _line(row.rank, row.entry, row.figures, table.sure.get(row.entry.pair))
        for row in table.rows
    ]


def shown_ranks(lines: Sequence[RankedLine]) -> list[str]:
    """Return the ranks as the board shows them: ``=2`` for those that cannot be told apart."""
    shared = Counter(line.tie_rank for line in lines)
    return [
        f"={line.tie_rank}"
        if line.tie_rank is not None and shared[line.tie_rank] > 1
        else str(line.rank)
        for line in lines
    ]


def _line(
    rank: int, row: SuiteRow | Entry, figures: Figures | None, sure: Uncertainty | None
) -> RankedLine:
    return RankedLine(
        rank=rank,
        tie_rank=None if sure is None else sure.tie_rank,
        rank_low=None if sure is None else sure.rank_low,
        rank_high=None if sure is None else sure.rank_high,
        agent=row.agent,
        agent_name=encodable(row.agent_name),
        model=row.model,
        model_name=encodable(row.model_name),
        mean=None if figures is None else figures.mean,
        mean_low=None if sure is None else sure.mean_low,
        mean_high=None if sure is None else sure.mean_high,
        best=None if figures is None else figures.best,
        min=None if figures is None else figures.min,
        tasks_with_runs=None,
        tasks_counted=None,
        runs=row.n_runs,
        failures=row.failures,
        violations=row.violations,
        formats=row.formats,
        is_bar=row.is_bar,
    )
