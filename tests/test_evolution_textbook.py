"""What features are by their names, and the laws that were published for just these."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from evolution_samples import side

from harness.evolution.choose import choose
from harness.evolution.expression import normal_form
from harness.evolution.ledger import Budget
from harness.evolution.library import library
from harness.evolution.quantities import Quantity, quantities, quantity_of
from harness.evolution.rows import Axis, Kind, TrainRows, train_rows
from harness.evolution.search import Search
from harness.evolution.sitting import run_unkept
from harness.evolution.textbook import said_of, textbook
from harness.tasks.data import GroupRows


def rows_of(*names: str, shares: bool = False) -> TrainRows:
    """Return rows in which features are scales of their own, or shares of a whole."""
    rng = np.random.default_rng(1)
    drawn = rng.dirichlet(np.ones(len(names)), 40)
    features = drawn if shares else np.exp(rng.uniform(3.0, 9.0, (40, len(names))))
    target = 2.0 + rng.random((40, 1))
    return train_rows([GroupRows("all", features, target)], names, ["loss"])


@pytest.mark.parametrize(
    ("name", "quantity"),
    [
        ("params", Quantity.SIZE),
        ("non_vocab_parameters", Quantity.SIZE),
        ("log_params", Quantity.SIZE),
        ("nParams", Quantity.SIZE),
        ("model_size", Quantity.SIZE),
        ("size", Quantity.SIZE),
        ("batch_size", Quantity.BATCH),
        ("N", Quantity.SIZE),
        ("D", Quantity.DATA),
        ("tokens", Quantity.DATA),
        ("num_characters", Quantity.DATA),
        ("unique_tokens", Quantity.UNIQUE),
        ("sft_data_size", Quantity.TUNING),
        ("finetune_examples", Quantity.TUNING),
        ("log_flops", Quantity.COMPUTE),
        ("num_experts", Quantity.EXPERTS),
        ("vocab_size", Quantity.VOCABULARY),
        ("lr", Quantity.RATE),
        ("learning_rate", Quantity.RATE),
        ("bsz", Quantity.BATCH),
        ("batch_tokens", Quantity.BATCH),
        ("tokens_per_param", None),
        ("warmup_tokens", None),
        ("width", None),
        ("n", None),
        ("", None),
    ],
)
def test_names_say_what_a_feature_is_a_number_of(name: str, quantity: Quantity | None) -> None:
    assert quantity_of(Axis(name, Kind.SCALE, 1.0)) is quantity


def test_a_share_is_one_whatever_it_is_called() -> None:
    assert quantity_of(Axis("tokens", Kind.SHARE, 1.0)) is Quantity.SHARE


def test_two_features_of_one_quantity_have_no_place() -> None:
    axes = [Axis(name, Kind.SCALE, 1.0) for name in ("active_params", "total_params")]
    assert quantities(axes) is None
    assert quantities(axes[:1]) == {Quantity.SIZE: 0}


@pytest.mark.parametrize(
    ("names", "source"),
    [
        (("params", "tokens"), "2203.15556"),
        (("D", "N"), "2203.15556"),
        (("experts", "params"), "2202.01169"),
        (("sft_examples",), "2402.02314"),
        (("compute",), "1712.00409"),
        (("params",), "1901.01608"),
        (("lr", "bsz", "tokens", "params"), "2503.04715"),
        (("lr", "tokens"), "2503.04715"),
        (("vocab_size", "tokens", "params"), "2407.13623"),
    ],
)
def test_each_quantity_has_the_laws_that_were_published_for_it(
    names: tuple[str, ...], source: str
) -> None:
    forms = textbook(rows_of(*names), None)
    assert any(source in form.source for form in forms)
    assert all(len(form.law.features) == len(names) for form in forms)


def test_mixtures_have_the_law_of_mixtures() -> None:
    forms = textbook(rows_of("web", "code", "books", shares=True), None)
    assert {form.name for form in forms} == {"mixture law", "mixture law, one share implied"}


def test_repeated_data_are_the_features_that_are_called_so() -> None:
    """Sizes may be as many as distinct tokens by chance; their name says that they are not."""
    unique = np.geomspace(1e3, 1e6, 12)
    features = np.column_stack([unique, unique, np.tile([1.0, 4.0, 16.0], 4) * unique])
    one = GroupRows("all", features, np.linspace(4.0, 2.0, 12)[:, None])
    rows = train_rows([one], ["unique_tokens", "params", "tokens"], ["loss"])
    forms = textbook(rows, None)
    assert forms
    assert len(forms) < sum("2305.16264" in f.source for f in library(rows, None))


@pytest.mark.parametrize(
    "names", [("params", "width"), ("x",), ("params", "streams"), ("experts", "tokens", "lr")]
)
def test_what_nobody_published_a_law_of_has_none(names: tuple[str, ...]) -> None:
    assert textbook(rows_of(*names), None) == []


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("params", "tokens"), "params as model size, tokens as data seen, by their names: 3 laws"),
        (("sft_examples",), "sft_examples as fine-tuning data, by their names: 1 law published"),
        (("params", "streams"), "streams as parallel streams, by their names: no law"),
        (("params", "width", "x"), "no telling by name what width, x is, so all published forms"),
        (("params", "N"), "two features of one kind by name, so all published forms"),
    ],
)
def test_what_features_are_read_as_is_said(names: tuple[str, ...], said: str) -> None:
    assert said in said_of(rows_of(*names), None)


def test_a_cap_that_shuts_out_the_textbook_is_said() -> None:
    said = said_of(rows_of("params", "tokens"), 4)
    assert "no law published for just that has at most 4 constants" in said


def test_the_cap_on_constants_holds_for_the_textbook_too() -> None:
    rows = rows_of("lr", "bsz", "tokens", "params")
    assert all(form.law.n_constants <= 12 for form in textbook(rows, 12))
    assert any(form.law.n_constants > 12 for form in textbook(rows, None))


def test_textbook_forms_come_first_and_are_what_was_known() -> None:
    given = side()
    names = (("x", "", ""), ("z", "", ""))
    named, unnamed = Search(given, 1), Search(replace(given, features=names), 1)
    forms = textbook(named.rows, given.max_params)
    first = [named.propose(number) for number in range(len(forms) + 1)]
    assert [one.proposer for one in first if one] == ["textbook"] * len(forms) + ["library"]
    assert unnamed.propose(0).proposer == "library"  # type: ignore[union-attr]
    laws = [{normal_form(f.law) for f in one.offline.forms} for one in (named, unnamed)]
    assert laws[0] == laws[1]
    assert named.fingerprint() != unnamed.fingerprint()
    run_unkept(named, Budget(evaluations=len(named.offline.forms)), jobs=1)
    choice = choose(named)
    assert choice is not None
    assert choice.known == "textbook"
    assert "textbook" in choice.why
    if choice.chosen.proposer != "textbook":
        assert choice.gain is not None
        assert choice.gain > choice.needed
