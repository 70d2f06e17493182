"""Folds: what they hold out, and that nothing but train features decides it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from evolution_samples import SCALES, grid, rows
from hypothesis import given
from hypothesis import strategies as st

from harness.evolution.folds import JOINT, joint_ranks, plan_folds
from harness.evolution.rows import Kind, train_rows
from harness.tasks.data import GroupRows


def test_search_folds_hold_out_the_largest_levels_of_each_feature_and_of_all() -> None:
    data = rows()
    folds = [fold for fold in plan_folds(data) if fold.purpose == "search"]
    assert [fold.name for fold in folds] == [
        "top 20% of size",
        "top 40% of size",
        "top 20% of tokens",
        "top 40% of tokens",
        f"top 20% of {JOINT}",
        f"top 40% of {JOINT}",
    ]
    size = data.values[..., 0]
    first, second = folds[:2]
    levels = np.unique(size)
    assert set(size[first.judged]) == set(levels[-1:])  # 20 % of seven levels
    assert set(size[second.judged]) == set(levels[-3:])
    for fold in folds:
        assert not (fold.fitted & fold.judged).any()
        assert (fold.fitted | fold.judged).sum() == data.n_rows


def test_guard_folds_roll_along_the_joint_scale_and_never_look_ahead() -> None:
    data = rows()
    guards = [fold for fold in plan_folds(data) if fold.purpose == "guard"]
    assert len(guards) == 3
    ranks = joint_ranks(data)
    for fold in guards:
        assert ranks[fold.fitted].max() < ranks[fold.judged].min()


@given(st.integers(0, 1000))
def test_losses_decide_nothing(seed: int) -> None:
    data = rows()
    rng = np.random.default_rng(seed)
    other = replace(data, y=rng.permuted(data.y, axis=1))
    for one, two in zip(plan_folds(data), plan_folds(other), strict=True):
        assert one.name == two.name
        np.testing.assert_array_equal(one.fitted, two.fitted)
        np.testing.assert_array_equal(one.judged, two.judged)


def test_groups_of_different_lengths_are_padded_and_padding_is_never_used() -> None:
    long, short = grid()
    short = GroupRows("short", short.features[:20], short.targets[:20])
    data = train_rows([long, short], SCALES, ("loss",))
    assert data.weights.sum() == data.n_rows == len(long.features) + 20
    for fold in plan_folds(data):
        assert not (fold.fitted | fold.judged)[1, 20:].any()


def test_folds_that_would_say_nothing_are_left_out() -> None:
    """Two levels give no level to hold out; one row a group leaves nothing to fit on."""
    features = np.array([[1.0, 1e6], [10.0, 1e6], [1.0, 1e7], [10.0, 1e7]])
    y = np.arange(4.0)[:, None]
    data = train_rows([GroupRows("g", features, y)], SCALES, ("loss",))
    assert all("size" not in fold.name for fold in plan_folds(data))
    single = [GroupRows(f"g{n}", features[n : n + 1], y[n : n + 1]) for n in range(4)]
    assert plan_folds(train_rows(single, SCALES, ("loss",))) == ()


def test_a_group_that_lies_in_the_upper_part_as_a_whole_drops_no_fold() -> None:
    """It is not judged there, for nothing of it is fitted; the others are."""
    large = GroupRows("large", np.array([[1e10, 1e12]]), np.array([[1.6]]))
    folds = plan_folds(train_rows([*grid(), large], SCALES, ("loss",)))
    assert len(folds) >= 6
    assert {fold.purpose for fold in folds} == {"search", "guard"}
    assert all(not fold.judged[2].any() and fold.judged[:2].any() for fold in folds)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1.0, 8.0, 64.0], Kind.SCALE),
        ([0.0, 0.5, 1.0], Kind.SHARE),
        ([0.25, 0.5, 0.6], Kind.SHARE),
        ([1e6, 1.5e6, 2e6], Kind.LOG),
        ([-1.0, 0.0, 3.0], Kind.LOG),
    ],
)
def test_what_a_feature_is_follows_from_its_values(values: list[float], kind: Kind) -> None:
    column = np.array(values)[:, None]
    data = train_rows([GroupRows("g", column, column)], ("x",), ("y",))
    assert data.axes[0].kind is kind
    assert np.isfinite(data.coordinates).all()
