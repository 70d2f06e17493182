"""Laws that explode a step beyond the rows count as if they failed on every fold."""

from __future__ import annotations

import numpy as np
from evolution_samples import LAWS, grid, rows, side

from harness.evolution.expression import Law, Term
from harness.evolution.factors import Mixture, Power
from harness.evolution.fitness import Judge
from harness.evolution.folds import plan_folds
from harness.evolution.probes import explodes, probe_columns
from harness.evolution.rows import Kind, train_rows
from harness.evolution.scales import Feature, Shift
from harness.evolution.search import Search
from harness.evolution.variation import Variation
from harness.tasks.data import GroupRows


def shares() -> list[GroupRows]:
    rng = np.random.default_rng(0)
    features = rng.dirichlet(np.ones(3), size=40)
    return [GroupRows("g", features, 1.0 + features[:, :1])]


def test_probes_lie_beyond_the_rows_and_shares_stay_shares() -> None:
    data = rows()
    for column, points in enumerate(probe_columns(data)):
        assert points.max() > data.coordinates[..., column].max()
    mixed = train_rows(shares(), ("a", "b", "c"), ("y",))
    for axis, points in zip(mixed.axes, probe_columns(mixed), strict=True):
        assert axis.kind is Kind.SHARE
        assert (np.exp(points) <= 1.0 + 1e-9).all()


def test_predictions_far_from_the_targets_explode_and_others_do_not() -> None:
    y, weights = np.array([[1.0, 2.0, 3.0]]), np.ones((1, 3))
    assert not explodes(np.array([[-10.0, 20.0]]), y, weights, 1)
    assert explodes(np.array([[0.0, 30.0]]), y, weights, 1)
    assert explodes(np.array([[np.nan]]), y, weights, 1)
    assert explodes(np.array([[np.inf]]), y, weights, 1)


def test_a_group_whose_rows_hardly_differ_makes_no_law_explode() -> None:
    """It has no range that could be left; the folds of the others still tell laws apart."""
    flat = GroupRows("flat", grid()[0].features[-2:], np.full((2, 1), 2.5))
    data = train_rows([*grid(), flat], ("size", "tokens"), ("loss",))
    score = Judge(data, plan_folds(data)).score(LAWS["sum"])
    assert (score.errors < 0.1).all()
    # Two groups of two targets: the second group says nothing of either.
    y, weights = np.array([[1.0, 3.0], [0.0, 0.1], [2.0, 2.0], [0.0, 0.0]]), np.ones((4, 2))
    assert not explodes(np.array([[20.0], [1.0], [20.0], [0.9]]), y, weights, 2)
    assert explodes(np.array([[20.0], [1.0], [20.0], [1.1]]), y, weights, 2)
    assert explodes(np.array([[20.0], [1.0], [23.0], [0.9]]), y, weights, 2)


def test_a_law_that_explodes_is_as_bad_as_can_be_and_a_tame_one_is_not() -> None:
    data = rows()
    judge = Judge(data, plan_folds(data))
    tame = judge.score(LAWS["sum"])
    assert (tame.errors < 1.0).any()
    pole = Law((Term((Power(Shift(Feature(0))),)), Term((Power(Feature(1)),))), link="log")
    spoiled = rows()
    spoiled.y[...] = np.exp(np.exp(0.9 * spoiled.coordinates[..., :1]) / 5.0)
    wild = Judge(spoiled, plan_folds(spoiled)).score(pole)
    assert (wild.errors == 1.0).all()


def test_no_exponential_of_an_exponential_is_bred() -> None:
    mixed = train_rows(shares(), ("a", "b", "c"), ("y",))
    law = Law((Term((Mixture((0, 1)),)),))
    variation = Variation(mixed, None)
    assert variation.allows(law)
    assert not variation.allows(Law(law.terms, link="log"))


def test_where_nobody_caps_constants_published_forms_do() -> None:
    search = Search(side(None), 1)
    largest = max(form.law.n_constants for form in search.offline.forms)
    for number in range(len(search.offline.forms)):
        assert search.propose(number) is not None
    variation = search.offline._variation
    terms = tuple(Term((Power(Feature(n % 2)), Power(Shift(Feature(n % 2))))) for n in range(9))
    assert Law(terms).n_constants > largest
    assert not variation.allows(Law(terms))
