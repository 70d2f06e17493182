"""The warm server: a single-threaded interpreter with numpy and scipy loaded that only forks.

It never reads a payload: each request on its control socket carries the three pipe ends of a child,
which it hands over and closes. It kills the child at its deadline, when told to, and when the
harness is gone.

On the control socket: ``S`` and ``SPAWN`` with three descriptors (start a child), ``K`` (kill the
present one, or nothing), ``W`` (the same, but give it a moment to end by itself). Back: one
``READY`` line of JSON, then one ``EXIT`` for each child.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import select
import shutil
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from . import confine, kernel

SPAWN = struct.Struct("<QdQ")  # memory bytes, wall seconds, scratch bytes
# Code, signal, timed out, killed by order, wall s, cpu s, peak RSS bytes.
EXIT = struct.Struct("<iiiiddQ")
KILL, AWAIT = b"K", b"W"
_PATIENCE_MS = 200.0
"""How long ``AWAIT`` waits for a child that is ending by itself."""
_PRELOADED = (
    # What programs commonly import: loaded once here instead of in every child, and before the
    # cage hides the system libraries that some of them need.
    "bz2", "collections", "copy", "csv", "ctypes", "dataclasses", "decimal", "enum", "fractions",
    "functools", "hashlib", "heapq", "inspect", "io", "itertools", "json", "logging", "lzma",
    "math", "operator", "pathlib", "pickle", "random", "re", "statistics", "string", "tempfile",
    "textwrap", "time", "traceback", "typing", "uuid", "warnings", "zlib",
    "numpy", "numpy.linalg", "numpy.random", "scipy",
)  # fmt: skip


def main(control_fd: int, scratch: str, off: str = "", more: str = "") -> None:
    """Serve until the other end of the control socket is closed.

    Args:
        control_fd: The control socket.
        scratch: An empty folder for the children; removed at the end.
        off: Names of layers that are not to be put on, separated by commas.
        more: Modules to load besides the common ones, separated by commas.
    """
    for name in (*_PRELOADED, *filter(None, more.split(","))):
        with contextlib.suppress(ImportError):
            __import__(name)
    from . import child
    from .program import guard_imports

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the harness's to handle
    sys.path[:] = [entry for entry in sys.path if Path(entry) != Path(__file__).parents[1]]
    control = socket.socket(fileno=control_fd)
    if kernel.LINUX:
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    cage = confine.survey(scratch, frozenset(off.split(",")))
    ready = {"layers": cage.layers, "missing": list(cage.missing)}
    # Once here instead of in every child: empty environment, no modules that are out of bounds.
    os.environ.clear()
    guard_imports()
    gc.collect()
    gc.freeze()  # spares children the copies that a collection would make of shared pages
    with contextlib.suppress(ConnectionError):  # the harness is gone
        control.sendall(json.dumps(ready).encode("utf-8") + b"\n")
        _serve(control, cage, scratch, child.live)
    shutil.rmtree(scratch, ignore_errors=True)  # it cannot do this itself when it was killed
    os._exit(0)


def _serve(
    control: socket.socket, cage: confine.Cage, scratch: str, live: Callable[..., None]
) -> None:
    lifeline = os.pipe()  # its write end is this process's alone
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1, 3)
        if not message:
            return
        if message in {KILL, AWAIT}:
            continue
        memory, wall, size = SPAWN.unpack(_receive(control, SPAWN.size))
        limits = confine.ChildLimits(memory, wall, size)
        identity = (os.getuid(), os.getgid())
        started = time.monotonic()
        pid = confine.start_child(cage)
        if pid == 0:
            confine.die_with_server(lifeline)
            request, reply, output = descriptors
            live((request, reply, output), cage, scratch, limits, identity)
        for descriptor in descriptors:
            os.close(descriptor)
        end = _watch(control, pid, started + wall, namespaces=cage.namespaces)
        if end.harness_gone:
            return
        control.sendall(end.pack(started))


class _End(NamedTuple):
    """How one child ended."""

    status: int
    usage: resource.struct_rusage
    timed_out: bool
    ordered: bool
    harness_gone: bool

    def pack(self, started: float) -> bytes:
        """Return the report that goes over the control socket."""
        code = os.waitstatus_to_exitcode(self.status)
        cpu = self.usage.ru_utime + self.usage.ru_stime
        peak = self.usage.ru_maxrss * (1024 if kernel.LINUX else 1)
        wall = time.monotonic() - started
        flags = int(self.timed_out), int(self.ordered)
        return EXIT.pack(max(code, 0), max(-code, 0), *flags, wall, cpu, peak)


def _watch(control: socket.socket, pid: int, deadline: float, *, namespaces: bool) -> _End:
    """Wait for the child's end; kill it at the deadline, when told to, when the harness is gone."""
    timed_out = alone = ordered = False
    poller = select.poll()
    poller.register(control, select.POLLIN)
    pidfd = _pidfd(pid)
    if pidfd is not None:
        poller.register(pidfd, select.POLLIN)
    while True:
        left = deadline - time.monotonic()
        if left <= 0 and not timed_out:
            timed_out = True
            _kill(pid, namespaces=namespaces)
        wait = 1000.0 if timed_out else max(left, 0.0) * 1000.0
        ready = {fd for fd, _ in poller.poll(wait if pidfd is not None else min(wait, 5.0))}
        if control.fileno() in ready:
            message = _next(control)
            if message == AWAIT:
                ordered = not _ends_by_itself(pidfd)
            _kill(pid, namespaces=namespaces)
            if not message:
                alone = True
                poller.unregister(control)
        if pidfd is not None and pidfd not in ready:
            continue
        done, status, usage = os.wait4(pid, os.WNOHANG)
        if done:
            if pidfd is not None:
                os.close(pidfd)
            if not namespaces:
                _sweep(pid)
            return _End(status, usage, timed_out, ordered, alone)


def _ends_by_itself(pidfd: int | None) -> bool:
    """Wait a little for a child whose pipe was closed: it may be ending, for whatever reason."""
    if pidfd is None:
        return False
    poller = select.poll()
    poller.register(pidfd, select.POLLIN)
    return bool(poller.poll(_PATIENCE_MS))


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):  # not this system, or an old kernel
        return None


def _kill(pid: int, *, namespaces: bool) -> None:
    """Kill the child and all that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)  # the kernel ends the whole pid namespace with its first
    if not namespaces:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def _sweep(pid: int) -> None:
    """Without a pid namespace: end descendants that left the group; they are our children now."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    while True:
        for orphan in _children():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(orphan, signal.SIGKILL)
        try:
            os.wait4(-1, 0)
        except ChildProcessError:
            return


def _children() -> list[int]:
    own = os.getpid()
    try:
        text = Path(f"/proc/{own}/task/{own}/children").read_text("ascii")
    except OSError:
        return []
    return [int(word) for word in text.split()]


def _next(control: socket.socket) -> bytes:
    """Return the next byte, nothing when the harness is gone."""
    try:
        return control.recv(1)
    except ConnectionError:
        return b""


def _receive(control: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        chunk = control.recv(size - len(data))
        if not chunk:
            raise ConnectionError
        data += chunk
    return data
