"""What runs amount to: the public convention, and invariants that no ranking may break."""

from __future__ import annotations

import math
import random

import pytest
from board_samples import PROGRAM, TASKS, Task, claim, page, run
from hypothesis import given
from hypothesis import strategies as st

from harness.leaderboard.entries import claimed_entries, entries, sorted_runs
from harness.leaderboard.notes import claim_notes
from harness.leaderboard.standings import suite_rows, task_rows
from harness.results.records import StoredRun

NANO = [task for task in TASKS if task.suite == "nano"]

figures = st.floats(-3, 1) | st.none()
rules = st.sampled_from([None, None, "too many constants"])


@st.composite
def boards(draw: st.DrawFn) -> list[StoredRun]:
    places = draw(
        st.lists(
            st.tuples(
                st.sampled_from([task.name for task in TASKS]),
                st.sampled_from(["codex", "human"]),
                st.sampled_from(["gpt_5", "o4_mini"]),
                st.integers(1, 4),
            ),
            unique=True,
            max_size=20,
        )
    )
    runs = []
    for task, agent, model, number in places:
        r2 = draw(figures)
        rule = None if r2 is None else draw(rules)
        runs.append(run(number, r2, task=task, agent=agent, model=model, violation=rule))
    return runs


@given(boards(), st.randoms(use_true_random=False))
def test_the_order_of_the_runs_changes_nothing(
    board: list[StoredRun], shuffler: random.Random
) -> None:
    shuffled = list(board)
    shuffler.shuffle(shuffled)
    assert entries(shuffled) == entries(board)
    assert suite_rows(entries(shuffled), NANO) == suite_rows(entries(board), NANO)


@given(boards())
def test_figures_lie_between_the_floor_and_the_best(board: list[StoredRun]) -> None:
    for entry in entries(board):
        assert -1 <= entry.min <= entry.mean + 1e-12
        assert entry.mean <= entry.best + 1e-12
        assert entry.n_runs == len(entry.runs) >= entry.setbacks


@given(st.lists(figures, min_size=1, max_size=5), figures)
def test_another_run_never_raises_the_min_or_lowers_the_best(
    before: list[float | None], added: float | None
) -> None:
    runs = [run(number, r2) for number, r2 in enumerate(before)]
    (old,) = entries(runs)
    (new,) = entries([*runs, run(len(runs), added)])
    assert new.min <= old.min
    assert new.best >= old.best


@given(boards())
def test_ranks_follow_the_means(board: list[StoredRun]) -> None:
    rows = suite_rows(entries(board), NANO)
    for row in rows:
        assert row.rank == 1 + sum(other.mean > row.mean for other in rows)
    assert [row.rank for row in rows] == sorted(row.rank for row in rows)


@given(st.lists(st.tuples(figures, st.integers(1, 5), st.integers(1, 5)), min_size=2, max_size=2))
def test_how_often_a_score_was_reached_ranks_nobody_higher(
    tasks: list[tuple[float | None, int, int]],
) -> None:
    """Regression: 0.80196 in three runs was ranked below 0.80196 in one."""
    runs = [
        run(number, r2, task=task.name, agent=agent)
        for task, (r2, *counts) in zip(NANO, tasks, strict=True)
        for agent, count in zip(("codex", "goose"), counts, strict=True)
        for number in range(count)
    ]
    found = entries(runs)
    assert [row.rank for row in suite_rows(found, NANO)] == [1, 1]
    for task in NANO:
        assert [row.rank for row in task_rows(found, task.name)] == [1, 1]


def test_a_failure_or_a_violation_counts_the_floor() -> None:
    (entry,) = entries([run(1, 0.5), run(2, None), run(3, 0.99, violation="rule"), run(4, -7.0)])
    assert (entry.best, entry.min) == (0.5, -1.0)
    assert entry.mean == (0.5 - 1 - 1 - 1) / 4
    assert (entry.n_runs, entry.failures, entry.violations, entry.setbacks) == (4, 1, 1, 2)


