"""The site: a pure function of the stored runs and claims, written as files."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from harness.leaderboard.board import Board
from harness.leaderboard.page_names import INDEX
from harness.leaderboard.rendering import make_all
from harness.leaderboard.site_files import SiteFolder, only_writer
from harness.leaderboard.site_plan import plan_claims, plan_site

Source = Literal["evaluations", "claims"]

_MOST_PROCESSES = 8


@dataclass(frozen=True, slots=True)
class SiteReport:
    """What writing the site did; names are sorted."""

    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]
    """Pages of entries that are no longer there."""
    index: Path


class SiteWatcher(Protocol):
    """Is told how far the writing is."""

    def started(self, total: int, unchanged: int) -> None:
        """So many files are to be made, and so many stay as they are."""

    def made(self, count: int) -> None:
        """So many more files are made."""


def write_site(
    out: Path,
    board: Board | Callable[[], Board],
    source: Source = "evaluations",
    *,
    watcher: SiteWatcher | None = None,
    waiting: Callable[[], None] | None = None,
    processes: int | None = None,
) -> SiteReport:
    """Write the index, the pages of all entries and what they need into a folder.

    The same board gives the same bytes. Files whose input is the same as last time are not even
    made again; of the others only those that change are written. One at a time writes a folder;
    another call waits for it.

    Args:
        out: The folder; made if it is not there.
        board: What to show; or what reads it, called once nobody else writes the folder, so that
            the last to write knows of whatever those before it showed.
        source: Whether to show our own evaluations (claims beside them), or the claims alone.
        watcher: Is told how far the writing is.
        waiting: Called when this has to wait for another call for more than a moment.
        processes: How many processes may make files at once; by default one a core.

    Raises:
        UserError: The folder cannot be used, see ``SiteFolder``, or the store is damaged.
    """
    with only_writer(out, waiting):
        shown = board if isinstance(board, Board) else board()
        return _write(out, shown, source, watcher, processes or _processes())


def _write(
    out: Path, board: Board, source: Source, watcher: SiteWatcher | None, processes: int
) -> SiteReport:
    plan = plan_claims(board) if source == "claims" else plan_site(board)
    inputs = {name: planned.input for planned in plan for name in planned.job.names}
    folder = SiteFolder(out, inputs)
    current = folder.current()
    wanted = [planned for planned in plan if not current.issuperset(planned.job.names)]
    here = [planned.job for planned in wanted if planned.whole]
    jobs = [planned.job for planned in wanted if not planned.whole]
    to_make = {name for planned in wanted for name in planned.job.names}
    kept = inputs.keys() - to_make
    if watcher:
        watcher.started(len(to_make), len(kept))
    folder.begin(kept)
    for files in make_all(here, jobs, board.traces, processes):
        for name, data in files.items():
            folder.put(name, data)
        if watcher:
            watcher.made(len(files))
    changes = folder.finish()
    return SiteReport(changes.written, changes.unchanged, changes.removed, out / INDEX)


def _processes() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(cores or 1, _MOST_PROCESSES)
