"""The small files among programs: read bounded and never through a link, written whole or not."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml

from harness.errors import UserError, one_line
from harness.yaml_keys import SafeLoader, UniqueKeyLoader

_OPEN_TO_READ = 0o644


def shown(path: Path) -> str:
    """Return a path for a message: folders from elsewhere may be called anything."""
    text = str(path).encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def refuse_link(file: Path, what: str = "the program") -> None:
    """Refuse a link that was found among programs.

    Args:
        file: What was found.
        what: What was expected there.

    Raises:
        UserError: It is one.
    """
    if file.is_symlink():
        raise UserError(
            f"{shown(file)}: is a link; expected {what} itself: its text is published, and a link "
            "may lead to anything"
        )


def read_yaml(path: Path, what: str, *, most_bytes: int, longest: int) -> object:
    """Return what a small YAML file of plain values holds; None for an empty one.

    Args:
        path: The file; it is there.
        what: What it is, for messages.
        most_bytes: No more of it is read.
        longest: Characters that one value may have.

    Raises:
        UserError: It is a link, no regular file, too large, not readable, or not such YAML; a key
            that appears twice is named with its line.
    """
    refuse_link(path, what)
    try:
        # A pipe would block for ever, a device may be endless.
        if not stat.S_ISREG(path.stat().st_mode):
            raise UserError(f"{shown(path)}: no regular file; expected {what}")
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
    except OSError as error:
        raise UserError(f"{shown(path)}: cannot be read: {error.strerror or error}") from error
    if len(content) > most_bytes:
        raise UserError(f"{shown(path)}: larger than {most_bytes:,} bytes, the most that is read")
    try:
        text = content.decode("utf-8")
        _check_plain(text, longest)
        return yaml.load(text, UniqueKeyLoader)  # noqa: S506
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = "" if mark is None else f", line {mark.line + 1}"
        problem = one_line(str(error.problem))
        raise UserError(f"{shown(path)}{line}: not YAML: {problem}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        words = one_line(" ".join(str(error).split()))
        raise UserError(f"{shown(path)}: not YAML: {words}") from error


def _check_plain(text: str, longest: int) -> None:
    """Refuse what plain values do not need and a loader trips over: aliases, tags, endless scalars.

    Raises:
        YAMLError: There is such a thing, or the text is not YAML.
    """
    for event in yaml.parse(text, SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError("expected plain values, got an alias")
        if isinstance(event, yaml.NodeEvent) and getattr(event, "tag", None) is not None:
            raise yaml.YAMLError("expected plain values, got a tag")
        if isinstance(event, yaml.ScalarEvent) and len(event.value) > longest:
            raise yaml.YAMLError(
                f"expected plain values, got one of {len(event.value):,} characters"
            )


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


def replace(path: Path, content: bytes) -> None:
    """Put a whole file where there may be one: at no time is there less than one of the two.

    Raises:
        OSError: It cannot be written; what was there is as it was.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        mode = _OPEN_TO_READ
    with _whole(path.parent, content, mode) as whole:
        os.replace(whole, path)


@contextlib.contextmanager
def _whole(folder: Path, content: bytes, mode: int) -> Iterator[str]:
    """Lend a hidden file that is written to the end, under a name of its own."""
    descriptor, name = tempfile.mkstemp(prefix=".", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
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
