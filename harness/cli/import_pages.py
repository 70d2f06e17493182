"""``sld import``: published pages into candidates and claims."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness import paths
from harness.cli.options import StoreOption

DEFAULT_INTO = Path("imported")


def import_command(
    pages: Annotated[
        list[Path],
        typer.Argument(
            help="Pages: their text, or the HTML of a site that this program wrote. A file *.jsonl "
            "is a whole board: task, agent_name, model_name, reward_r2, solution, a run a line."
        ),
    ],
    into: Annotated[
        Path, typer.Option("--into", help="The candidates folder to file the programs in.")
    ] = DEFAULT_INTO,
    store: StoreOption = None,
) -> None:
    """File the programs of published pages as candidates, and keep their figures as claims.

    A claim that a page changes is named with its old and its new figure.
    """
    from harness.leaderboard.importer import import_pages
    from harness.results.store import Store
    from harness.tasks import load_catalogue

    catalogue = load_catalogue()
    with Store(store or paths.default_store()) as opened:
        imported = import_pages(pages, into, opened, catalogue)
    for item in imported:
        runs = "1 run" if len(item.page.ranking) == 1 else f"{len(item.page.ranking)} runs"
        more = f" and {len(item.programs) - 1} more" if len(item.programs) > 1 else ""
        where = f"{item.program}{more}" if item.program else "no program, claims only"
        typer.echo(f"{item.task}  {item.page.agent}  {item.page.model}  {runs}  {where}")
        if item.change is not None:
            old, new = item.change
            typer.echo(f"  the claim that was stored is replaced: before {old}; now {new}")
    typer.echo(f"next: sld run {into}")
