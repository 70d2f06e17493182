"""Programs that do not stop, eat memory, crash or kill: all of it ends, in time, as a result."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Scorer
from processes import descendants, living, wait_for
from programs import GROUP_MEAN, program, reported, reporting

from harness.candidates import Candidate
from harness.evaluation.evaluate import evaluate
from harness.evaluation.records import Evaluation
from harness.failures import FailureKind
from harness.sandbox import Sandbox
from harness.sandbox.server_process import ServerProcess
from harness.tasks import Task
from harness.tasks.catalogue import load_definition

pytestmark = pytest.mark.linux

Score = Callable[..., Evaluation]
Lend = Callable[..., Sandbox]
LIMIT = 0.5
MEBIBYTE = 1 << 20

HANGS = {
    "sleeps": "time.sleep(3600)",
    "spins": "while True: pass",
    "spins in C": "sum(range(10**12))",
    "computes one huge power": "pow(7, 10**9)",
    "loops in numpy": "while True: np.sort(np.random.rand(10**6))",
    "ignores every signal": """
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        time.sleep(3600)
    """,
    "blocks every signal": """
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while True: time.sleep(1)
    """,
    "starts many threads": """
        def spin():
            while True: time.sleep(0.001)
        for _ in range(100):
            threading.Thread(target=spin).start()
        spin()
    """,
    "catches everything": """
        while True:
            try:
                time.sleep(3600)
            except BaseException:
                pass
    """,
    "forks when it may": """
        while True:
            try:
                os.fork()
            except OSError:
                pass
            time.sleep(1)
    """,
    "becomes a daemon when it may": """
        attempt(os.setsid)
        attempt(lambda: os.setpgid(0, 0))
        try:
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    os.setsid()
                    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        except OSError:
            pass
        while True: time.sleep(1)
    """,
    "closes its pipes": """
        for number in range(5):
            os.close(number)
        time.sleep(3600)
    """,
}
IMPORTS = "import signal, threading, time"


@pytest.fixture
def row_task(write_task: Callable[..., Path]) -> Task:
    """A task of one group with four train and four test rows: halves of four, none else of four
    but the splits themselves, which come in file order.
    """
    rows = [f"a,{size}.0,1.0,{10 - size}.5" for size in range(1, 10)]
    head = "group,size,tokens,loss"
    return load_definition(
        write_task("\n".join([head, *rows[:5]]), "\n".join([head, *rows[5:]]), curve=None)
    )


def assert_it_ends(
    score: Score, source: str, box: Sandbox, kinds: set[FailureKind], **limits: float
) -> None:
    """Score a program: it fails in time, leaves no process, and the sandbox goes on."""
    score(GROUP_MEAN, box=box)  # the server is there and warm
    before = descendants(os.getpid())
    started = time.monotonic()
    evaluation = score(source, box=box, **limits)
    elapsed = time.monotonic() - started
    assert evaluation.error is not None
    assert evaluation.error.kind in kinds, evaluation.error.text
    assert elapsed < LIMIT + 1.0
    assert living(descendants(os.getpid()) - before) == set()
    assert score(GROUP_MEAN, box=box).status == "ok"


@pytest.mark.parametrize("body", HANGS.values(), ids=HANGS)
def test_a_fit_that_does_not_stop_ends_at_its_limit(
    sandbox: Sandbox, score: Score, body: str
) -> None:
    """One program that hangs stops the whole leaderboard from being computed."""
    kinds = {FailureKind.CRASH if "os.close" in body else FailureKind.TIMEOUT}
    source = program(first=IMPORTS, fit=body)
    assert_it_ends(score, source, sandbox, kinds, fit_seconds=LIMIT)


@pytest.mark.parametrize("off", [("namespaces",), ("namespaces", "seccomp")], ids="+".join)
@pytest.mark.parametrize(
    "name",
    ["sleeps", "blocks every signal", "forks when it may", "becomes a daemon when it may"],
)
def test_deadlines_hold_without_a_pid_namespace(
    sandbox_without: Lend, score: Score, name: str, off: tuple[str, ...]
) -> None:
    source = program(first=IMPORTS, fit=HANGS[name])
    kinds = {FailureKind.TIMEOUT}
    assert_it_ends(score, source, sandbox_without(*off), kinds, fit_seconds=LIMIT)


def test_daemons_of_a_program_that_ends_well_are_swept(sandbox_without: Lend, score: Score) -> None:
    """Without namespaces and filter a program can fork: what it left behind must still end."""
    box = sandbox_without("namespaces", "seccomp")
    score(GROUP_MEAN, box=box)
    before = descendants(os.getpid())
    daemons = """
        for _ in range(4):
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    os.setsid()
                while True: time.sleep(1)
        if not len(data_points):
            time.sleep(1)
    """
    evaluation = score(program(first=IMPORTS, fit=daemons), box=box)
    assert evaluation.status == "ok", evaluation.error
    assert living(descendants(os.getpid()) - before) == set()


def test_daemons_of_a_program_that_exits_are_swept(sandbox_without: Lend, score: Score) -> None:
    """They hold the pipes open: the harness must not wait for them until the limit."""
    box = sandbox_without("namespaces", "seccomp")
    source = program(
        first=IMPORTS, fit="if os.fork() == 0: os.setsid(); time.sleep(60)\nos._exit(3)"
    )
    assert_it_ends(score, source, box, {FailureKind.CRASH})


@pytest.mark.parametrize("where", ["first", "fit", "predict"])
def test_a_program_may_hang_anywhere(sandbox: Sandbox, score: Score, where: str) -> None:
    source = program(**{where: "import time; time.sleep(3600)"})
    limits = {"fit_seconds": LIMIT, "predict_seconds": LIMIT}
    assert_it_ends(score, source, sandbox, {FailureKind.TIMEOUT}, **limits)


def test_a_program_may_hang_in_small_batches_only(score: Score, row_task: Task) -> None:
    """The child that predicts again has a limit of its own."""
    permuted = "if len(data_points) > 1 and (np.diff(data_points[:, 0]) < 0).any():"
    source = program(predict=permuted + " import time; time.sleep(3600)")
    started = time.monotonic()
    evaluation = score(source, row_task, predict_seconds=LIMIT)
    assert evaluation.error is not None
    assert evaluation.error.kind is FailureKind.TIMEOUT
    assert "the fixed limit for loading it and predicting" in evaluation.error.text
    assert LIMIT < time.monotonic() - started < LIMIT + 1.0


def test_the_limit_of_a_fit_covers_all_groups(score: Score) -> None:
    """A limit for each group would give a task with forty groups forty times as long."""
    evaluation = score(program(fit="import time; time.sleep(0.4)"), fit_seconds=0.6)
    assert evaluation.error is not None
    words = "no answer within 0.6 s, the limit for loading it and fitting all groups"
    assert evaluation.error.text == f"timeout: {words}"


def test_a_hanging_neighbour_delays_nobody(
    sandbox: Sandbox, sandbox_without: Lend, score: Score
) -> None:
    other = sandbox_without("tmpfs")
    score(GROUP_MEAN, box=other)
    ended: list[float] = []

    def hang() -> None:
        score(program(fit="while True: pass"), box=sandbox, fit_seconds=1.5)
        ended.append(time.monotonic())

    thread = threading.Thread(target=hang)
    thread.start()
    statuses = [score(GROUP_MEAN, box=other).status for _ in range(3)]
    finished = time.monotonic()
    thread.join()
    assert statuses == ["ok"] * 3
    assert finished < ended[0]


BOMBS = {
    "bytearrays": "kept = []\nwhile True: kept.append(bytearray(1 << 20))",
    "growing array": "grown = np.ones(1 << 20)\nwhile True: grown = np.concatenate([grown] * 2)",
    "one giant array": "np.ones(1 << 40)",
    "one giant bytes": "bytes(1 << 40)",
    "mapped pages": "import mmap\nkept = []\nwhile True: kept.append(mmap.mmap(-1, 1 << 24))",
    "nested lists": "nested = []\nwhile True: nested = [nested, nested.copy(), list(range(1000))]",
    "a growing string": "text = 'x'\nwhile True: text += text",
}


@pytest.mark.parametrize("body", BOMBS.values(), ids=BOMBS)
@pytest.mark.parametrize("where", ["first", "fit", "predict"])
def test_memory_is_limited(score: Score, body: str, where: str) -> None:
    """One program that eats all memory takes the neighbours, or the machine, with it."""
    started = time.monotonic()
    evaluation = score(program(**{where: body}), memory_bytes=128 * MEBIBYTE)
    assert evaluation.error is not None
    assert evaluation.error.kind is FailureKind.MEMORY, evaluation.error.text
    assert time.monotonic() - started < 30.0  # and not the time that fits have


def test_a_program_that_hoards_all_memory_ends_as_memory(score: Score) -> None:
    hoard = """
        kept = []
        for size in (1 << 20, 1 << 14, 1 << 9):
            try:
                while True: kept.append(bytearray(size))
            except MemoryError:
                pass
    """
    evaluation = score(program(first=hoard), memory_bytes=64 * MEBIBYTE)
    assert evaluation.error is not None
    assert evaluation.error.kind is FailureKind.MEMORY, evaluation.error.text


def test_memory_that_no_limit_counts_cannot_be_had(caged: Sandbox, score: Score) -> None:
    """Files in memory are no address space: they would evade the limit."""
    body = """
        import ctypes
        descriptor = ctypes.CDLL(None, use_errno=True).memfd_create(b"x", 0)
        found = (descriptor, ctypes.get_errno())
    """
    assert reported(score(reporting(body))) == (-1, 1)


def test_a_program_that_survives_a_lack_of_memory_is_fine(score: Score) -> None:
    body = """
        try:
            np.ones(1 << 40)
        except MemoryError:
            pass
        kept = []
        try:
            while True: kept.append(bytearray(1 << 20))
        except MemoryError:
            kept.clear()
    """
    evaluation = score(program(fit=body, predict=body), memory_bytes=128 * MEBIBYTE)
    assert evaluation.status == "ok", evaluation.error


def test_the_memory_limit_is_above_the_warm_server(score: Score) -> None:
    """What numpy and scipy take is not the candidate's: it may use all that the limit says."""
    fits = score(program(fit="np.ones(100 << 17)"), memory_bytes=128 * MEBIBYTE)
    assert fits.status == "ok", fits.error
    over = score(program(fit="np.ones(140 << 17)"), memory_bytes=128 * MEBIBYTE)
    assert over.error is not None
    assert over.error.kind is FailureKind.MEMORY


