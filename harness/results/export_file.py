"""Files of exported results: read, and written in one step where nothing else is in their place."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from pydantic import ValidationError

from harness.errors import UserError
from harness.results.exchange import LONGEST_LINE, from_lines
from harness.results.lines import Content, HeaderLine
from harness.whole_files import replace
from harness.writing import SQLITE

_LONGEST_HEADER = 1000


def read_export(file: Path, note: Callable[[str], None]) -> Content:
    """Read a file of results.

    Args:
        file: What `sld results export` wrote.
        note: See ``from_lines``.

    Raises:
        UserError: It cannot be read, or is none; names the line.
    """
    try:
        with file.open(encoding="utf-8", newline="\n") as opened:
            return from_lines(_lines(opened, str(file)), str(file), note)
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: not UTF-8 text; expected lines of JSON") from error


def _lines(opened: TextIO, name: str) -> Iterator[str]:
    """Yield lines; no more of one is read than one may have, since a device's has no end."""
    number, most = 1, _LONGEST_HEADER
    while line := opened.readline(most + 1):
        if len(line) > most:
            raise UserError(
                f"{name}, line {number}: longer than {most:,} characters; "
                "expected what `sld results export` writes"
            )
        yield line
        number, most = number + 1, LONGEST_LINE


def require_replaceable(file: Path, store: Path) -> None:
    """Check that an export to a file overwrites nothing but an earlier export.

    Args:
        file: Where the export goes.
        store: What is exported.

    Raises:
        UserError: There is something else.
    """
    try:
        if not os.path.lexists(file):
            return
        if file.is_dir():
            raise UserError(f"{file}: is a folder; expected a file's name, or - for stdout")
        if not file.is_file():  # a device; in its place a file would be put
            raise UserError(f"{file}: no regular file; expected a file's name, or - for stdout")
        if store.exists() and file.samefile(store):
            raise UserError(f"{file}: is the store itself; name another file")
        with file.open("rb") as opened:
            head = opened.readline(_LONGEST_HEADER)
    except OSError as error:
        raise UserError(f"{file}: cannot be written: {error.strerror}") from error
    if head.startswith(SQLITE):
        raise UserError(f"{file}: is an SQLite file, perhaps a store; name another file")
    if head and not _is_export(head.decode("utf-8", "replace")):
        raise UserError(
            f"{file}: is there already and no export of results; name another file, or move it away"
        )


def _is_export(first_line: str) -> bool:
    """Return whether a file with this first line is one of results, of whatever version."""
    try:
        HeaderLine.model_validate_json(first_line)
    except ValidationError:
        return False
    return True


def write_export(file: Path, data: bytes) -> None:
    """Write a file in one step: half of one would look like results.

    A link stays; the file that it leads to is written.

    Raises:
        UserError: It cannot be written.
    """
    try:
        replace(Path(os.path.realpath(file)), data)
    except OSError as error:
        raise UserError(f"{file}: cannot be written: {error.strerror}") from error
