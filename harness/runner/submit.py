"""Submissions: every reason against a program at once, its evaluation, and where it is filed."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.candidates import Candidate, RunFile, load_candidate
from harness.candidates.naming import agent_slug, load_names, model_slug
from harness.candidates.review import Finding, Review, review
from harness.candidates.submission import (
    Submission,
    check_name,
    file_program,
    load_submission,
    next_run,
    number_on_file,
    same_programs,
    submission_path,
    write_note,
)
from harness.errors import DataNotFoundError, UserError
from harness.evaluation.digest import DEFAULT_SEED, evaluation_digest, limits_for
from harness.evaluation.records import Evaluation, Failure
from harness.failures import POLICIES, FailureKind
from harness.results.records import RunKey, StoredRun
from harness.results.store import Store
from harness.runner.execute import default_jobs, score_locally
from harness.runner.plan import Job
from harness.runner.record import assign
from harness.tasks import Task

_ON_FILE = "it lies at its place already and keeps its number; only the YAML file is written"
_LINE_OF = {"max_params": ("fit_scaling_law",), "row_function": ("scaling_law_func", "law")}


@dataclass(frozen=True, slots=True)
class Proposal:
    """A program that somebody submits."""

    path: Path
    task: Task
    agent: str
    """Display name."""
    model: str
    """Display name."""
    run: int | None = None
    """Its number where it lies in the layout already, else None: the next one."""


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What became of a proposal."""

    proposal: Proposal
    reasons: tuple[Finding, ...] = ()
    """Why it is refused; empty where it is not."""
    review: Review = field(default_factory=Review)
    """What its text shows."""
    job: Job | None = None
    evaluation: Evaluation | None = None
    problem: str | None = None
    """Why it could not be judged: no fault of the program's."""
    filed: RunFile | None = None
    note: Submission | None = None
    """What stands beside it where it lies."""
    on_file: int | None = None
    """Its number where it lies at its place in the candidates folder already."""
    taken: frozenset[int] = frozenset()
    """Numbers that other programs have in the store, from elsewhere."""

    def as_run(self) -> StoredRun:
        """Return the run that it is, or would be once it is filed.

        Raises:
            ValueError: It was not scored.
        """
        if self.job is None or self.evaluation is None:
            msg = "it was not scored"
            raise ValueError(msg)
        file = self.filed or self.job.file
        return StoredRun(
            RunKey(file.task, file.agent, file.model, file.run),
            file.agent_name,
            file.model_name,
            str(file.path),
            self.evaluation,
            self.job.candidate.source,
        )

    @property
    def notes(self) -> tuple[Finding, ...]:
        """What does not count against it."""
        said = tuple(finding for finding in self.review.findings if finding.kind == "note")
        if self.on_file is None:
            return said
        return (*said, Finding(kind="note", line=None, message=_ON_FILE))

    @property
    def accepted(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons and self.problem is None


def assess(
    proposals: Sequence[Proposal],
    store: Store,
    into: Path,
    *,
    duplicates: bool = False,
    jobs: int | None = None,
) -> list[Verdict]:
    """Judge programs: read their text, score what can be scored, list all that speaks against them.

    What the store has is not scored again; what is scored is stored at once, so that nothing is
    lost when this is interrupted. No program is put on the board.

    Args:
        proposals: The programs.
        store: What was scored before.
        into: The candidates folder; a program that is in it is no news.
        duplicates: Accept those, too.
        jobs: Evaluations at once.

    Returns:
        One verdict for each proposal, in their order.
    """
    seen: dict[tuple[str, bytes], Path] = {}
    elsewhere = _elsewhere(store, into)
    verdicts = [
        _read(proposal, into, elsewhere, seen, duplicates=duplicates) for proposal in proposals
    ]
    known = store.statuses()
    to_score = {
        verdict.job.digest: verdict.job
        for verdict in verdicts
        if verdict.job is not None and verdict.job.digest not in known
    }
    failed = _score(tuple(to_score.values()), store, jobs or default_jobs())
    return [_judge(verdict, store, failed) for verdict in verdicts]


def _elsewhere(store: Store, into: Path) -> dict[Path, dict[int, bytes]]:
    """Return stored runs that lie in other candidates folders: by the place here, then the number.

    Another program that is filed under such a number would take the run's place on the board.
    """
    programs: dict[Path, dict[int, bytes]] = defaultdict(dict)
    for run in store.runs():
        key = run.key
        here = into / key.task / key.agent / key.model
        if Path(run.path).parent != here.absolute():
            programs[here][key.run] = run.program
    return programs


def _score(work: tuple[Job, ...], store: Store, jobs: int) -> dict[str, str]:
    """Score and store; returns what could not be scored, no fault of the program's, by digest."""
    problems = {}
    with closing(score_locally(work, jobs)) as stream:
        for done in stream:
            if done.outcome is None:
                problems[done.job.digest] = done.problem or "stopped"
                continue
            evaluation = done.outcome.evaluation
            if evaluation.error is not None and not POLICIES[evaluation.error.kind].counts:
                problems[done.job.digest] = f"harness error (ours): {evaluation.error.message}"
            else:
                store.add(evaluation, done.outcome.traces, done.job.candidate.source)
    return problems


def file(verdict: Verdict, store: Store, into: Path, note: Submission) -> Verdict:
    """File an accepted program as the next run and put it on the board.

    One that lies at its place already stays there; its note is written.

    Args:
        verdict: An accepted one.
        store: Where its evaluation goes.
        into: The candidates folder.
        note: What stands beside the program.

    Raises:
        UserError: The folder or the store cannot be written.
    """
    job, proposal = verdict.job, verdict.proposal
    if job is None or not verdict.accepted:
        msg = "only an accepted program is filed"
        raise ValueError(msg)
    whose = proposal.task.name, proposal.agent, proposal.model
    if verdict.on_file is not None:
        filed = write_note(into, *whose, verdict.on_file, job.candidate, note)
    else:
        filed = file_program(into, *whose, job.candidate, note, taken=verdict.taken)
    assign(store, [replace(job, file=filed)])
    return replace(verdict, filed=filed)


def _read(
    proposal: Proposal,
    into: Path,
    elsewhere: Mapping[Path, Mapping[int, bytes]],
    seen: dict[tuple[str, bytes], Path],
    *,
    duplicates: bool,
) -> Verdict:
    """Judge what can be judged without scoring."""
    reasons = _named(proposal, into)
    try:
        candidate = load_candidate(proposal.path)
    except UserError as error:
        return Verdict(proposal, (*reasons, _fault(str(error))))
    if not duplicates:
        reasons += _twins(proposal, candidate, into, seen)
    seen.setdefault((proposal.task.name, candidate.source), proposal.path)
    found = review(candidate.source)
    reasons += [finding for finding in found.findings if finding.kind == "fault"]
    note = None
    try:
        note = load_submission(proposal.path)
    except UserError as error:
        reasons.append(_fault(str(error)))
    whose = proposal.task.name, proposal.agent, proposal.model
    on_file = number_on_file(proposal.path, into, *whose)
    number = on_file if on_file is not None else proposal.run
    if note is not None and number is not None and note.sha256 != candidate.sha256:
        beside = submission_path(proposal.path)
        reasons.append(_fault(f"{beside}: belongs to another text (its sha256 is not this one's)"))
    folder = into / proposal.task.name / agent_slug(proposal.agent) / model_slug(proposal.model)
    others = elsewhere.get(folder, {})
    taken = frozenset(run for run, program in others.items() if program != candidate.source)
    free = 0
    if on_file is None:
        try:
            free = next_run(folder, taken)
        except UserError as error:
            reasons.append(_fault(str(error)))
    verdict = Verdict(proposal, tuple(reasons), found, note=note, on_file=on_file, taken=taken)
    if not found.loads:
        return verdict
    try:
        return replace(verdict, job=_job(proposal, candidate, free if number is None else number))
    except DataNotFoundError as error:
        return replace(verdict, problem=str(error))


def _named(proposal: Proposal, into: Path) -> list[Finding]:
    reasons = []
    for name, what in ((proposal.agent, "agent"), (proposal.model, "model")):
        try:
            check_name(name, what)
        except UserError as error:
            reasons.append(_fault(str(error)))
    try:
        load_names(into).with_names(proposal.agent, proposal.model)
    except UserError as error:
        reasons.append(_fault(str(error)))
    return reasons


def _twins(
    proposal: Proposal, candidate: Candidate, into: Path, seen: dict[tuple[str, bytes], Path]
) -> list[Finding]:
    task = proposal.task.name
    same = [path for path in same_programs(into / task, candidate) if not _is(path, proposal.path)]
    if (task, candidate.source) in seen:
        same.append(seen[task, candidate.source])
    return [_fault(f"the same program, to the byte, as {path}") for path in same]


def _is(one: Path, other: Path) -> bool:
    """Return whether two paths name one file; a link is not what it leads to."""
    return _spelled_out(one) == _spelled_out(other)


def _spelled_out(path: Path) -> str:
    return os.path.join(os.path.realpath(path.absolute().parent), path.name)


def _job(proposal: Proposal, candidate: Candidate, run: int) -> Job:
    task, agent, model = proposal.task, agent_slug(proposal.agent), model_slug(proposal.model)
    limits = limits_for(task)
    return Job(
        RunFile(proposal.path, task.name, agent, model, run, proposal.agent, proposal.model),
        candidate,
        task,
        limits,
        DEFAULT_SEED,
        evaluation_digest(candidate.source, task, limits, DEFAULT_SEED),
    )


def _judge(verdict: Verdict, store: Store, problems: Mapping[str, str]) -> Verdict:
    """Add what the evaluation says, and what the text shows that explains it."""
    job = verdict.job
    if job is None:
        return verdict
    if job.digest in problems:
        return replace(verdict, problem=problems[job.digest])
    evaluation = store.evaluation(job.digest)
    reasons = list(verdict.reasons)
    if evaluation.error is not None:
        reasons += _causes(evaluation.error, verdict.review)
    for violation in evaluation.violations:
        lines = [verdict.review.functions.get(name) for name in _LINE_OF[violation.rule]]
        line = next((line for line in lines if line is not None), None)
        reasons.append(Finding(kind="fault", line=line, message=violation.message))
    reasons.sort(key=lambda reason: reason.line or 0)
    return replace(verdict, reasons=tuple(reasons), evaluation=evaluation)


def _causes(failure: Failure, found: Review) -> list[Finding]:
    """Return a failure, and what the text shows besides that may be why."""
    causes = [finding for finding in found.findings if finding.kind == "cause"]
    text = f"{POLICIES[failure.kind].title}: {failure.message}"
    known = {cause.line for cause in causes}
    if failure.kind is FailureKind.LOAD_ERROR and failure.line in known:
        return causes  # the same said twice
    return [Finding(kind="fault", line=failure.line, message=text), *causes]


def _fault(message: str) -> Finding:
    return Finding(kind="fault", line=None, message=message)
