"""The plan: which runs were asked for, which are stored, which must be scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from harness.candidates import Candidate, RunFile, find_runs, load_candidate
from harness.candidates.discovery import stray_line
from harness.errors import DataNotFoundError, UserError
from harness.evaluation.digest import DEFAULT_SEED, evaluation_digest, limits_for
from harness.limits import Limits
from harness.results.records import RunKey
from harness.results.store import Store
from harness.tasks import Catalogue, Task
from harness.tasks.catalogue import looks_like_a_task_file

Again = Literal["failed", "all"]


_OWN_TASKS = "on a task file of your own, score a program with: sld score FILE --task YAML"


@dataclass(frozen=True, slots=True)
class Job:
    """One run that was asked for."""

    file: RunFile
    candidate: Candidate
    task: Task
    limits: Limits
    seed: int
    digest: str

    @property
    def key(self) -> RunKey:
        """The run's place on the board."""
        return RunKey(self.file.task, self.file.agent, self.file.model, self.file.run)

    @property
    def label(self) -> str:
        """The run in one word, for progress lines."""
        return self.key.place.removesuffix(".py")


@dataclass(frozen=True, slots=True)
class Plan:
    """What will happen."""

    jobs: tuple[Job, ...]
    """All runs that were asked for, in order."""
    to_score: tuple[Job, ...]
    """One job for each digest that is not stored (or is to be scored again)."""
    again: bool
    """Whether what is scored replaces what is stored."""
    problems: tuple[str, ...] = ()
    """What was asked for and cannot be done: one line each. The rest goes on."""
    skipped: tuple[str, ...] = ()
    """What was not asked for by name and is left out: one line for each reason."""

    @property
    def stored(self) -> int:
        """How many of the runs need nothing."""
        waiting = {job.digest for job in self.to_score}
        return sum(job.digest not in waiting for job in self.jobs)

    @property
    def copies(self) -> int:
        """How many are scored with another one, of the same task and with the same program."""
        return len(self.jobs) - self.stored - len(self.to_score)


@dataclass(slots=True)
class _Sorting:
    jobs: list[Job] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    without_data: dict[str, list[str]] = field(default_factory=dict)
    """Why, once a run, by suite: what to do about it is the same for all tasks of a suite."""


def make_plan(
    paths: Sequence[Path],
    catalogue: Catalogue,
    store: Store,
    *,
    suite: str | None = None,
    pattern: str | None = None,
    again: Again | None = None,
    seed: int = DEFAULT_SEED,
) -> Plan:
    """Find the programs under some paths and compare them with the store.

    Args:
        paths: Candidates folders, parts of them, or program files.
        catalogue: The tasks.
        store: What is done.
        suite: Only tasks of this suite.
        pattern: Only tasks whose name matches this glob.
        again: Score stored failures, or everything, anew.
        seed: Start of the candidates' random generators.

    Raises:
        UserError: A path has no programs; no task matches.
    """
    wanted = {task.name: task for task in catalogue.tasks(suite, pattern or "*")}
    if not wanted and pattern is not None and looks_like_a_task_file(pattern):
        raise UserError(
            f"{pattern}: expected a glob for names of tasks (`sld tasks list`), got a file; "
            f"{_OWN_TASKS}"
        )
    if not wanted:
        raise UserError(f"no task matches {pattern or suite!r}; `sld tasks list` shows all")
    found = [find_runs(path) for path in paths]
    strict = suite is not None or pattern is not None
    sorting = _Sorting(problems=list(dict.fromkeys(line for one in found for line in one.refused)))
    for file in {file.path.resolve(): file for one in found for file in one.runs}.values():
        _sort(file, wanted, catalogue, seed, sorting)
    _drop_rivals(sorting, store)
    if not sorting.jobs and not sorting.problems and not sorting.without_data:
        raise UserError(f"no program for {pattern or suite!r} under {', '.join(map(str, paths))}")
    missing = [
        f"{len(reasons)} {'runs' if len(reasons) > 1 else 'run'} of suite {name} left out: "
        f"{reasons[0]}"
        for name, reasons in sorting.without_data.items()
    ]
    strays = list(dict.fromkeys(path for one in found for path in one.strays))
    passed_over = [stray_line(strays)] if strays else []
    stored = store.statuses()
    to_score: dict[str, Job] = {}
    for job in sorting.jobs:
        status = stored.get(job.digest)
        if status is None or again == "all" or (again == "failed" and status == "failed"):
            to_score.setdefault(job.digest, job)
    return Plan(
        jobs=tuple(sorting.jobs),
        to_score=tuple(to_score.values()),
        again=again is not None,
        problems=tuple(sorting.problems + (missing if strict else [])),
        skipped=tuple(passed_over + ([] if strict else missing)),
    )


def _drop_rivals(sorting: _Sorting, store: Store) -> None:
    """Of two programs for one place on the board keep the first: the other would overwrite it."""
    on_board, kept = store.holders(), dict[RunKey, Job]()
    for job in sorting.jobs:
        path, digest = on_board.get(job.key, ("", job.digest))
        rival = kept.setdefault(job.key, job)
        if rival is not job:
            sorting.problems.append(
                f"{job.file.path}: {rival.file.path} is the same run, {job.label}; "
                "give one of them another number"
            )
        elif digest != job.digest and _is_another(Path(path), job):
            del kept[job.key]
            sorting.problems.append(
                f"{job.file.path}: on the board {path} is this run, {job.label}, with another "
                "program; give one of them another number, or another board (--store)"
            )
    sorting.jobs = list(kept.values())


def _is_another(path: Path, job: Job) -> bool:
    """Whether a program that is there is neither a job's file nor a copy of it."""
    try:
        same = path.samefile(job.file.path) or path.read_bytes() == job.candidate.source
    except FileNotFoundError:
        return False  # it is gone
    except OSError:
        return True
    return not same


def _sort(
    file: RunFile, wanted: dict[str, Task], catalogue: Catalogue, seed: int, sorting: _Sorting
) -> None:
    task = wanted.get(file.task)
    try:
        if task is None:
            _require_known(file.task, catalogue)  # another one is not wanted
            return
        candidate = _loaded(file, sorting)
        if candidate is None:
            return
        limits = limits_for(task)
        digest = evaluation_digest(candidate.source, task, limits, seed)
        sorting.jobs.append(Job(file, candidate, task, limits, seed, digest))
    except DataNotFoundError as error:
        suite = task.suite if task else "?"
        sorting.without_data.setdefault(suite, []).append(str(error))
    except UserError as error:
        sorting.problems.append(f"{file.path}: {error}")


def _loaded(file: RunFile, sorting: _Sorting) -> Candidate | None:
    try:
        return load_candidate(file.path)
    except UserError as error:  # names the path
        sorting.problems.append(str(error))
        return None


def _require_known(task: str, catalogue: Catalogue) -> None:
    try:
        catalogue.by_name(task)
    except UserError as error:
        raise UserError(f"{error}; {_OWN_TASKS}") from error
