"""Points beyond the train rows, where laws are asked whether they explode.

Nobody measured there, and nothing is compared with anything: a law whose predictions leave the
range of the train targets many times over, a step beyond the rows, is of no use for extrapolation
however well it does on folds. Points follow from the features of the train rows alone.
"""

from __future__ import annotations

import numpy as np

from harness.evolution.folds import joint_ranks
from harness.evolution.rows import FloatArray, Kind, TrainRows

STEP = 0.5
"""How far beyond the largest rows points lie, in units of what the rows span."""
FAR = 10.0
"""How many times its range a target may be left by."""
_HARDLY = 1e-3
"""Targets of a group that span so much less than those of another hardly differ."""
_TOP = 0.7
_MOST = 40


def probe_columns(rows: TrainRows) -> tuple[FloatArray, ...]:
    """Return the coordinates of points beyond the rows of each group, ``(G, M)`` for each feature.

    The largest rows are moved up along every scale; mixtures are moved away from the mean mixture,
    as far as shares allow.

    Args:
        rows: The train rows.
    """
    real = rows.weights > 0
    ranks = joint_ranks(rows)
    places = [_picked(np.flatnonzero(real[g] & (ranks[g] >= _TOP))) for g in range(len(real))]
    places = [
        one if len(one) else _picked(np.flatnonzero(real[group]))
        for group, one in enumerate(places)
    ]
    length = max(map(len, places))
    index = np.stack([np.resize(one, length) for one in places])
    columns = []
    for column, axis in enumerate(rows.axes):
        if axis.kind is Kind.SHARE:
            values = rows.values[..., column]
            mean = values[real].mean()
            moved = np.clip(values + STEP * (values - mean), 0.0, 1.0)
            taken = axis.coordinate(np.take_along_axis(moved, index, axis=1))
        else:
            values = rows.coordinates[..., column]
            taken = np.take_along_axis(values, index, axis=1) + STEP * np.ptp(values[real])
        columns.append(taken)
    return tuple(columns)


def _picked(places: np.ndarray) -> np.ndarray:
    if len(places) <= _MOST:
        return places
    picked: np.ndarray = places[np.linspace(0, len(places) - 1, _MOST).round().astype(int)]
    return picked


def explodes(predicted: FloatArray, y: FloatArray, weights: FloatArray, targets: int) -> bool:
    """Whether predictions beyond the rows leave the targets' range far behind.

    A group whose rows hardly differ has no range of its own: the widest of its target counts.

    Args:
        predicted: At the probes, ``(cells, M)``; cells are groups x targets, targets fastest.
        y: Targets of the train rows, ``(cells, N)``.
        weights: 0 for padding, ``(cells, N)``.
        targets: How many there are.
    """
    low = np.where(weights > 0, y, np.inf).min(axis=1, keepdims=True)
    high = np.where(weights > 0, y, -np.inf).max(axis=1, keepdims=True)
    own = high - low
    widest = np.tile(own.reshape(-1, targets).max(axis=0), len(own) // targets)[:, None]
    room = FAR * np.maximum(np.where(own < _HARDLY * widest, widest, own), 1e-12)
    return not bool(((predicted >= low - room) & (predicted <= high + room)).all())
