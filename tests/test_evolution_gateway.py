"""Program text on folds: what fits share, what they do not, and what a broken program can do."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import numpy as np
import pytest
from evolution_samples import PROGRAM, side

from harness.evolution.folds import plan_folds
from harness.evolution.gateway import ProgramGateway
from harness.evolution.rows import TrainRows, train_rows
from harness.failures import FailureKind
from harness.limits import Limits
from harness.sandbox import Call, ChildFailed, Sandbox

REMEMBERS = '''
import numpy as np

# EVOLVE-BLOCK-START
SEEN = []


def fit_scaling_law(data_points, loss_values):
    """Remember how many rows each fit had: of one fold a fit for each group."""
    SEEN.append(len(loss_values))
    if len(set(SEEN)) > 1:
        raise RuntimeError(f"fits of other folds are remembered: {SEEN}")
    return np.array([loss_values.mean()])


def scaling_law_func(data_points, params):
    return np.full(len(data_points), params[0])
# EVOLVE-BLOCK-END
'''


def whole() -> TrainRows:
    known = side()
    return train_rows(known.train, known.feature_names, known.target_names)


def test_a_program_remembers_nothing_of_other_folds(sandbox: Sandbox) -> None:
    """Wider folds fit what narrower ones judge: begun with the others' constants it would know."""
    rows = whole()
    verdict = ProgramGateway(side(), rows, plan_folds(rows), sandbox).evaluate(REMEMBERS)
    assert verdict.failure == ""
    assert np.isfinite(verdict.fitness)


def test_the_error_of_a_fit_is_told_as_it_is(sandbox: Sandbox) -> None:
    rows = whole()
    source = PROGRAM.replace("    ", '    raise ValueError("not today")\n    ', 1)
    verdict = ProgramGateway(side(), rows, plan_folds(rows), sandbox).evaluate(source)
    assert "not today" in verdict.failure


@dataclass
class _Child:
    """A child whose program answers too little, or too late."""

    sandbox: _Sandbox
    fitted: bool = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: TracebackType | None) -> None:
        pass

    def ask(self, calls: list[Call], params: dict[str, Any] | None = None) -> list[Any]:
        if params is not None:
            return []
        if self.sandbox.late and len(self.sandbox.seconds) == 2:
            raise ChildFailed(FailureKind.TIMEOUT, "no answer within 0.123 s")
        return [object() for _ in calls]


@dataclass
class _Sandbox:
    late: bool = False
    seconds: list[float] = field(default_factory=list)

    def open(self, program: object, limits: Limits, seconds: float) -> _Child:
        self.seconds.append(seconds)
        return _Child(self)


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "harness.evolution.gateway.children.answer", lambda *_: np.array([1.0, 2.0])
    )


@pytest.mark.usefixtures("answered")
def test_a_program_that_answers_less_than_it_was_asked_has_failed() -> None:
    rows, sandbox = whole(), _Sandbox()
    gateway = ProgramGateway(side(), rows, plan_folds(rows), cast("Sandbox", sandbox))
    assert "fewer predictions than asked for" in gateway.evaluate(PROGRAM).failure


@pytest.mark.usefixtures("answered")
def test_all_folds_of_a_program_share_its_time() -> None:
    rows, sandbox = whole(), _Sandbox(late=True)
    limits = Limits(fit_seconds=30.0, predict_seconds=5.0)
    gateway = ProgramGateway(side(), rows, plan_folds(rows), cast("Sandbox", sandbox), limits)
    assert gateway.evaluate(PROGRAM).failure == "timeout: no answer within 30 s"
    first, second = sandbox.seconds
    assert 0 < second < first <= 30.0


def test_no_child_is_begun_when_the_time_is_over(tmp_path: Path) -> None:
    rows, sandbox = whole(), _Sandbox()
    limits = Limits(fit_seconds=1e-9, predict_seconds=5.0)
    gateway = ProgramGateway(side(), rows, plan_folds(rows), cast("Sandbox", sandbox), limits)
    assert gateway.evaluate(PROGRAM).failure.startswith("timeout: no answer within")
    assert sandbox.seconds == []


LOOKS_AROUND = """
import numpy as np


def fit_scaling_law(data_points, loss_values):
    return np.array([loss_values.mean(), 0.1])


def scaling_law_func(data_points, params):
    size = np.log(data_points[:, 0])
    return params[0] - params[1] * (size - size.mean())
"""


def test_a_program_that_looks_at_other_rows_is_not_bred_from(sandbox: Sandbox) -> None:
    """It would be sent in the end, and refused when it is scored."""
    rows = whole()
    gateway = ProgramGateway(side(), rows, plan_folds(rows), sandbox)
    assert "not a function of (row, params)" in gateway.evaluate(LOOKS_AROUND).failure
    alone = LOOKS_AROUND.replace("size.mean()", "20.0")
    assert gateway.evaluate(alone).failure == ""
