"""Harming neighbours, starting others, living on, waiting for a better moment."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from conftest import Scorer
from processes import descendants, living, wait_for
from programs import GROUP_MEAN, program

from harness.sandbox import Sandbox
from harness.tasks import Task
from hostile.attacks import CRASH, OK, RAISED, ROW, TIMEOUT, Attack, attack, table
from hostile.conftest import Stopped

PIDS = "(@PARENT@, @NEIGHBOUR@, os.getppid())"
TRY = """
import resource, signal, subprocess, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)
def needed(*works):
    for work in works:
        how = attempt(work)
        if how == "done": raise Report("it worked")
    raise OSError("refused")
def call(*numbers):
    if libc.syscall(*[ctypes.c_long(n) for n in numbers]) < 0: raise OSError
"""


def harms(name: str, body: str, *ends: str, needs: str = "seccomp", where: str = "fit") -> Attack:
    parts = {"first": TRY}
    parts[where] = f"{TRY}\n{body}" if where == "first" else body
    source = program(**parts)
    return attack(name, source, *(ends or (RAISED,)), needs=needs, fit_seconds=2, predict_seconds=2)


def each(name: str, work: str, needs: str = "namespaces") -> Attack:
    """Return an attack on each process in reach; it must be refused for all."""
    return harms(name, f"needed(*[lambda p=p: {work} for p in {PIDS} if p])", needs=needs)


ATTACKS = [
    each("SIGKILL to neighbours", "os.kill(p, 9)"),
    each("SIGSTOP to neighbours", "os.kill(p, signal.SIGSTOP)"),
    each("signals to their groups", "os.killpg(p, 9)"),
    each("signals by pidfd", "signal.pidfd_send_signal(os.pidfd_open(p), 9)"),
    each("signals by raw calls", "call(62, p, 9)"),
    each("signals to threads", "call(234, p, p, 9)"),
    each("queued signals", "call(129, p, 9, 0)"),
    each("limits of neighbours", "resource.prlimit(p, resource.RLIMIT_CPU, (1, 1))"),
    each("priority of neighbours", "os.setpriority(os.PRIO_PROCESS, p, 19)"),
    each("processors of neighbours", "os.sched_setaffinity(p, [0])"),
    each("ptrace of neighbours", "call(101, 16, p, 0, 0)", "seccomp"),
    each("memory of neighbours", "open(f'/proc/{p}/mem', 'r+b')", "landlock"),
    each("writing into neighbours", "call(311, p, 0, 0, 0, 0, 0)", "seccomp"),
    each(
        "victims for the lack of memory",
        "open(f'/proc/{p}/oom_score_adj', 'w').write('1000')",
        "landlock",
    ),
    each("their namespaces", "call(308, os.open(f'/proc/{p}/ns/net', os.O_RDONLY), 0)", "landlock"),
    harms("SIGKILL to everybody", "os.kill(-1, 9)", OK, RAISED, CRASH, needs="namespaces"),
    harms("a fork", "needed(os.fork)"),
    harms("a fork bomb when loaded", "while True: os.fork()", "load_error", where="first"),
    harms("a fork bomb in the law", "while True: os.fork()", where="predict"),
    harms("a shell", "if os.system('sleep 600 &') == 0: raise Report('it worked')", OK),
    harms("a program", "needed(lambda: subprocess.Popen(['/bin/sleep', '600']))"),
    harms("another interpreter", "needed(lambda: subprocess.Popen([sys.executable, '-c', '']))"),
    harms("itself replaced", "os.execv(sys.executable, [sys.executable, '-c', 'pass'])"),
    harms("a spawn", "needed(lambda: os.posix_spawn('/bin/sleep', ['sleep', '600'], {}))"),
    harms("a terminal", "import pty\nneeded(lambda: pty.spawn('/bin/sh'))"),
    harms(
        "a pool of processes",
        "import multiprocessing as m\n"
        "needed(lambda: m.get_context('fork').Process(target=time.sleep, args=(600,)).start())",
    ),
    harms("clone by a raw call", "needed(lambda: call(56, 17, 0, 0, 0, 0), lambda: call(58))"),
    harms("clone3", "needed(lambda: call(435, 0, 0))"),
    harms(
        "a daemon", "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(600)"
    ),
    harms("new namespaces", "needed(lambda: call(272, 0x10000000), lambda: call(272, 0x20000))"),
    harms("a mount", "needed(lambda: call(165, 0, 0, 0, 0, 0), lambda: call(428, 0, 0, 0))"),
    harms(
        "an end of the machine", "needed(lambda: call(169, 0xfee1dead, 672274793, 0x1234567, 0))"
    ),
    harms(
        "a module of the kernel", "needed(lambda: call(175, 0, 0, 0), lambda: call(321, 0, 0, 0))"
    ),
    harms("another name for the host", "needed(lambda: call(170, id(b'x') + 32, 1))", needs=""),
    harms(
        "another user",
        "needed(lambda: os.setuid(0), lambda: os.setgid(0),\n       lambda: os.setgroups([0]))",
        needs="namespaces",
    ),
    harms(
        "a thread that outlives its call",
        "threading.Thread(target=time.sleep, args=(600,)).start()",
        OK,
        needs="",
    ),
    harms(
        "a timer for later",
        "threading.Timer(0.05, lambda: os._exit(0)).start()\n"
        "if loss_values.mean() > 4: time.sleep(0.2)",
        CRASH,
        needs="",
    ),
    harms("an alarm for later", "signal.alarm(1)", OK, needs=""),
    harms(
        "a time bomb for the second fit",
        "globals().setdefault('fits', []).append(1)\nif len(fits) == 2: os._exit(0)",
        CRASH,
        needs="",
    ),
    harms(
        "a time bomb for the second evaluation",
        "if os.path.exists('again'): os._exit(0)\nopen('again', 'w').close()",
        OK,
        needs="",
        where="first",
    ),
    harms(
        "a time bomb in the law",
        "globals().setdefault('seen', []).append(1)\nif len(seen) > 7: os._exit(0)",
        CRASH,
        ROW,
        needs="",
        where="predict",
    ),
    harms("a time bomb by the date", "if time.time() > 4e9: os._exit(0)", OK, needs=""),
    harms("a wait for a signal from outside", "signal.pause()", TIMEOUT, needs=""),
]


@pytest.mark.parametrize("attack", table(ATTACKS))
def test_other_processes_are_left_alone(stopped: Stopped, attack: Attack) -> None:
    found = stopped(attack)
    assert found.error is None or "it worked" not in found.error.message


@pytest.mark.parametrize("off", [("seccomp",), ("seccomp", "namespaces")], ids="+".join)
@pytest.mark.parametrize("end", ["", "os._exit(0)", "time.sleep(60)"])
def test_daemons_end_without_a_filter_and_the_record_says_so(
    outcome_of: Scorer,
    wide_task: Task,
    caged: Sandbox,
    sandbox_without: Callable[..., Sandbox],
    off: tuple[str, ...],
    end: str,
) -> None:
    """Without the filter a program does fork; what it started ends with it all the same."""
    box = sandbox_without(*off)
    outcome_of(GROUP_MEAN, wide_task, box=box)
    before = descendants(os.getpid())
    source = program(
        first=TRY,
        fit=f"""
        for _ in range(3):
            if os.fork() == 0:
                os.setsid()
                os.fork()
                time.sleep(600)
                os._exit(0)
        {end}
        """,
    )
    found = outcome_of(source, wide_task, box=box, fit_seconds=0.5).evaluation
    assert wait_for(lambda: not living(descendants(os.getpid()) - before), 1.0)
    assert set(off) <= {why.partition(":")[0] for why in found.isolation.missing}
    assert outcome_of(GROUP_MEAN, wide_task, box=box).evaluation.status == "ok"
