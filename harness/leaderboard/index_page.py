"""The index: for each suite a table over all its tasks, and one for each task, in every reading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.evaluation.figures import count
from harness.leaderboard.entries import Entry
from harness.leaderboard.exports.file_names import TableNames
from harness.leaderboard.page_names import PageNames, Pair, task_page
from harness.leaderboard.readings import Counting, Reading
from harness.leaderboard.standings import SuiteRow, suite_rows
from harness.leaderboard.tables import SuiteTables, TaskTables
from harness.leaderboard.templating import render
from harness.leaderboard.ties import TieMark, tie_marks
from harness.leaderboard.uncertainty import Uncertainty

_TITLE_ENDING = " Scaling Law"

READING_LABELS = {
    Reading.AS_RUN: "as run",
    Reading.FILLED: "filled up",
    Reading.SUCCESSES: "successes only",
}


@dataclass(frozen=True, slots=True)
class _Tab:
    """One task's part of the index."""

    tables: TaskTables
    label: str
    claims: Mapping[Pair, Entry]
    """What is claimed on this task; shown beside our figures."""


@dataclass(frozen=True, slots=True)
class _Suite:
    """A suite's part of the index; shown when there is a run on any of its tasks."""

    tables: SuiteTables
    tabs: Sequence[_Tab]
    claims: Mapping[Pair, SuiteRow]

    @property
    def summary(self) -> str:
        """How much there is to see, in words."""
        rows = self.tables.usual.rows
        runs = sum(row.n_runs for row in rows)
        with_runs = sum(bool(tab.tables.usual.rows) for tab in self.tabs)
        return (
            f"{count(len(rows), 'entry', 'entries')} · {count(runs, 'run')} · "
            f"{with_runs} of {count(len(self.tabs), 'task')} with runs"
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to filter by: its slug and what is shown."""

    slug: str
    name: str


def index_page(
    suites: Sequence[SuiteTables],
    claimed: Sequence[Entry],
    names: PageNames,
    *,
    measured: bool,
) -> str:
    """Return the index.

    Args:
        suites: The rankings of all suites, in the order in which they appear.
        claimed: Claimed entries to show beside them.
        names: What the run pages are called.
        measured: Whether the figures are ours rather than claims.
    """
    shown = [_suite(tables, claimed) for tables in suites if tables.usual.rows]
    rows = [row for suite in shown for row in suite.tables.usual.rows]
    return render(
        "index.html.j2",
        measured=measured,
        audited=bool(claimed),
        suites=shown,
        agents=_choices((row.agent, row.agent_name) for row in rows),
        models=_choices((row.model, row.model_name) for row in rows),
        formats=sorted({name for row in rows for name in row.formats}),
        readings=[
            (reading, READING_LABELS[reading])
            for reading in Reading
            if any(reading in _readings(suite.tables) for suite in shown)
        ],
        reading_label=lambda counting: READING_LABELS[counting.reading],
        counted_how=_counted_how,
        page_of=lambda entry: names.run_page(entry.task, entry.pair),
        task_page=task_page,
        table_names=TableNames([tables.suite for tables in suites]),
        ties=tie_marks,
        no_tie=TieMark(False, False, False),
        unsure=Uncertainty(None, None, None, None, 0),
    )


def _readings(tables: SuiteTables) -> set[Reading]:
    return {table.counting.reading for table in tables.readings}


def _choices(pairs: Iterable[tuple[str, str]]) -> list[Choice]:
    names = dict(sorted(pairs))
    return [
        Choice(slug, name)
        for slug, name in sorted(names.items(), key=lambda item: (item[1].casefold(), item[0]))
    ]


def _counted_how(counting: Counting) -> str:
    """Return in words what counts in a reading."""
    if counting.reading is Reading.FILLED:
        return (
            f"As the public index counts: every task is filled up to {counting.expected_runs} runs "
            "with −1, so runs that were not made count like failures."
        )
    if counting.reading is Reading.SUCCESSES:
        return (
            "Only runs that succeeded count and tasks without one are left out: an entry may look "
            "good here because it failed where others did not try."
        )
    return "Failures, broken rules and tasks without runs count −1."


def _suite(tables: SuiteTables, claimed: Sequence[Entry]) -> _Suite:
    pairs = {row.pair for row in tables.usual.rows}
    beside = [entry for entry in claimed if entry.pair in pairs]
    labels = _labels([task.task.title for task in tables.tasks])
    return _Suite(
        tables=tables,
        tabs=[_tab(task, label, beside) for task, label in zip(tables.tasks, labels, strict=True)],
        claims={row.pair: row for row in suite_rows(beside, tables.suite.tasks)},
    )


def _labels(titles: Sequence[str]) -> list[str]:
    """Return short names of a suite's tasks: without the words that all titles share."""
    words = [title.removesuffix(_TITLE_ENDING).split() for title in titles]
    most = min(len(parts) for parts in words) - 1 if len(words) > 1 else 0
    shared = 0
    while shared < most and len({parts[shared] for parts in words}) == 1:
        shared += 1
    return [" ".join(parts[shared:]) or title for parts, title in zip(words, titles, strict=True)]


def _tab(tables: TaskTables, label: str, claimed: Sequence[Entry]) -> _Tab:
    pairs = {row.entry.pair for row in tables.usual.rows}
    claims = {
        entry.pair: entry
        for entry in claimed
        if entry.task == tables.task.name and entry.pair in pairs
    }
    return _Tab(tables, label, claims)
