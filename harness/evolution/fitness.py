"""How good a law is on folds: error where it was not fitted, at larger scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.evolution.batch_fit import BatchFit, Problem, fit_batch, says
from harness.evolution.beyond import Beyond, beyond, variances
from harness.evolution.expression import Law
from harness.evolution.folds import Fold
from harness.evolution.probes import explodes, probe_columns
from harness.evolution.rows import FloatArray, Loss, TrainRows
from harness.evolution.starts import start_points
from harness.evolution.weights import as_effective, weights_of

JUDGING = 5
"""Goes up when a law gets another fitness, or a number another form: no earlier search goes on."""
PRICE = 0.03
"""What a constant costs, in units of log error."""
DESCRIBES = 0.1
"""Weight of the log error of the fit to all train rows: where no fold can tell laws apart, a law
that does not even describe the rows is not to win by luck."""
BEST, WORST = 1e-5, 1.0
"""Between these a normalised error counts: how much worse than the mean a law is says nothing."""
_TOP = 2
"""How many fits of a fold the fits to more rows begin with."""
MOST_ROWS = 600
"""Of a group with more rows so many, drawn once, are fitted to: constants hardly change, and a
search of many laws gains more than it loses. Laws are judged on all rows, and programs fit all."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How long laws are fitted."""

    starts: int
    """Of each law."""
    first: int
    """Steps of fits that begin at the usual starts."""
    more: int
    """Steps of fits that begin where others ended."""
    afresh: bool
    """Whether fits to all rows begin at the usual starts, too: a peak among the largest rows is in
    no fold that is fitted."""


USUAL = Effort(6, 14, 8, afresh=False)
CURVE = Effort(24, 30, 20, afresh=True)
"""Where there is one feature: laws of it are cheap to fit, but humps and bends have many minima."""


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """What folds say of a law."""

    errors: FloatArray
    """Normalised mean square error of each fold, clipped, ``(folds,)``."""
    theta: FloatArray
    """Shape constants fitted to all train rows, ``(cells, P)``: where later fits begin."""
    n_constants: int
    fit: float
    """Normalised error on all train rows."""

    def fitness(self, folds: Sequence[Fold], purpose: str = "search") -> float:
        """Return the mean of the costs of the folds of a purpose; less is better."""
        chosen = [place for place, fold in enumerate(folds) if fold.purpose == purpose]
        return float(costs(self.errors[chosen], self.n_constants, self.fit).mean())


def costs(errors: FloatArray, n_constants: int, fit: float) -> FloatArray:
    """Return what each fold says against a law, ``(folds,)``; their mean is its fitness.

    Without a fold the fit to all train rows stands for one.

    Args:
        errors: Normalised errors of the folds, clipped.
        n_constants: Of a group.
        fit: Normalised error on all train rows, clipped.
    """
    logs: FloatArray = np.log(errors if len(errors) else np.array([fit]))
    return logs + (PRICE * n_constants + DESCRIBES * float(np.log(fit)))


def normalised_error(off: FloatArray, y: FloatArray, loss: Loss) -> float:
    """Return the mean square of residuals over the targets' variance, averaged over targets.

    With the robust loss both are robust: residuals over 1.4826 times the median absolute deviation
    of the targets, none counted as more than 1: a diverged run says that a
    law is wrong there, not how much.

    Args:
        off: Residuals, ``(N, T)``.
        y: Targets, ``(N, T)``.
        loss: How residuals count.
    """
    if loss == "squares":
        return float((np.square(off).mean(axis=0) / y.var(axis=0)).mean())
    spread = 1.4826 * np.median(np.abs(y - np.median(y, axis=0)), axis=0)
    spread = np.where(spread > 0, spread, y.std(axis=0))
    return float(np.minimum(np.square(off / spread), 1.0).mean())


