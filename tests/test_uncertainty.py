"""Intervals, ranks and ties: against SciPy and closed forms, and invariants none may break."""

from __future__ import annotations

import itertools
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.leaderboard.bootstrap import (
    EntryScores,
    expanded_level,
    interval,
    mean_draws,
    point_mean,
    redraw_tasks,
    run_mean_draws,
    tail_of,
)
from harness.leaderboard.means import exact_mean
from harness.leaderboard.uncertainty import (
    Uncertainty,
    mean_interval,
    suite_uncertainty,
    task_uncertainty,
)

TASKS = ("b_law", "a_law", "d_law", "c_law")
DRAWS = 60

quick = settings(max_examples=60, deadline=None)

# Few distinct values, so that equal means and runs that are all alike come up.
scores = st.sampled_from([-1.0, -0.3, 0.1, 0.5, 0.9]) | st.floats(-1, 0.95)
runs = st.lists(scores, max_size=4).map(tuple)
absents = st.sampled_from([-1.0, None])


@st.composite
def boards(draw: st.DrawFn, tasks: tuple[str, ...] = TASKS) -> list[EntryScores]:
    keys = draw(st.lists(st.sampled_from("pqrst"), unique=True, min_size=1))
    board = []
    for key in keys:
        by_task = {task: draw(runs) for task in tasks}
        by_task[draw(st.sampled_from(tasks))] = draw(st.lists(scores, min_size=1, max_size=4))
        board.append(EntryScores(key, by_task))
    return board


def single_runs(key: str, figures: np.ndarray) -> EntryScores:
    return EntryScores(key, {f"task_{i:02}": (float(x),) for i, x in enumerate(figures)})


def point_ranks(points: list[float]) -> list[int]:
    return [1 + sum(other > point for other in points) for point in points]


def rank_in(drawn: Sequence[float], own: float) -> int:
    """Return 1 and the number of larger figures; those as near as rounding share a rank."""
    larger = sorted(figure for figure in drawn if figure > own)
    while larger and larger[0] - own <= 1e-12:
        own = larger.pop(0)
    return 1 + len(larger)


def n_counted(entry: EntryScores, absent: float | None) -> int:
    return sum(bool(entry.by_task.get(task)) or absent is not None for task in TASKS)


def noisy(key: str, centre: float, spread: float, n_tasks: int = 8) -> EntryScores:
    """Return an entry with five runs a task around a centre, the same on all tasks."""
    generator = np.random.default_rng(list(key.encode()))
    return EntryScores(
        key,
        {f"task_{i}": tuple(centre + spread * generator.uniform(-1, 1, 5)) for i in range(n_tasks)},
    )


@quick
@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=9))
def test_a_mean_is_the_nearest_float(figures: list[float]) -> None:
    assert exact_mean(figures) == float(sum(map(Fraction, figures)) / len(figures))
    for n in (3, 5, 7):
        assert exact_mean(figures[:1] * n) == figures[0], "regression: 0.80196 thrice was below it"


@quick
@given(st.lists(scores, min_size=3, max_size=8), st.integers(3, 9), st.integers(3, 9))
def test_how_often_a_score_was_reached_puts_nobody_ahead(
    figures: list[float], n_mine: int, n_yours: int
) -> None:
    tasks = [f"task_{i}" for i in range(len(figures))]
    board = [
        EntryScores(key, {task: (x,) * n for task, x in zip(tasks, figures, strict=True)})
        for key, n in (("mine", n_mine), ("once", 1), ("yours", n_yours))
    ]
    for one in suite_uncertainty(board, tasks, -1.0, draws=DRAWS):
        assert (one.rank_low, one.rank_high, one.tie_rank) == (1, 1, 1)
    on_task = [(entry.key, entry.by_task["task_0"]) for entry in board]
    mine, once, yours = task_uncertainty(on_task, "task_0", draws=DRAWS)
    assert mine == yours == Uncertainty(figures[0], figures[0], 1, 1, 1)
    assert once.tie_rank == 1


def test_the_interval_of_a_mean_is_that_of_scipys_bootstrap() -> None:
    figures = np.random.default_rng(3).uniform(-0.5, 1.0, 12)
    theirs = stats.bootstrap(
        (figures,),
        np.mean,
        n_resamples=20_000,
        confidence_level=expanded_level(0.95, len(figures)),
        method="percentile",
        random_state=np.random.default_rng(4),
    ).confidence_interval
    entry = single_runs("me", figures)
    (ours,) = suite_uncertainty([entry], list(entry.by_task), -1.0, draws=20_000)
    assert ours.mean_low == pytest.approx(theirs.low, abs=0.015)
    assert ours.mean_high == pytest.approx(theirs.high, abs=0.015)


