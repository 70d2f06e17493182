"""Bootstrap draws of means over a suite: tasks are drawn again, and runs within each task.

Means over a suite vary in two ways, and both are re-drawn (nested bootstrap for hierarchical data,
Davison and Hinkley 1997, *Bootstrap Methods and their Application*, section 3.8, both levels with
replacement): the tasks, since another suite would hold others, and the runs within each task, since
another run would score differently. With ``m_t`` the mean and ``v_t`` the population variance of
the ``n_t`` runs on task ``t``, a drawn mean has the variance ``(var(m) + mean_t(v_t / n_t)) / T``.
Tasks are re-drawn alike for all entries: a hard task drawn twice is hard for everybody, and
differences between entries are sharper than their intervals taken singly suggest.

Percentiles of these draws alone would be too narrow where tasks are few: draws of ``T`` tasks
spread ``sqrt((T - 1) / T)`` of what suites do, and without the long tails of Student's
distribution. In simulated suites of 8 tasks intervals meant to hold the true mean 95 times in 100
did so 89 times. So percentiles further out are taken, see ``expanded_level``.

Nothing depends on the order of entries, tasks or runs: each entry has a generator of its own on
each task, named by both, scores are sorted first and tasks are drawn in the order of their names.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from harness.evaluation.records import FLOOR
from harness.leaderboard.means import exact_mean

CEILING = 1.0
"""The most that a run can count."""

_ALL_DRAWS = 1.0 - 1e-12
"""Holds the least and the greatest of any number of draws."""

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class EntryScores:
    """The scores of the runs of one entry, by task."""

    key: str
    """Names the entry; no two entries share it."""
    by_task: Mapping[str, Sequence[float]]
    """Each in [-1, 1]; a task without runs is absent or has an empty sequence."""

    def __post_init__(self) -> None:
        """Check the scores.

        Raises:
            ValueError: If a score is not a number in [-1, 1].
        """
        for scores in self.by_task.values():
            check_scores(self.key, scores)


@dataclass(frozen=True, slots=True)
class TaskRedraws:
    """Which task stands in which slot of which draw, the same for all entries."""

    names: tuple[str, ...]
    """The suite's ``T`` tasks, sorted."""
    picked: IntArray
    """``(T, draws)``: for each slot of each draw, the index of a task."""

    def slots_of(self, index: int) -> IntArray:
        """Return the places of one task in the flattened ``picked``: ``(times drawn,)``."""
        return np.flatnonzero(self.picked == index)


def point_mean(scores: Iterable[Sequence[float] | None], absent: float | None) -> float:
    """Return the mean over tasks of the mean over runs; the order of neither can matter.

    Args:
        scores: For each task of the suite the scores of the entry's runs, None or empty without.
        absent: What a task without runs counts; None leaves it out.

    Raises:
        ValueError: If no task counts.
    """
    means = [exact_mean(runs) if runs else absent for runs in scores]
    counted = [mean for mean in means if mean is not None]
    if not counted:
        raise ValueError("a mean over a suite needs a task that counts, got none")
    return exact_mean(counted)


def redraw_tasks(tasks: Sequence[str], draws: int, seed: int) -> TaskRedraws:
    """Draw the tasks of a suite with replacement, as many as it has, again and again.

    Raises:
        ValueError: If two tasks share a name or there are no draws.
    """
    check_unique("tasks", tasks)
    check_draws(draws)
    # One word of entropy, where an entry on a task has three: never the same stream.
    generator = np.random.default_rng(np.random.SeedSequence([seed]))
    shape = (len(tasks), draws)
    picked = generator.integers(len(tasks), size=shape) if tasks else np.empty(shape, np.int64)
    return TaskRedraws(tuple(sorted(tasks)), picked)


