"""How sure a forecast is: over resampled rows, and over the laws that did about as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.evolution.batch_fit import Problem, fit_batch
from harness.evolution.choose import Finalist
from harness.evolution.emit import predict, refit
from harness.evolution.expression import Law
from harness.evolution.rows import FloatArray, sizes_of
from harness.evolution.runtime import row_weights
from harness.evolution.search import Search
from harness.tasks.data import GroupRows

RESAMPLES = 200
_STEPS = 10
_LEVEL = (2.5, 97.5)


@dataclass(frozen=True, slots=True, eq=False)
class Interval:
    """A lower and an upper end for each row."""

    low: FloatArray
    high: FloatArray
    n: np.ndarray
    """Of how many resamples or laws it is made, ``(M,)``: those that say a number there."""


def tree_of(finalist: Finalist) -> Law:
    """Return the law of a finalist of a search without models.

    Raises:
        ValueError: It is program text.
    """
    if finalist.law is None:
        msg = "a search of trees ends with trees"
        raise ValueError(msg)
    return finalist.law


def bootstrap_rows(
    search: Search,
    finalist: Finalist,
    fitted: Mapping[str, FloatArray],
    rows: Sequence[GroupRows],
    x: FloatArray,
    names: Sequence[str],
) -> Interval:
    """Return 95 % percentile intervals over rows drawn anew with replacement (Efron 1979).

    What is usual of the shape constants, to which fits draw them, is drawn anew with the rows:
    where rows say little, resamples would else agree on what none of them knows.

    Args:
        search: The search; its seed draws.
        finalist: The law.
        fitted: Its constants by group, fitted to all rows.
        rows: All rows by group.
        x: Rows to predict, ``(M, F)``.
        names: Their groups.
    """
    low, high, n = np.empty(len(x)), np.empty(len(x)), np.zeros(len(x), dtype=int)
    law, axes = tree_of(finalist), search.rows.axes
    middle = np.array([slot.usual for slot in law.slots])
    spread = np.array([slot.spread for slot in law.slots])
    groups = np.array(names)
    for number, one in enumerate(rows):
        wanted = np.flatnonzero(groups == one.group)
        if not len(wanted):
            continue
        # Draws of its own for each group: what is asked of one changes nothing of another.
        rng = np.random.default_rng([search.seed, 77, number])
        count = len(one.features)
        drawn = rng.multinomial(count, np.full(count, 1.0 / count), size=RESAMPLES)
        everyone = np.concatenate([one.features, x[wanted]])
        columns = tuple(
            np.tile(axis.coordinate(everyone[:, column]), (RESAMPLES, 1))
            for column, axis in enumerate(axes)
        )
        y = np.log(one.targets[:, 0]) if law.link == "log" else one.targets[:, 0]
        padded = np.concatenate([y, np.zeros(len(wanted))])
        counts = drawn * row_weights(one.features, one.targets, sizes_of(axes))
        weights = np.concatenate([np.sqrt(counts), np.zeros((RESAMPLES, len(wanted)))], axis=1)
        problem = Problem(columns, np.tile(padded, (RESAMPLES, 1)), weights)
        starts = np.tile(fitted[one.group][0, law.n_linear :], (RESAMPLES, 1))
        usual = rng.normal(middle, spread, size=(RESAMPLES, len(law.slots)))
        with np.errstate(all="ignore"):
            found = fit_batch(law, problem, starts, _STEPS, search.rows.loss, usual)
        says = found.fitted[:, count:]
        says = np.exp(np.clip(says, -60.0, 60.0)) if law.link == "log" else says
        low[wanted], high[wanted] = _percentiles(says)
        n[wanted] = np.isfinite(says).sum(axis=0)
    return Interval(low, high, n)


def _percentiles(says: FloatArray) -> FloatArray:
    """Return both ends for each row, ``(2, M)``, of what is a number there; NaN where nothing is.

    Args:
        says: What resamples say, ``(B, M)``.
    """
    finite = np.isfinite(says)
    if finite.all():
        return np.asarray(np.percentile(says, _LEVEL, axis=0))
    ends = np.full((2, says.shape[1]), np.nan)
    for place in np.flatnonzero(finite.any(axis=0)):
        ends[:, place] = np.percentile(says[finite[:, place], place], _LEVEL)
    return ends


def bootstrap_laws(
    search: Search,
    predicted: FloatArray,
    others: Sequence[Finalist],
    rows: Sequence[GroupRows],
    measured: FloatArray,
    x: FloatArray,
    names: Sequence[str],
) -> Interval:
    """Return the least and the largest of what the elite laws say, each fitted to all rows.

    Where a law says something of the other sign than all that was ever measured (a loss below 0) it
    is refuted and does not count; what it says of other rows does, so that the interval of a row
    is the same whatever else is asked.

    Args:
        search: The search.
        predicted: What the chosen law says, ``(M,)``.
        others: The other laws.
        rows: What they are fitted to, by group.
        measured: All that was measured, ``(N,)``.
        x: Rows to predict, ``(M, F)``.
        names: Their groups.
    """
    axes = search.rows.axes
    groups = np.array(names)
    said = np.full((len(others), len(x)), np.nan)
    for place, finalist in enumerate(others):
        law, starts = tree_of(finalist), np.unique(finalist.theta, axis=0)[:8]
        for one in rows:
            wanted = groups == one.group
            if wanted.any():
                constants = refit(law, axes, starts, one.features, one.targets, search.rows.loss)
                said[place, wanted] = predict(law, axes, constants, x[wanted])[:, 0]
    if (measured > 0).all() or (measured < 0).all():
        said[np.sign(said) != np.sign(measured[0])] = np.nan
    every = np.vstack([said, predicted])
    n = (~np.isnan(every)).sum(axis=0)
    return Interval(np.fmin.reduce(every), np.fmax.reduce(every), n)
