"""``sld tasks pull``: the data of tasks that is not shipped, from the Hugging Face Hub."""

from __future__ import annotations

import json
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Self

import typer

from harness import paths
from harness.cli.output import console
from harness.errors import UserError
from harness.tasks import Task, load_catalogue

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from harness.tasks.pull import TaskPull


def pull_tasks(
    suite: Annotated[
        str, typer.Argument(help="The suite, or the YAML file of one task.")
    ] = "sldbench",
    pattern: Annotated[
        str, typer.Option("--task", metavar="GLOB", help="Only tasks whose name matches.")
    ] = "*",
    revision: Annotated[
        str | None,
        typer.Option(
            "--revision",
            help="Branch, tag or commit of the data set.",
            show_default="what the task states, main",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Download also what is here and right.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON and nothing else on stdout.")
    ] = False,
) -> None:
    """Download the data of a suite's tasks from the Hugging Face Hub into the cache folder.

    Every split is compared with the SHA-256 that its task states, and put in place only if it is
    right. What is right already is not downloaded again; an interrupted pull goes on where it was.
    Exits with 1 if anything could not be pulled.
    """
    from harness.tasks.definition import ExternalData
    from harness.tasks.pull import pull

    tasks = _chosen(suite, pattern)
    external = [task for task in tasks if isinstance(task.definition.data, ExternalData)]
    with _Download(console(error=True)) as watcher:
        outcomes = pull(external, revision=revision, force=force, watcher=watcher)
    if as_json:
        typer.echo(json.dumps([_document(outcome) for outcome in outcomes], indent=2))
    elif not outcomes:
        typer.echo(f"nothing to pull: the data of {suite} is shipped with its tasks")
    else:
        _print(outcomes)
    if any(outcome.status in ("failed", "not tried") for outcome in outcomes):
        raise typer.Exit(1)


def _chosen(suite: str, pattern: str) -> tuple[Task, ...]:
    catalogue = load_catalogue()
    if suite.endswith((".yaml", ".yml")):
        return (catalogue.find(suite),)
    tasks = catalogue.tasks(suite, pattern)
    if not tasks:
        raise UserError(
            f"no task of suite {suite} matches {pattern!r}; list them with: "
            f"sld tasks list --suite {suite}"
        )
    return tasks


def _document(outcome: TaskPull) -> dict[str, object]:
    return {
        "task": outcome.task.name,
        "status": outcome.status,
        "repository": outcome.repository,
        "revision": outcome.revision,
        "commit": outcome.commit,
        "folder": str(outcome.folder),
        "pulled": outcome.pulled,
        "problems": outcome.problems,
    }


def _print(outcomes: list[TaskPull]) -> None:
    for outcome in outcomes:
        if outcome.status == "pulled":
            typer.echo(f"pulled    {outcome.task.name}: {' and '.join(outcome.pulled)}")
        elif outcome.status == "present":
            typer.echo(f"present   {outcome.task.name}: here and right")
        for problem in outcome.problems:
            typer.echo(f"FAILED    {outcome.task.name}: {problem}")
    skipped = [outcome.task.name for outcome in outcomes if outcome.status == "not tried"]
    if skipped:
        typer.echo(f"not tried {', '.join(skipped)}")
    for repository, revision, commit in dict.fromkeys(
        (outcome.repository, outcome.revision, outcome.commit)
        for outcome in outcomes
        if outcome.commit is not None and outcome.status in ("pulled", "present")
    ):
        typer.echo(f"{repository} at revision {revision} is commit {commit}")
    if all(outcome.status == "present" for outcome in outcomes):
        typer.echo("nothing to do: all data is here and as stated")
    _print_places(outcomes)


def _print_places(outcomes: list[TaskPull]) -> None:
    """Say where the data is, and when tasks do not read it there."""
    there = [outcome for outcome in outcomes if outcome.status in ("pulled", "present")]
    for folder in dict.fromkeys(outcome.folder.parent for outcome in there):
        typer.echo(f"data: {folder}")
    elsewhere = [one.task.name for one in there if one.task.files()[0].parent != one.folder]
    if elsewhere:
        typer.echo(
            f"note: SLD_DATA ({paths.data_folder()}) has data of its own, which is read instead: "
            f"{', '.join(elsewhere)}"
        )


class _Download:
    """A bar on a terminal for the bytes that come in; nothing elsewhere."""

    def __init__(self, screen: Console) -> None:
        self._screen = screen
        self._progress: Progress | None = None
        self._bar: TaskID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def started(self, total: int) -> None:
        """Show that downloads of this many bytes begin."""
        if not self._screen.is_terminal:
            return
        if self._progress is None:
            from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
            from rich.progress import TransferSpeedColumn as SpeedColumn

            columns = (BarColumn(bar_width=30), DownloadColumn(), SpeedColumn())
            self._progress = Progress(
                TextColumn("pulling"), *columns, console=self._screen, transient=True
            )
            self._progress.start()
        self._bar = self._progress.add_task("pulling", total=total)

    def reached(self, done: int) -> None:
        """Show how many bytes are here."""
        if self._progress is not None and self._bar is not None:
            self._progress.update(self._bar, completed=done)
