"""Versions that decide what a program computes, read without importing numpy or scipy."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import version

SCORING_VERSION = 2
"""Raised whenever the same program could score differently; part of every digest."""


@cache
def versions() -> dict[str, str]:
    """Return the versions of Python, numpy and scipy, sorted by name."""
    return {
        "numpy": version("numpy"),
        "python": platform.python_version(),
        "scipy": version("scipy"),
    }
