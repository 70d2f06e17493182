"""Whatever bytes come, every reader reads or refuses them: quickly, and in one printable line."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from fuzz.cases import Case
from fuzz.mutations import inputs
from fuzz.nasty import CASES
from fuzz.seeds import seeds
from fuzz.targets import READERS, TARGETS, outcome
from hypothesis import HealthCheck, given, settings
from programs import GROUP_MEAN

from harness.candidates import find_runs, load_candidate
from harness.cli import main
from harness.errors import UserError
from harness.tasks import load_catalogue
from harness.tasks.reading import read_bytes

EXAMPLES = 1000
SLOW = {"results": 600, "run_path": 400, "board": 800, "task": 800, "config": 600, "answer": 600}
"""Examples for readers that take a millisecond or more for one."""
MEMORY = 256 << 20
"""Bytes at the height of one input; the largest inputs of the table have some megabytes."""


@pytest.mark.parametrize("name", READERS)
def test_the_seeds_are_well_formed(name: str) -> None:
    """Otherwise mutations of them would try nothing but the first check."""
    assert [outcome(name, data) for data in seeds()[name]] == ["read"] * len(seeds()[name])


@pytest.mark.parametrize("name", TARGETS)
def test_a_reader_keeps_its_promise(name: str) -> None:
    """The same inputs in every run: what is found by chance belongs into the table."""

    @settings(
        max_examples=SLOW.get(name, EXAMPLES),
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(inputs(name))
    def feed(data: bytes) -> None:
        TARGETS[name](data)

    feed()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_nasty_input_ends_as_it_should(case: Case) -> None:
    assert outcome(case.reader, case.data) == case.ending


@pytest.mark.parametrize(
    "case", [case for case in CASES if "bomb" in case.title], ids=lambda case: case.id
)
def test_a_bomb_takes_no_more_memory_than_anything_else(case: Case) -> None:
    tracemalloc.start()
    try:
        assert outcome(case.reader, case.data) == "refused"
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()


# --- files that are none


@pytest.mark.parametrize("read", [load_candidate, read_bytes])
def test_a_device_without_end_is_refused_and_not_read_for_ever(
    read: Callable[[Path], object],
) -> None:
    """A task from elsewhere may name any path as its data."""
    tracemalloc.start()
    try:
        with pytest.raises(UserError):
            read(Path("/dev/zero"))
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("read", [load_candidate, read_bytes])
def test_a_name_that_no_file_can_have_is_one_line(read: Callable[[Path], object]) -> None:
    for name in ("a\0b", "x" * 5000):
        with pytest.raises(UserError) as caught:
            read(Path(name))
        assert str(caught.value).isprintable()


def test_pipes_among_programs_and_data_do_not_block(tmp_path: Path) -> None:
    program = tmp_path / "small_law" / "codex" / "o4_mini" / "run_1.py"
    program.parent.mkdir(parents=True)
    program.write_text(GROUP_MEAN, encoding="utf-8")
    pipe = program.with_name("run_2.py")
    os.mkfifo(pipe)
    assert find_runs(tmp_path).strays == (pipe,)
    with pytest.raises(UserError, match="no regular file"):
        read_bytes(pipe)


# --- the command

_COMMANDS: dict[str, Callable[[Path, Path], list[object]]] = {
    "program": lambda file, work: ["check", file, "--task", work / "task.yaml"],
    "page": lambda file, work: ["import", file, "--into", work / "in", "--store", work / "s"],
    "board": lambda file, work: ["import", file, "--into", work / "in", "--store", work / "s"],
    "results": lambda file, work: ["results", "import", file, "--store", work / "s.sqlite"],
    "task": lambda file, work: ["tasks", "show", file],
}
_SUFFIXES = {"program": ".py", "page": ".txt", "board": ".jsonl", "results": ".jsonl"}
_SHOWN = (
    "a bomb of merges", "an integer of nothing", "a path with NUL", "a key of two lines",
    "sexagesimal digits", "a limit beyond all clocks", "a long value", "deep", "UTF-16",
    "a section of another kind", "tags that never end", "a figure beyond all floats",
    "a reference of many digits", "a name of two lines", "5000 digits", "a half character",
    "a run beyond the store", "figures that are NaN", "a bomb of arrays", "contents deep",
    "an agent that climbs", "a path longer than a name", "a claim without runs", "nothing",
    "control codes",
)  # fmt: skip


def _sld(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *words: object
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["sld", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0), *capfd.readouterr()


def _complaint(code: int, out: str, err: str) -> str:
    assert code == 2, (code, out, err)
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    assert line.isprintable()
    return line


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a task of its own."""
    (tmp_path / "small_task").mkdir()
    (tmp_path / "task.yaml").write_bytes(seeds()["task"][0])
    for place, data in zip(("train", "test"), seeds()["table"], strict=True):
        (tmp_path / "small_task" / f"{place}.csv").write_bytes(data)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SLD_DATA", raising=False)
    return tmp_path


