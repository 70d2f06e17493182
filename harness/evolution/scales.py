"""Scales: features, shifted, saturated, or products of powers of each other.

A scale's value is its logarithm. ``expression`` builds factors, terms and laws on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Protocol, TypeAlias

import numpy as np

from harness.evolution.rows import FloatArray

_LEAST_SPREAD = 0.2


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a shape constant may lie, where its search starts, and what is usual for it."""

    low: float
    high: float
    starts: tuple[float, ...]
    name: str

    @property
    def usual(self) -> float:
        """The middle of what is usual: the mean of the starts."""
        return _usual(self.starts)[0]

    @property
    def spread(self) -> float:
        """How far from it is usual: the standard deviation of the starts, 0.2 at least."""
        return _usual(self.starts)[1]


@cache
def _usual(starts: tuple[float, ...]) -> tuple[float, float]:
    """Every fit of every law asks, and there are a dozen answers."""
    return float(np.mean(starts)), max(float(np.std(starts)), _LEAST_SPREAD)


EXPONENT = Slot(-3.0, 3.0, (-0.3, -0.8, -0.1, 0.4), "exponent")
OFFSET = Slot(-12.0, 8.0, (-1.0, 1.0, -4.0, 2.5), "log_shift")
PLACE = Slot(-12.0, 12.0, (0.0, 2.0, -2.0, 4.0), "log_place")
WIDTH = Slot(-3.0, 3.0, (0.0, 1.0, -1.0, 0.5), "log_width")
MIX = Slot(-3.0, 3.0, (0.5, 1.0, -0.5, 0.2), "mix")
RATE = Slot(-30.0, 30.0, (-1.0, -5.0, 2.0, -0.2), "rate")
EPOCHS = Slot(-2.0, 8.0, (2.7, 1.0, 4.0, 0.0), "log_epochs")
SHARPNESS = Slot(-1.5, 2.5, (0.5, 1.2, 0.0, 1.8), "log_sharpness")
CEILING = Slot(-8.0, 12.0, (2.0, 4.0, 1.0, 0.0), "log_ceiling")
CROSS = Slot(-2.0, 2.0, (0.0, 0.05, -0.05, 0.2), "cross")
DECAY = Slot(0.02, 3.0, (0.3, 0.6, 0.15, 1.0), "decay")
BALANCE = Slot(-8.0, 8.0, (0.0, 1.5, -1.5, 3.0), "log_balance")
RISE = Slot(-3.0, 3.0, (0.0, 1.0, -1.0, 0.5), "log_rise")
SKEW = Slot(-3.0, 3.0, (0.0, -0.5, 0.5, 1.0), "log_skew")
SUPPORT = Slot(-12.0, 12.0, (0.0, 2.0, -2.0, 4.0), "log_support")

Theta: TypeAlias = Sequence[FloatArray]
"""Shape constants in the order of the slots; each broadcasts against the rows."""
Columns: TypeAlias = Sequence[FloatArray]
"""Coordinates of the features, in their order, each broadcasting against the others."""