@quick
@given(st.floats(0.01, 0.99), st.integers(2, 500))
def test_percentiles_are_expanded_as_their_closed_form_says(level: float, n: int) -> None:
    """Normal draws of n things between the new percentiles are as wide as Student's interval."""
    share = expanded_level(level, n)
    assert level < share < 1.0
    if share < 1 - 1e-9:
        half_width = stats.norm.ppf((1 + share) / 2) * np.sqrt((n - 1) / n)
        assert half_width == pytest.approx(stats.t.ppf((1 + level) / 2, n - 1), rel=1e-6)


@pytest.mark.parametrize(
    ("n_tasks", "n_runs", "of"), [(8, 5, 8), (8, 1, 8), (20, 3, 20), (5, 3, 8)]
)
def test_intervals_hold_the_truth_about_as_often_as_they_say(
    n_tasks: int, n_runs: int, of: int
) -> None:
    """400 suites of tasks that are drawn around a known mean, with runs that scatter."""
    generator = np.random.default_rng([n_tasks, n_runs])
    suite = [f"task_{i}" for i in range(of)]
    held = 0
    for seed in range(400):
        centres = generator.uniform(0.1, 0.9, n_tasks)
        scattered = centres[:, np.newaxis] + generator.uniform(-0.1, 0.1, (n_tasks, n_runs))
        entry = EntryScores("me", {f"task_{i}": tuple(r) for i, r in enumerate(scattered)})
        (found,) = suite_uncertainty([entry], suite, None, draws=600, seed=seed)
        assert found.mean_low is not None
        assert found.mean_high is not None
        held += found.mean_low <= 0.5 <= found.mean_high
    # Three deviations of a share of 400 around 0.95 are 0.033; plain percentiles hold 0.89.
    assert 0.92 <= held / 400 <= 0.99


def test_draws_spread_as_the_nested_bootstrap_does() -> None:
    """The variance of a drawn mean and the covariance of two have closed forms."""
    mine = {"a": (0.1, 0.4, 0.9), "b": (-0.5,), "c": (0.2, 0.3, -0.9, 1.0, 0.7), "d": (0.0, 0.8)}
    yours = {"a": (0.3, -0.2), "b": (-0.9, 0.1), "c": (0.6,), "d": (0.5, 0.5)}
    redraws = redraw_tasks(list(mine), 100_000, 0)
    entries = [EntryScores("mine", mine), EntryScores("yours", yours)]
    drawn = np.stack([mean_draws(entry, redraws, None, 0) for entry in entries])
    means = np.array([[np.mean(runs) for runs in side.values()] for side in (mine, yours)])
    for row, side, entry in zip(drawn, means, entries, strict=True):
        within = [np.var(runs) / len(runs) for runs in entry.by_task.values()]
        expected = (np.var(side) + np.mean(within)) / len(side)
        assert np.std(row) == pytest.approx(np.sqrt(expected), rel=0.01)
        assert np.mean(row) == pytest.approx(np.mean(side), abs=0.005)
    between = np.cov(means, ddof=0)[0, 1] / len(mine)
    assert np.cov(drawn)[0, 1] == pytest.approx(between, rel=0.03)


def test_all_suites_that_can_be_drawn_are_drawn() -> None:
    figures = (0.1, 0.5, 0.8)
    entry = single_runs("me", np.array(figures))
    drawn = mean_draws(entry, redraw_tasks(list(entry.by_task), 2000, 0), None, 0)
    possible = {round(sum(suite) / 3, 9) for suite in itertools.product(figures, repeat=3)}
    assert {round(float(mean), 9) for mean in drawn} == possible


def test_each_entry_has_draws_of_its_own_on_each_task() -> None:
    drawn = {
        tuple(run_mean_draws((0.1, 0.2, 0.4), 50, seed, key, task))
        for seed, key, task in itertools.product((0, 1), ("me", "you"), ("a_law", "b_law"))
    }
    assert len(drawn) == 8


