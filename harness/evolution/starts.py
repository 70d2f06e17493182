"""Where fits of a law begin."""

from __future__ import annotations

import numpy as np

from harness.evolution.expression import Law
from harness.evolution.rows import FloatArray
from harness.evolution.scales import Slot

_FOUND = 4
_USUAL = 4
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53)


def start_points(law: Law, count: int) -> FloatArray:
    """Return where fits of a law begin, ``(S, P)``: combinations of usual shapes.

    Args:
        law: The law.
        count: How many.
    """
    slots = law.slots
    if not slots:
        return np.empty((1, 0))
    # Each slot walks through its own starts at its own pace, and slots that mean the same begin at
    # different ones: twins that begin together never part.
    twins = [slots[:place].count(slot) for place, slot in enumerate(slots)]
    usual = np.array(
        [
            [
                _start(slot, place, twin, number)
                for place, (slot, twin) in enumerate(zip(slots, twins, strict=True))
            ]
            for number in range(count)
        ]
    )
    return np.unique(usual, axis=0)


def program_starts(law: Law, theta: FloatArray) -> FloatArray:
    """Return where a written program begins its fits, ``(S, P)``: at what was found, and as usual.

    Args:
        law: The law.
        theta: Shape constants found, ``(cells, P)``.
    """
    usual = start_points(law, _USUAL)
    return np.concatenate([_spread(theta, _FOUND), usual]) if law.slots else usual


def _spread(theta: FloatArray, count: int) -> FloatArray:
    """Return the middle of some cells' constants and others, from near it to far."""
    theta = np.unique(theta, axis=0)
    if len(theta) <= count:
        return theta
    middle = np.median(theta, axis=0)
    far = np.argsort(np.abs(theta - middle).sum(axis=1), kind="stable")
    picked = np.linspace(0, len(far) - 1, count - 1).astype(int)
    return np.concatenate([middle[None], theta[far[picked]]])


def _start(slot: Slot, place: int, twin: int, number: int) -> float:
    count = len(slot.starts)
    if number >= count * count:
        # The walk would come round again: from here on anywhere between, spread evenly (Weyl 1916).
        share = (number * _irrational(place)) % 1.0
        return min(slot.starts) + share * (max(slot.starts) - min(slot.starts))
    walked = number * (2 * place + 1) + number // count * (place + 1)
    return slot.starts[(walked + twin) % count]


def _irrational(place: int) -> float:
    """Return the fraction of a root of a prime: multiples of such numbers spread evenly."""
    prime = _PRIMES[place % len(_PRIMES)]
    return float(np.sqrt(prime) % 1.0)
