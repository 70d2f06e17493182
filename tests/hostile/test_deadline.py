"""Going on past the deadline, against every way of being told to stop."""

from __future__ import annotations

import pytest
from programs import program

from hostile.attacks import CRASH, OUTPUT, TIMEOUT, Attack, attack, table
from hostile.conftest import Stopped

LIMIT = 0.5
IMPORTS = "import signal, threading, time"


def stays(name: str, body: str, *kinds: str, where: str = "fit") -> Attack:
    parts = {"first": IMPORTS}
    parts[where] = f"{IMPORTS}\n{body}" if where == "first" else body
    source = program(**parts)
    return attack(name, source, *(kinds or (TIMEOUT,)), fit_seconds=LIMIT, predict_seconds=LIMIT)


ATTACKS = [
    stays("sleep when loaded", "time.sleep(60)", where="first"),
    stays("sleep in the fit", "time.sleep(60)"),
    stays("sleep in the law", "time.sleep(60)", where="predict"),
    stays("sleep for the last group", "if loss_values.mean() > 4: time.sleep(60)"),
    stays("a loop", "while True: pass"),
    stays("a loop in C", "sum(iter(int, 1))"),
    stays(
        "a loop in numpy",
        "a = np.ones((700, 700))\nwhile True: a = np.linalg.inv(a @ a + 1)",
        TIMEOUT,
        "candidate_error",
    ),
    stays("a power without end", "9 ** 9 ** 9", TIMEOUT, "memory"),
    stays("a pattern that backtracks", "import re\nre.match(r'(a+)+$', 'a' * 40 + 'b')"),
    stays(
        "every signal ignored",
        "for n in signal.valid_signals(): attempt(lambda: signal.signal(n, signal.SIG_IGN))\n"
        "time.sleep(60)",
    ),
    stays(
        "every signal blocked",
        "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\ntime.sleep(60)",
    ),
    stays(
        "every exception caught",
        "while True:\n    try: time.sleep(60)\n    except BaseException: pass",
    ),
    stays("a lock taken twice", "lock = threading.Lock()\nlock.acquire(); lock.acquire()"),
    stays(
        "threads in the way",
        "for _ in range(20): threading.Thread(\n"
        "    target=lambda: time.sleep(60)).start()\n"
        "threading.Event().wait()",
    ),
    stays(
        "a new session and group",
        "attempt(os.setsid)\nattempt(lambda: os.setpgid(0, 0))\ntime.sleep(60)",
    ),
    stays("a read that nobody answers", "os.read(os.pipe()[0], 1)"),
    stays("a read of its requests", "os.read(3, 1)"),
    stays(
        "a generator without end as an answer",
        "return np.fromiter(iter(int, 1), float)",
        TIMEOUT,
        "memory",
        "candidate_error",
    ),
    stays(
        "an answer that takes its time",
        "class Slow:\n    def __array__(self, *a, **k): time.sleep(60)\nreturn Slow()",
    ),
    stays(
        "a mistake that takes its time",
        "class Slow(Exception):\n    def __str__(self): time.sleep(60)\nraise Slow",
    ),
    stays(
        "an answer that is let go slowly",
        "class Slow:\n    def __del__(self): time.sleep(60)\n"
        "    def __array__(self, *a, **k): return np.ones(1)\nreturn Slow()",
    ),
    stays(
        "a clock set back",
        "time.monotonic = lambda: 0.0\nattempt(lambda: "
        "time.clock_settime(time.CLOCK_REALTIME, 0))\ntime.sleep(60)",
    ),
    stays(
        "its parent-death signal cleared", "ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)\ntime.sleep(60)"
    ),
    stays("its pipes closed", "for n in range(5): os.close(n)\ntime.sleep(60)", CRASH),
    stays(
        "a child when it may have one",
        "try:\n    if os.fork() == 0:\n        os.setsid(); os.fork()\nexcept OSError: pass\n"
        "time.sleep(60)",
    ),
    stays(
        "silence after an early answer", "os.write(4, b'\\0' * 12)\ntime.sleep(60)", OUTPUT, TIMEOUT
    ),
    stays("single rows slowly", "if len(data_points) == 1: time.sleep(0.2)", where="predict"),
    stays(
        "the second call slowly",
        "globals().setdefault('calls', []).append(1)\nif len(calls) == 2: time.sleep(60)",
        where="predict",
    ),
]


@pytest.mark.parametrize("attack", table(ATTACKS))
def test_nobody_stays_past_the_deadline(stopped: Stopped, attack: Attack) -> None:
    stopped(attack)
