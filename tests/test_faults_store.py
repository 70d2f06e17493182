"""A store on a full, read-only or rotten disk, shared, and with clocks and signals that disturb."""

from __future__ import annotations

import random
import re
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from faults import (
    MAIN,
    Disk,
    Sld,
    assert_equal_stores,
    exported,
    figures_of,
    lines_of,
    put,
    without_times,
    write_candidates,
)
from processes import wait_for
from programs import GROUP_MEAN, program
from test_store import claim

from harness.cli import main
from harness.cli.doctor import _store_state
from harness.errors import UserError
from harness.results.merge import plan_merge
from harness.results.store import Store

Lines = dict[str, dict[str, Any]]
TASKS = ("nano_pretraining", "nano_vocab")


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Sld:
    """An undisturbed run of all candidates, which lie beside its store."""
    folder = tmp_path_factory.mktemp("calm")
    write_candidates(folder / "candidates", tasks="nano_[mpv]*")
    sld = Sld(folder, folder / "store.sqlite")
    done = sld("run", folder / "candidates")
    assert done.returncode == 0, done.stderr
    return sld


@pytest.fixture
def candidates(calm: Sld) -> Path:
    return calm.folder / "candidates"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[str], Disk]]:
    """Return a function that makes a disk of a size, for commands that start with its prefix."""
    made: list[Disk] = []

    def make(size: str) -> Disk:
        try:
            made.append(Disk(tmp_path / "disk", size))
        except OSError as error:
            pytest.skip(str(error))
        return made[-1]

    yield make
    for each in made:
        each.close()


def assert_one_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """A refusal is one line that names the store, what is wrong, and what to do."""
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    for word in words:
        assert word in line


@pytest.mark.linux
class TestDisks:
    """Disks that take no more, or nothing."""

    def test_a_full_disk_is_named_and_costs_nothing_that_is_finished(
        self, calm: Sld, candidates: Path, tmp_path: Path, disk: Callable[[str], Disk]
    ) -> None:
        small = disk("300k")
        sld = Sld(tmp_path, small.place / "store.sqlite", prefix=small.prefix)
        full = sld("run", candidates, "--jobs", 2)
        assert_one_line(full, str(sld.store), "disk is full", "free some space and run again")
        sld.assert_nothing_left()
        assert sld.scratches() == set()
        said = re.findall(r"\] (\S+)/(\S+)/(\S+)/run_(\d+)  ", full.stdout)
        expected, kept = figures_of(calm.store), without_times(exported(sld))
        assert len(said) >= 2
        assert {f"run {' '.join(words)}" for words in said} <= kept.keys()
        assert kept.items() <= expected.items()
        assert_one_line(sld("run", candidates), "disk is full")
        assert without_times(exported(sld)).items() >= kept.items()

        small.remount("size=50m")
        done = sld("run", candidates)
        assert done.returncode == 0, done.stderr
        assert re.search(r"[1-9]\d* stored, [1-9]\d* to score", done.stdout)
        assert without_times(exported(sld)) == expected

    def test_a_disk_that_is_full_before_there_is_a_store(
        self, candidates: Path, tmp_path: Path, disk: Callable[[str], Disk]
    ) -> None:
        small = disk("200k")
        filler = ("sh", "-c", f"cat /dev/zero > {small.place}/filler || true")
        small.run(*filler)
        sld = Sld(tmp_path, small.place / "store.sqlite", prefix=small.prefix)
        assert_one_line(sld("run", candidates), "disk is full", "free some space")
        small.run("rm", small.place / "filler")
        small.remount("size=50m")
        assert sld("run", candidates / TASKS[0]).returncode == 0

    def test_a_read_only_disk_is_named_and_what_it_holds_can_be_read(
        self, calm: Sld, candidates: Path, tmp_path: Path, disk: Callable[[str], Disk]
    ) -> None:
        """Regression: a store on a read-only disk could not even be read."""
        small = disk("50m")
        sld = Sld(tmp_path, small.place / "store.sqlite", prefix=small.prefix)
        assert sld("run", candidates / TASKS[0]).returncode == 0
        small.remount("ro")
        found = without_times(exported(sld))
        assert_one_line(sld("run", candidates), "read-only", "--store")
        assert len(found) > 20
        assert found.items() <= figures_of(calm.store).items()
        assert "sound: " in sld("doctor", "--json").stdout
        site = sld("leaderboard", "--out", tmp_path / "site")
        assert site.returncode == 0, site.stderr
        nowhere = Sld(tmp_path, small.place / "new" / "store.sqlite", prefix=small.prefix)
        assert_one_line(nowhere("run", candidates), "Read-only file system")


