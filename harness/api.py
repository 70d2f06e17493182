"""The Python API, for notebooks: ``import harness``."""

from __future__ import annotations

import atexit
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from harness.candidates import Candidate, load_candidate
from harness.errors import UserError
from harness.evaluation.digest import DEFAULT_SEED, limits_for
from harness.evaluation.records import Evaluation
from harness.paths import default_store
from harness.tasks import Task, load_catalogue

if TYPE_CHECKING:
    import pandas as pd

    from harness.evaluation.evaluate import Outcome
    from harness.leaderboard.entries import Entry
    from harness.leaderboard.standings import SuiteRow
    from harness.results.records import StoredRun
    from harness.sandbox import Sandbox
    from harness.tasks.data import TaskData

_lock = threading.Lock()


def load_task(task: str | Path) -> Task:
    """Return a task by its name, or from a YAML file.

    Raises:
        UserError: There is no such task, or its file is wrong.
    """
    return load_catalogue().find(str(task))


def evaluate(
    program: str | Path | bytes,
    task: str | Path | Task,
    *,
    timeout: float | None = None,
    seed: int = DEFAULT_SEED,
) -> Evaluation:
    """Fit a candidate on a task's train split and score it on the held-out split.

    The program runs isolated, as under ``sld score``; nothing is stored. Calls from several threads
    wait for one another.

    Args:
        program: A path, or the program's source. A string is a path if it ends in ``.py`` and
            has no line break.
        task: A task's name, a YAML file, or a loaded task.
        timeout: Seconds for the fit instead of the task's own limit.
        seed: Start of the candidate's random generators.

    Returns:
        The evaluation; a failed candidate is an evaluation, too (see ``status`` and ``error``).

    Raises:
        UserError: The file or the task is not there, or the task's data is missing or wrong.
    """
    return outcome(program, task, timeout=timeout, seed=seed).evaluation


@dataclass(frozen=True, slots=True)
class Standings:
    """The leaderboard as tables; every figure counts as it does on the pages."""

    runs: pd.DataFrame
    """One row a run: task, agent, model, run, status, r2, score, r2_fit, n_params, digest."""
    tasks: pd.DataFrame
    """One row per task, agent and model: rank, best, mean, min, runs, failures, violations."""
    suites: pd.DataFrame
    """One row per suite, agent and model: rank, mean_r2, max_r2, tasks_with_runs, runs."""


def standings(store: str | Path | None = None) -> Standings:
    """Return the standings of everything in a store.

    Args:
        store: The store's file instead of the default one.

    Raises:
        UserError: There is no store, or it is damaged.
    """
    import pandas as pd

    from harness.leaderboard import standings as board
    from harness.leaderboard.entries import entries as entries_of
    from harness.results.store import Store

    with Store(Path(store) if store else default_store(), read_only=True) as opened:
        stored = opened.runs()
    catalogue = load_catalogue()
    entries = entries_of(stored)
    task_rows = [
        {"task": row.entry.task, **_pair(row.entry), "rank": row.rank, **_figures(row.entry)}
        for task in sorted({entry.task for entry in entries})
        for row in board.task_rows(entries, task)
    ]
    suite_rows = [
        {
            "suite": suite,
            **_pair(row),
            "rank": row.rank,
            "mean_r2": row.mean,
            "max_r2": row.best,
            "tasks_with_runs": row.n_tasks_with_runs,
            "runs": row.n_runs,
        }
        for suite in catalogue.suites()
        for row in board.suite_rows(entries, catalogue.tasks(suite))
    ]
    return Standings(
        runs=pd.DataFrame([_run_row(run) for run in stored]),
        tasks=pd.DataFrame(task_rows),
        suites=pd.DataFrame(suite_rows),
    )


def _pair(row: Entry | SuiteRow) -> dict[str, object]:
    return {"agent": row.agent_name, "model": row.model_name}


def _figures(entry: Entry) -> dict[str, object]:
    return {
        "best": entry.best,
        "mean": entry.mean,
        "min": entry.min,
        "runs": entry.n_runs,
        "failures": entry.failures,
        "violations": entry.violations,
    }


def _run_row(run: StoredRun) -> dict[str, object]:
    evaluation = run.evaluation
    return {
        "task": run.key.task,
        "agent": run.agent_name,
        "model": run.model_name,
        "run": run.key.run,
        "status": evaluation.status,
        "r2": evaluation.r2,
        "score": evaluation.score,
        "r2_fit": evaluation.r2_fit,
        "n_params": evaluation.n_params,
        "digest": evaluation.digest,
    }


def check(
    program: str | Path | bytes,
    task: str | Path | Task,
    *,
    timeout: float | None = None,
    seed: int = DEFAULT_SEED,
) -> Evaluation:
    """Fit a candidate and check the rules on train rows only; the held-out split is not looked at.

    Takes what ``evaluate`` takes. Every figure of the result is of the train rows.

    Raises:
        UserError: The file or the task is not there, or the task's data is missing or wrong.
    """
    return outcome(program, task, timeout=timeout, seed=seed, train_only=True).evaluation


def outcome(
    program: str | Path | bytes,
    task: str | Path | Task,
    *,
    timeout: float | None = None,
    seed: int = DEFAULT_SEED,
    train_only: bool = False,
) -> Outcome:
    """Evaluate or check a candidate and return its arrays and what it printed, too.

    Takes what ``evaluate`` takes.

    Args:
        program: See ``evaluate``.
        task: See ``evaluate``.
        timeout: See ``evaluate``.
        seed: See ``evaluate``.
        train_only: Leave the held-out split alone, see ``check``.

    Raises:
        UserError: The file or the task is not there, the task's data is missing or wrong, or the
            limit is none.
    """
    from harness.evaluation.evaluate import evaluate as run
    from harness.limits import MOST_FIT_SECONDS

    loaded = task if isinstance(task, Task) else load_task(task)
    limits = limits_for(loaded)
    if timeout is not None:
        if not 0 < timeout <= MOST_FIT_SECONDS:
            raise UserError(
                f"timeout: expected at most {MOST_FIT_SECONDS:,} seconds (20 days), got {timeout:g}"
            )
        limits = limits.model_copy(update={"fit_seconds": timeout})
    candidate = _candidate(program)
    data = _train_only(loaded) if train_only else None
    with _lock:
        return run(candidate, loaded, _sandbox(), limits=limits, seed=seed, data=data)


def _train_only(task: Task) -> TaskData:
    """Return a task's data with the train rows in place of the test rows."""
    from harness.evaluation.scoring import figures, join
    from harness.tasks.data import TaskData

    train = task.train()
    if figures(*join(train, {rows.group: rows.targets for rows in train})) is None:
        raise UserError(
            f"task {task.name!r}: a target does not vary over the train split, so there is no R² "
            "to check; score the program instead"
        )
    return TaskData(train=train, test=train, curve={})


def _candidate(program: str | Path | bytes) -> Candidate:
    if isinstance(program, bytes):
        return Candidate(program, "<source>")
    if isinstance(program, Path) or (program.endswith(".py") and "\n" not in program):
        return load_candidate(Path(program))
    return Candidate(program.encode("utf-8"), "<source>")


@cache
def _sandbox() -> Sandbox:
    from harness.sandbox import Sandbox

    sandbox = Sandbox()
    atexit.register(sandbox.close)
    return sandbox
