"""``sld submit``: refusals with all reasons, filing, numbers, ranks, notes beside programs."""

from __future__ import annotations

import datetime
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from programs import GROUP_MEAN, LAW, LINE
from typer.testing import CliRunner

from harness.candidates import Candidate, find_runs, load_names
from harness.candidates.markers import find_markers
from harness.candidates.naming import MOST_RUN
from harness.candidates.review import review
from harness.candidates.submission import (
    NO_PROGRAM,
    Submission,
    file_program,
    load_submission,
    next_run,
)
from harness.cli import app, main
from harness.errors import UserError
from harness.results.store import Store

NOTE = Submission(submitter="me", date="2026-01-31", sha256=NO_PROGRAM)  # type: ignore[arg-type]
OFF_BATCH = """\
import numpy as np


def fit_scaling_law(data_points, loss_values):
    return np.full(9, loss_values.mean())


def scaling_law_func(data_points, params):
    return params[0] + data_points[:, 0] - data_points[:, 0].mean()
"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    folder = tmp_path / "desk"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def submit(desk: Path, write_task: Callable[..., Path]) -> Callable[..., tuple[int, str]]:
    """Return a function that submits to a small task: the exit code and what was said."""
    yaml_file = write_task()

    def run(
        *words: str | Path, agent: str | None = "My Agent", model: str | None = "GPT-5"
    ) -> tuple[int, str]:
        named = [w for o, v in (("--agent", agent), ("--model", model)) if v for w in (o, v)]
        line = ["submit", *map(str, words), "--task", str(yaml_file), *named]
        done = CliRunner().invoke(app, [*line, "--store", "store.sqlite"])
        if isinstance(done.exception, UserError):
            return 2, f"error: {done.exception}"
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
        return done.exit_code, done.stdout

    return run


def program(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text.encode("utf-8") if isinstance(text, str) else text)
    return path


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def reasons(text: str) -> list[tuple[int | None, str]]:
    (one,) = objects(text)
    assert one["accepted"] is False
    assert one["filed"] is None
    return [(reason["line"], reason["message"]) for reason in one["reasons"]]


def test_a_program_is_filed_with_its_note_and_is_on_the_board(
    desk: Path, submit: Callable[..., tuple[int, str]]
) -> None:
    mine = program(desk, "mine.py", LINE)
    code, said = submit(mine, "--claimed-r2", "0.5", "--notes", "by hand", "--submitter", "me")
    assert code == 0, said
    filed = desk / "candidates" / "small_task" / "my_agent" / "gpt_5" / "run_1.py"
    assert filed.read_text() == LINE
    assert mine.exists()
    note = load_submission(filed)
    assert note is not None
    assert (note.submitter, note.claimed_r2, note.notes) == ("me", 0.5, "by hand")
    assert note.sha256 == Candidate(LINE.encode(), "").sha256
    (run,) = find_runs(desk / "candidates").runs
    assert (run.agent_name, run.model_name, run.run) == ("My Agent", "GPT-5", 1)
    with Store(desk / "store.sqlite") as store:
        (stored,) = store.runs()
    assert stored.path == str(filed)
    assert stored.evaluation.status == "ok"
    assert str(filed) in said
    assert "ranks 1 of 1 on small_task" in said
    assert "claimed R² 0.500000: differs from the held-out R² by" in said


def test_what_is_said_of_an_own_task_agrees(
    desk: Path, submit: Callable[..., tuple[int, str]]
) -> None:
    """No page shows it, and no other command that is named would."""
    _, said = submit(program(desk, "mine.py", LINE))
    assert "small_task is your own task: no page shows it" in said
    assert "sld leaderboard" not in said
    assert "in suite" not in said
    assert "scores those on file" not in said
    for words, expected in (
        (["candidates"], "on a task file of your own, score a program with: sld score"),
        (["candidates", "--task", "my.yaml"], "expected a glob for names of tasks"),
    ):
        done = CliRunner().invoke(app, ["run", *words, "--store", "store.sqlite"])
        assert expected in done.stderr + str(done.exception)


def test_what_is_filed_needs_no_scoring_by_run(
    desk: Path, submit: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A filed program of a task in the catalogue is stored under the digest that ``run`` uses."""
    mine = program(desk, "mine.py", GROUP_MEAN)
    line = ["submit", str(mine), "--task", "nano_moe", "--agent", "a", "--model", "m"]
    store = ["--store", "store.sqlite"]
    done = CliRunner().invoke(app, [*line, *store])
    assert done.exit_code == 0
    again = CliRunner().invoke(app, ["run", "candidates", *store])
    assert "1 runs asked for: 1 stored, 0 to score" in again.stdout


