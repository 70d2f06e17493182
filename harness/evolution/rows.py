"""What a search may see of a task: its train rows, as arrays. Held-out rows have no place here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.tasks.data import GroupRows

FloatArray = NDArray[np.float64]
Loss: TypeAlias = Literal["squares", "robust"]
"""How residuals count: squared, or with bounded influence, where runs failed or diverged."""
_WIDE = 3.0
"""A positive feature that spans this factor is a scale: its logarithm matters."""
_FLOOR = 1e-12
_WHOLE = 0.01
"""By how much shares may miss 1: they are often rounded to per cent."""
_USUAL_SPREAD = 2.0
"""Standard deviation of the natural logarithm of a scale over three decades."""


class Kind(StrEnum):
    """What sort of number a feature is, which decides what may be done with it."""

    SCALE = "scale"
    """Positive, over a wide range: a number of parameters, tokens, experts."""
    SHARE = "share"
    """Between 0 and 1, zero allowed: a proportion."""
    LOG = "log"
    """Anything else that takes either sign or a narrow range, such as a logarithm already."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One feature: its name, kind, and the reference by which it is divided."""

    name: str
    kind: Kind
    reference: float
    """Geometric mean of a scale (1 for a share), mean of a logarithm."""
    unit: float = 1.0
    """What a logarithm's coordinate is divided by, so that all coordinates span about as much."""

    def coordinate(self, values: FloatArray) -> FloatArray:
        """Return the coordinate in which laws are written, shape kept.

        The logarithm of value / reference for scales and shares, (value - reference) / unit
        otherwise.
        """
        if self.kind is Kind.LOG:
            return (values - self.reference) / self.unit
        return np.log(np.maximum(values / self.reference, _FLOOR))

    def value(self, coordinates: FloatArray) -> FloatArray:
        """Return the values that coordinates stand for, shape kept."""
        if self.kind is Kind.LOG:
            return coordinates * self.unit + self.reference
        return np.exp(coordinates) * self.reference


@dataclass(frozen=True, slots=True, eq=False)
class TrainRows:
    """The train split as the search uses it. One *cell* is one target of one group.

    Groups have different numbers of rows: they are padded to the longest with repetitions of
    their first row and weight 0.
    """

    axes: tuple[Axis, ...]
    targets: tuple[str, ...]
    groups: tuple[str, ...]
    values: FloatArray
    """Feature values, ``(G, N, F)``."""
    coordinates: FloatArray
    """Coordinates, ``(G, N, F)``."""
    y: FloatArray
    """Targets, ``(G, N, T)``."""
    weights: FloatArray
    """1 for a row, 0 for padding, ``(G, N)``."""
    loss: Loss = "squares"
    """How residuals of fits and folds count."""

    @property
    def n_rows(self) -> int:
        """Rows of all groups."""
        return int(self.weights.sum())


def train_rows(
    train: Sequence[GroupRows],
    features: Sequence[str],
    targets: Sequence[str],
    loss: Loss = "squares",
) -> TrainRows:
    """Return a task's train rows as arrays.

    Args:
        train: The rows of each group.
        features: Names, in the order of the columns.
        targets: Names, in the order of the columns.
        loss: How residuals count.
    """
    together = np.concatenate([rows.features for rows in train])
    mixture = mixture_of(together)
    axes = tuple(
        Axis(name, Kind.SHARE, 1.0) if column in mixture else _axis(name, together[:, column])
        for column, name in enumerate(features)
    )
    longest = max(len(rows.features) for rows in train)
    values = np.stack([_padded(rows.features, longest) for rows in train])
    y = np.stack([_padded(rows.targets, longest) for rows in train])
    weights = np.zeros((len(train), longest))
    for place, rows in enumerate(train):
        weights[place, : len(rows.features)] = 1.0
    coordinates = np.stack(
        [axis.coordinate(values[..., column]) for column, axis in enumerate(axes)], axis=-1
    )
    names = tuple(rows.group for rows in train)
    return TrainRows(axes, tuple(targets), names, values, coordinates, y, weights, loss)


def sizes_of(axes: Sequence[Axis]) -> list[int]:
    """Return the numbers of the features that may say how large a run is: all but the shares."""
    return [place for place, axis in enumerate(axes) if axis.kind is not Kind.SHARE]


def mixture_of(values: FloatArray) -> frozenset[int]:
    """Return the columns that make a mixture: between 0 and 1, and together 1 in every row.

    Args:
        values: Feature values, ``(N, F)``.
    """
    low, high = values.min(axis=0), values.max(axis=0)
    some = [n for n in range(values.shape[1]) if low[n] >= 0 and high[n] <= 1]
    whole = values[:, some].sum(axis=1)
    return frozenset(some if len(some) > 1 and np.allclose(whole, 1.0, atol=_WHOLE) else [])


def _axis(name: str, values: FloatArray) -> Axis:
    low, high = float(values.min()), float(values.max())
    if low > 0 and high / low >= _WIDE:
        return Axis(name, Kind.SCALE, _short(float(np.exp(np.log(values).mean()))))
    if low >= 0 and high <= 1:
        return Axis(name, Kind.SHARE, 1.0)
    spread = float(values.std())
    unit = _short(spread / _USUAL_SPREAD) if spread > 0 else 1.0
    return Axis(name, Kind.LOG, _short(float(values.mean())), unit)


def _short(value: float) -> float:
    """Return a number of three digits: it stands in every program, and any reference will do."""
    return float(f"{value:.3g}")


def _padded(rows: FloatArray, length: int) -> FloatArray:
    return np.concatenate([rows, np.repeat(rows[:1], length - len(rows), axis=0)])
