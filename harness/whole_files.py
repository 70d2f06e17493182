"""Files that are there as a whole or not at all, and folders that one writes to at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

_OPEN_TO_READ = 0o644


def place(path: Path, content: bytes) -> bool:
    """Put a whole file where there is none, at once and for good; False where there is one.

    Raises:
        OSError: It cannot be written.
    """
    with _whole(path.parent, content, _OPEN_TO_READ) as whole:
        try:
            os.link(whole, path)
        except FileExistsError:
            return False
    return True


def replace(path: Path, content: bytes, *, lasting: bool = True) -> None:
    """Put a whole file where there may be one: at no time is there less than one of the two.

    Args:
        path: The file; its folder is there.
        content: What it will hold.
        lasting: Wait until it is on the disk; what can be made again at once need not be.

    Raises:
        OSError: It cannot be written; what was there is as it was.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        mode = _OPEN_TO_READ
    with _whole(path.parent, content, mode, lasting=lasting) as whole:
        os.replace(whole, path)


@contextlib.contextmanager
def _whole(folder: Path, content: bytes, mode: int, *, lasting: bool = True) -> Iterator[str]:
    """Lend a hidden file that is written to the end, under a name of its own."""
    descriptor, name = tempfile.mkstemp(prefix=".", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            if lasting:
                os.fsync(file.fileno())
        os.chmod(name, mode)
        yield name
    finally:
        with contextlib.suppress(FileNotFoundError):  # it has its place
            os.unlink(name)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep others who would do the same from a folder, for as long as the block takes.

    The lock is on the folder itself: nothing is left behind, also by a process that is killed.

    Raises:
        OSError: There is no such folder.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # Some network file systems have no locks for folders. Files are still replaced at once.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
