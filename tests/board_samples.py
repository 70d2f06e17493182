"""Runs, tasks and claims for the tests of the board, without a store or an evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html.parser import HTMLParser

import numpy as np

from harness.errors import UserError
from harness.evaluation.records import (
    Evaluation,
    Failure,
    GroupFigures,
    Isolation,
    Seconds,
    TargetFigures,
    Traces,
    Violation,
)
from harness.evaluation.scoring import figures, join
from harness.failures import FailureKind
from harness.leaderboard.board import Board, BoardSuite
from harness.results.records import ClaimedPage, ClaimedRun, RunKey, StoredClaim, StoredRun
from harness.tasks import GroupRows, TaskData, TaskDefinition

PROGRAM = b'''"""A power law."""
import numpy as np


def law(input_data, group):
    return [{"loss": 2.0 + 3.0 * row["n"] ** -0.5} for row in input_data]
'''


GROUPS = ("group 0", "group 1")
SIZES = np.array([10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0, 1280.0])


def law(sizes: np.ndarray, group: int) -> np.ndarray:
    """The law behind the sample task's rows."""
    return (2.0 + group + 3.0 * sizes[:, None] ** -0.5).astype(np.float64)


def rows(sizes: np.ndarray) -> tuple[GroupRows, ...]:
    return tuple(
        GroupRows(name, sizes[:, None], law(sizes, group)) for group, name in enumerate(GROUPS)
    )


DATA = TaskData(
    train=rows(SIZES[:5]),
    test=rows(SIZES[5:]),
    curve={name: np.geomspace(10.0, 1280.0, 4)[:, None] for name in GROUPS},
)


@dataclass(frozen=True)
class Task:
    name: str
    title: str
    suite: str
    has_data: bool = True

    @property
    def definition(self) -> TaskDefinition:
        return TaskDefinition.model_validate(
            {
                "name": self.name,
                "title": self.title,
                "suite": self.suite,
                "description": "Loss from size; the held-out models are larger.",
                "features": [{"name": "n", "unit": "parameters", "meaning": "size"}],
                "targets": [{"name": "loss", "unit": "nats", "meaning": "held-out loss"}],
                "max_params": 7,
                "fit_seconds": 60.0,
                "data": {
                    "kind": "shipped",
                    "train": {"path": "train.csv"},
                    "test": {"path": "test.csv"},
                },
                "reference": {"law": "L = E + A / n^a", "citation": "nobody", "url": None},
                "curve": {"along": "n", "points": 4, "log": True},
            }
        )

    def digest(self) -> str:
        if not self.has_data:
            raise UserError("the data is not here")
        return f"{self.name} as it is"

    def data(self) -> TaskData:
        if not self.has_data:
            raise UserError("the data is not here")
        return DATA


class FixedTraces:
    """Arrays of runs, by digest."""

    def __init__(self, traces: dict[str, Traces]) -> None:
        self._traces = traces

    def traces(self, digest: str) -> Traces | None:
        return self._traces.get(digest)

    def close(self) -> None:
        pass


TASKS = (
    Task("small_law", "Small Scaling Law", "nano"),
    Task("other_law", "Other Scaling Law", "nano"),
    Task("wide_law", "Wide Scaling Law", "wide"),
)


def evaluation(
    r2: float | None = 0.9,
    *,
    r2_fit: float | None = 0.99,
    violation: str | None = None,
    failure: str = "division by zero",
    task: str = "small_law",
    notes: tuple[str, ...] = (),
    groups: int = 2,
    digest: str = "0123456789abcdef" * 4,
) -> Evaluation:
    status = "failed" if r2 is None else "violation" if violation else "ok"
    failed = r2 is None
    return Evaluation(
        task=task,
        format="evolve-block",
        status=status,
        r2=r2,
        r2_fit=None if failed else r2_fit,
        nmse=None if failed else 1 - r2,
        nmae=None if failed else 0.25,
        per_group={}
        if failed
        else {
            f"group {index}": GroupFigures(
                r2=None if index == 0 else r2, r2_fit=r2_fit, n_train=12, n_test=1 + index
            )
            for index in range(groups)
        },
        per_target={} if failed else {"loss": TargetFigures(r2=r2, r2_fit=r2_fit)},
        n_params=None if failed else 7,
        violations=(Violation(rule="max_params", message=violation),) if violation else (),
        notes=notes,
        error=Failure(kind=FailureKind.CANDIDATE_ERROR, message=failure, line=5)
        if failed
        else None,
        seconds=Seconds(fit=0.75, predict=0.0625),
        isolation=Isolation(layers=("landlock", "namespaces", "rlimits", "seccomp")),
        seed=0,
        versions={"numpy": "2.2.0", "python": "3.11.0", "scipy": "1.15.0"},
        scoring_version=1,
        digest=digest,
    )


