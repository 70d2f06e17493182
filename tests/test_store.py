"""The store: what is written stays, two writers lose nothing, a broken file is named."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from harness.errors import UserError
from harness.evaluation.records import (
    Evaluation,
    Failure,
    GroupFigures,
    Isolation,
    Seconds,
    TargetFigures,
    Traces,
    Violation,
)
from harness.failures import FailureKind
from harness.results.records import ClaimedPage, ClaimedRun, RunAssignment, RunKey
from harness.results.store import Store
from harness.results.traces import pack, unpack

NOTHING = Traces({}, {}, {}, {})
COMMON = {
    "task": "small_task",
    "format": "law",
    "seconds": Seconds(fit=0.5, predict=0.25),
    "isolation": Isolation(layers=("landlock", "rlimits"), missing=("seccomp: switched off",)),
    "seed": 3,
    "versions": {"numpy": "2", "python": "3", "scipy": "1"},
    "scoring_version": 1,
}


def scored(digest: str = "d1", r2: float = 0.5) -> Evaluation:
    return Evaluation(
        **COMMON,
        status="ok",
        r2=r2,
        r2_fit=0.75,
        nmse=1 - r2,
        nmae=0.125,
        per_group={"a": GroupFigures(r2=None, r2_fit=0.1, n_train=3, n_test=1)},
        per_target={"loss": TargetFigures(r2=r2, r2_fit=None)},
        n_params=4,
        notes=("a note",),
        digest=digest,
    )


def failed(digest: str = "d2") -> Evaluation:
    error = Failure(kind=FailureKind.TIMEOUT, message="no answer within 1 s", line=3)
    return Evaluation(**COMMON, status="failed", error=error, digest=digest)


def violating(digest: str = "d3") -> Evaluation:
    broken = Violation(rule="max_params", message="9 constants")
    return Evaluation(**COMMON, status="violation", r2=0.9, violations=(broken,), digest=digest)


def run(
    digest: str, number: int = 1, *, path: str = "/none.py", agent: str = "codex"
) -> RunAssignment:
    key = RunKey("small_task", agent, "o4_mini", number)
    return RunAssignment(key, agent.title(), "o4-mini", path, digest)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "store.sqlite"


arrays = st.dictionaries(
    st.text(max_size=5),
    hnp.arrays(np.float64, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)),
    max_size=3,
)


class TestTraces:
    """Arrays as bytes."""

    @given(arrays, arrays, arrays, arrays)
    def test_what_is_packed_comes_back(
        self,
        params: dict[str, np.ndarray],
        train: dict[str, np.ndarray],
        test: dict[str, np.ndarray],
        curve: dict[str, np.ndarray],
    ) -> None:
        traces = Traces(params, train, test, curve)
        found = unpack(pack(traces))
        for section in ("params", "train", "test", "curve"):
            expected, got = getattr(traces, section), getattr(found, section)
            assert got.keys() == expected.keys()
            for group, array in expected.items():
                np.testing.assert_array_equal(got[group], array)
                assert got[group].shape == array.shape
        assert pack(found) == pack(traces)

    def test_the_order_of_groups_changes_no_byte(self) -> None:
        one = {"a": np.ones(2), "b": np.zeros(3)}
        other = dict(reversed(one.items()))
        assert pack(Traces(one, {}, {}, {})) == pack(Traces(other, {}, {}, {}))

    @given(st.binary(max_size=40), st.integers(0, 60))
    def test_damaged_bytes_are_a_value_error_and_nothing_else(
        self, patch: bytes, start: int
    ) -> None:
        raw = bytearray(pack(Traces({"a": np.arange(3.0)}, {}, {}, {})))
        raw[start : start + len(patch)] = patch
        with contextlib.suppress(ValueError):
            unpack(bytes(raw))


class TestEvaluations:
    """Adding, reading, replacing."""

    @pytest.mark.parametrize("evaluation", [scored(), failed(), violating()])
    def test_what_is_stored_comes_back(self, path: Path, evaluation: Evaluation) -> None:
        traces = Traces({"a": np.array([[1.0, np.nan]])}, {}, {"a": np.ones((2, 1))}, {})
        with Store(path) as store:
            store.add(evaluation, traces, b"program\xff\x00")
            store.assign([run(evaluation.digest)])
        with Store(path, read_only=True) as store:
            assert store.evaluation(evaluation.digest) == evaluation
            assert store.statuses() == {evaluation.digest: evaluation.status}
            found = store.traces(evaluation.digest)
            (stored,) = store.runs()
        np.testing.assert_array_equal(found.params["a"], [[1.0, np.nan]])
        assert (found.train, found.curve) == ({}, {})
        assert stored.evaluation == evaluation
        assert stored.program == b"program\xff\x00"
        assert (stored.agent_name, stored.model_name) == ("Codex", "o4-mini")

    def test_an_unknown_digest_is_a_key_error(self, path: Path) -> None:
        with Store(path) as store:
            for ask in (store.evaluation, store.traces):
                with pytest.raises(KeyError):
                    ask("nothing")

    def test_an_evaluation_once_stored_is_never_changed(self, path: Path) -> None:
        """A figure that changes under its digest cannot be cited, or checked by anybody."""
        with Store(path) as store:
            store.add(scored(r2=0.5), NOTHING, b"x")
            store.add(scored(r2=0.9), Traces({"a": np.ones(1)}, {}, {}, {}), b"x")
            assert store.evaluation("d1").r2 == 0.5
            assert store.traces("d1").params == {}

    def test_an_evaluation_scored_again_on_request_takes_the_place_of_the_old(
        self, path: Path
    ) -> None:
        with Store(path) as store:
            store.add(failed("d1"), NOTHING, b"x")
            store.assign([run("d1"), run("d1", 2)])
            store.replace(scored("d1"), Traces({"a": np.ones(1)}, {}, {}, {}), b"x")
            store.replace(violating("d3"), NOTHING, b"y")
            assert store.statuses() == {"d1": "ok", "d3": "violation"}
            assert list(store.traces("d1").params) == ["a"]
            assert [stored.evaluation.r2 for stored in store.runs()] == [0.5, 0.5]

    def test_a_replacement_that_fails_half_way_leaves_the_old_one(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A full disk must not cost what was there before."""
        with Store(path) as store:
            store.add(scored(), NOTHING, b"x")
            store.assign([run("d1")])
            monkeypatch.setattr("harness.results.traces.pack", lambda traces: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                store.replace(failed("d1"), NOTHING, b"x")
            assert store.statuses() == {"d1": "ok"}
            assert len(store.runs()) == 1


class TestRuns:
    """Which evaluation is whose."""

    def test_runs_are_sorted_by_task_agent_model_and_number(self, path: Path) -> None:
        with Store(path) as store:
            store.add(scored(), NOTHING, b"x")
            store.assign([run("d1", 10), run("d1", 2), run("d1", 1, agent="aider")])
            keys = [(stored.key.agent, stored.key.run) for stored in store.runs()]
        assert keys == [("aider", 1), ("codex", 2), ("codex", 10)]

    def test_a_run_with_a_new_program_has_the_new_evaluation(self, path: Path) -> None:
        with Store(path) as store:
            store.add(scored("d1"), NOTHING, b"x")
            store.add(failed("d2"), NOTHING, b"y")
            store.assign([run("d1")])
            store.assign([run("d2")])
            (stored,) = store.runs()
            assert stored.program == b"y"
            assert set(store.statuses()) == {"d1", "d2"}

    def test_saying_what_is_known_writes_nothing(self, path: Path) -> None:
        """A run with nothing to do must not wait for, or disturb, another process."""
        with Store(path) as store:
            store.add(scored(), NOTHING, b"x")
            store.assign([run("d1")])
            with Store(path) as other:
                before = other._db.execute("PRAGMA data_version").fetchone()
                store.assign([run("d1")])
                assert other._db.execute("PRAGMA data_version").fetchone() == before

    def test_runs_whose_file_is_gone_leave_the_board_and_stay_stored(
        self, path: Path, tmp_path: Path
    ) -> None:
        kept, gone = tmp_path / "in" / "run_1.py", tmp_path / "in" / "run_2.py"
        elsewhere, beside = tmp_path / "out" / "run_3.py", tmp_path / "in_" / "run_4.py"
        kept.parent.mkdir()
        kept.touch()
        with Store(path) as store:
            store.add(scored(), NOTHING, b"x")
            store.assign(
                [
                    run("d1", number, path=str(file))
                    for number, file in enumerate((kept, gone, elsewhere, beside), 1)
                ]
            )
            forgotten = store.forget_missing(tmp_path / "in")
            assert [key.run for key in forgotten] == [2]
            assert [stored.key.run for stored in store.runs()] == [1, 3, 4]
            assert store.statuses() == {"d1": "ok"}
            assert store.forget_missing(tmp_path / "in") == []
            store.assign([run("d1", 5, path=str(tmp_path / "out" / ".." / "in" / "run_5.py"))])
            assert [key.run for key in store.forget_missing(tmp_path / "in" / ".")] == [5]


def claim(best: str = "0.5") -> ClaimedPage:
    return ClaimedPage(
        title="Small Scaling Law",
        agent="codex",
        model="o4-mini",
        best=best,
        mean="0.25",
        min="0.000000",
        runs="2",
        program="x = 1\n",
        ranking=(ClaimedRun(run=2, r2=best), ClaimedRun(run=1, r2="0.000000")),
    )


def test_a_claim_comes_back_and_is_replaced_by_a_later_one(path: Path) -> None:
    with Store(path) as store:
        store.add_claim("small_task", claim("0.5"), "one.html")
        store.add_claim("small_task", claim("0.75"), "two.html")
        store.add_claim("a_task", claim(), "three.html")
        found = [(c.task, c.agent, c.model, c.page.best, c.source) for c in store.claims()]
    assert found == [
        ("a_task", "codex", "o4_mini", "0.5", "three.html"),
        ("small_task", "codex", "o4_mini", "0.75", "two.html"),
    ]


def other_database(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE notes (text TEXT)")
    database.close()


def newer(path: Path) -> None:
    Store(path).close()
    with sqlite3.connect(path) as database:
        database.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
    database.close()


def odd_version(path: Path) -> None:
    Store(path).close()
    with sqlite3.connect(path) as database:
        database.execute("UPDATE meta SET value = 'new' WHERE key = 'schema'")
    database.close()


def cut(path: Path) -> None:
    with Store(path) as store:
        store.add(scored(), Traces({"a": np.random.rand(5000)}, {}, {}, {}), b"x" * 9000)
    path.write_bytes(path.read_bytes()[:5000])


class TestBrokenFiles:
    """Each is one line that names the file."""

    @pytest.mark.parametrize("read_only", [False, True])
    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (Path.mkdir, "got a folder"),
            (lambda path: path.write_text("my notes\n" * 100), "no store, or a damaged one"),
            (lambda path: path.write_bytes(os.urandom(8192)), "no store, or a damaged one"),
            (other_database, "not a store of this harness"),
            (newer, "schema version 99; this harness reads version 1"),
            (odd_version, "schema version new; this harness reads"),
        ],
        ids=["folder", "text", "noise", "another database", "newer", "odd version"],
    )
    def test_what_is_no_store_of_ours_is_named(
        self, tmp_path: Path, make: Callable[[Path], object], words: str, read_only: bool
    ) -> None:
        path = tmp_path / "store.sqlite"
        make(path)
        before = path.read_bytes() if path.is_file() else b""
        with pytest.raises(UserError, match=words) as caught:
            Store(path, read_only=read_only)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)
        assert (path.read_bytes() if path.is_file() else b"") == before

    def test_a_cut_file_is_named_when_it_is_read(self, tmp_path: Path) -> None:
        path = tmp_path / "store.sqlite"
        cut(path)

        def read() -> None:
            with Store(path) as store:
                store.evaluation("d1")
                store.traces("d1")
                store.runs()

        with pytest.raises(UserError, match="damaged"):
            read()

    @pytest.mark.parametrize(
        ("column", "value"), [("document", "{}"), ("document", "not json"), ("traces", b"junk")]
    )
    def test_a_damaged_row_is_named(self, tmp_path: Path, column: str, value: object) -> None:
        path = tmp_path / "store.sqlite"
        with Store(path) as store:
            store.add(scored(), NOTHING, b"x")
        with sqlite3.connect(path) as database:
            database.execute(f"UPDATE evaluations SET {column} = ?", (value,))
        database.close()
        with Store(path) as store, pytest.raises(UserError, match="damaged"):
            (store.evaluation if column == "document" else store.traces)("d1")

    @pytest.mark.parametrize("place", ["/proc/nowhere/store.sqlite", "/dev/null/store.sqlite"])
    def test_a_place_where_nothing_can_be_made_is_named(self, place: str) -> None:
        with pytest.raises(UserError, match="store"):
            Store(Path(place))

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_a_folder_that_cannot_be_written_is_named(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o500)
        with pytest.raises(UserError, match="cannot be"):
            Store(tmp_path / "store.sqlite")

    def test_only_reading_a_missing_store_says_what_makes_one(self, path: Path) -> None:
        with pytest.raises(UserError, match="no store there yet; `sld run` makes one"):
            Store(path, read_only=True)
        assert not path.parent.exists()

    def test_a_path_with_odd_characters_is_a_path(self, tmp_path: Path) -> None:
        path = tmp_path / "a b?mode=memory#%20é.sqlite"
        Store(path).close()
        with Store(path, read_only=True) as store:
            assert store.statuses() == {}
        assert path.is_file()


