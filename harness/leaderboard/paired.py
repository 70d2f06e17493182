"""One entry against another over the same tasks: how far apart they are, and how sure that is.

Swapping the two sides negates the difference and its interval to the last bit, turns each
probability into its complement and leaves ``p`` as it is: the runs of each side are drawn by a
generator that the side's key names, and both see the same draws of tasks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from harness.leaderboard.bootstrap import (
    EntryScores,
    FloatArray,
    check_unique,
    expanded_level,
    interval,
    mean_draws,
    point_mean,
    redraw_tasks,
)
from harness.leaderboard.means import ROUNDING, exact_mean
from harness.leaderboard.uncertainty import MIN_RUNS, MIN_TASKS

SIGNIFICANT = 0.05
"""Only differences whose ``p`` is smaller are called more than chance."""

_EXACT_TASKS = 16
"""Up to so many tasks all sign patterns are looked at: 65,536 of them."""

Verdict = Literal["A is ahead", "B is ahead", "cannot be told apart", "too few tasks to tell"]


@dataclass(frozen=True, slots=True)
class PairedBootstrap:
    """The difference of two means over a suite; None where the tasks are too few."""

    difference: float
    """A - B."""
    low: float | None
    high: float | None
    probability_better: float | None
    """Share of the draws in which A has the larger mean; where both have the same, half a draw."""


@dataclass(frozen=True, slots=True)
class SignFlip:
    """What the sign-flip test gave."""

    p: float
    """Two-sided."""
    least_p: float
    """Differences on as many tasks cannot give less; a task without a difference adds nothing."""


@dataclass(frozen=True, slots=True)
class Improvement:
    """How likely a run of A beats a run of B on the same task."""

    probability: float
    """Mean over the tasks."""
    low: float | None
    """None where the tasks are too few."""
    high: float | None
    by_task: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class PairedTask:
    """A and B on one task."""

    task: str
    mean_a: float
    mean_b: float
    difference: float
    """A - B."""
    n_a: int
    """Runs of A; 0 where the mean is what an absent task counts."""
    n_b: int
    probability: float
    """How likely a run of A beats one of B; ties count half."""


@dataclass(frozen=True, slots=True)
class PairedResult:
    """Everything that can be said of A against B over a suite; A - B throughout."""

    a: str
    b: str
    level: float
    """How often an interval should hold the truth."""
    tasks: tuple[PairedTask, ...]
    """Those that count, sorted by name."""
    mean_a: float
    mean_b: float
    bootstrap: PairedBootstrap
    sign_flip: SignFlip
    improvement: Improvement
    warnings: tuple[str, ...]
    """Why the reader should not trust the figures too far, a sentence each."""

    @property
    def n_differ(self) -> int:
        """On how many tasks the means differ."""
        return _n_differ(self.tasks)

    @property
    def verdict(self) -> Verdict:
        """Who is ahead: only where the interval excludes 0 and ``p`` is below ``SIGNIFICANT``."""
        low, high = self.bootstrap.low, self.bootstrap.high
        if low is None or high is None:
            return "too few tasks to tell"
        if self.sign_flip.p < SIGNIFICANT:
            if low > ROUNDING:
                return "A is ahead"
            if high < -ROUNDING:
                return "B is ahead"
        return "cannot be told apart"


def compare(
    a: EntryScores,
    b: EntryScores,
    tasks: Sequence[str],
    absent: float | None,
    *,
    draws: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> PairedResult | None:
    """Compare two entries over the tasks of a suite.

    Args:
        a: One entry.
        b: The other. Of the same key only if it is the same entry.
        tasks: All tasks of the suite; scores on others do not count.
        absent: What a task without runs counts, for either side; None leaves out tasks that either
            side has no runs on, since means over different tasks cannot be compared.
        draws: How many times the suite is drawn again.
        seed: Another seed gives other draws.
        level: How often an interval should hold the truth.

    Returns:
        None where no task counts.

    Raises:
        ValueError: If two tasks share a name, or two different entries a key.
    """
    check_unique("tasks", tasks)
    counted = [
        task
        for task in sorted(tasks)
        if absent is not None or (a.by_task.get(task) and b.by_task.get(task))
    ]
    filled_a, filled_b = _filled(a, counted, absent), _filled(b, counted, absent)
    rows = []
    for task in counted:
        scores_a, scores_b = filled_a.by_task[task], filled_b.by_task[task]
        mean_a, mean_b = exact_mean(scores_a), exact_mean(scores_b)
        rows.append(
            PairedTask(
                task=task,
                mean_a=mean_a,
                mean_b=mean_b,
                difference=mean_a - mean_b,
                n_a=len(a.by_task.get(task) or ()),
                n_b=len(b.by_task.get(task) or ()),
                probability=_probability(scores_a, scores_b),
            )
        )
    sign_flip = sign_flip_test([row.difference for row in rows], seed=seed)
    if sign_flip is None:
        return None
    return PairedResult(
        a=a.key,
        b=b.key,
        level=level,
        tasks=tuple(rows),
        mean_a=exact_mean([row.mean_a for row in rows]),
        mean_b=exact_mean([row.mean_b for row in rows]),
        bootstrap=paired_bootstrap(filled_a, filled_b, draws=draws, seed=seed, level=level),
        sign_flip=sign_flip,
        improvement=probability_of_improvement(
            filled_a, filled_b, draws=draws, seed=seed, level=level
        ),
        warnings=_warnings(rows, len(tasks) - len(counted), absent),
    )


def paired_bootstrap(
    a: EntryScores,
    b: EntryScores,
    *,
    draws: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> PairedBootstrap:
    """Return the difference of two means over a suite with its expanded percentile interval.

    Tasks are drawn for both sides at once, runs within each side and task (see
    ``harness.leaderboard.bootstrap``). With fewer than ``MIN_TASKS`` tasks only the difference is
    known.

    Args:
        a: Its runs on each task, at least one.
        b: Likewise, on the same tasks.
        draws: How many times the suite is drawn again.
        seed: Another seed gives other draws.
        level: How often an interval should hold the truth.

    Raises:
        ValueError: If there is no task, the tasks are not the same, one has no runs, or two
            different entries have one key.
    """
    tasks = _common_tasks(a, b)
    point = point_mean(a.by_task.values(), None) - point_mean(b.by_task.values(), None)
    if len(tasks) < MIN_TASKS:
        return PairedBootstrap(point, None, None, None)
    redraws = redraw_tasks(tasks, draws, seed)
    differences = mean_draws(a, redraws, None, seed) - mean_draws(b, redraws, None, seed)
    differences[np.abs(differences) <= ROUNDING] = 0.0
    share = expanded_level(level, len(tasks))
    low, high = interval(differences, point, share) or (None, None)
    wins = int(np.count_nonzero(differences > 0)) - int(np.count_nonzero(differences < 0))
    return PairedBootstrap(point, low, high, (draws + wins) / (2 * draws))


def sign_flip_test(
    differences: Sequence[float], *, flips: int = 20_000, seed: int = 0
) -> SignFlip | None:
    """Test whether differences are as often one way as the other (sign-flip permutation test).

    If A and B were alike, each difference could as well have had the other sign. ``p`` is the
    share of sign patterns that give a mean at least as far from 0 as the one observed, which is
    one of them (Fisher 1935, *The Design of Experiments*, section 21). Differences of 0 have no
    sign and say nothing. Up to 16 others all patterns are looked at; of more, random ones, with
    the one observed counted in (Phipson and Smyth 2010, arXiv:1603.05766).

    Args:
        differences: One for each task; their order does not matter.
        flips: How many random patterns.
        seed: Another seed gives other random patterns.

    Returns:
        None without differences.
    """
    if not differences:
        return None
    signed = [difference for difference in differences if abs(difference) > ROUNDING]
    # The patterns of differences are those of their magnitudes, and so are the same both ways.
    magnitudes = sorted(abs(difference) for difference in signed)
    # As a share of all magnitudes: sums of many are rounded more.
    observed = abs(math.fsum(signed)) - ROUNDING * math.fsum(magnitudes)
    least = _least_p(len(signed))
    if len(magnitudes) <= _EXACT_TASKS:
        sums = np.zeros(1)
        for magnitude in magnitudes:
            sums = np.concatenate([sums + magnitude, sums - magnitude])
        return SignFlip(_share_beyond(sums, observed), least)
    generator = np.random.default_rng(np.random.SeedSequence([seed, len(magnitudes)]))
    signs = 2.0 * generator.integers(2, size=(flips, len(magnitudes))) - 1.0
    sums = np.append(signs @ np.asarray(magnitudes), math.fsum(signed))
    return SignFlip(_share_beyond(sums, observed), max(least, 1 / (flips + 1)))


def probability_of_improvement(
    a: EntryScores,
    b: EntryScores,
    *,
    draws: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Improvement:
    """Return how likely a run of A beats a run of B on the same task, over the tasks of a suite.

    On a task ``P = U / (n m)`` with ``U`` the statistic of Mann and Whitney (1947), in which ties
    count half; over the suite the mean of the tasks' (Agarwal et al. 2021, arXiv:2108.13264). The
    interval is that of the expanded percentiles over draws of the tasks.

    Args:
        a: Its runs on each task, at least one.
        b: Likewise, on the same tasks.
        draws: How many times the suite is drawn again.
        seed: Another seed gives other draws.
        level: How often an interval should hold the truth.

    Raises:
        ValueError: If there is no task, the tasks are not the same, one has no runs, or two
            different entries have one key.
    """
    tasks = _common_tasks(a, b)
    by_task = {task: _probability(a.by_task[task], b.by_task[task]) for task in tasks}
    mean = exact_mean(list(by_task.values()))
    if len(tasks) < MIN_TASKS:
        return Improvement(mean, None, None, by_task)
    drawn = np.asarray(list(by_task.values()))[redraw_tasks(tasks, draws, seed).picked]
    share = expanded_level(level, len(tasks))
    low, high = interval(drawn.sum(axis=0) / len(tasks), mean, share) or (None, None)
    return Improvement(mean, low, high, by_task)


def _probability(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the share of pairs of runs that A wins; ties count half."""
    ordered = np.sort(np.asarray(b, dtype=np.float64))
    lost = np.searchsorted(ordered, a, side="left").sum()
    not_won = np.searchsorted(ordered, a, side="right").sum()
    return float(lost + not_won) / (2 * len(a) * len(b))


