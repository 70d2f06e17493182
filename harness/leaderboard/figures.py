"""Further figures as text, for pages."""

from __future__ import annotations

from harness.evaluation.figures import DASH, LARGE


def three(value: float) -> str:
    """Return a figure with three decimals, for crowded tables."""
    text = f"{value:.3f}"
    return "0.000" if text == "-0.000" else text


def short(value: float | None) -> str:
    """Return a figure of any size for readers: whole up to ten million, else four digits."""
    if value is None:
        return DASH
    if abs(value) < LARGE and value == int(value):
        return f"{value:,.0f}"
    return f"{value:.4g}".replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")


def signed(value: float | None) -> str:
    """Return a difference with three decimals and its sign, a dash for None."""
    if value is None:
        return DASH
    text = f"{value:+.3f}".replace("-", "\N{MINUS SIGN}")
    return "0.000" if text.strip("+\N{MINUS SIGN}") == "0.000" else text


def percent(value: float | None) -> str:
    """Return a share in percent, a dash for None."""
    return DASH if value is None else f"{100 * value:.0f} %"


def seconds(value: float) -> str:
    """Return a duration, for instance ``0.75 s``."""
    return f"{value:.2f} s"
