"""Files for people: whether a place can be written, before anything is spent on it; and writing."""

from __future__ import annotations

import os
from pathlib import Path

from harness.errors import UserError

SQLITE = b"SQLite format 3\0"
"""What each SQLite file begins with."""


def require_folder(folder: Path) -> None:
    """Check that a folder can be written, or made.

    Raises:
        UserError: It is a file, or whoever runs this may not write there.
    """
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise UserError(f"{folder}: cannot be written: {there} is a file; expected a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise UserError(f"{folder}: cannot be written: no permission to write to {there}")


def require_file(path: Path) -> None:
    """Check that a file can be written, its folder made where it is missing.

    Raises:
        UserError: It is a folder or an SQLite file, or cannot be written there.
    """
    if path.is_dir():
        raise UserError(f"{path}: cannot be written: it is a folder; expected a file's name")
    require_folder(path.parent)
    if path.is_file() and os.access(path, os.R_OK):
        with path.open("rb") as file:
            if file.read(len(SQLITE)) == SQLITE:
                raise UserError(f"{path}: is an SQLite file, perhaps a store; name another file")


def require_appendable(path: Path) -> None:
    """Check that text can be appended to a file, which is made where it is missing.

    Raises:
        UserError: It cannot.
    """
    append_text(path, "")


def append_text(path: Path, text: str) -> None:
    """Append to a file, which is made where it is missing.

    Raises:
        UserError: It cannot be written.
    """
    try:
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from error


def write_text(path: Path, text: str) -> None:
    """Write a file, its folder made where it is missing.

    Raises:
        UserError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from error
