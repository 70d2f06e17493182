"""``sld leaderboard``: the site, written from the store."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from harness import paths
from harness.cli.options import StoreOption
from harness.cli.output import console
from harness.cli.site_progress import SiteProgress


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
    removed.
    """
    from harness.leaderboard.board import load_board
    from harness.leaderboard.site import write_site
    from harness.tasks import load_catalogue

    board = load_board(store or paths.default_store(), load_catalogue(), suite)
    folder = out or paths.default_site()
    with SiteProgress(console(error=True)) as progress:
        report = write_site(folder, board, source.value, watcher=progress, processes=jobs)
    typer.echo(
        f"files: {len(report.written)} written, {len(report.unchanged)} unchanged, "
        f"{len(report.removed)} removed"
    )
    typer.echo(f"{report.index}\n{report.index.absolute().as_uri()}")
