"""What rows count in fits: those of larger scale more."""

from __future__ import annotations

import numpy as np
import pytest
from evolution_samples import LAWS, rows
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness.evolution.batch_fit import Problem, fit_batch
from harness.evolution.emit import Emission, refit, write_program
from harness.evolution.expression import Law, Term
from harness.evolution.factors import Power, Raw
from harness.evolution.fitness import Judge
from harness.evolution.folds import plan_folds
from harness.evolution.rows import Axis, FloatArray, Kind, sizes_of
from harness.evolution.runtime import row_weights
from harness.evolution.scales import Feature
from harness.evolution.starts import start_points
from harness.evolution.weights import weights_of

NUMBERS = st.integers(-50, 50).map(float)
TABLES = st.integers(2, 30).flatmap(
    lambda n: st.tuples(arrays(float, (n, 2), elements=NUMBERS), arrays(float, n, elements=NUMBERS))
)


@given(TABLES)
@settings(max_examples=60, deadline=None)
def test_rows_count_at_most_twenty_times_another_and_add_up_to_the_effective_number(
    table: tuple[FloatArray, FloatArray],
) -> None:
    weights = row_weights(table[0], table[1], [0, 1])
    assert (weights > 0).all()
    assert weights.max() / weights.min() <= np.exp(3.0) * (1 + 1e-12)
    assert weights.sum() == pytest.approx(np.square(weights.sum()) / np.square(weights).sum())
    assert weights.sum() <= len(weights) * (1 + 1e-12)


@given(TABLES, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_only_the_order_of_values_decides_and_rows_may_come_in_any_order(
    table: tuple[FloatArray, FloatArray], random: object
) -> None:
    x, y = table
    weights = row_weights(x, y, [0, 1])
    np.testing.assert_allclose(row_weights(np.exp(x / 10), np.exp(y / 10), [0, 1]), weights)
    order = list(range(len(y)))
    random.shuffle(order)  # type: ignore[attr-defined]
    np.testing.assert_allclose(row_weights(x[order], y[order], [0, 1]), weights[order])


@pytest.mark.parametrize("sign", [1.0, -1.0], ids=["an error falls", "an accuracy rises"])
def test_larger_runs_count_more_whichever_way_the_target_goes(sign: float) -> None:
    size = np.geomspace(1e6, 1e9, 12)
    weights = row_weights(size[:, None], sign * size**-0.3, [0])
    assert (np.diff(weights) > 0).all()


def test_a_feature_that_changes_nothing_decides_nothing() -> None:
    size, other = (part.ravel() for part in np.meshgrid(np.geomspace(1e6, 1e9, 6), np.arange(5.0)))
    both = np.stack([size, other], axis=1)
    np.testing.assert_allclose(
        row_weights(both, size**-0.3, [0, 1]), row_weights(size[:, None], size**-0.3, [0])
    )


def test_a_target_that_never_changes_leaves_all_rows_alike() -> None:
    np.testing.assert_allclose(row_weights(np.arange(6.0)[:, None], np.ones(6), [0]), 1.0)


def test_shares_do_not_say_what_is_larger() -> None:
    axes = (Axis("a", Kind.SHARE, 1.0), Axis("n", Kind.SCALE, 1e6), Axis("b", Kind.LOG, 0.0))
    assert sizes_of(axes) == [1, 2]


def test_a_fold_weighs_its_own_rows_and_no_other() -> None:
    data = rows()
    for fold in plan_folds(data):
        weights = weights_of(data, fold.fitted)
        assert ((weights > 0) == fold.fitted).all()
        for group, fitted in enumerate(fold.fitted):
            alone = row_weights(data.values[group, fitted], data.y[group, fitted], [0, 1])
            np.testing.assert_array_equal(weights[group, fitted], alone)


def test_of_a_long_group_rows_are_drawn_and_count_as_effectively_as_they_are_many() -> None:
    data, law = rows(), LAWS["sum"]
    whole, some = Judge(data, (), None), Judge(data, (), 20)
    assert some._drawn.shape[1] == 20
    squares = np.square(some._drawn)
    np.testing.assert_allclose(squares.sum(axis=1), np.square(squares).sum(axis=1))
    assert some.score(law).fit == pytest.approx(whole.score(law).fit, abs=1e-3)


def test_a_law_that_is_not_quite_right_is_right_where_runs_are_large() -> None:
    """A power law fitted to a broken one: weights move its error to the small runs."""
    size = np.geomspace(1e6, 1e9, 30)
    y = 30.0 * size**-0.1 * (1.0 + (size / 3e7) ** 2.0) ** -0.05
    axis, law = Axis("size", Kind.SCALE, 3e7), Law((Term((Power(Feature(0)),)),), offset=False)
    columns, starts = (axis.coordinate(size)[None],), start_points(law, 1)
    alike = fit_batch(law, Problem(columns, y[None], np.ones((1, 30))), starts, 40)
    constants = refit(law, [axis], starts, size[:, None], y[:, None])[0]
    weighed = constants[0] * np.exp(constants[1] * columns[0][0])
    assert abs(weighed[-1] - y[-1]) < 0.7 * abs(alike.fitted[0, -1] - y[-1])
    assert abs(weighed[0] - y[0]) > abs(alike.fitted[0, 0] - y[0])


def test_at_a_fixed_budget_of_compute_nothing_is_larger_and_all_rows_count_alike() -> None:
    """Parameters and tokens rank the other way round: rounding must not say which way is up."""
    size = np.geomspace(1e6, 1e9, 13)
    y = np.random.default_rng(0).permutation(13) / 13 + size**-0.1
    both = np.stack([size, 1e18 / size], axis=1)
    np.testing.assert_allclose(row_weights(both, y, [0, 1]), 1.0)


def test_among_shares_alone_the_least_target_counts_most() -> None:
    share = np.linspace(0.1, 0.9, 9)
    both = np.stack([share, 1.0 - share], axis=1)
    for y in (share**2, -(share**2)):
        assert row_weights(both, y, []).argmax() == y.argmin()


def test_a_program_of_several_targets_and_shares_weighs_as_its_trees_do() -> None:
    rng = np.random.default_rng(5)
    size, share = np.geomspace(1e6, 1e9, 24), rng.uniform(0.1, 0.9, 24)
    x = np.stack([size, share], axis=1)
    y = np.stack([size**-0.2 + share, 2.0 * size**-0.1 + share**2], axis=1)
    axes = (Axis("size", Kind.SCALE, 3e7), Axis("share", Kind.SHARE, 1.0))
    law = Law((Term((Power(Feature(0)),)), Term((Raw(1, share=True),))))
    starts = start_points(law, 2)
    namespace: dict[str, object] = {}
    text = write_program(law, Emission("A law", axes, ("a", "b"), starts))
    exec(compile(text, "law.py", "exec", dont_inherit=True), namespace)
    found = namespace["fit_scaling_law"](x, y)  # type: ignore[operator]
    np.testing.assert_array_equal(found, refit(law, axes, starts, x, y))
