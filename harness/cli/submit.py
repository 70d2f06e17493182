"""``sld submit``: check a program, score it, file it as the next run, say where it ranks."""

from __future__ import annotations

import datetime
import getpass
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import JsonOption, StoreOption
from harness.cli.output import console, print_json

if TYPE_CHECKING:
    from harness.candidates.submission import Submission
    from harness.cli.submit_report import Report
    from harness.results.store import Store
    from harness.runner.submit import Proposal, Verdict
    from harness.tasks import Catalogue

_NO_NAME = "somebody"


@dataclass(frozen=True, slots=True)
class Found:
    """What is submitted."""

    proposals: list[Proposal]
    """Each program once, in the order given and by name in a folder."""
    strays: list[Path]
    """Python files that are not in the layout."""


def submit(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Programs, or folders of them. Where they lie at TASK/AGENT/MODEL/run_N.py, "
            "the three options may be left out.",
        ),
    ],
    task: Annotated[
        str | None, typer.Option("--task", help="A task's name, or a YAML file.")
    ] = None,
    agent: Annotated[
        str | None, typer.Option("--agent", help="Who wrote it: `SLDAgent`, `codex`, `human`.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="With which LLM: `GPT-5`, `human`.")
    ] = None,
    submitter: Annotated[
        str | None,
        typer.Option(
            "--submitter",
            help="Who submits it. [default: whom the note beside it names, else your login]",
        ),
    ] = None,
    claimed: Annotated[
        float | None,
        typer.Option(
            "--claimed-r2", max=1.0, help="Held-out R² that you expect; kept beside ours."
        ),
    ] = None,
    notes: Annotated[
        str | None, typer.Option("--notes", help="Anything that readers should know.")
    ] = None,
    into: Annotated[
        Path, typer.Option("--into", help="The candidates folder where it is filed.")
    ] = Path("candidates"),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say all that filing it would say, and file nothing.")
    ] = False,
    duplicate: Annotated[
        bool, typer.Option("--duplicate", help="File it although the same program is there.")
    ] = False,
    summary: Annotated[
        Path | None,
        typer.Option("--summary", help="Also append scorecards to this file, as Markdown."),
    ] = None,
    store: StoreOption = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Evaluations at once. [default: cores]"),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Check programs, score them, file them as the next runs, and say where they rank.

    A program that fails or breaks a rule is refused, with every reason at once, and not filed.
    Beside each filed one stands a small YAML file with the submitter, the date, the claimed R² and
    the notes. A program that lies at its place already stays there, and only that file is written.

    Exits with 0 when all are filed, 1 when one is refused, 2 when something cannot be judged.
    """
    from harness.candidates.discovery import stray_line
    from harness.cli.submit_report import markdown, print_report
    from harness.paths import default_store
    from harness.results.store import Store
    from harness.runner.submit import assess, file
    from harness.tasks import load_catalogue
    from harness.writing import append_text, require_appendable

    terminal = console(error=json)
    catalogue = load_catalogue()
    note = _note(submitter, claimed, notes)
    if summary is not None:
        require_appendable(summary)
    found = find_proposals(files, catalogue, task, agent, model)
    if found.strays:
        terminal.print(stray_line(found.strays), markup=False, soft_wrap=True)
    reports = []
    with Store(store or default_store()) as opened:
        for verdict in assess(found.proposals, opened, into, duplicates=duplicate, jobs=jobs):
            done = verdict
            if verdict.accepted and not dry_run:
                whole = _merged(note, verdict, new_submitter=submitter is not None)
                done = file(verdict, opened, into, whole)
            report = report_of(done, opened, catalogue, claimed)
            reports.append(report)
            if json:
                print_json(report.document())
            else:
                print_report(terminal, report)
    if summary is not None:
        append_text(summary, markdown(reports))
    if not json and any(report.verdict.filed and not report.own_task for report in reports):
        terminal.print("`sld leaderboard` writes the pages anew", markup=False)
    if any(report.verdict.problem for report in reports):
        raise typer.Exit(2)
    raise typer.Exit(0 if all(report.verdict.accepted for report in reports) else 1)


def report_of(
    verdict: Verdict, store: Store, catalogue: Catalogue, claimed: float | None
) -> Report:
    """Return what to say of a verdict, with the rank among what is stored."""
    from harness.cli.submit_report import Report
    from harness.leaderboard.placing import place_of

    if claimed is None and verdict.note is not None:
        claimed = verdict.note.claimed_r2
    place = None
    if verdict.accepted:
        own = verdict.proposal.task
        tasks = [task for task in catalogue.tasks() if task.suite == own.suite]
        known = own.name in {task.name for task in tasks}
        place = place_of(verdict.as_run(), store.runs(), tasks if known else [own])
        return Report(verdict, place, claimed, own_task=not known)
    return Report(verdict, place, claimed)


def find_proposals(
    files: Sequence[Path],
    catalogue: Catalogue,
    task: str | None,
    agent: str | None,
    model: str | None,
) -> Found:
    """Return what is submitted.

    Raises:
        UserError: A path does not exist or holds no program, a task is unknown, or neither the
            options nor the path say whose run it is.
    """
    from harness.candidates import find_runs
    from harness.errors import UserError
    from harness.runner.submit import Proposal

    proposals: dict[Path, Proposal] = {}
    strays: dict[Path, None] = {}
    for path in files:
        if task is not None and agent is not None and model is not None:
            for one in _programs(path):
                proposal = Proposal(one, catalogue.find(task), agent, model)
                proposals.setdefault(one.absolute(), proposal)
            continue
        try:
            found = find_runs(path)
        except UserError as error:
            named = (("--task", task), ("--agent", agent), ("--model", model))
            lacking = [option for option, value in named if value is None]
            raise UserError(f"{error}; or name {', '.join(lacking)}") from error
        if found.refused:
            raise UserError(found.refused[0])
        strays.update(dict.fromkeys(found.strays))
        for run in found.runs:
            proposal = Proposal(
                run.path,
                catalogue.find(task or run.task),
                agent or run.agent_name,
                model or run.model_name,
                None if task or agent or model else run.run,
            )
            proposals.setdefault(run.path, proposal)
    return Found(list(proposals.values()), list(strays))


def _programs(path: Path) -> list[Path]:
    from harness.candidates.files import refuse_link
    from harness.errors import UserError

    if not os.path.isdir(path):  # `Path.is_dir` raises for names that are too long
        return [path]  # that it may not be there is one of the reasons to refuse it
    hidden = {".", "_"}
    found = [
        one
        for one in sorted(path.rglob("*.py"))
        if not any(part[0] in hidden for part in one.relative_to(path).parts)
    ]
    if not found:
        raise UserError(f"{path}: expected programs (.py files), found none")
    for one in found:
        refuse_link(one)
    return found


def _note(submitter: str | None, claimed: float | None, notes: str | None) -> Submission:
    """Return what will stand beside each program, its SHA-256 still to come."""
    from pydantic import ValidationError

    from harness.candidates.submission import NO_PROGRAM, Submission
    from harness.errors import UserError
    from harness.models import describe_problems

    try:
        return Submission(
            submitter=submitter or _login(),
            date=datetime.datetime.now(datetime.UTC).date(),
            sha256=NO_PROGRAM,
            claimed_r2=claimed,
            notes=notes or None,
        )
    except ValidationError as error:
        problems = describe_problems(error).replace("claimed_r2", "claimed-r2")
        raise UserError(f"--{problems.replace('; ', '; --')}") from error


def _merged(note: Submission, verdict: Verdict, *, new_submitter: bool) -> Submission:
    """Return a note with what an earlier one beside the program says and this one does not.

    Args:
        note: What is said now.
        verdict: The program, and the earlier note if there is one.
        new_submitter: Whether the submitter was named now: the day is then today, too. Else both
            stay, the day only if the earlier note is of this very text.
    """
    before = verdict.note
    if before is None:
        return note
    fields = ("claimed_r2", "notes")
    kept = {name: getattr(before, name) for name in fields if getattr(note, name) is None}
    if not new_submitter:
        kept["submitter"] = before.submitter
        if verdict.job is not None and before.sha256 == verdict.job.candidate.sha256:
            kept["date"] = before.date
    return note.model_copy(update=kept)


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user without a name
        return _NO_NAME
