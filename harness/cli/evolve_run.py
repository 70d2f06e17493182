"""One search from the command line: begun or gone on with, shown, its program filed."""

from __future__ import annotations

import datetime
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from harness.cli.output import print_json

if TYPE_CHECKING:
    from rich.console import Console

    from harness.evolution.gateway import TrainSide
    from harness.evolution.ledger import Budget
    from harness.evolution.llm import LlmSettings
    from harness.evolution.proposals import Given
    from harness.evolution.result import Result
    from harness.evolution.search import Search, SearchSettings
    from harness.results.journal import Journal
    from harness.tasks import Task

AGENT, OFFLINE = "sld-evolve", "offline"


@dataclass(frozen=True, slots=True)
class Way:
    """How searches are made."""

    budget: Budget
    store: Path
    jobs: int
    resume: bool = False
    again: bool = False
    """Whether a search that was paid for may be begun anew."""
    models: LlmSettings | None = None
    questions: int | None = None
    """Under way at once, where not as usual."""
    offline_too: bool = True
    """Whether the offline proposer goes on beside models."""
    settings: SearchSettings | None = None
    """Of searches, where not as usual; what is given comes on top."""
    given: Path | None = None
    """A program to begin with."""

    @property
    def model_name(self) -> str:
        """What the board calls the model: all that were asked, or ``offline``."""
        if self.models is None:
            return OFFLINE
        return "+".join(model.name for model in self.models.models)


def search_task(
    side: TrainSide, seed: int, way: Way, terminal: Console
) -> tuple[Search, Result | None]:
    """Search a task's train rows; returns the search and what it ends with.

    Raises:
        UserError: The journal cannot be used, or would be lost.
        typer.Exit: With 130, when interrupted.
    """
    from harness.cli.evolve_progress import EvolveDisplay
    from harness.evolution.result import result_of
    from harness.evolution.search import Search, SearchSettings
    from harness.evolution.sitting import QUESTIONS, run
    from harness.results.journal import Journal

    asking = None
    if way.models is not None:
        from harness.evolution.llm import make_proposer

        asking = make_proposer(way.models, lambda line: terminal.print(line, markup=False))
    settings = way.settings or SearchSettings()
    given = read_given(side, way, settings, terminal)
    name = f"{side.name}/{way.model_name}/{seed}"
    with Journal(way.store, name) as journal, journal.alone():
        search = Search(side, seed, replace(settings, given=given))
        _begin(journal, search, way, terminal)
        search.resume(journal, asking)
        terminal.print(
            f"{side.name}, seed {seed}: {len(search.offline.forms)} published forms, "
            f"{len(search.folds)} folds, {len(search.guards)} guard folds",
            markup=False,
        )
        first, most = search.proposer.n_first, way.budget.evaluations
        if asking is not None and most is not None and most <= first:
            terminal.print(
                f"no model is asked: the first {first} evaluations are of what was given and of "
                f"published forms, and {most} are allowed",
                markup=False,
                soft_wrap=True,
            )
        try:
            with EvolveDisplay(terminal, search, way.budget) as display:
                run(
                    search,
                    journal,
                    way.budget,
                    jobs=way.jobs,
                    asking=asking,
                    questions=way.questions or QUESTIONS,
                    offline=way.offline_too,
                    watch=display.evaluated,
                )
            _say_spent(terminal, search)
            if given:
                _say_given(terminal, search)
            trees_only = asking is None and not given
            with terminal.status("choosing among the finalists"):
                return search, result_of(search, None if trees_only else way.jobs)
        except KeyboardInterrupt:
            said = f"interrupted: {search.n_evaluated} evaluations kept; --resume goes on"
            terminal.print(said, markup=False)
            raise typer.Exit(130) from None


def read_given(
    side: TrainSide, way: Way, settings: SearchSettings, terminal: Console
) -> tuple[Given, ...]:
    """Read the program that a search is to begin with, as itself and as trees.

    Raises:
        UserError: It cannot be read, or fails on the train rows.
    """
    from harness.candidates.program import load_candidate
    from harness.errors import UserError
    from harness.evolution.formula import formula
    from harness.evolution.gateway import ProgramGateway
    from harness.evolution.proposals import Given
    from harness.evolution.reading import read_program
    from harness.evolution.rows import train_rows
    from harness.sandbox import Sandbox, SandboxBroken

    if way.given is None:
        return ()
    name = way.given.name
    candidate = load_candidate(way.given)
    if candidate.format == "law":
        raise UserError(
            f"{way.given}: a program of format `law`; expected an evolve-block program, with "
            "fit_scaling_law and scaling_law_func"
        )
    source = candidate.source.decode("utf-8", "replace")
    rows = train_rows(side.train, side.feature_names, side.target_names, settings.loss)
    with Sandbox() as sandbox:
        gateway = ProgramGateway(side, rows, (), sandbox, settings.limits)
        try:
            reading = read_program(source, gateway, rows, side.max_params)
        except SandboxBroken as error:
            raise UserError(
                f"{way.given}: could not be asked, and that is not its fault: {error}; try again, "
                "`sld doctor` says how programs are isolated here"
            ) from error
    if not reading.trees:
        raise UserError(f"{way.given}: cannot be begun with: {reading.failure}")
    for one in reading.trees:
        text = formula(one.law, rows.axes, side.target_names)
        like = "reads as" if one.says_the_same else f"is like (error {one.error:.2g})"
        terminal.print(f"{name} {like}: {text}", markup=False, soft_wrap=True)
    trees = [Given(f"{name}, read as a tree", law=one.law) for one in reading.trees]
    return (Given(f"{name} as it is", source=source), *trees)