class Node(Protocol):
    """A part of a law."""

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Its own shape constants and those of its parts, in order."""

    @property
    def features(self) -> frozenset[int]:
        """The features that it looks at."""

    def value(self, columns: Columns, theta: Theta) -> FloatArray:
        """Compute it: the logarithm for a scale, the value for a factor."""

    def code(self, names: Sequence[str], constants: Sequence[str]) -> str:
        """Write it as a Python expression.

        Args:
            names: What the features' coordinates are called.
            constants: What the shape constants are called, in the order of the slots.
        """


@dataclass(frozen=True, slots=True)
class OfOne:
    """A part of a law that has one scale in it."""

    own: ClassVar[tuple[Slot, ...]] = ()
    """Its own shape constants; those of its scale follow."""
    of: Scale

    @property
    def slots(self) -> tuple[Slot, ...]:
        return (*self.own, *self.of.slots)

    @property
    def features(self) -> frozenset[int]:
        return self.of.features


@dataclass(frozen=True, slots=True)
class OfTwo:
    """A part of a law that has two scales in it."""

    own: ClassVar[tuple[Slot, ...]] = ()
    """Its own shape constants; those of its scales follow."""
    first: Scale
    second: Scale

    @property
    def slots(self) -> tuple[Slot, ...]:
        return (*self.own, *self.first.slots, *self.second.slots)

    @property
    def features(self) -> frozenset[int]:
        return self.first.features | self.second.features


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature as it is."""

    index: int

    @property
    def slots(self) -> tuple[Slot, ...]:
        return ()

    @property
    def features(self) -> frozenset[int]:
        return frozenset({self.index})

    def value(self, columns: Columns, theta: Theta) -> FloatArray:
        return columns[self.index]

    def code(self, names: Sequence[str], constants: Sequence[str]) -> str:
        return names[self.index]


@dataclass(frozen=True, slots=True)
class Shift(OfOne):
    """``x + s``: a power of it levels off towards small scales."""

    own = (OFFSET,)

    def value(self, columns: Columns, theta: Theta) -> FloatArray:
        return np.logaddexp(self.of.value(columns, theta[1:]), theta[0])

    def code(self, names: Sequence[str], constants: Sequence[str]) -> str:
        return f"np.logaddexp({self.of.code(names, constants[1:])}, {constants[0]})"


@dataclass(frozen=True, slots=True)
class Limit(OfOne):
    """``1 / (1/x + 1/m)``: never more than m, and a power of it levels off towards large scales.

    With a shift, how experts count in Clark et al. 2022 (arXiv:2202.01169).
    """

    own = (CEILING,)

    def value(self, columns: Columns, theta: Theta) -> FloatArray:
        result: FloatArray = -np.logaddexp(-self.of.value(columns, theta[1:]), -theta[0])
        return result

    def code(self, names: Sequence[str], constants: Sequence[str]) -> str:
        inner = self.of.code(names, constants[1:])
        return f"-np.logaddexp(-{inner}, -{constants[0]})"


@dataclass(frozen=True, slots=True)
class Bend(OfOne):
    """``(x^k + m^k)^(1/k)``: a power of it has another exponent above m than below.

    A break of a smoothly broken power law (Caballero et al. 2022, arXiv:2210.14891); k says how
    sharp it is.
    """

    own = (PLACE, SHARPNESS)

    def value(self, columns: Columns, theta: Theta) -> FloatArray:
        sharpness = np.exp(theta[1])
        inner = self.of.value(columns, theta[2:])
        result: FloatArray = np.logaddexp(sharpness * inner, sharpness * theta[0]) / sharpness
        return result

    def code(self, names: Sequence[str], constants: Sequence[str]) -> str:
        inner, sharpness = self.of.code(names, constants[2:]), f"np.exp({constants[1]})"
        bent = f"np.logaddexp({sharpness} * {inner}, {sharpness} * {constants[0]})"
        return f"({bent} / {sharpness})"


@dataclass(frozen=True, slots=True)
class Blend(OfTwo):
    """``x * z^m``: two scales that count together."""

    own = (MIX,)

    def value(self, columns: Columns, theta: Theta) -> FloatArray:
        split = 1 + len(self.first.slots)
        first = self.first.value(columns, theta[1:split])
        return first + theta[0] * self.second.value(columns, theta[split:])

    def code(self, names: Sequence[str], constants: Sequence[str]) -> str:
        split = 1 + len(self.first.slots)
        first = self.first.code(names, constants[1:split])
        return f"({first} + {constants[0]} * {self.second.code(names, constants[split:])})"


