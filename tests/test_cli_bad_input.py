"""``sld score``, ``check`` and ``run``: exit codes, and one clear line for every mistake."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from conftest import TEST, TRAIN
from processes import descendants, living, wait_for
from programs import GROUP_MEAN, LAW, program

from harness import paths
from harness.cli import main
from harness.cli.output import print_json, show_what_can_be_shown
from harness.results.store import Store

WriteTask = Callable[..., Path]


@dataclass(frozen=True)
class Done:
    """What a command gave."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line of a mistake."""
        assert self.code == 2, self
        assert "Traceback" not in self.out + self.err
        lines = [line for line in self.err.splitlines() if line.startswith("error:")]
        assert len(lines) == 1, self
        return lines[0]


Sld = Callable[..., Done]


@pytest.fixture
def sld(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Sld:
    """Return a function that runs ``sld`` as a shell would, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SLD_DATA", raising=False)

    def run(*words: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["sld", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        code = ended.value.code
        assert isinstance(code, int) or code is None
        return Done(code or 0, out, err)

    return run


@pytest.fixture
def task(write_task: WriteTask, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The YAML file of the small task, which is also the only one that the catalogue knows."""
    path = write_task()
    monkeypatch.setattr(paths, "tasks_folder", lambda: path.parent.parent)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(GROUP_MEAN, encoding="utf-8")
    return path


@pytest.fixture
def candidates(tmp_path: Path) -> Path:
    """A candidates folder with one run of the small task."""
    path = tmp_path / "candidates" / "small_task" / "codex" / "o4_mini" / "run_1.py"
    path.parent.mkdir(parents=True)
    path.write_text(GROUP_MEAN, encoding="utf-8")
    return tmp_path / "candidates"


both = pytest.mark.parametrize("command", ["score", "check"])


@both
class TestScoreAndCheck:
    """One program and one task."""

    def test_a_missing_file_is_named(self, sld: Sld, task: Path, command: str) -> None:
        line = sld(command, "no_such.py", "--task", task).complaint
        assert "no_such.py: no such file; expected a program" in line

    def test_a_folder_where_a_program_belongs_is_named(
        self, sld: Sld, task: Path, command: str, tmp_path: Path
    ) -> None:
        assert "got a folder" in sld(command, tmp_path, "--task", task).complaint

    def test_an_unknown_task_is_named_with_the_nearest_one(
        self, sld: Sld, task: Path, file: Path, command: str
    ) -> None:
        line = sld(command, file, "--task", "small_tusk").complaint
        assert "unknown task 'small_tusk' (did you mean 'small_task'?)" in line
        assert "sld tasks list" in line

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"max_parms": 3}, "max_parms: unknown key"),
            ({"max_params": "seven"}, "max_params"),
            ({"features": []}, "features"),
            ({"schema_version": 2}, "schema_version"),
            ({"name": "My Task!"}, "name: expected lower-case letters, digits, _ and -"),
            ({"title": "a\nb"}, "title: expected one line without control characters"),
            ({"fit_seconds": 0}, "fit_seconds"),
        ],
    )
    def test_a_wrong_key_of_a_task_is_named(
        self,
        sld: Sld,
        task: Path,
        file: Path,
        command: str,
        change: dict[str, object],
        words: str,
    ) -> None:
        document = {**yaml.safe_load(task.read_text("utf-8")), **change}
        task.write_text(yaml.safe_dump(document), encoding="utf-8")
        line = sld(command, file, "--task", task).complaint
        assert str(task) in line
        assert words in line

    @pytest.mark.parametrize(
        ("train", "words"),
        [
            (TRAIN.replace("tokens", "tokns"), "no column 'tokens'"),
            (TRAIN.replace("2.25", "about two"), "line 4, column 'loss': expected a finite number"),
            (TRAIN.replace("2.25", "nan"), "line 4, column 'loss'"),
            (TRAIN.replace(",2.25", ""), "line 4: 3 cells; the header has 4"),
            ("", "is empty"),
            (b"\xff\xfe", "not UTF-8"),
        ],
    )
    def test_a_wrong_cell_or_column_of_the_data_is_named(
        self,
        sld: Sld,
        write_task: WriteTask,
        file: Path,
        command: str,
        train: str | bytes,
        words: str,
    ) -> None:
        line = sld(command, file, "--task", write_task(train=train)).complaint
        assert "train.csv" in line
        assert words in line

    def test_missing_third_party_data_says_where_it_was_looked_for(
        self, sld: Sld, file: Path, command: str
    ) -> None:
        line = sld(command, file, "--task", "sft_scaling_law").complaint
        assert "the data of task 'sft_scaling_law' is not here" in line
        assert "SLD_DATA" in line

    @pytest.mark.parametrize(("place", "words"), [("nowhere", "not there"), ("mine.py", "a file")])
    def test_a_data_folder_that_is_none_is_named(
        self,
        sld: Sld,
        file: Path,
        command: str,
        place: str,
        words: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(paths, "_START", Path.cwd())
        monkeypatch.setenv("SLD_DATA", place)
        line = sld(command, file, "--task", "sft_scaling_law").complaint
        assert f"(SLD_DATA is {place!r}, which is {words}; expected a folder)" in line

    @pytest.mark.parametrize(
        "words", [["--tusk", "x"], [], ["--task"], ["--timeout", "soon"], ["--timeout", "-1"]]
    )
    def test_wrong_options_are_usage_errors_with_code_2(
        self, sld: Sld, task: Path, file: Path, command: str, words: list[str]
    ) -> None:
        done = sld(command, file, *(["--task", task] if "--timeout" in words else []), *words)
        assert done.code == 2
        assert "Error" in done.err
        assert "Traceback" not in done.err

    def test_a_limit_beyond_all_clocks_is_refused(
        self, sld: Sld, task: Path, file: Path, command: str
    ) -> None:
        line = sld(command, file, "--task", task, "--timeout", "1e300").complaint
        assert "expected at most 1,728,000 seconds" in line

    def test_a_good_program_exits_with_0_and_a_bad_one_with_1(
        self, sld: Sld, task: Path, file: Path, command: str
    ) -> None:
        assert sld(command, file, "--task", task).code == 0
        for text in ("1 / 0", program(fit="return np.zeros(9)"), "def law(:"):
            file.write_text(text, encoding="utf-8")
            done = sld(command, file, "--task", task)
            assert (done.code, done.err) == (1, "")

    def test_json_alone_goes_to_stdout_and_has_no_nan(
        self, sld: Sld, task: Path, file: Path, command: str
    ) -> None:
        for text in (GROUP_MEAN, LAW, "1 / 0", program(fit="return np.zeros(9)")):
            file.write_text(text, encoding="utf-8")
            done = sld(command, file, "--task", task, "--json")
            card = json.loads(done.out, parse_constant=pytest.fail)
            assert card["task"] == "small_task"
            assert done.err == ""
            assert done.code == (0 if card["status"] == "ok" else 1)

    def test_the_limit_of_the_command_line_is_in_force(
        self, sld: Sld, task: Path, file: Path, command: str
    ) -> None:
        file.write_text(program(fit="import time; time.sleep(60)"), encoding="utf-8")
        done = sld(command, file, "--task", task, "--timeout", "0.3")
        assert done.code == 1
        assert "timeout: no answer within 0.3 s" in done.out


def test_the_scorecard_has_the_promised_keys(sld: Sld, task: Path, file: Path) -> None:
    """Other people's scripts read them."""
    card = json.loads(sld("score", file, "--task", task, "--json").out)
    wanted = [
        "task", "format", "status", "r2", "score", "r2_fit", "nmse", "nmae", "per_group",
        "per_target", "n_params", "violations", "error", "seconds", "isolation", "digest",
    ]  # fmt: skip
    assert set(wanted) <= set(card)
    assert list(card)[:5] == wanted[:5]
    assert set(card["seconds"]) == {"fit", "predict"}
    assert card["error"] is None
    file.write_text("def law(x, group):\n    return 1 / 0\n", encoding="utf-8")
    card = json.loads(sld("score", file, "--task", task, "--json").out)
    assert (card["status"], card["r2"], card["score"]) == ("failed", None, -1.0)
    assert (card["error"]["kind"], card["error"]["line"]) == ("candidate_error", 2)


def test_check_shows_no_figure_of_the_held_out_rows(sld: Sld, task: Path, file: Path) -> None:
    card = json.loads(sld("check", file, "--task", task, "--json").out)
    assert not {"r2", "score", "nmse", "nmae", "per_group", "per_target", "digest"} & set(card)
    scored = json.loads(sld("score", file, "--task", task, "--json").out)
    assert card["r2_fit"] == pytest.approx(scored["r2_fit"], rel=1e-12)


def test_a_board_of_figures_on_other_data_says_so(
    sld: Sld, task: Path, candidates: Path, tmp_path: Path
) -> None:
    words = ("--store", tmp_path / "s.sqlite")
    assert sld("run", candidates, *words).code == 0
    assert sld("leaderboard", "--out", tmp_path / "site", *words).err == ""
    held_out = task.parent / "small_task" / "test.csv"
    held_out.write_text(held_out.read_text().replace(",3.0", ",4.0"), encoding="utf-8")
    done = sld("leaderboard", "--out", tmp_path / "site", *words)
    assert done.code == 0
    assert "than their tasks have now: small_task/codex/o4_mini/run_1;" in done.err
    assert sld("run", candidates, *words).code == 0
    assert "warning" not in sld("leaderboard", "--out", tmp_path / "site", *words).err


def test_check_reads_no_held_out_row(sld: Sld, task: Path, tmp_path: Path) -> None:
    (task.parent / "small_task" / "test.csv").write_text("no table", encoding="utf-8")
    mine = tmp_path / "my law.py"
    mine.write_text(GROUP_MEAN, encoding="utf-8")
    done = sld("check", mine, "--task", task)
    assert done.code == 0, done
    assert f"ok; `sld score '{mine}' --task {task}` scores it" in done.out


def test_models_that_are_named_beside_offline_are_not_passed_over_in_silence(sld: Sld) -> None:
    line = sld("evolve", "nano_moe", "--offline", "--model", "gpt-5").complaint
    assert "--offline: asks no model; leave it out, or --model gpt-5" in line
    line = sld("evolve", "nano_moe", "--offline", "--tokens", "10").complaint
    assert "--tokens: no model is asked" in line


class TestRun:
    """Folders of programs and a store."""

    @pytest.fixture(autouse=True)
    def own_catalogue(self, task: Path) -> None:
        """Only the small task is known."""

    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda root: None, "no such file or folder; expected <task>/<agent>/<model>"),
            (lambda root: root.mkdir(), "got no Python file"),
            (lambda root: (root / "a").mkdir(parents=True), "got no Python file"),
            (
                lambda root: (root.mkdir(), (root / "mine.py").write_text(LAW)),
                "expected programs at <task>/<agent>/<model>/run_<n>.py, got",
            ),
        ],
    )
    def test_a_place_without_programs_is_named(
        self, sld: Sld, tmp_path: Path, make: Callable[[Path], object], words: str
    ) -> None:
        root = tmp_path / "root"
        make(root)
        line = sld("run", root, "--store", tmp_path / "s.sqlite").complaint
        assert str(root) in line
        assert words in line

    def test_a_folder_not_named_by_the_rules_is_named(
        self, sld: Sld, tmp_path: Path, candidates: Path
    ) -> None:
        (candidates / "small_task" / "codex").rename(candidates / "small_task" / "Codex")
        line = sld("run", candidates, "--store", tmp_path / "s.sqlite").complaint
        assert "'Codex', expected 'codex'" in line

    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (Path.mkdir, "got a folder"),
            (lambda path: path.write_text("notes\n" * 500), "no store, or a damaged one"),
        ],
    )
    def test_a_store_that_is_none_is_named(
        self,
        sld: Sld,
        tmp_path: Path,
        candidates: Path,
        make: Callable[[Path], object],
        words: str,
    ) -> None:
        make(tmp_path / "s.sqlite")
        line = sld("run", candidates, "--store", tmp_path / "s.sqlite").complaint
        assert "s.sqlite" in line
        assert words in line

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (["--task", "no_such"], "no task matches 'no_such'"),
            (["--suite", "owm"], "unknown suite 'owm' (did you mean 'own'?)"),
        ],
    )
    def test_a_choice_that_matches_nothing_is_named(
        self, sld: Sld, tmp_path: Path, candidates: Path, options: list[str], words: str
    ) -> None:
        line = sld("run", candidates, "--store", tmp_path / "s.sqlite", *options).complaint
        assert words in line

    @pytest.mark.parametrize(
        "options", [["--job", "2"], ["--jobs", "0"], ["--again", "some"], ["--backend", "slurm"]]
    )
    def test_wrong_options_are_usage_errors_with_code_2(
        self, sld: Sld, candidates: Path, options: list[str]
    ) -> None:
        done = sld("run", candidates, *options)
        assert done.code == 2
        assert "Usage" in done.err
        assert not (candidates.parent / "leaderboard").exists()

    def test_a_scheduler_without_its_backend_is_refused(self, sld: Sld, candidates: Path) -> None:
        line = sld("run", candidates, "--scheduler", "tcp://x:1").complaint
        assert "--scheduler tcp://x:1: is a Dask cluster's; add --backend dask" in line

    def test_copies_are_counted(self, sld: Sld, tmp_path: Path, candidates: Path) -> None:
        place = candidates / "small_task" / "codex" / "o4_mini"
        for number in (2, 3):
            (place / f"run_{number}.py").write_bytes((place / "run_1.py").read_bytes())
        done = sld("run", candidates, "--store", tmp_path / "s.sqlite")
        line = "3 runs asked for: 0 stored, 1 to score, 2 with the same program as one of these"
        assert line in done.out
        again = sld("run", candidates, "--store", tmp_path / "s.sqlite")
        assert "3 runs asked for: 3 stored, 0 to score\n" in again.out

    def test_an_unknown_task_of_a_folder_is_named(
        self, sld: Sld, tmp_path: Path, candidates: Path
    ) -> None:
        (candidates / "small_task").rename(candidates / "small_tusk")
        line = sld("run", candidates, "--store", tmp_path / "s.sqlite").complaint
        assert "did you mean 'small_task'?" in line
        assert "run_1.py" in line

    @pytest.mark.parametrize("words", [(), ("--json",)])
    def test_wrong_data_is_named(
        self,
        sld: Sld,
        tmp_path: Path,
        candidates: Path,
        write_task: WriteTask,
        words: tuple[str, ...],
    ) -> None:
        write_task(test=TEST.replace("2.0\n", "two\n"))
        done = sld("run", candidates, "--store", tmp_path / "s.sqlite", *words)
        assert "test.csv, line 2, column 'loss'" in done.complaint
        assert done.out == "" or not words

    def test_a_names_file_with_an_unknown_key_is_named(
        self, sld: Sld, tmp_path: Path, candidates: Path
    ) -> None:
        (candidates / "names.yaml").write_text("agent: {}\n", encoding="utf-8")
        line = sld("run", candidates, "--store", tmp_path / "s.sqlite").complaint
        assert "names.yaml: agent: unknown key" in line

    def test_all_well_is_0_with_nothing_on_stderr(
        self, sld: Sld, tmp_path: Path, candidates: Path
    ) -> None:
        done = sld("run", candidates, "--store", tmp_path / "s.sqlite")
        assert (done.code, done.err) == (0, "")
        assert "1 scored (0 failed)" in done.out


