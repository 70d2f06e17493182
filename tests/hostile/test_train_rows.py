"""Keeping the train rows beside the parameters until rows are to be predicted."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from conftest import Scorer
from programs import program

from harness.sandbox import Sandbox
from harness.tasks import Task
from hostile.attacks import OK, OUTPUT, RAISED, Attack, attack, table
from hostile.conftest import Stopped


def keeps(
    name: str,
    keep: str,
    recall: str,
    *ends: str,
    first: str = "",
    needs: str = "",
    not_stopped: str = "",
) -> Attack:
    """Return an attack that keeps ``rows`` (bytes) in the fit and tries to get them back.

    Args:
        name: Its name.
        keep: Keeps ``rows``; may return the parameters.
        recall: Sets ``rows`` to what was kept.
        ends: How it ends; well, unless given.
        first: Runs when the module is loaded.
        needs: Layers.
        not_stopped: Why it works.
    """
    fit = """
        group = np.column_stack([data_points, loss_values])
        rows = group.tobytes()
    """
    predict = """
        if rows:
            known = np.frombuffer(rows).reshape(-1, 3)
            far = ((data_points[:, None] - known[None, :, :2]) ** 2).sum(axis=2)
            return known[far.argmin(axis=1), 2]
    """

    def guarded(body: str) -> str:
        lines = "\n".join(f"            {line}" for line in body.strip().splitlines())
        caught = "(OSError, AttributeError, LookupError, NameError, ValueError, ImportError)"
        return f"\n        try:\n{lines}\n        except {caught}:\n            pass\n"

    source = program(
        first=first,
        fit=fit + guarded(keep),
        predict="\n        rows = None" + guarded(recall) + predict,
    )
    return attack(name, source, *(ends or (OK,)), needs=needs, not_stopped=not_stopped)


def in_file(name: str, path: str, *, needs: str = "") -> Attack:
    return keeps(
        name, f"open({path!r}, 'wb').write(rows)", f"rows = open({path!r}, 'rb').read()",
        needs=needs,
    )  # fmt: skip


ATTACKS = [
    keeps("a global", "globals()['KEPT'] = rows", "rows = KEPT"),
    keeps(
        "a default argument",
        "kept(rows)",
        "rows = kept()[0]",
        first="def kept(more=None, all=[]):\n    all += [more] if more else []\n    return all",
    ),
    keeps(
        "a closure",
        "put(rows)",
        "rows = get()",
        first="def make():\n    kept = []\n    return kept.append, lambda: kept and kept[-1]\n"
        "put, get = make()",
    ),
    keeps("the function itself", "fit_scaling_law.kept = rows", "rows = fit_scaling_law.kept"),
    keeps(
        "the law's code",
        "scaling_law_func.__defaults__ = (rows,)\n"
        "scaling_law_func.__code__ = (lambda d, p, r=0: r).__code__",
        "rows = scaling_law_func.__defaults__[0] if scaling_law_func.__defaults__ else None",
    ),
    keeps(
        "builtins", "import builtins; builtins.kept = rows", "import builtins; rows = builtins.kept"
    ),
    keeps("numpy's own attributes", "np.kept = rows", "rows = np.kept"),
    keeps(
        "loaded modules",
        "import sys; sys.modules['kept'] = rows",
        "import sys; rows = sys.modules['kept']",
    ),
    keeps(
        "the environment",
        "os.environb[b'KEPT'] = rows.hex().encode()",
        "rows = bytes.fromhex(os.environ['KEPT'])",
    ),
    keeps(
        "numpy's error settings",
        "np.seterrcall(lambda *a, kept=rows: kept)",
        "rows = np.geterrcall()() if np.geterrcall() else None",
    ),
    in_file("a file in the scratch folder", "@MARK@"),
    in_file("its own source file", "candidate.py.kept"),
    in_file("a file in /tmp", "/tmp/@MARK@", needs="landlock"),
    in_file("a file in shared memory", "/dev/shm/@MARK@", needs="landlock"),
    in_file("a file above the scratch folder", "../@MARK@", needs="landlock"),
    in_file("a file in a system folder", "/usr/lib/@MARK@", needs="landlock"),
    keeps(
        "a folder that cannot be listed",
        "os.mkdir('@MARK@'); open('@MARK@/f', 'wb').write(rows)\nos.chmod('@MARK@', 0o300)",
        "rows = open('@MARK@/f', 'rb').read()",
    ),
    keeps(
        "names of empty files",
        "for i, byte in enumerate(rows): open(f'k{i}_{byte}', 'w').close()",
        "rows = bytes(int(n.split('_')[1]) for n in sorted(os.listdir())\n"
        "             if n.startswith('k'))",
    ),
    keeps(
        "a shared memory object",
        "from multiprocessing import shared_memory\n"
        "shared_memory.SharedMemory('@MARK@', True, len(rows)).buf[:] = rows",
        "from multiprocessing import shared_memory\n"
        "rows = bytes(shared_memory.SharedMemory('@MARK@').buf)",
        needs="landlock",
    ),
    keeps(
        "a System V segment",
        "libc = ctypes.CDLL(None); libc.shmat.restype = ctypes.c_void_p\n"
        "at = libc.shmat(libc.shmget(0x51D0AA, 4096, 0o1600), None, 0)\n"
        "if at != 2**64 - 1: ctypes.memmove(at, rows, len(rows))",
        "libc = ctypes.CDLL(None); libc.shmat.restype = ctypes.c_void_p\n"
        "at = libc.shmat(libc.shmget(0x51D0AA, 4096, 0), None, 0)\n"
        "rows = None if at == 2**64 - 1 else ctypes.string_at(at, 288)",
        needs="seccomp",
    ),
    keeps(
        "a memory file",
        "os.write(os.memfd_create('kept'), rows)",
        "rows = next((os.pread(fd, 288, 0) for fd in range(5, 64)\n"
        "    if attempt(lambda: os.fstat(fd)) == 'done' and os.fstat(fd).st_size == 288), None)",
        needs="seccomp",
    ),
    keeps(
        "an attribute of the parameters",
        "class Params(np.ndarray): pass\n"
        "found = np.array([np.mean(loss_values)]).view(Params)\nfound.kept = rows\nreturn found",
        "rows = params.kept",
    ),
    keeps(
        "the class of the parameters",
        "class Params(np.ndarray): kept = rows\n"
        "return np.array([np.mean(loss_values)]).view(Params)",
        "rows = type(params).kept",
    ),
    keeps(
        "metadata of the parameters' dtype",
        "kind = np.dtype('f8', metadata={'kept': rows})\n"
        "return np.array([np.mean(loss_values)], kind)",
        "rows = params.dtype.metadata['kept'] if params.dtype.metadata else None",
    ),
    keeps(
        "what lies behind the parameters in memory",
        "whole = np.concatenate([[np.mean(loss_values)], group.ravel()])\nreturn whole[:1]",
        "rows = params.base.ravel()[1:].tobytes() if params.base is not None and\\\n"
        "    params.base.size > 4 else None",
    ),
    keeps(
        "a pickle that would run in the harness",
        "class Run:\n"
        "    def __reduce__(self): return (open, ('/tmp/@MARK@', 'w'))\n"
        "return np.array([Run()], object)",
        "rows = None",
        OUTPUT,
    ),
    keeps(
        "an object that is a number",
        "class Number:\n"
        "    kept = rows\n"
        "    def __float__(self): return float(np.mean(loss_values))\n"
        "return np.array([Number()], object)",
        "rows = params.flat[0].kept",
    ),
    keeps(
        "a thread that goes on",
        "import threading, time\n"
        "def on(data=rows):\n"
        "    while True:\n        open('@MARK@', 'wb').write(data); time.sleep(0.001)\n"
        "threading.Thread(target=on, daemon=True).start()",
        "import time; time.sleep(0.002); rows = open('@MARK@', 'rb').read()",
    ),
]


@pytest.mark.parametrize("attack", table(ATTACKS))
def test_train_rows_do_not_reach_the_law(stopped: Stopped, attack: Attack) -> None:
    stopped(attack)


def test_the_cheat_would_pay(outcome_of: Scorer, wide_task: Task) -> None:
    """With the rows at hand the fit is perfect: what is measured above is a gain withheld."""
    rows = "np.array([[1., 11., 11.], [12., 10., 1.8333]])"
    source = keeps("", "pass", f"rows = {rows}.tobytes()").program
    kept = outcome_of(source, wide_task).evaluation
    honest = outcome_of(program(), wide_task).evaluation
    assert kept.r2 is not None
    assert honest.r2 is not None
    assert kept.r2 > honest.r2


@pytest.mark.linux
@pytest.mark.parametrize(
    "attack", table(one for one in ATTACKS if one.name.startswith(("a file in /tmp",)))
)
def test_without_landlock_rows_are_carried_and_the_record_says_what_was_missing(
    outcome_of: Scorer,
    wide_task: Task,
    fill: Callable[[str], str],
    caged: Sandbox,
    sandbox_without: Callable[..., Sandbox],
    attack: Attack,
) -> None:
    box = sandbox_without("landlock")
    source = fill(attack.program).replace("/tmp/", f"{wide_task.path.parent}/")
    found = outcome_of(source, wide_task, box=box).evaluation
    assert found.isolation.missing == ("landlock: switched off",)
    assert found.r2_fit is not None
    assert found.r2_fit > 0.5


def test_an_attack_on_rows_raises_nothing(stopped: Stopped) -> None:
    """A law that insists on what the fit kept fails when it is not there."""
    insists = program(fit="globals()['KEPT'] = loss_values", predict="return KEPT[0]")
    stopped(attack("insists", insists, RAISED))
