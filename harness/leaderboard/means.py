"""The mean that every figure of the board is made with, and when two means are one."""

from __future__ import annotations

from collections.abc import Sequence

ROUNDING = 1e-12
"""Means that are no further apart are one mean, summed in another order."""


def exact_mean(figures: Sequence[float]) -> float:
    """Return the float that is nearest to the mean.

    So the mean of equal figures is that figure, however many they are (a rounded sum, divided, is
    often another), and the order of the figures cannot matter.

    Args:
        figures: At least one, all finite.
    """
    ratios = [figure.as_integer_ratio() for figure in figures]
    common = max(denominator for _, denominator in ratios)  # all are powers of 2
    total = sum(numerator * (common // denominator) for numerator, denominator in ratios)
    return total / (common * len(ratios))  # integers, so that this rounds once
