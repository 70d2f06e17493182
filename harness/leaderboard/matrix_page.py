"""Agents x models: the same model under different agents, the same agent with different models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from harness.leaderboard.page_names import Pair, compare_page
from harness.leaderboard.standings import SuiteRow
from harness.leaderboard.tables import SuiteTables
from harness.leaderboard.templating import render
from harness.leaderboard.uncertainty import Uncertainty


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """An agent with a model on a suite."""

    row: SuiteRow
    sure: Uncertainty | None


@dataclass(frozen=True, slots=True)
class Line:
    """An agent or a model with all that it was tried with, best first."""

    name: str
    cells: tuple[MatrixCell, ...]

    @property
    def spread(self) -> float:
        """How far the best lies above the last."""
        means = [cell.row.mean or 0.0 for cell in self.cells]
        return means[0] - means[-1]


@dataclass(frozen=True, slots=True)
class Matrix:
    """A suite's agents and models."""

    suite: str
    agents: tuple[tuple[str, str], ...]
    """Slug and display name, sorted by the best mean of each."""
    models: tuple[tuple[str, str], ...]
    cells: dict[Pair, MatrixCell]
    by_model: tuple[Line, ...]
    """Models that more than one agent was tried with."""
    by_agent: tuple[Line, ...]
    """Agents that more than one model was tried with."""


def matrix_of(tables: SuiteTables) -> Matrix:
    """Return the matrix of a suite, runs counted as they are."""
    table = tables.usual
    cells = {row.pair: MatrixCell(row, table.sure.get(row.pair)) for row in table.rows}
    ranked = list(cells.values())
    return Matrix(
        suite=tables.suite.name,
        agents=_in_order((cell.row.agent, cell.row.agent_name) for cell in ranked),
        models=_in_order((cell.row.model, cell.row.model_name) for cell in ranked),
        cells=cells,
        by_model=_lines(ranked, lambda row: (row.model, row.model_name)),
        by_agent=_lines(ranked, lambda row: (row.agent, row.agent_name)),
    )


def _in_order(names: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple(dict(names).items())


def _lines(
    ranked: Sequence[MatrixCell], key: Callable[[SuiteRow], tuple[str, str]]
) -> tuple[Line, ...]:
    groups: dict[tuple[str, str], list[MatrixCell]] = {}
    for cell in ranked:
        groups.setdefault(key(cell.row), []).append(cell)
    lines = [Line(name, tuple(own)) for (_, name), own in groups.items() if len(own) > 1]
    return tuple(sorted(lines, key=lambda line: line.name.casefold()))


def matrix_page(suites: Sequence[SuiteTables], pages: Iterable[tuple[Pair, Pair]]) -> str:
    """Return the page of agents x models.

    Args:
        suites: The rankings of all suites.
        pages: Which two entries have a page that compares them.
    """
    with_page = set(pages)
    return render(
        "agents_models.html.j2",
        matrices=[matrix_of(tables) for tables in suites if tables.usual.rows],
        compare=lambda one, other: (
            compare_page(one, other) if (min(one, other), max(one, other)) in with_page else None
        ),
    )
