"""What candidate code cannot reach, and what it may count on, seen from inside a candidate."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import numpy as np
import pandas as pd
import pytest
from conftest import Scorer
from programs import GROUP_MEAN, LAW, program, reported, reporting

import harness
from harness.evaluation.records import Evaluation
from harness.failures import FailureKind
from harness.results.store import Store
from harness.sandbox import Sandbox
from harness.tasks import Task

Score = Callable[..., Evaluation]
Lend = Callable[..., Sandbox]
MEBIBYTE = 1 << 20
DENIED = "PermissionError"
HIDDEN = "FileNotFoundError"
"""Where /proc is an empty folder."""


@pytest.fixture
def candidates(tmp_path: Path) -> Path:
    """A candidates folder with somebody else's program in it."""
    file = tmp_path / "candidates" / "small_task" / "other" / "model" / "run_1.py"
    file.parent.mkdir(parents=True)
    file.write_text(GROUP_MEAN, encoding="utf-8")
    return file


@pytest.fixture
def store_file(tmp_path: Path) -> Path:
    Store(tmp_path / "store.sqlite").close()
    return tmp_path / "store.sqlite"


@pytest.fixture
def secrets(small_task: Task, candidates: Path, store_file: Path) -> dict[str, Path]:
    """Files that exist and that this test can read, but no candidate may."""
    train, test = small_task.files()
    files = {
        "test rows": test,
        "train rows": train,
        "task": small_task.path,
        "store": store_file,
        "another candidate": candidates,
        "users": Path("/etc/passwd"),
        "own environment": Path("/proc/self/environ"),
        "first process's environment": Path("/proc/1/environ"),
        "own memory map": Path("/proc/self/maps"),
        "the harness": Path(harness.__file__),
        "another package": Path(pd.__file__),
    }
    assert all(path.exists() for path in files.values())
    return files


@pytest.mark.linux
def test_no_file_of_the_harness_the_task_or_the_user_can_be_read(
    caged: Sandbox, score: Score, secrets: dict[str, Path]
) -> None:
    """A candidate that reads the test rows gets R² = 1 without knowing any law."""
    paths = [str(path) for path in secrets.values()]
    found = reported(
        score(reporting(f"found = [attempt(lambda: open(path, 'rb').read(1)) for path in {paths}]"))
    )
    assert isinstance(found, list)
    assert len(found) == len(paths)
    assert set(found) <= {DENIED, HIDDEN}


@pytest.mark.linux
def test_no_folder_can_be_listed(caged: Sandbox, score: Score, tmp_path: Path) -> None:
    packages = sysconfig.get_path("purelib")
    folders = [
        "/", "/tmp", "/etc", "/proc", "/proc/self/fd", "/dev", "/sys", packages,
        str(Path.home()), str(tmp_path), str(Path(harness.__file__).parent),
    ]  # fmt: skip
    assert all(os.listdir(folder) is not None for folder in folders)
    found = reported(
        score(reporting(f"found = [attempt(lambda: os.listdir(path)) for path in {folders}]"))
    )
    assert isinstance(found, list)
    assert len(found) == len(folders)
    assert set(found) <= {DENIED, HIDDEN}


