"""Laws that look at more than their row: the batch, the order, the call, the process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Scorer
from programs import program

from harness.failures import FailureKind
from harness.tasks import Task
from harness.tasks.catalogue import load_definition
from hostile.attacks import CRASH, OK, OUTPUT, RAISED, ROW, TIMEOUT, Attack, attack, ending, table
from hostile.conftest import Stopped


def looks(
    name: str, predict: str, *ends: str, first: str = "", predict_seconds: float = 30.0
) -> Attack:
    """Return a law that predicts otherwise by what is not in its row."""
    source = program(first=first, predict="x = data_points[:, 0]\n" + predict)
    return attack(name, source, *(ends or (ROW,)), predict_seconds=predict_seconds)


# Known as `rows`: every array of features that a frame of the process holds.
FRAMES = """
import sys
def frames():
    frame, found = sys._getframe(), []
    while frame:
        for value in frame.f_locals.values():
            values = value if isinstance(value, list) else [value]
            found += [v for v in values if isinstance(v, np.ndarray) and v.ndim == 2
                      and v.shape[1] == 2]
        frame = frame.f_back
    return np.concatenate(found)
"""

ATTACKS = [
    looks("mean of the batch", "return x - x.mean()"),
    looks("mean of large batches", "return x - (x.mean() if len(x) > 4 else 0)"),
    looks("mean of batches of six", "return x - (x.mean() if len(x) == 6 else 9.0)"),
    looks("mean of whole splits", "return x - (x.mean() if len(x) in (6, 12) else 9.0)"),
    looks("maximum", "return x / x.max()"),
    looks("median", "return x - np.median(x)"),
    looks("spread", "return x / (1 + x.std())"),
    looks("rank", "return x.argsort().argsort() + 0.0"),
    looks("whitening", "return (x - x.mean()) / (x.std() or 1.0) + params[0]"),
    looks("length", "return x + len(x) * 1e-3"),
    looks("length, a little", "return x + len(x) * 1e-6"),
    looks("place in the batch", "return np.arange(len(x)) + 0.0"),
    looks("last row", "return x - x[-1]"),
    looks("neighbouring row", "return np.roll(x, 1)"),
    looks("running sum", "return np.cumsum(x)"),
    looks(
        "a fit to its own batch",
        "return np.polyval(np.polyfit(np.arange(len(x)), x, min(1, len(x) - 1)), 0) + 0 * x",
    ),
    looks("whether it is alone", "return x if len(x) > 1 else x + 1"),
    looks(
        "nearest row of the batch",
        "far = np.abs(x[:, None] - x) + np.eye(len(x)) * 99\nreturn far.min(axis=1)",
    ),
    looks("number of calls", "calls.append(1)\nreturn x + len(calls)", first="calls = []"),
    looks(
        "the first call only", "calls.append(1)\nreturn x + (len(calls) == 1)", first="calls = []"
    ),
    looks(
        "the second call only", "calls.append(1)\nreturn x + (len(calls) == 2)", first="calls = []"
    ),
    looks(
        "the first hundred calls",
        "calls.append(1)\nreturn x + (len(calls) < 30)",
        first="calls = []",
    ),
    looks(
        "rows seen before", "seen.update(x.tolist())\nreturn x + sum(seen)", first="seen = set()"
    ),
    looks(
        "the rows of the group before",
        "seen.append(x)\nreturn x + seen[0].sum()",
        first="seen = []",
    ),
    looks(
        "an answer kept for each row",
        "for v in x.tolist(): known.setdefault(v, v - x.mean())\n"
        "return np.array([known[v] for v in x.tolist()])",
        first="known = {}",
    ),
    looks("identity of the array", "return x + id(data_points) % 10007"),
    looks("address of the array", "return x + data_points.ctypes.data % 10007"),
    looks(
        "who else holds the array",
        "import sys\nreturn x + (sys.getrefcount(data_points) if len(x) > 1 else 0)",
    ),
    looks(
        "who calls",
        "import traceback\n"
        "return x + ('predict_rows' in [f.name for f in traceback.extract_stack()])",
    ),
    looks("all rows that frames hold", "return x - frames()[:, 0].mean()", first=FRAMES),
    looks(
        "all rows that the collector knows",
        "import gc\nall = [a for f in gc.get_objects() if isinstance(f, list) for a in f\n"
        "       if isinstance(a, np.ndarray) and a.shape[1:] == (2,)]\n"
        "return x + sum(len(a) for a in all)",
    ),
    looks(
        "what waits in the pipe",
        "import fcntl, struct, termios\n"
        "left = struct.unpack('i', fcntl.ioctl(3, termios.FIONREAD, b'1234'))[0]\n"
        "return x + left + (len(x) > 1)",
    ),
    looks("the clock", "import time\nreturn x + time.perf_counter()"),
    looks(
        "time since the start",
        "import time\nreturn x + 1e3 * (time.monotonic() - START)",
        first="import time; START = time.monotonic()",
    ),
    looks("the kernel's random numbers", "return x + os.urandom(1)[0] + os.urandom(1)[0] / 300"),
    looks(
        "random numbers across calls",
        "return x + rng.random()",
        first="rng = np.random.default_rng()",
    ),
    looks(
        "memory in use",
        "import resource\nreturn x + resource.getrusage(resource.RUSAGE_SELF).ru_minflt",
    ),
    looks("nothing in small batches", "return x if len(x) > 5 else np.full(len(x), np.nan)"),
    looks("a mistake in small batches", "if len(x) < 6: raise ValueError\nreturn x"),
    looks("a wrong shape in small batches", "return x if len(x) > 1 else np.ones(2)"),
    looks(
        "silence for single rows",
        "import time\nif len(x) == 1: time.sleep(9)\nreturn x",
        TIMEOUT,
        predict_seconds=0.5,
    ),
    looks("an exit for single rows", "if len(x) == 1: os._exit(0)\nreturn x", CRASH),
    looks("one row's answer for all", "return x[:1]", OUTPUT, ROW),
    looks("one number for all", "return x.mean()", OUTPUT),
    looks("more rows than asked", "return np.append(x, 1)", OUTPUT),
    looks(
        "answers that change when they are read",
        "return Odd(x)",
        ROW,
        OUTPUT,
        OK,
        first="class Odd:\n    def __init__(self, x): self.x = x\n"
        "    def __len__(self): return len(self.x)\n"
        "    def __array__(self, *a, **k): return self.x * (len(self.x) > 1) + len(self.x)",
    ),
    looks("answers beyond all numbers", "return np.full(len(x), 1e308) * np.sign(7 - x)", OUTPUT),
    looks(
        "changed rows in place",
        "data_points[:] = data_points.mean(axis=0)\nreturn data_points[:, 0]",
    ),
    looks("changed parameters in place", "params[:] = x.mean()\nreturn np.full(len(x), params[0])"),
    attack(
        "a law over dicts",
        'def law(input_data, group):\n    mean = sum(r["size"] for r in input_data)\n'
        '    return [{"loss": r["size"] / mean} for r in input_data]\n',
        ROW,
    ),
    attack(
        "a law that answers in another order",
        'def law(input_data, group):\n    return [{"loss": r["size"]} for r in input_data][::-1]\n',
        ROW,
    ),
    attack(
        "a law that gives one dict for all rows",
        "def law(input_data, group):\n    one = {}\n    for r in input_data:\n"
        '        one["loss"] = r["size"]\n    return [one for r in input_data]\n',
        ROW,
    ),
    attack(
        "a law with an answer for every name",
        "class Any(dict):\n    def __contains__(self, name): return True\n"
        "def law(input_data, group):\n    return [Any() for r in input_data]\n",
        OUTPUT,
        RAISED,
        CRASH,
    ),
    attack(
        "a law that remembers",
        "seen = []\ndef law(input_data, group):\n    seen.extend(input_data)\n"
        '    return [{"loss": float(len(seen))} for r in input_data]\n',
        ROW,
    ),
]


@pytest.mark.parametrize("attack", table(ATTACKS))
def test_a_law_that_looks_beyond_its_row_is_found_out(stopped: Stopped, attack: Attack) -> None:
    stopped(attack)


def test_the_order_of_the_held_out_file_reaches_no_program(
    outcome_of: Scorer, write_task: Callable[..., Path]
) -> None:
    """A file whose rows are sorted by their labels would tell of them: rows are sorted anew."""
    rows = [("a", x, float(n)) for n, x in enumerate((5, 2, 9, 7, 4, 8, 6, 3))]
    text = "group,size,tokens,loss\n" + "".join(f"{g},{x}.0,1.0,{y}\n" for g, x, y in rows)
    task = load_definition(write_task(text.replace(",1.0,", ",2.0,"), text))
    source = program(predict="x = data_points[:, 0]\nreturn np.arange(len(x)) + 0.0 * x")
    outcome = outcome_of(source, task)
    assert ending(outcome.evaluation) == ROW
    features = np.array([x for _, x, _ in rows], float)
    told = outcome.traces.test["a"][:, 0]
    np.testing.assert_array_equal(told, features.argsort().argsort())


def test_a_law_cannot_know_in_which_half_a_row_will_be_asked(
    outcome_of: Scorer, write_task: Callable[..., Path]
) -> None:
    """Other labels, which no program sees, divide the same rows otherwise."""
    header = "group,size,tokens,loss\n"
    train = header + "".join(f"a,{n}.0,1.0,{n}.5\n" for n in range(1, 13))
    halves = []
    for seed in range(2):
        y = np.random.default_rng(seed).normal(size=8)
        test = header + "".join(f"a,{n + 20}.0,1.0,{float(v)!r}\n" for n, v in enumerate(y))
        task = load_definition(write_task(train, test))
        source = program(
            first="asked = []",
            predict="""
            asked.append(data_points[:, 0].tolist())
            if len(asked) == 8: raise ValueError(str(asked))
            return data_points[:, 0]
            """,
        )
        halves.append(outcome_of(source, task).evaluation.violations[0].message)
    assert halves[0] != halves[1]


def test_the_curve_that_a_page_shows_is_the_laws(outcome_of: Scorer, wide_task: Task) -> None:
    source = program(
        predict="""
        import sys
        arrays = sys._getframe(3).f_locals.get("arrays", [])
        curve = len(arrays) > 2 and len(data_points) == 5
        return np.full(len(data_points), -777.0 if curve else 1.0)
        """,
    )
    assert ending(outcome_of(source, wide_task).evaluation) == ROW


def test_an_encoding_that_hides_code_is_refused(outcome_of: Scorer, wide_task: Task) -> None:
    source = program(predict="# the mean\\u000a    return np.full(len(data_points), 1.8)")
    evaluation = outcome_of("# coding: unicode_escape\n" + source, wide_task).evaluation
    assert evaluation.error is not None
    assert evaluation.error.kind is FailureKind.LOAD_ERROR
    assert "unicode" in evaluation.error.message
