"""What the documents promise exists: commands, options, files, failure kinds."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Scorer
from programs import GROUP_MEAN

from harness.evaluation.records import Evaluation, Isolation, Seconds
from harness.failures import FailureKind
from harness.tasks import TaskDefinition, load_definition

ROOT = Path(__file__).resolve().parents[1]
CLI = (ROOT / "docs" / "cli.md").read_text("utf-8")
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def help_of(*command: str) -> str:
    code = (
        f"import sys; sys.argv = {['sld', *command, '-h']!r}; from harness.cli import main; main()"
    )
    environment = {"COLUMNS": "200", "TERM": "dumb", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout


@pytest.mark.parametrize(
    "command",
    [
        "run",
        "score",
        "check",
        "submit",
        "evolve",
        "discover",
        "leaderboard",
        "compare",
        "audit",
        "import",
        "tasks",
        "results",
        "doctor",
    ],
)
def test_every_command_and_option_is_in_the_manual(command: str) -> None:
    (row,) = [line for line in CLI.splitlines() if line.startswith(f"| `sld {command}")]
    options = set(re.findall(r"--[a-z][a-z-]+", help_of(command))) - {"--help"}
    if command == "tasks":
        options = {"--suite", "--json"}
    if command == "results":
        options = {"--store", "--into", "--prefer", "--json"}
    assert options
    for option in options:
        assert option in row or (option == "--task" and "TASK" in row)


def test_every_promise_names_tests_that_exist() -> None:
    text = (ROOT / "docs" / "promises.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ") and "---" not in line]
    promises = [row for row in rows if not row.startswith("| promise |")]
    assert len(promises) > 25
    for row in promises:
        named = re.findall(r"`(tests/[a-z_/]+\.py)(?:::(\w+))?`", row)
        assert named, row
        for file, name in named:
            code = (ROOT / file).read_text("utf-8")
            assert (f"def {name}(" if name else "def test_") in code, (file, name)


def test_every_file_of_hostile_programs_belongs_to_a_promise() -> None:
    text = (ROOT / "docs" / "promises.md").read_text("utf-8")
    for file in sorted((ROOT / "tests" / "hostile").glob("test_*.py")):
        assert f"`tests/hostile/{file.name}`" in text, file.name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_of_a_document_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text("utf-8")):
        if "://" not in target:
            assert (document.parent / target).exists(), target


def test_every_failure_kind_is_in_the_manual() -> None:
    assert all(f"`{kind.value}`" in CLI for kind in FailureKind)


def test_every_key_of_the_scorecard_is_in_the_manual() -> None:
    evaluation = Evaluation(
        task="t",
        format="law",
        status="ok",
        r2=0.5,
        seconds=Seconds(fit=0.0, predict=0.0),
        isolation=Isolation(layers=()),
        seed=0,
        versions={},
        scoring_version=1,
        digest="0",
    )
    assert all(f"`{key}`" in CLI for key in evaluation.scorecard())


def test_the_picture_of_the_folds_shows_the_folds_of_today() -> None:
    names = runpy.run_path(str(ROOT / "docs" / "images" / "draw_folds.py"))
    assert names["FILE"].read_text("utf-8") == names["draw"]()


def test_the_example_of_an_own_task_works_and_every_key_is_told(
    tmp_path: Path, outcome_of: Scorer
) -> None:
    text = (ROOT / "docs" / "own-tasks.md").read_text("utf-8")
    for name in ("my_task.yaml", "train.csv", "test.csv"):
        found = re.search(rf"^`{name}`.*?^```\w+\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        assert found is not None, name
        (tmp_path / name).write_text(found[1], encoding="utf-8")
    task = load_definition(tmp_path / "my_task.yaml")
    assert outcome_of(GROUP_MEAN, task).evaluation.status == "ok"
    rows = {row.split(" | ")[0].strip("| `"): row for row in text.splitlines() if row[:1] == "|"}
    for key, field in TaskDefinition.model_fields.items():
        assert ("optional:" in rows[key]) == (not field.is_required()), key
