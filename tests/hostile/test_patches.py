"""Patching what scores: numpy, scipy, the standard library, the code that runs beside it."""

from __future__ import annotations

import pytest
from programs import program

from hostile.attacks import (
    CONSTANTS,
    CRASH,
    LOAD,
    MEBIBYTE,
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

ANY = (OK, OUTPUT, RAISED, CRASH, LOAD)
"""What a program does to its own process may break that process, and nothing else."""


def patches(
    name: str,
    first: str,
    *ends: str,
    fit: str = "",
    predict: str = "",
    limit: float = 5.0,
    memory: int = 2048 * MEBIBYTE,
) -> Attack:
    """Return an attack that patches something when it is loaded."""
    source = program(first=first, fit=fit, predict=predict)
    return attack(name, source, *(ends or ANY), fit_seconds=limit, memory_bytes=memory)


NAN = "return np.array([float('nan')] * data_points.shape[0])"
FIVE = "return np.full(9, np.mean(loss_values))"
# `guest(name)`: the globals of a module that runs beside the program.
GUEST = """
import gc, sys, types
gc.unfreeze()
def guest(name):
    for thing in gc.get_objects():
        if isinstance(thing, dict) and thing.get("__name__") == "guest." + name:
            return thing
    frame = sys._getframe()
    while frame:
        if frame.f_globals.get("__name__") == "guest." + name:
            return frame.f_globals
        frame = frame.f_back
"""

ATTACKS = [
    patches("numpy's statistics", "np.var = np.mean = np.std = lambda *a, **k: np.float64(0.0)"),
    patches("numpy's subtraction", "np.subtract = np.square = lambda *a, **k: 0.0"),
    patches("numpy's constructor", "np.array = np.asarray = np.full = lambda *a, **k: [0.0]"),
    patches(
        "numpy's finite check",
        "np.isfinite = lambda x: np.ones(np.shape(x), bool)",
        OUTPUT,
        predict=NAN,
    ),
    patches("numpy's error state", "np.seterr(all='ignore')", OUTPUT, predict=NAN),
    patches("numpy's random seed", "np.random.seed = lambda *a: None"),
    patches(
        "numpy's modules in sys.modules",
        "import sys\nfor n in list(sys.modules):\n"
        "    if n.startswith('numpy'): sys.modules[n] = None",
    ),
    patches(
        "numpy's core by C",
        "import numpy._core.multiarray as core\n"
        "core.array = core.concatenate = None\n"
        "np.ndarray.__dict__",
    ),
    patches("scipy", "import scipy.optimize as o\no.curve_fit = o.minimize = lambda *a, **k: None"),
    patches(
        "len and isinstance",
        "import builtins\nbuiltins.len = lambda x: 1\nbuiltins.isinstance = lambda *a: True",
    ),
    patches("float and sum", "import builtins\nbuiltins.float = builtins.sum = lambda *a: 1.0"),
    patches(
        "exceptions",
        "import builtins\nbuiltins.Exception = builtins.BaseException = int\n"
        "builtins.MemoryError = ValueError",
    ),
    patches("open and import", "import builtins\nbuiltins.open = builtins.__import__ = None"),
    patches(
        "all builtins",
        "import builtins\nfor n in list(vars(builtins)):\n"
        "    if not n.startswith('__') and n != 'n': setattr(builtins, n, None)",
    ),
    patches("json", 'import json\njson.dumps = lambda *a, **k: \'{"body":{},"shapes":[]}\''),
    patches(
        "json's encoder",
        "import json.encoder as e\ne.JSONEncoder.encode = lambda *a: '[]'\ne.c_make_encoder = None",
    ),
    patches("struct", "import struct\nstruct.pack = struct.unpack = lambda *a: b''"),
    patches(
        "os.write and os.read",
        "os.write = lambda f, d: len(d)\nos.read = lambda *a: b''",
        OUTPUT,
        CRASH,
    ),
    patches("os._exit", "os._exit = lambda *a: None", OK),
    patches("the clock", "import time\ntime.monotonic = time.time = lambda: 0.0", OK),
    patches("sys.modules", "import sys\nsys.modules.clear()"),
    patches(
        "modules of the harness that are not there",
        "import sys, types\nfor n in ('harness', 'harness.evaluation.scoring', 'guest.wire'):\n"
        "    sys.modules[n] = types.ModuleType(n)\n"
        "    sys.modules[n].nmse = lambda *a: np.zeros(1)",
        OK,
    ),
    patches(
        "the finite check beside it",
        GUEST + "guest('program')['isfinite'] = lambda x: np.ones(np.shape(x), bool)",
        OUTPUT,
        predict=NAN,
    ),
    patches(
        "the shape check beside it",
        GUEST + "guest('program')['Program']._shaped = lambda self, array, rows, name: array",
        OUTPUT,
        predict="return np.zeros(3)",
    ),
    patches(
        "the class of the program beside it",
        GUEST + "P = guest('program')['Program']\nP.fit = lambda self, x, y: np.full(9, y.mean())",
        CONSTANTS,
        predict="params = params.ravel()",
    ),
    patches(
        "the encoder beside it",
        GUEST + "w = guest('wire')\nold = w['encode']\n"
        "w['encode'] = lambda body, arrays=None, raw=b'': old(body, [], raw)",
        OUTPUT,
        CRASH,
    ),
    patches(
        "the limits beside it",
        GUEST + "w = guest('wire')\nw['MAX_VALUES'] = guest('program')['MAX_VALUES'] = 1 << 40",
        OUTPUT,
        fit="return np.ones(1 << 20)",
    ),
    patches(
        "the count of constants",
        "import builtins\nclass int2(int): pass\nnp.ndarray.size",
        CONSTANTS,
        fit=FIVE,
        predict="params = params.ravel()",
    ),
    patches("the seed beside it", GUEST + "guest('program')['reseed'] = lambda seed: None", OK),
    patches(
        "the loop that answers beside it",
        GUEST + "guest('child')['_do_calls'] = lambda *a: ([{'r2': 1.0}] * 99, [])",
        OUTPUT,
        CRASH,
    ),
    patches(
        "the end of the loop beside it",
        GUEST + "guest('child')['_plain'] = lambda e: {'kind': 'harness_error',\n"
        "    'message': '', 'line': None}",
        OUTPUT,
        fit="raise ValueError",
    ),
    patches(
        "the limit of memory",
        "import resource\n"
        "attempt(lambda: resource.setrlimit(resource.RLIMIT_AS, (-1, -1)))\n"
        "kept = []\n"
        "for _ in range(4000): kept.append(bytearray(1 << 20))",
        MEMORY,
        memory=128 * MEBIBYTE,
    ),
    patches(
        "a trace function",
        "import sys, threading\n"
        "def trace(frame, event, arg):\n"
        "    if 'answers' in frame.f_locals: frame.f_locals['answers'].clear()\n"
        "    return trace\n"
        "sys.settrace(trace); threading.settrace(trace); sys.setprofile(trace)",
    ),
    patches(
        "an audit hook",
        "import sys\n"
        "def hook(event, args):\n    if event == 'open': raise RuntimeError\n"
        "sys.addaudithook(hook)",
    ),
    patches(
        "small integers",
        "import ctypes\nctypes.memmove(id(1) + 24, ctypes.byref(ctypes.c_uint32(0)), 4)",
    ),
    patches(
        "the value of a float",
        "one = 1.0\nctypes.memmove(id(one) + 16, ctypes.byref(ctypes.c_double(0)), 8)",
    ),
    patches("the type of arrays", "ctypes.memset(id(np.ndarray) + 64, 0, 64)"),
    patches(
        "the code of C",
        "libc = ctypes.CDLL(None)\n"
        "at = ctypes.cast(libc.write, ctypes.c_void_p).value\n"
        "libc.mprotect(ctypes.c_void_p(at & ~4095), 8192, 7)\n"
        "ctypes.memset(at, 0xC3, 1)",
        *ANY,
        TIMEOUT,
        limit=0.8,
    ),
    patches(
        "what a collection does",
        "import gc\ngc.callbacks.append(lambda *a: 1 / 0)\ngc.set_threshold(1)",
    ),
    patches("standard output", "import sys\nsys.stdout = sys.stderr = None", OK),
    patches(
        "standard output that answers",
        "import sys\n"
        "class Out:\n    def __getattr__(self, name): os.write(4, b'x' * 99)\n"
        "sys.stdout = Out()",
        OUTPUT,
        CRASH,
    ),
    patches(
        "its own name",
        "__name__ = '__main__'\n__file__ = '@TEST@'\nimport sys\nsys.argv[:] = ['sld', 'run']",
        OK,
    ),
    patches(
        "the linear algebra's threads",
        "os.environ['OMP_NUM_THREADS'] = '64'\nos.environ['LD_PRELOAD'] = '/tmp/@MARK@.so'",
        OK,
    ),
    patches(
        "codecs",
        "import codecs\n"
        "attempt(lambda: codecs.register(lambda n: (_ for _ in ()).throw(KeyError)))\n"
        "codecs.register_error('strict', lambda e: ('', e.end))",
        OK,
    ),
    patches("the rounding of C", "ctypes.CDLL('libm.so.6').fesetround(0x800)", OK, LOAD),
]


@pytest.mark.parametrize("attack", table(ATTACKS))
def test_a_patched_process_gains_nothing(stopped: Stopped, attack: Attack) -> None:
    stopped(attack)