WRITER = """\
import sys
from pathlib import Path
from test_store import NOTHING, run, scored
from harness.results.store import Store

path, first, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
sys.stdin.readline()
for number in range(first, first + count):
    with Store(path) as store:
        store.add(scored(f"d{number}"), NOTHING, b"program %d" % number)
        store.assign([run(f"d{number}", number)])
    print(number, flush=True)
"""


def writer(path: Path, first: int, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), str(first), str(count)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    return subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_two_processes_that_make_and_fill_one_store_lose_nothing(path: Path) -> None:
    """Two `sld run` at once, on a store that neither of them finds."""
    writers = [writer(path, first, 30) for first in (0, 100)]
    for process in writers:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in writers:
        process.communicate()
        assert process.returncode == 0
    with Store(path, read_only=True) as store:
        numbers = {stored.key.run for stored in store.runs()}
        assert set(store.statuses()) == {f"d{number}" for number in numbers}
    assert numbers == {*range(30), *range(100, 130)}


def test_a_killed_writer_loses_nothing_that_it_finished(path: Path) -> None:
    process = writer(path, 0, 10_000)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    finished = [int(process.stdout.readline()) for _ in range(20)]
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with Store(path) as store:
        assert {f"d{number}" for number in finished} <= set(store.statuses())
        assert set(finished) <= {stored.key.run for stored in store.runs()}


def test_reading_goes_on_while_another_process_writes(path: Path) -> None:
    with Store(path) as store, Store(path, read_only=True) as reader:
        store._db.execute("BEGIN IMMEDIATE")
        assert reader.statuses() == {}
        store._db.execute("ROLLBACK")
        store.add(scored(), NOTHING, b"x")
        assert reader.statuses() == {"d1": "ok"}
