"""Printing: JSON to stdout, words to the terminal."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console


def show_what_can_be_shown() -> None:
    """Let stdout print a replacement for what its encoding has no character for."""
    out = sys.stdout
    if isinstance(out, io.TextIOWrapper) and (out.errors == "strict" or not _writes_all(out)):
        out.reconfigure(errors="replace")


def _writes_all(out: TextIO) -> bool:
    return (out.encoding or "").lower().replace("-", "") == "utf8"


def print_json(value: object, *, indent: int | None = None) -> None:
    """Print strict JSON (no NaN) and a newline to stdout."""
    plain = not _writes_all(sys.stdout)
    text = json.dumps(value, allow_nan=False, ensure_ascii=plain, indent=indent)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def difference(value: float | None) -> str:
    """Return a difference as the pages show it, with the minus that all figures here have."""
    from harness.leaderboard.figures import signed

    return signed(value).replace("\N{MINUS SIGN}", "-")


PLAIN_WIDTH = 160
"""Width of tables that do not go to a terminal."""


def wide_console() -> Console:
    """Return a console on stdout for tables: wide where it is no terminal, markup left alone."""
    from rich.console import Console

    made = Console(markup=False, highlight=False)
    if not made.is_terminal:
        made.width = PLAIN_WIDTH
    return made


def console(*, error: bool = False) -> Console:
    """Return a console on stdout or stderr."""
    from rich.console import Console

    return Console(stderr=error, highlight=False)
