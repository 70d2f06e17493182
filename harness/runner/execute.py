"""Carrying out a plan: evaluations in parallel, each stored as soon as it is finished."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from typing import Literal, Protocol

from harness.errors import UserError
from harness.evaluation.evaluate import Outcome, evaluate
from harness.evaluation.records import Evaluation, Failure, Isolation, Seconds, Traces
from harness.failures import POLICIES, FailureKind
from harness.results.store import Store
from harness.runner.cluster import dask_cluster, in_words, made_with, other_versions
from harness.runner.plan import Job, Plan
from harness.runner.pool import SandboxPool
from harness.runner.record import RunReport, assign, record_stored
from harness.versions import SCORING_VERSION, versions

Backend = Literal["local", "dask"]


class Watcher(Protocol):
    """Is told how far a run is."""

    def finished(self, job: Job, evaluation: Evaluation) -> None:
        """One evaluation is finished and, unless it is a harness error, stored."""


@dataclass(frozen=True, slots=True)
class Finished:
    """One job and what it gave; the outcome is None when the task's data proved wrong."""

    job: Job
    outcome: Outcome | None
    problem: str | None = None


def default_jobs() -> int:
    """Return how many evaluations run at once: one a core that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def execute(
    plan: Plan,
    store: Store,
    watcher: Watcher,
    *,
    jobs: int | None = None,
    backend: Backend = "local",
    scheduler: str | None = None,
) -> RunReport:
    """Score what the plan says and store it.

    Ctrl-C ends what is under way and keeps what is finished.

    Args:
        plan: What to do.
        store: Where finished evaluations go; written by this thread only.
        watcher: Is told about each finished evaluation.
        jobs: How many at once; None: one a core of this machine, or one a thread of the cluster.
        backend: ``local`` threads, or a ``dask`` cluster.
        scheduler: Address of the Dask scheduler; None starts a cluster on this machine.

    Raises:
        UserError: The store cannot be written, the backend is not installed, or the cluster cannot
            be reached, is lost, has no worker, or has one that would score otherwise.
    """
    scored = failed = 0
    errors: dict[str, Evaluation] = {}
    problems: list[str] = []
    interrupted = False
    record_stored(plan, store)
    waiting: dict[str, list[Job]] = {}
    for job in plan.jobs:
        waiting.setdefault(job.digest, []).append(job)
    try:
        with closing(_stream(plan, jobs, backend, scheduler)) as stream:
            for done in stream:
                if done.outcome is None:
                    problems.append(done.problem or "stopped")
                    continue
                evaluation = done.outcome.evaluation
                if evaluation.digest != done.job.digest:
                    problems.append(_scored_otherwise(evaluation))
                    continue
                if evaluation.error and not POLICIES[evaluation.error.kind].counts:
                    errors[done.job.digest] = evaluation
                else:
                    keep = store.replace if plan.again else store.add
                    keep(evaluation, done.outcome.traces, done.job.candidate.source)
                    assign(store, waiting[done.job.digest])
                    scored += 1
                    failed += evaluation.status == "failed"
                watcher.finished(done.job, evaluation)
    except KeyboardInterrupt:
        interrupted = True
    return RunReport(scored, failed, errors, tuple(dict.fromkeys(problems)), interrupted)


def _scored_otherwise(evaluation: Evaluation) -> str:
    """Say that a machine has scored which is not as this one: its figures are other figures."""
    there = {**evaluation.versions, "scoring version": str(evaluation.scoring_version)}
    differs = other_versions(there, made_with()) or "another sld-harness"
    return (
        f"a worker that joined during the run has {differs}; nothing that it scored is stored: "
        "install on all workers what is installed here, restart them and run again"
    )


def _score(job: Job, pool: SandboxPool) -> Finished:
    try:
        with pool.lend() as sandbox:
            return Finished(
                job, evaluate(job.candidate, job.task, sandbox, limits=job.limits, seed=job.seed)
            )
    except UserError as error:
        return Finished(job, None, str(error))
    except Exception as error:  # a fault of ours must not take everybody's runs with it
        return _our_fault(job, error)


def _our_fault(job: Job, error: Exception) -> Finished:
    message = f"{job.label}: {in_words(error)}"
    evaluation = Evaluation(
        task=job.task.name,
        format=job.candidate.format,
        status="failed",
        error=Failure(kind=FailureKind.HARNESS_ERROR, message=message),
        seconds=Seconds(fit=0.0, predict=0.0),
        isolation=Isolation(layers=()),
        seed=job.seed,
        versions=versions(),
        scoring_version=SCORING_VERSION,
        digest=job.digest,
    )
    return Finished(job, Outcome(evaluation, Traces({}, {}, {}, {})))


def _stream(
    plan: Plan, jobs: int | None, backend: Backend, scheduler: str | None
) -> Generator[Finished, None, None]:
    if not plan.to_score:
        return
    if backend == "local":
        yield from score_locally(plan.to_score, jobs or default_jobs())
    else:
        yield from _score_on_cluster(plan.to_score, jobs, scheduler)


def score_locally(work: tuple[Job, ...], jobs: int) -> Generator[Finished, None, None]:
    """Score in threads: each only waits for the pipes of a sandbox of its own."""
    pool = SandboxPool()
    stopped = threading.Event()

    def score(job: Job) -> Finished:
        return Finished(job, None) if stopped.is_set() else _score(job, pool)

    results = _parallel(score, work, jobs)
    try:
        yield from results
    finally:
        stopped.set()
        pool.kill()
        results.close()
        pool.close()


def _parallel(
    score: Callable[[Job], Finished], work: tuple[Job, ...], jobs: int
) -> Generator[Finished, None, None]:
    import joblib

    parallel = joblib.Parallel(
        n_jobs=jobs,
        backend="threading",
        batch_size=1,  # nobody waits for a neighbour's slow fit
        pre_dispatch="2*n_jobs",
        return_as="generator_unordered",
    )
    results: Generator[Finished, None, None] = parallel(joblib.delayed(score)(job) for job in work)
    return results


def _score_on_cluster(
    work: tuple[Job, ...], jobs: int | None, scheduler: str | None
) -> Generator[Finished, None, None]:
    most = jobs if scheduler is not None else None  # else it has this many workers
    with dask_cluster(scheduler, jobs or default_jobs(), most) as cluster:
        for done in cluster.run(_score_on_worker, work):
            if done.error is not None:
                yield _our_fault(done.work, done.error)
            elif done.result is not None:
                yield Finished(done.work, done.result.outcome, done.result.problem)


@cache
def _worker_pool() -> SandboxPool:
    """The sandboxes of a Dask worker's process; they end with it."""
    pool = SandboxPool()
    atexit.register(pool.close)
    return pool


def _score_on_worker(job: Job) -> Finished:
    return _score(job, _worker_pool())