@pytest.mark.linux
def test_nothing_can_be_written_outside_the_scratch_folder(
    caged: Sandbox, score: Score, tmp_path: Path, candidates: Path, store_file: Path
) -> None:
    """Whoever can write into numpy's folder or beside the candidates owns every later score."""
    folders = [
        "/tmp", "/dev/shm", "/", str(Path.home()), str(tmp_path), str(candidates.parent),
        str(Path(harness.__file__).parent), np.__path__[0], sysconfig.get_path("stdlib"),
    ]  # fmt: skip
    name = "sld_was_here"
    found = reported(
        score(
            reporting(f"""
            found = set()
            for folder in {folders}:
                path = os.path.join(folder, {name!r})
                found.add(attempt(lambda: open(path, "w")))
                found.add(attempt(lambda: os.mkdir(path)))
                found.add(attempt(lambda: os.symlink("/etc", path)))
                found.add(attempt(lambda: os.mkfifo(path)))
            for file in {[str(candidates), str(store_file)]}:
                found.add(attempt(lambda: open(file, "r+")))
                found.add(attempt(lambda: os.truncate(file, 0)))
                found.add(attempt(lambda: os.unlink(file)))
                found.add(attempt(lambda: os.rename(file, file + ".old")))
                found.add(attempt(lambda: os.link(file, "copy")))
            found = sorted(found)
            """)
        )
    )
    # Moving or linking over the border of the scratch folder is refused with EXDEV.
    assert set(found) <= {DENIED, "OSError"}
    assert not any((Path(folder) / name).exists() for folder in folders)
    assert candidates.read_text(encoding="utf-8") == GROUP_MEAN


@pytest.mark.linux
@pytest.mark.parametrize("off", [(), ("namespaces",), ("landlock",)])
def test_modes_owners_and_times_of_files_cannot_be_changed(
    caged: Sandbox, score: Score, candidates: Path, sandbox_without: Lend, off: tuple[str, ...]
) -> None:
    """Landlock lets chmod pass on every file of the user: without a filter a candidate could make
    the store unreadable, or everybody's.
    """
    before = candidates.stat()
    box = sandbox_without(*off)
    found = reported(
        score(
            reporting(f"""
            path = {str(candidates)!r}
            found = [
                attempt(lambda: os.chmod(path, 0o777)),
                attempt(lambda: os.chown(path, os.getuid(), os.getgid())),
                attempt(lambda: os.lchown(path, os.getuid(), os.getgid())),
                attempt(lambda: os.utime(path, (0, 0))),
                attempt(lambda: os.setxattr(path, "user.note", b"1")),
                attempt(lambda: os.removexattr(path, "user.note")),
            ]
            """),
            box=box,
        )
    )
    assert found == [DENIED] * 6
    after = candidates.stat()
    assert (after.st_mode, after.st_mtime_ns) == (before.st_mode, before.st_mtime_ns)