@quick
@given(st.lists(scores, min_size=1, max_size=50), scores, st.floats(0.1, 0.99))
def test_the_interval_of_negated_draws_is_the_negated_interval(
    drawn: list[float], point: float, level: float
) -> None:
    values = np.array(drawn)
    found, mirrored = interval(values, point, level), interval(-values, -point, level)
    assert found is not None
    assert mirrored == (-found[1], -found[0])


@quick
@given(boards(), absents)
def test_ranks_are_counted_draw_by_draw(board: list[EntryScores], absent: float | None) -> None:
    redraws = redraw_tasks(TASKS, 600, 0)
    drawn = np.stack([mean_draws(entry, redraws, absent, 0) for entry in board])
    drawn[np.isnan(drawn)] = -np.inf
    points = [point_mean(entry.by_task.values(), absent) for entry in board]
    found = suite_uncertainty(board, TASKS, absent, draws=600, level=0.8)
    for index, (rank, one) in enumerate(zip(point_ranks(points), found, strict=True)):
        counted = n_counted(board[index], absent)
        if counted < 3:
            assert (one.rank_low, one.rank_high) == (None, None)
            continue
        beyond = int((1 - expanded_level(0.8, counted)) / 2 * 600)
        assert beyond > 0
        ranks = sorted(rank_in(column, column[index]) for column in drawn.T.tolist())
        assert one.rank_low == min(ranks[beyond], one.tie_rank)
        assert one.rank_high == max(ranks[-1 - beyond], rank)


@quick
@given(boards(), absents, st.randoms(use_true_random=False))
def test_no_order_changes_anything(
    board: list[EntryScores], absent: float | None, shuffler: random.Random
) -> None:
    def shuffled_runs(entry: EntryScores) -> EntryScores:
        by_task = [(name, shuffler.sample(r, len(r))) for name, r in entry.by_task.items()]
        return EntryScores(entry.key, dict(shuffler.sample(by_task, len(by_task))))

    before = suite_uncertainty(board, TASKS, absent, draws=DRAWS)
    places = shuffler.sample(range(len(board)), len(board))
    after = suite_uncertainty(
        [shuffled_runs(board[place]) for place in places],
        shuffler.sample(TASKS, len(TASKS)),
        absent,
        draws=DRAWS,
    )
    assert after == [before[place] for place in places]

    on_task = [(entry.key, r) for entry in board if (r := tuple(entry.by_task["a_law"]))]
    before = task_uncertainty(on_task, "a_law", draws=DRAWS)
    places = shuffler.sample(range(len(on_task)), len(on_task))
    mixed = [(key, shuffler.sample(r, len(r))) for key, r in (on_task[place] for place in places)]
    assert task_uncertainty(mixed, "a_law", draws=DRAWS) == [before[place] for place in places]


def assert_sound(found: list[Uncertainty], points: list[float]) -> None:
    for one, point, rank in zip(found, points, point_ranks(points), strict=True):
        assert 1 <= one.tie_rank <= rank
        if one.rank_low is not None and one.rank_high is not None:
            assert 1 <= one.rank_low <= one.tie_rank <= rank <= one.rank_high <= len(found)
        if one.mean_low is not None and one.mean_high is not None:
            assert -1 <= one.mean_low <= point <= one.mean_high <= 1
    tie_ranks = dict(zip(points, found, strict=True))
    for point, one in zip(points, found, strict=True):
        assert one.tie_rank == tie_ranks[point].tie_rank, "equal means tie"


@quick
@given(boards(), absents, st.integers(1, 40))
def test_intervals_hold_what_was_measured(
    board: list[EntryScores], absent: float | None, draws: int
) -> None:
    points = [point_mean(entry.by_task.values(), absent) for entry in board]
    found = suite_uncertainty(board, TASKS, absent, draws=draws)
    for entry, one in zip(board, found, strict=True):
        assert (one.rank_low is None) == (n_counted(entry, absent) < 3)
    assert_sound(found, points)
    # The leaders of the groups are those whose rank is their tie rank, and nobody is between
    # of whom enough is known.
    by_rank = sorted(zip(point_ranks(points), found, strict=True), key=lambda pair: pair[0])
    ties = [one.tie_rank for _, one in by_rank if one.rank_low is not None]
    assert ties == sorted(ties)

    on_task = [(entry.key, r) for entry in board if (r := tuple(entry.by_task["a_law"]))]
    found = task_uncertainty(on_task, "a_law", draws=draws)
    assert_sound(found, [point_mean([r], None) for _, r in on_task])
    for (_, r), one in zip(on_task, found, strict=True):
        assert (one.mean_low is None) == (one.rank_low is None) == (len(r) < 3)


