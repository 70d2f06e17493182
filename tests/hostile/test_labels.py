"""Reading the labels of the held-out rows, wherever they might lie."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Scorer
from programs import program

from harness.sandbox import Sandbox
from harness.tasks import Task
from hostile.attacks import OK, RAISED, Attack, attack, table
from hostile.conftest import Stopped

# `answer(text, rows)` finds the labels of rows in the text of the task's file. 1.769231 is the
# label of the test row of size 13; written so that the program does not itself hold its bytes.
PRELUDE = """
import gc, re, struct, sys, types
LABEL = int.from_bytes(struct.pack("<d", 3.538462 / 2)[::-1], "big")
KEY = 0x5A5A5A5A5A5A5A5A
HIDDEN = LABEL ^ KEY
del LABEL
def answer(text, rows, params):
    group = "a" if params[0] < 4.0 else "b"
    lines = re.findall(group + r",([0-9.]+),([0-9.]+),([0-9.]+)", text)
    known = {(float(a), float(b)): float(c) for a, b, c in lines}
    return np.array([known.get(tuple(row), 0.0) for row in rows.tolist()])
def holds(array):
    if array.dtype != np.float64 or not array.size:
        return False
    return bool((np.ascontiguousarray(array).view(np.uint64) ^ np.uint64(KEY)
                 == np.uint64(HIDDEN)).any())
