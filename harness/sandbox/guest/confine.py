"""The cage: what a child puts on before any candidate code runs.

``survey`` finds out once per server what this machine offers; ``enter`` puts all of that on in each
child and fails loudly where a layer that the survey promised is missing.
"""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import select
import struct
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from . import kernel, seccomp

_SPARE_BYTES = 64 * 1024 * 1024
"""Between the soft and the hard memory limit: room to report that memory ran out."""
_OPEN_FILES = 64
_EMPTY = 4096
FIRST_KEPT = 10
"""Descriptors that a child keeps until its cage is on start here; below are its pipes."""
_THREADS = 256

# Landlock's file system rights by the version that brought them.
_RIGHTS_V1 = (1 << 13) - 1
_RIGHT_REFER, _RIGHT_TRUNCATE, _RIGHT_IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_MAKE_CHAR, _MAKE_SOCK, _MAKE_FIFO, _MAKE_BLOCK = 1 << 6, 1 << 9, 1 << 10, 1 << 11
_NETWORK_TCP = 0b11
_SCOPES = 0b11


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """What the kernel enforces on one child."""

    memory_bytes: int
    wall_seconds: float
    scratch_bytes: int


@dataclass(frozen=True, slots=True)
class Cage:
    """What is in force on this machine, and why the rest is not."""

    namespaces: bool = False
    tmpfs: bool = False
    landlock: int = 0
    """The kernel's Landlock version, 0 for none."""
    seccomp: bool = False
    filter: bytes = b""
    """The seccomp filter where it is the same for every child (there is a pid namespace)."""
    missing: tuple[str, ...] = ()
    readable: tuple[int, ...] = ()
    """Open descriptors of what a child may read."""
    rules: tuple[bytes, ...] = ()
    """The Landlock rules that allow it."""
    warm_bytes: int = 0
    """Address space of the warm server."""

    @property
    def layers(self) -> list[str]:
        """Sorted names of what is in force."""
        names = [
            ("landlock", self.landlock > 0),
            ("namespaces", self.namespaces),
            ("rlimits", True),
            ("seccomp", self.seccomp),
            ("tmpfs", self.tmpfs),
        ]
        return [name for name, on in names if on]


def survey(scratch: str, off: frozenset[str] = frozenset()) -> Cage:
    """Find out what this machine offers, by trying each layer in a child of its own.

    Args:
        scratch: An empty folder, the only place that children may write.
        off: Layers that are not to be tried (tests of what holds without them).
    """
    cage = Cage(warm_bytes=_address_space())
    if not kernel.LINUX:
        why = f"not offered by {sys.platform}"
        return replace(
            cage, missing=tuple(f"{x}: {why}" for x in ("landlock", "namespaces", "seccomp"))
        )
    missing = []
    for name, add in _LAYERS:
        wider = "switched off" if name in off else add(cage)
        reason = wider if isinstance(wider, str) else _try(wider, scratch)
        if reason is not None:
            missing.append(f"{name}: {reason}")
        elif isinstance(wider, Cage):
            cage = wider
    return replace(cage, missing=tuple(missing))


def _with_namespaces(cage: Cage) -> Cage:
    return replace(cage, namespaces=True)


def _with_tmpfs(cage: Cage) -> Cage | str:
    return replace(cage, tmpfs=True) if cage.namespaces else "needs namespaces"


def _with_landlock(cage: Cage) -> Cage | str:
    abi = kernel.landlock_abi()
    if not abi:
        return "not in this kernel or switched off"
    opened = _readable_paths()
    rules = tuple(kernel.landlock_rule(rights, fd) for fd, rights in opened)
    return replace(cage, landlock=abi, readable=tuple(fd for fd, _ in opened), rules=rules)


def _with_seccomp(cage: Cage) -> Cage | str:
    if not seccomp.supported(kernel.MACHINE):
        return f"system calls not known on {kernel.MACHINE}"
    shared = seccomp.build(kernel.MACHINE, None) if cage.namespaces else b""
    return replace(cage, seccomp=True, filter=shared)


