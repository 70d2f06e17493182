"""One evaluation, from a program and a task to figures or a failure."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from harness.candidates import Candidate
from harness.evaluation import children
from harness.evaluation.digest import DEFAULT_SEED, evaluation_digest, limits_for
from harness.evaluation.records import (
    Evaluation,
    Failure,
    Isolation,
    Seconds,
    Traces,
    Violation,
)
from harness.evaluation.rules import check_constants, count_constants
from harness.evaluation.scoring import SplitFigures, figures, join, per_group, per_target
from harness.failures import POLICIES, FailureKind
from harness.limits import Limits
from harness.sandbox import ChildFailed, Printed, ProgramText, Sandbox, SandboxBroken
from harness.sandbox.child import ChildKilled
from harness.tasks import Task
from harness.tasks.data import TaskData
from harness.versions import SCORING_VERSION, versions

Phase = Literal["fit", "predict"]

_LIMIT_OF: dict[Phase, str] = {
    "fit": "the limit for loading it and fitting all groups",
    "predict": "the fixed limit for loading it and predicting all groups",
}
_KILLED_RETRIES = 2
"""How often a candidate is tried afresh whose process was killed by nobody knows whom."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """An evaluation and its arrays."""

    evaluation: Evaluation
    traces: Traces
    printed: dict[Phase, Printed] = field(default_factory=dict)
    """What the candidate printed, by where; not stored."""


@dataclass(slots=True, eq=False)
class _Progress:
    """How far an evaluation came: what a failure leaves is reported, too."""

    params: dict[str, np.ndarray] = field(default_factory=dict)
    found: children.Predictions | None = None
    violations: list[Violation] = field(default_factory=list)
    failure: Failure | None = None
    killed: bool = False
    """Whether the failure is a kill that may have come from outside."""
    printed: dict[Phase, Printed] = field(default_factory=dict)
    phase: Phase = "fit"
    """What is under way."""
    seconds: dict[str, float] = field(default_factory=lambda: {"fit": 0.0, "predict": 0.0})

    def timed(self, phase: Phase, work: Callable[[], Any]) -> Any:
        self.phase = phase
        started = time.monotonic()
        try:
            return work()
        finally:
            self.seconds[phase] += time.monotonic() - started


def evaluate(
    candidate: Candidate,
    task: Task,
    sandbox: Sandbox,
    *,
    limits: Limits | None = None,
    seed: int = DEFAULT_SEED,
    data: TaskData | None = None,
) -> Outcome:
    """Fit a candidate on a task's train split, score it on the held-out split, check the rules.

    Args:
        candidate: The program.
        task: What it is scored on.
        sandbox: Where it runs.
        limits: Instead of the task's own.
        seed: Start of the candidate's random generators.
        data: Instead of the task's own rows.

    Returns:
        The evaluation; a failure of any kind is one, too. A harness error (the sandbox broke, also
        at the second try) has kind ``harness_error`` and must not be stored as done.

    Raises:
        UserError: The task's data is missing or wrong.
    """
    limits = limits or limits_for(task)
    data = data or task.data()
    program = ProgramText(
        source=candidate.source,
        format=candidate.format or "evolve-block",
        features=task.feature_names,
        targets=task.target_names,
        seed=seed,
    )
    isolation = _isolation(sandbox, candidate)
    progress = _believed(lambda: _attempt(program, task, data, sandbox, limits))
    if not isolation.layers:  # the server was killed while it started, and another one did it
        isolation = _isolation(sandbox, candidate)
    common = {
        "task": task.name,
        "format": candidate.format,
        "n_params": max(map(count_constants, progress.params.values()), default=None),
        "notes": tuple(progress.found.notes) if progress.found else (),
        "seconds": Seconds(**{name: round(s, 4) for name, s in progress.seconds.items()}),
        "isolation": isolation,
        "seed": seed,
        "versions": versions(),
        "scoring_version": SCORING_VERSION,
        "digest": evaluation_digest(candidate.source, task, limits, seed),
    }
    printed = progress.printed
    if progress.found is None:  # what was printed last, often the reason
        printed = {**printed, progress.phase: sandbox.take_printed()}
    failure = progress.failure
    if progress.found is not None:
        scored = _score(task, data, progress.found, progress.violations, common)
        if scored is not None:
            found = progress.found
            traces = Traces(progress.params, found.train, found.test, found.curve)
            return Outcome(scored, traces, printed)
        message = "predictions are too large to be scored"
        failure = Failure(kind=FailureKind.BAD_OUTPUT, message=message)
    failed = Evaluation(**common, status="failed", error=failure)
    return Outcome(failed, Traces({}, {}, {}, {}), printed)


def _believed(attempt: Callable[[], _Progress]) -> _Progress:
    """Try a candidate until it has figures or a failure that is its own.

    A broken sandbox is ours, and a kill may have come from outside: believed is only one that
    happens to every attempt in a row.
    """
    killed = retries = 0
    while True:
        progress = attempt()
        if progress.killed and killed < _KILLED_RETRIES:
            killed += 1
        elif (
            progress.failure
            and not progress.killed
            and retries < POLICIES[progress.failure.kind].retries
        ):
            killed, retries = 0, retries + 1
        else:
            return progress


def _attempt(
    program: ProgramText, task: Task, data: TaskData, sandbox: Sandbox, limits: Limits
) -> _Progress:
    progress = _Progress()
    sandbox.take_printed()
    try:
        _run(program, task, data, sandbox, limits, progress)
    except ChildFailed as error:
        message = error.message
        if error.kind is FailureKind.TIMEOUT:
            message = f"{message}, {_LIMIT_OF[progress.phase]}"
        progress.failure = Failure(kind=error.kind, message=message, line=error.line)
        progress.killed = isinstance(error, ChildKilled)
        if isinstance(error, ChildKilled) and error.outside:
            message = "its process was killed from outside, or memory ran out on this machine"
            progress.failure = Failure(kind=FailureKind.HARNESS_ERROR, message=message)
    except SandboxBroken as error:
        progress.failure = Failure(kind=FailureKind.HARNESS_ERROR, message=str(error))
    return progress


def _run(
    program: ProgramText,
    task: Task,
    data: TaskData,
    sandbox: Sandbox,
    limits: Limits,
    progress: _Progress,
) -> None:
    if program.format == "evolve-block":
        progress.params = progress.timed(
            "fit", lambda: children.fit(sandbox, program, data, limits)
        )
        progress.printed["fit"] = sandbox.take_printed()
        sizes = {group: count_constants(values) for group, values in progress.params.items()}
        too_many = check_constants(sizes, task.definition.max_params)
        if too_many:
            progress.violations.append(too_many)
    params = progress.params
    small = progress.timed(
        "predict", lambda: children.predict_small(sandbox, program, data, limits, params)
    )
    sandbox.take_printed()  # what a check of single rows prints helps nobody
    found = progress.timed(
        "predict", lambda: children.predict(sandbox, program, data, limits, params)
    )
    progress.printed["predict"] = sandbox.take_printed()
    differs = children.disagreement(small, found, data, len(program.targets))
    if differs:
        progress.violations.append(differs)
    progress.found = found


def _score(
    task: Task,
    data: TaskData,
    found: children.Predictions,
    violations: list[Violation],
    common: dict[str, Any],
) -> Evaluation | None:
    """Return the evaluation with its figures, None where they are beyond all numbers."""
    complete = len(found.train) == len(data.train)
    test = join(data.test, found.test)
    train = join(data.train, found.train) if complete else None
    with np.errstate(over="ignore"):
        held_out = _finite(figures(*test))
        fit = _finite(figures(*train)) if train else None
        groups = per_group(data.train, data.test, found.train, found.test)
        targets = per_target(task.target_names, test, train)
    if held_out is None:
        return None
    return Evaluation(
        **common,
        status="violation" if violations else "ok",
        r2=held_out.r2,
        nmse=held_out.nmse,
        nmae=held_out.nmae,
        r2_fit=fit.r2 if fit else None,
        per_group=groups,
        per_target=targets,
        violations=tuple(violations),
    )


def _finite(found: SplitFigures | None) -> SplitFigures | None:
    if found is None or not np.isfinite([found.nmse, found.nmae]).all():
        return None
    return found


def _isolation(sandbox: Sandbox, candidate: Candidate) -> Isolation:
    """Start the server that is needed, whose start is nobody's fit time, and see what it has."""
    try:
        sandbox.warm(candidate.source)
        return Isolation(layers=sandbox.layers, missing=sandbox.missing)
    except SandboxBroken:
        return Isolation(layers=(), missing=("the sandbox did not start",))
