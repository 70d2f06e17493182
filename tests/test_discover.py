"""``sld discover`` and ``sld evolve``: on tables and tasks, as commands and from Python."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from openai_server import FakeEndpoint, Reply
from typer.testing import CliRunner

import harness
from harness.cli import app
from harness.cli.csv_table import read_csv
from harness.errors import UserError
from harness.evolution.columns import read_numbers
from harness.evolution.discover import side_of
from harness.evolution.emit import Emission, identifiers, predict, write_program
from harness.evolution.expression import Law, Term
from harness.evolution.factors import Power
from harness.evolution.forecast import fit_groups
from harness.evolution.gateway import TrainSide
from harness.evolution.outliers import far_off
from harness.evolution.report.mathml import named_constants
from harness.evolution.report.words import LONG, plain
from harness.evolution.rows import train_rows
from harness.evolution.scales import Feature
from harness.evolution.tables import read_table
from harness.tasks.catalogue import load_definition


def table(noise: float = 0.003, groups: int = 1) -> pd.DataFrame:
    """Training runs of a sum of power laws."""
    rng = np.random.default_rng(0)
    rows = [
        {
            "run": f"r{number}{g}",
            "params": n,
            "tokens": d,
            "constant": 3,
            "where": f"g{g}",
            "loss": 1.7 + g + 400 / n**0.34 + 410 / d**0.28 + noise * rng.normal(),
        }
        for g in range(groups)
        for number, (n, d) in enumerate(
            (n, d) for n in np.geomspace(1e6, 1e9, 7) for d in np.geomspace(1e8, 1e11, 6)
        )
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def invoke(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, list(words))
    if isinstance(done.exception, UserError):
        return 2, "", str(done.exception)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
    return done.exit_code, done.stdout, done.stderr


def test_a_law_is_found_in_a_table_with_its_error_and_predictions() -> None:
    found = harness.discover(table(), target="loss", evaluations=80, minutes=1)
    assert found.table.features == ("params", "tokens")
    assert any("'run'" in line for line in found.table.left_out)
    assert any("'constant'" in line for line in found.table.left_out)
    assert found.r2 > 0.98
    assert found.relative_error < 0.02
    forecast = found.predict(pd.DataFrame({"params": [1e10], "tokens": [1e12]}))
    truth = 1.7 + 400 / 1e10**0.34 + 410 / 1e12**0.28
    assert abs(forecast.predicted[0] - truth) < 0.05
    assert forecast.by_rows.low[0] <= forecast.predicted[0] <= forecast.by_rows.high[0]
    assert forecast.by_laws.low[0] <= forecast.by_laws.high[0]
    assert forecast.warnings == ()
    (warning, *_) = found.predict(pd.DataFrame({"params": [1e13], "tokens": [1e12]})).warnings
    assert "params: 1e+04 times beyond the rows" in warning


def test_constants_in_their_units_give_the_law() -> None:
    found = harness.discover(table(0.0), target="loss", evaluations=1, minutes=1)
    assert found.formula == "loss = c0 + c1 * params^a1 + c2 * tokens^a2"
    own = named_constants(found.law, found.constants["all"][0])
    params, tokens = (axis.reference for axis in found.search.rows.axes)
    x, y = found.table.x[~found.table.held_out], found.table.y[~found.table.held_out]
    said = own["c0"] + own["c1"] * (x[:, 0] / params) ** own["a1"]
    said = said + own["c2"] * (x[:, 1] / tokens) ** own["a2"]
    assert 1 - np.mean((said - y) ** 2) / y.var() == pytest.approx(found.r2_fit, abs=1e-9)


def test_a_law_that_is_worse_than_the_mean_is_warned_of(desk: Path) -> None:
    frame = table()
    frame.loc[frame["params"] > 2e8, "loss"] += np.linspace(2, 9, (frame["params"] > 2e8).sum())
    frame.to_csv("turns.csv", index=False)
    code, out, _ = invoke(
        *("discover", "turns.csv", "--target", "loss", "--features", "params,tokens"),
        *("--hold-out", "params > 2e8", "--evaluations", "20", "--jobs", "1"),
    )
    assert code == 0
    assert "warning: on the rows held out it is worse than their mean" in out


def test_runs_that_diverged_are_forgiven_with_the_robust_loss() -> None:
    frame = table()
    rng = np.random.default_rng(1)
    diverged = rng.choice(len(frame), size=5, replace=False)
    frame.loc[diverged, "loss"] += 6.0
    asked = pd.DataFrame({"params": [3e9], "tokens": [3e11]})
    truth = 1.7 + 400 / 3e9**0.34 + 410 / 3e11**0.28
    found = harness.discover(frame, target="loss", evaluations=60, minutes=1, loss="robust")
    assert abs(found.predict(asked).predicted[0] - truth) < 0.1
    assert "def fit_robust" in found.program


def test_rows_that_lie_far_off_are_pointed_at_and_count_less_only_if_asked(desk: Path) -> None:
    frame = table()
    frame.loc[3, "loss"] += 2.0
    frame.to_csv("runs.csv", index=False)
    found = harness.discover(frame, target="loss", evaluations=5, minutes=1)
    (row,) = found.far_off
    np.testing.assert_array_equal(row.features, frame.loc[3, ["params", "tokens"]].astype(float))
    assert row.measured == frame.loc[3, "loss"]
    assert row.said == pytest.approx(row.measured - 2.0, abs=0.1)
    words = found.hint
    assert words.startswith(
        "1 of 33 fitted rows lies far off what simple laws say, at params 1e+06"
    )
    assert words.endswith("diverged or was misread, let such rows count less (--robust)")
    line = ("discover", "runs.csv", "--target", "loss", "--evaluations", "5", "--jobs", "1")
    assert f"note: {words}" in invoke(*line)[1]
    assert plain(words, LONG) in (desk / "runs_law" / "runs_law.html").read_text("utf-8")
    told = json.loads(invoke(*line, "--json")[1])
    (listed,) = told["rows_far_off"]
    assert (told["loss"], listed["measured"], listed["said"]) == ("squares", row.measured, row.said)
    told = json.loads(invoke(*line, "--robust", "--json")[1])
    assert (told["loss"], told["rows_far_off"]) == ("robust", [])


def test_rows_are_not_far_off_where_many_would_be_or_nothing_is_noisy() -> None:
    def pointed_at(frame: pd.DataFrame) -> int:
        held = f"params >= {float(frame['params'].max())!r}"
        rows = read_table(frame, "loss", hold_out=held).rows(held_out=False)
        return len(far_off(train_rows(rows, ["params", "tokens"], ["loss"]), 6))

    exact = table(noise=0.0)
    assert pointed_at(exact) == 0
    several = table()
    several.loc[[3, 8], "loss"] += [-1.0, 2.0]
    assert pointed_at(several.drop(index=8)) == 1
    assert pointed_at(several.drop(index=8)[:23]) == 1
    assert pointed_at(several.drop(index=8)[:17]) == 0  # too few rows to tell
    assert pointed_at(several) == 2
    many = table()
    many.loc[::6, "loss"] += 1.0
    assert pointed_at(many) == 0


def test_of_a_row_far_off_its_group_is_named() -> None:
    frame = table(groups=2)
    frame.loc[frame["where"].eq("g1") & frame["run"].eq("r31"), "loss"] += 2.0
    found = harness.discover(frame, target="loss", group="where", evaluations=3, minutes=1)
    assert "of group g1: loss" in found.hint


def test_names_that_are_there_twice_are_found_in_any_file_that_pandas_reads(desk: Path) -> None:
    text = table()[["params", "loss", "tokens"]].to_csv(index=False)
    double = text.replace("params,loss,tokens", "loss,tokens,loss", 1)
    (desk / "mark.csv").write_text(double, encoding="utf-8-sig")
    (desk / "blank.csv").write_text(f"\n{double}")
    with gzip.open(desk / "packed.csv.gz", "wt") as packed:
        packed.write(double)
    for name in ("mark.csv", "blank.csv", "packed.csv.gz"):
        code, _, said = invoke("discover", name, "--target", "loss")
        assert (code, "two columns are called 'loss'" in said) == (2, True), name
    with gzip.open(desk / "packed.csv.gz", "wt") as packed:
        packed.write(text.replace("params", "loss.1", 1))
    assert list(read_csv(desk / "packed.csv.gz").columns) == ["loss.1", "loss", "tokens"]


def test_a_table_with_any_names_is_saved_as_a_task(desk: Path) -> None:
    names = {"params": "Model Size (B)", "tokens": "group", "loss": "Val. Loss"}
    table().rename(columns=names).drop(columns=["run", "where"]).to_csv("runs.csv", index=False)
    line = ("--target", "Val. Loss", "--evaluations", "40", "--jobs", "1")
    code, out, said = invoke("discover", "runs.csv", *line)
    assert code == 0, out + said
    document = load_definition(desk / "runs_law" / "runs.yaml").definition
    assert [column.name for column in document.features] == ["Model_Size_B", "group_column"]
    assert document.targets[0].name == "Val_Loss"
    assert "'Model Size (B)'" in document.features[0].meaning
    code, out, said = invoke("score", "runs_law/runs_law.py", "--task", "runs_law/runs.yaml")
    assert code == 0, out + said


def test_columns_may_be_called_anything() -> None:
    frame = table().rename(columns={"params": "Size (B), all", "tokens": "\u2211 tokens"})
    rng = np.random.default_rng(0)
    for name in ("np", "shape", "lambda", "", "size_b_all", "2nd"):
        frame[name] = rng.uniform(2, 3, len(frame))
    found = harness.discover(frame, target="loss", evaluations=260, minutes=1)
    names = list(found.table.features)
    assert {"Size (B), all", "np", "shape"} <= set(names)
    every = Law(tuple(Term((Power(Feature(place)),)) for place in range(len(names))))
    axes = found.search.rows.axes
    text = write_program(every, Emission("t", axes, ("loss",), np.zeros((1, len(names)))))
    for source in (found.program, text):
        program: dict[str, Any] = {}
        exec(compile(source, "law.py", "exec", dont_inherit=True), program)
        x, y = frame[names].to_numpy(dtype=float), frame["loss"].to_numpy()
        said = program["scaling_law_func"](x, program["fit_scaling_law"](x, y))
        assert np.isfinite(said).all()


def test_held_out_rows_change_nothing_of_the_law() -> None:
    frame = table()
    first = harness.discover(
        frame, target="loss", hold_out="params > 3e8", evaluations=50, minutes=1
    )
    other = frame.copy()
    other.loc[other.params > 3e8, "loss"] = 7.0 - other.params / 1e9
    second = harness.discover(
        other, target="loss", hold_out="params > 3e8", evaluations=50, minutes=1
    )
    assert first.program == second.program
    assert first.r2 != second.r2


def test_groups_have_constants_of_their_own() -> None:
    found = harness.discover(
        table(groups=2), target="loss", group="where", evaluations=50, minutes=1
    )
    rows = pd.DataFrame({"params": [1e9, 1e9], "tokens": [1e11, 1e11], "where": ["g0", "g1"]})
    low, high = found.predict(rows, "where").predicted
    assert 0.9 < high - low < 1.1
    with pytest.raises(UserError, match="need the column"):
        found.predict(rows)
    with pytest.raises(UserError, match="'g7' of the rows"):
        found.predict(rows.assign(where="g7"), "where")


def test_the_command_saves_a_program_and_a_task_that_others_can_score(desk: Path) -> None:
    table().to_csv(desk / "My runs.csv", index=False)
    pd.DataFrame({"params": [1e10], "tokens": [1e12]}).to_csv(desk / "want.csv", index=False)
    code, out, _ = invoke(
        "discover", "My runs.csv", "--target", "loss", "--predict", "want.csv",
        "--evaluations", "40", "--jobs", "1", "--json",
    )  # fmt: skip
    assert code == 0
    document: dict[str, Any] = json.loads(out)
    assert document["law"].startswith(("loss = ", "log(loss) = "))
    assert len(document["predictions"]["predicted"]) == 1
    task = load_definition(Path(document["task"]))
    evaluation = harness.evaluate(Path(document["program"]), task)
    assert evaluation.status == "ok"
    assert evaluation.r2 == pytest.approx(document["r2"], abs=1e-9)
    assert document["references"].keys() <= {"params", "tokens"}
    assert all(f"{name}" in document["law"] for name in document["constants"]["all"])


def test_the_command_prints_what_a_person_wants_to_know(desk: Path) -> None:
    table().to_csv(desk / "runs.csv", index=False)
    pd.DataFrame({"params": [1e12], "tokens": [1e12]}).to_csv(desk / "want.csv", index=False)
    code, out, _ = invoke(
        "discover", "runs.csv", "--target", "loss", "--predict", "want.csv", "--evaluations", "30",
        "--features", "params", "--features", "tokens", "--hold-out", "params > 5e8", "--jobs", "1",
    )  # fmt: skip
    assert code == 0
    assert "loss from params, tokens\n" in out
    for words in ("held out: params > 5e8", "the law: ", "constants: ", "in units of: params of",
                  "held-out rows: R²", "95 % over rows",
                  "over elite laws", "warning: params: 1e+03 times", "program: "):  # fmt: skip
        assert words in out, words


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["nothere.csv", "--target", "loss"], "no such file"),
        (["runs.csv", "--target", "los"], "no column 'los'; the table has: run, params"),
        (["runs.csv", "--target", "loss", "--features", "params,x"], "no column 'x'"),
        (["runs.csv", "--target", "loss", "--features", "loss"], "is the target"),
        (
            ["runs.csv", "--target", "loss", "--features", "where"],
            "'where': not numbers, such as 'g0'",
        ),
        (["runs.csv", "--target", "where"], "'where', the target: not numbers, such as 'g0'"),
        (["longer.csv", "--target", "loss"], "more values than the header has names"),
        (["twice.csv", "--target", "loss"], "two columns are called 'loss'"),
        (["semicolons.csv", "--target", "loss"], "expected commas between columns"),
        (["german.csv", "--target", "loss"], "semicolons between columns; expected commas there"),
        (["runs.jsonl", "--target", "loss"], "JSON by its first line; expected a CSV file"),
        (["runs.csv", "--target", "constant"], "does not vary"),
        (["runs.csv", "--target", "loss", "--group", "x"], "no column 'x'"),
        (["runs.csv", "--target", "loss", "--hold-out", "params >"], "expected a condition"),
        (["runs.csv", "--target", "loss", "--hold-out", "x > 1"], "expected a condition"),
        (["runs.csv", "--target", "loss", "--hold-out", "params > 1e99"], "0 rows held out"),
        (["runs.csv", "--target", "loss", "--hold-out", "params > 0"], "42 rows held out and 0"),
        (["runs.csv", "--target", "loss", "--hold-out", "@x > 0"], "expected a comparison"),
        (["empty.csv", "--target", "loss"], "nothing in it; expected a header"),
        (["binary.csv", "--target", "loss"], "not text in UTF-8; expected a CSV file"),
        ([".", "--target", "loss"], "expected a CSV file, got a folder"),
        (["header.csv", "--target", "loss"], "no rows"),
        (["few.csv", "--target", "loss"], "usable rows"),
        (["runs.csv", "--target", "loss", "--predict", "header.csv"], "no rows"),
        (["runs.csv", "--target", "loss", "--predict", "sizes.csv"], "predict have no column"),
        (
            ["runs.csv", "--target", "loss", "--features", "params", "--predict", "sizes.csv"],
            "row 2, column 'params': expected a number, got 'seven B'",
        ),
        (["runs.csv", "--target", "loss", "--out", "few.csv"], "few.csv is a file"),
    ],
)
def test_wrong_tables_and_columns_are_one_line_and_cost_no_search(
    desk: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], expected: str
) -> None:
    table().to_csv(desk / "runs.csv", index=False)
    table()[:4].to_csv(desk / "few.csv", index=False)
    (desk / "empty.csv").write_text("")
    (desk / "binary.csv").write_bytes(b"PAR1\xca\xfe")
    (desk / "header.csv").write_text("params,loss\n")
    longer = "".join(f"{n},{n * 2},3,{9 - n}\n" for n in range(1, 9))
    (desk / "longer.csv").write_text(f"params,tokens,loss\n{longer}")
    (desk / "sizes.csv").write_text("params\n1e9\nseven B\n")
    (desk / "twice.csv").write_text(f"params,loss,x,loss\n{longer}")
    table().to_csv(desk / "semicolons.csv", index=False, sep=";")
    table().to_csv(desk / "german.csv", index=False, sep=";", decimal=",")
    table().to_json(desk / "runs.jsonl", orient="records", lines=True)

    def search(*_: object, **__: object) -> None:
        pytest.fail("the search began before all was checked")

    monkeypatch.setattr("harness.evolution.discover.run_unkept", search)
    code, _, said = invoke("discover", *words, "--jobs", "1")
    assert code == 2
    assert expected in said
    assert "\n" not in said.strip()


def test_columns_that_cannot_be_used_are_named_with_the_first_word_in_the_way() -> None:
    frame = table().assign(size="large", seen=None)
    found = read_table(frame, "loss")
    assert "column 'size': not numbers, such as 'large'" in found.left_out
    assert "column 'seen': hardly a value" in found.left_out


def test_sizes_may_be_written_as_people_write_them() -> None:
    texts = ["7B", "1.4T", " 350m", "2k", "1e9", "12", "7 B", "-.5", "1e-3G"]
    texts += ["x7B", "B", "3,799", "10,000", ".B", ""]
    expected = [7e9, 1.4e12, 3.5e8, 2e3, 1e9, 12, 7e9, -0.5, 1e6, *[np.nan] * 6]
    np.testing.assert_array_equal(read_numbers(pd.Series(texts)), expected)
    assert read_numbers(pd.Series([1, 2])).tolist() == [1.0, 2.0]
    frame = table()
    written = frame.assign(params=[f"{n / 1e6!r}M" for n in frame["params"]])
    condition = "params > 5e8"
    for features in (None, ["tokens"]):
        one, other = (
            read_table(f, "loss", features=features, hold_out=condition) for f in (frame, written)
        )
        np.testing.assert_allclose(one.x, other.x)
        np.testing.assert_array_equal(one.held_out, other.held_out)


@pytest.mark.parametrize("condition", ["~small", "when >= '2024-02-01'", "where == 'large'"])
def test_a_condition_sees_columns_as_they_are(condition: str) -> None:
    frame = table()
    small = frame["params"] < 5e8
    frame = frame.assign(
        small=small,
        when=pd.to_datetime(np.where(small, "2024-01-01", "2024-03-01")),
        where=np.where(small, "tiny", "large"),
        even=np.arange(42) % 2 == 0,
    )
    columns = ["params", "tokens", "even"]
    found = read_table(frame, "loss", features=columns, hold_out=condition)
    np.testing.assert_array_equal(found.held_out, ~small)
    np.testing.assert_array_equal(found.x[:, 2], frame["even"])


def test_other_results_and_nameless_columns_are_no_features_unless_somebody_says_so() -> None:
    frame = table().assign(val_loss=1.0, **{"Unnamed: 0": range(42), "train.Accuracy": 0.5})
    frame[["val_loss", "train.Accuracy"]] += np.arange(42)[:, None]
    found = read_table(frame, "loss")
    assert found.features == ("params", "tokens")
    for name in ("val_loss", "train.Accuracy"):
        assert f"column {name!r}: another result, by its name" in str(found.left_out)
    assert "column 'Unnamed: 0': has no name" in str(found.left_out)
    assert read_table(frame, "loss", features=["val_loss"]).features == ("val_loss",)
    for name in ("valLoss", "testloss", "PPL", "evalACC"):
        others = table().rename(columns={"constant": name}).assign(**{name: range(42)})
        assert read_table(others, "loss").features == ("params", "tokens")
    with pytest.raises(UserError, match=r"no column is left .*'val_loss': another result"):
        read_table(frame[["loss", "val_loss"]], "loss")
    lossless = frame.rename(columns={"params": "lossless_bits"})
    assert "lossless_bits" in read_table(lossless, "loss").features


def test_a_run_that_is_there_twice_is_used_once_and_the_task_can_be_scored(desk: Path) -> None:
    frame = pd.concat([table(), table()[:5]])
    frame.to_csv(desk / "runs.csv", index=False)
    found = read_table(frame, "loss")
    assert "5 rows with the params, tokens, loss of another, to the last digit" in found.left_out
    assert len(found.y) == 42
    seeds = pd.concat([table().assign(seed=1), table().assign(seed=2)])
    with pytest.raises(UserError, match=r"0 rows held out and 42 left .* not used: 42 rows with"):
        read_table(seeds, "loss", features=["params", "tokens"], hold_out="seed == 2")
    measured_again = frame.assign(loss=frame["loss"] + np.arange(47) * 1e-6)
    assert len(read_table(measured_again, "loss").y) == 47
    line = ("discover", "runs.csv", "--target", "loss", "--evaluations", "5", "--jobs", "1")
    document = json.loads(invoke(*line, "--json")[1])
    assert invoke("score", document["program"], "--task", document["task"])[0] == 0


def test_columns_of_trackers_and_what_others_determine_are_left_out() -> None:
    frame = table().assign(_step=range(42), Runtime=np.arange(42.0) ** 2, seed=[1, 2] * 21)
    frame["flops"] = 6 * frame["params"] * frame["tokens"] * (1 + 0.001 * (np.arange(42) % 7))
    frame["lr"] = 0.3 * frame["params"] ** -0.25
    found = read_table(frame, "loss")
    assert found.features == ("params", "tokens")
    for name in ("_step", "Runtime", "seed"):
        assert any(repr(name) in line and "bookkeeping" in line for line in found.left_out)
    assert any("'flops': here a product of powers of params, tokens" in s for s in found.left_out)
    assert any("'lr': here a product of powers of params (" in line for line in found.left_out)
    named = ["params", "flops", "seed"]
    assert read_table(frame, "loss", features=named).features == tuple(named)
    first = frame[["flops", *(name for name in frame if name != "flops")]]
    assert read_table(first, "loss").features == ("params", "tokens")
    rng = np.random.default_rng(0)
    frame["flops"] *= rng.uniform(0.8, 1.2, 42)
    assert "flops" in read_table(frame, "loss").features
    logs = pd.DataFrame({"lN": np.log10(frame["params"]), "loss": frame["loss"]})
    logs["lD"] = logs["lN"] + 1.3 + rng.uniform(-0.13, 0.13, 42)
    assert read_table(logs, "loss").features == ("lN", "lD")


def test_a_column_that_does_not_vary_in_the_rows_to_fit_has_no_part() -> None:
    frame = table().assign(ctx=np.where(table()["params"] > 2e8, 2048, 1024))
    found = read_table(frame, "loss", hold_out="params > 2e8")
    assert found.features == ("params", "tokens")
    assert found.x.shape == (42, 2)
    assert "column 'ctx': the same in all rows to fit" in found.left_out
    with pytest.raises(UserError, match="'ctx': the same in all rows to fit"):
        read_table(frame, "loss", features=["params", "ctx"], hold_out="params > 2e8")


def test_a_condition_asks_and_does_nothing_and_a_blank_is_no_yes(tmp_path: Path) -> None:
    frame = table()
    written = tmp_path / "written.csv"
    call = f"params.to_csv('{written}') == '1'"
    for condition in (
        call,
        call.replace("params.", "`params`."),
        rf"where == '\'' or {call}",
        f"where == ''' ' ''' or {call}",
    ):
        with pytest.raises(UserError, match="expected a comparison"):
            read_table(frame, "loss", hold_out=condition)
    assert not written.exists()
    both = read_table(frame, "loss", hold_out="(params > 2e8) and not (log10(tokens) < 9)")
    assert 0 < both.held_out.sum() < 14
    frame["is_test"] = [*[False] * 30, *[True] * 7, *[None] * 5]
    assert read_table(frame, "loss", hold_out="is_test").held_out.sum() == 7


def test_the_plainest_form_fits_into_the_cap_of_a_table_of_few_rows() -> None:
    caps = {
        n: side_of(read_table(table().sample(n, random_state=1), "loss"), None) for n in (10, 14)
    }
    assert {n: side.max_params for n, side in caps.items()} == {10: 3, 14: 5}


def test_predictions_lie_within_the_range_of_the_elite_laws_and_come_from_their_constants() -> None:
    frame = table(noise=0.05)[["params", "tokens", "loss"]]
    asked = pd.DataFrame({"params": [1e9, 1e10, 1e11], "tokens": [1e11, 1e12, 1e12]})
    found = harness.discover(frame, "loss", evaluations=40, minutes=1)
    told = found.predict(asked)
    assert (told.by_laws.low <= told.predicted).all()
    assert (told.predicted <= told.by_laws.high).all()
    axes = found.search.rows.axes
    again = predict(found.law, axes, told.constants["all"], asked.to_numpy())
    np.testing.assert_array_equal(again[:, 0], told.predicted)


def test_a_law_that_foresees_a_loss_below_zero_sets_no_end_of_the_range() -> None:
    frame = table(noise=0.1).sample(14, random_state=4)[["params", "tokens", "loss"]]
    asked = pd.DataFrame({"params": [1e13], "tokens": [1e14]})
    found = harness.discover(frame, "loss", evaluations=60, minutes=1, wanted=asked)
    choice, rows = found.result.choice, found.table.rows(held_out=False)
    assert choice is not None
    assert found.forecast is not None
    axes, said = found.search.rows.axes, []
    for one in choice.finalists:
        assert one.law is not None
        fitted = fit_groups(found.search, one, rows)["all"]
        said.append(predict(one.law, axes, fitted, asked.to_numpy())[0, 0])
    assert min(said) < 0
    assert found.forecast.by_laws.low[0] > 0


def test_one_run_that_spoils_the_rows_held_out_is_named() -> None:
    frame = table()
    frame.loc[41, "loss"] += 3.0
    found = harness.discover(frame, "loss", evaluations=40, minutes=1)
    assert found.r2 < 0
    assert found.alone is not None
    row, without = found.alone
    assert (row.measured, row.features.tolist()) == (frame.loc[41, "loss"], [1e9, 1e11])
    assert without > 0.9
    assert "because of one row, at params 1e+09, tokens 1e+11 (measured 5.394" in found.doubt


def test_rows_that_cannot_be_used_are_counted() -> None:
    frame = table()
    frame.loc[3, "loss"] = np.nan
    frame.loc[4, "params"] = np.inf
    found = read_table(frame, "loss")
    (said,) = (line for line in found.left_out if line.startswith("2 rows with a value"))
    assert "no finite number ('params' in 1, 'loss' in 1; --features without" in said
    assert len(found.y) == len(frame) - 2


def test_of_a_short_table_three_rows_are_held_out_and_a_search_ends_when_all_is_tried(
    desk: Path,
) -> None:
    params = np.geomspace(1e6, 1e9, 9)
    short = pd.DataFrame({"params": params, "loss": 2.0 + 300 / params**0.4})
    found = read_table(short, "loss")
    assert found.split == "held out: the largest 3 of 9 rows along params"
    assert found.held_out.tolist() == [False] * 6 + [True] * 3
    short.to_csv(desk / "short.csv", index=False)
    few = ("--minutes", "1", "--max-params", "3")
    code, out, _ = invoke("discover", "short.csv", "--target", "loss", *few)
    assert code == 0
    assert "nothing new was found any more" in out
    code, out, _ = invoke("discover", "short.csv", "--target", "loss", "--evaluations", "9")
    assert code == 0
    assert "9 laws in" in out
    assert "nothing new" not in out


def test_no_row_of_a_group_that_a_condition_holds_out_as_a_whole_is_used() -> None:
    frame = table(groups=2)
    frame.loc[frame["where"] == "g1", "params"] *= 1e6
    found = read_table(frame, "loss", group="where", hold_out="params > 2e8")
    fitted = np.concatenate([rows.features for rows in found.rows(held_out=False)])
    assert fitted[:, 0].max() <= 2e8
    assert set(found.groups) == {"g0"}
    assert "42 rows of groups that are held out as a whole: g1" in found.left_out


def test_where_nobody_asks_a_group_of_large_rows_is_fitted_and_said() -> None:
    frame = table(groups=2)
    large = (frame["params"] > 5e8) & (frame["tokens"] > 5e9)
    frame.loc[large, "where"] = "g2"
    found = read_table(frame, "loss", group="where")
    assert "but for groups that lie there as a whole (g2)" in found.split
    assert {rows.group for rows in found.rows(held_out=False)} == {"g0", "g1", "g2"}
    assert "g2" not in {rows.group for rows in found.rows(held_out=True)}


def test_a_small_group_has_laws_and_a_cap_that_allows_none_is_one_line() -> None:
    frame = pd.concat([table(), table().iloc[[0, 1, 7, 13, 20]].assign(where="few")])
    found = harness.discover(frame, "loss", group="where", evaluations=30, minutes=1)
    assert found.law.n_constants <= 3
    assert set(found.constants) == {"g0", "few"}
    with pytest.raises(UserError, match="expected --max-params 3 or more"):
        harness.discover(frame, "loss", max_params=1)


def test_predictions_survive_a_target_that_has_no_logarithm_and_say_what_is_impossible() -> None:
    # Names that say nothing: with the textbook's laws of sizes no law would have a logarithm.
    frame = table().rename(columns={"params": "wide", "tokens": "long"})
    largest = (frame["wide"] * frame["long"]).idxmax()
    frame["loss"] = np.exp(frame["loss"] - 4)
    frame.loc[largest, "loss"] = 0.0
    asked = pd.DataFrame({"wide": [1e10, 0.0], "long": [1e11, 1e11]})
    found = harness.discover(frame, "loss", evaluations=12, minutes=1, wanted=asked)
    assert found.forecast is not None
    assert np.isfinite(found.forecast.predicted[0])
    said = " ".join(found.forecast.warnings)
    assert "1 row in which loss is not above 0" in said
    assert "wide: 0 or less in some rows" in said


def test_a_law_that_can_be_below_zero_is_fitted_to_rows_below_zero() -> None:
    params = np.geomspace(1e6, 1e13, 30)
    frame = pd.DataFrame({"params": params, "gain": 3 * (params / 1e6) ** -0.3 - 0.06})
    asked = pd.DataFrame({"params": [1e14]})
    assert (frame["gain"] < 0).sum() == 6
    found = harness.discover(frame, "gain", evaluations=20, minutes=1, wanted=asked)
    told = found.forecast
    assert found.law.link != "log"
    assert told is not None
    assert told.predicted[0] == pytest.approx(3 * 1e8**-0.3 - 0.06, abs=2e-3)
    assert "not above 0" not in " ".join(told.warnings)
    assert told.by_laws.low[0] < 0
    with pytest.raises(UserError, match="no rows to predict"):
        found.predict(asked[:0])


def test_rows_without_a_group_are_left_out_and_numbers_stay_what_they_are() -> None:
    frame = table(groups=2)
    frame["where"] = frame["where"].map({"g0": 0, "g1": 1}).astype(float)
    frame.loc[3, "where"] = np.nan
    found = read_table(frame, "loss", group="where")
    assert set(found.groups) == {"0", "1"}
    assert "1 row with a value that is missing or no finite number ('where' in 1)" in found.left_out


def test_names_of_constants_differ_whatever_columns_are_called() -> None:
    assert identifiers(["lr!", "lr?", "lr_1"]) == ["lr_2", "lr_3", "lr_1"]
    assert identifiers(["a", "a", "b"]) == ["a_1", "a_2", "b"]


def test_without_a_condition_the_largest_rows_are_held_out() -> None:
    found = read_table(table(), "loss")
    assert 0.1 < found.held_out.mean() < 0.35
    assert found.x[found.held_out].prod(axis=1).min() > np.median(found.x.prod(axis=1))


class TestEvolve:
    def test_a_program_is_found_filed_and_scored_once(self, desk: Path) -> None:
        code, out, _ = invoke(
            "evolve", "nano_moe", "--evaluations", "60", "--jobs", "1", "--store", "s.sqlite"
        )
        assert code == 0, out
        filed = desk / "candidates" / "nano_moe" / "sld-evolve" / "offline" / "run_1.py"
        text = filed.read_text()
        assert "EVOLVE-BLOCK-START" in text
        assert "60 laws in" in out
        assert "ranks 1 of 1 on nano_moe" in out
        assert "guard folds" in out
        again = invoke("run", "candidates", "--store", "s.sqlite")
        assert "1 stored, 0 to score" in again[1]

    def test_resume_goes_on_and_a_new_search_begins_anew(self, desk: Path) -> None:
        line = ["evolve", "nano_moe", "--jobs", "1", "--store", "s.sqlite", "--out", "law.py"]
        assert invoke(*line, "--evaluations", "50")[0] == 0
        first = (desk / "law.py").read_text()
        code, out, _ = invoke(*line, "--evaluations", "70", "--resume")
        assert code == 0
        assert "70 laws in" in out
        whole = invoke(*line, "--evaluations", "70")
        assert "70 laws in" in whole[1]
        assert invoke(*line, "--evaluations", "50")[0] == 0
        assert (desk / "law.py").read_text() == first

    def test_a_search_that_cannot_be_resumed_is_kept(self, desk: Path) -> None:
        line = ["evolve", "nano_moe", "--jobs", "1", "--store", "s.sqlite", "--out", "law.py"]
        code, out, _ = invoke(*line, "--evaluations", "20", "--resume")
        assert (code, "nothing to go on with" in out) == (0, True)
        code, _, said = invoke(*line, "--evaluations", "30", "--resume", "--robust")
        assert (code, "cannot go on" in said) == (2, True)
        code, out, _ = invoke(*line, "--evaluations", "30", "--resume")
        assert (code, "30 laws in" in out) == (0, True)

    def test_money_can_end_the_asking_only_where_prices_are_known(self, desk: Path) -> None:
        line = ["evolve", "nano_moe", "--model", "m-1", "--dollars", "1", "--price", "m1=1,2"]
        code, _, said = invoke(*line)
        assert code == 2
        assert "the price of 'm-1' is not known (prices are given for: m1)" in said

    def test_a_program_to_begin_with_is_read_simplified_and_stays_unless_beaten(
        self, desk: Path
    ) -> None:
        human = Path(__file__).parents[1] / "candidates" / "nano_pretraining" / "human" / "human"
        code, out, _ = invoke(
            *("evolve", "nano_pretraining", "--from", str(human / "run_1.py"), "--jobs", "1"),
            *("--evaluations", "90", "--store", "s.sqlite", "--out", "law.py"),
        )
        assert code == 0, out
        assert "run_1.py reads as: loss = c1 * params^a1 + c2 * tokens^a2" in out
        assert "run_1.py as it is: fitness" in out
        assert "run_1.py, read as a tree: fitness" in out
        assert "than against what was given" in out or "what was given stays" in out

    def test_what_cannot_be_begun_with_is_said(self, desk: Path) -> None:
        broken = desk / "broken.py"
        broken.write_text(
            "def fit_scaling_law(x, y):\n    return 1 / 0\n\n\n"
            "def scaling_law_func(x, p):\n    return x[:, 0]\n"
        )
        code, _, said = invoke("evolve", "nano_moe", "--from", str(broken), "--out", "x.py")
        assert code == 2
        assert "broken.py: cannot be begun with" in said
        assert "ZeroDivisionError" in said
        code, _, said = invoke("evolve", "nano_moe", "--from", "none.py", "--out", "x.py")
        assert code == 2
        assert "no such file" in said

    def test_a_task_that_cannot_be_searched_stops_no_other(
        self, desk: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(side: TrainSide, *_: object) -> None:
            raise UserError(f"{side.name}: not today")

        monkeypatch.setattr("harness.cli.evolve_run.search_task", refuse)
        code, out, said = invoke("evolve", "--all-tasks", "--suite", "nano")
        assert code == 1
        assert (out + said).count("not today; going on") == 8
        code, out, said = invoke("evolve", "nano_moe")
        assert code == 2
        assert "going on" not in out + said

    def test_the_plan_of_the_folds_is_printed(self, desk: Path) -> None:
        code, said, _ = invoke("evolve", "nano_pretraining", "--plan")
        assert code == 0
        assert "top 20% of params" in said
        assert "guard" in said
        code, out, _ = invoke("evolve", "nano_pretraining", "--plan", "--json")
        assert "read as: params as model size, tokens as data seen; 3 laws meant for" in said
        plan = json.loads(out)["nano_pretraining"]
        assert plan["read_as"] in said
        folds = plan["folds"]
        assert (code, folds[0]["held_out"], folds[0]["for"]) == (0, "top 20% of params", "search")
        assert all(fold["rows_fitted"] > 0 and fold["rows_judged"] > 0 for fold in folds)

    def test_json_says_what_a_search_ended_with_where_nothing_is_filed(self, desk: Path) -> None:
        line = ["evolve", "nano_moe", "--jobs", "1", "--store", "s.sqlite", "--out", "law.py"]
        code, out, said = invoke(*line, "--evaluations", "20", "--report", "law.html", "--json")
        told = json.loads(out)
        assert (code, told["task"], told["seed"], told["evaluated"]) == (0, "nano_moe", 1, 20)
        assert (told["program"], told["report"]) == ("law.py", "law.html")
        assert told["law"] in (desk / "law.html").read_text() + said
        assert told["n_constants"] <= 7

    def test_a_model_that_answers_nothing_has_no_part_in_what_is_filed(
        self, desk: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
        line = ["evolve", "nano_moe", "--jobs", "1", "--into", "c"]
        line += ["--store", "s.sqlite", "--model", "m", "--json"]
        with FakeEndpoint(default=Reply(status=401)) as endpoint:
            for evaluations in (1, 85, 1):  # nothing was paid for: it may begin anew
                asked = (*line, "--evaluations", str(evaluations), "--base-url", endpoint.url)
                code, out, said = invoke(*asked)
                assert code == 0, said
        assert len(endpoint.asked) >= 2
        told = json.loads(out)
        assert "/sld-evolve/offline/" in told["filed"]
        assert Path(told["path"]).is_file()

    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            ([], "expected a task's name or --all-tasks"),
            (["nano_moe", "--all-tasks"], "expected a task's name or --all-tasks"),
            (["nano_mo"], "did you mean"),
            (["nano_moe", "--runs", "2", "--out", "x.py"], "--out takes one search"),
            (["nano_moe", "--model", "m", "--price", "m"], "expected MODEL=IN,OUT"),
            (["nano_moe", "--model", "m", "--price", "=1,2"], "expected MODEL=IN,OUT"),
            (["nano_moe", "--out", "x", "--report", "x"], "--out and --report: both x"),
            (["nano_moe", "--out", "store.sqlite"], "is an SQLite file, perhaps a store"),
            (["nano_moe", "--from", "law.py"], "of format `law`; expected an evolve-block program"),
            (
                ["nano_moe", "--model", "m", "--base-url", "ftp://x"],
                "language model: base_url: expected an address",
            ),
            (["nano_moe", "--suite", "nano"], "expected --all-tasks with it"),
            (["nano_moe", "--base-url", "http://127.0.0.1:9/v1"], "--base-url: no model is asked"),
            (["nano_moe", "--price", "m=1,2"], "--price: no model is asked"),
            (["nano_moe", "--dollars", "0"], "--dollars: no model is asked"),
            (["nano_moe", "--whole"], "--whole: no model is asked"),
            (["nano_moe", "--questions", "3"], "--questions: no model is asked"),
            (["nano_moe", "--offline", "--tokens", "5"], "--tokens: no model is asked"),
        ],
    )
    def test_wrong_use_is_one_line(self, desk: Path, words: list[str], expected: str) -> None:
        (desk / "store.sqlite").write_bytes(b"SQLite format 3\0 and more")
        (desk / "law.py").write_text("def law(input_data, group):\n    return []\n")
        code, _, said = invoke("evolve", *words)
        assert code == 2
        assert expected in said


def test_the_example_of_the_documents_runs(capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(__file__).parents[1] / "docs" / "examples"
    path = folder / "discover.py"
    code = path.read_text("utf-8").replace("evaluations=400", "evaluations=60")
    exec(compile(code, str(path), "exec"), {"__file__": str(path), "__name__": "example"})
    said = capsys.readouterr().out
    assert "held out: the largest 19%" in said
    assert "warning: params" in said
    assert "laws_high" in said
