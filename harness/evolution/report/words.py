"""Text and figures as a page shows them. Names and texts come from strangers."""

from __future__ import annotations

import numpy as np

DASH = "–"
LONG = 2000
"""Most characters of a formula or a message."""
MIDDLE = 160
"""Of a name or a few words."""
BRIEF = 28
"""Of a name inside a chart."""
_KEPT = frozenset("\n\t")


def plain(text: str, most: int = MIDDLE) -> str:
    """Return a text as one printable line, cut where it is too long.

    Args:
        text: Anything.
        most: Characters that are kept.
    """
    line = " ".join(text[: 4 * most].split())
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
    cut = len(shown) > most or len(text) > 4 * most
    return shown[: most - 1] + "…" if cut else shown


def program_text(text: str) -> str:
    """Return a program's text with what cannot be seen, or turns a line around, made visible."""
    return "".join(
        c if c.isprintable() or c in _KEPT else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def figure(value: float | None, digits: int = 4) -> str:
    """Return a figure of any size, a dash for None and what is no number.

    Args:
        value: The figure.
        digits: Significant ones.
    """
    if value is None or np.isnan(value):
        return DASH
    if np.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == int(value) and abs(value) < 1e7:
        return f"{value:,.0f}".replace("-", "−")
    text = f"{value:.{digits}g}"
    if "e" in text:
        mantissa, exponent = text.split("e")
        text = f"{mantissa}e{int(exponent)}"
    return text.replace("-", "−")


def fixed(value: float | None, digits: int = 3) -> str:
    """Return a figure with so many decimals; a dash for None and what is no number."""
    if value is None or not np.isfinite(value):
        return DASH
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")


def signed(value: float | None, digits: int = 3) -> str:
    """Return a difference with its sign."""
    text = fixed(value, digits)
    return text if text == DASH or text.startswith("−") or float(text) == 0 else f"+{text}"
