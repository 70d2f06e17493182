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


def fit_shape(
    terms: Callable[[Any], Any], y: Any, starts: Any, shape: Any, least: Any = None
) -> Any:
    """Return the linear constants, then the shape constants, of the best of several starts.

    Minimised is n log(mean square) + sum(((constant - usual) / spread)^2): where the rows say
    little of a shape constant it stays near what is usual (low, high, usual, spread: ``shape``).
    A mean square below ``least`` (1e-9 of the variance of y) is as good as none.
    """
    low, high, usual, spread = shape
    least = 1e-9 * np.var(y) + 1e-300 if least is None else least

    def off(at: Any) -> Any:
        basis = terms(at)
        return basis @ solve_linear(basis, y) - y

    def size(at: Any) -> Any:
        return np.square(off(at)).mean() + least

    def cost(at: Any) -> Any:
        return len(y) * np.log(size(at)) + np.square((at - usual) / spread).sum()

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
    return np.concatenate([solve_linear(terms(found), y), found])


def fit_robust(terms: Callable[[Any], Any], y: Any, starts: Any, shape: Any) -> Any:
    """Return constants of a fit in which rows that lie far off count less (Cauchy weights)."""
    weight, found, least = np.ones(len(y)), np.empty(0), 1e-9 * np.var(y) + 1e-300

    def weighted(shape: Any) -> Any:
        return terms(shape) * weight[:, None]

    for _ in range(6):
        found = fit_shape(weighted, y * weight, starts, shape, least)
        linear = len(found) - len(shape[0])
        off = np.abs(terms(found[linear:]) @ found[:linear] - y)
        half = 2.385 * 1.4826 * np.median(off) + 1e-100
        weight = 1.0 / np.hypot(1.0, off / half)
        starts = found[None, linear:]
    return found