"""


def steals(name: str, body: str, *, needs: str = "", first: str = "") -> Attack:
    """Return an attack whose ``body`` returns the text of the test file if it can get it."""
    steal = "def steal():\n" + "\n".join(f"    {line}" for line in body.strip().splitlines()) + "\n"
    predict = """
        try:
            text = steal()
        except (OSError, ImportError, AttributeError, ValueError):
            text = None
        if text:
            return answer(text, data_points, params)
    """
    source = program(first=PRELUDE + first + steal, predict=predict)
    return attack(name, source, OK, needs=needs)


def finds(name: str, body: str, *, needs: str = "", first: str = "") -> Attack:
    """Return an attack that ends well only if ``found`` holds nothing (raises what it found)."""
    source = program(
        first=PRELUDE + first,
        predict=body + "\nif found: raise Report(repr(found))",
    )
    return attack(name, source, OK, needs=needs)


ATTACKS = [
    steals("the file by its path", 'return open("@TEST@").read()', needs="landlock"),
    steals(
        "the file by a descriptor of its folder",
        'import os.path\nfolder = os.open(os.path.dirname("@TEST@"), os.O_PATH)\n'
        'return os.fdopen(os.open("test.csv", os.O_RDONLY, dir_fd=folder)).read()',
        needs="landlock",
    ),
    steals(
        "the file through a link in the scratch folder",
        'os.path.lexists("link") or os.symlink("@TEST@", "link")\nreturn open("link").read()',
        needs="landlock",
    ),
    steals(
        "the file through a hard link",
        'os.path.lexists("hard") or os.link("@TEST@", "hard")\nreturn open("hard").read()',
        needs="landlock",
    ),
    steals(
        "the file below the harness's root in /proc",
        'return open("/proc/@PARENT@/root@TEST@").read()',
        needs="landlock",
    ),
    steals(
        "the file by a walk over the disk",
        "import os.path\n"
        'for folder, _, files in os.walk(os.path.dirname(os.path.dirname("@TEST@"))):\n'
        '    if "test.csv" in files:\n        return open(folder + "/test.csv").read()',
        needs="landlock",
    ),
    steals(
        "the file mapped by numpy",
        'return np.memmap("@TEST@", mode="r").tobytes().decode()',
        needs="landlock",
    ),
    steals(
        "the file read by C",
        "libc = ctypes.CDLL(None)\nlibc.fopen.restype = ctypes.c_void_p\n"
        'file = libc.fopen(b"@TEST@", b"r")\n'
        "if not file:\n    return None\n"
        "room = ctypes.create_string_buffer(4096)\n"
        "libc.fread(room, 1, 4096, ctypes.c_void_p(file))\nreturn room.value.decode()",
        needs="landlock",
    ),
    steals(
        "the file by a raw system call in a new thread",
        "import threading\nfound = []\n"
        "def work():\n    fd = ctypes.CDLL(None).syscall(2, b'@TEST@', 0, 0)\n"
        "    if fd >= 0: found.append(os.read(fd, 4096).decode())\n"
        "thread = threading.Thread(target=work)\nthread.start()\nthread.join()\n"
        "return ''.join(found)",
        needs="landlock",
    ),
    steals(
        "what open descriptors hold",
        "text = ''\n"
        "for number in range(256):\n"
        "    try:\n        os.set_blocking(number, False)\n"
        "        text += os.read(number, 1 << 16).decode('latin-1')\n"
        "        os.set_blocking(number, True)\n"
        "    except OSError:\n"
        "        attempt(lambda: os.set_blocking(number, True))\n"
        "return text if re.search(r'[ab],1[3-8]', text) else None",
    ),
    steals(
        "the descriptors of the harness in /proc",
        'for name in os.listdir("/proc/@PARENT@/fd"):\n'
        '    text = open("/proc/@PARENT@/fd/" + name, errors="replace").read(4096)\n'
        "    if 'loss' in text:\n        return text",
        needs="landlock",
    ),
    finds(
        "the harness's memory in /proc",
        'found = [p for p in ("@PARENT@", os.getppid(), 1) for f in ("mem", "maps", "environ")\n'
        '         if attempt(lambda: open(f"/proc/{p}/{f}", "rb")) == "done"]',
        needs="landlock",
    ),
    finds(
        "the harness's memory by process_vm_readv",
        "room = ctypes.create_string_buffer(8)\n"
        "class Part(ctypes.Structure):\n"
        "    _fields_ = [('base', ctypes.c_void_p), ('size', ctypes.c_size_t)]\n"
        "here, there = Part(ctypes.addressof(room), 8), Part(id(None), 8)\n"
        "call = ctypes.CDLL(None).process_vm_readv\n"
        "found = [p for p in (@PARENT@, os.getppid()) if\n"
        "         call(p, ctypes.byref(here), 1, ctypes.byref(there), 1, 0) > 0]",
        needs="seccomp",
    ),
    finds(
        "what frames hold",
        "found, frame = [], sys._getframe()\n"
        "while frame:\n"
        "    for value in list(frame.f_locals.values()) + list(frame.f_globals.values()):\n"
        "        values = value if isinstance(value, (list, tuple)) else [value]\n"
        "        found += [1 for one in values if isinstance(one, np.ndarray) and holds(one)]\n"
        "    frame = frame.f_back",
    ),
    finds(
        "what the collector knows",
        "gc.unfreeze()\nfound, seen = [], set()\n"
        "for thing in gc.get_objects():\n"
        "    for one in [thing, *gc.get_referents(thing)]:\n"
        "        if isinstance(one, np.ndarray) and id(one) not in seen:\n"
        "            seen.add(id(one))\n"
        "            found += [1] if holds(one) else []",
    ),
    finds(
        "its own heap, page by page",
        "write, size = ctypes.CDLL(None).write, 4096\n"
        "out, into = os.pipe()\n"
        "os.set_blocking(into, False)\n"
        "found, middle = [], id(object()) // size * size\n"
        "page, end = middle - 4000 * size, middle + 4000 * size\n"
        "while page < end:\n"
        "    done = write(into, ctypes.c_void_p(page), ctypes.c_size_t(16 * size))\n"
        "    if done < size:\n"
        "        page += size\n"
        "        continue\n"
        "    raw = np.frombuffer(os.read(out, done), np.uint64, done // 8)\n"
        "    if (raw ^ np.uint64(KEY) == np.uint64(HIDDEN)).any():\n"
        "        found.append(page)\n"
        "    page += done // size * size\n"
        "os.close(out); os.close(into)",
    ),
    finds(
        "modules of the harness that are loaded",
        "own = [n for n in sys.modules if n.partition('.')[0] in ('harness', 'pandas', 'guest')]\n"
        "found = own + [m.__name__ for m in gc.get_objects() if isinstance(m, types.ModuleType)\n"
        "               and m.__name__.startswith(('harness', 'pandas'))]",
    ),
    finds(
        "modules of the harness on the disk",
        "sys.meta_path[:] = [f for f in sys.meta_path if 'Guard' not in type(f).__name__]\n"
        f"sys.path.append({str(Path(__file__).parents[2])!r})\n"
        "sys.path_importer_cache.clear()\n"
        "found = [n for n in ('harness', 'conftest') if attempt(lambda: __import__(n)) == 'done']",
        needs="landlock",
    ),
    finds(
        "labels in what it is asked",
        "found = [name for name in ('loss', 'targets', 'labels') if name in repr(\n"
        "    [f.f_locals.get('body') for f in (sys._getframe(1), sys._getframe(2),\n"
        "     sys._getframe(3), sys._getframe(4))]).replace(\"'targets': ['loss']\", '')]",
    ),
    attack(
        "a law that reads the file",
        'def law(input_data, group):\n    rows = open("@TEST@").read()\n'
        '    return [{"loss": float(rows[-4:]) } for row in input_data]\n',
        RAISED,
        needs="landlock",
    ),
]


@pytest.mark.parametrize("attack", table(ATTACKS))
def test_labels_are_out_of_reach(stopped: Stopped, attack: Attack) -> None:
    stopped(attack)


def test_labels_in_the_environment_of_the_harness_stay_there(
    stopped: Stopped, wide_task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLD_LABELS", wide_task.files()[1].read_text("utf-8"))
    reads = steals(
        "the environment",
        "libc = ctypes.CDLL(None)\nlibc.getenv.restype = ctypes.c_char_p\n"
        'raw = libc.getenv(b"SLD_LABELS") or b""\n'
        'return os.environ.get("SLD_LABELS") or raw.decode()',
    )
    with Sandbox() as box:
        stopped(reads, box=box)


@pytest.mark.linux
@pytest.mark.parametrize("attack", table(one for one in ATTACKS[:9] if "hard link" not in one.name))
def test_without_landlock_the_file_is_read_and_the_record_says_what_was_missing(
    outcome_of: Scorer,
    wide_task: Task,
    fill: Callable[[str], str],
    caged: Sandbox,
    sandbox_without: Callable[..., Sandbox],
    attack: Attack,
) -> None:
    """The attacks are real: it is Landlock that keeps them out."""
    box = sandbox_without("landlock")
    found = outcome_of(fill(attack.program), wide_task, box=box).evaluation
    assert found.scorecard()["isolation_missing"] == ["landlock: switched off"]
    if "/proc" in attack.name and os.getuid() != 0:
        pytest.skip("other users' processes are out of reach by themselves")
    if "/proc" not in attack.name:
        assert found.r2 == pytest.approx(1.0)