LONG = "x" * 300
WHOSE = ("--task", "small_task", "--agent", "a", "--model", "m")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "candidates", "--store", LONG], "the store cannot be made: File name too long"),
        (["run", "candidates", "--store", "mine.py/s.sqlite"], "mine.py is a file"),
        (["leaderboard", "--store", LONG], "the store cannot be read: File name too long"),
        (["leaderboard", "--store", "s.sqlite", "--out", LONG], "File name too long"),
        (["audit", "--store", LONG], "the store cannot be read: File name too long"),
        (["results", "merge", LONG, "--into", "s.sqlite"], "File name too long"),
        (["results", "merge", "s.sqlite", "--into", LONG], "File name too long"),
        (["submit", LONG], "no such file"),
        (["submit", "mine.py", *WHOSE, "--into", LONG], "File name too long"),
    ],
)
def test_places_that_no_file_can_have_are_named(
    sld: Sld, task: Path, file: Path, candidates: Path, words: list[str], said: str
) -> None:
    with Store(Path("s.sqlite")):
        pass
    if words[0] == "submit":
        words = [*words, "--store", "s.sqlite"]
    line = sld(*words).complaint
    assert said in line
    assert LONG in line or "mine.py" in line


@pytest.mark.parametrize("option", ["--agent", "--model"])
def test_a_name_too_long_for_a_folder_is_a_reason_among_others(
    sld: Sld, task: Path, file: Path, option: str
) -> None:
    Path("candidates/small_task/a").mkdir(parents=True)
    whose = {"--agent": "a", "--model": "m"} | {option: LONG}
    words = [word for pair in whose.items() for word in pair]
    done = sld("submit", file, "--task", "small_task", *words, "--store", "s.sqlite")
    assert done.code == 1
    assert f"{option} 'xxx" in done.out
    assert "Traceback" not in done.out + done.err
    done = sld("submit", LONG, *WHOSE, "--store", "s.sqlite")
    assert (done.code, done.err) == (1, "")
    assert f"- {LONG}: cannot be read: File name too long" in done.out