# In the order in which they are put on: the later ones depend on the earlier.
_LAYERS: tuple[tuple[str, Callable[[Cage], Cage | str]], ...] = (
    ("namespaces", _with_namespaces),
    ("tmpfs", _with_tmpfs),
    ("landlock", _with_landlock),
    ("seccomp", _with_seccomp),
)


def start_child(cage: Cage) -> int:
    """Fork, with new namespaces where the cage has them; returns 0 in the child."""
    return kernel.clone(kernel.ALL_NAMESPACES) if cage.namespaces else os.fork()


def die_with_server(lifeline: tuple[int, int]) -> None:
    """End this child where the server has ended, or when it ends; first thing in a child's life.

    Args:
        lifeline: A pipe whose write end nobody else holds but the server: one that was killed
            before the kernel knew of the wish below would leave its child behind.
    """
    if kernel.LINUX:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, 9)
    read_end, write_end = lifeline
    os.close(write_end)
    if select.select([read_end], [], [], 0)[0]:
        os._exit(1)
    os.close(read_end)


def enter(cage: Cage, scratch: str, limits: ChildLimits, identity: tuple[int, int]) -> None:
    """Put the cage on, in the child, for good.

    Args:
        cage: What the survey found.
        scratch: The scratch folder; the child's working folder afterwards.
        limits: Memory, time and scratch.
        identity: The user and group id as read before the child was started (inside a new user
            namespace they can no longer be read).

    Raises:
        OSError: A layer that the survey promised does not hold.
    """
    os.setsid()  # also in a namespace: a signal to the group would reach the server outside
    if cage.namespaces:
        _map_identity(*identity)
    if cage.tmpfs:
        kernel.mount_tmpfs(scratch, limits.scratch_bytes)
        kernel.mount_tmpfs("/proc", _EMPTY)  # it tells more than a law needs to know
    os.chdir(scratch)
    _limit_resources(cage, limits)
    if kernel.LINUX:
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    if cage.landlock:
        _restrict_files(cage, scratch)
    if kernel.LINUX:
        kernel.drop_capabilities()  # root's own, too, where there is no user namespace
    if cage.seccomp:
        kernel.install_filter(cage.filter or seccomp.build(kernel.MACHINE, os.getpid()))


