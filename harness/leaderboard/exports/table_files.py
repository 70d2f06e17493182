"""The tables of the board as files for spreadsheets (CSV) and papers (LaTeX)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from harness.leaderboard.exports import latex
from harness.leaderboard.exports.file_names import TableNames
from harness.leaderboard.exports.ranked import RankedLine, suite_lines, task_lines
from harness.leaderboard.exports.text import csv_text
from harness.leaderboard.readings import Reading

if TYPE_CHECKING:
    from harness.leaderboard.tables import SuiteTables

Cell = str | float | bool | tuple[str, ...] | None

_COLUMNS = tuple(field.name for field in fields(RankedLine))
_OF_TASKS = tuple(name for name in _COLUMNS if name not in ("tasks_with_runs", "tasks_counted"))
_COUNTED = {
    Reading.AS_RUN: "runs as they are",
    Reading.FILLED: "filled up to the expected runs",
    Reading.SUCCESSES: "successes only",
}


def table_files(suites: Sequence[SuiteTables]) -> dict[str, bytes]:
    """Return every table of the board that has rows as CSV and as LaTeX, by file name, sorted.

    Args:
        suites: The tables of each suite, in any order.
    """
    names = TableNames([tables.suite for tables in suites])
    files: dict[str, bytes] = {}
    for tables in suites:
        if not tables.usual.rows:
            continue
        suite = tables.suite.name
        for table in tables.readings:
            reading = table.counting.reading
            title = f"Suite {suite}, {_COUNTED[reading]}"
            _add(files, names.suite(suite, reading), title, suite_lines(table), suite=True)
        for each in tables.tasks:
            for of_task in each.readings if each.usual.rows else ():
                reading = of_task.counting.reading
                title = f"Task {each.task.name}, {_COUNTED[reading]}"
                name = names.task(each.task.name, reading)
                _add(files, name, title, task_lines(of_task), suite=False)
        _add_matrix(files, names.matrix(suite), suite, suite_lines(tables.usual))
    return dict(sorted(files.items()))


def _add(
    files: dict[str, bytes], name: str, title: str, lines: Sequence[RankedLine], *, suite: bool
) -> None:
    columns = _COLUMNS if suite else _OF_TASKS
    cells = [[getattr(line, column) for column in columns] for line in lines]
    files[f"{name}.csv"] = _csv([columns, *cells])
    files[f"{name}.tex"] = latex.ranking(title, lines, suite=suite).encode("utf-8")


@dataclass(frozen=True, slots=True)
class _Matrix:
    """The means of agents with models, sorted by their slugs."""

    agents: dict[str, str]
    """Display names by slug, as are the models'."""
    models: dict[str, str]
    means: list[list[float | None]]
    """A row for each agent, a column for each model; None where there is no entry."""

    @classmethod
    def of(cls, lines: Sequence[RankedLine]) -> _Matrix:
        """Return the matrix of a suite's ranking."""
        ordered = sorted(lines, key=lambda line: (line.agent, line.model))
        # Backwards, so that the first of several display names of one slug stays.
        agents = {line.agent: line.agent_name for line in reversed(ordered)}
        models = {line.model: line.model_name for line in reversed(ordered)}
        agents, models = dict(sorted(agents.items())), dict(sorted(models.items()))
        means = {(line.agent, line.model): line.mean for line in lines}
        rows = [[means.get((agent, model)) for model in models] for agent in agents]
        return cls(agents, models, rows)


def _add_matrix(
    files: dict[str, bytes], name: str, suite: str, lines: Sequence[RankedLine]
) -> None:
    matrix = _Matrix.of(lines)
    # No model is called "agent" then, whatever its name.
    heads = ["agent", "agent_name", *(f"mean_{model}" for model in matrix.models)]
    rows: list[Sequence[Cell]] = [
        [agent, shown, *means]
        for (agent, shown), means in zip(matrix.agents.items(), matrix.means, strict=True)
    ]
    files[f"{name}.csv"] = _csv([heads, *rows])
    title = f"Suite {suite}, mean R² of agents (rows) with models (columns), runs as they are"
    shown_names = list(matrix.agents.values()), list(matrix.models.values())
    files[f"{name}.tex"] = latex.matrix(title, *shown_names, matrix.means).encode("utf-8")


def _csv(rows: Iterable[Sequence[Cell]]) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([_plain(cell) for cell in row] for row in rows)
    return buffer.getvalue().encode("utf-8")


def _plain(cell: Cell) -> str | float | None:
    """Return a cell as the csv module writes it; only text can hold a formula."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, tuple):
        return csv_text(" ".join(cell))
    return csv_text(cell) if isinstance(cell, str) else cell
