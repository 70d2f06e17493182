"""How sure forecasts are, against laws that are known."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np

from harness.evolution.choose import Finalist
from harness.evolution.emit import refit
from harness.evolution.expression import Law, Term
from harness.evolution.factors import Power
from harness.evolution.intervals import bootstrap_rows
from harness.evolution.rows import train_rows
from harness.evolution.scales import Feature
from harness.evolution.search import Search
from harness.evolution.starts import start_points
from harness.tasks.data import GroupRows

LAW = Law((Term((Power(Feature(0)),)),))
FAR = np.array([[3e9], [1e10]])


def loss(sizes: np.ndarray, exponent: float) -> np.ndarray:
    return 2.0 + (sizes / 3e7) ** exponent


def test_the_interval_over_rows_holds_the_truth_where_the_form_is_right() -> None:
    """However little rows say: what is usual of constants must not make fits agree."""
    held = np.zeros(2)
    for seed in range(40):
        rng = np.random.default_rng(seed)
        exponent = -rng.uniform(0.1, 0.6)
        sizes = np.geomspace(1e6, 1e9, 12)[:, None]
        y = loss(sizes, exponent) + 0.1 * rng.standard_normal(sizes.shape)
        group = GroupRows("all", sizes, y)
        rows = train_rows([group], ("size",), ("loss",))
        search = cast("Search", SimpleNamespace(seed=seed, rows=rows))
        finalist = cast("Finalist", SimpleNamespace(law=LAW))
        fitted = {"all": refit(LAW, rows.axes, start_points(LAW, 4), sizes, y)}
        found = bootstrap_rows(search, finalist, fitted, [group], FAR, ("all", "all"))
        truth = loss(FAR, exponent)[:, 0]
        held += (found.low <= truth) & (truth <= found.high)
    assert (held >= 33).all(), held