CRASHES = {
    "exits at once": ("os._exit(0)", "exit code 0"),
    "exits with a code": ("os._exit(7)", "exit code 7"),
    "aborts": ("os.abort()", "signal"),
    "reads address zero": ("ctypes.string_at(0)", "signal 11"),
    "overflows the C stack": (
        """
        import sys
        sys.setrecursionlimit(10**9)
        def deep(_=0): return min([1], key=deep)
        deep()
        """,
        "signal 11",
    ),
}


@pytest.mark.parametrize("where", ["first", "fit", "predict"])
@pytest.mark.parametrize(("body", "words"), CRASHES.values(), ids=CRASHES)
def test_a_program_that_ends_its_process_has_crashed(
    score: Score, body: str, words: str, where: str
) -> None:
    evaluation = score(program(**{where: body}))
    assert evaluation.error is not None
    assert evaluation.error.kind is FailureKind.CRASH
    assert words in evaluation.error.message


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGHUP])
def test_signals_to_itself_do_not_reach_the_first_process_of_a_namespace(
    caged: Sandbox, score: Score, number: int
) -> None:
    assert score(program(fit=f"os.kill(os.getpid(), {int(number)})")).status == "ok"


@pytest.mark.parametrize(
    ("number", "kind"),
    [(signal.SIGKILL, FailureKind.CRASH), (signal.SIGSTOP, FailureKind.TIMEOUT)],
)
def test_without_a_namespace_signals_to_itself_end_it(
    sandbox_without: Lend, score: Score, number: int, kind: FailureKind
) -> None:
    source = program(fit=f"os.kill(os.getpid(), {int(number)})\nimport time; time.sleep(60)")
    assert_it_ends(score, source, sandbox_without("namespaces"), {kind}, fit_seconds=LIMIT)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise SystemExit", "sys.exit"),
        ("import sys; sys.exit(0)", "sys.exit"),
        ("exit()", "exit"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("def deep(): return deep()\ndeep()", "RecursionError"),
        ("raise type('Odd', (BaseException,), {})('text')", "Odd: text"),
    ],
)
def test_a_program_that_raises_has_failed_by_itself(score: Score, body: str, words: str) -> None:
    evaluation = score(program(fit=body))
    assert evaluation.error is not None
    assert evaluation.error.kind is FailureKind.CANDIDATE_ERROR
    assert words in evaluation.error.message
    assert evaluation.error.line is not None


