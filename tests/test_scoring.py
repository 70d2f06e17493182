"""The figures, against closed forms and against what must not change them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from harness.evaluation.records import GroupFigures
from harness.evaluation.rules import (
    Batch,
    Part,
    check_constants,
    compare,
    count_constants,
    other_order,
    small_batches,
)
from harness.evaluation.scoring import SplitFigures, figures, join, nmse, per_group, per_target
from harness.tasks.data import GroupRows

number = st.floats(-1e3, 1e3).map(lambda x: round(x, 3))


@st.composite
def measured_and_predicted(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    shape = (draw(st.integers(2, 12)), draw(st.integers(1, 3)))
    measured = draw(hnp.arrays(np.float64, shape, elements=number))
    assume((np.std(measured, axis=0) > 0.1).all())
    return measured, draw(hnp.arrays(np.float64, shape, elements=number))


def found(measured: np.ndarray, predicted: np.ndarray) -> SplitFigures:
    split = figures(measured, predicted)
    assert split is not None
    return split


def column(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)[:, None]


def rows(group: str, targets: np.ndarray) -> GroupRows:
    return GroupRows(group, np.zeros((len(targets), 1)), targets)


def test_the_figures_of_a_case_worked_by_hand() -> None:
    split = found(column(1, 2, 3, 6), column(1, 3, 3, 4))
    # Mean 3, variance (4 + 1 + 0 + 9) / 4 = 3.5, squared errors 5 / 4; absolute 3 / 4 over 6 / 4.
    assert split.nmse == pytest.approx(1.25 / 3.5, rel=1e-15)
    assert split.r2 == pytest.approx(1 - 1.25 / 3.5, rel=1e-15)
    assert split.nmae == pytest.approx(0.5, rel=1e-15)


def test_several_targets_are_averaged_each_over_its_own_variance() -> None:
    """A target in the thousands must not drown one in hundredths."""
    measured = np.hstack([column(1, 2, 3, 6), 1000 * column(0, 1, 0, 1)])
    predicted = np.hstack([column(1, 3, 3, 4), 1000 * column(0.5, 0.5, 0.5, 0.5)])
    split = found(measured, predicted)
    assert split.nmse == pytest.approx((1.25 / 3.5 + 1.0) / 2, rel=1e-15)
    assert split.nmae == pytest.approx((0.5 + 1.0) / 2, rel=1e-15)


@given(measured_and_predicted())
def test_r2_agrees_with_sums_of_squares(pair: tuple[np.ndarray, np.ndarray]) -> None:
    measured, predicted = pair
    each = []
    for y, p in zip(measured.T.tolist(), predicted.T.tolist(), strict=True):
        mean = math.fsum(y) / len(y)
        left = math.fsum((a - b) ** 2 for a, b in zip(y, p, strict=True))
        each.append(1 - left / math.fsum((a - mean) ** 2 for a in y))
    assert found(measured, predicted).r2 == pytest.approx(math.fsum(each) / len(each), rel=1e-9)


@given(measured_and_predicted())
def test_perfect_predictions_have_r2_one_and_no_error(pair: tuple[np.ndarray, np.ndarray]) -> None:
    assert found(pair[0], pair[0].copy()) == SplitFigures(r2=1.0, nmse=0.0, nmae=0.0)


@given(measured_and_predicted())
def test_predicting_the_mean_has_r2_zero(pair: tuple[np.ndarray, np.ndarray]) -> None:
    measured = pair[0]
    mean = np.broadcast_to(measured.mean(axis=0), measured.shape)
    split = found(measured, mean)
    assert split.r2 == pytest.approx(0.0, abs=1e-9)
    assert split.nmae == pytest.approx(1.0, rel=1e-9)


@given(measured_and_predicted(), st.integers(0, 1000))
def test_the_order_of_rows_changes_nothing(pair: tuple[np.ndarray, np.ndarray], seed: int) -> None:
    measured, predicted = pair
    order = np.random.default_rng(seed).permutation(len(measured))
    before, after = found(measured, predicted), found(measured[order], predicted[order])
    assert after.r2 == pytest.approx(before.r2, rel=1e-9, abs=1e-9)
    assert after.nmae == pytest.approx(before.nmae, rel=1e-9, abs=1e-9)


@given(measured_and_predicted(), st.floats(-100, 100), st.floats(0.01, 100), st.booleans())
def test_units_of_the_targets_change_nothing(
    pair: tuple[np.ndarray, np.ndarray], shift: float, scale: float, flip: bool
) -> None:
    factor = -scale if flip else scale
    before = found(*pair)
    after = found(*(factor * values + shift for values in pair))
    assert after.r2 == pytest.approx(before.r2, rel=1e-6, abs=1e-6)
    assert after.nmae == pytest.approx(before.nmae, rel=1e-6, abs=1e-6)


@given(measured_and_predicted(), st.integers(0, 100))
def test_how_rows_are_split_into_groups_changes_no_pooled_figure(
    pair: tuple[np.ndarray, np.ndarray], at: int
) -> None:
    measured, predicted = pair
    cut = at % len(measured)
    groups = [rows("x", measured[cut:]), rows("y", measured[:cut])]
    by_group = {"y": predicted[:cut], "x": predicted[cut:]}
    before, after = found(measured, predicted), found(*join(groups, by_group))
    assert after.r2 == pytest.approx(before.r2, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    "measured",
    [column(2, 2, 2), column(5), np.empty((0, 1)), np.array([[1.0, 7.0], [2.0, 7.0]])],
    ids=["constant", "one row", "no row", "one of two targets constant"],
)
def test_where_a_target_does_not_vary_there_is_no_figure(measured: np.ndarray) -> None:
    """A division by a variance of zero gave minus infinity for a whole task elsewhere."""
    assert nmse(measured, measured + 1) is None
    assert figures(measured, measured + 1) is None


def test_a_spread_too_small_to_be_squared_is_no_spread() -> None:
    tiny = column(1e-200, 2e-200)
    assert figures(tiny, tiny) is None


def test_groups_have_their_own_figures_and_none_where_nothing_varies() -> None:
    train = [rows("a", column(1, 2, 3)), rows("b", column(4, 4)), rows("c", column(1, 2))]
    test = [rows("a", column(1, 3)), rows("b", column(9))]
    predicted_train = {"a": column(1, 2, 3), "b": column(4, 4)}
    predicted_test = {"a": column(2, 2), "b": column(9)}
    assert per_group(train, test, predicted_train, predicted_test) == {
        "a": GroupFigures(r2=0.0, r2_fit=1.0, n_train=3, n_test=2),
        "b": GroupFigures(r2=None, r2_fit=None, n_train=2, n_test=1),
        "c": GroupFigures(r2=None, r2_fit=None, n_train=2, n_test=0),
    }


def test_groups_are_judged_by_their_own_mean() -> None:
    """Pooled R² flatters: the group means alone get 0.96 and know nothing about scaling."""
    test = [rows("a", column(1, 2)), rows("b", column(11, 12))]
    means = {"a": column(1.5, 1.5), "b": column(11.5, 11.5)}
    assert found(*join(test, means)).r2 == pytest.approx(1 - 0.25 / 25.25)
    assert {figure.r2 for figure in per_group([], test, {}, means).values()} == {0.0}


def test_targets_have_their_own_figures() -> None:
    measured = np.hstack([column(1, 2, 3), column(0, 0, 6)])
    predicted = np.hstack([column(1, 2, 3), column(2, 2, 2)])
    table = per_target(["x", "y"], (measured, predicted), None)
    assert table["x"].r2 == 1.0
    assert table["y"].r2 == 0.0
    assert table["x"].r2_fit is None
    both = per_target(["x", "y"], (measured, predicted), (measured, measured))
    assert (both["x"].r2_fit, both["y"].r2_fit) == (1.0, 1.0)


def test_constants_are_counted_for_the_largest_group() -> None:
    sizes = {"b": 8, "a": 9, "c": 9}
    assert check_constants(sizes, 9) is None
    assert check_constants(sizes, None) is None
    violation = check_constants(sizes, 7)
    assert violation is not None
    assert violation.rule == "max_params"
    assert violation.message == "9 constants for group 'a'; the task allows 7 per group"


def part(count: int, split: str = "test") -> Part:
    return Part("a", split, np.arange(float(count))[:, None])


@given(st.integers(1, 9), st.integers(1, 9))
def test_every_row_is_predicted_in_a_half_and_alone(n_test: int, n_train: int) -> None:
    parts = [part(n_test), part(n_train, "train")]
    requests = small_batches(parts, np.random.default_rng(0))
    # Each is answered before the next is sent.
    assert len(requests) == (1 if n_test == n_train == 1 else 3)
    assert [(len(batch.rows), batch.alone) for batch in requests[0]] == [(1, True), (1, True)]
    for one in parts:
        count = len(one.features)
        later = [b for request in requests[1:] for b in request if b.part is one]
        if count == 1:
            assert later == []  # the one row was all of it
            continue
        halves = [batch for batch in later if not batch.alone]
        (alone,) = [batch for batch in later if batch.alone]
        assert sorted(np.concatenate([batch.rows for batch in halves])) == list(range(count))
        assert sorted(alone.rows) == list(range(count))
        assert all(len(batch.rows) <= (count + 1) // 2 for batch in halves)
        assert alone in requests[2]
        for batch in later:
            np.testing.assert_array_equal(batch.features, one.features[batch.rows])


@given(st.integers(1, 9), st.integers(0, 99))
def test_no_group_has_the_same_groups_before_it_twice(count: int, seed: int) -> None:
    first = [str(number) for number in range(count)]
    again = other_order(first, np.random.default_rng(seed))
    assert sorted(again) == first
    if count > 1:
        assert again[0] != first[0]  # what comes after others has none before it now
    for group in again[1:]:
        before, anew = set(first[: first.index(group)]), set(again[: again.index(group)])
        assert before & anew <= {again[0]}


@given(st.integers(0, 9), st.integers(0, 9))
def test_every_group_but_the_first_may_come_first(count: int, seed: int) -> None:
    groups = [str(number) for number in range(count)]
    rng = np.random.default_rng(seed)
    ahead = {other_order(groups, rng)[0] for _ in range(300 * (count > 2))}
    assert count <= 2 or ahead == set(groups[1:])


@pytest.mark.parametrize(
    ("shape", "count"),
    [
        ((), 1),
        ((4,), 4),
        ((0,), 0),
        ((2, 3), 6),
        ((1, 4), 4),
        ((1, 1, 4), 5),
        ((1,) * 9 + (4,), 12),
        ((0, 7), 1),
        ((3, 0, 7), 3),
    ],
)
def test_what_a_shape_can_tell_counts_as_constants(shape: tuple[int, ...], count: int) -> None:
    assert count_constants(np.zeros(shape)) == count


def test_small_differences_are_rounding_and_larger_ones_are_not() -> None:
    values = column(1.0, 100.0, 1e-8, 5.0)
    batch = Batch(part(4), np.arange(4))
    scale = np.ones(1)
    allowed = 1e-9 * column(1.0, 100.0, 1.0, 5.0)  # relative to |p| or the spread of the split
    assert compare(batch, values, values + 0.9 * allowed, scale) is None
    for row in range(4):
        off = values.copy()
        off[row] += 1.1 * allowed[row]
        violation = compare(batch, values, off, scale)
        assert violation is not None
        assert f"test row {row + 1} of group 'a'" in violation.message


def test_rows_far_beyond_all_numbers_differ_without_a_warning() -> None:
    batch = Batch(part(2), np.arange(2))
    violation = compare(batch, column(1e308, 1.0), column(-1e308, 1.0), np.ones(1))
    assert violation is not None