def run(
    number: int,
    r2: float | None = 0.9,
    *,
    task: str = "small_law",
    agent: str = "codex",
    model: str = "o4_mini",
    agent_name: str | None = None,
    model_name: str | None = None,
    program: bytes = PROGRAM,
    created: str = "2026-01-02T03:04:05+00:00",
    **figures: object,
) -> StoredRun:
    return StoredRun(
        key=RunKey(task, agent, model, number),
        agent_name=agent_name or agent,
        model_name=model_name or model,
        path=f"candidates/{task}/{agent}/{model}/run_{number}.py",
        evaluation=evaluation(r2, task=task, **figures),
        program=program,
        created=created,
    )


def drawn_run(number: int, offset: float, **names: object) -> tuple[StoredRun, Traces]:
    """A run that predicts the sample rows, all of them off by as much, with its arrays."""
    traces = Traces(
        params={name: np.array([2.0 + group, 3.0, offset]) for group, name in enumerate(GROUPS)},
        train={rows.group: rows.targets + offset for rows in DATA.train},
        test={rows.group: rows.targets + offset for rows in DATA.test},
        curve={
            name: law(DATA.curve[name][:, 0], group) + offset for group, name in enumerate(GROUPS)
        },
    )
    held_out = figures(*join(DATA.test, traces.test))
    fit = figures(*join(DATA.train, traces.train))
    assert held_out is not None
    assert fit is not None
    digest = f"{number:064x}"
    return run(number, held_out.r2, r2_fit=fit.r2, digest=digest, **names), traces


def board(
    runs: Sequence[StoredRun] = (),
    claims: Sequence[StoredClaim] = (),
    *,
    tasks: Sequence[Task] | None = None,
    traces: dict[str, Traces] | None = None,
    expected_runs: int | None = None,
) -> Board:
    """The sample tasks with some runs and claims on them."""
    tasks = TASKS if tasks is None else tasks
    names = {task.name for task in tasks}
    suites = dict.fromkeys(task.suite for task in tasks)
    return Board(
        suites=tuple(
            BoardSuite(suite, tuple(t for t in tasks if t.suite == suite), expected_runs)
            for suite in suites
        ),
        runs=tuple(run for run in runs if run.key.task in names),
        claims=tuple(claim for claim in claims if claim.task in names),
        traces=FixedTraces(traces or {}),
    )


def page(
    program: str = "x = 1",
    figures: tuple[str, ...] = ("0.900000", "0.800000"),
    *,
    title: str = "Small Scaling Law",
    agent: str = "codex",
    model: str = "o4-mini",
    mean: str = "0.850000",
) -> ClaimedPage:
    return ClaimedPage(
        title=title,
        agent=agent,
        model=model,
        best=figures[0],
        mean=mean,
        min=figures[-1],
        runs=str(len(figures)),
        program=program,
        ranking=tuple(ClaimedRun(run=i, r2=text) for i, text in enumerate(figures, 1)),
    )


def claim(
    claimed: ClaimedPage, task: str = "small_law", agent: str = "codex", model: str = "o4_mini"
) -> StoredClaim:
    return StoredClaim(task=task, agent=agent, model=model, page=claimed, source="pages/000.txt")


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def text_content(html: str) -> str:
    """The text of a piece of HTML, by the standard library's parser alone."""
    parser = _Text()
    parser.feed(html)
    parser.close()
    return "".join(parser.parts)


def article_text(html: str) -> str:
    """The text of the run's element, found by hand rather than by the package's own reader."""
    start = html.index('<article id="run"')
    return text_content(html[start : html.index("</article>", start)])