def test_a_hundred_megabytes_of_output_are_harmless(score: Score) -> None:
    """Kept output would fill the harness's memory; output that nobody reads would stop the fit."""
    body = """
        import sys
        for _ in range(25):
            sys.stdout.write("x" * (1 << 20))
            sys.stderr.write("y" * (1 << 20))
            os.write(1, b"z" * (1 << 20))
            os.write(2, bytes(1 << 20))
    """
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    evaluation = score(program(fit=body))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert evaluation.status == "ok", evaluation.error
    assert grown < 32 * 1024  # KiB


class ServerKiller(threading.Thread):
    """Kills the server of a sandbox as soon as a child of it runs."""

    def __init__(self, times: int) -> None:
        super().__init__(daemon=True)
        self.times = times
        self.others = descendants(os.getpid())
        self.killed: list[int] = []
        self.children: set[int] = set()
        self.all_ended = True

    def run(self) -> None:
        for _ in range(self.times):
            wait_for(self._has_child)
            time.sleep(0.1)
            self._has_child()
            os.kill(self.killed[-1], signal.SIGKILL)
            self.all_ended &= wait_for(lambda: not living({self.killed[-1]} | self.children), 0.5)

    def _has_child(self) -> bool:
        for server in descendants(os.getpid()) - self.others:
            children = descendants(server)
            if children and server not in self.children:
                self.children |= children
                if server not in self.killed:
                    self.killed.append(server)
                return True
        return False


