"""Claimed figures against ours: each is called what it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from board_samples import claim, evaluation, page, run
from hypothesis import given
from hypothesis import strategies as st

from harness.cli import main
from harness.evaluation.records import Traces
from harness.failures import FailureKind
from harness.leaderboard.audit import Finding, audit, counted, judge
from harness.results.records import RunAssignment
from harness.results.store import Store

PROGRAM = "x = 1\n"


@pytest.mark.parametrize(
    ("claimed", "r2", "r2_fit", "finding"),
    [
        (0.996946, 0.9969455, 0.5, Finding.EQUAL),
        (0.996946, 0.9969, 0.5, Finding.CLOSE),
        (0.996946, 0.9921, 0.99694, Finding.FIT),
        (0.996946, 0.9965, 0.996946, Finding.FIT),
        (0.996946, 0.9969, 0.9970, Finding.CLOSE),
        (0.9, 0.7, 0.8, Finding.DIFFERS),
        (0.9, 0.7, None, Finding.DIFFERS),
        (-1.0, -7.5, 0.4, Finding.EQUAL),
        (-7.5, -7.5, 0.4, Finding.EQUAL),
        (0.9, None, None, Finding.FAILED),
    ],
)
def test_a_figure_is_called_what_it_is(
    claimed: float, r2: float | None, r2_fit: float | None, finding: Finding
) -> None:
    assert judge(claimed, evaluation(r2, r2_fit=r2_fit)) is finding


@pytest.mark.parametrize(
    ("kind", "message", "finding"),
    [
        (FailureKind.LOAD_ERROR, "FileNotFoundError: train.csv", Finding.NOT_RESCORABLE),
        (FailureKind.LOAD_ERROR, "PermissionError: /data", Finding.NOT_RESCORABLE),
        (FailureKind.LOAD_ERROR, "ImportError: torch", Finding.FAILED),
        (FailureKind.CANDIDATE_ERROR, "FileNotFoundError: x", Finding.FAILED),
    ],
)
def test_a_program_that_reads_a_file_when_loaded_cannot_be_scored_again(
    kind: FailureKind, message: str, finding: Finding
) -> None:
    failed = evaluation(None)
    assert failed.error is not None
    error = failed.error.model_copy(update={"kind": kind, "message": message})
    assert judge(0.5, failed.model_copy(update={"error": error})) is finding


@given(st.floats(-3, 1), st.floats(-3, 1), st.none() | st.floats(-3, 1))
def test_equal_is_never_far_and_differs_is_never_near(
    claimed: float, r2: float, r2_fit: float | None
) -> None:
    finding = judge(claimed, evaluation(r2, r2_fit=r2_fit))
    near = min(abs(claimed - r2), abs(claimed - max(r2, -1)))
    if finding in {Finding.EQUAL, Finding.CLOSE}:
        assert near <= 1e-3
    if finding is Finding.DIFFERS:
        assert near > 1e-3
    if finding is Finding.FIT:
        assert r2_fit is not None
        assert abs(claimed - r2_fit) < near


def test_every_claimed_figure_has_a_row() -> None:
    claims = [
        claim(page(PROGRAM, ("0.900000", "0.800000"))),
        claim(page("", ("0.7",)), agent="goose"),
        claim(page("other", ("0.600000",)), model="gpt_5"),
    ]
    runs = [run(3, 0.85, program=PROGRAM.encode()), run(1, 0.9, program=b"not it")]
    rows = audit(claims, runs)
    assert [(row.key.agent, row.key.model, row.key.run, row.finding.value) for row in rows] == [
        ("codex", "gpt_5", 1, "not scored"),
        ("codex", "o4_mini", 1, "differs"),
        ("codex", "o4_mini", 2, "no program"),
        ("goose", "o4_mini", 1, "no program"),
    ]
    assert rows[1].difference == pytest.approx(0.05)
    assert rows == audit(claims[::-1], runs[::-1])
    assert sum(counted(rows).values()) == len(rows)


def sld(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["sld", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


def test_the_command_prints_a_row_each_and_a_total(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "store.sqlite"
    monkeypatch.setenv("COLUMNS", "200")
    with Store(path) as opened:
        pass
    assert sld(monkeypatch, "audit", "--store", str(path)) == 2
    assert "`sld import PAGE...`" in capsys.readouterr().err
    one = run(1, 0.75, task="nano_moe", program=PROGRAM.encode(), digest="1" * 64)
    with Store(path) as opened:
        opened.add(one.evaluation, Traces({}, {}, {}, {}), one.program)
        opened.assign([RunAssignment(one.key, "codex", "o4-mini", one.path, "1" * 64)])
        opened.add_claim("nano_moe", page(PROGRAM, ("0.900000", "0.800000")), "000.txt")
    assert sld(monkeypatch, "audit", "--store", str(path)) == 0
    shown = capsys.readouterr().out
    assert "differs by +0.150" in shown
    assert "2 claimed figures: 1 differs, 1 no program" in shown
    assert sld(monkeypatch, "audit", "--store", str(path), "--json") == 0
    first, second = json.loads(capsys.readouterr().out)
    assert (first["finding"], second["finding"]) == ("differs", "no program")
    assert first["difference"] == pytest.approx(0.15)
