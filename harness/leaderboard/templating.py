"""The template engine of the pages: everything is escaped, nothing may be missing."""

from __future__ import annotations

from functools import cache
from pathlib import PurePath

from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.evaluation.figures import DASH, figure, six
from harness.leaderboard.figures import percent, seconds, short, signed, three
from harness.leaderboard.highlight import highlight

# Shades of the cells of the all-tasks table, from the highest figure down.
_SHADES = ((0.99, "q5"), (0.95, "q4"), (0.8, "q3"), (0.5, "q2"), (0.0, "q1"))


def render(template: str, **values: object) -> str:
    """Return a template filled in, lines ending with a line feed.

    Args:
        template: The template's file name.
        values: What the template asks for; ``measured``, whether the site shows our own figures
            rather than claims, is true where it is not given.
    """
    return _environment().get_template(template).render({"measured": True, "dash": DASH} | values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("harness.leaderboard"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "figure": figure,
        "file_name": lambda path: PurePath(path).name,
        "highlight": highlight,
        "percent": percent,
        "seconds": seconds,
        "shade": _shade,
        "share": _share,
        "short": short,
        "signed": signed,
        "six": six,
        "three": three,
        "tug": _tug,
    }
    return environment


def _shade(value: float) -> str:
    return next((name for least, name in _SHADES if value >= least), "q0")


def _share(value: float) -> str:
    """Return how much of its bar a figure fills: all at 1, nothing at 0 and below."""
    return f"{100 * min(max(value, 0.0), 1.0):.1f}%"


def _tug(difference: float, widest: float) -> str:
    """Return how much of its half of the bar a difference of two scores fills."""
    return f"{50 * abs(difference) / widest:.1f}%"
