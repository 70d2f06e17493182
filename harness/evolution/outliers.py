"""Rows that lie far off: runs that failed, diverged or were misread, or what no simple law says.

Least squares bends every law towards such rows, and only whoever ran them knows what they are. On
public tables with points that were misread or runs that diverged, fits in which they count less
extrapolated far better; where such rows were the beginning of something (memorisation, rates that
are too high) they extrapolated worse. So they are pointed at, and nothing is decided.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from harness.evolution.fitness import Judge
from harness.evolution.library import library
from harness.evolution.rows import FloatArray, TrainRows

FAR = 10.0
"""Robust standard deviations (1.4826 times the median absolute residual) beyond which a row is far
off: noise of hardly any shape reaches it."""
FEW, FEWEST = 0.05, 2
"""With a larger part of rows beyond (but for so many), the form is what is wrong, or the spread is
uneven."""
_SPARE = 7
"""With fewer rows than constants and these, most residuals are small and one is far off by
chance."""
_FORMS = 40
"""Simplest first; more of them hardly change what is far off."""
_EXACT = 1e-3
"""Of a target's spread: residuals are never counted as smaller, or exact data had rows far off."""


@dataclass(frozen=True, slots=True, eq=False)
class FarOff:
    """A row that lies far off."""

    group: str
    features: FloatArray
    """``(F,)``."""
    target: str
    measured: float
    said: float
    """By the published form that fits best where such rows count less."""


def far_off(rows: TrainRows, cap: int | None) -> tuple[FarOff, ...]:
    """Return the rows that lie far off what simple published forms say, the farthest first.

    Args:
        rows: The train rows.
        cap: Most constants of a group, over all targets.

    Returns:
        A row once for each target; nothing where too many rows would be far off.
    """
    judge = Judge(replace(rows, loss="robust"), ())
    real = rows.weights > 0
    forms = [form.law for form in library(rows, cap)[:_FORMS] if judge.allows(form.law)]
    if not forms:
        return ()
    (_, off), constants = min(
        ((judge.residuals(law), law.n_constants) for law in forms), key=lambda one: one[0][0]
    )
    if rows.n_rows < len(rows.groups) * constants + _SPARE:
        return ()
    far = np.zeros(off.shape)
    for target in range(len(rows.targets)):
        spread = np.ptp(np.quantile(rows.y[..., target][real], [0.25, 0.75]))
        usual = 1.4826 * float(np.median(np.abs(off[..., target][real])))
        far[..., target] = np.abs(off[..., target]) / max(usual, _EXACT * spread, 1e-300) * real
    places = np.argwhere(far > FAR)
    if len({(group, row) for group, row, _ in places.tolist()}) > max(FEWEST, FEW * rows.n_rows):
        return ()
    return tuple(
        FarOff(
            rows.groups[g],
            rows.values[g, n],
            rows.targets[t],
            float(rows.y[g, n, t]),
            float(rows.y[g, n, t] + off[g, n, t]),
        )
        for g, n, t in sorted(places.tolist(), key=lambda place: -far[tuple(place)])
    )
