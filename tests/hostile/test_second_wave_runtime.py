"""A second wave: the interpreter, the parser and the code beside the program."""

from __future__ import annotations

import pytest
from programs import program

from hostile.attacks import (
    CRASH,
    LOAD,
    MEMORY,
    OK,
    OUTPUT,
    RAISED,
    TIMEOUT,
    Attack,
    attack,
    table,
)
from hostile.conftest import Stopped

UNDER = "import faulthandler, signal, sys, threading, time"


def ends(name: str, body: str, *kinds: str, where: str = "fit", first: str = "") -> Attack:
    parts = {"first": f"{UNDER}\n{first}"}
    parts[where] = f"{parts['first']}\n{body}" if where == "first" else body
    return attack(name, program(**parts), *kinds, fit_seconds=0.7, predict_seconds=0.7)


RUNTIME = [
    ends("a question to a person", "input()", RAISED),
    ends("a debugger", "breakpoint()", RAISED),
    ends("a console", "import code\ncode.interact()", OK),
    ends("the documentation", "help(np)", OK, TIMEOUT, RAISED),
    ends("an interpreter's own end", "quit()", RAISED),
    ends(
        "a dump that exits",
        "faulthandler.dump_traceback_later(0.05, exit=True)\ntime.sleep(9)",
        CRASH,
    ),
    ends("a dump into the pipe", "faulthandler.dump_traceback(4)", OUTPUT),
    ends(
        "signal numbers into the pipe",
        "import os\nos.set_blocking(4, False)\nsignal.set_wakeup_fd(4)\n"
        "signal.signal(10, lambda *a: None)\nsignal.raise_signal(10)",
        OUTPUT,
    ),
    ends(
        "an interrupt while the harness answers",
        "import _thread\n"
        "threading.Timer(0.01, lambda: [_thread.interrupt_main() for _ in range(999)]).start()\n"
        "threading.Timer(0.03, _thread.interrupt_main).start()",
        OK,
        CRASH,
        RAISED,
    ),
    ends(
        "an exception put into the harness's thread",
        "put = ctypes.pythonapi.PyThreadState_SetAsyncExc\n"
        "me = ctypes.c_ulong(threading.get_ident())\n"
        "def storm():\n    while True: put(me, ctypes.py_object(SystemExit))\n"
        "threading.Thread(target=storm, daemon=True).start()\ntime.sleep(0.2)",
        RAISED,
        CRASH,
    ),
    ends(
        "a signal handler that raises later",
        "def late(*a): raise KeyboardInterrupt\n"
        "signal.signal(signal.SIGALRM, late)\nsignal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)",
        OK,
        CRASH,
        RAISED,
        OUTPUT,
    ),
    ends(
        "a thread that never yields",
        "sys.setswitchinterval(1e6)\n"
        "threading.Thread(target=lambda: sum(iter(int, 1)), daemon=True).start()",
        TIMEOUT,
    ),
    ends(
        "a lock on imports",
        "import _imp\n_imp.acquire_lock()\n"
        "t = threading.Thread(target=lambda: __import__('colorsys')); t.start(); t.join()",
        TIMEOUT,
        OK,
    ),
    ends("a module that imports itself for ever", "import candidate", OK),
    ends("the harness's runner", "import pytest", RAISED),
    ends("an installer", "import ensurepip\nensurepip.bootstrap()", RAISED),
]


@pytest.mark.parametrize("attack", table(RUNTIME))
def test_the_interpreter_is_turned_against_itself_only(stopped: Stopped, attack: Attack) -> None:
    stopped(attack)


TEXTS = [
    (
        "branches without end",
        "x = 1\nif x: pass\n" + "elif x: pass\n" * 20000,
        (OK, LOAD, MEMORY, CRASH),
    ),
    ("attributes without end", "x = lambda: a" + ".a" * 100_000, (OK, LOAD, MEMORY, CRASH)),
    ("negations without end", "x = " + "not " * 100_000 + "1", (LOAD, MEMORY, CRASH)),
    ("comparisons without end", "x = 1" + "<1" * 100_000, (OK, LOAD, MEMORY, CRASH)),
    ("functions in functions", "x = " + "lambda: " * 5000 + "0", (OK, LOAD, MEMORY, CRASH)),
    ("indents without end", "".join(" " * n + "if 1:\n" for n in range(201)), (LOAD,)),
    ("strings in strings", "x = " + "f'{" * 200 + "1" + "}'" * 200, (LOAD, MEMORY)),
    ("a number of a million digits", "x = " + "9" * 1_000_000, (LOAD,)),
    ("names without end", "\n".join(f"v{n} = {n}" for n in range(60_000)), (OK,)),
    ("a surrogate in its name", "x = '\\ud800'\nraise ValueError(x)", (LOAD,)),
    ("an encoding that does not exist", "", (LOAD,)),
    ("a function whose look-up never ends", "", (TIMEOUT,)),
    ("a function that is gone the second time", "", (CRASH, RAISED)),
]
WHOLE = {
    "an encoding that does not exist": "# coding: latin-9000\n" + program(),
    "a function whose look-up never ends": "def __getattr__(name):\n    while True: pass\n"
    "def scaling_law_func(x, p): return x\n",
    "a function that is gone the second time": program(
        first="class Many:\n    def __call__(self, *a):\n"
        "        del globals()['fit_scaling_law']\n        return 9.0",
    ).replace("def scaling_law_func", "fit_scaling_law = Many()\ndef scaling_law_func"),
}


@pytest.mark.parametrize(("name", "text", "kinds"), TEXTS, ids=[name for name, _, _ in TEXTS])
def test_a_text_that_is_too_much_for_the_parser(
    stopped: Stopped, name: str, text: str, kinds: tuple[str, ...]
) -> None:
    source = WHOLE.get(name) or program(first=text)
    stopped(attack(name, source, *kinds, fit_seconds=5.0 if TIMEOUT not in kinds else 0.7))
