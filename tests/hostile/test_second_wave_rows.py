"""A second wave against the rules: rows told apart by new means, answers in new clothes."""

from __future__ import annotations

import pytest
from programs import program

from hostile.attacks import (
    OK,
    OUTPUT,
    RAISED,
    ROW,
    Attack,
    attack,
    table,
)
from hostile.conftest import Stopped


def looks(name: str, predict: str, *ends: str, first: str = "") -> Attack:
    """Return a law that predicts otherwise by what is not in its row."""
    source = program(first=first, predict="x = data_points[:, 0]\n" + predict)
    return attack(name, source, *(ends or (ROW,)), predict_seconds=5.0)


ROWS = [
    looks("time of the processor", "import time\nreturn x + time.process_time_ns()"),
    looks("time of the thread", "import time\nreturn x + time.thread_time_ns()"),
    looks(
        "time since the machine started",
        "import time\nreturn x + time.clock_gettime_ns(time.CLOCK_BOOTTIME) % 10**9",
    ),
    looks(
        "how often it waited",
        "import resource\nu = resource.getrusage(resource.RUSAGE_SELF)\n"
        "return x + u.ru_nvcsw + u.ru_nivcsw",
    ),
    looks("number of its pipe", "return x + os.fstat(3).st_ino"),
    looks(
        "its number outside",
        "return x + int(os.readlink('/proc/self'))",
        ROW,
        RAISED,  # where /proc is out of sight
    ),
    looks("blocks of memory in use", "import sys\nreturn x + sys.getallocatedblocks()"),
    looks("what waits to be collected", "import gc\nreturn x + gc.get_count()[0]"),
    looks(
        "depth of the stack",
        "import sys\nframe, n = sys._getframe(), 0\n"
        "while frame: frame, n = frame.f_back, n + 1\nreturn x + n",
    ),
    looks(
        "who refers to the rows",
        "import gc\nseen = [r for r in gc.get_referrers(data_points) if isinstance(r, list)]\n"
        "return x + sum(map(len, seen))",
    ),
    looks(
        "a count in a file",
        "with open('n', 'ab') as f: f.write(b'x')\nreturn x + os.path.getsize('n')",
    ),
    looks("a count in names of files", "n = len(os.listdir())\nopen(f'n{n}', 'w')\nreturn x + n"),
    looks(
        "a count in the environment",
        "os.environ['n'] = os.environ.get('n', '') + 'x'\nreturn x + len(os.environ['n'])",
    ),
    looks(
        "a count in its own code",
        "me = vars(scaling_law_func)\nme['n'] = me.get('n', 0) + 1\nreturn x + me['n']",
    ),
    looks(
        "a count in the limits",
        "import resource\nkind = resource.RLIMIT_NOFILE\nsoft, hard = resource.getrlimit(kind)\n"
        "resource.setrlimit(kind, (soft - 1, hard))\nreturn x + soft",
    ),
    looks("a count in the mask of modes", "n = os.umask(0)\nos.umask((n + 1) % 512)\nreturn x + n"),
    looks("a count of descriptors", "return x + os.dup(0)"),
    looks(
        "a count of threads",
        "import threading\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        "return x + threading.active_count()",
    ),
    looks(
        "a count in a generator",
        "return x + next(n)",
        first="import itertools\nn = itertools.count()",
    ),
    looks(
        "the first row kept by a cache",
        "return x + first(len(x), x[0])",
        first=("import functools\n@functools.lru_cache(1)\ndef first(n, x): return x * n"),
    ),
    looks("random numbers of the module", "import random\nreturn x + random.random()"),
    looks("random numbers of numpy", "return x + np.random.rand()"),
    looks("random numbers drawn anew", "return x + np.random.default_rng().random()"),
    looks("random numbers of the system", "import secrets\nreturn x + secrets.randbelow(10**9)"),
    looks("a name that is new each time", "import uuid\nreturn x + uuid.uuid4().int % 10**9"),
    looks(
        "a name for a file",
        "import tempfile\nreturn x + sum(i * ord(c) for i, c in enumerate(tempfile.mktemp()))",
    ),
    looks(
        "a thread that counts",
        "return x + n[0]",
        first=(
            "import threading\nn = [0]\ndef run():\n    while True: n[0] += 1\n"
            "threading.Thread(target=run, daemon=True).start()"
        ),
    ),
    looks(
        "a profile of the calls",
        "return x + n[0]",
        first=("import sys\nn = [0]\ndef count(*a): n[0] += 1\nsys.setprofile(count)"),
    ),
    looks(
        "the rows of the curve",
        "import sys\nf = sys._getframe()\n"
        "while 'arrays' not in f.f_locals or 'calls' not in f.f_locals: f = f.f_back\n"
        "return x - sum(a[:, 0].mean() for a in f.f_locals['arrays'])",
    ),
    looks(
        "the calls that it is asked for",
        "import sys\nf = sys._getframe()\n"
        "while 'calls' not in f.f_locals: f = f.f_back\nreturn x + len(f.f_locals['calls'])",
    ),
    looks("a sum in another order", "return x + 1e-3 * np.sum(x[::-1] * 1e-3)"),
    looks("the largest of half the rows", "return x - np.sort(x)[: (len(x) + 1) // 2].max()"),
    looks(
        "only when the rows are many, and seldom", "return x + (len(x) > 4) * (x == x.max()) / 1e6"
    ),
    looks(
        "a class that keeps its first rows",
        "return law(x)",
        first=(
            "class Law:\n    kept = None\n    def __call__(self, x):\n"
            "        self.kept = x.mean() if self.kept is None else self.kept\n"
            "        return x - self.kept\nlaw = Law()"
        ),
    ),
    looks(
        "a law that replaces itself",
        "def other(d, p): return d[:, 0] * 2\nglobals()['scaling_law_func'] = other\nreturn x",
    ),
    looks("a difference within the tolerance", "return np.full(len(x), 99.0) + 1e-12 * len(x)", OK),
    looks(
        "the sign of nothing", "return np.full(len(x), -0.0 if len(x) > 1 else 0.0) * 1.0 + 99", OK
    ),
    looks("numbers next to nothing", "return np.full(len(x), 5e-324) * len(x)", OK),
]