def _say_given(terminal: Console, search: Search) -> None:
    """Say what the folds make of what a search began with."""
    from harness.evolution.proposals import GIVEN

    for number, entry in sorted(search.view.entries.items()):
        if entry.proposal.proposer == GIVEN:
            verdict = entry.verdict
            figures = f"fitness {verdict.fitness:.3f}, {verdict.n_constants} constants"
            said = verdict.failure or figures
            terminal.print(f"#{number} {entry.proposal.how}: {said}", markup=False, soft_wrap=True)


def _begin(journal: Journal, search: Search, way: Way, terminal: Console) -> None:
    """Take note of a new search, unless an old one of the same rows is to go on."""
    from harness.errors import UserError

    settings = {"task": search.side.name, "seed": search.seed, "rows": search.fingerprint()}
    known = journal.settings()
    if way.resume and known is None:
        said = f"search {journal.name!r}: nothing to go on with, a new one begins"
        terminal.print(said, markup=False, soft_wrap=True)
    if known is not None and not (way.resume and known == settings):
        if way.resume and not way.again:
            raise UserError(
                f"search {journal.name!r} cannot go on: it had other rows or options (--robust, "
                "--from, --config), or an earlier version judged it; give the same, or --again to "
                "throw it away and begin anew"
            )
        paid = sum(_was_paid_for(event) for event in journal.events())
        if paid and not way.again:
            raise UserError(
                f"search {journal.name!r} holds {paid} answers that were paid for; --resume goes "
                "on with it, --again throws them away and begins anew"
            )
        journal.forget()
        known = None
    if known is None:
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        journal.begin(settings, now)


def _was_paid_for(event: dict[str, Any]) -> bool:
    usage = event.get("usage") if event["event"] == "answered" else None
    return usage is not None and usage["tokens_in"] + usage["tokens_out"] > 0


def _say_spent(terminal: Console, search: Search) -> None:
    from harness.cli.evolve_progress import laws_in_time
    from harness.evaluation.figures import count

    terminal.print(laws_in_time(search), markup=False)
    for name, account in sorted(search.ledger.accounts.items()):
        price = f", ${account.dollars:.4f}" if account.priced else ", price not known"
        about = "about " if account.estimated else ""
        terminal.print(
            f"{name}: {count(account.questions, 'question')}, "
            f"{about}{account.tokens_in} tokens in, {about}{account.tokens_out} out{price}, "
            f"{account.retries} asked again",
            markup=False,
        )
    for name, account in sorted(search.unanswered.accounts.items()):
        terminal.print(
            f"{name}: {count(account.questions, 'question')} not answered when time was over, "
            f"{account.retries} asked again",
            markup=False,
        )
    if waiting := len(search.unjudged()):
        terminal.print(
            f"not judged when time was over: {count(waiting, 'program')}; --resume goes on",
            markup=False,
        )


def say_result(terminal: Console, result: Result) -> None:
    """Print the law that a search ends with, and why."""
    verdict = result.entry.verdict
    terminal.print(f"the law: {result.formula}", markup=False, soft_wrap=True)
    terminal.print(
        f"{verdict.n_constants} constants; fitness {verdict.fitness:.3f} on the search folds",
        markup=False,
    )
    terminal.print(result.why, markup=False, soft_wrap=True)


def result_document(
    search: Search, result: Result, program: Path, report: Path | None
) -> dict[str, Any]:
    """Return what a search ended with, for programs to read."""
    verdict = result.entry.verdict
    return {
        "task": search.side.name,
        "seed": search.seed,
        "law": result.formula,
        "why": result.why,
        "n_constants": verdict.n_constants,
        "fitness": verdict.fitness,
        "evaluated": search.n_evaluated,
        "seconds": round(search.seconds, 2),
        "program": str(program),
        "report": None if report is None else str(report),
    }


def file_program(
    task: Task,
    search: Search,
    result: Result,
    way: Way,
    into: Path,
    terminal: Console,
    *,
    json: bool,
) -> bool:
    """File the program as ``sld submit`` does it; returns whether it was accepted."""
    from harness.candidates.naming import load_names, model_slug
    from harness.candidates.submission import NO_PROGRAM, Submission
    from harness.cli.submit import report_of
    from harness.cli.submit_report import print_report
    from harness.results.store import Store
    from harness.runner.submit import Proposal, assess, file
    from harness.tasks import load_catalogue

    # A model that answered nothing has no part in what was found. Endpoints know models by their
    # own spelling; the board keeps the one that it has.
    model = way.model_name if search.ledger.tokens else OFFLINE
    model = load_names(into).models.get(model_slug(model), model)
    with tempfile.TemporaryDirectory() as folder, Store(way.store) as opened:
        path = Path(folder) / "law.py"
        path.write_text(result.source, encoding="utf-8")
        proposal = Proposal(path, task, AGENT, model)
        (verdict,) = assess([proposal], opened, into, duplicates=True)
        if verdict.accepted:
            note = Submission(
                submitter=AGENT,
                date=datetime.datetime.now(datetime.UTC).date(),
                sha256=NO_PROGRAM,
                notes=f"seed {search.seed}; {result.formula}; {result.why}"[:2000],
            )
            verdict = file(verdict, opened, into, note)
        if verdict.filed is not None:  # the other one is gone in a moment
            verdict = replace(verdict, proposal=replace(proposal, path=verdict.filed.path))
        report = report_of(verdict, opened, load_catalogue(), None)
        if json:
            print_json(report.document())
        else:
            print_report(terminal, report)
        return verdict.accepted
