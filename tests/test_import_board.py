"""A published board in one file: every program is filed, and every figure kept with its program."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from board_samples import run
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cli import main
from harness.errors import UserError
from harness.evaluation.records import Traces
from harness.leaderboard.audit import audit
from harness.leaderboard.importer import import_pages
from harness.results.board_lines import read_board
from harness.results.records import RunAssignment
from harness.results.store import Store
from harness.tasks import load_catalogue


def line(task: str, r2: float | None, program: str) -> dict[str, object]:
    names = {"task": task, "agent_name": "Codex", "model_name": "o4-mini"}
    return {**names, "reward_r2": r2, "solution": program}


LINES = [
    line("nano_moe", 0.5, "a = 1\n"),
    line("nano_moe", 0.9, "b = 'é'\n"),
    line("nano_moe", None, "c = 1\n"),
    line("nano_moe", 0.25, ""),
    line("nano_vocab", -1.0, "d = 1\n"),
]


def board(folder: Path, *lines: object) -> Path:
    path = folder / "board.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in lines), encoding="utf-8")
    return path


def title_of(name: str) -> str:
    return load_catalogue().find(name).title


def test_runs_are_numbered_by_line_and_ranked_by_figure(tmp_path: Path) -> None:
    moe, vocab = read_board(board(tmp_path, *LINES), title_of)
    assert (moe.task, vocab.task) == ("nano_moe", "nano_vocab")
    assert [(line.run, line.r2) for line in moe.page.ranking] == [
        (2, "0.900000"),
        (1, "0.500000"),
        (4, "0.250000"),
        (3, "-1.000000"),
    ]
    assert (moe.page.best, moe.page.mean, moe.page.min) == ("0.900000", "0.162500", "-1.000000")
    assert moe.page.program == "b = 'é'\n"
    assert sorted(moe.programs) == [1, 2, 3]
    assert [line.program is None for line in moe.page.ranking] == [False, False, True, False]


def test_programs_are_filed_and_each_figure_is_audited_with_its_own(tmp_path: Path) -> None:
    path, into = board(tmp_path, *LINES), tmp_path / "imported"
    with Store(tmp_path / "store.sqlite") as store:
        imported = import_pages([path], into, store, load_catalogue())
        again = import_pages([path], into, store, load_catalogue())
        assert imported == again
        for number, r2 in ((1, 0.5), (2, 0.7)):
            program = (into / f"nano_moe/codex/o4_mini/run_{number}.py").read_bytes()
            one = run(number, r2, task="nano_moe", program=program, digest=f"{number:064x}")
            store.add(one.evaluation, Traces({}, {}, {}, {}), program)
            found = one.evaluation.digest
            store.assign([RunAssignment(one.key, "Codex", "o4-mini", one.path, found)])
        rows = audit(store.claims(), store.runs())
    assert [(row.key.task, row.key.run, row.finding.value) for row in rows] == [
        ("nano_moe", 1, "equal"),
        ("nano_moe", 2, "differs"),
        ("nano_moe", 3, "not scored"),
        ("nano_moe", 4, "no program"),
        ("nano_vocab", 1, "not scored"),
    ]
    assert (into / "nano_moe/codex/o4_mini/run_2.py").read_bytes() == "b = 'é'\n".encode()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"task": "nano_mo"}, "line 2: unknown task 'nano_mo' (did you mean"),
        ({"task": "../x"}, "line 2: task"),
        ({"reward_r2": "good"}, "line 2: reward_r2"),
        ({"reward_r2": float("nan")}, "line 2: "),
        ({"solution": "\ud800"}, "line 2: "),
        ({"agent_name": ""}, "line 2: agent_name"),
        ({"more": 1}, "line 2: more: unknown key"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_written(
    change: dict[str, object], said: str, tmp_path: Path
) -> None:
    path, into = board(tmp_path, LINES[0], LINES[1] | change), tmp_path / "imported"
    with Store(tmp_path / "store.sqlite") as store:
        with pytest.raises(UserError) as caught:
            import_pages([path], into, store, load_catalogue())
        assert store.claims() == []
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not into.exists()


@settings(max_examples=80, deadline=None)
@given(data=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_file_makes_the_reader_fail_in_another_way(
    data: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "board.jsonl"
    path.write_bytes(data)
    with pytest.raises(UserError):
        read_board(path, title_of)


def test_the_command_takes_a_board(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, into = board(tmp_path, *LINES), tmp_path / "imported"
    arguments = ["import", path, "--into", into, "--store", tmp_path / "store.sqlite"]
    monkeypatch.setattr("sys.argv", ["sld", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert not stop.value.code
    shown = capsys.readouterr().out
    assert "nano_moe  Codex  o4-mini  4 runs" in shown
    assert "run_1.py and 2 more" in shown