def test_the_environment_is_empty(score: Score, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of paid services live in the environment of whoever runs the harness."""
    monkeypatch.setenv("SLD_SECRET", "key")
    with Sandbox() as box:
        found = reported(
            score(
                reporting("""
                libc = ctypes.CDLL(None)
                libc.getenv.restype = ctypes.c_char_p
                names = (b"SLD_SECRET", b"HOME", b"PATH", b"SLD_DATA", b"PYTHONHASHSEED")
                found = [dict(os.environ), [libc.getenv(name) for name in names]]
                """),
                box=box,
            )
        )
    assert found == [{}, [None] * 5]


def test_the_scratch_folder_is_the_working_folder_and_can_be_used(score: Score) -> None:
    found = reported(
        score(
            reporting("""
            import tempfile
            before = sorted(os.listdir())
            open("note", "w").write("kept")
            os.mkdir("folder")
            with tempfile.TemporaryDirectory(dir=".") as folder:
                open(folder + "/a", "w").write("b")
            np.save("array.npy", np.arange(3.0))
            found = [before, open("note").read(), np.load("array.npy").tolist()]
            """)
        )
    )
    assert found == [["candidate.py"], "kept", [0.0, 1.0, 2.0]]


@pytest.mark.linux
@pytest.mark.parametrize("files", [1, 30])
def test_the_scratch_folder_holds_no_more_than_its_limit(
    caged: Sandbox, score: Score, files: int
) -> None:
    evaluation = score(
        program(
            fit=f"""
            for number in range({files}):
                with open(f"file{{number}}", "wb") as file:
                    for _ in range(64 // {files} + 1):
                        file.write(bytes(1 << 20))
            """
        ),
        scratch_bytes=32 * MEBIBYTE,
    )
    assert evaluation.error is not None
    assert evaluation.error.kind is FailureKind.CANDIDATE_ERROR
    assert evaluation.error.message.startswith("OSError: [Errno")


@pytest.mark.parametrize("off", [(), ("tmpfs",), ("namespaces",), ("seccomp",)])
def test_the_fitting_child_leaves_nothing_for_the_predicting_children(
    caged: Sandbox, score: Score, sandbox_without: Lend, off: tuple[str, ...]
) -> None:
    """What crosses beside the parameters is neither counted nor capped: the train rows, for one."""
    marks = """
        import builtins, sys
        libc = ctypes.CDLL(None)
        KEY, SIZE, CREATE = 0x51D51D, 4096, 0o1600
        def marks():
            return [
                os.path.exists("mark"),
                os.path.exists("hidden/mark"),
                os.path.exists("/tmp/sld_mark"),
                os.path.exists("/dev/shm/sld_mark"),
                libc.shmget(KEY, SIZE, 0) >= 0,
                libc.msgget(KEY, 0) >= 0,
                hasattr(builtins, "mark"),
                hasattr(np, "mark"),
                "mark" in os.environ,
                "mark" in sys.modules,
            ]
        if any(marks()):
            raise Report(repr(marks()))
        builtins.mark = np.mark = sys.modules["mark"] = True
        os.environ["mark"] = "1"
        open("mark", "w").close()
        os.mkdir("hidden")
        open("hidden/mark", "w").close()
        attempt(lambda: os.chmod("hidden", 0o300))
        attempt(lambda: open("/tmp/sld_mark", "w"))
        attempt(lambda: open("/dev/shm/sld_mark", "w"))
        libc.shmget(KEY, SIZE, CREATE)
        libc.msgget(KEY, CREATE)
    """
    box = sandbox_without(*off)
    evaluation = score(program(first=marks), box=box)
    assert evaluation.status == "ok", evaluation.error


@pytest.fixture
def listener() -> Iterator[tuple[str, int]]:
    """A server on this machine; every connection to it is one too many."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server.getsockname()
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.linux
@pytest.mark.parametrize(
    "off", [(), ("landlock", "seccomp"), ("landlock", "namespaces"), ("namespaces", "seccomp")]
)
def test_there_is_no_network(
    caged: Sandbox,
    score: Score,
    listener: tuple[str, int],
    sandbox_without: Lend,
    off: tuple[str, ...],
) -> None:
    """The namespace, the filter and Landlock each keep connections out alone."""
    box = sandbox_without(*off)
    found = reported(
        score(
            reporting(f"""
            import socket
            found = [
                attempt(lambda: socket.create_connection({listener}, 1)),
                attempt(lambda: socket.getaddrinfo("example.org", 80)),
                attempt(lambda: socket.create_connection(("192.0.2.1", 80), 1)),
            ]
            """),
            box=box,
        )
    )
    assert isinstance(found, list)
    assert set(found) <= {DENIED, "OSError", "gaierror", "ConnectionRefusedError"}


@pytest.mark.linux
def test_no_socket_of_any_family_can_be_made(caged: Sandbox, score: Score) -> None:
    found = reported(
        score(
            reporting("""
            import socket
            families = ["AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK", "AF_PACKET", "AF_VSOCK"]
            kinds = [socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW]
            found = {
                attempt(lambda: socket.socket(getattr(socket, family), kind))
                for family in families for kind in kinds
            } | {attempt(socket.socketpair), attempt(lambda: socket.gethostbyname("localhost"))}
            found = sorted(found)
            """)
        )
    )
    assert isinstance(found, list)
    assert set(found) <= {DENIED, "gaierror"}
    assert DENIED in found


@pytest.mark.linux
def test_no_process_can_be_started(caged: Sandbox, score: Score) -> None:
    """A process that outlives its evaluation slows down the others, or reads what they write."""
    found = reported(
        score(
            reporting("""
            import multiprocessing, pty, subprocess, sys
            run = [sys.executable, "-c", "pass"]
            found = [
                attempt(os.fork),
                attempt(os.forkpty),
                attempt(lambda: os.execv(run[0], run)),
                attempt(lambda: os.posix_spawn(run[0], run, {})),
                attempt(lambda: subprocess.run(run)),
                attempt(multiprocessing.get_context("fork").Process(target=print).start),
                attempt(multiprocessing.get_context("spawn").Process(target=print).start),
                os.system("true") not in (0, None),
                ctypes.CDLL(None).vfork(),
            ]
            """)
        )
    )
    assert isinstance(found, list)
    assert found[:5] == [DENIED] * 5
    assert "done" not in found[5:7]
    assert found[7:] == [True, -1]


# What the kernel must refuse, by the numbers of the kernel's own table for x86_64.
REFUSED = {
    "socket": 41, "socketpair": 53, "fork": 57, "vfork": 58, "execve": 59, "ptrace": 101,
    "personality": 135, "pivot_root": 155, "chroot": 161, "mount": 165, "umount2": 166,
    "reboot": 169, "init_module": 175, "kexec_load": 246, "add_key": 248, "keyctl": 250,
    "unshare": 272, "perf_event_open": 298, "open_by_handle_at": 304, "setns": 308,
    "process_vm_readv": 310, "process_vm_writev": 311, "memfd_create": 319, "bpf": 321,
    "execveat": 322, "userfaultfd": 323, "io_uring_setup": 425, "open_tree": 428,
    "fsopen": 430, "pidfd_getfd": 438, "mount_setattr": 442, "fchmodat2": 452,
}  # fmt: skip


@pytest.mark.linux
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="system call numbers of x86_64")
@pytest.mark.parametrize("off", [(), ("namespaces", "landlock")])
def test_raw_system_calls_are_refused(
    caged: Sandbox, score: Score, sandbox_without: Lend, off: tuple[str, ...]
) -> None:
    """ctypes goes around everything that Python could forbid."""
    box = sandbox_without(*off)
    found = reported(
        score(
            reporting(f"""
            libc = ctypes.CDLL(None, use_errno=True)
            found = {{}}
            for name, number in {REFUSED}.items():
                ctypes.set_errno(0)
                answer = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(0)] * 6)
                if (answer, ctypes.get_errno()) != (-1, 1):
                    found[name] = (answer, ctypes.get_errno())
            answer = libc.syscall(ctypes.c_long(435), None, ctypes.c_long(0))
            found["clone3"] = (answer, ctypes.get_errno())
            """),
            box=box,
        )
    )
    assert found == {"clone3": (-1, 38)}  # ENOSYS: libc falls back to clone


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """A process of the same user that has nothing to do with the harness."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        assert process.poll() is None
        process.kill()


@pytest.mark.linux
@pytest.mark.parametrize("off", [(), ("namespaces",)])
def test_other_processes_cannot_be_reached(
    caged: Sandbox,
    score: Score,
    bystander: subprocess.Popen[bytes],
    sandbox_without: Lend,
    off: tuple[str, ...],
) -> None:
    """A candidate that can signal the harness can stop every other evaluation."""
    box = sandbox_without(*off)
    found = reported(
        score(
            reporting(f"""
            import resource, signal
            found = []
            for pid in ({bystander.pid}, {os.getpid()}):
                found += [
                    attempt(lambda: os.kill(pid, 0)),
                    attempt(lambda: os.kill(pid, signal.SIGCONT)),
                    attempt(lambda: os.kill(-pid, 0)),
                    attempt(lambda: os.killpg(pid, 0)),
                    attempt(lambda: os.pidfd_open(pid)),
                    attempt(lambda: resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))),
                    attempt(lambda: os.sched_setaffinity(pid, [0])),
                    attempt(lambda: os.setpriority(os.PRIO_PROCESS, pid, 19)),
                    attempt(lambda: open(f"/proc/{{pid}}/status")),
                ]
            found.append(attempt(lambda: os.kill(-1, 0)))
            """),
            box=box,
        )
    )
    assert isinstance(found, list)
    assert set(found) <= {DENIED, HIDDEN, "ProcessLookupError"}


@pytest.mark.linux
@pytest.mark.parametrize("off", [(), ("namespaces",)])
def test_the_death_of_the_server_still_ends_the_child(
    caged: Sandbox, score: Score, sandbox_without: Lend, off: tuple[str, ...]
) -> None:
    """A child that clears its parent-death signal lives on when the harness is killed."""
    box = sandbox_without(*off)
    found = reported(
        score(
            reporting("""
            libc, signal = ctypes.CDLL(None), ctypes.c_int()
            cleared = libc.prctl(1, ctypes.c_ulong(0), 0, 0, 0)
            libc.prctl(2, ctypes.byref(signal), 0, 0, 0)
            found = (cleared, signal.value)
            """),
            box=box,
        )
    )
    assert found == (-1, 9)


def test_a_child_has_no_descriptors_but_its_own_pipes(score: Score) -> None:
    """A descriptor left open is a file that no access check guards any more."""
    count = """
        def opened():
            found = []
            for number in range(4096):
                try:
                    os.fstat(number)
                except OSError:
                    continue
                found.append(number)
            return found
    """
    assert reported(score(reporting(count + "    found = opened()"))) == [0, 1, 2, 3, 4]
    in_predict = program(predict=count + "    raise Report(repr(opened()))")
    assert reported(score(in_predict)) == [0, 1, 2, 3, 4]


def test_standard_input_is_empty(score: Score) -> None:
    assert reported(score(reporting("import sys; found = sys.stdin.read()"))) == ""


def test_threads_work(score: Score) -> None:
    found = reported(
        score(
            reporting("""
            import concurrent.futures, threading
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                total = sum(pool.map(lambda n: n * n, range(100)))
            seen = []
            thread = threading.Thread(target=lambda: seen.append(1))
            thread.start()
            thread.join()
            found = [total, seen]
            """)
        )
    )
    assert found == [328350, [1]]


@pytest.mark.parametrize(
    "name", ["pandas", "harness", "yaml", "guest", "joblib", "pydantic", "numpy_financial"]
)
def test_other_packages_cannot_be_imported(score: Score, name: str) -> None:
    evaluation = score(f"import math\nimport {name}.core\n" + GROUP_MEAN)
    assert evaluation.error is not None
    assert evaluation.error.kind is FailureKind.LOAD_ERROR
    assert name in evaluation.error.message
    assert "numpy and scipy" in evaluation.error.message
    assert evaluation.error.line == 2


@pytest.mark.linux
def test_an_unguarded_import_still_finds_no_other_package(caged: Sandbox, score: Score) -> None:
    """The guard on imports is a courtesy; data sets shipped as packages must stay out of reach."""
    evaluation = score(
        reporting(f"""
        import sys
        sys.meta_path[:] = [f for f in sys.meta_path if "Guard" not in type(f).__name__]
        sys.path.append({sysconfig.get_path("purelib")!r})
        sys.path.append({str(Path(harness.__file__).parents[1])!r})
        sys.path_importer_cache.clear()
        names = ["pandas", "yaml", "joblib", "harness", "rich"]
        found = [attempt(lambda: __import__(name)) for name in names]
        """)
    )
    assert reported(evaluation) == ["ModuleNotFoundError"] * 5


@pytest.mark.parametrize(
    "names",
    [
        "json, dataclasses, statistics, concurrent.futures, typing, functools, itertools, math",
        "abc, collections, contextlib, copy, csv, datetime, decimal, enum, fractions, hashlib",
        "heapq, inspect, io, logging, operator, pathlib, pickle, pprint, queue, random, re, time",
        "string, struct, tempfile, textwrap, threading, traceback, types, unittest, uuid, warnings",
        "asyncio, bisect, cmath, difflib, argparse, array, base64, multiprocessing, zipfile, lzma",
        "scipy.special, scipy.interpolate, scipy.linalg, scipy.integrate, scipy.sparse",
        "scipy.stats, scipy.signal, scipy.spatial, scipy.optimize, scipy.ndimage",
        "numpy.linalg, numpy.random, numpy.polynomial, numpy.fft, numpy.ma",
    ],
)
def test_the_standard_library_numpy_and_scipy_can_be_imported(score: Score, names: str) -> None:
    evaluation = score(f"import {names}\n" + GROUP_MEAN)
    assert evaluation.status == "ok", evaluation.error


def test_a_program_looks_like_a_module_on_disk(score: Score) -> None:
    """Dataclasses with string annotations, pickles and inspect look modules up by name."""
    found = reported(
        score(
            "from __future__ import annotations\n"
            + program(
                first="""
                import inspect, pickle, sys
                from dataclasses import dataclass, field
                from typing import get_type_hints

                @dataclass
                class Guess:
                    slope: float
                    rest: list[float] = field(default_factory=list)
                """,
                fit="""
                raise Report(repr([
                    __name__ != "__main__",
                    sys.modules[__name__].Guess is Guess,
                    os.path.dirname(__file__) == os.getcwd(),
                    open(__file__).read().startswith("from __future__"),
                    inspect.getsource(scaling_law_func).startswith("def scaling_law_func"),
                    get_type_hints(Guess)["slope"] is float,
                    pickle.loads(pickle.dumps(Guess(1.0))) == Guess(1.0),
                ]))
                """,
            )
        )
    )
    assert found == [True] * 7


def test_arrays_are_writable_copies_in_feature_order(score: Score, small_task: Task) -> None:
    found = reported(
        score(
            reporting("""
            flags = [a.flags.writeable and a.flags.c_contiguous and a.flags.owndata
                     for a in (data_points, loss_values)]
            found = [flags, data_points.tolist(), loss_values.tolist(), str(data_points.dtype)]
            """)
        )
    )
    rows = small_task.data().train[0]
    assert found == [[True, True], rows.features.tolist(), rows.targets[:, 0].tolist(), "float64"]


def test_what_a_program_does_to_its_arrays_changes_no_later_call(
    outcome_of: Scorer,
) -> None:
    """A law that works in place must not spoil the rows, or the constants, of the next call."""
    plain = """
        def scaling_law_func(data_points, params):
            return params[0] - np.log(data_points[:, 0])
    """
    in_place = """
        def scaling_law_func(data_points, params):
            np.log(data_points, out=data_points)
            np.negative(data_points, out=data_points)
            params += data_points[-1, 0]  # spoils what a later call would get
            return data_points[:, 0] + (params[0] - data_points[-1, 0])
    """
    expected = outcome_of(program() + dedent(plain)).evaluation
    spoiled = outcome_of(program() + dedent(in_place)).evaluation
    assert spoiled.status == "ok", spoiled
    assert spoiled.r2 == pytest.approx(expected.r2, abs=1e-12)


def test_a_law_gets_plain_python_floats_and_its_group(score: Score, small_task: Task) -> None:
    check = """
