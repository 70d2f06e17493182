"""What a site is made of: suites with their tasks, stored runs, claims, and the runs' arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from harness.results.records import StoredClaim, StoredRun
from harness.results.store import Store

if TYPE_CHECKING:
    from harness.evaluation.records import Traces
    from harness.tasks import Catalogue, TaskData, TaskDefinition


class BoardTask(Protocol):
    """What the pages need to know of a task; tasks of the catalogue do."""

    @property
    def name(self) -> str:
        """The task's name, as runs carry it."""

    @property
    def title(self) -> str:
        """What people read."""

    @property
    def suite(self) -> str:
        """The suite over which the task is averaged."""

    @property
    def definition(self) -> TaskDefinition:
        """What its YAML file states."""

    def digest(self) -> str:
        """Return the SHA-256 of what can change a score.

        Raises:
            UserError: The data is not there.
        """

    def data(self) -> TaskData:
        """Return both splits.

        Raises:
            UserError: The data is missing or wrong.
        """


class TraceSource(Protocol):
    """Gives the arrays of stored evaluations."""

    def traces(self, digest: str) -> Traces | None:
        """Return the arrays of an evaluation, None where there are none."""

    def close(self) -> None:
        """Let go of what is open; it is opened again when asked."""


class NoTraces:
    """For a board without a store."""

    def traces(self, digest: str) -> Traces | None:  # noqa: ARG002 (the protocol's argument)
        """Return None."""
        return None

    def close(self) -> None:
        """Do nothing."""


@dataclass(slots=True)
class StoreTraces:
    """Reads arrays from a store's file; each process that gets a copy opens the file for itself."""

    path: Path
    _store: Store | None = field(default=None, repr=False)

    def traces(self, digest: str) -> Traces | None:
        """Return the arrays of an evaluation, None where it is not stored.

        Raises:
            UserError: The store is damaged.
        """
        if self._store is None:
            self._store = Store(self.path, read_only=True)
        try:
            return self._store.traces(digest)
        except KeyError:
            return None

    def close(self) -> None:
        """Close the file."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def __getstate__(self) -> Path:
        """Return what another process needs: an open file does not travel."""
        return self.path

    def __setstate__(self, path: Path) -> None:
        """Take over the path; the file is opened when it is first asked for."""
        self.path, self._store = path, None


@dataclass(frozen=True, slots=True)
class TaskOutline:
    """A task without its data."""

    name: str
    title: str


@dataclass(frozen=True, slots=True)
class SuiteOutline:
    """A suite without its tasks' data: what a comparison needs to know of it."""

    name: str
    tasks: tuple[TaskOutline, ...]


@dataclass(frozen=True, slots=True)
class BoardSuite:
    """A suite, as far as the board shows it."""

    name: str
    tasks: tuple[BoardTask, ...]
    expected_runs: int | None = None
    """How many runs an agent with a model should have on each task, where the suite says so."""

    def outline(self) -> SuiteOutline:
        """Return the suite without its tasks' data."""
        return SuiteOutline(
            self.name, tuple(TaskOutline(task.name, task.title) for task in self.tasks)
        )


@dataclass(frozen=True, slots=True)
class Board:
    """Everything that a site shows."""

    suites: tuple[BoardSuite, ...]
    runs: tuple[StoredRun, ...] = ()
    claims: tuple[StoredClaim, ...] = ()
    traces: TraceSource = field(default_factory=NoTraces)

    @property
    def tasks(self) -> dict[str, BoardTask]:
        """All tasks by name."""
        return {task.name: task for suite in self.suites for task in suite.tasks}


def load_board(store: Path, catalogue: Catalogue, suite: str | None = None) -> Board:
    """Read a store's runs and claims on the tasks of a catalogue.

    Args:
        store: The store's file.
        catalogue: The tasks.
        suite: Only this suite.

    Raises:
        UserError: There is no such suite or store, or the store is damaged.
    """
    tasks = catalogue.tasks(suite)
    names = {task.name for task in tasks}
    with Store(store, read_only=True) as opened:
        runs, claims = opened.runs(), opened.claims()
    return Board(
        suites=_suites(tasks, catalogue),
        runs=tuple(run for run in runs if run.key.task in names),
        claims=tuple(claim for claim in claims if claim.task in names),
        traces=StoreTraces(store),
    )


def _suites(tasks: Sequence[BoardTask], catalogue: Catalogue) -> tuple[BoardSuite, ...]:
    by_suite: dict[str, list[BoardTask]] = {}
    for task in tasks:
        by_suite.setdefault(task.suite, []).append(task)
    return tuple(
        BoardSuite(name, tuple(members), catalogue.suite(name).expected_runs)
        for name, members in by_suite.items()
    )
