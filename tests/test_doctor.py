"""`sld doctor`: what is in force, and whether the store is sound."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from board_samples import run

from harness.cli import main
from harness.evaluation.records import Traces
from harness.results.records import RunAssignment
from harness.results.store import Store


def doctor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], store: Path
) -> dict[str, object]:
    monkeypatch.setattr("sys.argv", ["sld", "doctor", "--json", "--store", str(store)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert not stop.value.code
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "store.sqlite"
    arrays = Traces(params={"a": np.arange(3000.0)}, train={}, test={}, curve={})
    with Store(path) as opened:
        for number, r2 in ((1, 0.9), (2, None)):
            one = run(number, r2, digest=f"{number:064x}")
            opened.add(one.evaluation, arrays, one.program)
            opened.assign([RunAssignment(one.key, "a", "m", one.path, one.evaluation.digest)])
    return path


def test_a_sound_store_is_counted(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = doctor(monkeypatch, capsys, store)
    assert str(found["store_state"]).startswith("sound: 2 evaluations (1 not ok), 2 runs, ")
    assert found["blas_threads"] == 1
    assert found["data_found"]["nano"] == "8 of 8 tasks"  # type: ignore[index]
    assert {"isolation", "isolation_missing", "versions", "cores", "store", "data"} <= found.keys()


def test_a_store_that_is_not_there_is_said_to_be_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = doctor(monkeypatch, capsys, tmp_path / "none.sqlite")
    assert "no store there yet" in str(found["store_state"])
    assert not (tmp_path / "none.sqlite").exists()


@pytest.mark.parametrize("damage", ["cut", "flipped", "no database", "loose"])
def test_a_damaged_store_is_named_with_what_to_do(
    damage: str, store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if damage == "loose":
        with sqlite3.connect(store) as db:
            db.execute("DELETE FROM evaluations WHERE status = 'ok'")
        db.close()
    else:
        whole = store.read_bytes()
        middle = len(whole) // 2
        store.write_bytes(
            {
                "cut": whole[:middle],
                "flipped": whole[:4096] + bytes(b ^ 0xFF for b in whole[4096:8192]) + whole[8192:],
                "no database": b"x" * 5000,
            }[damage]
        )
    state = str(doctor(monkeypatch, capsys, store)["store_state"])
    assert state.startswith(str(store))
    assert "damaged" in state
    assert "move it away and run again" in state


def test_one_table_for_people(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["sld", "doctor", "--store", str(store)])
    with pytest.raises(SystemExit):
        main()
    shown = capsys.readouterr().out
    for word in ("isolation", "versions", "blas threads", "store state", "data found", "cores"):
        assert word in shown
