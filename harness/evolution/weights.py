"""What the train rows count in fits: `runtime.row_weights`, group by group."""

from __future__ import annotations

import numpy as np

from harness.evolution.rows import FloatArray, TrainRows, sizes_of
from harness.evolution.runtime import row_weights


def weights_of(rows: TrainRows, fitted: np.ndarray) -> FloatArray:
    """Return what rows count in fits to some of them, ``(G, N)``: 0 for those that have no part.

    Args:
        rows: The train rows.
        fitted: Which are fitted, ``(G, N)``.
    """
    weights = np.zeros(fitted.shape)
    sizes = sizes_of(rows.axes)
    for group, some in enumerate(fitted):
        if some.any():
            weights[group, some] = row_weights(rows.values[group, some], rows.y[group, some], sizes)
    return weights


def as_effective(weights: FloatArray) -> FloatArray:
    """Return weights that add up to the effective number of rows again (Kish 1965), ``(B, M)``.

    Args:
        weights: Those of some of the rows for which they were made; 0 for no row.
    """
    squares = np.square(weights).sum(axis=1, keepdims=True)
    scaled: FloatArray = weights * (
        weights.sum(axis=1, keepdims=True) / np.where(squares > 0, squares, 1.0)
    )
    return scaled