class Judge:
    """Fits laws to the folds of one task and scores them. Knows train rows only."""

    def __init__(
        self,
        rows: TrainRows,
        folds: Sequence[Fold],
        most_rows: int | None = MOST_ROWS,
    ) -> None:
        """Prepare the arrays that all laws share.

        Args:
            rows: The train rows.
            folds: Search folds and guard folds.
            most_rows: How many rows of a group are fitted to at most; None for all.
        """
        self.rows = rows
        self.folds = tuple(folds)
        self._effort = CURVE if len(rows.axes) == 1 else USUAL
        groups, length = rows.weights.shape
        n_targets = len(rows.targets)
        # Cells, group by group: every target of a group has the group's rows.
        self._cells = groups * n_targets
        self._columns = tuple(
            np.repeat(rows.coordinates[..., column], n_targets, axis=0)
            for column in range(len(rows.axes))
        )
        self._y = rows.y.transpose(0, 2, 1).reshape(self._cells, length)
        self._weights = np.repeat(rows.weights, n_targets, axis=0)
        # What is fitted to: all rows, or of a long group some.
        self._kept = np.repeat(_drawn(rows.weights, most_rows), n_targets, axis=0)
        self._fitted_columns = tuple(map(self._thin, self._columns))
        # Places behind a group's last row repeat its first: each row counts once.
        drawn = np.arange(self._kept.shape[1]) < (rows.weights > 0).sum(axis=1)[:, None]
        self._once = np.repeat(drawn, n_targets, axis=0).astype(float)
        self._drawn = self._counted(rows.weights > 0)
        self._fold_weights = (
            np.stack([self._counted(fold.fitted) for fold in folds], axis=1)
            if folds
            else np.empty((self._cells, 0, self._kept.shape[1]))
        )
        self._narrower = _narrower(self.folds)
        self._waves = _waves(self._narrower)
        self._widest = [n for n in range(len(self.folds)) if n not in self._narrower]
        self._probes = tuple(np.repeat(column, n_targets, axis=0) for column in probe_columns(rows))
        self._positive = bool((self._y[self._weights > 0] > 0).all())

    def allows(self, law: Law) -> bool:
        """Whether a law can be fitted to this task at all."""
        return law.link == "identity" or self._positive

    def score(self, law: Law, theta: FloatArray | None = None) -> Score:
        """Fit a law to each fold and to all train rows, and judge it where it was not fitted.

        Args:
            law: The law.
            theta: Shape constants known from elsewhere, ``(P,)`` or ``(K, P)``. Fits to all train
                rows begin there, too; fits to folds do not: who found them knew more rows.
        """
        with np.errstate(all="ignore"):
            return self._score(law, theta)

    def _score(self, law: Law, theta: FloatArray | None) -> Score:
        usual = start_points(law, self._effort.starts)
        fitted, found = self._fit_folds(law, usual)
        whole = self._fit_all(law, usual, found, theta)
        beyond = says(law, self._probes, whole.theta, whole.linear)
        if explodes(_unlinked(law, beyond), self._y, self._weights, len(self.rows.targets)):
            errors = np.full(len(self.folds), WORST)
        else:
            errors = np.array(
                [
                    self._error(law, fitted[:, place], fold.judged)
                    for place, fold in enumerate(self.folds)
                ]
            )
        all_said = says(law, self._columns, whole.theta, whole.linear)
        fit = self._error(law, all_said, self.rows.weights > 0)
        return Score(
            np.clip(np.nan_to_num(errors, nan=WORST, posinf=WORST), BEST, WORST),
            whole.theta,
            law.n_constants * len(self.rows.targets),
            float(np.clip(np.nan_to_num(fit, nan=WORST, posinf=WORST), BEST, WORST)),
        )

    def residuals(self, law: Law) -> tuple[float, FloatArray]:
        """Fit a law to all train rows, all of which count alike, from the usual starts.

        Args:
            law: The law.

        Returns:
            Its normalised error there, and what it says less what was measured, ``(G, N, T)``.
        """
        with np.errstate(all="ignore"):
            usual = start_points(law, self._effort.starts)
            starts = np.tile(usual, (self._cells, 1, 1))[:, None]
            fit, kept = self._fit(
                law, self._problem(law), self._once[:, None], starts, self._effort.first
            )
            best = kept[:, 0, 0]
            said = says(law, self._columns, fit.theta[best], fit.linear[best])
            error = self._error(law, said, self.rows.weights > 0)
            off = (_unlinked(law, said) - self._y).reshape(
                len(self.rows.groups), len(self.rows.targets), -1
            )
        return error if np.isfinite(error) else np.inf, off.transpose(0, 2, 1)

    def beyond(self, law: Law, theta: FloatArray, resamples: np.ndarray) -> Beyond:
        """Return what a law says beyond the rows, and how firmly.

        Args:
            law: The law.
            theta: Shape constants fitted to all train rows, ``(cells, P)``.
            resamples: How often each row is drawn, ``(B, G, N)``.
        """
        problem = self._problem(law)

        def said(weights: FloatArray, steps: int) -> FloatArray:
            weighted = Problem(problem.columns, problem.y, weights)
            fit = fit_batch(law, weighted, theta, steps, self.rows.loss)
            return _unlinked(law, says(law, self._probes, fit.theta, fit.linear))

        with np.errstate(all="ignore"):
            whole = said(self._drawn, 0)
            again = []
            for counts in resamples:
                drawn = self._thin(np.repeat(counts, len(self.rows.targets), axis=0))
                again.append(said(np.sqrt(drawn) * self._drawn, self._effort.more))
        return beyond(whole, again, variances(self.rows))

    def _problem(self, law: Law) -> Problem:
        """Return what is fitted to, one member a cell."""
        y = self._thin(np.log(self._y) if law.link == "log" else self._y)
        return Problem(self._fitted_columns, y, self._drawn)

    def _counted(self, fitted: np.ndarray) -> FloatArray:
        """Return the root of what rows count in a fit to some of them, ``(cells, M)``."""
        weights = weights_of(self.rows, fitted)
        drawn = self._thin(np.repeat(weights, len(self.rows.targets), axis=0)) * self._once
        return np.sqrt(as_effective(drawn))

    def _thin(self, values: np.ndarray) -> np.ndarray:
        """Return the rows that are fitted to, ``(cells, M)``."""
        return np.take_along_axis(values, self._kept, axis=1)

    def fold_fits(self, law: Law) -> FloatArray:
        """Return what a law fitted to each fold's rows says of all rows, ``(cells, folds, N)``.

        Args:
            law: The law.
        """
        return self._fit_folds(law, start_points(law, self._effort.starts))[0]

    def _fit_folds(self, law: Law, usual: FloatArray) -> tuple[FloatArray, list[FloatArray]]:
        """Fit a law to every fold; no fit begins with anything that its judged rows could tell.

        A constant that the fitted rows say little of may stay near where its fit began. Were that a
        fit to all rows, the judged ones would have set it, and the law would seem to have foreseen
        them.
        So the folds with fewest rows begin at the usual starts, and wider ones with what narrower
        ones found.

        Returns:
            What the best fits say of all rows, ``(cells, folds, N)``, and the shape constants of
            each fold's best fits, ``(cells, _TOP, P)`` each.
        """
        said = np.empty((self._cells, len(self.folds), self._y.shape[1]))
        found: list[FloatArray] = [np.empty(0)] * len(self.folds)
        problem = self._problem(law)
        for wave in self._waves:
            starts = [self._starts(usual, found, self._narrower[place]) for place in wave]
            steps = self._effort.more if self._narrower[wave[0]] is not None else self._effort.first
            fit, kept = self._fit(
                law, problem, self._fold_weights[:, wave], np.stack(starts, axis=1), steps
            )
            best = kept[..., 0].reshape(-1)
            of_fold = np.repeat(np.arange(self._cells), len(wave))
            columns = tuple(column[of_fold] for column in self._columns)
            says_all = says(law, columns, fit.theta[best], fit.linear[best])
            said[:, wave] = says_all.reshape(self._cells, len(wave), -1)
            for number, place in enumerate(wave):
                found[place] = fit.theta[kept[:, number]]
        return said, found

    def _starts(
        self, usual: FloatArray, found: Sequence[FloatArray], narrower: int | None
    ) -> FloatArray:
        """Return where the fits of a fold begin, ``(cells, S, P)``."""
        if narrower is None:
            return np.tile(usual, (self._cells, 1, 1))
        return found[narrower]

    def _fit_all(
        self, law: Law, usual: FloatArray, found: Sequence[FloatArray], theta: FloatArray | None
    ) -> BatchFit:
        """Fit a law to all train rows, beginning with what the widest folds found."""
        starts = [found[place][:, 0] for place in self._widest]
        if theta is not None:
            starts += [np.tile(one, (self._cells, 1)) for one in np.atleast_2d(theta)]
        afresh = self._effort.afresh or not self._widest
        if afresh:
            starts += [np.tile(one, (self._cells, 1)) for one in usual]
        steps = self._effort.first if afresh else self._effort.more
        fit, kept = self._fit(
            law,
            self._problem(law),
            self._drawn[:, None],
            np.stack(starts, axis=1)[:, None],
            steps,
        )
        best = kept[:, 0, 0]
        return BatchFit(fit.theta[best], fit.linear[best], fit.cost[best], fit.fitted[best])

    def _fit(
        self, law: Law, problem: Problem, weights: FloatArray, starts: FloatArray, steps: int
    ) -> tuple[BatchFit, np.ndarray]:
        """Fit a law with several weightings of the rows, each from several starts.

        Args:
            law: The law.
            problem: One member a cell.
            weights: ``(cells, W, M)``.
            starts: ``(cells, W, S, P)``.
            steps: Of each fit.

        Returns:
            All fits, and which are the best of each cell and weighting, ``(cells, W, _TOP)``.
        """
        n_cells, n_weights, n_starts, n_shapes = starts.shape
        each = n_weights * n_starts
        taken = problem.take(np.repeat(np.arange(n_cells), each))
        repeated = np.repeat(weights.reshape(n_cells * n_weights, -1), n_starts, axis=0)
        fit = fit_batch(
            law,
            Problem(taken.columns, taken.y, repeated),
            starts.reshape(n_cells * each, n_shapes),
            steps,
            self.rows.loss,
        )
        cost = fit.cost.reshape(n_cells, n_weights, n_starts)
        order = np.argsort(cost, axis=2, kind="stable")[..., :_TOP]
        return fit, order + (np.arange(n_cells * n_weights) * n_starts).reshape(
            n_cells, n_weights, 1
        )

    def _error(self, law: Law, fitted: FloatArray, judged: np.ndarray) -> float:
        """Return the normalised mean square error over some rows, averaged over targets."""
        predicted = _unlinked(law, fitted)
        shape = (len(self.rows.groups), len(self.rows.targets), -1)
        off = (predicted - self._y).reshape(shape).transpose(0, 2, 1)[judged]
        return normalised_error(off, self.rows.y[judged], self.rows.loss)


