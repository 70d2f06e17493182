"""``sld leaderboard``: the site, written from the store."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness import paths
from harness.cli.options import StoreOption
from harness.cli.output import console
from harness.cli.site_progress import SiteProgress

if TYPE_CHECKING:
    from harness.leaderboard.board import Board
    from harness.results.records import StoredRun
    from harness.tasks import Catalogue

_MOST_NAMED = 5


class Source(StrEnum):
    """Whose figures the site shows."""

    EVALUATIONS = "evaluations"
    CLAIMS = "claims"


def leaderboard(
    out: Annotated[
        Path | None, typer.Option("--out", help="The site's folder. [default: leaderboard]")
    ] = None,
    source: Annotated[
        Source,
        typer.Option(
            "--from", help="Show what was measured here, or what published pages claim, unchanged."
        ),
    ] = Source.EVALUATIONS,
    store: StoreOption = None,
    suite: Annotated[
        str | None, typer.Option("--suite", help="Only this suite; every suite if not given.")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Processes that write pages. [default: cores]"),
    ] = None,
) -> None:
    """Write the site from the store.

    Only files whose input changed are made again; pages of entries that are no longer there are
    removed. Where another call writes to the folder, this one waits for it.
    """
    from harness.leaderboard.board import load_board
    from harness.leaderboard.site import write_site
    from harness.tasks import load_catalogue

    catalogue = load_catalogue()
    folder = out or paths.default_site()

    def read_board() -> Board:
        board = load_board(store or paths.default_store(), catalogue, suite)
        if source is Source.EVALUATIONS:
            _say_outdated(board.runs, catalogue)
        return board

    def say_waiting() -> None:
        typer.echo(f"waiting: another `sld leaderboard` writes to {folder}", err=True)

    with SiteProgress(console(error=True)) as progress:
        report = write_site(
            folder,
            read_board,
            source.value,
            watcher=progress,
            waiting=say_waiting,
            processes=jobs,
        )
    typer.echo(
        f"files: {len(report.written)} written, {len(report.unchanged)} unchanged, "
        f"{len(report.removed)} removed"
    )
    typer.echo(f"{report.index}\n{report.index.absolute().as_uri()}")


def _say_outdated(runs: Sequence[StoredRun], catalogue: Catalogue) -> None:
    """Warn of runs whose figures are not of their task as it is now."""
    from harness.evaluation.digest import still_holds

    tasks = {task.name: task for task in catalogue.tasks() if task.has_data()}
    old = [
        run.key.place.removesuffix(".py")
        for run in runs
        if run.key.task in tasks
        and not still_holds(run.evaluation, run.program, tasks[run.key.task])
    ]
    if old:
        more = f" and {len(old) - _MOST_NAMED} more" if len(old) > _MOST_NAMED else ""
        typer.echo(
            f"warning: scored on other data, or by other rules, than their tasks have now: "
            f"{', '.join(old[:_MOST_NAMED])}{more}; `sld run` scores them again where their "
            "programs are",
            err=True,
        )