@quick
@given(boards(), absents)
def test_somebody_better_in_every_run_moves_everybody_down_by_one(
    board: list[EntryScores], absent: float | None
) -> None:
    better = EntryScores("zz", dict.fromkeys(TASKS, (1.0,)))
    before = suite_uncertainty(board, TASKS, absent, draws=DRAWS)
    first, *after = suite_uncertainty([better, *board], TASKS, absent, draws=DRAWS)
    assert first == Uncertainty(1.0, 1.0, 1, 1, 1)
    for old, new in zip(before, after, strict=True):
        assert new == replace(
            old,
            rank_low=old.rank_low and old.rank_low + 1,
            rank_high=old.rank_high and old.rank_high + 1,
            tie_rank=old.tie_rank + 1,
        )


@given(boards(TASKS[:2]), absents)
@settings(max_examples=20, deadline=None)
def test_of_two_tasks_nothing_can_be_said(board: list[EntryScores], absent: float | None) -> None:
    points = [point_mean(entry.by_task.values(), absent) for entry in board]
    for one, rank in zip(
        suite_uncertainty(board, TASKS[:2], absent), point_ranks(points), strict=True
    ):
        assert one == Uncertainty(None, None, None, None, rank)


def test_those_who_cannot_be_told_apart_from_their_leader_share_its_rank() -> None:
    entries = [
        noisy("low", 0.1, 0.05),
        noisy("top", 0.9, 0.05),
        noisy("near the top", 0.895, 0.05),
        noisy("also low", 0.098, 0.05),
        noisy("middle", 0.5, 0.05),
    ]
    found = suite_uncertainty(entries, list(entries[0].by_task), -1.0)
    assert [one.tie_rank for one in found] == [4, 1, 1, 4, 3]
    middle = found[-1]
    assert (middle.rank_low, middle.rank_high) == (3, 3)
    assert {found[1].rank_low, found[2].rank_low} == {1}
    assert {found[1].rank_high, found[2].rank_high} == {2}


def test_a_small_lead_on_every_task_counts_although_the_intervals_overlap() -> None:
    """Tasks are drawn for all at once, so that their difficulty cancels."""
    hard = np.linspace(-0.8, 0.8, 8)
    ahead, behind = single_runs("ahead", hard + 0.05), single_runs("behind", hard)
    first, second = suite_uncertainty([ahead, behind], list(ahead.by_task), -1.0)
    assert (first.rank_low, first.rank_high, first.tie_rank) == (1, 1, 1)
    assert (second.rank_low, second.rank_high, second.tie_rank) == (2, 2, 2)
    assert first.mean_low is not None
    assert second.mean_high is not None
    assert first.mean_low < second.mean_high


def test_ties_are_with_the_leader_and_not_with_the_next() -> None:
    """Otherwise a long enough chain of small steps would tie the best with the worst."""
    uneven = np.array([0.05, -0.05] * 4)
    entries = [
        single_runs("ahead", 0.53 + uneven),
        single_runs("between", np.full(8, 0.5)),
        single_runs("behind", 0.47 + uneven),
    ]
    tasks = list(entries[0].by_task)
    assert [one.tie_rank for one in suite_uncertainty(entries, tasks, -1.0)] == [1, 1, 3]
    assert [one.tie_rank for one in suite_uncertainty(entries[1:], tasks, -1.0)] == [1, 1]


def test_a_lead_as_small_as_rounding_is_a_tie() -> None:
    entries = [single_runs("a", np.full(4, 0.3)), single_runs("b", np.full(4, 0.3 + 1e-15))]
    for one in suite_uncertainty(entries, list(entries[0].by_task), -1.0):
        assert one.tie_rank == 1


def test_draws_that_differ_by_rounding_share_a_rank() -> None:
    below, above = 0.3 - 1e-15, 0.3 + 1e-15
    middle = exact_mean((below, above))
    still = EntryScores("still", dict.fromkeys(TASKS, (middle,) * 3))
    moved = EntryScores("moved", dict.fromkeys(TASKS, (below, above, middle)))
    board = [still, moved]
    assert len({point_mean(entry.by_task.values(), None) for entry in board}) == 1
    on_task = [(entry.key, entry.by_task["a_law"]) for entry in board]
    for found in (suite_uncertainty(board, TASKS, -1.0), task_uncertainty(on_task, "a_law")):
        for one in found:
            assert (one.rank_low, one.rank_high, one.tie_rank) == (1, 1, 1)