def _unlinked(law: Law, total: FloatArray) -> FloatArray:
    return np.exp(np.clip(total, -60, 60)) if law.link == "log" else total


def _narrower(folds: Sequence[Fold]) -> tuple[int | None, ...]:
    """Return for each fold the one with most rows of those that fit fewer rows, all of them its."""
    sizes = [fold.sizes[0] for fold in folds]
    found: list[int | None] = []
    for place, fold in enumerate(folds):
        inside = [
            other
            for other, narrow in enumerate(folds)
            if sizes[other] < sizes[place] and not (narrow.fitted & ~fold.fitted).any()
        ]
        found.append(max(inside, key=lambda other: (sizes[other], -other), default=None))
    return tuple(found)


def _waves(narrower: Sequence[int | None]) -> list[list[int]]:
    """Return folds in the order in which they can be fitted: first those that begin afresh."""
    waves: list[list[int]] = []
    done: set[int | None] = {None}
    while len(done) <= len(narrower):
        wave = [n for n, before in enumerate(narrower) if n not in done and before in done]
        waves.append(wave)
        done.update(wave)
    return waves


def _drawn(weights: FloatArray, most: int | None) -> np.ndarray:
    """Return which rows of each group are fitted to, ``(G, M)``; padded with the first row."""
    counts = (weights > 0).sum(axis=1)
    length = int(counts.max()) if most is None else min(int(counts.max()), most)
    places = np.zeros((len(weights), length), dtype=np.intp)
    rng = np.random.default_rng(0)
    for group, count in enumerate(counts):
        some = np.arange(count)
        if count > length:
            some = np.sort(rng.choice(count, size=length, replace=False))
        places[group, : len(some)] = some
    return places
