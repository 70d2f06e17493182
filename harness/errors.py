"""Errors for people: one clear line, no traceback."""

from __future__ import annotations

_LONGEST_MESSAGE = 500


class UserError(Exception):
    """A mistake in what the user gave: wrong file, wrong option, wrong data.

    The message is one line that says what was expected, what came, and what to do next. The
    command line prints it and exits with 2.
    """


class DataNotFoundError(UserError):
    """A task's data is not on this machine (its definition is fine)."""


def one_line(text: str) -> str:
    """Return words that may quote a foreign file as one short line that any terminal can show."""
    shown = text if len(text) <= _LONGEST_MESSAGE else text[:_LONGEST_MESSAGE] + "…"
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in shown)
