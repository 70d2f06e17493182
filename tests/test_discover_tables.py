"""What ``sld discover`` makes of any table: its columns, its rows, and the task that is saved."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.errors import UserError
from harness.evolution.columns import read_numbers
from harness.evolution.report.charts import Dots, Picture, draw
from harness.evolution.saved import save_discovery, task_name
from harness.evolution.tables import Table, read_table
from harness.tasks.catalogue import load_definition


def table(rows: int = 40) -> pd.DataFrame:
    """Training runs of different sizes."""
    rng = np.random.default_rng(0)
    params, tokens = 10 ** rng.uniform(7, 9, rows), 10 ** rng.uniform(9, 11, rows)
    loss = 1.5 + (params / 1e7) ** -0.3 + (tokens / 1e9) ** -0.3
    return pd.DataFrame({"params": params, "tokens": tokens, "loss": loss})


def saved(found: Table, folder: Path) -> Any:
    """Save a table as a task as if a law had been found in it, and read the task."""
    side = SimpleNamespace(max_params=4)
    name = f"{found.target} = a + b {found.features[0]}^c"
    law: Any = SimpleNamespace(
        table=found, program="", formula=name, search=SimpleNamespace(side=side)
    )
    _, path = save_discovery(law, folder, "own")
    task = load_definition(path)
    return task.definition, task.data()


@pytest.mark.parametrize("order", [["steps", "tokens"], ["tokens", "steps"]])
def test_of_columns_that_determine_each_other_the_one_that_is_known_stays(order: list[str]) -> None:
    frame = table()
    frame["tokens"] = np.round(frame["tokens"] / 524288) * 524288
    frame["steps"] = frame["tokens"] / 524288
    frame["lr"] = 0.3 * frame["params"] ** -0.25
    frame["flops"] = 6 * frame["params"] * frame["tokens"]
    found = read_table(frame[["flops", "lr", *order, "params", "loss"]], "loss")
    assert set(found.features) == {"params", "tokens"}
    assert any("'steps': here a product of powers of tokens" in line for line in found.left_out)


def test_columns_that_only_number_the_rows_are_left_out_and_said() -> None:
    frame = table()
    numbers = np.random.default_rng(0).permutation(40)
    found = read_table(frame.assign(run=numbers + 1, row=numbers * 1.0), "loss")
    assert found.features == ("params", "tokens")
    for name in ("run", "row"):
        assert f"column {name!r}: only numbers the rows" in str(found.left_out)
    assert "run" in read_table(frame.assign(run=numbers), "loss", features=["run"]).features
    kept = frame.assign(twice=[*range(39), 3], steps=numbers * 2, vocab=numbers + 1)
    assert read_table(kept, "loss").features[2:] == ("twice", "steps", "vocab")
    alone = pd.DataFrame({"epoch": range(1, 41), "loss": frame["loss"]})
    assert read_table(alone, "loss").features == ("epoch",)


@pytest.mark.parametrize("name", ["random_seed", "config.seed", "run_id", "runId", "created_at"])
def test_bookkeeping_is_known_by_its_words(name: str) -> None:
    values = np.random.default_rng(0).integers(0, 9, 40)
    found = read_table(table().assign(**{name: values}), "loss")
    assert found.features == ("params", "tokens")
    assert f"column {name!r}: bookkeeping, by its name" in str(found.left_out)


def test_dates_and_durations_are_no_numbers() -> None:
    seconds = pd.Series(np.random.default_rng(0).integers(100, 9000, 40))
    took = pd.to_timedelta(seconds, unit="s")
    for column in (took, pd.Timestamp("2024-02-01") + took, took.where(took > took.min())):
        found = read_table(table().assign(when=column), "loss")
        assert found.features == ("params", "tokens")
        assert "column 'when': not numbers, such as " in str(found.left_out)
        with pytest.raises(UserError, match="'when': not numbers"):
            read_table(table().assign(when=column), "loss", features=["when"])
        assert read_numbers(column).isna().all()


def test_a_column_with_many_gaps_is_left_out_and_the_columns_of_lost_rows_are_named() -> None:
    frame = table().assign(width=np.random.default_rng(0).uniform(1, 9, 40))
    frame.loc[:8, "width"] = np.nan
    found = read_table(frame, "loss")
    assert (found.features, len(found.y)) == (("params", "tokens"), 40)
    assert "column 'width': missing in 9 of 40 rows, which would be lost" in str(found.left_out)
    asked = read_table(frame, "loss", features=["params", "width"])
    (said,) = asked.left_out
    assert said == (
        "9 rows with a value that is missing or no finite number ('width' in 9; --features "
        "without such columns keeps them)"
    )
    frame.loc[:8, "loss"] = np.nan  # runs that ended with nothing
    few = read_table(frame, "loss")
    assert few.features == ("params", "tokens", "width")
    assert "('width' in 9, 'loss' in 9; --features" in str(few.left_out)
    frame = frame.astype({"params": object})
    frame.loc[[10, 11], "params"] = "big"
    with pytest.raises(UserError, match=r"no features; expected a column"):
        read_table(frame, "loss", features=[])
    assert "such as 'big' in 'params'" in str(read_table(frame, "loss").left_out)


def test_what_a_condition_leaves_is_counted_right() -> None:
    frame = table().assign(where=["a"] * 20 + ["b"] * 20, held=[0] * 30 + [1] * 10)
    for condition, group, said in (
        ("params > 0", None, "40 rows held out and 0 left to fit on"),
        ("params < 0", None, "0 rows held out and 40 left to fit on"),
        ("where == 'b'", "where", "0 rows held out and 20 left .* 20 rows of groups that are held"),
        ("params", None, r"comparison such as 'params > 1e9', .* got '\d+"),
        ("where", None, "comparison such as .* got 'a'"),
    ):
        with pytest.raises(UserError, match=said):
            read_table(frame, "loss", group=group, hold_out=condition)
    assert read_table(frame, "loss", hold_out="held").held_out.sum() == 10


def test_how_many_rows_are_held_out_is_said_where_many_are_equal() -> None:
    params = np.array([1e7] * 30 + [1e8] * 67 + [1e9] * 3)
    loss = 5 - np.log10(params) * 0.4 + np.arange(100) * 1e-4
    found = read_table(pd.DataFrame({"params": params, "loss": loss}), "loss")
    assert found.split == "held out: the largest 3 of 100 rows along params"
    assert read_table(table(), "loss").split.startswith("held out: the largest 20% along")


class TestSaved:
    def test_no_row_is_there_twice_when_a_column_has_been_dropped(self, tmp_path: Path) -> None:
        frame = table().assign(decay=0.1)
        largest = frame.nlargest(3, "params").assign(decay=[0.2, 0.3, 0.2])
        frame = pd.concat([largest, frame], ignore_index=True)
        found = read_table(frame, "loss", hold_out="params > 2e8 and (decay > 0.1 or tokens > 0)")
        assert found.features == ("params", "tokens")
        assert "3 rows with the params, tokens, loss of another, to the last digit" in (
            found.left_out
        )
        _, data = saved(found, tmp_path)
        assert sum(len(rows.targets) for rows in (*data.train, *data.test)) == 40

    def test_of_such_rows_the_fitted_one_stays(self) -> None:
        frame = table().assign(decay=0.1)
        frame = pd.concat([frame[:5].assign(decay=0.2), frame], ignore_index=True)
        frame.loc[:1, "loss"] += 0.1
        frame.loc[45] = frame.loc[44] * 1.1
        frame.loc[45, "decay"] = 0.2
        found = read_table(frame, "loss", hold_out="decay > 0.1")
        assert (int(found.held_out.sum()), int((~found.held_out).sum())) == (3, 40)

    @pytest.mark.parametrize("name", ["eval\nloss", "\x1b[1m", "a\u2028b", "\u635f\u5931", "a\0b"])
    def test_columns_may_hold_what_no_line_may(self, tmp_path: Path, name: str) -> None:
        frame = table().rename(columns={"loss": name, "tokens": f"tokens {name[-2:]}"})
        definition, _ = saved(read_table(frame, name), tmp_path)
        assert len(definition.features) == 2
        assert definition.reference.law.isprintable()

    def test_names_that_become_the_same_are_told_apart(self, tmp_path: Path) -> None:
        names = ["group", "group column", "2nd", "c_2nd"]
        values = 10 ** np.random.default_rng(0).uniform(1, 2, (40, 4))
        frame = pd.DataFrame(values, columns=names).assign(loss=table()["loss"])
        definition, _ = saved(read_table(frame, "loss"), tmp_path)
        found = [column.name for column in definition.features]
        assert len(set(found)) == 4
        assert [column.meaning.split("'")[1] for column in definition.features] == names

    def test_an_empty_name_of_a_group_is_none(self, tmp_path: Path) -> None:
        frame = table().assign(where=["a", "b", "a", "b", " "] * 8)
        found = read_table(frame, "loss", group="where")
        assert "8 rows with a value that is missing or no finite number ('where' in 8)" in (
            found.left_out
        )
        _, data = saved(found, tmp_path)
        assert [rows.group for rows in data.train] == ["a", "b"]

    def test_names_of_files_that_are_not_english_stay_apart(self) -> None:
        assert task_name("My runs-2 (final)") == "my_runs_2_final"
        assert task_name("runs \u2013 final") == "runs_final"
        others = ["\u8bad\u7ec3", "\u7ed3\u679c", "l\xe4ufe", "l\xf6ufe", "---", "x" * 61, "x" * 62]
        names = [task_name(text) for text in others]
        assert len(set(names)) == len(others)
        for name in names:
            assert re.fullmatch(r"[a-z0-9][a-z0-9_]{1,59}", name), name
        assert task_name("la\u0308ufe") == task_name("l\xe4ufe")


@pytest.mark.parametrize("unit", [1e-11, 1e-320, 1.0, 1e300])
def test_points_of_any_size_are_drawn_apart(unit: float) -> None:
    def across(*values: float) -> list[str]:
        x = [value * unit for value in values]
        picture = Picture("p", "t", "d", "x", "y", [Dots(x, list(values))])
        return re.findall(r'cx="([\d.]+)"', draw(picture))

    places = across(1.0, 2.0, 3.0)
    assert len(set(places)) == (3 if unit > 1e-300 else 1)
    assert len(set(across(2.0, 2.0))) == 1
    assert across(0.0, 0.0) == ["224.0", "224.0"]
