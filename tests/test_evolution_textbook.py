"""What features are by their names, and the laws that were published for just these."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from evolution_samples import side

from harness.evolution.choose import choose
from harness.evolution.expression import normal_form
from harness.evolution.ledger import Budget
from harness.evolution.quantities import Quantity, places, quantities, quantity_of
from harness.evolution.rows import FloatArray, TrainRows, train_rows
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
    ("names", "quantity"),
    [
        ("params non_vocab_parameters nParams n_params num_params nparams", Quantity.SIZE),
        ("Model Size,model_size,modelsize,size,Size,N,logN,log_params,params_B", Quantity.SIZE),
        ("tokens train_tokens num_characters data_size samples_seen D ntokens", Quantity.DATA),
        ("unique_tokens unique unique_samples distinct_data", Quantity.UNIQUE),
        ("sft_data_size finetune_examples fine_tuning_samples", Quantity.TUNING),
        ("log_flops FLOPs GFLOPs pflops compute C log10_flops train_compute", Quantity.COMPUTE),
        ("num_experts experts n_experts nexperts", Quantity.EXPERTS),
        ("vocab_size vocab_params vocabulary", Quantity.VOCABULARY),
        ("lr learning_rate peak_lr learningRate", Quantity.RATE),
        ("bsz batch_size global_batch_size batch_tokens bs", Quantity.BATCH),
        ("parallel_size streams", Quantity.STREAMS),
        # Neither the one nor the other, or both.
        ("tokens_per_param flops_per_token data_fraction code_data_share sample_rate", None),
        ("val_examples eval_tokens test_data context_tokens data_seed batch_index", None),
        ("warmup_tokens lr_min final_lr weight_decay dropout_rate num_steps epochs", None),
        ("finetune_lr unique_params distinct_lr sft expert_size data_parallel", None),
        ("width n_layers n d E x T loss tokens_loss log", None),
    ],
)
def test_names_say_what_a_feature_is_a_number_of(names: str, quantity: Quantity | None) -> None:
    for name in names.split("," if "," in names else None):
        assert quantity_of(name) is quantity, name
    assert quantity_of("") is None


def test_shares_are_what_adds_up_to_one_and_nothing_else() -> None:
    assert quantities(rows_of("tokens", "b", shares=True)) == (Quantity.SHARE,) * 2
    rng = np.random.default_rng(2)
    for names in (("dropout", "weight_decay"), ("params", "tokens"), ("share_a", "share_b")):
        features = np.round(rng.uniform(0.0, 0.9, (30, 2)), 1)
        rows = train_rows([GroupRows("all", features, rng.random((30, 1)))], names, ["loss"])
        assert textbook(rows, None) == []


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("params", np.geomspace(1e6, 1e9, 12), True),
        ("params", np.geomspace(1e8, 2e8, 12), False),  # so narrow that it is no scale
        ("params", np.linspace(-3.0, 9.0, 12), False),
        ("log_params", np.linspace(6.0, 9.0, 12), True),
        ("log_params", np.linspace(-1.0, 3.0, 12), True),
        ("log_params", np.linspace(0.5, 3.0, 12), False),  # laws have no powers of logarithms
    ],
)
def test_a_name_that_says_logarithm_and_values_that_are_none_contradict_each_other(
    name: str, values: FloatArray, *, told: bool
) -> None:
    one = GroupRows("all", values[:, None], np.linspace(4.0, 2.0, 12)[:, None])
    rows = train_rows([one], [name], ["loss"])
    assert quantities(rows) == (Quantity.SIZE if told else None,)
    assert bool(textbook(rows, None)) is told


def test_two_features_of_one_quantity_have_no_place() -> None:
    assert places(rows_of("active_params", "total_params")) is None
    assert places(rows_of("params", "width")) is None
    assert places(rows_of("tokens", "params")) == {Quantity.DATA: 0, Quantity.SIZE: 1}


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


@pytest.mark.parametrize("times", [(1.0, 4.0, 16.0), (4.0, 8.0, 16.0)])
def test_repeated_data_are_the_features_that_are_called_so(times: tuple[float, ...]) -> None:
    """Sizes may be as many as distinct tokens by chance; their name says that they are not."""
    unique = np.geomspace(1e3, 1e6, 12)
    features = np.column_stack([unique, unique, np.tile(times, 4) * unique])
    one = GroupRows("all", features, np.linspace(4.0, 2.0, 12)[:, None])
    rows = train_rows([one], ["unique_tokens", "params", "tokens"], ["loss"])
    forms = textbook(rows, None)
    assert len(forms) == 13
    for form in forms:
        assert "unique=0, seen=2" in repr(form.law)
        assert "unique=1" not in repr(form.law)


@pytest.mark.parametrize(
    "names", [("params", "width"), ("x",), ("params", "streams"), ("experts", "tokens", "lr")]
)
def test_what_no_law_here_is_meant_for_has_none(names: tuple[str, ...]) -> None:
    assert textbook(rows_of(*names), None) == []


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (
            ("params", "tokens"),
            "params as model size, tokens as data seen; 3 laws meant for just that",
        ),
        (("sft_examples",), "sft_examples as fine-tuning data; 1 law meant for just that"),
        (("params", "streams"), "streams as parallel streams; no law meant for just that is known"),
        (("params", "width", "x"), "no telling by name what width, x is, so all published forms"),
        (("params", "N"), "two of one kind by their names, so all published forms"),
    ],
)
def test_what_features_are_read_as_is_said(names: tuple[str, ...], said: str) -> None:
    assert said in said_of(rows_of(*names), None)


def test_a_cap_that_shuts_out_the_textbook_is_said() -> None:
    said = said_of(rows_of("params", "tokens"), 4)
    assert "no law meant for just that has at most 4 constants" in said
    assert "must beat" not in said_of(rows_of("params", "tokens"), None, given=True)


def test_laws_of_logarithms_need_targets_that_have_one() -> None:
    rows = rows_of("lr", "tokens")
    below = replace(rows, y=rows.y - rows.y.max())
    assert any(form.law.link == "log" for form in textbook(rows, None))
    assert {form.law.link for form in textbook(below, None)} == {"identity"}


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
    assert choice.why.startswith("the textbook's best stays: ")
    assert {one.proposer for one in choice.finalists} == {"textbook", "library"}
