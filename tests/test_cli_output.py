"""What a person sees of a program that prints, and of two files for one run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from programs import program

from harness.cli import main
from harness.cli.output import console, difference
from harness.cli.score import print_output
from harness.sandbox import Printed

CHATTY = """\
print("loading", chr(27) + "[31mred")
def law(input_data, group):
    print("rows", len(input_data))
    return [{"loss": 1.0} for _ in input_data]
"""


def sld(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["sld", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


@pytest.mark.parametrize("command", ["score", "check"])
def test_what_a_program_prints_is_shown_without_control_codes(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An author debugs with print; the terminal of whoever scores the program is not theirs."""
    path = tmp_path / "chatty.py"
    path.write_text(CHATTY, encoding="utf-8")
    assert sld(monkeypatch, command, str(path), "--task", "nano_moe") == 0
    shown = capsys.readouterr().out
    assert "the law printed" in shown
    assert "rows 12" in shown or "rows 30" in shown
    assert "\x1b[31m" not in shown


@pytest.mark.parametrize("command", ["score", "check"])
def test_what_the_fit_prints_is_shown_beside_the_law(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "chatty.py"
    text = program(fit="print('fitting')", predict="print('predicting')")
    path.write_text(text, encoding="utf-8")
    assert sld(monkeypatch, command, str(path), "--task", "nano_finetuning") == 0
    shown = capsys.readouterr().out
    fit, law = shown.index("the fit printed"), shown.index("the law printed")
    assert "\n  fitting\n" in shown[fit:law]
    assert "\n  predicting\n" in shown[law:]


def test_a_difference_has_the_minus_of_all_figures_on_a_terminal() -> None:
    assert [difference(value) for value in (-0.25, 0.25, None)] == ["-0.250", "+0.250", "–"]


def test_output_beyond_what_is_kept_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    lines = "".join(f"line {number}\n" for number in range(30))
    for printed, words in (
        (Printed(), ""),
        (Printed("one\n"), "the law printed:"),
        (Printed("one\n", cut=True), "the law printed more than is kept:"),
        (Printed(lines), "the law printed, the last 20 of 30 lines:"),
        (
            Printed(lines, cut=True),
            "the law printed more than is kept, the last 20 of 30 lines that are kept:",
        ),
    ):
        print_output(console(), {"predict": printed})
        assert capsys.readouterr().out.partition("\n")[0] == words


@pytest.mark.parametrize("command", ["score", "check"])
def test_a_program_that_explodes_has_short_figures(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "huge.py"
    path.write_text(
        "def law(input_data, group):\n    return [{'loss': 1e40} for _ in input_data]\n",
        encoding="utf-8",
    )
    assert sld(monkeypatch, command, str(path), "--task", "nano_moe") == 0
    shown = capsys.readouterr().out
    assert "e+8" in shown
    assert max(map(len, re.findall(r"\d+", shown))) <= 8


def test_json_holds_nothing_of_what_a_program_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "chatty.py"
    path.write_text(CHATTY, encoding="utf-8")
    assert sld(monkeypatch, "score", str(path), "--task", "nano_moe", "--json") == 0
    assert json.loads(capsys.readouterr().out)["status"] == "ok"


def test_two_files_for_one_run_are_named_and_the_first_is_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Regression: the second would silently take the first one's place on the board."""
    for folder, constant in (("one", "1.0"), ("two", "2.0")):
        place = tmp_path / folder / "nano_moe" / "me" / "mine"
        place.mkdir(parents=True)
        text = CHATTY.replace("1.0", constant)
        (place / "run_1.py").write_text(text, encoding="utf-8")
    folders = [str(tmp_path / "one"), str(tmp_path / "two")]
    store = str(tmp_path / "store.sqlite")
    assert sld(monkeypatch, "run", *folders, "--store", store) == 2
    shown = capsys.readouterr()
    (line,) = [line for line in shown.err.splitlines() if line.startswith("error: ")]
    assert str(tmp_path / "two") in line
    assert str(tmp_path / "one") in line
    assert "1 scored" in shown.out
