"""Many fits of one law at once: all cells, folds and starts in one batch of arrays.

Variable projection (Golub and Pereyra 1973) with Kaufman's approximation of the derivative and
Levenberg-Marquardt steps: for each set of shape constants the linear ones are solved for, so only
the shape is searched. The batch shares every numpy call; that is what makes it fast.

What is minimised is ``n log(mean square) + sum(((shape - usual) / spread)^2)``: twice the negative
logarithm of the posterior of normal errors whose variance is not known, where what is usual of a
shape constant (``scales.Slot``) is a normal prior. Rows that say much of a constant decide it;
where they say little it is drawn to what is usual instead of wherever noise would have it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.evolution.expression import Law
from harness.evolution.rows import FloatArray, Loss
from harness.evolution.scales import Columns

_RIDGE = 1e-11
"""Relative to the diagonal of the scaled normal equations: keeps twins among terms solvable."""
_STEP = 1e-5
_FIRST_DAMPING = 1e-2
_MOST_DAMPING = 1e8
_ROUNDS = 4
"""Of fits and new weights, where far rows count less."""
LEAST = 1e-9
"""Of the targets' variance: a fit that leaves less is as good as exact, and among such fits what is
usual decides."""
CAUCHY = 2.385
"""At so many robust standard deviations a row counts half (Holland and Welsch 1977)."""


@dataclass(frozen=True, slots=True, eq=False)
class BatchFit:
    """Fits of one law, one for each member of a batch."""

    theta: FloatArray
    """Shape constants, ``(B, P)``."""
    linear: FloatArray
    """Linear constants, ``(B, K)``."""
    cost: FloatArray
    """What was minimised, less is better, ``(B,)``; infinite where nothing can be computed."""
    fitted: FloatArray
    """The law's sum at all rows, held-out ones too, ``(B, N)``."""


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """What a batch is fitted to. Members share neither rows nor weights."""

    columns: tuple[FloatArray, ...]
    """Coordinates of each feature, ``(B, N)``."""
    y: FloatArray
    """In the law's link, ``(B, N)``."""
    weights: FloatArray
    """0 for rows that are not fitted, the root of how much a row counts else, ``(B, N)``."""

    def take(self, members: np.ndarray) -> Problem:
        """Return some members."""
        columns = tuple(column[members] for column in self.columns)
        return Problem(columns, self.y[members], self.weights[members])


