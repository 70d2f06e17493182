"""The three ways of counting runs, and the ranks, ranges and ties of the tables in each."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

import pytest
from board_samples import TASKS, Task, run
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.leaderboard.board import BoardSuite
from harness.leaderboard.entries import entries
from harness.leaderboard.index_page import index_page
from harness.leaderboard.page_names import PageNames
from harness.leaderboard.readings import AS_RUN, Counting, Figures, Reading, readings_of
from harness.leaderboard.standings import suite_rows, task_rows
from harness.leaderboard.tables import suite_tables
from harness.leaderboard.ties import tie_marks
from harness.leaderboard.uncertainty import Uncertainty
from harness.results.records import StoredRun

NANO = [task for task in TASKS if task.suite == "nano"]
FILLED = Counting(Reading.FILLED, 5)
SUCCESSES = Counting(Reading.SUCCESSES)
FIVE = tuple(Task(f"law_{i}", f"Law {i}", "five") for i in range(5))

quick = settings(max_examples=40, deadline=None)
figures = st.one_of(st.floats(-3, 1), st.none())


def figures_of(counting: Counting, *scores: float | None) -> Figures | None:
    (entry,) = entries([run(number, r2) for number, r2 in enumerate(scores, 1)])
    return counting.figures(entry)


@st.composite
def boards(draw: st.DrawFn, tasks: Sequence[Task] = FIVE) -> list[StoredRun]:
    places = draw(
        st.lists(
            st.tuples(
                st.sampled_from([task.name for task in tasks]),
                st.sampled_from(["codex", "human", "goose"]),
                st.sampled_from(["gpt_5", "o4_mini"]),
                st.integers(1, 6),
            ),
            unique=True,
            min_size=1,
            max_size=40,
        )
    )
    return [
        run(number, draw(figures), task=task, agent=agent, model=model)
        for task, agent, model, number in places
    ]


@pytest.mark.parametrize(
    ("counting", "expected"),
    [
        (AS_RUN, Figures(0.8, (0.8 + 0.6 - 1) / 3, -1.0)),
        (FILLED, Figures(0.8, (0.8 + 0.6 - 3) / 5, -1.0)),
        (Counting(Reading.FILLED, 2), Figures(0.8, (0.8 + 0.6 - 1) / 3, -1.0)),
        (SUCCESSES, Figures(0.8, 0.7, 0.6)),
    ],
)
def test_two_runs_and_a_failure(counting: Counting, expected: Figures) -> None:
    found = figures_of(counting, 0.6, None, 0.8)
    assert found is not None
    assert (found.best, found.min) == (expected.best, expected.min)
    assert found.mean == pytest.approx(expected.mean, abs=1e-12)


def test_a_run_that_breaks_a_rule_is_no_success() -> None:
    (entry,) = entries([run(1, 0.9, violation="too many constants"), run(2, 0.5)])
    assert SUCCESSES.scores(entry) == (0.5,)
    assert AS_RUN.scores(entry) == (0.5, -1.0)


def test_where_no_run_succeeded_nothing_counts_and_the_row_comes_last() -> None:
    runs = [run(1, None), run(1, -0.9, agent="goose")]
    assert figures_of(SUCCESSES, None, None) is None
    first, last = task_rows(entries(runs), "small_law", SUCCESSES)
    assert (first.entry.agent, last.entry.agent) == ("goose", "codex")
    assert (last.rank, last.mean) == (2, None)


def test_successes_leave_out_tasks_that_the_other_readings_count_minus_one() -> None:
    runs = [run(1, 0.5, task="small_law")]
    means = {
        counting.reading: suite_rows(entries(runs), NANO, counting)[0].mean
        for counting in (AS_RUN, FILLED, SUCCESSES)
    }
    assert means[Reading.AS_RUN] == pytest.approx((0.5 - 1) / 2)
    assert means[Reading.FILLED] == pytest.approx(((0.5 - 4) / 5 - 1) / 2)
    assert means[Reading.SUCCESSES] == 0.5


def test_a_suite_that_expects_no_number_of_runs_has_no_filled_reading() -> None:
    assert [counting.reading for counting in readings_of(None)] == ["as-run", "successes"]
    assert [counting.reading for counting in readings_of(5)] == ["as-run", "filled", "successes"]


@given(st.lists(figures, min_size=1, max_size=6), figures)
def test_a_worse_run_never_raises_the_min(before: list[float | None], added: float | None) -> None:
    # Filled up, a run below the expected number takes the place of one that counts -1.
    full = (FILLED,) if len(before) >= 5 else ()
    for counting in (AS_RUN, SUCCESSES, *full):
        old, new = figures_of(counting, *before), figures_of(counting, *before, added)
        if old is not None and new is not None:
            assert new.min <= old.min
            assert new.best >= old.best


@given(st.lists(figures, min_size=1, max_size=8))
def test_filling_never_helps_and_dropping_failures_never_hurts(scores: list[float | None]) -> None:
    as_run, filled = figures_of(AS_RUN, *scores), figures_of(FILLED, *scores)
    successes = figures_of(SUCCESSES, *scores)
    assert as_run is not None
    assert filled is not None
    assert filled.mean <= as_run.mean + 1e-12
    assert successes is None or successes.mean >= as_run.mean - 1e-12
    if len(scores) >= 5:
        assert filled == as_run


@quick
@given(boards(), st.randoms(use_true_random=False))
def test_no_order_changes_a_table(board: list[StoredRun], shuffler: random.Random) -> None:
    suite = BoardSuite("five", FIVE, 5)
    mixed = BoardSuite("five", tuple(shuffler.sample(FIVE, len(FIVE))), 5)
    before = suite_tables(suite, entries(board))
    after = suite_tables(mixed, entries(shuffler.sample(board, len(board))))
    assert after.readings == before.readings
    by_name = {each.task.name: each.readings for each in after.tasks}
    assert by_name == {each.task.name: each.readings for each in before.tasks}


@quick
@given(boards())
def test_ranges_hold_what_they_are_about(board: list[StoredRun]) -> None:
    found = suite_tables(BoardSuite("five", FIVE, 5), entries(board))
    for table in found.readings:
        for row in table.rows:
            if row.pair not in table.sure:
                assert row.mean is None
                continue
            one = table.sure[row.pair]
            too_few = table.counting.absent is None and row.n_tasks_counted < 3
            assert (one.rank_low is None) == (one.rank_high is None) == too_few
            if one.rank_low is None or one.rank_high is None:
                assert one.mean_low is None
                continue
            assert one.rank_low <= one.tie_rank <= row.rank <= one.rank_high
            if one.mean_low is not None and one.mean_high is not None:
                assert one.mean_low <= row.mean <= one.mean_high


def test_one_success_among_failures_has_no_range_and_is_shown_as_one() -> None:
    """Regression: tasks on which all runs failed were shown as if they counted."""
    runs = [run(1, 0.99, task="law_0", agent="lucky")]
    runs += [run(1, None, task=task.name, agent="lucky") for task in FIVE[1:]]
    runs += [run(n, 0.9 + n / 100, task=task.name) for task in FIVE for n in (1, 2, 3)]
    found = entries(runs)
    tables = suite_tables(BoardSuite("five", FIVE), found)
    as_run, successes = tables.readings
    first, second = successes.rows
    assert (first.agent, first.n_tasks_counted, first.n_tasks_with_runs) == ("lucky", 1, 5)
    assert (second.n_tasks_counted, as_run.rows[1].n_tasks_counted) == (5, 5)
    assert successes.sure[first.pair] == Uncertainty(None, None, None, None, 1)
    assert successes.sure[second.pair].tie_rank == 2
    names = PageNames((entry.task, *entry.pair) for entry in found)
    html = index_page([tables], [], names, measured=True)
    shown = [re.findall(r"(\d) of 5 tasks", part) for part in html.split("data-reading=")[1:]]
    assert [part for part in shown if part] == [["5", "5"], ["1", "5"]]


def test_brackets_join_neighbours_with_one_tie_rank() -> None:
    pairs = [("a", "m"), ("b", "m"), ("c", "m"), ("d", "m"), ("e", "m"), ("f", "m")]
    ranks = [1, 1, 3, 1, 5, None]
    sure = {
        pair: Uncertainty(None, None, None, None, rank)
        for pair, rank in zip(pairs, ranks, strict=True)
        if rank is not None
    }
    found = [(mark.tied, mark.first, mark.last) for mark in tie_marks(pairs, sure).values()]
    assert found == [
        (True, True, False),
        (True, False, True),
        (False, False, False),
        (True, True, True),
        (False, False, False),
        (False, False, False),
    ]
