"""What the tests of runs of many evaluations share."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from programs import program

from harness.evaluation.records import Evaluation
from harness.results.store import Store
from harness.runner.execute import execute
from harness.runner.plan import Job, Plan, make_plan
from harness.runner.record import RunReport
from harness.tasks import Catalogue

PutRuns = Callable[..., Path]

SLOW = [program(first=f"number = {n}", fit="import time; time.sleep(0.15)") for n in range(8)]


def files_of(folder: Path) -> PutRuns:
    """Return a function that files programs as runs of ``small_task`` and returns the folder."""

    def put(*programs: str, task: str = "small_task", agent: str = "codex") -> Path:
        place = folder / task / agent / "o4_mini"
        place.mkdir(parents=True, exist_ok=True)
        for number, text in enumerate(programs, 1):
            (place / f"run_{number}.py").write_text(text, encoding="utf-8")
        return folder

    return put


class Watched:
    """Keeps what a run said, and when."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.finished_at: dict[str, float] = {}

    def finished(self, job: Job, evaluation: Evaluation) -> None:
        self.finished_at[job.key.place] = time.monotonic() - self.started


def run_all(
    roots: Sequence[Path], tasks: Catalogue, store: Store, **options: Any
) -> tuple[Plan, RunReport, Watched]:
    watched = Watched()
    again = options.pop("again", None)
    plan = make_plan(roots, tasks, store, again=again)
    return plan, execute(plan, store, watched, **{"jobs": 2, **options}), watched


def figures(evaluation: Evaluation) -> dict[str, object]:
    """Return an evaluation without what differs from run to run."""
    return evaluation.model_dump(exclude={"seconds"})


def board(store: Store) -> list[object]:
    return [(run.key, run.path, figures(run.evaluation), run.program) for run in store.runs()]
