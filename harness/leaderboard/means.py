"""The mean that every figure of the board is made with."""

from __future__ import annotations

import math
from collections.abc import Sequence


def exact_mean(figures: Sequence[float]) -> float:
    """Return the mean; the sum is exact, so that the order of the figures cannot matter.

    Args:
        figures: At least one.
    """
    return math.fsum(figures) / len(figures)