class TestTwoAtOnce:
    """Two runs of the same on one store."""

    @pytest.mark.parametrize("killed", [False, True])
    def test_two_runs_at_once_lose_nothing_and_double_nothing(
        self, calm: Sld, candidates: Path, tmp_path: Path, killed: bool
    ) -> None:
        sld = Sld(tmp_path, tmp_path / "store.sqlite")
        one, other = (sld.start("run", candidates, "--jobs", 1) for _ in range(2))
        if killed:
            assert one.stdout is not None
            while "[ 9/" not in one.stdout.readline():
                pass
            one.kill()
        for process in (one, other):
            _, err = process.communicate(timeout=100)
            assert process.returncode == (-9 if killed and process is one else 0), err
            assert err == ""
        assert_equal_stores(sld.store, figures_of(calm.store))
        sld.assert_nothing_left()


# Wall clocks that jump by years at every look, in the harness and in the candidates' processes.
JUMP = """\
import itertools, time
_steps, _time, _time_ns = itertools.cycle((0, 3.2e8, -3.2e8, 1e9, -1e9)), time.time, time.time_ns
time.time = lambda: _time() + next(_steps)
time.time_ns = lambda: _time_ns() + int(next(_steps)) * 10**9
"""
JUMPING = f"""\
{JUMP}
import datetime
class Jumping(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(max(time.time(), 0), tz)
datetime.datetime = Jumping
import harness.sandbox.server_process as server
server._BOOT = {JUMP!r} + server._BOOT
import harness.results.store as store
assert store.datetime is Jumping
{MAIN}
"""


def test_clocks_that_jump_change_nothing(calm: Sld, candidates: Path, tmp_path: Path) -> None:
    """Clocks are set, and machines wake up: deadlines and figures must not depend on it."""
    sld = Sld(tmp_path, tmp_path / "store.sqlite", code=JUMPING)
    done = sld("run", candidates)
    assert done.returncode == 0, done.stderr
    assert_equal_stores(sld.store, figures_of(calm.store))
    years = {line["created"][:4] for line in lines_of(sld.store).values() if "created" in line}
    assert len(years) > 2, "it did jump"


@pytest.mark.linux
class TestSignals:
    """What a terminal, a person and a cluster send."""

    @pytest.fixture(autouse=True)
    def _not_under_nohup(self) -> Iterator[None]:
        """Children inherit what is ignored; these tests may have been started by nohup."""
        before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
        yield
        signal.signal(signal.SIGHUP, before)

    @pytest.mark.parametrize(
        "signals", ["INT INT", "INT INT INT TERM", "TERM", "HUP", "TERM TERM", "HUP INT"]
    )
    def test_every_wish_to_end_keeps_what_is_finished_and_leaves_nothing(
        self, tmp_path: Path, signals: str
    ) -> None:
        numbers = [getattr(signal, f"SIG{name}") for name in signals.split()]
        hang = program(fit="import time; time.sleep(600)")
        put(tmp_path / "candidates", TASKS[0], "codex", [GROUP_MEAN, program(), hang, hang + "#"])
        sld = Sld(tmp_path, tmp_path / "store.sqlite")
        process = sld.start("run", tmp_path / "candidates", "--jobs", 2, start_new_session=True)
        assert process.stdout is not None
        seen = 0
        while seen < 2:
            seen += "] nano_" in process.stdout.readline()
        assert wait_for(lambda: len(sld.left_over()) >= 4)  # two servers, two children
        started = time.monotonic()
        for number in numbers:
            process.send_signal(number)
            time.sleep(0.02)
        out, err = process.communicate(timeout=20)
        assert time.monotonic() - started < 6.0
        assert process.returncode == 130, err
        assert err == ""
        assert "interrupted: 2 scored and kept; `sld run` continues" in out
        sld.assert_nothing_left(2.0)
        assert sld.scratches() == set()
        with Store(sld.store) as store:
            assert [run.key.run for run in store.runs()] == [1, 2]

    def test_what_nohup_started_goes_on(self, tmp_path: Path) -> None:
        slow = program(first="import time; time.sleep(0.3)")
        put(tmp_path / "candidates", TASKS[0], "codex", [slow, slow + "#"])
        sld = Sld(tmp_path, tmp_path / "store.sqlite", prefix=("nohup",))
        process = sld.start("run", tmp_path / "candidates", "--jobs", 1)
        assert wait_for(lambda: sld.left_over(), 10.0)
        process.send_signal(signal.SIGHUP)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        assert "2 scored" in out


