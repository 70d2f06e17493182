"""The page of a law that was discovered in somebody's own table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from report_pages import NASTY, SCRIPT, Node, nasty_discovery, parsed, runs, tables_of
from typer.testing import CliRunner

import harness
from harness.cli import app
from harness.errors import UserError
from harness.evolution.discover import Discovery
from harness.evolution.forecast import Forecast
from harness.evolution.report import render_report, write_discovery_report
from harness.evolution.report.against import MOST_ROWS
from harness.evolution.report.words import figure, fixed


@pytest.fixture(scope="module")
def grouped() -> Discovery:
    """A law of two groups, the largest models held out."""
    return harness.discover(
        runs(2), "loss", group="where", hold_out="params > 2e8", evaluations=60, minutes=1
    )


def page_of(found: Discovery, folder: Path, forecast: Forecast | None = None) -> Node:
    write_discovery_report(found, folder / "page.html", forecast)
    return parsed((folder / "page.html").read_text("utf-8"))


def test_held_out_rows_are_shown_with_what_the_program_says_of_them(
    grouped: Discovery, tmp_path: Path
) -> None:
    page = page_of(grouped, tmp_path)
    tiles = {tile.all("dt")[0].words(): tile.all("dd")[0].words() for tile in page.all("div")
             if tile.children and tile.children[0].tag == "dt"}  # fmt: skip
    assert tiles["R², rows held out"] == fixed(grouped.r2, 4)
    assert tiles["Rows held out"] == str(int(grouped.table.held_out.sum()))
    assert "held out: params > 2e8" in page.words()
    assert "Features read as: params as model size, tokens as data seen; 3 laws" in page.words()
    tables = tables_of(page)
    program: dict[str, object] = {}
    exec(compile(grouped.program, "law.py", "exec", dont_inherit=True), program)
    for fitted, held in zip(
        grouped.table.rows(held_out=False), grouped.table.rows(held_out=True), strict=True
    ):
        constants = program["fit_scaling_law"](fitted.features, fitted.targets[:, 0])  # type: ignore[operator]
        said = program["scaling_law_func"](held.features, constants)  # type: ignore[operator]
        head, *rows = tables[f"Held-out rows of group {held.group}"]
        assert head == ["params", "tokens", "loss measured", "predicted", "off by"]
        shown = [row[2:4] for row in rows]
        pairs = zip(held.targets[:, 0], np.ravel(said), strict=True)
        assert shown == [[figure(float(m), 6), figure(float(p), 6)] for m, p in pairs]
    charts = [svg for svg in page.all("svg") if "held-out-" in svg.attributes["aria-labelledby"]]
    dots = [len(chart.all("circle")) for chart in charts]
    assert dots == [42, 42]


def test_predictions_stand_with_both_intervals_and_warnings(
    grouped: Discovery, tmp_path: Path
) -> None:
    asked = pd.DataFrame({"params": [3e9, 1e13], "tokens": [1e11, 1e11], "where": ["g1", "g0"]})
    forecast = grouped.predict(asked, "where")
    page = page_of(grouped, tmp_path, forecast)
    head, *rows = tables_of(page)["Predictions"]
    assert head == ["Group", "params", "tokens", "loss", "95 % over rows", "over elite laws"]
    assert [row[:4] for row in rows] == [
        ["g1", "3e9", "1e11", figure(float(forecast.predicted[0]), 5)],
        ["g0", "1e13", "1e11", figure(float(forecast.predicted[1]), 5)],
    ]
    low, high = (float(end[0]) for end in (forecast.by_laws.low, forecast.by_laws.high))
    assert rows[0][5] == f"{figure(low, 5)} to {figure(high, 5)}"
    (warning,) = page.all("p", "warning")
    assert "params: 1e+04 times beyond the rows" in warning.words()
    assert "Predictions" not in tables_of(page_of(grouped, tmp_path))


def test_what_was_not_used_is_said_and_many_rows_are_listed_in_part(tmp_path: Path) -> None:
    frame = pd.concat([runs()] * 60).assign(note="x")
    frame["loss"] += 1e-6 * np.arange(len(frame))  # measured again: repetitions are left out
    found = harness.discover(frame, "loss", evaluations=5, minutes=1)
    held = int(found.table.held_out.sum())
    assert held > MOST_ROWS
    every = found.predict(frame.drop(columns=["loss"]))
    page = page_of(found, tmp_path, every)
    assert "column 'note': not numbers" in page.words()
    tables = tables_of(page)
    assert len(tables["Held-out rows of group all"]) == MOST_ROWS + 1
    assert f"{MOST_ROWS} of {held:,} held-out rows are drawn and listed" in page.words()
    assert len(tables["Predictions"]) == MOST_ROWS + 1
    assert f"{len(frame) - MOST_ROWS} more rows were predicted" in page.words()


def test_the_page_of_a_task_says_nothing_of_own_runs(grouped: Discovery, tmp_path: Path) -> None:
    task = parsed(render_report(grouped.search, grouped.result))
    own = page_of(grouped, tmp_path)
    promise = "used neither for it nor for this page"
    assert (promise in task.words(), promise in own.words()) == (True, False)
    links = [link.attributes["href"] for link in own.all("nav")[0].all("a")]
    assert "#beyond" in links
    assert "#beyond" not in [link.attributes["href"] for link in task.all("nav")[0].all("a")]
    headings = {node.attributes.get("id") for node in own.all("h2")}
    assert all(link.removeprefix("#") in headings for link in links)


def test_names_of_columns_and_groups_never_become_part_of_the_page(tmp_path: Path) -> None:
    found, forecast = nasty_discovery()
    text = (page_of(found, tmp_path, forecast), (tmp_path / "page.html").read_text("utf-8"))[1]
    assert SCRIPT not in text
    assert NASTY not in text
    assert "\u202e" not in text
    page = parsed(text)
    assert page.all("script") == []
    assert page.all("p", "warning")
    write_discovery_report(found, tmp_path / "again.html", forecast)
    assert (tmp_path / "again.html").read_text("utf-8") == text


def test_the_command_writes_the_page_beside_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runs().to_csv("runs.csv", index=False)
    command = ["discover", "runs.csv", "--target", "loss", "--evaluations", "30", "--jobs", "1"]
    done = CliRunner().invoke(app, [*command, "--json"])
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document["report"] == "runs_law/runs_law.html"
    page = parsed(Path(document["report"]).read_text("utf-8"))
    assert fixed(document["r2"], 4) in page.words()
    done = CliRunner().invoke(app, command)
    assert "report:  runs_law/runs_law.html" in done.output


def test_a_page_that_cannot_be_written_is_one_line(grouped: Discovery, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written"):
        write_discovery_report(grouped, tmp_path)
