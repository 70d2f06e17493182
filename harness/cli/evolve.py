"""``sld evolve``: discover a program for a task, on its train rows only."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import JsonOption, StoreOption
from harness.cli.output import console, print_json, wide_console

if TYPE_CHECKING:
    from rich.console import Console

    from harness.evolution.gateway import TrainSide
    from harness.evolution.ledger import Budget
    from harness.evolution.result import Result
    from harness.evolution.search import Search
    from harness.results.journal import Journal
    from harness.tasks import Catalogue, Task

AGENT, OFFLINE = "sld-evolve", "offline"
_DEFAULT_SECONDS = 60.0


def evolve(
    task: Annotated[
        str | None,
        typer.Argument(
            metavar="[TASK]", help="A task's name (see `sld tasks list`) or a YAML file."
        ),
    ] = None,
    all_tasks: Annotated[
        bool, typer.Option("--all-tasks", help="Every task whose train rows are here.")
    ] = False,
    suite: Annotated[
        str | None, typer.Option("--suite", help="With --all-tasks: only tasks of this suite.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=1.0, help="Time for each search. [default: 60]")
    ] = None,
    evaluations: Annotated[
        int | None, typer.Option("--evaluations", min=1, help="Programs evaluated at most.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the first search.")] = 1,
    runs: Annotated[
        int, typer.Option("--runs", min=1, help="Searches of each task, with seeds one apart.")
    ] = 1,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Evaluations at once. [default: cores]"),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a search that was stopped or killed.")
    ] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Print the extrapolation folds, and do nothing else.")
    ] = False,
    into: Annotated[
        Path, typer.Option("--into", help="The candidates folder where programs are filed.")
    ] = Path("candidates"),
    keep: Annotated[
        Path | None,
        typer.Option("--out", help="Write the program to this file instead; nothing is scored."),
    ] = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Discover a program for a task, on its train rows only.

    Laws are bred from the field's published forms and judged on extrapolation folds: parts of the
    train rows at larger scale than the rest. Held-out rows are not read before the search is over;
    then the program is filed as `sld submit` does it, under agent `sld-evolve`, and scored once.

    Ctrl-C, or a kill, loses nothing: `--resume` goes on. Exits with 0 when done, 1 when a program
    was refused, 2 when something is wrong, 130 when interrupted.
    """
    from harness.errors import UserError
    from harness.evolution.gateway import train_side
    from harness.evolution.ledger import Budget
    from harness.paths import default_store
    from harness.tasks import load_catalogue

    terminal = console(error=json)
    catalogue = load_catalogue()
    tasks = _tasks(catalogue, task, suite, all_tasks=all_tasks)
    if plan:
        for one in tasks:
            print_plan(train_side(one))
        return
    if keep is not None and (len(tasks) > 1 or runs > 1):
        msg = "--out takes one program: name one task, and leave --runs at 1"
        raise UserError(msg)
    budget = Budget(
        seconds if seconds is not None or evaluations is not None else _DEFAULT_SECONDS, evaluations
    )
    file = store or default_store()
    refused = False
    for one in tasks:
        for number in range(runs):
            side = train_side(one)
            result = _search(side, seed + number, budget, file, terminal, jobs, resume=resume)
            if result is None:
                raise UserError(f"task {one.name!r}: no law can be fitted to its train rows")
            _say_result(terminal, result)
            if keep is not None:
                keep.write_text(result.source, encoding="utf-8")
                terminal.print(f"written: {keep}", markup=False, soft_wrap=True)
            else:
                refused |= not _file(one, seed + number, result, file, into, terminal, json=json)
    raise typer.Exit(1 if refused else 0)


def _tasks(
    catalogue: Catalogue, name: str | None, suite: str | None, *, all_tasks: bool
) -> list[Task]:
    from harness.errors import UserError

    if (name is None) != all_tasks:
        msg = (
            "expected a task's name or --all-tasks, and not both; `sld tasks list` shows the tasks"
        )
        raise UserError(msg)
    if name is not None:
        return [catalogue.find(name)]
    found = [task for task in catalogue.tasks(suite) if task.has_data()]
    if not found:
        msg = "no task's data is here; `sld tasks pull` brings the public ones"
        raise UserError(msg)
    return found


