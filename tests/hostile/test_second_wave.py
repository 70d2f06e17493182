"""A second wave, by somebody who had not written the first: files, processes, the kernel."""

from __future__ import annotations

import os

import pytest
from programs import program

from hostile.attacks import (
    CRASH,
    MEBIBYTE,
    MEMORY,
    OK,
    RAISED,
    TIMEOUT,
    Attack,
    attack,
    table,
)
from hostile.conftest import Stopped

PRELUDE = """
import fcntl, mmap, resource, signal, struct, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(*arguments):
    found = libc.syscall(*[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments])
    if found < 0: raise OSError(ctypes.get_errno(), "refused")
    return found
def none_of(**works):
    done = [name for name, work in works.items() if attempt(work) == "done"]
    raise Report("got through: " + " ".join(done) if done else "refused")
KEPT = []
def code(*octets):
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(bytes(octets))
    KEPT.append(page)
    return ctypes.CFUNCTYPE(ctypes.c_ulong)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
"""
PC = os.uname().machine == "x86_64"


def refused(name: str, *works: str, needs: str, before: str = "") -> Attack:
    """Return an attack of several works, all of which must be refused (it says which were not)."""
    named = ", ".join(f"w{i}=lambda: {work}" for i, work in enumerate(works))
    source = program(first=PRELUDE, fit=f"{before}\nnone_of({named})")
    return attack(name, source, RAISED, needs=needs)


def fits(name: str, body: str, *ends: str, needs: str = "", first: str = "") -> Attack:
    seconds = 0.7 if TIMEOUT in ends else 8.0
    return attack(
        name,
        program(first=PRELUDE + first, fit=body),
        *ends,
        needs=needs,
        fit_seconds=seconds,
        predict_seconds=seconds,
        memory_bytes=128 * MEBIBYTE,
        scratch_bytes=8 * MEBIBYTE,
    )