@pytest.fixture(scope="module")
def small(calm: Sld, tmp_path_factory: pytest.TempPathFactory) -> Sld:
    """A store of some runs of two tasks and a claim, with its candidates and its site."""
    folder = tmp_path_factory.mktemp("small")
    for task in TASKS:
        for agent in ("small", "shipped"):
            shutil.copytree(
                calm.folder / "candidates" / task / agent, folder / "candidates" / task / agent
            )
    sld = Sld(folder, folder / "store.sqlite")
    assert sld("run", folder / "candidates").returncode == 0
    with Store(sld.store) as store:
        store.add_claim(TASKS[0], claim(), "one.html")
    assert sld("leaderboard", "--out", folder / "site").returncode == 0
    return sld


class Commands:
    """The command line in this process: what it cannot catch fails the test."""

    def __init__(self, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.patch = patch
        self.capsys = capsys

    def __call__(self, *words: object) -> subprocess.CompletedProcess[str]:
        self.patch.setattr("sys.argv", ["sld", *map(str, words)])
        started = time.monotonic()
        with pytest.raises(SystemExit) as caught:
            main()
        assert time.monotonic() - started < 20.0
        out, err = self.capsys.readouterr()
        code = caught.value.code
        return subprocess.CompletedProcess(words, code if isinstance(code, int) else 0, out, err)


def damaged(whole: bytes, kind: str, number: int) -> bytes:
    """Return a store's bytes with a damage that is as much by chance as its number is."""
    rng = random.Random(f"{kind} {number}")
    if kind == "cut":
        return whole[: rng.choice((0, 1, 100, *(rng.randrange(len(whole)) for _ in range(9))))]
    places = {
        "head": lambda: rng.randrange(4096),
        "anywhere": lambda: rng.randrange(len(whole)),
        "digits": lambda: rng.choice(
            [m.start(1) + rng.randrange(4) for m in re.finditer(rb'"r2":-?0\.(\d{4})', whole)]
        ),
        "names": lambda: rng.choice(
            [m.start() for m in re.finditer(rb"(?<=model)(?=/home|/tmp|/)|shipped|small", whole)]
        ),
    }
    data = bytearray(whole)
    for _ in range(rng.choice((1, 1, 8)) if kind == "anywhere" else 1):
        place = places[kind]()
        # A digit stays a digit: what JSON and SQLite would take for sound.
        data[place] ^= 1 if kind in {"digits", "names"} else rng.randrange(1, 256)
    return bytes(data)


VARIANTS = [
    *((kind, number) for kind in ("cut", "head", "digits") for number in range(12)),
    *(("names", number) for number in range(6)),
    *(("anywhere", number) for number in range(24)),
]
NAMED = re.compile(
    "damaged|disk is full|read-only|not a store of this harness|schema version|see whether|got a"
)


@pytest.mark.parametrize("kind", dict.fromkeys(kind for kind, _ in VARIANTS))
def test_a_rotten_store_gives_its_figures_or_is_named(
    kind: str,
    small: Sld,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A disk that rots a digit must never put a wrong figure on a board."""
    sld = Commands(monkeypatch, capsys)
    whole = small.store.read_bytes()
    original = lines_of(small.store)
    site = tree(small.folder / "site")
    named = 0
    for number in (number for each, number in VARIANTS if each == kind):
        data = damaged(whole, kind, number)
        store = tmp_path / "store.sqlite"

        def fresh(data: bytes = data, store: Path = store) -> Path:
            for path in tmp_path.glob("store.sqlite*"):
                path.unlink()
            store.write_bytes(data)
            return store

        file = tmp_path / "exported.jsonl"
        done = sld("results", "export", file, "--store", fresh())
        whole_again = done.returncode == 0
        if whole_again:
            assert lines_of(store) == original, (kind, number)
        else:
            assert_named(done, store)
        named += not whole_again
        state = _store_state(fresh())
        assert state.startswith("sound" if whole_again else str(store)) or data == b"", state

        if number % 3 == 0 or not whole_again:
            out = tmp_path / "site"
            done = sld("leaderboard", "--store", fresh(), "--out", out, "--jobs", 1)
            if done.returncode == 0:
                assert tree(out) == site, (kind, number)
            else:
                assert_named(done, store)
            shutil.rmtree(out, ignore_errors=True)

        done = sld("run", small.folder / "candidates", "--store", fresh())
        if done.returncode == 0:
            check_after_a_run(store, original)
        else:
            assert_named(done, store)
    if kind in {"digits", "names"}:
        assert named == sum(each == kind for each, _ in VARIANTS), "each was seen"


def check_after_a_run(store: Path, original: Lines) -> None:
    """What a run leaves is right, or is still named when it is read."""
    try:
        found = without_times(lines_of(store))
    except UserError as error:
        assert NAMED.search(str(error))  # noqa: PT017
        return
    expected = without_times(original)
    assert found.items() <= expected.items()
    assert {name for name in expected if not name.startswith("claim")} <= found.keys()


def assert_named(done: subprocess.CompletedProcess[str], store: Path) -> None:
    assert done.returncode in {1, 2}
    *before, line = done.stderr.splitlines()
    assert before == [] or "files to write" in before[0]
    assert line.startswith(f"error: {store}: ")
    assert NAMED.search(line), line


def tree(folder: Path) -> dict[str, bytes]:
    """Return every page and table. How each was made (a slow formula, say) is the manifest's."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }


def test_a_rotten_log_loses_its_end_at_most(small: Sld, tmp_path: Path) -> None:
    """What a killed run left beside the store is checked by SQLite, frame by frame."""
    original = lines_of(small.store)
    log = tmp_path / "live.sqlite-wal"
    with Store(tmp_path / "live.sqlite") as live, Store(small.store, read_only=True) as whole:
        live.take(plan_merge(live.content(), whole.content()))
        live.assign([])
        main_bytes, log_bytes = (tmp_path / "live.sqlite").read_bytes(), log.read_bytes()
    assert len(log_bytes) > 10_000
    rng = random.Random(4)
    for number in range(12):
        rotten = bytearray(log_bytes)
        rotten[rng.randrange(len(rotten))] ^= rng.randrange(1, 256)
        store = tmp_path / f"{number}.sqlite"
        store.write_bytes(main_bytes)
        store.with_name(f"{number}.sqlite-wal").write_bytes(rotten)
        try:
            found = lines_of(store)
        except UserError as error:
            assert NAMED.search(str(error))  # noqa: PT017
        else:
            assert found.items() <= original.items()


COLUMNS = {
    "evaluations": ("digest", "task", "program", "status", "document", "traces", "created"),
    "runs": ("task", "agent", "model", "run", "agent_name", "model_name", "path", "digest"),
    "claims": ("task", "agent", "model", "document", "source"),
    "programs": ("sha256", "source"),
    "seals": ("kind", "name", "sha256"),
}


def change(store: Path, statement: str) -> None:
    with sqlite3.connect(store) as database:
        assert database.execute(statement).rowcount == 1, statement
    database.close()


@pytest.fixture
def own(small: Sld, tmp_path: Path) -> Path:
    """A copy of the small store."""
    return Path(shutil.copy(small.store, tmp_path / "store.sqlite"))


class TestSeals:
    """Every value of every row is under a seal."""

    @pytest.mark.parametrize(
        ("table", "column"), [(table, name) for table, names in COLUMNS.items() for name in names]
    )
    def test_a_value_that_is_another_one_is_noticed(
        self, own: Path, table: str, column: str
    ) -> None:
        """Regression: a digit that had become another one stood on the board."""
        which = f"WHERE rowid = (SELECT max(rowid) FROM {table})"
        if table == "seals":
            which = "WHERE (kind, name) = (SELECT kind, name FROM seals LIMIT 1)"
        value = f"replace(replace({column}, '0', '3'), 'o', 'q') || 'x'"
        if column == "document":
            value = "replace(document, '\"r2\":', '\"r2\":1')"
        if column == "document" and table == "claims":
            value = "replace(document, '0.5', '0.6')"
        if column in {"traces", "source"} and table != "claims":
            value = f"CAST({value} AS BLOB)"
        change(own, f"UPDATE {table} SET {column} = {value} {which}")
        with Store(own) as store, pytest.raises(UserError, match="damaged"):
            store.content()
        with Store(own, read_only=True) as store, pytest.raises(UserError, match="damaged"):
            store.check_whole()
        if table in {"evaluations", "runs", "programs"} and column != "traces":
            with Store(own) as store, pytest.raises(UserError, match="damaged"):
                store.runs()
        if table == "claims":
            with Store(own) as store, pytest.raises(UserError, match="damaged"):
                store.claims()

    @pytest.mark.parametrize("table", COLUMNS)
    def test_a_row_that_is_gone_is_noticed(self, own: Path, table: str) -> None:
        """A pair of runs is another pair without one of them."""
        which = f"WHERE rowid = (SELECT max(rowid) FROM {table})"
        if table == "seals":
            which = "WHERE (kind, name) = (SELECT kind, name FROM seals LIMIT 1)"
        change(own, f"DELETE FROM {table} {which}")
        with Store(own, read_only=True) as store, pytest.raises(UserError, match="damaged"):
            store.content()

    @pytest.mark.parametrize("column", ["document", "traces"])
    def test_one_evaluation_is_held_against_its_seal(self, own: Path, column: str) -> None:
        with Store(own) as store:
            digest, other, *_ = store.statuses()
        change(
            own,
            f"UPDATE evaluations SET {column} = "
            f"(SELECT {column} FROM evaluations WHERE digest = '{other}') "
            f"WHERE digest = '{digest}' AND {column} <> "
            f"(SELECT {column} FROM evaluations WHERE digest = '{other}')",
        )
        with Store(own) as store, pytest.raises(UserError, match="damaged"):
            (store.evaluation if column == "document" else store.traces)(digest)


def older(store: Path) -> None:
    """Make a store one as it was before there were seals."""
    with sqlite3.connect(store) as database:
        database.execute("DROP TABLE seals")
        database.execute("UPDATE meta SET value = '1' WHERE key = 'schema'")
    database.close()


class TestOlderStores:
    """A store without seals."""

    def test_reading_one_changes_nothing_and_gives_everything(self, small: Sld, own: Path) -> None:
        older(own)
        before = own.read_bytes()
        assert lines_of(own) == lines_of(small.store)
        with Store(own, read_only=True) as store:
            assert len(store.runs()) > 5
            store.check_whole()
        assert own.read_bytes() == before

    def test_writing_to_one_seals_it(self, small: Sld, own: Path) -> None:
        older(own)
        threads = [threading.Thread(target=lambda: Store(own).close()) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert lines_of(own) == lines_of(small.store)
        change(own, "UPDATE runs SET run = 99 WHERE rowid = 1")
        with Store(own) as store, pytest.raises(UserError, match="damaged"):
            store.runs()

    def test_one_with_a_value_of_no_known_type_is_damaged_and_left_alone(self, own: Path) -> None:
        older(own)
        change(own, "UPDATE evaluations SET document = x'00ff' WHERE rowid = 1")
        for read_only in (False, True):
            with pytest.raises(UserError, match="damaged"):
                Store(own, read_only=read_only)
        with sqlite3.connect(own) as database:
            assert database.execute("SELECT value FROM meta").fetchone() == ("1",)
        database.close()
