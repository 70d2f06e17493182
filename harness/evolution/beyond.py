"""What laws say beyond the rows: how firm each is there, and how far it stands from the others.

Nobody measured beyond the rows, so nothing here is an error. But a law whose constants the rows
hardly fix says something else there for every resample of the rows, and of many laws that do well
on folds one that stands alone is seldom the one that is right. Asked at the probes (``probes``),
which follow from the features of the train rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.evolution.rows import FloatArray, TrainRows

RESAMPLES = 6
_LEAST, _MOST = 3e-4, 20.0
"""Between these a squared distance in units of the targets' variance counts."""
_SEED = 0


@dataclass(frozen=True, slots=True, eq=False)
class Beyond:
    """What a law says at the probes."""

    said: FloatArray
    """Fitted to all train rows, ``(cells, M)``."""
    shaken: float
    """Log of the squared distance to what it says when fitted to resampled rows, median of them."""


def counts_of_resamples(rows: TrainRows) -> np.ndarray:
    """Return how often each row is drawn in each resample, ``(B, G, N)``; the same for all laws.

    Poisson counts (a bootstrap of each row on its own); a group of which nothing was drawn is
    taken whole.

    Args:
        rows: The train rows.
    """
    rng = np.random.default_rng(_SEED)
    real = rows.weights > 0
    counts = rng.poisson(1.0, size=(RESAMPLES, *real.shape)) * real
    none = counts.sum(axis=2, keepdims=True) == 0
    return np.where(none, real, counts)


def beyond(said: FloatArray, resampled: Sequence[FloatArray], variance: FloatArray) -> Beyond:
    """Return how firm a law is beyond the rows.

    Args:
        said: Fitted to all train rows, ``(cells, M)``.
        resampled: Fitted to resamples, ``(cells, M)`` each; none if it cannot be.
        variance: Of each cell's target, ``(cells,)``.
    """
    far = [apart(one, said, variance) for one in resampled]
    return Beyond(said, float(np.median(far)) if far else float(np.log(_MOST)))


def middle_of(laws: Sequence[FloatArray]) -> FloatArray:
    """Return what laws say in the middle, ``(cells, M)``."""
    middle: FloatArray = np.median(np.stack([_finite(said) for said in laws]), axis=0)
    return middle


def apart(one: FloatArray, other: FloatArray, variance: FloatArray) -> float:
    """Return the log of the mean squared distance in units of the targets' variance, clipped.

    Args:
        one: What a law says, ``(cells, M)``.
        other: What another says.
        variance: Of each cell's target, ``(cells,)``.
    """
    with np.errstate(over="ignore"):
        square = np.square(_finite(one) - _finite(other)).mean(axis=1) / variance
    return float(np.log(np.clip(square.mean(), _LEAST, _MOST)))


def _finite(values: FloatArray) -> FloatArray:
    return np.nan_to_num(values, nan=1e9, posinf=1e9, neginf=-1e9)


def variances(rows: TrainRows) -> FloatArray:
    """Return the variance of each cell's target over the train rows of all groups, ``(cells,)``."""
    return np.tile(rows.y[rows.weights > 0].var(axis=0), len(rows.groups))