def test_numbers_go_on_and_names_keep_their_spelling(
    desk: Path, submit: Callable[..., tuple[int, str]]
) -> None:
    for number, text in enumerate((GROUP_MEAN, LINE, LAW), 1):
        code, said = submit(program(desk, "mine.py", text), "--json")
        assert code == 0, said
        assert objects(said)[0]["run"] == number
    names = yaml.safe_load((desk / "candidates" / "names.yaml").read_text())
    assert names == {"agents": {"my_agent": "My Agent"}, "models": {"gpt_5": "GPT-5"}}
    assert objects(said)[0]["rank"]["before"] == 1


def test_the_best_rank_is_told_beside_others_and_people(
    desk: Path, submit: Callable[..., tuple[int, str]]
) -> None:
    submit(program(desk, "a.py", GROUP_MEAN), agent="human", model="human")
    submit(program(desk, "b.py", GROUP_MEAN + "# b\n"), agent="other")
    _, said = submit(program(desk, "c.py", LINE))
    assert "ranks 1 of 3 on small_task" in said
    assert "the best other there is human / human" in said


def test_all_reasons_come_at_once_each_with_its_line(
    desk: Path, submit: Callable[..., tuple[int, str]]
) -> None:
    text = (
        "import torch\nimport pandas as pd\n\ndef fit_scaling_law(x, y, z):  # \u202e\n    pass\n"
    )
    code, said = submit(program(desk, "bad.py", text), "--json", agent="...", model="GPT-5")
    assert code == 1
    found = reasons(said)
    assert [line for line, _ in found] == [None, 1, 2, 4, 4, 4]
    words = [message for _, message in found]
    assert "--agent '...'" in words[0]
    assert "imports 'torch'" in words[1]
    assert "imports 'pandas'" in words[2]
    assert any("RIGHT-TO-LEFT OVERRIDE" in word for word in words)
    assert any("called with 2 arguments and takes 3" in word for word in words)
    assert any("`scaling_law_func` is not" in word for word in words)
    assert not (desk / "candidates").exists()


def test_every_broken_rule_is_named_with_the_function(
    desk: Path, submit: Callable[..., tuple[int, str]]
) -> None:
    code, said = submit(program(desk, "bad.py", OFF_BATCH), "--json")
    assert code == 1
    (constants, row) = reasons(said)
    assert constants[0] == 4
    assert "9 constants" in constants[1]
    assert row[0] == 8
    assert "not a function of (row, params)" in row[1]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", None, "the file is empty"),
        (b"x = 1\ny = '\xff'\n", 2, "not UTF-8: byte 11 is 0xff"),
        ("def law(a, b:\n    pass\n", 1, "SyntaxError"),
        ("x = 1\n\x00", None, "null bytes"),
        ("1/0\n", 1, "ZeroDivisionError"),
        ("x = 1\n", None, "neither"),
        ("def law(data, group):\n    raise ValueError('no')\n", 2, "ValueError: no"),
        ("(" * 5000, 1, "too many nested"),
    ],
)
def test_programs_that_do_not_work_are_refused(
    desk: Path,
    submit: Callable[..., tuple[int, str]],
    text: str | bytes,
    line: int | None,
    words: str,
) -> None:
    code, said = submit(program(desk, "bad.py", text), "--json")
    assert code == 1
    assert any(where == line and words in message for where, message in reasons(said)), said
    assert not (desk / "candidates").exists()


