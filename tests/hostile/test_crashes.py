"""Ending the process in every way, at once or when nobody looks."""

from __future__ import annotations

import pytest
from programs import program

from hostile.attacks import CRASH, LOAD, MEMORY, OK, RAISED, TIMEOUT, Attack, attack, table
from hostile.conftest import Stopped


def ends(name: str, body: str, *kinds: str, where: str = "fit", first: str = "") -> Attack:
    parts = {"first": first, where: f"{first}\n{body}" if where == "first" else body}
    source = program(**parts)
    return attack(name, source, *(kinds or (CRASH,)), fit_seconds=1.2, predict_seconds=1.2)


ATTACKS = [
    ends("exit 0 when loaded", "os._exit(0)", where="first"),
    ends("exit 0 in the fit", "os._exit(0)"),
    ends("exit 0 in the law", "os._exit(0)", where="predict"),
    ends("exit as if the cage had failed", "os._exit(97)"),
    ends("the same when loaded, in vain", "os._exit(97)", where="first"),
    ends("exit as if a pipe had failed", "os._exit(98)"),
    ends("exit by C", "ctypes.CDLL(None).exit(0)"),
    ends("exit by the kernel", "ctypes.CDLL(None).syscall(231, 0)"),
    ends("an exception that ends interpreters", "raise SystemExit(0)", RAISED),
    ends("the same when loaded", "raise SystemExit(0)", LOAD, where="first"),
    ends("an interrupt", "raise KeyboardInterrupt", RAISED),
    ends(
        "an exit in a thread",
        "import threading\nt = threading.Thread(target=lambda: os._exit(0))\nt.start()\n"
        "import time; time.sleep(5)",
    ),
    ends("an end of the first thread only", "ctypes.CDLL(None).pthread_exit(None)", CRASH, TIMEOUT),
    ends("address zero", "ctypes.string_at(0)"),
    ends("a write into code", "ctypes.memset(ctypes.CDLL(None).write, 0, 99)"),
    ends("a call into nowhere", "ctypes.CFUNCTYPE(None)(1)()"),
    ends("an object torn apart", "ctypes.memset(id(data_points), 0xFF, 64)\nprint(data_points)"),
    ends(
        "references below zero",
        "for _ in range(99): ctypes.pythonapi.Py_DecRef(ctypes.py_object(loss_values))",
        CRASH,
        OK,
        RAISED,
        TIMEOUT,
    ),
    ends("abort", "os.abort()"),
    ends("abort by C", "ctypes.CDLL(None).abort()"),
    ends(
        "memory freed twice",
        "libc = ctypes.CDLL(None)\nlibc.malloc.restype = ctypes.c_void_p\n"
        "at = ctypes.c_void_p(libc.malloc(64))\nlibc.free(at); libc.free(at); os.abort()",
    ),
    ends("a fatal error of the interpreter", "ctypes.pythonapi.Py_FatalError(b'x')"),
    ends(
        "the C stack",
        "import sys\nsys.setrecursionlimit(10**9)\n"
        "def deep(_=0): return min([1], key=deep)\ndeep()",
        CRASH,
        MEMORY,
    ),
    ends(
        "the C stack of a thread",
        "import sys, threading\nsys.setrecursionlimit(10**9)\n"
        "def deep(_=0): return min([1], key=deep)\n"
        "t = threading.Thread(target=deep); t.start(); t.join()",
        CRASH,
        MEMORY,
    ),
    ends("recursion", "def deep(): return deep()\ndeep()", RAISED),
    ends("a deep literal", "eval('[' * 5000)", RAISED, MEMORY, CRASH),
    ends("a deep sum", "eval('+'.join(['1'] * 100000))", RAISED, MEMORY, CRASH),
    ends("SIGKILL to itself", "os.kill(os.getpid(), 9)", OK, CRASH),
    ends(
        "SIGSTOP to itself",
        "import signal\nos.kill(os.getpid(), signal.SIGSTOP)",
        OK,
        TIMEOUT,
        CRASH,
    ),
    ends(
        "SIGSTOP to its group", "import signal\nos.killpg(0, signal.SIGSTOP)", OK, TIMEOUT, RAISED
    ),
    ends("SIGTERM to all", "os.kill(-1, 15)", OK, RAISED, CRASH),
    ends("a division that traps", "import signal\nsignal.raise_signal(signal.SIGFPE)", CRASH, OK),
    ends(
        "an alarm",
        "import signal, time\nsignal.setitimer(signal.ITIMER_REAL, 0.05)\ntime.sleep(9)",
        CRASH,
        TIMEOUT,
        OK,
    ),
    ends(
        "no stack left",
        "import resource\nresource.setrlimit(resource.RLIMIT_STACK, (4096, 4096))\n"
        "def deep(n): return n and min([n], key=lambda k: deep(n - 1))\ndeep(200)",
        CRASH,
        OK,
        RAISED,
    ),
    ends(
        "no CPU left",
        "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (0, 0))\nwhile True: pass",
        CRASH,
        TIMEOUT,
        RAISED,
    ),
    ends("no descriptors left", "for n in range(64): attempt(lambda: os.close(n))", CRASH),
    ends("an exit at the end", "import atexit\natexit.register(os._exit, 7)", OK),
    ends(
        "a crash when its answer is let go",
        "class Last:\n    def __del__(self): ctypes.string_at(0)\n"
        "    def __array__(self, *a, **k): return np.ones(1)\nreturn Last()",
    ),
    ends(
        "a crash while its mistake is described",
        "class Odd(Exception):\n    def __str__(self): os._exit(0)\nraise Odd",
    ),
    ends(
        "a mistake whose text is a mistake",
        "class Odd(Exception):\n    def __str__(self): raise self\nraise Odd",
        RAISED,
    ),
    ends(
        "a mistake of no known kind",
        "class Odd(BaseException):\n    __class__ = property(lambda self: os)\nraise Odd",
        RAISED,
        CRASH,
    ),
    ends(
        "two thousand nested causes",
        "e = None\nfor _ in range(2000):\n    n = ValueError(); n.__cause__ = e; e = n\nraise e",
        RAISED,
    ),
]


@pytest.mark.parametrize("attack", table(ATTACKS))
def test_a_process_that_ends_is_its_own_failure(stopped: Stopped, attack: Attack) -> None:
    stopped(attack)
