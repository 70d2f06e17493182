"""The page of a task: what is predicted from what, the data, baselines, every run of everybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.evaluation.figures import DASH, six
from harness.evaluation.records import FLOOR
from harness.leaderboard.board import BoardTask, TraceSource
from harness.leaderboard.entries import Entry, sorted_runs
from harness.leaderboard.number_tables import Predicted, number_tables
from harness.leaderboard.page_names import Pair, task_page
from harness.leaderboard.task_view import TaskView, group_means, task_view
from harness.leaderboard.templating import render
from harness.results.records import StoredRun

if TYPE_CHECKING:
    from harness.leaderboard.rendering import Tools

BASELINE_AGENT = "baseline"
"""Slug of the agent whose programs are plain fits."""


@dataclass(frozen=True, slots=True)
class BarLine:
    """One of the figures that others are held against."""

    what: str
    r2: float
    page: str | None


@dataclass(frozen=True, slots=True)
class GroupLine:
    """A group's rows."""

    name: str
    n_train: int
    n_test: int


@dataclass(frozen=True, slots=True)
class TaskPage:
    """Makes the page of a task."""

    task: BoardTask
    entries: tuple[Entry, ...]
    """The task's entries, best mean first."""
    pages: dict[Pair, str]
    """The names of their pages."""

    @property
    def names(self) -> tuple[str, ...]:
        """The page's file name."""
        return (task_page(self.task.name),)

    def make(self, tools: Tools) -> dict[str, bytes]:
        """Return the page."""
        view = task_view(self.task)
        html = task_html(view, self.entries, self.pages, tools.traces)
        return {self.names[0]: html.encode("utf-8")}


def task_html(
    view: TaskView, entries: Sequence[Entry], pages: dict[Pair, str], traces: TraceSource
) -> str:
    """Return the page of a task.

    Args:
        view: The task.
        entries: Its entries, best mean first.
        pages: The names of their pages.
        traces: The arrays of evaluations, of which the best run's are drawn.
    """
    definition = view.definition
    runs = sorted_runs(run for entry in entries for run in entry.runs)
    best = _best_drawn(view, runs, traces)
    tables = number_tables(view, [best[1]] if best else [])
    curve = any(table.split == "curve" for table in tables)
    fitted = ["predicted", "law"] if best and curve else ["predicted"] if best else []
    return render(
        "task.html.j2",
        view=view,
        definition=definition,
        groups=_groups(view),
        bars=_bars(view, entries, pages),
        entries=entries,
        pages=pages,
        n_runs=len(runs),
        best=best[0] if best else None,
        best_entry=_entry_of(best[0], entries) if best else None,
        best_of_all=best is not None and best[0] is runs[0],
        tables=tables,
        chart_kinds=[*(["data"] if tables else []), *(["strip"] if runs else []), *fitted],
        fitted_kinds=fitted,
        curve_along=definition.curve.along if definition.curve else "",
        run_score=lambda run: six(run.evaluation.score),
        run_r2=lambda run: DASH if run.evaluation.r2 is None else six(run.evaluation.r2),
    )


def _best_drawn(
    view: TaskView, runs: Sequence[StoredRun], traces: TraceSource
) -> tuple[StoredRun, Predicted] | None:
    """Return the best run whose stored predictions belong to the rows at hand."""
    if view.data is None:
        return None
    for run in runs:
        if run.evaluation.status != "ok":
            return None
        found = traces.traces(run.evaluation.digest)
        if found is not None and view.agrees(run.evaluation, found):
            return run, Predicted("best", "best law", found)
    return None


def _entry_of(run: StoredRun, entries: Sequence[Entry]) -> Entry:
    pair = (run.key.agent, run.key.model)
    return next(entry for entry in entries if entry.pair == pair)


def _groups(view: TaskView) -> list[GroupLine]:
    if view.data is None:
        return []
    test = {rows.group: len(rows.targets) for rows in view.data.test}
    return [
        GroupLine(rows.group, len(rows.targets), test.get(rows.group, 0))
        for rows in view.data.train
    ]


def _bars(view: TaskView, entries: Sequence[Entry], pages: dict[Pair, str]) -> list[BarLine]:
    """Return what to hold a figure against, each where there is one."""
    lines = []
    plain = group_means(view)
    if plain is not None:
        lines.append(BarLine(f"Always answering {plain.name}", plain.r2, None))
    for agent, what in ((BASELINE_AGENT, "The plain power law"), ("human", "People’s best law")):
        best = _best([entry for entry in entries if entry.agent == agent])
        if best and best[0].evaluation.score > FLOOR:
            run, top = best
            said = f"{what} ({top.agent_name})"
            lines.append(BarLine(said, run.evaluation.score, pages[top.pair]))
    best = _best(entries)
    if best:
        run, top = best
        said = f"The best run of all ({top.agent_name} with {top.model_name})"
        lines.append(BarLine(said, run.evaluation.score, pages[top.pair]))
    return lines


def _best(entries: Sequence[Entry]) -> tuple[StoredRun, Entry] | None:
    """Return the best run of some entries and whose it is: the first of all runs in their order."""
    runs = sorted_runs(run for entry in entries for run in entry.runs)
    return (runs[0], _entry_of(runs[0], entries)) if runs else None