def test_the_same_mean_in_another_way_ties() -> None:
    figures = np.array([0.1, 0.2, 0.3, 0.4])
    entries = [single_runs("up", figures), single_runs("down", figures[::-1])]
    for one in suite_uncertainty(entries, list(entries[0].by_task), -1.0):
        assert (one.rank_low, one.rank_high, one.tie_rank) == (1, 2, 1)


def test_what_an_absent_task_counts() -> None:
    by_task = {
        "a_law": (0.4, 0.6),
        "b_law": (),
        "c_law": (0.9,),
        "d_law": (0.7,),
        "of_no_suite": (-1.0,),
    }
    assert point_mean([by_task.get(task) for task in TASKS], -1.0) == pytest.approx(0.275)
    assert point_mean([by_task.get(task) for task in TASKS], None) == pytest.approx(0.7)
    entry = EntryScores("me", by_task)
    (counted,) = suite_uncertainty([entry], TASKS, -1.0)
    (left_out,) = suite_uncertainty([entry], TASKS, None)
    assert counted.mean_low == -1.0
    assert left_out.mean_low == pytest.approx(0.4)
    assert left_out.mean_high == pytest.approx(0.9)


def test_who_has_no_task_in_a_draw_is_last_there() -> None:
    rare = EntryScores("rare", dict.fromkeys(TASKS[:3], (0.9,)))
    common = EntryScores("common", dict.fromkeys(TASKS, (0.1,)))
    first, second = suite_uncertainty([rare, common], TASKS, None)
    assert (first.rank_low, first.rank_high) == (1, 2)
    assert (second.rank_low, second.rank_high) == (1, 2)
    assert (first.mean_low, first.mean_high) == (0.9, 0.9)
    assert second.tie_rank == 2, "where both have a mean, one is always ahead"


@pytest.mark.parametrize("n", [3, 5])
def test_where_absent_tasks_are_left_out_intervals_go_by_those_that_count(n: int) -> None:
    suite = [f"task_{i}" for i in range(8)]
    figures = np.random.default_rng(n).uniform(0.1, 0.9, n)
    entry = EntryScores("me", {f"task_{i}": (float(x),) for i, x in enumerate(figures)})
    drawn = mean_draws(entry, redraw_tasks(suite, 2000, 0), None, 0)
    (found,) = suite_uncertainty([entry], suite, None)
    tail = tail_of(expanded_level(0.95, n))
    assert found.mean_low == pytest.approx(np.nanquantile(drawn, tail))
    assert found.mean_high == pytest.approx(np.nanquantile(drawn, 1 - tail))


@pytest.mark.parametrize("n", [1, 2])
def test_who_has_too_few_tasks_that_count_leads_nobody(n: int) -> None:
    """Regression: one success gave an interval without width, and led all behind it."""
    suite = [f"task_{i}" for i in range(8)]
    lucky = EntryScores("lucky", dict.fromkeys(suite[:n], (0.95,)))
    first, second = noisy("first", 0.9, 0.05), noisy("second", 0.895, 0.05)
    unlucky = EntryScores("unlucky", dict.fromkeys(suite[:n], (-0.5,)))
    found = suite_uncertainty([lucky, first, second, unlucky], suite, None)
    assert found[0] == Uncertainty(None, None, None, None, 1)
    assert found[3] == Uncertainty(None, None, None, None, 4)
    assert [one.tie_rank for one in found[1:3]] == [2, 2]
    twin = EntryScores("twin", dict.fromkeys(suite, (0.95,)))
    assert [one.tie_rank for one in suite_uncertainty([twin, lucky], suite, None)] == [1, 1]


def test_of_two_entries_the_fewer_tasks_decide_whether_they_tie() -> None:
    suite = [f"task_{i}" for i in range(8)]
    all_tasks = EntryScores("all", dict.fromkeys(suite, (0.5,)))
    ahead = dict(zip(suite, ((x,) for x in (0.49, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8)), strict=True))
    for n, tied in ((8, False), (5, True)):
        first = EntryScores("first", {task: ahead[task] for task in suite[:n]})
        found, other = suite_uncertainty([first, all_tasks], suite, None)
        assert (found.tie_rank, other.tie_rank == 1) == (1, tied)
        # From the other side: whose tasks are fewer does not matter.
        less = EntryScores("less", {task: (1.0 - ahead[task][0],) for task in suite[:n]})
        found, other = suite_uncertainty([all_tasks, less], suite, None)
        assert (found.tie_rank, other.tie_rank == 1) == (1, tied)


