"""Figures as text."""

from __future__ import annotations

DASH = "–"
LARGE = 1e7
"""From here on digits before the point say nothing to a reader."""


def count(value: int, one: str, many: str = "") -> str:
    """Return a number of things: ``1 law``, ``2 laws``.

    Args:
        value: How many.
        one: What one is called.
        many: What several are called, where not with an s.
    """
    return f"{value:,} {one if value == 1 else many or f'{one}s'}"


def six(value: float) -> str:
    """Return a figure with six decimals, as on the pages; there is no negative zero."""
    text = f"{value:.6f}"
    return "0.000000" if text == "-0.000000" else text


def figure(value: float | None, absent: str = DASH) -> str:
    """Return a figure of any size for a table: short where it is huge.

    Args:
        value: The figure.
        absent: What stands for None.
    """
    if value is None:
        return absent
    return six(value) if abs(value) < LARGE else f"{value:.6e}"
