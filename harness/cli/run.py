"""``sld run``: score what is not yet scored."""

from __future__ import annotations

import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from harness.cli.options import JsonOption, StoreOption, SuiteOption
from harness.cli.output import console, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from harness.results.store import Store
    from harness.runner.plan import Plan
    from harness.runner.record import RunReport


class AgainChoice(StrEnum):
    """What to score although it is stored."""

    FAILED = "failed"
    ALL = "all"


class BackendChoice(StrEnum):
    """Where evaluations run."""

    LOCAL = "local"
    DASK = "dask"


def run(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="Candidates folders (TASK/AGENT/MODEL/run_N.py), parts of them, or files. "
            "[default: ./candidates, else the shipped ones]",
        ),
    ] = None,
    suite: SuiteOption = None,
    task: Annotated[
        str | None, typer.Option("--task", help="Only tasks whose name matches this glob.")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            "-j",
            min=1,
            help="Evaluations at once. [default: cores; with --scheduler its threads]",
        ),
    ] = None,
    backend: Annotated[
        BackendChoice, typer.Option("--backend", help="Local processes, or a Dask cluster.")
    ] = BackendChoice.LOCAL,
    scheduler: Annotated[
        str | None,
        typer.Option("--scheduler", help="With --backend dask: the scheduler's address."),
    ] = None,
    store: StoreOption = None,
    again: Annotated[
        AgainChoice | None, typer.Option("--again", help="Score failures, or all, once more.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Score what is not yet scored; what is stored costs nothing.

    Ctrl-C keeps what is finished, and so do SIGTERM (which a cluster sends) and SIGHUP.

    Exits with 0 when done (a failed candidate is a result), 1 when a harness error is left, 2 when
    something that was asked for cannot be scored, 130 when interrupted.
    """
    from harness.errors import UserError
    from harness.paths import default_store, shipped_candidates
    from harness.results.store import Store
    from harness.runner.plan import make_plan
    from harness.tasks import load_catalogue

    if scheduler is not None and backend is not BackendChoice.DASK:
        raise UserError(f"--scheduler {scheduler}: is a Dask cluster's; add --backend dask")
    terminal = console(error=json)
    local = Path("candidates")
    roots = paths or [local if local.is_dir() else shipped_candidates()]
    with _stopped_by_signals(), Store(store or default_store()) as opened:
        for root in filter(Path.is_dir, roots):
            for key in opened.forget_missing(root):
                terminal.print(f"off the board: {key.place} (its file is gone)", markup=False)
        plan = make_plan(
            roots,
            load_catalogue(),
            opened,
            suite=suite,
            pattern=task,
            again=again.value if again else None,
        )
        _say_plan(terminal, plan)
        report = _execute(plan, opened, terminal, jobs, backend.value, scheduler)
        if json:
            _print_objects(plan, opened, report)
        code = _say_report(terminal, plan, report, opened.path)
    raise typer.Exit(code)


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Take SIGTERM and SIGHUP for Ctrl-C, and let a second one not disturb the cleaning up.

    What is ignored already stays so, as for a command that ``nohup`` started.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only there may handlers be set
        return
    ways = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = {way: found for way in ways if (found := signal.getsignal(way)) != signal.SIG_IGN}
    stopped = False

    def stop(_number: int, _frame: object) -> NoReturn:
        nonlocal stopped
        stopped = True
        for way in before:
            signal.signal(way, signal.SIG_IGN)
        raise KeyboardInterrupt

    for way in before:
        signal.signal(way, stop)
    try:
        yield
    finally:
        if not stopped:  # else the command is about to end
            for way, found in before.items():
                signal.signal(way, found)


def _say_plan(terminal: Console, plan: Plan) -> None:
    same = f", {plan.copies} with the same program as one of these" if plan.copies else ""
    terminal.print(
        f"{len(plan.jobs)} runs asked for: {plan.stored} stored, "
        f"{len(plan.to_score)} to score{same}"
    )
    for line in plan.skipped:
        terminal.print(line, markup=False, soft_wrap=True)


def _execute(
    plan: Plan,
    store: Store,
    terminal: Console,
    jobs: int | None,
    backend: str,
    scheduler: str | None,
) -> RunReport:
    if not plan.to_score:
        from harness.runner.record import record_stored

        return record_stored(plan, store)
    from harness.runner.execute import execute
    from harness.runner.progress import ProgressDisplay

    # Where a run is cut short, joblib says how to avoid the loss of what was under way.
    warnings.filterwarnings("ignore", message=".*tasks which were still being processed")
    with ProgressDisplay(terminal, len(plan.to_score), plan.stored) as display:
        return execute(
            plan,
            store,
            display,
            jobs=jobs,
            backend="dask" if backend == "dask" else "local",
            scheduler=scheduler,
        )


def _print_objects(plan: Plan, store: Store, report: RunReport) -> None:
    stored = store.statuses()
    for job in plan.jobs:
        if job.digest in report.harness_errors:
            evaluation = report.harness_errors[job.digest]
        elif job.digest in stored:
            evaluation = store.evaluation(job.digest)
        else:
            continue
        print_json(
            {
                **evaluation.scorecard(),
                "path": str(job.file.path),
                "agent": job.file.agent_name,
                "model": job.file.model_name,
                "run": job.file.run,
            }
        )


def _say_report(terminal: Console, plan: Plan, report: RunReport, store: Path) -> int:
    problems = [*plan.problems, *report.problems]
    errors = console(error=True)
    for line in problems:
        errors.print(f"error: {line}", markup=False, soft_wrap=True)
    if report.interrupted:
        terminal.print(f"interrupted: {report.scored} scored and kept; `sld run` continues")
        return 130
    words = f"{report.scored} scored ({report.failed} failed), {plan.stored} stored before"
    terminal.print(f"{words}; store: {store}", markup=False, soft_wrap=True)
    if report.harness_errors:
        count = len(report.harness_errors)
        reasons = sorted({str(e.error.message) for e in report.harness_errors.values() if e.error})
        line = f"error: {count} harness errors (ours, not stored): {'; '.join(reasons)}"
        errors.print(line, markup=False, soft_wrap=True)
        return 1
    return 2 if problems else 0