def _least_p(n: int) -> float:
    """Return the ``p`` of ``n`` differences that all go one way."""
    return min(1.0, math.ldexp(1.0, 1 - n))


def _n_differ(rows: Sequence[PairedTask]) -> int:
    return sum(abs(row.difference) > ROUNDING for row in rows)


def _share_beyond(sums: FloatArray, observed: float) -> float:
    """Return the share of sums at least as far from 0: ``sums`` is ``(patterns,)``."""
    return float(np.count_nonzero(np.abs(sums) >= observed)) / len(sums)


def _filled(entry: EntryScores, tasks: Sequence[str], absent: float | None) -> EntryScores:
    """Return the entry on these tasks, each without runs as one run that scores ``absent``."""
    instead = () if absent is None else (absent,)
    return EntryScores(entry.key, {task: entry.by_task.get(task) or instead for task in tasks})


def _common_tasks(a: EntryScores, b: EntryScores) -> list[str]:
    """Return the tasks of both, sorted.

    Raises:
        ValueError: If the two cannot be compared as they are.
    """
    tasks = sorted(a.by_task)
    if tasks != sorted(b.by_task):
        raise ValueError(f"{a.key} and {b.key} must have the same tasks")
    if not tasks:
        raise ValueError(f"{a.key} and {b.key} have no task to compare")
    for entry in (a, b):
        for task, scores in entry.by_task.items():
            if not scores:
                raise ValueError(f"{entry.key} has no runs on {task}")
    # Their runs would be drawn by one generator, as if the two were not independent.
    if a.key == b.key and any(sorted(a.by_task[t]) != sorted(b.by_task[t]) for t in tasks):
        raise ValueError(f"two different entries must have keys of their own, both are {a.key}")
    return tasks


