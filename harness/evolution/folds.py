"""Extrapolation folds: parts of the train rows that lie at larger scale than the rest.

A law is fitted on the rest and judged on the part held out, as the task's own split does it one
step further. Which rows a fold holds out follows from their features only, never from the losses.

*Search* folds decide while programs are proposed: the top fifth and the top two fifths of the
levels of each feature, and of all features' summed ranks. *Guard* folds are never seen by the
search: a rolling origin along the joint scale. They decide whether what the search found may
replace what was known before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.evolution.rows import FloatArray, TrainRows

BoolArray = NDArray[np.bool_]
DEPTHS = (0.2, 0.4)
"""How much of a feature's levels, or of the summed ranks, a search fold holds out from the top."""
ORIGINS = ((0.45, 0.65), (0.6, 0.8), (0.7, 0.9))
"""Guard folds: what is fitted (from the bottom of the joint scale), and up to where is judged."""
JOINT = "all features jointly"
_FEWEST_LEVELS = 3
_FEWEST_HELD_OUT = 3
_LEAST_FITTED = 0.3
"""A fold that leaves less than this to fit on says nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """One way to divide the train rows."""

    name: str
    purpose: Literal["search", "guard"]
    fitted: BoolArray
    """Rows that the law is fitted on, ``(G, N)``; padding is never among them."""
    judged: BoolArray
    """Rows that it is judged on, ``(G, N)``."""

    @property
    def sizes(self) -> tuple[int, int]:
        """Rows fitted and judged."""
        return int(self.fitted.sum()), int(self.judged.sum())


def plan_folds(rows: TrainRows) -> tuple[Fold, ...]:
    """Return the folds of a task: search folds, then guard folds.

    A fold that is the same as an earlier one, or leaves too little on either side, is left out.

    Args:
        rows: The train rows.
    """
    seen: set[bytes] = set()
    folds = []
    for whole in (*_search(rows), *_guard(rows)):
        fold = _of_fitted_groups(whole)
        key = fold.fitted.tobytes() + fold.judged.tobytes()
        if key not in seen and _says_something(rows, fold):
            seen.add(key)
            folds.append(fold)
    return tuple(folds)


def _search(rows: TrainRows) -> Iterator[Fold]:
    real = rows.weights > 0
    for column, axis in enumerate(rows.axes):
        levels = np.unique(rows.values[..., column][real])
        if len(levels) < _FEWEST_LEVELS:
            continue
        for depth in DEPTHS:
            count = max(1, round(depth * len(levels)))
            top = rows.values[..., column] >= levels[-count]
            yield _split(f"top {depth:.0%} of {axis.name}", "search", real, real & top)
    if len(rows.axes) > 1:
        ranks = joint_ranks(rows)
        for depth in DEPTHS:
            top = ranks >= 1.0 - depth
            yield _split(f"top {depth:.0%} of {JOINT}", "search", real, real & top)


def _guard(rows: TrainRows) -> Iterator[Fold]:
    real = rows.weights > 0
    ranks = joint_ranks(rows)
    for low, high in ORIGINS:
        judged = real & (ranks >= low) & (ranks < high)
        name = f"{low:.0%} to {high:.0%} of {JOINT}"
        yield Fold(name, "guard", real & (ranks < low), judged)


def _split(
    name: str, purpose: Literal["search", "guard"], real: BoolArray, judged: BoolArray
) -> Fold:
    return Fold(name, purpose, real & ~judged, judged)


def everything(rows: TrainRows) -> Fold:
    """Return all train rows as a fold, fitted and judged alike: how well a law describes them."""
    real = rows.weights > 0
    return Fold("all train rows", "search", real, real)


def joint_ranks(rows: TrainRows) -> FloatArray:
    """Return where each row stands along all features at once, from 0 to 1, ``(G, N)``.

    Each feature's values are replaced by the rank of their level; the sums are ranked again within
    the whole split. Rows with equal sums share the lowest rank.
    """
    real = rows.weights > 0
    sums = np.zeros(real.shape)
    for column in range(len(rows.axes)):
        values = rows.values[..., column]
        levels = np.unique(values[real])
        sums += np.searchsorted(levels, values) / max(len(levels) - 1, 1)
    ordered = np.sort(np.round(sums[real], 12))
    ranks: FloatArray = np.searchsorted(ordered, np.round(sums, 12)) / max(len(ordered) - 1, 1)
    return np.where(real, ranks, 0.0)


def _of_fitted_groups(fold: Fold) -> Fold:
    """Return a fold without the judged rows of groups of which no row is fitted."""
    return replace(fold, judged=fold.judged & fold.fitted.any(axis=1, keepdims=True))


def _says_something(rows: TrainRows, fold: Fold) -> bool:
    """Whether enough is judged, what is judged varies, and enough is fitted."""
    if fold.judged.sum() < _FEWEST_HELD_OUT:
        return False
    if fold.fitted.sum() < _LEAST_FITTED * rows.n_rows:
        return False
    return bool((np.ptp(rows.y[fold.judged], axis=0) > 0).all())
