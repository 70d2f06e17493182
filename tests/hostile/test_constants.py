"""More constants than the four that the task allows, in whatever clothes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Scorer
from programs import program

from harness.tasks import Task
from harness.tasks.catalogue import load_definition
from hostile.attacks import (
    CONSTANTS,
    CRASH,
    MEMORY,
    OK,
    OUTPUT,
    RAISED,
    ROW,
    Attack,
    attack,
    ending,
    table,
)
from hostile.conftest import Stopped


def returns(
    name: str, fit: str, *ends: str, predict: str = "", first: str = "", not_stopped: str = ""
) -> Attack:
    """Return an attack whose fit returns something; the law takes what it gets."""
    lenient = predict or "params = np.asarray(params).ravel()"
    source = program(first=first, fit=f"m = np.mean(loss_values)\n{fit}", predict=lenient)
    return attack(name, source, *ends, not_stopped=not_stopped)


ONE_OF = "class Odd(np.ndarray):\n"
ATTACKS = [
    returns("five numbers", "return np.full(5, m)", CONSTANTS),
    returns("five in a list", "return [m] * 5", CONSTANTS),
    returns("five in nested lists", "return [[m, m, m, m, m]]", CONSTANTS),
    returns("ragged lists", "return [[m, m], [m, m, m]]", OUTPUT),
    returns("a column", "return np.full((5, 1), m)", CONSTANTS),
    returns("many axes", "return np.full((1, 5, 1, 1), m)", CONSTANTS),
    returns("a matrix of few rows", "return np.full((2, 3), m)", CONSTANTS),
    returns("a broadcast view", "return np.broadcast_to(m, (50,))", CONSTANTS),
    returns("whole numbers", "return np.full(5, m).view(np.int64)", CONSTANTS),
    returns(
        "truth values", "return np.unpackbits(np.full(1, m).view(np.uint8)).astype(bool)", CONSTANTS
    ),
    returns("bytes", "return np.frombuffer(loss_values.tobytes(), np.uint8)", CONSTANTS),
    returns("half precision", "return loss_values.astype(np.float16)", CONSTANTS),
    returns("complex parts", "return np.full(4, m) + 1j", OUTPUT),
    returns("complex objects", "return np.array([m, 1j, m], object)", OUTPUT),
    returns("complex numbers without imaginary part", "return np.full(4, m, complex)", OUTPUT),
    returns("text", "return [repr(loss_values.tolist())]", OUTPUT),
    returns("text in an object array", "return np.array([m, repr(loss_values)], object)", OUTPUT),
    returns("a long byte string", "return np.array([loss_values.tobytes()])", OUTPUT),
    returns("a void", "return np.array([loss_values.tobytes()], 'V96')", OUTPUT),
    returns(
        "a record of fields", "return np.zeros(1, [(f'f{i}', float) for i in range(9)])", OUTPUT
    ),
    returns("a sub-array dtype", "return np.zeros(1, np.dtype((float, (9,))))", CONSTANTS),
    returns("dates", "return np.full(4, 7, 'M8[s]')", OUTPUT),
    returns("a dict", "return {'a': m}", OUTPUT),
    returns("a set", "return set(loss_values)", OUTPUT),
    returns("a function", "return lambda: loss_values", OUTPUT),
    returns("a generator", "return (x for x in loss_values)", OUTPUT),
    returns("None", "return None", OUTPUT),
    returns("None among numbers", "return [m, None]", OUTPUT),
    returns("a masked array", "return np.ma.array([m] * 9, mask=[0] + [1] * 8)", CONSTANTS),
    returns("a memory view", "return memoryview(np.full(9, m))", CONSTANTS),
    returns(
        "a subclass that lies about its size",
        "return np.full(9, m).view(Odd)",
        CONSTANTS,
        first=ONE_OF + "    size = 1\n    shape = (1,)\n    def __len__(self): return 1",
    ),
    returns(
        "a subclass that changes when it is copied",
        "return np.full(1, m).view(Odd)",
        OK,
        CONSTANTS,
        OUTPUT,
        first=ONE_OF + "    def __array__(self, *a, **k): return np.full(9, 3.5)\n"
        "    def __array_finalize__(self, other): self.more = list(range(99))",
    ),
    returns(
        "an object that gives an array when asked",
        "return Lazy()",
        CONSTANTS,
        first="class Lazy:\n    def __array__(self, *a, **k): return np.full(9, 3.5)",
    ),
    returns(
        "an interface to foreign memory",
        "return Raw()",
        CONSTANTS,
        CRASH,
        first="kept = np.full(9, 3.5)\n"
        "class Raw:\n    __array_interface__ = {**kept.__array_interface__, 'shape': (9,)}",
    ),
    returns(
        "an interface to no memory",
        "return Raw()",
        CRASH,
        OUTPUT,
        first="class Raw:\n"
        "    __array_interface__ = dict(shape=(4,), typestr='<f8', data=(8, False), version=3)",
    ),
    returns(
        "a list that lies about its length",
        "return Liar([m] * 9)",
        CONSTANTS,
        OUTPUT,
        first="class Liar(list):\n    def __len__(self): return 1",
    ),
    returns(
        "a sequence without end",
        "return Endless()",
        MEMORY,
        OUTPUT,
        RAISED,
        CONSTANTS,
        first="class Endless:\n    def __len__(self): return 1 << 40\n"
        "    def __getitem__(self, i): return 1.0",
    ),
    returns("a million numbers", "return np.full(1 << 20, m)", OUTPUT),
    returns(
        "a giant of one repeated number", "return np.broadcast_to(m, (1 << 30,))", MEMORY, OUTPUT
    ),
    returns("extended precision", "return np.array([m], np.longdouble)", OK),
    returns(
        "the sizes of an empty array",
        "return np.empty((0, *(int(v * 1e3) for v in np.quantile(loss_values, [0, 0.2, 0.6, 1]))))",
        CONSTANTS,
        predict="return np.full(len(data_points), params.shape[2] / 1e3)",
    ),
    returns(
        "the number of axes of four numbers",
        "return np.full((1,) * int(m * 3) + (4,), m)",
        CONSTANTS,
        predict="return np.full(len(data_points), params.ndim / 3)",
    ),
    returns(
        "more bytes than the cap's floats have",
        "return np.frombuffer(np.quantile(loss_values, np.linspace(0, 1, 10)).astype(np.float32))",
        CONSTANTS,
    ),
    returns("more axes than a pipe takes", "return np.full((1,) * 40, m)", OUTPUT),
    returns(
        "numbers in the bits of NaN",
        "quarters = (np.quantile(loss_values, np.linspace(0, 1, 12)) * 1000).astype(np.int64)\n"
        "packed = (quarters.reshape(4, 3) << np.array([0, 16, 32])).sum(axis=1)\n"
        "return (packed | 0x7FF8 << 48).view(np.float64)",
        OK,
        predict="bits = params.view(np.int64)[:, None] >> np.array([0, 16, 32]) & 0xFFFF\n"
        "return bits.ravel()[data_points[:, 0].astype(int) % 12] / 1000",
    ),
    returns(
        "constants of another group by a global",
        "return np.quantile(loss_values, [0, 0.3, 0.6, 1])",
        CONSTANTS,
        ROW,
        first="seen = []",
        predict="seen.append(params) if not seen or params[0] != seen[-1][0] else None\n"
        "return np.full(len(data_points), params[0] + seen[0][1])",
    ),
    returns(
        "constants of another group by frames",
        "return np.quantile(loss_values, [0, 0.3, 0.6, 1])",
        OK,
        predict="import sys\nframe = sys._getframe()\n"
        "while 'params' not in frame.f_locals or isinstance(params, np.ndarray):\n"
        "    frame = frame.f_back\n    params = frame.f_locals.get('params', params)\n"
        "return np.full(len(data_points), sum(p.sum() for p in params.values()))",
    ),
]


@pytest.mark.parametrize("attack", table(ATTACKS))
def test_constants_are_counted_or_refused(stopped: Stopped, attack: Attack) -> None:
    stopped(attack)


def test_four_floats_are_32_bytes_however_they_are_filled(
    outcome_of: Scorer, wide_task: Task
) -> None:
    """The cap counts numbers of eight bytes; that they hold more than one value each is no gain."""
    source = program(
        fit="""
        eight = np.quantile(loss_values, np.linspace(0, 1, 8)).astype(np.float32)
        return eight.view(np.float64)
        """,
        predict="""
        eight = np.ascontiguousarray(params).view(np.float32)
        return eight[data_points[:, 0].astype(int) % 8].astype(float)
        """,
    )
    evaluation = outcome_of(source, wide_task).evaluation
    assert (ending(evaluation), evaluation.n_params) == (OK, 4)


@pytest.mark.parametrize("groups", [2, 3, 9])
def test_constants_that_all_groups_carry_for_each_other_are_found_out(
    outcome_of: Scorer, write_task: Callable[..., Path], groups: int
) -> None:
    """Each group's parameters end with the same two extras; a law adds up those of two groups."""
    names = [chr(ord("a") + n) for n in range(groups)]
    rows = [(name, x, 1.0 + x * n) for n, name in enumerate(names) for x in range(1, 6)]
    split = ["group,size,tokens,loss", "group,size,tokens,loss"]
    for name, x, loss in rows:
        split[x > 3] += f"\n{name},{x},10.0,{loss}"
    task = load_definition(write_task(*split))
    source = program(
        first="told = []",
        fit="return np.array([np.mean(loss_values), 7.0, 8.0])",
        predict="""
        told.append(params.tobytes())
        extra = len(set(told)) > 1  # somebody else's constants are known
        return params[0] * data_points[:, 0] + extra * (params[1] + params[2])
        """,
    )
    evaluation = outcome_of(source, task).evaluation
    assert ending(evaluation) == ROW


def test_what_a_violation_reports_is_the_true_number(outcome_of: Scorer, wide_task: Task) -> None:
    for one in ATTACKS:
        if one.name in {"a column", "a subclass that lies about its size", "a memory view"}:
            outcome = outcome_of(one.program, wide_task)
            sizes = {values.size for values in outcome.traces.params.values()}
            assert sizes == {outcome.evaluation.n_params}
            assert all(type(v) is np.ndarray for v in outcome.traces.params.values())
