"""What a discovery says of its law: R² by group, intervals, warnings, and calls that are wrong."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import harness
from harness.cli import app
from harness.errors import UserError
from harness.evolution.choose import Finalist
from harness.evolution.discover import Discovery, relative_errors
from harness.evolution.expression import Law, Term
from harness.evolution.factors import Power
from harness.evolution.intervals import bootstrap_laws
from harness.evolution.report import write_discovery_report
from harness.evolution.rows import FloatArray, train_rows
from harness.evolution.scales import Feature
from harness.evolution.search import Search
from harness.evolution.starts import start_points
from harness.tasks.data import GroupRows


def levels() -> pd.DataFrame:
    """Three groups far from each other; each turns up beyond the rows that are fitted."""
    rng = np.random.default_rng(1)
    rows = []
    for group, level in (("code", 1.0), ("web", 3.0), ("books", 5.0)):
        for number, params in enumerate(np.geomspace(1e7, 1e9, 14)):
            law = 0.3 * (params / 1e7) ** -0.2 if number < 11 else 0.22 + 0.05 * (number - 11)
            rows.append((group, params, level + law + rng.normal(0, 0.003)))
    return pd.DataFrame(rows, columns=["data", "params", "loss"])


def falling(n: int = 16, noise: float = 0.01) -> pd.DataFrame:
    """A power law of sizes from 1e7 to 1e9."""
    params = np.geomspace(1e7, 1e9, n)
    rng = np.random.default_rng(2)
    return pd.DataFrame(
        {"params": params, "loss": 2 + (params / 1e7) ** -0.3 + noise * rng.normal(size=n)}
    )


def found_in(frame: pd.DataFrame, target: str = "loss", **words: Any) -> Discovery:
    return harness.discover(frame, target, **{"evaluations": 3, "minutes": 1, **words})


def invoke(*words: str) -> str:
    done = CliRunner().invoke(app, ["discover", *words, "--evaluations", "3", "--jobs", "1"])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_law_that_is_useless_in_each_group_is_not_excellent_in_all(tmp_path: Path) -> None:
    """Pooled rows flatter: how far groups lie from each other counts as explained."""
    levels().to_csv(tmp_path / "runs.csv", index=False)
    line = (str(tmp_path / "runs.csv"), "--target", "loss", "--group", "data")
    told = json.loads(invoke(*line, "--json"))
    by_group = told["r2_by_group"]
    assert told["r2"] > 0.9
    assert set(by_group) == {"code", "web", "books"}
    assert max(by_group.values()) < 0
    assert "worse than their mean in 3 of 3 groups" in told["doubt"]
    said = invoke(*line)
    worst = min(by_group, key=by_group.__getitem__)
    assert f"{sorted(by_group.values())[1]:.4f} in the median" in said
    assert f"{by_group[worst]:.4f} in the worst ({worst})" in said
    assert "warning: on the rows held out it is worse" in said
    page = Path(told["report"]).read_text("utf-8")
    assert "R² there, worst group" in page
    assert f"({worst})</dd>" in page


def test_a_group_whose_held_out_rows_say_nothing_has_no_r2() -> None:
    frame = levels()
    frame.loc[frame["data"].eq("web") & (frame["params"] > 5e8), "loss"] = 3.1
    found = found_in(frame, group="data", hold_out="params > 5e8 and data != 'code'")
    assert found.r2_by_group["web"] is None
    assert found.r2_by_group["code"] is None
    assert list(found.judged) == ["books"]
    assert found_in(falling()).judged == {}


def test_the_interval_of_a_row_is_the_same_whatever_else_is_asked() -> None:
    sizes = np.geomspace(1e7, 1e9, 12)[:, None]
    group = GroupRows("all", sizes, 5 - 0.6 * np.log10(sizes) + 0.9)
    rows = train_rows([group], ("size",), ("loss",))
    law = Law((Term((Power(Feature(0)),)),))
    other = cast("Finalist", SimpleNamespace(law=law, theta=start_points(law, 4)))
    search = cast("Search", SimpleNamespace(seed=1, rows=rows))

    def asked(x: FloatArray) -> tuple[list[float], list[int]]:
        found = bootstrap_laws(
            *(search, np.full(len(x), 0.5), [other], [group], group.targets[:, 0], x),
            ["all"] * len(x),
        )
        return found.high.tolist(), found.n.tolist()

    (near,), (two,) = asked(np.array([[1e8]]))
    high, laws = asked(np.array([[1e8], [1e13]]))
    assert (high[0], laws) == (near, [two, 1])
    assert (two, near > 0.5, high[1]) == (2, True, 0.5)


def test_where_no_other_law_is_left_there_is_no_interval_over_laws(tmp_path: Path) -> None:
    falling(9).to_csv(tmp_path / "runs.csv", index=False)
    pd.DataFrame({"params": [2e9]}).to_csv(tmp_path / "want.csv", index=False)
    line = (str(tmp_path / "runs.csv"), "--target", "loss", "--predict")
    words = [*line, str(tmp_path / "want.csv"), "--evaluations", "1", "--jobs", "1"]
    done = CliRunner().invoke(app, ["discover", *words])
    assert done.exit_code == 0, done.output
    assert "one law only: no other elite law" in done.stdout
    assert "One law only" in (tmp_path / "runs_law" / "runs_law.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("target", "start", "slope", "expected"),
    [
        ("accuracy", 0.1, 0.2, "accuracy: 1 of 2 predictions is above 1, which nothing measured"),
        ("loss", 3.0, -1.2, "loss: 1 of 2 predictions is 0 or less, which nothing measured is (0."),
    ],
)
def test_answers_that_no_run_can_reach_are_warned_of(
    target: str, start: float, slope: float, expected: str
) -> None:
    frame = falling()
    noise = 0.004 * np.random.default_rng(3).normal(size=len(frame))
    frame[target] = start + slope * np.log10(frame["params"] / 1e7) + noise
    found = found_in(frame[["params", target]], target)
    asked = pd.DataFrame({"params": [1e8, 1e14]})
    assert expected in " ".join(found.predict(asked).warnings)
    assert found.predict(asked[:1]).warnings == ()


def test_rows_are_far_from_those_of_their_own_group_and_each_is_looked_at() -> None:
    small = falling(12).assign(data="small")
    large = falling(12).assign(data="large")
    large["params"] *= 1e3
    found = found_in(pd.concat([small, large]), group="data")
    asked = pd.DataFrame({"params": [2e10, 1e11, 0.0], "data": ["small", "large", "large"]})
    warnings = " ".join(found.predict(asked, "data").warnings)
    assert "params: 20 times beyond the rows of group small (1e+07 to 1e+09)" in warnings
    assert "params: 0 or less in some rows" in warnings
    assert not found.predict(asked[1:2], "data").warnings


def test_a_column_that_never_varied_and_is_asked_for_with_another_value_is_warned_of() -> None:
    frame = falling().assign(seq_len=2048)
    asked = pd.DataFrame({"params": [2e9, 2e9], "seq_len": [2048, 8192]})
    found = found_in(frame, wanted=asked)
    assert found.forecast is not None
    assert "seq_len: 8192, but 2048 in the whole table" in " ".join(found.forecast.warnings)
    assert not found.predict(asked[:1]).warnings
    assert not found.predict(asked[["params"]]).warnings


def test_a_group_with_fewer_rows_than_constants_and_the_scatter_of_runs_are_said(
    tmp_path: Path,
) -> None:
    few = pd.DataFrame({"params": [1e7], "loss": [3.1], "data": ["few"]})
    frame = pd.concat([falling(noise=0.03).assign(data="many"), few])
    found = found_in(frame, group="data")
    asked = pd.DataFrame({"params": [2e9, 2e7], "data": ["many", "few"]})
    told = found.predict(asked, "data")
    assert "few (1 row): fewer rows than the" in " ".join(told.warnings)
    assert "fewer rows" not in " ".join(found.predict(asked[:1], "data").warnings)
    assert 0.01 < told.scatter < 0.05
    write_discovery_report(found, tmp_path / "page.html", told)
    page = (tmp_path / "page.html").read_text("utf-8")
    assert f"A single run scatters by about ±{told.scatter:.2g}" in page


def test_rows_measured_as_zero_have_no_part_in_the_relative_error(tmp_path: Path) -> None:
    frame = falling()
    frame.loc[13:15, "loss"] = [0.0, 2.2, 2.3]
    found = found_in(frame)
    assert (found.zeros, found.relative_error < 1) == (1, True)
    write_discovery_report(found, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "(1 row measured as 0 left out)" in page
    assert "000000000000" not in page
    off = relative_errors(np.array([0.0, 2.0]), np.array([1.0, 3.0]))
    np.testing.assert_array_equal(off, [np.nan, 0.5])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"features": "params"}, r"got the text 'params'; write \['params'\]"),
        ({"features": []}, "no features; expected a column or more to predict from"),
        ({"minutes": 0}, "minutes: expected a number above 0, got 0"),
        ({"minutes": float("nan")}, "minutes: expected a number above 0, got nan"),
        ({"evaluations": 0}, "evaluations: expected 1 or more, got 0"),
        (
            {"wanted": pd.DataFrame([[1e9, 1e9]], columns=["params", "params"])},
            "the rows to predict: two columns are called 'params'; rename one",
        ),
        ({"frame": falling().rename(columns={"params": 0})}, "column 0: expected text as the name"),
    ],
)
def test_wrong_calls_are_one_line_before_any_search(
    monkeypatch: pytest.MonkeyPatch, words: dict[str, Any], expected: str
) -> None:
    def search(*_: object, **__: object) -> None:
        pytest.fail("the search began before all was checked")

    monkeypatch.setattr("harness.evolution.discover.run_unkept", search)
    with pytest.raises(UserError, match=expected) as caught:
        found_in(**{"frame": falling(), **words})
    assert "\n" not in str(caught.value)