def fit_batch(
    law: Law,
    problem: Problem,
    starts: FloatArray,
    steps: int,
    loss: Loss = "squares",
    usual: FloatArray | None = None,
) -> BatchFit:
    """Fit a law to every member of a batch.

    Args:
        law: The law.
        problem: The members, B of them.
        starts: Where each begins, ``(B, P)``.
        steps: Levenberg-Marquardt steps; with no shape constants one solution is exact.
        loss: With ``robust`` rows that lie far off are given less weight, again and again; instead
            of the mean square the square of the mean absolute residual counts in the end.
        usual: The middle of what is usual of the shape constants, ``(P,)`` or ``(B, P)``, if not
            that of their slots.
    """
    aim = _Posterior.of(law, problem, usual)
    if loss == "squares":
        return _fit_squares(law, problem, starts, steps, aim)
    weighted, theta = problem, starts
    for _ in range(_ROUNDS):
        found = _fit_squares(law, weighted, theta, max(1, steps // _ROUNDS), aim)
        theta = found.theta
        off = np.abs(problem.y - found.fitted)
        factor = _cauchy(np.where(problem.weights > 0, off, np.nan))
        weighted = Problem(problem.columns, problem.y, problem.weights * factor)
    found = _fit_squares(law, weighted, theta, 1, aim)
    off = np.abs(problem.y - found.fitted) * np.square(problem.weights)
    size = np.square(off.sum(axis=1) / aim.counts)
    return BatchFit(found.theta, found.linear, aim.cost(size, found.theta), found.fitted)


@dataclass(frozen=True, slots=True, eq=False)
class _Posterior:
    """What is minimised."""

    counts: FloatArray
    """Rows that are fitted, as much as they count, one at least, ``(B,)``."""
    least: FloatArray
    """What is added to mean squares: no fit is thought to be better than so, ``(B,)``."""
    usual: FloatArray
    """The middle of what is usual of the shape constants, ``(P,)`` or ``(B, P)``."""
    spread: FloatArray
    """``(P,)``."""

    @classmethod
    def of(cls, law: Law, problem: Problem, usual: FloatArray | None) -> _Posterior:
        often = np.square(problem.weights)
        counts = np.maximum(often.sum(axis=1), 1.0)
        y = np.where(often > 0, problem.y, 0.0)
        mean = (often * y).sum(axis=1) / counts
        variance = (often * np.square(y - mean[:, None])).sum(axis=1) / counts
        if usual is None:
            usual = np.array([slot.usual for slot in law.slots])
        spread = np.array([slot.spread for slot in law.slots])
        return cls(counts, LEAST * variance + 1e-300, usual, spread)

    def cost(self, square: FloatArray, theta: FloatArray) -> FloatArray:
        """Return what is minimised, ``(B,)``; infinite where it cannot be computed.

        Args:
            square: Mean squares of residuals, ``(B,)``.
            theta: Shape constants, ``(B, P)``.
        """
        unusual = np.square((theta - self.usual) / self.spread).sum(axis=1)
        total = self.counts * np.log(square + self.least) + unusual
        return np.where(np.isfinite(total), total, np.inf)

    def pull(self, square: FloatArray, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return what usual constants add to the normal equations and to the gradient, ``(B, P)``.

        Both are in units of squared residuals, of which the rows have ``counts * square``.
        """
        much = (square + self.least)[:, None] / np.square(self.spread)
        return much, much * (theta - self.usual)


def _cauchy(off: FloatArray) -> FloatArray:
    """Return the root of Cauchy weights for absolute residuals; NaN stands for no row."""
    some = np.isfinite(off).any(axis=1)
    scale = np.zeros(len(off))
    scale[some] = 1.4826 * np.nanmedian(np.where(np.isfinite(off[some]), off[some], np.nan), axis=1)
    half = CAUCHY * np.maximum(scale, 1e-100)[:, None]
    factor: FloatArray = 1.0 / np.hypot(1.0, np.nan_to_num(off) / half)
    return factor


def _fit_squares(
    law: Law, problem: Problem, starts: FloatArray, steps: int, aim: _Posterior
) -> BatchFit:
    low = np.array([slot.low for slot in law.slots])
    high = np.array([slot.high for slot in law.slots])
    work = _Work.of(law, problem, aim)
    theta = np.clip(starts, low, high)
    state = _project(work, theta)
    cost = aim.cost(state.square, theta)
    if theta.shape[1]:
        damping = np.full(len(theta), _FIRST_DAMPING)
        for _ in range(steps):
            wanted = np.clip(theta - _move(work, theta, state, damping), low, high)
            tried = _project(work, wanted)
            now = aim.cost(tried.square, wanted)
            better = now < cost
            theta = np.where(better[:, None], wanted, theta)
            cost = np.where(better, now, cost)
            state.take_over(tried, better)
            damping = np.clip(np.where(better, damping / 6.0, damping * 5.0), 1e-9, _MOST_DAMPING)
    return BatchFit(theta, state.linear, cost, state.fitted)


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    """A law and a problem, with what every step needs of them."""

    law: Law
    problem: Problem
    aim: _Posterior
    target: FloatArray
    """Weighted, ``(B, N)``."""
    owners: tuple[tuple[int, int, int], ...]
    """For each shape constant the place of its term, and where that term's constants lie."""
    positive: tuple[int, ...]
    """Places of the linear constants that are not negative."""

    @property
    def is_positive(self) -> np.ndarray:
        """Whether each linear constant is one of these, ``(K,)``."""
        return np.isin(np.arange(self.law.n_linear), self.positive)

    @classmethod
    def of(cls, law: Law, problem: Problem, aim: _Posterior) -> _Work:
        owners: list[tuple[int, int, int]] = []
        for place, term in enumerate(law.terms):
            start, count = len(owners), len(term.slots)
            owners += [(place, start, start + count)] * count
        weighted = problem.y * problem.weights
        return cls(law, problem, aim, weighted, tuple(owners), law.positive)


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """The best linear constants for given shapes, and what derivatives need."""

    raw: FloatArray
    """``(B, K, N)``."""
    basis: FloatArray
    """``(B, K, N)``, weighted and scaled."""
    solver: FloatArray
    """Inverse of the scaled, damped normal equations, ``(B, K, K)``."""
    linear: FloatArray
    residual: FloatArray
    """``(B, N)``, weighted."""
    fitted: FloatArray
    square: FloatArray
    """Mean squares of residuals, ``(B,)``."""

    def take_over(self, other: _State, better: np.ndarray) -> None:
        """Put other members in the place of some."""
        for mine, theirs in (
            (self.raw, other.raw),
            (self.basis, other.basis),
            (self.solver, other.solver),
            (self.linear, other.linear),
            (self.residual, other.residual),
            (self.fitted, other.fitted),
            (self.square, other.square),
        ):
            mine[better] = theirs[better]


def says(law: Law, columns: Columns, theta: FloatArray, linear: FloatArray) -> FloatArray:
    """Return a law's sum at some rows, ``(B, N)``.

    Args:
        law: The law.
        columns: Coordinates of each feature, ``(B, N)``.
        theta: Shape constants, ``(B, P)``.
        linear: Linear constants, ``(B, K)``.
    """
    slots = [theta[:, index, None] for index in range(theta.shape[1])]
    total = np.zeros(columns[0].shape)
    for place, part in enumerate(law.basis(columns, slots)):
        total += linear[:, place, None] * part
    return total


def _project(work: _Work, theta: FloatArray) -> _State:
    problem = work.problem
    slots = [theta[:, index, None] for index in range(theta.shape[1])]
    parts = work.law.basis(problem.columns, slots)
    n_members, n_rows = problem.y.shape
    raw = np.empty((n_members, len(parts), n_rows))
    for place, part in enumerate(parts):
        raw[:, place] = part
    basis = raw * problem.weights[:, None]
    norms: FloatArray = np.sqrt(np.einsum("bkn,bkn->bk", basis, basis))
    scale: FloatArray = 1.0 / np.where(norms > 0, norms, 1.0)
    basis *= scale[..., None]
    solver, linear = _solve(basis, work.target)
    for _ in work.positive:
        below = np.where(work.is_positive & (linear < 0), linear, 0.0)
        some = np.flatnonzero(below.any(axis=1))
        if not len(some):
            break
        # What would be most negative is 0, and the others are solved for again.
        basis[some, below[some].argmin(axis=1)] = 0.0
        solver[some], linear[some] = _solve(basis[some], work.target[some])
    linear *= scale
    fitted = (linear[:, None] @ raw)[:, 0]
    residual = (problem.y - fitted) * problem.weights
    square = np.einsum("bn,bn->b", residual, residual) / work.aim.counts
    square = np.where(np.isfinite(square), square, np.inf)
    return _State(raw, basis, solver, linear, residual, fitted, square)


def _solve(basis: FloatArray, target: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the inverse of the normal equations, and what solves them, ``(B, K)``."""
    normal = basis @ basis.transpose(0, 2, 1)
    normal += _RIDGE * np.eye(basis.shape[1])
    right = (basis @ target[..., None])[..., 0]
    solver = np.asarray(np.linalg.inv(normal), dtype=np.float64)
    linear = np.einsum("bkl,bl->bk", solver, right)
    linear += np.einsum(  # one refinement: the normal equations square the condition
        "bkl,bl->bk", solver, right - np.einsum("bkl,bl->bk", normal, linear)
    )
    return solver, linear


def _move(work: _Work, theta: FloatArray, state: _State, damping: FloatArray) -> FloatArray:
    """Return the damped Gauss-Newton step of the projected problem, ``(B, P)``."""
    n_members, n_shapes = theta.shape
    jacobian = np.empty((n_members, n_shapes, state.raw.shape[2]))
    for index, (place, start, end) in enumerate(work.owners):
        own = [theta[:, n, None] + (_STEP if n == index else 0.0) for n in range(start, end)]
        moved = work.law.terms[place].value(work.problem.columns, own)
        # A shape constant moves its own term and no other.
        jacobian[:, index] = (moved - state.raw[:, place]) * (state.linear[:, place, None] / _STEP)
    jacobian *= work.problem.weights[:, None]
    # What the linear constants would take up again is no gain.
    along = jacobian @ state.basis.transpose(0, 2, 1)
    jacobian -= (along @ state.solver) @ state.basis
    normal: FloatArray = jacobian @ jacobian.transpose(0, 2, 1)
    gradient: FloatArray = -(jacobian @ state.residual[..., None])[..., 0]
    much, more = work.aim.pull(state.square, theta)
    normal[:, range(n_shapes), range(n_shapes)] += much
    gradient += more
    diagonal = np.einsum("bpp->bp", normal)
    most = diagonal.max(axis=1, keepdims=True)
    ridge = damping[:, None] * np.maximum(diagonal, 1e-9 * most) + 1e-300
    normal[:, range(n_shapes), range(n_shapes)] += ridge
    finite = np.isfinite(normal).reshape(n_members, -1).all(axis=1)
    broken = ~(finite & np.isfinite(gradient).all(axis=1))
    normal[broken] = np.eye(n_shapes)
    gradient[broken] = 0.0
    step = np.asarray(np.linalg.solve(normal, gradient[..., None])[..., 0], dtype=np.float64)
    return np.clip(step, -2.0, 2.0)
