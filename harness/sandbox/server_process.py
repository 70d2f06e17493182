"""The harness's end of one warm server: starting it, its children's pipes, ending it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.limits import Limits
from harness.sandbox.calls import SandboxBroken

_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from guest.server import main; main(int(sys.argv[2]), *sys.argv[3:])"
)
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
BLAS_THREADS = 1
"""Threads of linear algebra in a child: sums come out alike, and neighbours are left alone."""
_START_SECONDS = 60.0
_REPORT_SECONDS = 5.0
"""How long a server may take to report the end of a child."""
_GOODBYE_SECONDS = 2.0
"""How long a server may take to end what it runs once the harness has hung up."""


@dataclass(slots=True)
class ChildEnd:
    """How a child ended, as its server reports it."""

    code: int
    signal: int
    timed_out: bool
    ordered: bool
    """Whether it had to be killed after it closed its pipe."""
    cpu_seconds: float
    peak_bytes: int


@dataclass(slots=True)
class Pipes:
    """Our ends of a child's pipes, and what came through them."""

    request: int
    reply: int
    output: int
    buffer: bytearray = field(default_factory=bytearray)
    printed: bytearray = field(default_factory=bytearray)
    caged: bool = False
    """Whether the child has said that its isolation is on."""
    reply_open: bool = True
    output_open: bool = True

    def close(self) -> None:
        """Close all three."""
        for descriptor in (self.request, self.reply, self.output):
            os.close(descriptor)