@pytest.mark.parametrize("reader", [name for name in _COMMANDS if name != "program"])
def test_a_command_refuses_nasty_files_in_one_line(
    reader: str, work: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    file = work / f"nasty{_SUFFIXES.get(reader, '.yaml')}"
    chosen = [
        case
        for case in CASES
        if (case.reader, case.ending) == (reader, "refused") and case.title in _SHOWN
    ]
    assert len(chosen) >= 6
    for case in chosen:
        file.write_bytes(case.data)
        done = _sld(monkeypatch, capfd, *_COMMANDS[reader](file, work))
        assert file.name in _complaint(*done), case.title


@pytest.mark.parametrize("command", ["score", "check"])
def test_scoring_on_a_nasty_task_or_table_is_one_line(
    command: str, work: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    task, program = work / "task.yaml", work / "mine.py"
    program.write_text(GROUP_MEAN, encoding="utf-8")
    good = task.read_bytes()
    for case in CASES:
        if case.title not in _SHOWN or case.ending != "refused":
            continue
        if case.reader == "task":
            task.write_bytes(case.data)
        elif case.reader == "table":
            task.write_bytes(good)
            (work / "small_task" / "train.csv").write_bytes(case.data)
        else:
            continue
        _complaint(*_sld(monkeypatch, capfd, command, program, "--task", task))
    task.write_bytes(good.replace(b"small_task/train.csv", b"/dev/zero"))
    assert "/dev/zero" in _complaint(*_sld(monkeypatch, capfd, command, program, "--task", task))


def test_a_nasty_program_is_a_failure_and_no_error_of_ours(
    work: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    titles = {"nothing", "NUL and 0xff behind the law", "deep nesting", "tabs"}
    chosen = [case for case in CASES if case.reader == "program" and case.title in titles]
    assert len(chosen) == len(titles)
    file = work / "nasty.py"
    for case in chosen:
        file.write_bytes(case.data)
        code, out, err = _sld(monkeypatch, capfd, *_COMMANDS["program"](file, work))
        assert (code, err) == (1, ""), case.title
        assert "load error" in out or "memory" in out, (case.title, out)
        assert "Traceback" not in out
    file.write_bytes(b" " * ((4 << 20) + 1))
    done = _sld(monkeypatch, capfd, *_COMMANDS["program"](file, work))
    assert "a program may have" in _complaint(*done)


def test_names_that_make_no_file_name_are_refused(
    work: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    file = work / "page.txt"
    title = load_catalogue().tasks("nano")[0].title
    text = seeds()["page"][0].decode().replace("Small Scaling Law", title)
    file.write_bytes(text.replace("codex", "x" * 5000).encode())
    done = _sld(monkeypatch, capfd, *_COMMANDS["page"](file, work))
    assert "expected a name of 200 characters at most" in _complaint(*done)
    assert not (work / "in").exists()


def test_a_page_whose_path_cannot_be_stored_is_refused(
    work: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    file = Path(os.fsdecode(os.fsencode(work) + b"/caf\xe9.txt"))
    file.write_bytes(seeds()["page"][0])
    done = _sld(monkeypatch, capfd, *_COMMANDS["page"](file, work))
    assert "the path is not UTF-8" in _complaint(*done)


def test_what_an_import_refused_leaves_a_store_that_can_be_used(
    work: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """NaN in an imported figure once made a store that nothing could read any more."""
    file, store = work / "results.jsonl", work / "s.sqlite"
    for data, code in [*((case.data, 2) for case in _bad_results()), (seeds()["results"][0], 0)]:
        file.write_bytes(data)
        assert _sld(monkeypatch, capfd, "results", "import", file, "--store", store)[0] == code
    again = work / "again.jsonl"
    assert _sld(monkeypatch, capfd, "results", "export", again, "--store", store)[0] == 0
    assert len(again.read_bytes().splitlines()) == len(seeds()["results"][0].splitlines())


def _bad_results() -> list[Case]:
    wanted = ("results", "refused")
    found = [case for case in CASES if (case.reader, case.ending) == wanted]
    return [case for case in found if case.title in _SHOWN]


# --- coverage-guided

_SCRIPT = Path(__file__).parent / "fuzz" / "run_atheris.py"


@pytest.mark.parametrize("name", READERS)
def test_coverage_guided_fuzzing_finds_nothing_at_once(name: str, tmp_path: Path) -> None:
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not installed: pip install -e '.[fuzz]'")
    command = [sys.executable, str(_SCRIPT), name, "--seconds", "2", "--build", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    log = (tmp_path / f"{name}.log").read_text("utf-8", "replace")
    assert done.returncode == 0, done.stdout + done.stderr + log[-3000:]
    assert f"{name}: " in done.stdout


def test_without_atheris_the_script_says_how_to_get_it(tmp_path: Path) -> None:
    """A folder in place of the module stands for an interpreter that has none."""
    code = (
        "import importlib.util, runpy, sys; importlib.util.find_spec = lambda name: None; "
        f"sys.argv = ['run']; runpy.run_path({str(_SCRIPT)!r}, run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "pip install -e '.[fuzz]'" in done.stderr
