"""What configurations and options of models mean, and when they are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from evolution_samples import side
from pydantic import ValidationError
from typer.testing import CliRunner

from harness.cli import app
from harness.errors import UserError
from harness.evolution.llm.config import read_config
from harness.evolution.llm.settings import LlmSettings, ModelChoice, is_local
from harness.evolution.search import Search

MODELS = "llm:\n  models: [{name: m}]\n"


def settings(tmp_path: Path, more: str) -> object:
    path = tmp_path / "c.yaml"
    path.write_text(MODELS + more, encoding="utf-8")
    return read_config(path).settings()


@pytest.mark.parametrize(("timeout", "deadline"), [(600, 1200.0), (20, 300.0)])
def test_an_answer_may_take_as_long_as_its_timeout_says(
    tmp_path: Path, timeout: int, deadline: float
) -> None:
    found = settings(tmp_path, f"  timeout: {timeout}\n")
    assert (found.timeout, found.deadline) == (timeout, deadline)  # type: ignore[attr-defined]


def test_too_many_retries_are_refused_by_the_name_that_was_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"llm\.retries: expected 19 or less, got 50"):
        settings(tmp_path, "  retries: 50\n")


def test_too_few_evaluations_for_any_question_are_said(tmp_path: Path) -> None:
    words = ["evolve", "nano_moe", "--model", "m", "--base-url", "http://127.0.0.1:9/v1"]
    limits = ["--evaluations", "2", "--jobs", "1", "--store", str(tmp_path / "s.sqlite")]
    done = CliRunner().invoke(app, [*words, *limits, "--out", str(tmp_path / "law.py")])
    assert done.exit_code == 0, done.output
    assert "no model is asked: the first " in " ".join(done.output.split())


@pytest.mark.parametrize("option", ["--base-url", "--key-variable", "--model"])
def test_an_empty_variable_of_the_shell_is_refused_and_not_as_if_nothing_was_said(
    tmp_path: Path, option: str
) -> None:
    """Else prompts and keys would go to the usual endpoint."""
    words = ["evolve", "nano_moe", "--model", "m", option, "", "--out", str(tmp_path / "law.py")]
    done = CliRunner().invoke(app, words)
    assert isinstance(done.exception, UserError)
    assert option.strip("-").replace("-", "_") in str(done.exception)


@pytest.mark.parametrize("port", ["80a", "99999"])
def test_an_address_has_a_port_that_there_can_be(port: str) -> None:
    with pytest.raises(ValidationError, match="expected an address"):
        LlmSettings(models=(ModelChoice(name="m"),), base_url=f"http://127.0.0.1:{port}/v1")


def test_an_address_that_is_none_is_not_local() -> None:
    assert not is_local("http://[bad")


def test_a_name_that_no_page_can_have_is_refused_before_anything_is_paid_for(
    tmp_path: Path,
) -> None:
    words = ["evolve", "nano_moe", "--model", "???", "--store", str(tmp_path / "s.sqlite")]
    done = CliRunner().invoke(app, words)
    assert isinstance(done.exception, UserError)
    assert "expected a name" in str(done.exception)
    assert not (tmp_path / "s.sqlite").exists()


def test_names_that_cannot_be_read_are_told_before_the_search(tmp_path: Path) -> None:
    (tmp_path / "names.yaml").write_text("odd: 1\n", encoding="utf-8")
    words = ["evolve", "nano_moe", "--into", str(tmp_path), "--store", str(tmp_path / "s.sqlite")]
    done = CliRunner().invoke(app, words)
    assert isinstance(done.exception, UserError)
    assert not (tmp_path / "s.sqlite").exists()


def test_a_search_that_was_judged_otherwise_is_another_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = Search(side(), 1).fingerprint()
    monkeypatch.setattr("harness.evolution.search.JUDGING", 1)
    assert Search(side(), 1).fingerprint() != before