def release_spare_memory() -> None:
    """Raise the soft memory limit to the hard one, so that running out can be reported."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def _address_space() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    except OSError:
        return 0
    return pages * resource.getpagesize()


def _try(cage: Cage, scratch: str) -> str | None:
    """Return None when a child can put this cage on, else the reason why not."""
    identity = (os.getuid(), os.getgid())
    read_end, write_end = os.pipe()
    try:
        pid = start_child(cage)
    except OSError as error:
        os.close(read_end)
        os.close(write_end)
        if error.errno == errno.ENOSPC:
            return "no user namespace left (see user.max_user_namespaces)"
        return error.strerror or str(error)
    if pid == 0:
        try:
            os.close(read_end)
            enter(cage, scratch, ChildLimits(1 << 31, 60.0, 1 << 20), identity)
            probe = Path(scratch) / "probe"
            probe.write_bytes(b"x")
            probe.unlink()
        except BaseException as error:  # whatever it is, it is the answer
            os.write(write_end, str(error).encode("utf-8", "replace")[:200] or b"?")
        finally:
            os._exit(0)
    os.close(write_end)
    answer = os.read(read_end, 200)
    os.close(read_end)
    os.waitpid(pid, 0)
    return answer.decode("utf-8", "replace") or None


def _map_identity(uid: int, gid: int) -> None:
    # The child is nobody in particular inside: an unprivileged id, no second group.
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"1000 {uid} 1"),
        ("gid_map", f"1000 {gid} 1"),
    ):
        descriptor = os.open(f"/proc/self/{name}", os.O_WRONLY)
        try:
            os.write(descriptor, text.encode("ascii"))
        finally:
            os.close(descriptor)


def _limit_resources(cage: Cage, limits: ChildLimits) -> None:
    soft = cage.warm_bytes + limits.memory_bytes
    cpu = int(limits.wall_seconds) + 5
    wanted = [
        ("RLIMIT_CPU", cpu, cpu),
        ("RLIMIT_CORE", 0, 0),
        ("RLIMIT_FSIZE", limits.scratch_bytes, limits.scratch_bytes),
        ("RLIMIT_NOFILE", _OPEN_FILES, _OPEN_FILES),
    ]
    if kernel.LINUX:
        wanted.append(("RLIMIT_AS", soft, soft + _SPARE_BYTES))
    if cage.namespaces:
        # Elsewhere the count is the user's, neighbours included, and would fail the innocent.
        wanted.append(("RLIMIT_NPROC", _THREADS, _THREADS))
    for name, low, high in wanted:
        what = getattr(resource, name)
        _, ceiling = resource.getrlimit(what)
        if ceiling == resource.RLIM_INFINITY:
            resource.setrlimit(what, (low, high))
        else:
            resource.setrlimit(what, (min(low, ceiling), min(high, ceiling)))


def _handled(abi: int) -> int:
    rights = _RIGHTS_V1
    for version, right in ((2, _RIGHT_REFER), (3, _RIGHT_TRUNCATE), (5, _RIGHT_IOCTL_DEV)):
        if abi >= version:
            rights |= right
    return rights


def _restrict_files(cage: Cage, scratch: str) -> None:
    handled = _handled(cage.landlock)
    network = _NETWORK_TCP if cage.landlock >= 4 else 0
    scopes = _SCOPES if cage.landlock >= 6 else 0
    fields = 1 + (cage.landlock >= 4) + (cage.landlock >= 6)
    ruleset = kernel.landlock_ruleset(struct.pack("=QQQ", handled, network, scopes)[: 8 * fields])
    kernel.landlock_allow(ruleset, cage.rules)
    refused = _EXECUTE | _MAKE_CHAR | _MAKE_SOCK | _MAKE_FIFO | _MAKE_BLOCK | _RIGHT_IOCTL_DEV
    folder = os.open(scratch, os.O_PATH | os.O_DIRECTORY)
    kernel.landlock_allow(ruleset, [kernel.landlock_rule(handled & ~refused, folder)])
    os.close(folder)
    kernel.landlock_restrict(ruleset)
    os.close(ruleset)
    # Their work is done, and a child keeps no descriptor that it does not need.
    os.closerange(FIRST_KEPT, max(cage.readable) + 1)


def _readable_paths() -> tuple[tuple[int, int], ...]:
    """Open what a child may read: the standard library, numpy and scipy, two devices."""
    import numpy
    import scipy

    paths: set[Path] = set()
    for name in ("stdlib", "platstdlib"):
        for entry in Path(sysconfig.get_path(name)).iterdir():
            if entry.name not in {"site-packages", "dist-packages", "__pycache__"}:
                paths.add(entry)
    for package in (numpy, scipy):
        folder = Path(package.__path__[0])
        paths.add(folder)
        bundled = folder.with_name(f"{folder.name}.libs")
        if bundled.is_dir():
            paths.add(bundled)
    wanted = [
        (path, _READ_FILE | _READ_DIR if path.is_dir() else _READ_FILE) for path in sorted(paths)
    ]
    wanted += [(Path("/dev/null"), _READ_FILE | _WRITE_FILE), (Path("/dev/urandom"), _READ_FILE)]
    return tuple((_open_path(path), rights) for path, rights in wanted)


def _open_path(path: Path) -> int:
    low = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        return fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, FIRST_KEPT)
    finally:
        os.close(low)
