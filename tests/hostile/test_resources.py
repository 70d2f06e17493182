"""Taking all of something: memory, threads, disk, descriptors, output, the reader's patience."""

from __future__ import annotations

import resource

import pytest
from programs import program

from hostile.attacks import (
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
)  # fmt: skip
from hostile.conftest import Stopped


def takes(
    name: str, body: str, *ends: str, where: str = "fit", needs: str = "", first: str = ""
) -> Attack:
    parts = {"first": first, where: body} if where != "first" else {"first": body}
    seconds = 0.7 if TIMEOUT in ends else 8.0
    return attack(
        name, program(**parts), *ends, needs=needs, fit_seconds=seconds, predict_seconds=seconds,
        memory_bytes=128 * MEBIBYTE, scratch_bytes=8 * MEBIBYTE, output_bytes=MEBIBYTE,
    )  # fmt: skip


ATTACKS = [
    takes("memory, bit by bit", "kept = []\nwhile True: kept.append(bytearray(1 << 20))", MEMORY),
    takes(
        "memory when loaded",
        "kept = []\nwhile True: kept.append(bytearray(1 << 20))",
        MEMORY,
        where="first",
    ),
    takes(
        "memory in the law",
        "kept = []\nwhile True: kept.append(bytearray(1 << 20))",
        MEMORY,
        where="predict",
    ),
    takes("memory at once", "np.ones(1 << 36)", MEMORY),
    takes(
        "memory by mmap",
        "import mmap\nkept = []\nwhile True: kept.append(mmap.mmap(-1, 1 << 22))",
        MEMORY,
    ),
    takes(
        "memory shared and anonymous",
        "import mmap\nkept = []\nwhile True: kept.append(mmap.mmap(-1, 1 << 22, mmap.MAP_SHARED))",
        MEMORY,
    ),
    takes(
        "memory by C",
        "libc = ctypes.CDLL(None)\nlibc.malloc.restype = ctypes.c_void_p\n"
        "while True:\n    at = libc.malloc(1 << 22)\n"
        "    if not at: raise MemoryError\n    ctypes.memset(at, 1, 1 << 22)",
        MEMORY,
        CRASH,
    ),
    takes(
        "memory in small pieces", "kept = []\nwhile True: kept = [kept, kept, [0] * 999]", MEMORY
    ),
    takes(
        "memory by a memory file",
        "fd = os.memfd_create('x')\nwhile True: os.write(fd, bytes(1 << 20))",
        RAISED,
        needs="seccomp",
    ),
    takes(
        "memory by pipes",
        "kept = []\nwhile True:\n    kept.append(os.pipe())\n"
        "    os.set_blocking(kept[-1][1], False)\n    os.write(kept[-1][1], bytes(1 << 16))",
        RAISED,
    ),
    takes(
        "memory that may not be moved",
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "if libc.mlockall(3):\n    raise Report(ctypes.get_errno())",
        RAISED,
    ),
    takes(
        "the stack grown",
        "import threading\nthreading.stack_size(1 << 30)\nthreading.Thread(target=print).start()",
        RAISED,
        MEMORY,
    ),
    takes(
        "threads",
        "import threading, time\n"
        "while True: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
        RAISED,
        MEMORY,
        CRASH,
    ),
    takes(
        "processes",
        "while True:\n    try: os.fork()\n    except OSError: raise Report('no')",
        RAISED,
        needs="seccomp",
    ),
    takes(
        "the disk by one file",
        "with open('big', 'wb') as file:\n    while True: file.write(bytes(1 << 20))",
        RAISED,
        CRASH,
    ),
    takes(
        "the disk by many files",
        "n = 0\nwhile True:\n    n += 1\n    open(f'f{n}', 'wb').write(bytes(1 << 18))",
        RAISED,
        needs="tmpfs",
    ),
    takes(
        "the disk by empty files",
        "n = 0\nwhile True:\n    n += 1\n    open(f'f{n}', 'w').close()",
        RAISED,
        needs="tmpfs",
    ),
    takes(
        "the disk by folders",
        "n = 0\nwhile True:\n    n += 1\n    os.mkdir(f'd{n}')",
        RAISED,
        needs="tmpfs",
    ),
    takes(
        "a path without end",
        "for _ in range(2000): os.mkdir('d'); os.chdir('d')",
        RAISED,
        OK,
        TIMEOUT,
        needs="tmpfs",
    ),
    takes("a file that claims a terabyte", "os.truncate('big', 1 << 40)", RAISED, CRASH),
    takes(
        "a hole of a terabyte", "file = open('big', 'wb')\nfile.truncate(1 << 40)", RAISED, CRASH
    ),
    takes(
        "space set aside",
        "file = open('big', 'wb')\nos.posix_fallocate(file.fileno(), 0, 1 << 34)",
        RAISED,
        CRASH,
    ),
    takes(
        "the disk in /tmp",
        "open('/tmp/@MARK@', 'wb').write(bytes(1 << 26))",
        RAISED,
        needs="landlock",
    ),
    takes("descriptors", "kept = []\nwhile True: kept.append(open('/dev/null'))", RAISED),
    takes("links in a circle", "os.symlink('b', 'a'); os.symlink('a', 'b')\nopen('a')", RAISED),
    takes(
        "the processor",
        "import threading\n"
        "def spin(): sum(iter(int, 1))\n"
        "for _ in range(8): threading.Thread(target=spin, daemon=True).start()\n"
        "while True: pass",
        TIMEOUT,
    ),
    takes("a higher priority", "os.nice(-20)", RAISED),
    takes(
        "real-time scheduling",
        "os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(99))",
        RAISED,
    ),
    takes(
        "gigabytes of output", "chunk = b'x' * (1 << 20)\nwhile True: os.write(1, chunk)", TIMEOUT
    ),
    takes(
        "gigabytes of complaints",
        "import sys\nwhile True: sys.stderr.write('y' * (1 << 20))",
        TIMEOUT,
    ),
    takes(
        "two hundred megabytes of output",
        "for _ in range(200): os.write(1, bytes(1 << 20))",
        OK,
        TIMEOUT,
    ),
    takes(
        "warnings without end",
        "import warnings\nwarnings.simplefilter('always')\nwhile True: warnings.warn('x' * 9999)",
        TIMEOUT,
        MEMORY,
    ),
    takes("a mistake of a hundred megabytes", "raise Report('x' * (100 << 20))", RAISED, MEMORY),
    takes(
        "a mistake described without end",
        "class Odd(Exception):\n    def __str__(self):\n        while True: pass\nraise Odd",
        TIMEOUT,
    ),
    takes(
        "a description that grows",
        "class Odd(Exception):\n    def __str__(self):\n        t = 'x'\n"
        "        while True: t += t\n"
        "raise Odd",
        RAISED,
        MEMORY,
    ),
    takes(
        "an answer described without end",
        "class Odd:\n    def __repr__(self):\n        while True: pass\n    __str__ = __repr__\n"
        "return Odd()",
        OUTPUT,
    ),
    takes("a type with a name of a megabyte", "return type('x' * (1 << 20), (), {})()", OUTPUT),
    takes("a list that holds itself", "a = []\na.append(a)\nreturn a", OUTPUT),
    takes("a generator without end", "return iter(int, 1)", OUTPUT),
    takes(
        "an array of a billion predictions",
        "return np.broadcast_to(1.0, (1 << 30,))",
        OUTPUT,
        MEMORY,
        where="predict",
    ),
    takes("a number of ten million digits", "return 10 ** 10_000_000", OUTPUT, TIMEOUT),
    takes("text of an enormous number", "str(10 ** 10_000_000)", RAISED, TIMEOUT),
    takes(
        "a bomb that unpacks",
        "import zlib\nbig = zlib.compress(bytes(1 << 26))\n"
        "kept = [zlib.decompress(big) for _ in range(99)]",
        MEMORY,
    ),
    takes(
        "a program that compiles to gigabytes",
        "compile('a = (1,) * 10 ** 10', '', 'exec')\neval('(1,) * 10 ** 10')",
        MEMORY,
    ),
    attack("a program of five megabytes", program(first="x = '" + "y" * (5 << 20) + "'"), OK),
    attack("a program of deep nesting", "x = " + "(" * 10000, LOAD, MEMORY, CRASH),
    attack("a program of zero bytes", "x = 1\n\0\n", LOAD),
]


@pytest.mark.parametrize("attack", table(ATTACKS))
def test_what_a_program_takes_is_bounded(stopped: Stopped, attack: Attack) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    stopped(attack)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 64 * 1024, "the harness grew (KiB)"