def test_a_guarded_import_is_nobodys_fault(
    desk: Path, submit: Callable[..., tuple[int, str]]
) -> None:
    text = "try:\n    import jax\nexcept ImportError:\n    jax = None\n" + GROUP_MEAN
    assert submit(program(desk, "mine.py", text))[0] == 0


def test_copies_are_named_and_filed_only_on_request(
    desk: Path, submit: Callable[..., tuple[int, str]]
) -> None:
    first, second = program(desk, "a.py", GROUP_MEAN), program(desk, "b.py", GROUP_MEAN)
    code, said = submit(first, second, "--json")
    assert code == 1
    ok, copy = objects(said)
    assert ok["filed"]
    assert str(first) in copy["reasons"][0]["message"]
    code, said = submit(second, agent="Someone else")
    assert code == 1
    assert "the same program, to the byte, as candidates/small_task/my_agent/gpt_5/run_1.py" in said
    assert submit(second, "--duplicate")[0] == 0


def test_a_dry_run_says_the_same_and_files_nothing(
    desk: Path, submit: Callable[..., tuple[int, str]]
) -> None:
    mine = program(desk, "mine.py", LINE)
    code, said = submit(mine, "--dry-run")
    assert code == 0
    assert "would rank 1 of 1 on small_task" in said
    assert not (desk / "candidates").exists()
    with Store(desk / "store.sqlite") as store:
        assert store.runs() == []


def test_a_folder_is_submitted_in_the_order_of_names(
    desk: Path, submit: Callable[..., tuple[int, str]]
) -> None:
    folder = desk / "mine"
    (folder / ".hidden").mkdir(parents=True)
    program(folder / ".hidden", "no.py", GROUP_MEAN)
    program(folder, "b.py", LINE)
    program(folder, "a.py", GROUP_MEAN)
    program(folder, "c.py", "import torch\n")
    code, said = submit(folder, "--json")
    assert code == 1
    a, b, c = objects(said)
    assert [Path(one["path"]).name for one in (a, b, c)] == ["a.py", "b.py", "c.py"]
    assert [one["run"] for one in (a, b, c)] == [1, 2, None]


def test_the_layout_says_whose_runs_they_are(desk: Path) -> None:
    place = desk / "theirs" / "nano_moe" / "an_agent" / "gpt_5"
    place.mkdir(parents=True)
    program(place, "run_7.py", GROUP_MEAN)
    (desk / "theirs" / "names.yaml").write_text("agents: {an_agent: An Agent}\n")
    line = ["submit", "theirs", "--store", "store.sqlite", "--json"]
    done = CliRunner().invoke(app, line)
    (one,) = objects(done.stdout)
    assert (one["agent"], one["model"], one["run"]) == ("An Agent", "gpt_5", 1)
    assert (desk / "candidates/nano_moe/an_agent/gpt_5/run_1.py").exists()


def test_a_link_in_the_layout_is_refused(desk: Path) -> None:
    place = desk / "theirs" / "nano_moe" / "a" / "m"
    place.mkdir(parents=True)
    program(place, "run_1.py", GROUP_MEAN)
    (place / "run_2.py").symlink_to("/etc/passwd")
    for whose in ([], ["--task", "nano_moe", "--agent", "a", "--model", "m"]):
        done = CliRunner().invoke(app, ["submit", "theirs", *whose, "--store", "store.sqlite"])
        assert "run_2.py: is a link" in str(done.exception)
    assert not (desk / "candidates").exists()