def _warnings(rows: Sequence[PairedTask], n_left_out: int, absent: float | None) -> tuple[str, ...]:
    """Return what keeps the comparison from telling much, a sentence each."""
    n = len(rows)
    # Of two that are alike on all tasks only the number of tasks may need a word.
    n_differ = _n_differ(rows) or n
    n_few = sum(min(row.n_a, row.n_b) < MIN_RUNS for row in rows)
    n_absent = sum(min(row.n_a, row.n_b) == 0 for row in rows)
    found = []
    if n < MIN_TASKS:
        found.append(f"Too few tasks for an interval: {n}, at least {MIN_TASKS} are needed")
    if _least_p(n_differ) >= SIGNIFICANT:
        with_tasks = f"With {_tasks(n)}"
        if n_differ < n:
            with_tasks += f", of which A and B differ on {n_differ},"
        found.append(
            f"{with_tasks} the sign-flip test cannot give a p below {_least_p(n_differ):.4g}: "
            "no difference, however large, can be told from chance"
        )
    if n_few:
        found.append(
            f"{n_few} of {_tasks(n)} {'has' if n_few == 1 else 'have'} fewer than {MIN_RUNS} runs "
            "of A or B: run-to-run spread is hardly seen"
        )
    if n_absent:
        found.append(f"On {n_absent} of {_tasks(n)} A or B has no runs, which counts {absent:g}")
    if n_left_out:
        found.append(f"{_tasks(n_left_out)} left out, since A or B has no runs there")
    return tuple(found)


def _tasks(count: int) -> str:
    return "1 task" if count == 1 else f"{count} tasks"
