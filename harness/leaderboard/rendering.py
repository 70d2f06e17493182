"""Making the site's files: each job makes some, in as many processes as there is work for."""

from __future__ import annotations

import atexit
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from harness.leaderboard.board import TraceSource
from harness.leaderboard.formula import FormulaWorker

_MANY = 48
"""From so many jobs on it pays to start processes for them."""


@dataclass(slots=True)
class Tools:
    """What jobs of one process share."""

    traces: TraceSource
    formulas: FormulaWorker = field(default_factory=FormulaWorker)

    def close(self) -> None:
        """End the worker and close the store."""
        self.formulas.close()
        self.traces.close()


class Job(Protocol):
    """Makes some files of the site; another process may do it."""

    @property
    def names(self) -> tuple[str, ...]:
        """The files' names."""

    def make(self, tools: Tools) -> dict[str, bytes]:
        """Return the files' contents by name."""


def make_all(
    here: Sequence[Job], jobs: Sequence[Job], traces: TraceSource, processes: int
) -> Iterator[dict[str, bytes]]:
    """Make the files of all jobs, in any order.

    Args:
        here: Jobs to be done in this process: they hold so much that another would need as much
            memory again.
        jobs: All others.
        traces: The arrays of evaluations.
        processes: How many processes may work at once.
    """
    tools = Tools(traces)
    try:
        if processes > 1 and len(jobs) >= _MANY:
            yield from _in_processes(here, jobs, tools, processes)
        else:
            for job in (*here, *jobs):
                yield job.make(tools)
    finally:
        tools.close()


def _in_processes(
    here: Sequence[Job], jobs: Sequence[Job], tools: Tools, processes: int
) -> Generator[dict[str, bytes], None, None]:
    import joblib
    from joblib.externals.loky import get_reusable_executor

    parallel = joblib.Parallel(
        n_jobs=processes,
        backend="loky",
        batch_size=4,
        pre_dispatch="3*n_jobs",
        return_as="generator_unordered",
        max_nbytes=None,
    )
    made: Generator[dict[str, bytes], None, None] = parallel(
        joblib.delayed(_make)(job, tools.traces) for job in jobs
    )
    try:
        for job in here:  # the others are at work from here on
            yield job.make(tools)
        yield from made
    finally:
        made.close()
        get_reusable_executor().shutdown(wait=True, kill_workers=True)


_tools: Tools | None = None


def _make(job: Job, traces: TraceSource) -> dict[str, bytes]:
    """Do a job in a process that makes files only; its tools end with it."""
    global _tools  # noqa: PLW0603 (a process has one set, for all its jobs)
    if _tools is None:
        _tools = Tools(traces)
        atexit.register(_tools.close)
    return job.make(_tools)
