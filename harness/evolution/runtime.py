"""The fit that every written program carries, word for word, and that trees are refitted with.

For given shape constants the linear ones are solved for (variable projection, Golub and Pereyra
1973), so only the shape is searched, from several starts. What is here is copied into programs:
it may use numpy and scipy only, and nothing else of the harness.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import least_squares


def solve_linear(basis: Any, y: Any) -> Any:
    """Return the linear constants that fit best, by least squares on scaled columns."""
    size = np.sqrt(np.square(basis).mean(axis=0)) + 1e-300
    return np.linalg.lstsq(basis / size, y, rcond=1e-10)[0] / size


def solve_signed(basis: Any, y: Any, positive: Any) -> Any:
    """Return the linear constants that fit best, of which some, at these places, are not negative.

    The one that would be most so becomes 0 and the others are solved for again, until none would.
    """
    size = np.sqrt(np.square(basis).mean(axis=0)) + 1e-300
    kept = np.arange(len(size))
    while True:
        found = np.zeros(len(size))
        found[kept] = np.linalg.lstsq(basis[:, kept] / size[kept], y, rcond=1e-10)[0]
        below = [place for place in positive if found[place] < 0.0]
        if not below:
            return found / size
        kept = kept[kept != min(below, key=lambda place: found[place])]


def row_weights(features: Any, y: Any, sizes: Any) -> Any:
    """Return what each row counts in fits: the last up to exp(3) = 20 times as much as the first.

    Rows stand in the order in which y changes as most of the features in ``sizes`` grow: by the
    summed ranks of all features' levels, each times its correlation with the rank of y. Where
    there are no sizes the least y comes last; where sizes change y as much one way as the other
    all rows count alike. The weights' sum is the effective number of rows (Kish 1965).
    """

    def ranks(values: Any) -> Any:
        levels, place = np.unique(values, return_inverse=True)
        return place.ravel() / max(len(levels) - 1, 1)

    level = np.array([ranks(column) for column in features.T])
    height = np.mean([ranks(column) for column in y.reshape(len(y), -1).T], axis=0)
    level_off = level - level.mean(axis=1, keepdims=True)
    height_off = height - height.mean()
    size = np.sqrt(np.square(level_off).sum(axis=1) * np.square(height_off).sum())
    slope = -(level_off @ height_off) / (size + 1e-12)
    way = np.sign(np.round(slope[sizes].sum(), 6)) if len(sizes) else 1.0
    along = np.round(way * slope @ level, 9)
    place = np.searchsorted(np.sort(along), along) / max(len(y) - 1, 1)
    weights = np.exp(3.0 * place)
    return weights * (weights.sum() / np.square(weights).sum())


def fit_shape(
    terms: Callable[[Any], Any],
    y: Any,
    weights: Any,
    starts: Any,
    shape: Any,
    counted: Any = None,
    solve: Any = solve_linear,
) -> Any:
    """Return the linear constants, then the shape constants, of the best of several starts.

    Minimised is n log(mean square) + sum(((constant - usual) / spread)^2), n the sum of the rows'
    weights: where the rows say little of a shape constant it stays near what is usual (low, high,
    usual, spread: ``shape``). A mean square below 1e-9 of the variance of y is as good as none;
    ``counted`` says of which y and weights, if not of these.
    """
    low, high, usual, spread = shape
    root = np.sqrt(weights)
    count, least = weighed(y, weights) if counted is None else counted

    def off(at: Any) -> Any:
        basis = terms(at) * root[:, None]
        return basis @ solve(basis, y * root) - y * root

    def size(at: Any) -> Any:
        return np.square(off(at)).sum() / count + least

    def cost(at: Any) -> Any:
        return count * np.log(size(at)) + np.square((at - usual) / spread).sum()

    def residual(at: Any, scale: Any) -> Any:
        return np.append(off(at) / scale, (at - usual) / spread)

    found, lowest = np.clip(starts[0], low, high), np.inf
    for start in starts if len(low) else ():
        now = np.clip(start, low + 1e-9, high - 1e-9)
        try:
            before = cost(now)
            for _ in range(10):  # each time with the error that the last fit left
                args, bounds = (np.sqrt(size(now)),), (low, high)
                tried = least_squares(
                    residual, now, args=args, bounds=bounds, xtol=1e-10, max_nfev=100
                )
                after = cost(tried.x)
                if not after < before - 1e-7:
                    break
                now, before = tried.x, after
        except (ValueError, np.linalg.LinAlgError):
            continue  # this start leads where nothing can be computed
        if before < lowest:
            found, lowest = now, before
    return np.concatenate([solve(terms(found) * root[:, None], y * root), found])


def weighed(y: Any, weights: Any) -> Any:
    """Return how much all rows count, and the mean square that is as good as none."""
    count = weights.sum()
    middle = weights @ y / count
    return count, 1e-9 * (weights @ np.square(y - middle)) / count + 1e-300


def fit_robust(
    terms: Callable[[Any], Any],
    y: Any,
    weights: Any,
    starts: Any,
    shape: Any,
    solve: Any = solve_linear,
) -> Any:
    """Return constants of a fit in which rows that lie far off count less (Cauchy weights)."""
    less, found, counted = np.ones(len(y)), np.empty(0), weighed(y, weights)
    for _ in range(6):
        found = fit_shape(terms, y, weights * less, starts, shape, counted, solve)
        linear = len(found) - len(shape[0])
        off = np.abs(terms(found[linear:]) @ found[:linear] - y)
        half = 2.385 * 1.4826 * np.median(off) + 1e-100
        less = 1.0 / (1.0 + np.square(off / half))
        starts = found[None, linear:]
    return found
