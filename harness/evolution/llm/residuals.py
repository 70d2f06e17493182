"""Where a tree misses the train rows that it is fitted to, in words for prompts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from harness.evolution.expression import Law
from harness.evolution.rows import Axis, FloatArray, TrainRows
from harness.evolution.runtime import solve_signed
from harness.evolution.weights import weights_of

_MOST_GROUPS = 4
"""Where there are more, they are taken together."""
_MOST_TARGETS = 3
_LARGEST = 2.0 / 3.0
_FEWEST = 3
_TINY = 1e-12


def relative_errors(rows: TrainRows, law: Law, theta: FloatArray) -> FloatArray:
    """Return the signed relative error of a tree on every train row, ``(G, N, T)``.

    Its shape constants are given, the linear ones are solved for as its program does.

    Args:
        rows: The train rows.
        law: The law.
        theta: Shape constants fitted to all train rows, ``(cells, P)``.
    """
    groups, _, targets = rows.y.shape
    off = np.full(rows.y.shape, np.nan)
    weights = weights_of(rows, rows.weights > 0)
    with np.errstate(all="ignore"):
        for group in range(groups):
            real = rows.weights[group] > 0
            root = np.sqrt(weights[group, real])
            columns = [rows.coordinates[group, real, n] for n in range(len(rows.axes))]
            for target in range(targets):
                y = rows.y[group, real, target]
                shape = theta[(group * targets + target) % len(theta)]
                parts = law.basis(columns, list(shape))
                basis = np.column_stack([np.broadcast_to(part, len(y)) for part in parts])
                if not np.isfinite(basis).all():
                    continue
                aim = np.log(y) if law.link == "log" else y
                linear = solve_signed(basis * root[:, None], aim * root, law.positive)
                total = basis @ linear
                found = np.exp(np.clip(total, -60, 60)) if law.link == "log" else total
                off[group, real, target] = (found - y) / np.maximum(np.abs(y), _TINY)
    return off


def describe(rows: TrainRows, law: Law, theta: FloatArray) -> list[str]:
    """Return lines that say in which direction a tree misses the largest rows of each feature.

    Args:
        rows: The train rows.
        law: The law.
        theta: Shape constants fitted to all train rows, ``(cells, P)``.
    """
    off = relative_errors(rows, law, theta)
    lines = []
    for target, name in enumerate(rows.targets[:_MOST_TARGETS]):
        for groups, called in _parts(rows):
            words = [
                f"{axis.name} {above:+.2%} / {below:+.2%}"
                for axis, above, below in _by_feature(rows, off[..., target], groups)
            ]
            if words:
                spread = float(np.sqrt(np.nanmean(np.square(off[groups, :, target]))))
                of = f"{name}, {called}" if len(rows.targets) > 1 else called
                lines.append(f"{of}: {'; '.join(words)} (root mean square {spread:.2%})")
    return lines


def _parts(rows: TrainRows) -> Iterator[tuple[list[int], str]]:
    everything = list(range(len(rows.groups)))
    if 1 < len(everything) <= _MOST_GROUPS:
        for group in everything:
            yield [group], f"group {rows.groups[group]}"
    else:
        yield everything, "all groups" if len(everything) > 1 else "all rows"


def _by_feature(
    rows: TrainRows, off: FloatArray, groups: list[int]
) -> Iterator[tuple[Axis, float, float]]:
    """Yield each feature with the mean error in its largest third and in the rest."""
    real = (rows.weights[groups] > 0) & np.isfinite(off[groups])
    missed = off[groups][real]
    for column, axis in enumerate(rows.axes):
        values = rows.values[groups][..., column][real]
        if len(values) < _FEWEST or np.ptp(values) == 0:
            continue
        large = values > np.quantile(values, _LARGEST, method="lower")
        if not large.any():
            large = values == values.max()
        yield axis, float(missed[large].mean()), float(missed[~large].mean())
