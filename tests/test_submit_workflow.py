"""What a public repository does with a pull request: the workflow, and the script that it calls."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from programs import GROUP_MEAN

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / ".github" / "score-changed.sh"
PLACE = "candidates/nano_moe/my_agent/gpt_5"


def git(repository: Path, *words: str) -> str:
    """Run git, as nobody in particular."""
    identity = ["-c", "user.name=nobody", "-c", "user.email=nobody@localhost"]
    done = subprocess.run(
        ["git", *identity, *words], cwd=repository, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> tuple[Path, str]:
    """A repository with one candidate, and its commit."""
    if shutil.which("git") is None:
        pytest.skip("no git on the PATH")
    folder = tmp_path / "head"
    (folder / PLACE).mkdir(parents=True)
    (folder / PLACE / "run_1.py").write_text(GROUP_MEAN)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "base")
    shutil.copytree(folder / "candidates", tmp_path / "known")
    return folder, git(folder, "rev-parse", "HEAD")


def score(repository: tuple[Path, str], tmp_path: Path) -> tuple[int, str, str]:
    """Commit everything, run the script; returns its exit code, the summary, what it said."""
    folder, base = repository
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "a pull request", "--allow-empty")
    summary = tmp_path / "summary.md"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", str(SCRIPT), str(folder), base, str(tmp_path / "known")],
        env={**os.environ, "GITHUB_STEP_SUMMARY": str(summary), "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    written = summary.read_text("utf-8") if summary.exists() else ""
    return done.returncode, written, done.stdout + done.stderr


def test_only_changed_programs_are_scored(repository: tuple[Path, str], tmp_path: Path) -> None:
    folder, _ = repository
    (folder / PLACE / "run_2.py").write_text(GROUP_MEAN + "# another\n")
    (folder / "README.md").write_text("not a program")
    code, summary, said = score(repository, tmp_path)
    assert code == 0, said
    assert summary.count("### ") == 1
    assert "run&#95;2&#46;py" in summary
    assert "| status | ok |" in summary
    assert "isolation" in summary


def test_a_program_that_breaks_a_rule_fails_the_job(
    repository: tuple[Path, str], tmp_path: Path
) -> None:
    folder, _ = repository
    (folder / PLACE / "run_2.py").write_text("import torch\n")
    (folder / PLACE / "run_3.py").write_text(GROUP_MEAN + "# another\n")
    code, summary, _ = score(repository, tmp_path)
    assert code == 1
    assert "imports &#39;torch&#39;" in summary
    assert "| status | ok |" in summary  # the sound one has its scorecard all the same


def test_a_copy_of_a_program_on_file_is_named(repository: tuple[Path, str], tmp_path: Path) -> None:
    folder, _ = repository
    (folder / PLACE / "run_2.py").write_text(GROUP_MEAN)
    code, summary, _ = score(repository, tmp_path)
    assert code == 1
    assert "the same program&#44; to the byte" in summary


@pytest.mark.parametrize(
    "name",
    ["run_1.py; touch owned", "$(touch owned)", "`touch owned`", "run 2.py", "-rf.py", "a\nb.py"],
)
def test_a_file_name_is_no_command(repository: tuple[Path, str], tmp_path: Path, name: str) -> None:
    folder, _ = repository
    (folder / PLACE / f"{name}.py").write_text(GROUP_MEAN + "# another\n")
    code, summary, said = score(repository, tmp_path)
    assert code == 1
    assert "in the layout" in said
    assert "No candidate program changed." in summary
    assert not list(tmp_path.rglob("owned"))


def test_a_name_of_no_run_stops_no_other_from_being_scored(
    repository: tuple[Path, str], tmp_path: Path
) -> None:
    folder, _ = repository
    wrong = folder / "candidates" / "nano_moe" / ("a" * 201) / "gpt_5"
    wrong.mkdir(parents=True)
    for number in ("01", "1" + "0" * 18):
        (folder / PLACE / f"run_{number}.py").write_text(GROUP_MEAN + "# wrong\n")
    (wrong / "run_1.py").write_text(GROUP_MEAN + "# wrong, too\n")
    (folder / PLACE / "run_2.py").write_text(GROUP_MEAN + "# another\n")
    code, summary, said = score(repository, tmp_path)
    assert code == 1
    assert said.count("not a plain file in the layout") == 3
    assert "| status | ok |" in summary


def test_a_link_is_not_followed(repository: tuple[Path, str], tmp_path: Path) -> None:
    folder, _ = repository
    (folder / PLACE / "run_2.py").symlink_to("/etc/passwd")
    code, summary, said = score(repository, tmp_path)
    assert code == 1
    assert "not a plain file" in said
    assert "root" not in summary + said


def test_nothing_changed_is_said(repository: tuple[Path, str], tmp_path: Path) -> None:
    code, summary, said = score(repository, tmp_path)
    assert (code, summary) == (0, "No candidate program changed.\n"), said


def test_the_workflow_puts_no_secret_and_no_foreign_text_in_reach() -> None:
    text = (ROOT / ".github" / "workflows" / "submissions.yml").read_text("utf-8")
    workflow = yaml.safe_load(text)
    assert "pull_request" in workflow[True]  # YAML reads `on` as true
    assert "pull_request_target" not in workflow[True]
    assert "secrets." not in text
    assert workflow["permissions"] == {"contents": "read"}
    steps = workflow["jobs"]["score"]["steps"]
    checkouts = [step for step in steps if "checkout" in step.get("uses", "")]
    assert [step["with"]["persist-credentials"] for step in checkouts] == [False, False]
    scripts = [step["run"] for step in steps if "run" in step]
    assert all("${{" not in script for script in scripts)
    assert any("score-changed.sh" in script for script in scripts)