def score_while_killing(score: Score, times: int, *, off: tuple[str, ...] = ()) -> Evaluation:
    with Sandbox(layers_off=off) as box:
        killer = ServerKiller(times)
        assert box.layers  # starts the server
        killer.start()
        evaluation = score(program(fit="import time; time.sleep(0.9)"), box=box, fit_seconds=20)
        killer.join()
    assert killer.all_ended
    return evaluation


@pytest.mark.parametrize("off", [(), ("namespaces",)])
def test_a_killed_server_costs_a_retry_and_leaves_no_child(
    score: Score, off: tuple[str, ...]
) -> None:
    """Whatever happens to the sandbox is our fault and never the candidate's."""
    evaluation = score_while_killing(score, 1, off=off)
    assert evaluation.status == "ok", evaluation.error


def test_a_server_that_is_killed_again_and_again_is_a_harness_error(score: Score) -> None:
    evaluation = score_while_killing(score, 2)
    assert evaluation.error is not None
    assert evaluation.error.kind is FailureKind.HARNESS_ERROR


def test_a_server_killed_between_evaluations_is_started_anew(score: Score) -> None:
    before = descendants(os.getpid())
    with Sandbox() as box:
        score(GROUP_MEAN, box=box)
        for pid in descendants(os.getpid()) - before:
            os.kill(pid, signal.SIGKILL)
        assert score(GROUP_MEAN, box=box).status == "ok"


