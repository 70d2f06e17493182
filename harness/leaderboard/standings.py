"""Standings: what entries amount to on a task and over a suite, ranked, in one of the readings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from harness.leaderboard.entries import Entry
from harness.leaderboard.means import exact_mean
from harness.leaderboard.readings import AS_RUN, Counting, Figures


class NamedTask(Protocol):
    """What a ranking needs to know of a task."""

    @property
    def name(self) -> str:
        """The task's name, as runs carry it."""

    @property
    def suite(self) -> str:
        """The suite over which the task is averaged."""


@dataclass(frozen=True, slots=True)
class TaskRow:
    """An entry with its rank on its task."""

    rank: int
    entry: Entry
    figures: Figures | None
    """None where none of its runs counts."""

    @property
    def mean(self) -> float | None:
        """Mean of the counted runs."""
        return None if self.figures is None else self.figures.mean


@dataclass(frozen=True, slots=True)
class SuiteRow:
    """An agent with a model over a whole suite."""

    suite: str
    rank: int
    agent: str
    model: str
    agent_name: str
    model_name: str
    figures: Figures | None
    """Means over the tasks of the tasks' best, mean and min; None where nothing counts."""
    by_task: Mapping[str, Figures]
    """By task name; a task on which nothing counts is absent."""
    n_tasks: int
    """Tasks of the suite."""
    entries: Mapping[str, Entry]
    """By task name; a task without runs is absent."""

    @property
    def mean(self) -> float | None:
        """Mean of the tasks' means."""
        return None if self.figures is None else self.figures.mean

    @property
    def best(self) -> float | None:
        """Mean of the tasks' bests."""
        return None if self.figures is None else self.figures.best

    @property
    def pair(self) -> tuple[str, str]:
        """The agent and the model, as slugs."""
        return self.agent, self.model

    @property
    def is_bar(self) -> bool:
        """Whether this is an entry of people, which others have to beat."""
        return any(entry.is_bar for entry in self.entries.values())

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats of the programs, sorted."""
        return tuple(sorted({name for entry in self.entries.values() for name in entry.formats}))

    @property
    def n_tasks_with_runs(self) -> int:
        """How many of the suite's tasks have runs."""
        return len(self.entries)

    @property
    def n_tasks_counted(self) -> int:
        """On how many of the suite's tasks it has runs that count in this reading."""
        return len(self.by_task)

    @property
    def n_runs(self) -> int:
        """Runs over all tasks."""
        return sum(entry.n_runs for entry in self.entries.values())

    @property
    def failures(self) -> int:
        """Failed runs over all tasks."""
        return sum(entry.failures for entry in self.entries.values())

    @property
    def violations(self) -> int:
        """Runs that break a rule, over all tasks."""
        return sum(entry.violations for entry in self.entries.values())

    @property
    def setbacks(self) -> int:
        """Runs that failed or break a rule, over all tasks."""
        return self.failures + self.violations


def task_rows(
    all_entries: Iterable[Entry], task: str, counting: Counting = AS_RUN
) -> list[TaskRow]:
    """Return the ranking of one task: by mean, ties share a rank and go by agent and model.

    An entry of which nothing counts comes last.

    Args:
        all_entries: Entries, of other tasks too.
        task: The task's name.
        counting: How runs are counted.
    """
    found = [(entry, counting.figures(entry)) for entry in all_entries if entry.task == task]
    ordered = sorted(found, key=lambda item: (*_by_mean(item[1]), item[0].pair))
    ranks = _ranks([figures for _, figures in ordered])
    return [
        TaskRow(rank, entry, figures) for rank, (entry, figures) in zip(ranks, ordered, strict=True)
    ]


def suite_rows(
    all_entries: Iterable[Entry], tasks: Sequence[NamedTask], counting: Counting = AS_RUN
) -> list[SuiteRow]:
    """Return the ranking of one suite: by Mean R², ties share a rank and go by agent and model.

    Args:
        all_entries: Entries, of other tasks too.
        tasks: All tasks of the suite, in any order.
        counting: How runs, and tasks without runs, are counted.
    """
    names = {task.name for task in tasks}
    by_pair: dict[tuple[str, str], dict[str, Entry]] = {}
    for entry in sorted(all_entries, key=lambda entry: entry.task):
        if entry.task in names:
            by_pair.setdefault(entry.pair, {})[entry.task] = entry
    rows = [
        _suite_row(tasks[0].suite, by_task, len(names), counting) for by_task in by_pair.values()
    ]
    rows.sort(key=lambda row: (*_by_mean(row.figures), row.pair))
    ranks = _ranks([row.figures for row in rows])
    return [replace(row, rank=rank) for row, rank in zip(rows, ranks, strict=True)]


def _suite_row(
    suite: str, by_task: Mapping[str, Entry], n_tasks: int, counting: Counting
) -> SuiteRow:
    first = next(iter(by_task.values()))
    counted = {task: counting.figures(entry) for task, entry in by_task.items()}
    figures = {task: found for task, found in counted.items() if found is not None}
    return SuiteRow(
        suite=suite,
        rank=0,
        agent=first.agent,
        model=first.model,
        agent_name=first.agent_name,
        model_name=first.model_name,
        figures=_over(list(figures.values()), n_tasks, counting.absent),
        by_task=figures,
        n_tasks=n_tasks,
        entries=by_task,
    )


def _over(figures: Sequence[Figures], n_tasks: int, absent: float | None) -> Figures | None:
    """Return the means over a suite's tasks."""

    def mean(figure: Callable[[Figures], float]) -> float:
        missing = [] if absent is None else [absent] * (n_tasks - len(figures))
        return exact_mean([figure(item) for item in figures] + missing)

    if not figures and absent is None:
        return None
    return Figures(mean(lambda f: f.best), mean(lambda f: f.mean), mean(lambda f: f.min))


def _by_mean(figures: Figures | None) -> tuple[bool, float]:
    return figures is None, 0.0 if figures is None else -figures.mean


def _ranks(figures: Sequence[Figures | None]) -> list[int]:
    """Return the ranks of figures sorted from the largest mean: 1, 2, 2, 4."""
    means = [None if item is None else item.mean for item in figures]
    ranks: list[int] = []
    for index, mean in enumerate(means):
        tied = index > 0 and mean == means[index - 1]
        ranks.append(ranks[-1] if tied else index + 1)
    return ranks