def mean_draws(
    entry: EntryScores, redraws: TaskRedraws, absent: float | None, seed: int
) -> FloatArray:
    """Return an entry's mean over the suite in each draw.

    For every slot that holds a task the entry's runs on it are drawn anew, so that two slots with
    one task are two looks at it.

    Returns:
        ``(draws,)``; not a number where ``absent`` is None and no task with runs was drawn.
    """
    values = np.zeros(redraws.picked.shape)
    counts = np.ones(redraws.picked.shape, dtype=bool)
    for index, name in enumerate(redraws.names):
        slots = redraws.slots_of(index)
        scores = entry.by_task.get(name)
        if scores:
            values.flat[slots] = run_mean_draws(scores, len(slots), seed, entry.key, name)
        elif absent is not None:
            values.flat[slots] = absent
        else:
            counts.flat[slots] = False
    counted = counts.sum(axis=0)
    means = np.full(len(counted), np.nan)
    np.divide(values.sum(axis=0), counted, out=means, where=counted > 0)
    return means


def interval(values: FloatArray, point: float, level: float) -> tuple[float, float] | None:
    """Return the percentiles between which ``level`` of the values lie, widened to hold a point.

    The upper end is the negated lower end of the negated values, so that swapping two sides
    negates the interval of their difference to the last bit.

    Args:
        values: ``(draws,)``.
        point: What was measured.
        level: In (0, 1).

    Returns:
        None without values.
    """
    if not len(values):
        return None
    tail = tail_of(level)
    low, high = float(np.quantile(values, tail)), -float(np.quantile(-values, tail))
    return min(point, low) + 0.0, max(point, high) + 0.0  # adding 0 makes -0 plain


def run_mean_draws(
    scores: Sequence[float], count: int, seed: int, key: str, task: str
) -> FloatArray:
    """Draw runs with replacement, as many as there are, and return their means: ``(count,)``."""
    ordered = np.sort(np.asarray(scores, dtype=np.float64))
    if ordered[0] == ordered[-1]:  # one run, or all alike: drawing would only add rounding
        return np.full(count, exact_mean(scores))
    words = [int.from_bytes(sha256(name.encode()).digest(), "big") for name in (key, task)]
    generator = np.random.default_rng(np.random.SeedSequence([seed, *words]))
    picked = generator.integers(len(ordered), size=(len(ordered), count))
    return np.asarray(ordered[picked].sum(axis=0) / len(ordered))


@cache
def expanded_level(level: float, n: int) -> float:
    """Return the share of bootstrap draws to hold, so that an interval covers ``level``.

    Expanded percentiles: the tail ``a`` becomes ``Phi(-sqrt(n / (n - 1)) t)`` with ``t`` the
    ``1 - a`` quantile of Student's distribution of ``n - 1`` degrees of freedom (Hesterberg 2015,
    *What Teachers Should Know about the Bootstrap*, The American Statistician 69, 371-386,
    arXiv:1411.5279).

    Args:
        level: What the interval should cover.
        n: How many things are drawn, at least 2.
    """
    student = student_quantile(n - 1, 1.0 - tail_of(level))
    return min(math.erf(math.sqrt(n / (2 * (n - 1))) * student), _ALL_DRAWS)


@cache
def student_quantile(freedom: int, probability: float) -> float:
    """Return a quantile of Student's distribution.

    Args:
        freedom: Degrees of freedom, at least 1.
        probability: Of a smaller value.
    """
    # Here and not above: scipy.special takes longer to import than this module to do its work.
    from scipy.special import stdtrit

    return float(stdtrit(freedom, probability))


def tail_of(level: float) -> float:
    """Return the share of draws beyond each end of an interval.

    Raises:
        ValueError: If the level is not in (0, 1).
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    return (1.0 - level) / 2.0


def check_scores(key: str, scores: Sequence[float]) -> None:
    """Refuse scores that no run can count.

    Raises:
        ValueError: If a score is not a number in [-1, 1].
    """
    for score in scores:
        if not FLOOR <= score <= CEILING:
            raise ValueError(f"scores lie in [{FLOOR:g}, {CEILING:g}], {key} has {score}")


def check_unique(what: str, names: Sequence[str]) -> None:
    """Refuse names that are given twice.

    Raises:
        ValueError: If two are the same.
    """
    if len(set(names)) < len(names):
        raise ValueError(f"{what} must have names of their own, got {sorted(names)}")


def check_draws(draws: int) -> None:
    """Refuse to draw nothing.

    Raises:
        ValueError: If there are no draws.
    """
    if draws < 1:
        raise ValueError(f"draws must be at least 1, got {draws}")
