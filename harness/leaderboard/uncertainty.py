"""How sure means and ranks are: intervals over bootstrap draws, and who is tied."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from harness.evaluation.records import FLOOR
from harness.leaderboard.bootstrap import (
    CEILING,
    EntryScores,
    FloatArray,
    IntArray,
    check_draws,
    check_scores,
    check_unique,
    expanded_level,
    interval,
    mean_draws,
    point_mean,
    redraw_tasks,
    run_mean_draws,
    student_quantile,
    tail_of,
)
from harness.leaderboard.means import ROUNDING, exact_mean

MIN_TASKS = 3
"""With fewer tasks that count nothing can be said of an entry over a suite."""
MIN_RUNS = 3
"""With fewer runs nothing can be said of an entry on a task."""


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """Between what a mean and a rank lie; None where nothing can be said."""

    mean_low: float | None
    mean_high: float | None
    rank_low: int | None
    """The better end: the smaller rank."""
    rank_high: int | None
    tie_rank: int
    """Rank of the leader of those from whom the entry cannot be told apart."""


def suite_uncertainty(
    entries: Sequence[EntryScores],
    tasks: Sequence[str],
    absent: float | None,
    *,
    draws: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> list[Uncertainty]:
    """Return how sure each entry's mean over a suite and its rank are.

    In each draw an entry's rank is 1 and the number of entries with a larger mean; an entry none of
    whose tasks were drawn (only where ``absent`` is None) is last. The intervals are percentiles
    over the draws, expanded for the number of the entry's tasks that count (``expanded_level``):
    all, or those with runs where ``absent`` is None. Those of the ranks are order statistics. They
    are widened where that is needed to hold the mean, the rank and the tie rank.

    Entries tie with the best of those ahead of them, their leader, as long as the interval of the
    difference to it over the same draws reaches down to 0; the first for which it does not leads
    those after it. Of two entries the fewer tasks decide. Entries with the same mean always tie.

    Of an entry with fewer than ``MIN_TASKS`` tasks that count too little is known: it has no
    intervals, takes part in the others' ranks with its draws and leads nobody. It is not called
    tied: its tie rank is its rank, except that entries with the very same mean have one tie rank.

    Args:
        entries: The entries that are ranked together.
        tasks: All tasks of the suite; scores on others do not count.
        absent: What a task without runs counts; None takes the mean over the tasks with runs.
        draws: How many times the suite is drawn again.
        seed: Another seed gives other draws.
        level: How often an interval should hold the truth.

    Returns:
        One for each entry, in the order of ``entries``.

    Raises:
        ValueError: If two entries or tasks share a name, or an entry has no task that counts.
    """
    keys = [entry.key for entry in entries]
    check_unique("entries", keys)
    redraws = redraw_tasks(tasks, draws, seed)
    scores = [[entry.by_task.get(task) for task in redraws.names] for entry in entries]
    points = [point_mean(own, absent) for own in scores]
    if not entries or len(tasks) < MIN_TASKS:
        return [Uncertainty(None, None, None, None, rank) for rank in _point_ranks(points)]
    means = np.stack([mean_draws(entry, redraws, absent, seed) for entry in entries])
    counted = [sum(bool(runs) or absent is not None for runs in own) for own in scores]
    shares = [expanded_level(level, n) if n >= MIN_TASKS else None for n in counted]
    intervals = [
        None if share is None else interval(row[~np.isnan(row)], point, share)
        for row, point, share in zip(means, points, shares, strict=True)
    ]
    return _uncertainties(keys, points, means, intervals, shares)


def task_uncertainty(
    runs_by_entry: Sequence[tuple[str, Sequence[float]]],
    task: str,
    *,
    draws: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> list[Uncertainty]:
    """Return how sure each entry's mean and rank on one task are, by its runs alone.

    Means have the interval of ``mean_interval``; ranks and ties are those of ``suite_uncertainty``
    with runs re-drawn instead of tasks, and expanded for the number of the entry's runs; of two
    entries the fewer runs decide whether they tie.

    Of an entry with fewer than ``MIN_RUNS`` runs nothing is known: it has no intervals, takes part
    in the others' ranks with its plain mean and leads nobody. It is not called tied: its tie rank
    is its rank, except that entries with the very same mean have one tie rank.

    Args:
        runs_by_entry: The key of each entry and the scores of its runs on the task, at least one.
        task: The task's name.
        draws: How many times the runs are drawn again.
        seed: Another seed gives other draws.
        level: How often an interval should hold the truth.

    Returns:
        One for each entry, in the order of ``runs_by_entry``.

    Raises:
        ValueError: If two entries share a key, one has no run, or a score is not in [-1, 1].
    """
    keys = [key for key, _ in runs_by_entry]
    check_unique("entries", keys)
    check_draws(draws)
    for key, scores in runs_by_entry:
        check_scores(key, scores)
    points = [point_mean([scores], None) for _, scores in runs_by_entry]
    if not points:
        return []
    shares: list[float | None] = [None] * len(points)
    means = np.repeat(np.asarray(points)[:, np.newaxis], draws, axis=1)
    for index, (key, scores) in enumerate(runs_by_entry):
        if len(scores) >= MIN_RUNS:
            shares[index] = expanded_level(level, len(scores))
            means[index] = run_mean_draws(scores, draws, seed, key, task)
    intervals = [mean_interval(scores, level) for _, scores in runs_by_entry]
    return _uncertainties(keys, points, means, intervals, shares)


def mean_interval(scores: Sequence[float], level: float = 0.95) -> tuple[float, float] | None:
    """Return Student's interval for the mean of one entry's runs on one task.

    ``m ± t s / sqrt(n)`` with ``t`` the ``(1 + level) / 2`` quantile of Student's distribution of
    ``n - 1`` degrees of freedom (Student 1908, *The probable error of a mean*), cut to [-1, 1],
    where scores lie. Scores that are all the same give an interval without width.

    Returns:
        None with fewer than ``MIN_RUNS`` runs.
    """
    n = len(scores)
    if n < MIN_RUNS:
        return None
    mean = exact_mean(scores)
    if min(scores) == max(scores):
        return mean, mean
    deviation = math.sqrt(math.fsum((score - mean) ** 2 for score in scores) / (n - 1))
    half = student_quantile(n - 1, 1.0 - tail_of(level)) * deviation / math.sqrt(n)
    return min(mean, max(FLOOR, mean - half)), max(mean, min(CEILING, mean + half))


def _uncertainties(
    keys: Sequence[str],
    points: Sequence[float],
    means: FloatArray,
    intervals: Sequence[tuple[float, float] | None],
    shares: Sequence[float | None],
) -> list[Uncertainty]:
    """Rank the drawn means and find the ties.

    Args:
        keys: ``E`` entries.
        points: Their means.
        means: ``(E, draws)``, not a number where an entry has no mean in a draw.
        intervals: Those of the means.
        shares: The share of its draws that each entry's intervals hold; None where its draws do
            not say how sure its mean is.
    """
    drawn_ranks = np.sort(_ranks(np.nan_to_num(means, nan=-np.inf)), axis=1)

    def tied(leader: int, other: int) -> bool:
        differences = means[leader] - means[other]
        differences = differences[~np.isnan(differences)]
        tail = tail_of(max(shares[leader] or 0.0, shares[other] or 0.0))
        return not len(differences) or np.quantile(differences, tail) <= ROUNDING

    ranks = _point_ranks(points)
    known = [share is not None for share in shares]
    tie_ranks = _tie_ranks(keys, points, ranks, known, tied)
    result = []
    for index, (rank, tie_rank, share) in enumerate(zip(ranks, tie_ranks, shares, strict=True)):
        mean_low, mean_high = intervals[index] or (None, None)
        rank_low, rank_high = None, None
        if share is not None:
            rank_low, rank_high = _ends(drawn_ranks[index], share)
            rank_low, rank_high = min(rank_low, tie_rank), max(rank_high, rank)
        result.append(Uncertainty(mean_low, mean_high, rank_low, rank_high, tie_rank))
    return result


def _ends(drawn: IntArray, share: float) -> tuple[int, int]:
    """Return the order statistics beyond which at most ``1 - share`` of the sorted draws lie."""
    # Without the nudge 0.025 * 2000 may come out as 49.99.
    beyond = int(tail_of(share) * len(drawn) + 1e-9)
    return int(drawn[beyond]), int(drawn[-1 - beyond])


def _tie_ranks(
    keys: Sequence[str],
    points: Sequence[float],
    ranks: Sequence[int],
    known: Sequence[bool],
    tied: Callable[[int, int], bool],
) -> list[int]:
    """Return the rank of each entry's leader, walking from the best mean down."""
    tie_ranks = list(ranks)
    leader: int | None = None
    order = sorted(range(len(keys)), key=lambda index: (-points[index], keys[index]))
    for _, group in groupby(order, key=lambda index: points[index]):
        equals = list(group)
        tested = [index for index in equals if known[index]]
        if leader is not None and any(tied(leader, index) for index in tested):
            for index in equals:
                tie_ranks[index] = ranks[leader]
        elif tested:
            leader = tested[0]
    return tie_ranks


def _point_ranks(points: Sequence[float]) -> list[int]:
    """Return 1 and the number of larger figures for each: 1, 2, 2, 4."""
    falling = sorted(-point for point in points)
    return [1 + bisect_left(falling, -point) for point in points]


def _ranks(means: FloatArray) -> IntArray:
    """Return 1 and the number of larger figures in the same draw.

    Drawn means are summed in any order: those within ``ROUNDING`` of the next larger one share its
    rank.

    Args:
        means: ``(E, draws)``.

    Returns:
        ``(E, draws)``.
    """
    order = np.argsort(-means, axis=0)
    ordered = np.take_along_axis(means, order, axis=0)
    place = np.arange(len(means))[:, np.newaxis]
    worse = np.ones(means.shape, dtype=bool)
    worse[1:] = ordered[1:] < ordered[:-1] - ROUNDING
    # Equal figures share the place of the first of them.
    shared = np.maximum.accumulate(np.where(worse, place, 0), axis=0)
    ranks = np.empty(means.shape, dtype=np.int64)
    np.put_along_axis(ranks, order, shared + 1, axis=0)
    return ranks