def test_a_note_beside_a_program_is_read_and_checked(desk: Path) -> None:
    place = desk / "candidates" / "nano_moe" / "a" / "m"
    place.mkdir(parents=True)
    path = program(place, "run_1.py", GROUP_MEAN)
    beside = place / "run_1.yaml"
    sha = Candidate(path.read_bytes(), "").sha256
    line = ["submit", str(path), "--dry-run", "--store", "store.sqlite", "--json"]
    for text, words in (
        (f"submitter: me\ndate: 2026-01-31\nsha256: {sha}\nclaimed_r2: 0.9\n", None),
        ("submitter: me\ndate: 2026-01-31\nsha256: " + "a" * 64, "belongs to another text"),
        (f"submitter: me\ndate: 2026-01-31\nsha256: {sha}\nr2: 0.9\n", "r2: unknown key"),
        (f"submitter: me\ndate: 2026-01-31\nsha256: {sha}\nclaimed_r2: 1.5\n", "claimed_r2"),
        ("{", "not YAML"),
        ("", "run_1.yaml"),
    ):
        beside.write_text(text)
        done = CliRunner().invoke(app, line)
        (one,) = objects(done.stdout)
        said = [reason["message"] for reason in one["reasons"]]
        if words is None:
            assert (said, one["claimed_r2"]) == ([], 0.9)
        else:
            assert any(words in message and "\n" not in message for message in said), said


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["nothere.py", "--task", "nano_moe"], "nothere.py: no such file"),
        (["mine.py", "--task", "nano_moe", "--agent", "a"], "or name --model"),
        (["mine.py"], "or name --task, --agent, --model"),
        (["mine.py", "--task", "nano_mo", "--agent", "a", "--model", "m"], "did you mean"),
        (["empty", "--task", "nano_moe", "--agent", "a", "--model", "m"], "found none"),
        (
            ["mine.py", "--task", "nano_moe", "--agent", "a", "--model", "m", "--claimed-r2=nan"],
            "claimed-r2",
        ),
        (
            [
                "mine.py",
                "--task",
                "nano_moe",
                "--agent",
                "a",
                "--model",
                "m",
                "--submitter",
                "a\x1b[31m",
            ],
            "--submitter: expected one line without control characters (got 'a\\x1b[31m')",
        ),
    ],
)
def test_wrong_use_is_one_line(
    desk: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    expected: str,
) -> None:
    program(desk, "mine.py", GROUP_MEAN)
    (desk / "empty").mkdir()
    monkeypatch.setattr("sys.argv", ["sld", "submit", *words, "--store", "s.sqlite"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    said = capsys.readouterr()
    assert expected in said.err
    assert "Traceback" not in said.err


def test_colliding_names_are_refused(desk: Path, submit: Callable[..., tuple[int, str]]) -> None:
    submit(program(desk, "a.py", GROUP_MEAN), model="GPT-5.2")
    code, said = submit(program(desk, "b.py", LINE), "--json", model="GPT-5-2")
    assert code == 1
    assert "two models share the folder name 'gpt_5_2'" in reasons(said)[0][1]


def test_two_who_file_at_once_get_two_numbers(tmp_path: Path) -> None:
    filed: list[int] = []

    def work(number: int) -> None:
        one = Candidate(f"x = {number}".encode(), "")
        filed.append(file_program(tmp_path, "t", "a", "m", one, NOTE).run)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(filed) == list(range(1, 13))
    folder = tmp_path / "t" / "a" / "m"
    assert len({path.read_bytes() for path in folder.glob("run_*.py")}) == 12
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    for path in folder.glob("run_*.py"):
        note = load_submission(path)
        assert note is not None
        assert note.sha256 == Candidate(path.read_bytes(), "").sha256


def test_two_who_file_at_once_lose_no_name(tmp_path: Path) -> None:
    together = threading.Barrier(12)

    def work(number: int) -> None:
        one = Candidate(f"x = {number}".encode(), "")
        together.wait()
        file_program(tmp_path, "t", f"Agent {number}", f"Model {number}", one, NOTE)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = load_names(tmp_path)
    assert set(names.agents.values()) == {f"Agent {number}" for number in range(12)}
    assert set(names.models.values()) == {f"Model {number}" for number in range(12)}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["names.yaml", "t"]


def test_a_program_at_its_place_keeps_its_number(
    desk: Path, submit: Callable[..., tuple[int, str]]
) -> None:
    """Regression: it was filed a second time, as the next run."""
    submit(program(desk, "mine.py", GROUP_MEAN), "--submitter", "Alice", "--claimed-r2", "0.5")
    folder = desk / "candidates" / "small_task" / "my_agent" / "gpt_5"
    path = folder / "run_1.py"
    (desk / "other").symlink_to(desk / "candidates")
    for named in (path, path.relative_to(desk), "other/small_task/my_agent/gpt_5/run_1.py"):
        code, said = submit(named, "--dry-run")
        assert code == 0, said
        assert "note: it lies at its place already and keeps its number" in said
    code, said = submit(path, "--json", "--notes", "by hand")
    assert code == 0, said
    (one,) = objects(said)
    assert (one["run"], one["filed"]) == (1, str(path))
    assert "lies at its place already" in one["remarks"][0]["message"]
    assert sorted(file.name for file in folder.iterdir()) == ["run_1.py", "run_1.yaml"]
    note = load_submission(path)
    assert note is not None
    assert (note.submitter, note.claimed_r2, note.notes) == ("Alice", 0.5, "by hand")
    with Store(desk / "store.sqlite") as store:
        assert [run.key.run for run in store.runs()] == [1]


def test_a_note_keeps_whose_it_is(desk: Path, submit: Callable[..., tuple[int, str]]) -> None:
    """Regression: what Alice wrote was filed as the login's, of today."""
    mine = program(desk, "mine.py", GROUP_MEAN)
    sha = Candidate(GROUP_MEAN.encode(), "").sha256
    today = datetime.datetime.now(datetime.UTC).date()
    then = datetime.date(2025, 1, 1)
    filed = []
    for text, words in (
        (sha, []),
        ("a" * 64, []),
        (sha, ["--submitter", "Bob"]),
    ):
        (desk / "mine.yaml").write_text(f"submitter: Alice\ndate: 2025-01-01\nsha256: {text}\n")
        code, said = submit(mine, "--duplicate", "--json", *words)
        assert code == 0, said
        note = load_submission(Path(objects(said)[0]["filed"]))
        assert note is not None
        filed.append((note.submitter, note.date))
    # The day belongs to the text: that of an earlier one says nothing of this one.
    assert filed == [("Alice", then), ("Alice", today), ("Bob", today)]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.symlink_to("secret"), "is a link; expected the program's note itself"),
        (lambda path: path.symlink_to("/dev/zero"), "is a link"),
        (lambda path: path.symlink_to("nothing"), "is a link"),
        (os.mkfifo, "no regular file"),
        (Path.mkdir, "no regular file"),
        (lambda path: path.write_bytes(bytes(1 << 20)), "larger than 65,536 bytes"),
        (lambda path: path.write_text("claimed_r2: 0.1\nclaimed_r2: 0.9\n"), "line 2: .*twice"),
        (lambda path: path.write_text("notes: &a x\nsubmitter: *a\n"), "got an alias"),
        (lambda path: path.write_text("notes: !!binary eA==\n"), "got a tag"),
    ],
)
def test_a_note_is_read_to_its_end_and_nothing_else(
    desk: Path, make: Callable[[Path], object], words: str
) -> None:
    (desk / "secret").write_text("hunter2\n")
    make(desk / "run_1.yaml")
    with pytest.raises(UserError, match=words) as caught:
        load_submission(desk / "run_1.py")
    assert "run_1.yaml" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_what_is_not_in_the_layout_is_passed_over_and_named(desk: Path) -> None:
    place = desk / "theirs" / "nano_moe" / "an_agent" / "gpt_5"
    place.mkdir(parents=True)
    program(place, "run_1.py", "(")
    program(place, "run_01.py", GROUP_MEAN)
    program(desk / "theirs", "helper.py", GROUP_MEAN)
    line = ["submit", "theirs", "--store", "store.sqlite", "--dry-run"]
    said = CliRunner().invoke(app, line)
    (passed,) = [one for one in said.stdout.splitlines() if one.startswith("passed over: ")]
    assert "theirs/helper.py, " in passed
    assert "gpt_5/run_01.py: not at <task>/<agent>/<model>/run_<n>.py" in passed
    said = CliRunner().invoke(app, [*line, "--json"])
    assert len(objects(said.stdout)) == 1
    assert passed in said.stderr