class ServerProcess:
    """One warm server and the child that it has at present; not thread-safe but for ``kill``."""

    def __init__(self, layers_off: str, preload: str) -> None:
        """Prepare a server; ``ensure`` starts it.

        Args:
            layers_off: Comma-separated names of isolation layers to leave off.
            preload: Comma-separated modules to load besides the common ones.
        """
        self._layers_off = layers_off
        self._preload = preload
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._scratch: str | None = None
        self._closed = threading.Event()
        self.layers: tuple[str, ...] = ()
        self.missing: tuple[str, ...] = ()
        self.printed = bytearray()
        """What children printed since it was last taken."""
        self.cut = False
        """Whether they printed more than is kept."""

    def kill(self) -> None:
        """End the server and what it runs for good, at once, from any thread."""
        self._closed.set()
        control = self._control
        if control is not None:
            # The server ends its child and all that the child started, then itself.
            with contextlib.suppress(OSError):
                control.shutdown(socket.SHUT_RDWR)

    def ensure(self) -> None:
        """Start the server unless it runs.

        Raises:
            SandboxBroken: It cannot be started, or was killed for good.
        """
        if self._closed.is_set():
            msg = "the sandbox is closed"
            raise SandboxBroken(msg)
        if self._process is not None and self._process.poll() is None:
            return
        self.drop()
        from harness.sandbox.guest.server import __file__ as server_file

        self._scratch = tempfile.mkdtemp(prefix="sld-scratch-")
        ours, theirs = socket.socketpair()
        package = str(Path(server_file).parents[1])
        boot = [package, str(theirs.fileno()), self._scratch, self._layers_off, self._preload]
        self._process = subprocess.Popen(
            [sys.executable, "-s", "-P", "-B", "-c", _BOOT, *boot],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=_fixed_environment(),
            cwd="/",
            pass_fds=[theirs.fileno()],
            start_new_session=True,  # Ctrl-C reaches the harness only
        )
        theirs.close()
        self._control = ours
        if self._closed.is_set():  # killed from another thread just now
            self.drop()
            msg = "the sandbox is closed"
            raise SandboxBroken(msg)
        ready = self._read_ready(ours)
        self.layers = tuple(ready["layers"])
        self.missing = tuple(ready["missing"])

    def _read_ready(self, control: socket.socket) -> dict[str, Any]:
        control.settimeout(_START_SECONDS)
        line = b""
        try:
            while not line.endswith(b"\n"):
                chunk = control.recv(4096)
                if not chunk:
                    complaint = self._complaint()
                    self.drop()  # one that is still ending must not be taken for a running one
                    raise SandboxBroken(f"the sandbox's server did not start: {complaint}")
                line += chunk
        except TimeoutError as error:
            self.drop()
            msg = f"the sandbox's server did not start within {_START_SECONDS:.0f} s"
            raise SandboxBroken(msg) from error
        control.settimeout(None)
        return dict(json.loads(line))

    def _complaint(self) -> str:
        process = self._process
        if process is None or process.stderr is None:
            return "no message"
        process.kill()
        lines = process.stderr.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "no message"

    def drop(self) -> None:
        """End the server, if there is one, and remove its scratch folder."""
        # Each part is taken first and ended then: on Ctrl-C a thread that scores and the one that
        # cleans up may be here at once, and ending anything twice does no harm.
        control, self._control = self._control, None
        process, self._process = self._process, None
        scratch, self._scratch = self._scratch, None
        if control is not None:
            control.close()
        if process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GOODBYE_SECONDS)  # it saw the control socket close
            process.kill()
            process.wait()
            if process.stderr is not None:
                process.stderr.close()
        if scratch is not None:
            with contextlib.suppress(FileNotFoundError):  # the server has removed it
                _empty(Path(scratch))
                os.rmdir(scratch)

    def spawn(self, limits: Limits, seconds: float) -> Pipes:
        """Start a child and return our ends of its pipes.

        Args:
            limits: Memory and scratch.
            seconds: Wall time of the child's whole life.

        Raises:
            SandboxBroken: The server is gone.
        """
        from harness.sandbox.guest.server import SPAWN

        request_read, request_write = os.pipe()
        reply_read, reply_write = os.pipe()
        output_read, output_write = os.pipe()
        pipes = Pipes(request_write, reply_read, output_read)
        for descriptor in (request_write, reply_read, output_read):
            os.set_blocking(descriptor, False)
        order = b"S" + SPAWN.pack(limits.memory_bytes, seconds, limits.scratch_bytes)
        try:
            socket.send_fds(self._socket(), [order], [request_read, reply_write, output_write])
        except OSError as error:
            pipes.close()
            self.drop()
            raise SandboxBroken(f"the sandbox's server is gone: {error}") from error
        except BaseException:  # Ctrl-C: a child may have been started that nobody would end
            pipes.close()
            self.drop()
            raise
        finally:
            for descriptor in (request_read, reply_write, output_write):
                os.close(descriptor)
        return pipes

    def _socket(self) -> socket.socket:
        if self._control is None:
            msg = "the sandbox has no server"
            raise SandboxBroken(msg)
        return self._control

    def finish(self, *, patient: bool = False) -> ChildEnd:
        """Have the present child ended and return its server's report.

        Args:
            patient: Whether it may be ending by itself, and is given a moment to do so.

        Raises:
            SandboxBroken: The server gave no report; it is ended.
        """
        from harness.sandbox.guest.server import AWAIT, EXIT, KILL

        control = self._socket()
        control.settimeout(_REPORT_SECONDS)
        data = b""
        try:
            control.sendall(AWAIT if patient else KILL)
            while len(data) < EXIT.size:
                chunk = control.recv(EXIT.size - len(data))
                if not chunk:
                    break
                data += chunk
        except OSError:
            data = b""
        except BaseException:  # Ctrl-C: a report left unread would be taken for the next child's
            self.drop()
            raise
        if len(data) < EXIT.size:
            self.drop()
            msg = "the sandbox's server died or hangs"
            raise SandboxBroken(msg)
        control.settimeout(None)
        if "tmpfs" not in self.layers and self._scratch is not None:
            _empty(Path(self._scratch))  # a tmpfs vanished with its child
        code, signal, timed_out, ordered, _wall, cpu, peak = EXIT.unpack(data)
        return ChildEnd(code, signal, bool(timed_out), bool(ordered), cpu, peak)


def _empty(folder: Path) -> None:
    """Remove everything in a folder, also what a program made unreadable to hide it."""
    for parent, names, _ in os.walk(folder):  # never follows links
        for name in names:
            path = Path(parent, name)
            if not path.is_symlink():
                path.chmod(0o700)
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)


def _fixed_environment() -> dict[str, str]:
    fixed = dict.fromkeys(_THREAD_VARIABLES, str(BLAS_THREADS))
    fixed |= {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}
    for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):
        if name in os.environ:  # some installs cannot start Python without it
            fixed[name] = os.environ[name]
    return fixed