def law(input_data, group):
    row = input_data[0]
    kinds = {type(value) for row in input_data for value in row.values()}
    raise ValueError((type(input_data).__name__, type(row).__name__, list(row),
                      [kind.__name__ for kind in kinds], group, len(input_data)))
"""
    error = score(check).error
    assert error is not None
    assert error.message.startswith("ValueError: ('list', 'dict', ['size', 'tokens'], ['float'], ")
    assert "'a', 1)" in error.message


RANDOM = """\
import random
import numpy as np

at_load = [random.random(), np.random.rand(), np.random.default_rng().random()]


def fit_scaling_law(data_points, loss_values):
    fresh = np.random.default_rng()
    return np.array([
        *at_load, random.random(), np.random.rand(), np.random.normal(), fresh.random(),
        np.random.default_rng().random(), np.random.RandomState().rand(), random.Random(3).random(),
        hash("text") % 1000, hash(b"bytes") % 1000,
    ])


def scaling_law_func(data_points, params):
    return np.full(len(data_points), params[0])
"""


def test_random_numbers_and_hashes_repeat_from_run_to_run(
    outcome_of: Scorer, sandbox: Sandbox
) -> None:
    """Otherwise a candidate is resubmitted until it is lucky, and no figure can be checked."""
    once = outcome_of(RANDOM).traces.params["a"]
    again = outcome_of(RANDOM).traces.params["a"]
    with Sandbox() as fresh:
        elsewhere = outcome_of(RANDOM, box=fresh).traces.params["a"]
    np.testing.assert_array_equal(once, again)
    np.testing.assert_array_equal(once, elsewhere)


def test_every_group_starts_from_the_same_random_state(outcome_of: Scorer) -> None:
    params = outcome_of(RANDOM).traces.params
    np.testing.assert_array_equal(params["a"], params["b"])


def test_another_seed_gives_other_random_numbers(outcome_of: Scorer) -> None:
    first = outcome_of(RANDOM).traces.params["a"]
    other = outcome_of(RANDOM, seed=1).traces.params["a"]
    assert (first[:9] != other[:9]).all()
    np.testing.assert_array_equal(first[9:], other[9:])


def test_patching_numpy_in_its_own_process_wins_nothing(score: Score) -> None:
    """The checks that count are made where no candidate code ran."""
    patched = """
        import builtins
        np.isfinite = lambda values: np.ones(np.shape(values), bool)
        np.asarray = np.array = lambda *a, **k: None
        np.var = np.mean = np.std = lambda *a, **k: 0.0
        builtins.len = lambda values: 1
    """
    nan = program(
        first=patched,
        fit="return [1.0]",
        predict="return [float('nan')] * data_points.shape[0]",
    )
    evaluation = score(nan)
    assert evaluation.status == "failed"
    fine = program(
        first=patched, fit="return [3.0]", predict="return [params[0]] * data_points.shape[0]"
    )
    expected = score(program(fit="return [3.0]"))
    assert score(fine).r2 in (expected.r2, None)


def test_patching_the_guest_in_its_own_process_wins_nothing(score: Score) -> None:
    """A child can lie about its own predictions only, which it may choose anyway."""
    source = program(
        first="""
        import gc
        for thing in gc.get_objects():
            if isinstance(thing, dict) and thing.get("__name__") == "guest.program":
                thing["isfinite"] = lambda values: np.ones(np.shape(values), bool)
        """,
        predict="return np.full(len(data_points), np.nan)",
    )
    evaluation = score(source)
    assert evaluation.error is not None
    assert evaluation.error.kind is FailureKind.BAD_OUTPUT


@pytest.mark.parametrize(
    "off", [("namespaces",), ("landlock",), ("seccomp",), ("namespaces", "landlock", "seccomp")]
)
@pytest.mark.parametrize("source", [GROUP_MEAN, LAW], ids=["evolve-block", "law"])
def test_evaluations_work_without_some_layers_and_say_so(
    caged: Sandbox, score: Score, sandbox_without: Lend, off: tuple[str, ...], source: str
) -> None:
    complete = score(source)
    box = sandbox_without(*off)
    reduced = score(source, box=box)
    assert reduced.r2 == complete.r2
    assert reduced.digest == complete.digest
    missing = [reason.partition(":")[0] for reason in reduced.isolation.missing]
    assert set(off) <= set(missing)
    assert all(
        reason.endswith(("switched off", "needs namespaces"))
        for reason in reduced.isolation.missing
    )
    assert not set(missing) & set(reduced.isolation.layers)


@pytest.mark.linux
def test_every_layer_is_named_with_the_evaluation(caged: Sandbox, score: Score) -> None:
    isolation = score(GROUP_MEAN).isolation
    assert isolation.layers == ("landlock", "namespaces", "rlimits", "seccomp", "tmpfs")
    assert isolation.text == "landlock+namespaces+rlimits+seccomp+tmpfs"