def test_numbers_end_where_the_store_and_exports_do(
    desk: Path, submit: Callable[..., tuple[int, str]]
) -> None:
    folder = desk / "candidates" / "small_task" / "my_agent" / "gpt_5"
    folder.mkdir(parents=True)
    program(folder, f"run_{MOST_RUN + 1}.py", LINE)  # no run: nothing that finds runs takes it
    assert next_run(folder) == 1
    program(folder, f"run_{MOST_RUN - 1}.py", LINE)
    assert next_run(folder) == MOST_RUN
    with pytest.raises(UserError, match=f"{MOST_RUN} is the largest"):
        next_run(folder, {MOST_RUN})
    program(folder, f"run_{MOST_RUN}.yaml", "")
    code, said = submit(program(desk, "mine.py", "("), "--json")
    assert code == 1
    assert any("the next run would have the number" in message for _, message in reasons(said))


def test_numbers_of_other_folders_on_the_board_are_left_out(
    desk: Path, submit: Callable[..., tuple[int, str]]
) -> None:
    """Regression: the second folder's first run took the place of the first folder's."""
    mine, other = program(desk, "a.py", GROUP_MEAN), program(desk, "b.py", LINE)
    assert submit(mine, "--into", "one")[0] == 0
    code, said = submit(other, "--into", "two", "--json")
    assert code == 0, said
    assert objects(said)[0]["run"] == 2
    with Store(desk / "store.sqlite") as store:
        found = [(run.key.run, run.program.decode()) for run in store.runs()]
    assert found == [(1, GROUP_MEAN), (2, LINE)]
    _, said = submit(mine, "--into", "three", "--dry-run", "--json")
    assert objects(said)[0]["run"] == 1  # of the same program nothing would be lost