def test_violating_and_failed_runs_come_after_the_others() -> None:
    runs = [
        run(1, None),
        run(2, 0.99, violation="rule"),
        run(3, 0.1),
        run(4, 0.7),
        run(5, 0.7),
        run(6, -9),
    ]
    assert [item.key.run for item in sorted_runs(runs)] == [4, 5, 3, 6, 2, 1]


def test_a_task_without_runs_counts_the_floor() -> None:
    (row,) = suite_rows(entries([run(1, 0.5), run(2, 0.7)]), NANO)
    assert row.mean == pytest.approx((0.6 - 1) / 2)
    assert row.best == pytest.approx((0.7 - 1) / 2)
    assert (row.n_tasks, row.n_tasks_with_runs, row.n_runs) == (2, 1, 2)
    assert row.n_tasks_counted == 1


def test_ties_share_a_rank_and_go_by_agent_and_model() -> None:
    runs = [
        run(1, 0.5, agent="b", model="z"),
        run(1, 0.5, agent="b", model="a"),
        run(1, 0.5, agent="a", model="z"),
        run(1, 0.1, agent="a", model="a"),
    ]
    rows = task_rows(entries(runs), "small_law")
    assert [(row.rank, *row.entry.pair) for row in rows] == [
        (1, "a", "z"),
        (1, "b", "a"),
        (1, "b", "z"),
        (4, "a", "a"),
    ]
    assert [row.rank for row in suite_rows(entries(runs), NANO)] == [1, 1, 1, 4]


def test_a_suite_averages_its_own_tasks_only() -> None:
    runs = [run(1, 0.5), run(1, 0.9, task="wide_law"), run(1, 0.9, task="of_no_suite")]
    (row,) = suite_rows(entries(runs), [task for task in TASKS if task.suite == "wide"])
    assert (row.suite, row.mean, row.n_tasks) == ("wide", 0.9, 1)
    assert suite_rows(entries(runs), []) == []
    assert suite_rows([], [Task("a", "A", "s")]) == []


def test_claims_stand_as_the_page_prints_them() -> None:
    (entry,) = claimed_entries([claim(page("x", ("0.9", "0.8", "-1.5"), mean="0.123456"))])
    assert (entry.best, entry.mean, entry.min) == (0.9, 0.123456, -1.0)
    assert (entry.n_runs, entry.model_name, entry.runs) == (3, "o4-mini", ())
    (row,) = suite_rows([entry], NANO)
    assert math.isclose(row.mean, (0.123456 - 1) / 2)


@pytest.mark.parametrize(
    ("r2", "r2_fit", "expected"),
    [
        (
            0.9921,
            0.99694,
            "equals our R² on the train rows (0.996940), not the held-out one (0.992100).",
        ),
        (0.996946, 0.5, "equals our held-out R² (0.996946)."),
        (0.99695, 0.99694, "lies within 0.001 of our held-out R² (0.996950)."),
        (0.5, 0.6, "is neither our held-out R² (0.500000) nor our R² on the train rows (0.600000)"),
        (0.5, None, "is not our held-out R² (0.500000)."),
        (None, None, "is not confirmed: the same program failed here (candidate error: division"),
    ],
)
def test_a_note_says_what_a_claimed_figure_turns_out_to_be(
    r2: float | None, r2_fit: float | None, expected: str
) -> None:
    claimed = claim(page(PROGRAM.decode(), ("0.996946",)))
    (note,) = claim_notes(claimed, [run(1, r2, r2_fit=r2_fit)])
    assert note.startswith("The claimed R² 0.996946 ")
    assert expected in note


def test_a_clipped_claim_is_recognised() -> None:
    (note,) = claim_notes(claim(page(PROGRAM.decode(), ("-1.000000",))), [run(1, -4.0)])
    assert "equals our held-out R² (-4.000000)" in note


def test_only_the_same_program_is_compared_with_a_claim() -> None:
    assert claim_notes(claim(page("something else")), [run(1)]) == []
    assert claim_notes(claim(page("")), [run(1, program=b"")]) == []