FILES = [
    refused(
        "the file below its own root in /proc",
        'open("/proc/self/root@TEST@")',
        'open("/proc/self/task/1/root@TEST@")',
        'open("/proc/thread-self/cwd/../..@TEST@")',
        'open("/dev/fd/../root@TEST@")',
        needs="landlock",
    ),
    refused(
        "a path descriptor opened again",
        'open(f"/proc/self/fd/{path}")',
        'open(f"/dev/fd/{path}")',
        "os.read(path, 1)",
        "os.sendfile(1, path, 0, 1)",
        "os.copy_file_range(path, 1, 1)",
        "mmap.mmap(path, 1, prot=mmap.PROT_READ)",
        'call(265, path, b"", -100, b"hard", 0x1000)',
        'os.link(f"/proc/self/fd/{path}", "hard", follow_symlinks=True)',
        needs="landlock",
        before='path = os.open("@TEST@", os.O_PATH)',
    ),
    refused(
        "the file moved, swapped or linked into reach",
        'os.rename("@TEST@", "mine")',
        'os.replace("@TEST@", "candidate.py")',
        'call(316, -100, b"@TEST@", -100, b"candidate.py", 2)',
        'os.rename("candidate.py", "@TEST@")',
        'os.remove("@TEST@")',
        'os.rmdir("@TASK@")',
        'os.link("@TEST@", "here")',
        'os.symlink("x", "@TEST@.x")',
        needs="landlock",
    ),
    refused(
        "its folder as the working folder",
        'open("test.csv")',
        'os.listdir(".")',
        'next(os.scandir("."))',
        'open("../" + os.path.basename(os.getcwd()) + "/test.csv")',
        needs="landlock",
        before='attempt(lambda: os.chdir(os.path.dirname("@TEST@")))',
    ),
    refused(
        "readers of other kinds",
        'linecache.getlines("@TEST@")[0]',
        'np.loadtxt("@TEST@", delimiter=",")',
        'np.fromfile("@TEST@")',
        '__import__("sqlite3").connect("@TEST@").execute("select 1 from x")',
        'importlib.machinery.SourceFileLoader("x", "@TEST@").get_data("@TEST@")',
        'zipfile.ZipFile("@TEST@")',
        'configparser.ConfigParser().read_file(open("@TEST@"))',
        'os.open("@TEST@", os.O_RDONLY | os.O_DIRECT)',
        'os.open("@TEST@", os.O_WRONLY | os.O_APPEND)',
        'call(437, -100, b"@TEST@", bytes(24), 24)',
        needs="landlock",
        before="import configparser, importlib.machinery, linecache, zipfile",
    ),
    refused(
        "windows on memory and disks",
        *(
            f'open("{name}", "rb").read(1)'
            for name in (
                "/dev/mem",
                "/dev/kmsg",
                "/dev/vda",
                "/dev/sda",
                "/dev/zero",
                "/dev/tty",
                "/dev/ptmx",
                "/proc/kcore",
                "/proc/kmsg",
                "/proc/self/mem",
                "/proc/self/maps",
                "/proc/self/environ",
                "/proc/self/mountinfo",
                "/proc/self/pagemap",
                "/proc/kallsyms",
                "/proc/loadavg",
                "/sys/kernel/mm/transparent_hugepage/enabled",
                "/etc/passwd",
                "/run/utmp",
                "/var/log/lastlog",
            )
        ),
        needs="landlock",
    ),
    refused(
        "nodes of its own making",
        'os.mkfifo("fifo")',
        'os.mknod("disk", 0o60600, os.makedev(254, 0))',
        'os.mknod("memory", 0o20600, os.makedev(1, 1))',
        'os.mknod("socket", 0o140600)',
        needs="landlock",
    ),
    refused(
        "attributes of other people's files",
        'os.setxattr("@TEST@", "user.kept", b"x")',
        'os.removexattr("@TEST@", "user.kept")',
        'os.chown("@TEST@", -1, -1)',
        'os.utime("@TEST@")',
        'os.chmod("@TEST@", 0o777)',
        'os.truncate("@TEST@", 0)',
        needs="landlock seccomp",
    ),
    refused(
        "a wider ruleset of its own",
        'open("@TEST@")',
        needs="landlock",
        before="rules = call(444, struct.pack('QQ', 12, 0), 8, 0)\n"
        "top = os.open('/', os.O_PATH)\n"
        "call(445, rules, 1, struct.pack('=Qi', 12, top), 0)\n"
        "call(446, rules, 0)",
    ),
    refused(
        "the standard library changed for the next",
        'open(os.__file__, "r+")',
        'open(os.path.dirname(os.__file__) + "/sitecustomize.py", "w")',
        'open(np.__file__, "a")',
        'os.mkdir(os.path.dirname(os.__file__) + "/__pycache__/@MARK@")',
        "call(285, os.open(os.__file__, os.O_RDONLY), 0, 0, 1 << 20)",
        'mmap.mmap(os.open(np.__file__, os.O_RDONLY), 4096)[0:1] == b""',
        needs="landlock",
    ),
]
POWERS = [
    refused(
        "the cage taken off",
        "call(157, 38, 0, 0, 0, 0)",
        "call(157, 22, 0, 0, 0, 0)",
        "call(157, 28, 0, 0, 0, 0)",
        "call(157, 47, 2, 10, 0, 0)",
        "call(126, struct.pack('<Ii', 0x20080522, 0), struct.pack('<6I', *[0xFFFFFFFF] * 6))",
        needs="namespaces seccomp",
    ),
    refused(
        "another root, other mounts",
        'os.chroot(".")',
        'os.chroot("/")',
        "call(155, b'.', b'.')",
        "call(166, os.getcwd().encode(), 2)",
        "call(165, b'none', b'/tmp', b'tmpfs', 0, 0)",
        "call(165, b'/', os.getcwd().encode(), 0, 4096, 0)",
        "call(430, b'tmpfs', 0)",
        "call(433, -100, b'/', 0)",
        needs="seccomp",
    ),
    refused(
        "powers of root",
        *("call(172, 3)", "call(173, 0, 1, 1)", "call(153)", "call(168, b'/swap')"),
        "call(320, 0, 0, 0, 0, 0)",
        "call(171, b'x', 1)",
        "call(227, 0, struct.pack('qq', 0, 0))",
        "call(103, 5, 0, 0)",
        "call(103, 8, 0, 7)",
        "call(179, 0x80000200, b'/dev/vda', 0, 0)",
        "call(149, id(b'x') + 32, 1 << 40)",
        needs="namespaces seccomp",
    ),
    refused(
        "limits raised again",
        *(
            f"resource.setrlimit(resource.RLIMIT_{name}, (-1, -1))"
            for name in ("NOFILE", "NPROC", "FSIZE", "CPU", "CORE", "AS")
        ),
        "resource.setrlimit(resource.RLIMIT_NICE, (40, 40))",
        "resource.setrlimit(resource.RLIMIT_RTPRIO, (99, 99))",
        needs="namespaces",
    ),
    refused(
        "a process by a thread's flags",
        "call(56, 0x10010F00, 0, 0, 0, 0)",
        "call(56, 0x50010F00, 0, 0, 0, 0)",
        "call(56, 0x4111, 0, 0, 0, 0)",
        "call(56, 0x8111, 0, 0, 0, 0)",
        needs="seccomp",
    ),
    refused(
        "signals by the owner of a pipe",
        "fcntl.fcntl(into, fcntl.F_SETOWN, @NEIGHBOUR@)",
        "fcntl.fcntl(into, fcntl.F_SETOWN, -@PARENT@)",
        "fcntl.fcntl(into, 15, struct.pack('ii', 1, @PARENT@))",
        "os.tcsetpgrp(0, @NEIGHBOUR@)",
        "os.setpgid(@NEIGHBOUR@, 0)",
        "os.getsid(@NEIGHBOUR@)",
        needs="namespaces",
        before="into = os.pipe()[1]",
    ),
    refused(
        "neighbours by calls seldom made",
        "call(256, @NEIGHBOUR@, 64, 0, 0)",
        "call(279, @NEIGHBOUR@, 0, 0, 0, 0, 0)",
        "call(274, @NEIGHBOUR@, bytes(8), bytes(8))",
        "call(251, 1, @NEIGHBOUR@, 3 << 13)",
        "call(314, @NEIGHBOUR@, struct.pack('IIQiIQQQ', 48, 3, 0, 19, 0, 0, 0, 0), 0)",
        "call(144, @NEIGHBOUR@, 3, struct.pack('i', 0))",
        "call(157, 62, 2, @NEIGHBOUR@, 0, 0)",
        "call(448, call(434, @NEIGHBOUR@, 0), 0)",
        "time.pthread_getcpuclockid(0) and time.clock_gettime(~@NEIGHBOUR@ << 3 | 2)",
        needs="namespaces seccomp",
    ),
    fits(
        "the priority of all processes of its user",
        "for who in (0, 1000, 65534):\n"
        "    attempt(lambda: os.setpriority(os.PRIO_USER, who, 19))\n"
        "    attempt(lambda: call(251, 3, who, 3 << 13))",
        OK,
        needs="namespaces",
    ),
]
KERNEL = [
    fits(
        "a call of 32 bits", "code(0xB8, 20, 0, 0, 0, 0xCD, 0x80, 0xC3)()", CRASH, needs="seccomp"
    ),
    fits("a privileged instruction", "code(0xF4, 0xC3)()", CRASH),
    fits("an undefined instruction", "code(0x0F, 0x0B)()", CRASH),
    fits("a breakpoint without a debugger", "code(0xCC, 0xC3)()", CRASH),
    fits("a loop of two bytes", "code(0xEB, 0xFE)()", TIMEOUT),
    fits(
        "a filter of its own that swallows what is written",
        "part = lambda *a: struct.pack('<HBBI', *a)\n"
        "parts = part(32, 0, 0, 0) + part(21, 0, 1, 1) + part(6, 0, 0, 0x50000)\\\n"
        "    + part(6, 0, 0, 0x7FFF0000)\n"
        "room = ctypes.create_string_buffer(parts)\n"
        "call(157, 22, 2, struct.pack('HxxxxxxQ', 4, ctypes.addressof(room)), 0, 0)",
        TIMEOUT,
        CRASH,
    ),
    fits(
        "a filter of its own that kills whoever writes",
        "part = lambda *a: struct.pack('<HBBI', *a)\n"
        "parts = part(32, 0, 0, 0) + part(21, 0, 1, 1) + part(6, 0, 0, 0x80000000)\\\n"
        "    + part(6, 0, 0, 0x7FFF0000)\n"
        "room = ctypes.create_string_buffer(parts)\n"
        "call(157, 22, 2, struct.pack('HxxxxxxQ', 4, ctypes.addressof(room)), 0, 0)",
        CRASH,
    ),
    fits("a clock that traps", "call(157, 26, 2, 0, 0, 0)\ncode(0x0F, 0x31, 0xC3)()", CRASH),
    fits("a jump to a return that is none", "call(15)", CRASH),
    fits(
        "an exit of the first thread, the others go on",
        "threading.Thread(target=time.sleep, args=(60,)).start()\ncall(60, 0)",
        CRASH,
        TIMEOUT,
    ),
    fits(
        "memory by the end of the heap",
        "libc.sbrk.restype = ctypes.c_void_p\n"
        "while libc.sbrk(ctypes.c_long(1 << 20)) != 2 ** 64 - 1: pass\n"
        "raise MemoryError",
        MEMORY,
        CRASH,
    ),
    fits(
        "memory that is not set aside",
        "kept = []\n"
        "while True: kept.append(mmap.mmap(-1, 1 << 24, flags=mmap.MAP_PRIVATE | 0x4000))",
        MEMORY,
    ),
    fits(
        "memory in huge pages", "mmap.mmap(-1, 1 << 31, flags=mmap.MAP_PRIVATE | 0x40000)", MEMORY
    ),
    fits(
        "memory by files in the scratch folder, mapped",
        "file = open('big', 'w+b')\nfile.truncate(8 << 20)\nkept = []\n"
        "while True: kept.append(mmap.mmap(file.fileno(), 8 << 20))",
        MEMORY,
    ),
    fits(
        "names of one file without end",
        "open('f', 'w').close()\nn = 0\nwhile True: os.link('f', 'n' * 240 + str(n)); n += 1",
        RAISED,
        needs="tmpfs",
    ),
    fits(
        "long links without end",
        "n = 0\nwhile True: os.symlink('x' * 4000, str(n)); n += 1",
        RAISED,
        needs="tmpfs",
    ),
    fits(
        "a lock on its own file that it holds already",
        "fcntl.flock(open('l', 'w') if 0 else globals().setdefault('a', open('l', 'w')), 2)\n"
        "fcntl.flock(open('l'), 2)",
        TIMEOUT,
    ),
    fits(
        "timers without end",
        "while True: call(222, 1, 0, bytes(8))",
        RAISED,
    ),
    fits(
        "signals queued without end",
        "signal.pthread_sigmask(signal.SIG_BLOCK, {40})\n"
        "info = struct.pack('iiiiii', 40, 0, -1, 0, 1, 0) + bytes(104)\n"
        "while True: call(129, os.getpid(), 40, info)",
        RAISED,
    ),
    fits(
        "pollers of pollers",
        "import select\nkept = [select.epoll()]\n"
        "while True:\n    kept.append(select.epoll())\n    kept[-1].register(kept[-2], 1)",
        RAISED,
    ),
]


SIGNALS = {
    "a call of 32 bits": 31,
    "a filter of its own that kills whoever writes": 31,
    "a privileged instruction": 11,
    "an undefined instruction": 4,
    "a breakpoint without a debugger": 5,
    "a clock that traps": 11,
}
"""What the kernel says to some of them: they end by it, not by chance."""


@pytest.mark.linux
@pytest.mark.skipif(not PC, reason="the numbers of calls and the instructions are those of x86-64")
@pytest.mark.parametrize("attack", table([*FILES, *POWERS, *KERNEL]))
def test_the_kernel_is_asked_in_vain(stopped: Stopped, attack: Attack) -> None:
    found = stopped(attack)
    if found.error is None:
        return
    message = found.error.message.partition(" [")[0]
    if RAISED in attack.ends and attack in (*FILES, *POWERS):
        assert message == "Report: refused"
    if attack.name in SIGNALS:
        assert message == f"the process was ended by signal {SIGNALS[attack.name]}"