@quick
@given(st.lists(scores, max_size=7), st.sampled_from([0.5, 0.95]))
def test_the_interval_of_runs_is_students(figures: list[float], level: float) -> None:
    found = mean_interval(figures, level)
    if len(figures) < 3:
        assert found is None
        return
    assert found is not None
    mean, error = float(np.mean(figures)), float(stats.sem(figures))
    if min(figures) == max(figures):
        assert found == (pytest.approx(mean), found[0]), "no width"
        return
    low, high = stats.t.interval(level, len(figures) - 1, mean, error) if error else (mean, mean)
    assert found == pytest.approx((max(low, -1), min(high, 1)), abs=1e-9)
    assert -1 <= found[0] <= point_mean([figures], None) <= found[1] <= 1


def test_on_a_task_few_runs_say_nothing_and_stand_as_they_are() -> None:
    found = task_uncertainty(
        [
            ("top", (0.80, 0.90, 0.85, 0.95)),
            ("once", (0.87,)),
            ("near", (0.70, 0.92, 0.85, 0.90)),
            ("twice", (0.80, 0.82)),
            ("far", (0.10, 0.12, 0.11)),
        ],
        "a_law",
    )
    assert [one.tie_rank for one in found] == [1, 2, 1, 4, 5]
    assert found[1] == Uncertainty(None, None, None, None, 2)
    assert found[3] == Uncertainty(None, None, None, None, 4)
    assert (found[4].rank_low, found[4].rank_high) == (5, 5)
    assert (found[0].mean_low, found[0].mean_high) == mean_interval((0.80, 0.90, 0.85, 0.95))


def test_on_a_task_ranks_vary_with_the_runs() -> None:
    """The share of draws in which one of two is ahead, counted over all that can be drawn."""
    mine, yours = (5, 7, 9), (2, 4, 8)
    lost = [
        sum(x) < sum(y)
        for x in itertools.product(mine, repeat=3)
        for y in itertools.product(yours, repeat=3)
    ]
    share = sum(lost) / len(lost)
    assert 0.01 < share < 0.3
    runs_by_entry = [(key, tuple(x / 10 for x in r)) for key, r in (("m", mine), ("y", yours))]
    for beyond, rank_high in ((1.1 * share, 1), (0.9 * share, 2)):
        # The level whose percentiles, expanded for three runs, leave out as much.
        level = 1 - 2 * stats.t.sf(stats.norm.isf(beyond) * np.sqrt(2 / 3), 2)
        first, _ = task_uncertainty(runs_by_entry, "a_law", draws=20_000, level=level)
        assert (first.rank_low, first.rank_high) == (1, rank_high)


def test_no_entries_are_no_rows() -> None:
    assert suite_uncertainty([], TASKS, -1.0) == []
    assert suite_uncertainty([], [], None) == []
    assert task_uncertainty([], "a_law") == []


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: EntryScores("me", {"a": (0.1, 1.5)}), "me has 1.5"),
        (lambda: EntryScores("me", {"a": (float("nan"),)}), "me has nan"),
        (lambda: task_uncertainty([("me", (-1.1,))], "a"), "me has -1.1"),
        (lambda: task_uncertainty([("me", ())], "a"), "needs a task that counts"),
        (lambda: task_uncertainty([("me", (0,)), ("me", (1,))], "a"), "names of their own"),
        (lambda: task_uncertainty([("me", (0,))], "a", draws=0), "at least 1"),
        (lambda: suite_uncertainty([EntryScores("me", {})], ["a"], None), "task that counts"),
        (lambda: suite_uncertainty([], ["a", "a"], None), "names of their own"),
        (lambda: suite_uncertainty([], ["a"], None, draws=0), "at least 1"),
        (lambda: mean_interval((0.1, 0.2, 0.3), level=1.0), "between 0 and 1"),
    ],
)
def test_what_makes_no_sense_is_refused(call: object, expected: str) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=expected):
        call()


def test_slow_imports_are_not_needed() -> None:
    probe = (
        "import sys\n"
        "from harness.leaderboard import paired, uncertainty\n"
        "assert 'scipy' not in sys.modules\n"
        "uncertainty.mean_interval((0.1, 0.2, 0.4))\n"
        "assert 'scipy.stats' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", probe], check=True)
