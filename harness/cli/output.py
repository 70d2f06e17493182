"""Printing: JSON to stdout, words to the terminal."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def print_json(value: object, *, indent: int | None = None) -> None:
    """Print strict JSON (no NaN) and a newline to stdout."""
    text = json.dumps(value, allow_nan=False, ensure_ascii=False, indent=indent)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


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