@dataclass(frozen=True, slots=True)
class Bottleneck(OfTwo):
    """``1 / (1/x + 1/(s z^m))``: whichever of two scales is short (Kaplan et al. 2020, eq. 1.5).

    Source: arXiv:2001.08361; a power of it is their law of size and data.
    """

    own = (OFFSET, MIX)

    def value(self, columns: Columns, theta: Theta) -> FloatArray:
        split = 2 + len(self.first.slots)
        first = self.first.value(columns, theta[2:split])
        second = theta[0] + theta[1] * self.second.value(columns, theta[split:])
        result: FloatArray = -np.logaddexp(-first, -second)
        return result

    def code(self, names: Sequence[str], constants: Sequence[str]) -> str:
        split = 2 + len(self.first.slots)
        first = self.first.code(names, constants[2:split])
        second = self.second.code(names, constants[split:])
        return f"-np.logaddexp(-{first}, -({constants[0]} + {constants[1]} * {second}))"


@dataclass(frozen=True, slots=True)
class Effective:
    """Data seen again and again is worth less (Muennighoff et al. 2023, arXiv:2305.16264).

    ``U + U R (1 - exp(-(D / U - 1) / R))`` for D tokens seen of which U are distinct. The ratio of
    the two references is folded into ``ratio``: log(reference of D / reference of U).
    """

    unique: int
    seen: int
    ratio: float

    @property
    def slots(self) -> tuple[Slot, ...]:
        return (EPOCHS,)

    @property
    def features(self) -> frozenset[int]:
        return frozenset({self.unique, self.seen})

    def value(self, columns: Columns, theta: Theta) -> FloatArray:
        unique = columns[self.unique]
        repeats = np.exp(np.minimum(columns[self.seen] - unique + self.ratio, 30.0)) - 1.0
        epochs = np.exp(theta[0])
        worth = -np.expm1(-np.maximum(repeats, 0.0) / epochs)
        result: FloatArray = unique + np.log1p(epochs * worth)
        return result

    def code(self, names: Sequence[str], constants: Sequence[str]) -> str:
        unique, seen, epochs = names[self.unique], names[self.seen], f"np.exp({constants[0]})"
        repeats = f"(np.exp(np.minimum({seen} - {unique} + {self.ratio!r}, 30.0)) - 1.0)"
        worth = f"-np.expm1(-np.maximum({repeats}, 0.0) / {epochs})"
        return f"({unique} + np.log1p({epochs} * {worth}))"


@dataclass(frozen=True, slots=True)
class Supported:
    """Parameters beyond what the distinct data supports are worth less (Muennighoff et al. 2023).

    ``N' = S + S R (1 - exp(-(N / S - 1) / R))`` where N is more than ``S = k U``, else N itself;
    arXiv:2305.16264, with their S, which follows from other constants, replaced by a line.
    """

    size: int
    unique: int

    @property
    def slots(self) -> tuple[Slot, ...]:
        return (SUPPORT, EPOCHS)

    @property
    def features(self) -> frozenset[int]:
        return frozenset({self.size, self.unique})

    def value(self, columns: Columns, theta: Theta) -> FloatArray:
        size, support = columns[self.size], columns[self.unique] + theta[0]
        excess = np.exp(np.minimum(size - support, 30.0)) - 1.0
        scale = np.exp(theta[1])
        worth = -np.expm1(-np.maximum(excess, 0.0) / scale)
        result: FloatArray = np.minimum(size, support) + np.log1p(scale * worth)
        return result

    def code(self, names: Sequence[str], constants: Sequence[str]) -> str:
        size, support = names[self.size], f"({names[self.unique]} + {constants[0]})"
        excess = f"(np.exp(np.minimum({size} - {support}, 30.0)) - 1.0)"
        scale = f"np.exp({constants[1]})"
        worth = f"-np.expm1(-np.maximum({excess}, 0.0) / {scale})"
        return f"(np.minimum({size}, {support}) + np.log1p({scale} * {worth}))"


Scale: TypeAlias = Feature | Shift | Limit | Bend | Blend | Bottleneck | Effective | Supported
