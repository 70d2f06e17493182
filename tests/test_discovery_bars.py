"""The bars that a search must beat are worth what they say: their programs compute their laws."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import harness
from harness.evolution.folds import plan_folds
from harness.evolution.gateway import train_side
from harness.evolution.rows import train_rows
from harness.tasks import load_catalogue

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))

import operon
from operon import Expression, operon_program


def test_an_expression_is_fitted_by_its_constants() -> None:
    x = np.linspace(-1.0, 1.0, 30)[:, None]
    one = Expression("np.exp(s[0] * x[:, 0])", (0.5,))
    basis = one.terms(x)(np.array([0.5]))
    assert basis.shape == (30, 2)
    assert np.allclose(basis[:, 0], np.exp(0.5 * x[:, 0]))


@pytest.mark.parametrize(
    ("name", "seconds"), [("nano_pretraining", 2.0), ("nano_domain_mixture", 0.5)]
)
def test_a_law_of_pyoperon_keeps_to_the_cap_and_scores(
    name: str, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyoperon", reason="no wheel for this machine")
    monkeypatch.setattr(operon, "MOST_JUDGED", 4)  # a bar judges many more, for minutes
    monkeypatch.setattr(operon, "RESTARTS", 1)
    task = load_catalogue().find(name)
    side = train_side(task)
    rows = train_rows(side.train, side.feature_names, side.target_names)
    folds = [fold for fold in plan_folds(rows) if fold.purpose == "search"]
    source, law = operon_program(rows, folds, side.max_params, 1, seconds, 1)
    assert law
    assert "pyoperon" in source
    evaluation = harness.evaluate(source, task)
    assert evaluation.status == "ok", evaluation
    assert evaluation.r2_fit is not None
    assert evaluation.r2_fit > 0.5