def test_a_closed_sandbox_leaves_no_process_and_no_folder(
    score: Score, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratches"))
    (tmp_path / "scratches").mkdir()
    before = descendants(os.getpid())
    with Sandbox(layers_off=("tmpfs",)) as box:
        score(program(fit="open('left', 'w').close(); os.mkdir('folder', 0o300)"), box=box)
    assert living(descendants(os.getpid()) - before) == set()
    assert list((tmp_path / "scratches").iterdir()) == []


def test_killing_a_sandbox_from_another_thread_ends_what_runs_in_it(score: Score) -> None:
    """This is what Ctrl-C does: the candidate's hour of fitting must not be waited for."""
    before = descendants(os.getpid())
    box = Sandbox()
    assert box.layers
    timer = threading.Timer(0.3, box.kill)
    timer.start()
    started = time.monotonic()
    evaluation = score(program(fit="import time; time.sleep(60)"), box=box)
    assert time.monotonic() - started < 3.0
    assert evaluation.error is not None
    assert evaluation.error.kind is FailureKind.HARNESS_ERROR
    timer.join()
    box.close()
    assert living(descendants(os.getpid()) - before) == set()


HARNESS_TO_KILL = """\
import sys
from pathlib import Path
from harness.candidates import Candidate
from harness.evaluation.evaluate import evaluate
from harness.sandbox import Sandbox
from harness.sandbox.server_process import ServerProcess
from harness.tasks.catalogue import load_definition

source, task, off = sys.argv[1:]
with Sandbox(layers_off=off.split("+")) as box:
    print("starting", flush=True)
    print(box.layers, flush=True)
    evaluate(Candidate(source.encode(), "candidate"), load_definition(Path(task)), box)
"""


@pytest.mark.parametrize("lines", [1, 2], ids=["while the server starts", "while a fit runs"])
@pytest.mark.parametrize("off", ["", "namespaces", "namespaces+seccomp"])
def test_a_killed_harness_leaves_nothing_running(
    small_task: Task, off: str, lines: int, tmp_path: Path
) -> None:
    """Nobody would ever find the candidate that computes on after the terminal was closed."""
    body = HANGS["becomes a daemon when it may"]
    source = program(first=IMPORTS, fit=body)
    command = [sys.executable, "-c", HARNESS_TO_KILL, source, str(small_task.path), off]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        for _ in range(lines):
            parent.stdout.readline()
        # The server, then the child, then its two daemons.
        wanted = 1 if lines == 1 else 4 if "seccomp" in off else 2
        assert wait_for(lambda: len(descendants(parent.pid)) >= wanted, 20.0)
        pids = descendants(parent.pid)
        parent.kill()
    assert wait_for(lambda: not living(pids), 2.0)
    assert wait_for(lambda: not list(tmp_path.glob("sld-scratch-*")), 2.0)


def test_an_interrupted_evaluation_leaves_the_sandbox_usable(
    small_task: Task, outcome_of: Scorer
) -> None:
    """In a notebook the sandbox lives on after Ctrl-C: its next answer must not be an old one."""
    before = descendants(os.getpid())
    with Sandbox() as box:
        assert box.layers
        warm = descendants(os.getpid())
        timer = threading.Timer(0.4, lambda: os.kill(os.getpid(), signal.SIGINT))
        timer.start()
        source = program(fit="import time; time.sleep(60)").encode()
        with pytest.raises(KeyboardInterrupt):
            evaluate(Candidate(source, "candidate"), small_task, box)
        timer.join()
        assert living(descendants(os.getpid()) - warm) == set()
        for _ in range(3):
            assert outcome_of(GROUP_MEAN, box=box).evaluation.status == "ok"
    assert living(descendants(os.getpid()) - before) == set()


def test_a_server_that_two_threads_end_at_once_is_ended_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Regression: on Ctrl-C a thread that scored and the one that cleaned up met here."""
    server = ServerProcess("", "")
    server.ensure()
    wait = subprocess.Popen.wait
    ended: list[bool] = []

    def wait_while_another_ends_it(
        process: subprocess.Popen[bytes], timeout: float | None = None
    ) -> int:
        if not ended:
            ended.append(True)
            server.drop()
        return wait(process, timeout)

    monkeypatch.setattr(subprocess.Popen, "wait", wait_while_another_ends_it)
    server.drop()
    assert ended
    server.drop()