@pytest.mark.linux
@pytest.mark.parametrize("attack", table(ROWS))
def test_what_is_not_in_the_row_shows(stopped: Stopped, attack: Attack) -> None:
    stopped(attack)


def answers(name: str, answer: str, *ends: str, first: str = "") -> Attack:
    """Return a law whose answer is odd; what is a number says 99, which is far off."""
    return attack(
        name, program(first=first, predict=f"n = len(data_points)\nreturn {answer}"), *ends
    )


DECIMAL = "from decimal import Decimal as D"
FRACTION = "from fractions import Fraction as F"
ARRAY = "from array import array"
ODD = [
    answers("decimal numbers", "[D(99)] * n", OK, first=DECIMAL),
    answers("fractions", "[F(99)] * n", OK, first=FRACTION),
    answers("a decimal that is no number", "[D('sNaN')] * n", OUTPUT, first=DECIMAL),
    answers("a fraction beyond all numbers", "[F(10 ** 400)] * n", OUTPUT, first=FRACTION),
    answers("an array of the standard library", "array('d', [99.0] * n)", OK, first=ARRAY),
    answers("an array of letters", "array('u', 'x' * n)", OUTPUT, first=ARRAY),
    answers("numbers of C", "(ctypes.c_double * n)(*[99.0] * n)", OK),
    answers("pointers of C", "[ctypes.c_void_p(99)] * n", OUTPUT),
    answers("text that is a number", "['99'] * n", OUTPUT),
    answers("bytes", "b'c' * n", OUTPUT),
    answers("a duration", "np.full(n, 99, 'm8[s]')", OUTPUT),
    answers("records", "np.zeros(n, [('a', float)])", OUTPUT),
    answers("a mask over NaN", "np.ma.array([np.nan] * n, mask=[1] * n)", OUTPUT),
    answers("a matrix", "np.matrix([99.0] * n)", OUTPUT),
    answers("a range", "range(n)", ROW),
    answers("the keys of a dict", "dict.fromkeys(range(n)).keys()", OUTPUT),
    answers(
        "arrays in an object array",
        "np.array([np.full(1, 99.0)] * n + [0], object)[:-1]",
        OUTPUT,
        OK,
    ),
    answers("infinity that is whole", "np.array([10 ** 400] * n, object)", OUTPUT),
    answers("whole numbers of a byte", "np.full(n, 99, np.uint8)", OK),
    answers("half precision beyond its end", "np.full(n, 70000.0).astype(np.float16)", OUTPUT),
    answers("extended precision beyond all doubles", "np.full(n, np.longdouble('1e4000'))", OUTPUT),
    answers(
        "a subclass that answers for numpy's functions",
        "np.full(n, np.nan).view(Sly)",
        OUTPUT,
        first="class Sly(np.ndarray):\n"
        "    def __array_ufunc__(self, f, *a, **k): return np.ones(self.shape, bool)\n"
        "    def __array_function__(self, f, *a, **k): return True\n"
        "    def all(self, *a, **k): return True",
    ),
    answers(
        "a subclass that lies about its shape",
        "np.full(3, 99.0).view(Sly)",
        OUTPUT,
        first="class Sly(np.ndarray):\n    shape = property(lambda s: (N,))\n"
        "    reshape = lambda s, *a: np.zeros(a)\nN = 6",
    ),
    answers(
        "a number that raises",
        "[Sly()] * n",
        OUTPUT,
        first="class Sly:\n    def __float__(self): raise KeyboardInterrupt",
    ),
    answers(
        "a sequence that grows while it is read",
        "Sly([99.0] * n)",
        OUTPUT,
        ROW,
        OK,
        first="class Sly(list):\n    def __getitem__(self, i):\n"
        "        self.append(1.0); return list.__getitem__(self, i)",
    ),
]


@pytest.mark.parametrize("attack", table(ODD))
def test_odd_answers_are_numbers_or_refused(stopped: Stopped, attack: Attack) -> None:
    found = stopped(attack)
    assert found.n_params == 1
