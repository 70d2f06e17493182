"""Constants of published laws keep the sign that they are published with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from evolution_samples import side
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import nnls

import harness
from harness.evolution import offline
from harness.evolution.batch_fit import Problem, fit_batch
from harness.evolution.emit import Emission, predict, refit, write_program
from harness.evolution.expression import Law, Term, normal_form
from harness.evolution.factors import Log, Power
from harness.evolution.forms import terms
from harness.evolution.law_text import from_plain, to_plain
from harness.evolution.proposals import Given
from harness.evolution.report.mathml import named_constants, said_of_zeros
from harness.evolution.rows import Axis, FloatArray, Kind, Loss, TrainRows, train_rows
from harness.evolution.runtime import solve_linear, solve_signed
from harness.evolution.scales import Feature
from harness.evolution.search import Search, SearchSettings
from harness.evolution.starts import start_points
from harness.evolution.textbook import textbook
from harness.tasks.data import GroupRows

POWER, LINE = Term((Power(Feature(0)),)), Term((Log(Feature(0)),))
SUM = Law(terms(Power(Feature(0)), Power(Feature(1))), signs="all")
AXES = tuple(Axis(name, Kind.SCALE, 1.0, 1.0) for name in ("params", "tokens"))
NUMBERS = st.integers(-40, 40).map(lambda n: n / 4)


@pytest.mark.parametrize(
    ("law", "places"),
    [
        (Law((POWER,)), ()),
        (Law((POWER,), signs="terms"), (0,)),
        (Law((POWER,), signs="all"), (0, 1)),
        (Law((POWER,), offset=False, signs="all"), (0,)),
        (Law((POWER, LINE), signs="all"), (0,)),
        (Law((POWER,), link="log", signs="all"), ()),
    ],
    ids=["any", "terms", "all", "no floor", "beside a logarithm", "a logarithm of the target"],
)
def test_which_constants_are_not_negative(law: Law, places: tuple[int, ...]) -> None:
    assert law.positive == places
    assert from_plain(to_plain(law)) == law
    assert normal_form(law) == normal_form(replace(law, signs="any"))


@given(arrays(float, (9, 3), elements=NUMBERS), arrays(float, 9, elements=NUMBERS))
@settings(max_examples=60, deadline=None)
def test_constants_are_not_negative_and_fit_nearly_as_well_as_they_can(
    basis: FloatArray, y: FloatArray
) -> None:
    free = solve_linear(basis, y)
    held = solve_signed(basis, y, (0, 1, 2))
    assert (held >= 0).all()
    left = np.linalg.norm(basis @ held - y)
    best = nnls(basis, y)[1]
    assert best - 1e-9 <= left <= np.linalg.norm(y) + 1e-9
    if (free > 1e-9).all():
        np.testing.assert_array_equal(held, free)
    one = solve_signed(basis, y, (1,))
    assert one[1] >= 0


def _rising() -> tuple[FloatArray, FloatArray]:
    """Return rows of which a free sum of power laws would have a floor below zero."""
    rng = np.random.default_rng(3)
    x = np.exp(rng.uniform(-2, 2, (40, 2)))
    return x, 0.2 - 0.3 * np.log(x[:, :1]) + x[:, 1:] ** -0.4 + 2.0


@pytest.mark.parametrize("loss", ["squares", "robust"])
def test_trees_programs_and_fits_of_many_keep_the_signs(loss: Loss) -> None:
    x, y = _rising()
    starts = start_points(SUM, 4)
    free = refit(replace(SUM, signs="any"), AXES, starts, x, y, loss)
    assert free[0, :3].min() < 0, "the rows would have it negative"
    tree = refit(SUM, AXES, starts, x, y, loss)
    assert tree[0, :3].min() >= 0

    source = write_program(SUM, Emission("A sum.", AXES, ("loss",), starts, loss=loss))
    assert "POSITIVE = (0, 1, 2)" in source
    space: dict[str, object] = {}
    exec(compile(source, "program", "exec", dont_inherit=True), space)
    found = space["fit_scaling_law"](x, y[:, 0])  # type: ignore[operator]
    said = space["scaling_law_func"](x, found)  # type: ignore[operator]
    np.testing.assert_allclose(said, predict(SUM, AXES, tree, x)[:, 0], rtol=0, atol=1e-9)

    columns = tuple(np.tile(np.log(x[:, n]), (4, 1)) for n in range(2))
    problem = Problem(columns, np.tile(y.T, (4, 1)), np.ones((4, 40)))
    batch = fit_batch(SUM, problem, starts, 40, loss)
    assert (batch.linear >= 0).all()


def test_programs_of_laws_of_any_sign_say_nothing_of_signs() -> None:
    free = replace(SUM, signs="any")
    source = write_program(free, Emission("A sum.", AXES, ("loss",), start_points(free, 2)))
    assert "POSITIVE" not in source


def _rows(names: tuple[str, ...], way: float, floor: float = 5.0) -> TrainRows:
    rng = np.random.default_rng(1)
    x = np.exp(rng.uniform(3.0, 9.0, (40, len(names))))
    y = floor + way * np.log(x).sum(axis=1, keepdims=True) / 20
    return train_rows([GroupRows("all", x, y)], names, ["target"])


def test_neither_a_run_that_diverged_nor_groups_at_different_heights_make_a_loss_rise() -> None:
    names = ("params", "tokens")
    x = np.exp(np.random.default_rng(1).uniform(3.0, 9.0, (40, 2)))
    y = 5.0 - np.log(x).sum(axis=1, keepdims=True) / 20
    diverged = np.where(np.arange(40)[:, None] == x.prod(axis=1).argmax(), 90.0, y)
    groups = [GroupRows("small", x, y), GroupRows("large", x * 1e4, y + 3.0)]
    for rows in ([GroupRows("all", x, diverged)], groups):
        forms = textbook(train_rows(rows, names, ["loss"]), 12)
        assert {form.law.signs for form in forms} == {"all"}


@pytest.mark.parametrize(
    ("way", "floor", "signs"),
    [(-1.0, 5.0, "all"), (-1.0, 0.0, "terms"), (1.0, 5.0, "any")],
    ids=["a loss", "a loss less another", "an accuracy"],
)
def test_only_losses_have_signs(way: float, floor: float, signs: str) -> None:
    forms = textbook(_rows(("params", "tokens"), way, floor), 12)
    assert {form.law.signs for form in forms} == {signs}


def test_mixtures_have_no_signs_as_none_is_larger_than_another() -> None:
    shares = np.random.default_rng(2).dirichlet(np.ones(3), 30)
    rows = train_rows([GroupRows("all", shares, 3.0 - shares[:, :1])], ("a", "b", "c"), ["loss"])
    forms = textbook(rows, 12)
    assert forms
    assert {form.law.signs for form in forms} == {"any"}


def test_constants_of_a_term_without_a_part_are_not_shown_as_if_rows_told_them() -> None:
    own = np.array([0.7, 0.0, 1.5, -0.3, -0.2])
    named = named_constants(SUM, own)
    assert named["c2"] == 0
    assert np.isnan(named["a2"])
    assert named["a1"] == -0.3
    assert said_of_zeros(SUM, [own]).startswith("c2 is 0")
    assert said_of_zeros(SUM, [np.where(own == 1.5, 0.0, own)]).startswith("c2 and c0 are 0")
    assert said_of_zeros(SUM, [own + 1.0]) == ""
    assert said_of_zeros(replace(SUM, signs="any"), [own]) == ""


def test_what_reads_as_a_law_of_the_textbook_has_its_signs() -> None:
    free = Law(terms(Power(Feature(1)), Power(Feature(0))))
    other = Law(terms(Power(Feature(0))))
    settings = SearchSettings(given=(Given("a file", free), Given("a file", other)))
    search = Search(side(), 1, settings)
    first, second = (search.propose(number) for number in range(2))
    assert first is not None
    assert first.law is not None
    assert (normal_form(first.law), first.law.signs) == (normal_form(free), "all")
    assert second is not None
    assert second.law == other


def test_a_floor_may_lie_below_zero_where_something_was_measured_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(offline, "_DENIED", np.inf)
    frame = pd.DataFrame({"params": np.geomspace(1e6, 1e10, 24)})
    frame["loss"] = 30 * frame["params"] ** -0.2 - 0.35
    assert (frame["loss"] < 0).any()
    found = harness.discover(
        frame, "loss", hold_out="params > 1e9", evaluations=1, wanted=frame.tail(1), jobs=1
    )
    assert found.law.signs == "all", "all rows to fit are above 0"
    assert found.forecast is not None
    assert found.forecast.predicted[0] == pytest.approx(frame["loss"].iloc[-1], abs=0.02)


def test_a_search_proposes_a_law_with_signs_once_and_breeds_laws_without() -> None:
    search = Search(side(), 1)
    proposals = [search.propose(number) for number in range(search.offline.n_first + 3)]
    laws = [one.law for one in proposals if one is not None and one.law is not None]
    signed = [law for law in laws if law.signs != "any"]
    assert signed
    same = {normal_form(law) for law in laws}
    assert len(same) == len(laws), "the library's form of the same law would be a second one"


def test_rows_may_deny_the_signs() -> None:
    """A straight line in the logarithm of the size has no floor above zero."""
    params = np.geomspace(1e7, 1e9, 18)
    frame = pd.DataFrame({"params": params, "loss": 3.0 - 1.2 * np.log10(params / 1e7)})
    found = harness.discover(frame, "loss", evaluations=1, jobs=1)
    assert found.law.signs == "any"
    assert found.r2 > 0.99