def test_a_summary_that_cannot_be_written_is_said_before_anything_is_filed(
    sld: Sld, task: Path, file: Path
) -> None:
    for place in ("mine.py/x", "no/x", "."):
        line = sld("submit", file, *WHOSE, "--store", "s.sqlite", "--summary", place).complaint
        assert f"{place}: cannot be written" in line
    assert not Path("candidates").exists()


def test_an_encoding_that_lacks_characters_gets_replacements(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for errors in ("strict", "surrogateescape"):
        raw = io.BytesIO()
        out = io.TextIOWrapper(raw, encoding="ascii", errors=errors)
        monkeypatch.setattr(sys, "stdout", out)
        show_what_can_be_shown()
        print("R²")
        print_json({"name": "Modèle"})
        out.flush()
        assert raw.getvalue() == b'R?\n{"name": "Mod\\u00e8le"}\n'


def test_the_version_is_told(sld: Sld) -> None:
    done = sld("--version")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("sld-harness ")


def test_without_a_command_help_is_shown(sld: Sld) -> None:
    done = sld()
    assert "Usage" in done.out + done.err


@pytest.mark.linux
@both
def test_ctrl_c_exits_with_130_and_leaves_no_process(
    command: str, tmp_path: Path, write_task: WriteTask
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(program(fit="import time; time.sleep(600)"), encoding="utf-8")
    code = "from harness.cli import main; main()"
    words = [sys.executable, "-c", code, command, str(file), "--task", str(write_task())]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert wait_for(lambda: len(descendants(process.pid)) >= 2, 20.0)
        below = descendants(process.pid)
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, b"interrupted\n")
    assert b"Traceback" not in out
    assert wait_for(lambda: not living(below), 2.0)