def _search(
    side: TrainSide,
    seed: int,
    budget: Budget,
    store: Path,
    terminal: Console,
    jobs: int | None,
    *,
    resume: bool,
) -> Result | None:
    from harness.evolution.result import result_of
    from harness.evolution.search import Search
    from harness.evolution.sitting import run
    from harness.results.journal import Journal
    from harness.runner.execute import default_jobs

    name = f"{side.name}/{OFFLINE}/{seed}"
    with Journal(store, name) as journal:
        search = Search(side, seed)
        _begin(journal, search, resume=resume)
        search.resume(journal)
        terminal.print(
            f"{side.name}, seed {seed}: {len(search.offline.forms)} published forms, "
            f"{len(search.folds)} folds, {len(search.guards)} guard folds",
            markup=False,
        )
        from harness.cli.evolve_progress import EvolveDisplay

        try:
            with EvolveDisplay(terminal, search, budget) as display:
                run(search, journal, budget, jobs=jobs or default_jobs(), watch=display.evaluated)
        except KeyboardInterrupt:
            said = f"interrupted: {search.n_evaluated} evaluations kept; --resume goes on"
            terminal.print(said, markup=False)
            raise typer.Exit(130) from None
        rate = search.n_evaluated / max(search.seconds, 1e-9)
        terminal.print(
            f"{search.n_evaluated} laws in {search.seconds:.1f} s ({rate:.0f} a second)",
            markup=False,
        )
        return result_of(search)


def _begin(journal: Journal, search: Search, *, resume: bool) -> None:
    """Take note of a new search, unless an old one of the same rows is to go on."""
    settings = {"task": search.side.name, "seed": search.seed, "rows": search.fingerprint()}
    if journal.settings() not in (None, settings) or (journal.settings() and not resume):
        journal.forget()  # another search is wanted, or the rows are others now
    if journal.settings() is None:
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        journal.begin(settings, now)


def _say_result(terminal: Console, result: Result) -> None:
    verdict = result.entry.verdict
    terminal.print(f"the law: {result.formula}", markup=False, soft_wrap=True)
    terminal.print(
        f"{verdict.n_constants} constants; fitness {verdict.fitness:.3f} on the search folds",
        markup=False,
    )
    terminal.print(result.why, markup=False, soft_wrap=True)


def _file(
    task: Task, seed: int, result: Result, store: Path, into: Path, terminal: Console, *, json: bool
) -> bool:
    """File the program as ``sld submit`` does it; returns whether it was accepted."""
    import tempfile

    from harness.candidates.submission import NO_PROGRAM, Submission
    from harness.cli.submit import report_of
    from harness.cli.submit_report import print_report
    from harness.results.store import Store
    from harness.runner.submit import Proposal, assess, file
    from harness.tasks import load_catalogue

    with tempfile.TemporaryDirectory() as folder, Store(store) as opened:
        path = Path(folder) / "law.py"
        path.write_text(result.source, encoding="utf-8")
        proposal = Proposal(path, task, AGENT, OFFLINE)
        (verdict,) = assess([proposal], opened, into, duplicates=True)
        if verdict.accepted:
            note = Submission(
                submitter=AGENT,
                date=datetime.datetime.now(datetime.UTC).date(),
                sha256=NO_PROGRAM,
                notes=f"seed {seed}; {result.formula}; {result.why}"[:2000],
            )
            verdict = file(verdict, opened, into, note)
        report = report_of(verdict, opened, load_catalogue(), None)
        if json:
            print_json(report.document())
        else:
            print_report(terminal, report)
        return verdict.accepted


def print_plan(side: TrainSide) -> None:
    """Print the folds of a task."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from harness.evolution.folds import plan_folds
    from harness.evolution.rows import train_rows

    rows = train_rows(side.train, side.feature_names, side.target_names)
    table = Table(title=side.name, box=SIMPLE_HEAD, pad_edge=False, title_justify="left")
    for header in ("held out", "for", "rows fitted", "rows judged"):
        table.add_column(header, justify="right" if "rows" in header else "left")
    for fold in plan_folds(rows):
        fitted, judged = fold.sizes
        table.add_row(fold.name, fold.purpose, str(fitted), str(judged))
    wide_console().print(table)
