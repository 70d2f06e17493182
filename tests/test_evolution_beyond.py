"""What laws say beyond the rows: how firm each is there, and how far it stands from the others."""

from __future__ import annotations

import numpy as np
import pytest
from evolution_samples import LAWS, PROGRAM, rows, side
from hypothesis import given
from hypothesis import strategies as st

from harness.evolution.beyond import apart, beyond, counts_of_resamples, middle_of, variances
from harness.evolution.emit import Emission, write_program
from harness.evolution.expression import Law
from harness.evolution.fitness import Judge
from harness.evolution.folds import plan_folds
from harness.evolution.gateway import ProgramGateway
from harness.evolution.rows import Axis, FloatArray, Kind, TrainRows, train_rows
from harness.evolution.starts import start_points
from harness.sandbox import Sandbox
from harness.tasks.data import GroupRows


def said_by(law: Law, data: TrainRows) -> tuple[FloatArray, float]:
    judge = Judge(data, plan_folds(data))
    found = judge.beyond(law, judge.score(law).theta, counts_of_resamples(data))
    return found.said, found.shaken


def test_resamples_are_the_same_for_all_laws_and_leave_no_group_empty() -> None:
    few = [GroupRows(f"g{n}", np.ones((n, 1)), np.ones((n, 1))) for n in range(1, 30)]
    data = train_rows(few, ("x",), ("y",))
    counts = counts_of_resamples(data)
    np.testing.assert_array_equal(counts, counts_of_resamples(data))
    assert (counts.sum(axis=2) > 0).all()
    assert (counts[:, data.weights == 0] == 0).all()


def test_a_law_that_rows_fix_is_firm_and_one_that_they_hardly_fix_is_shaken() -> None:
    data = rows(noise=0.1)
    _, clean = said_by(LAWS["sum"], rows())
    _, firm = said_by(LAWS["sum"], data)
    _, shaken = said_by(LAWS["bend"], data)
    assert clean == np.log(3e-4)  # the least that counts
    assert clean < firm < shaken


def test_one_law_among_many_stands_apart() -> None:
    data = rows()
    variance = variances(data)
    alike = [np.full((2, 5), 1.0 + 0.01 * n) for n in range(5)]
    other = np.full((2, 5), 9.0)
    middle = middle_of([*alike, other])
    assert all(apart(one, middle, variance) < apart(other, middle, variance) for one in alike)
    broken = np.full((2, 5), np.nan)
    assert apart(broken, middle, variance) == np.log(20.0)  # the most that counts
    assert beyond(other, [], variance).shaken == np.log(20.0)


def test_the_gateway_asks_text_what_a_tree_says_there(sandbox: Sandbox) -> None:
    data, law = rows(noise=0.02), LAWS["sum"]
    source = write_program(law, Emission("A law", data.axes, data.targets, start_points(law, 4)))
    gateway = ProgramGateway(side(), data, (), sandbox)
    found = gateway.beyond(source, counts_of_resamples(data))
    assert found is not None
    said, shaken = said_by(law, data)
    np.testing.assert_allclose(found.said, said, rtol=1e-3)
    assert abs(found.shaken - shaken) < 0.1


@pytest.mark.parametrize(
    ("fit", "said", "known"),
    [
        ("1/0", "x[:, 0]", False),
        ("[0.0]", "np.full(len(x), np.nan)", False),
        ("[0.0] if len(np.unique(x, axis=0)) == len(x) else 1/0", "x[:, 0]", True),
    ],
)
def test_text_that_fails_there_is_no_finalist_and_what_cannot_be_drawn_again_is_shaken(
    sandbox: Sandbox, fit: str, said: str, known: bool
) -> None:
    data = rows()
    text = "import numpy as np\n" + PROGRAM.replace("FIT", fit).replace("x[:, 0]", said)
    found = ProgramGateway(side(), data, (), sandbox).beyond(text, counts_of_resamples(data))
    assert (found is not None) == known
    if found is not None:
        assert found.shaken == np.log(20.0)


@given(
    kind=st.sampled_from(list(Kind)),
    values=st.lists(st.floats(1e-6, 1e6), min_size=1),
    reference=st.floats(1e-3, 1e3),
)
def test_values_come_back_from_coordinates(
    kind: Kind, values: list[float], reference: float
) -> None:
    axis = Axis("x", kind, reference, unit=2.0)
    given_values = np.array(values)
    np.testing.assert_allclose(
        axis.value(axis.coordinate(given_values)), given_values, rtol=1e-9, atol=1e-9
    )