def test_a_summary_holds_no_mark_of_a_strangers(
    desk: Path, submit: Callable[..., tuple[int, str]]
) -> None:
    nasty = "</td><script>x</script> | [a](javascript:b) `c` **d**"
    mine = program(desk, "mine.py", f"raise ValueError({nasty!r})\n")
    submit(mine, "--summary", "summary.md", agent=nasty)
    text = (desk / "summary.md").read_text("utf-8")
    for mark in ("<script", "[a]", "`c`", "**d**", "</td>"):
        assert mark not in text
    assert "isolation" in text


@given(st.lists(st.sampled_from(["S", "E", "x = 1", "", "    S", "y = 'S'", "S E"]), max_size=12))
def test_markers_are_paired_or_named(lines: list[str]) -> None:
    start, end = "# EVOLVE-BLOCK-START", "# EVOLVE-BLOCK-END"
    words = {"S": start, "E": end}
    text = "\n".join("".join(words.get(c, c) for c in line) for line in lines)
    found = find_markers(text)
    alone = [n for n, line in enumerate(lines, 1) if line.strip()[:1] in {"S", "E"}]
    used = [n for region in found.regions for n in (region.first, region.last)]
    named = [n for n, _ in found.problems]
    assert sorted(used + named) == alone
    assert used == sorted(used)


@given(st.text() | st.binary())
def test_a_review_always_answers(text: str | bytes) -> None:
    source = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    found = review(source)
    for finding in found.findings:
        assert finding.message.isprintable()
        assert finding.line is None or 1 <= finding.line <= source.count(b"\n") + 2
