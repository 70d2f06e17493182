"""Factors: functions of scales, with shape constants of their own; a term multiplies them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from harness.evolution.rows import FloatArray
from harness.evolution.scales import (
    BALANCE,
    CROSS,
    DECAY,
    EPOCHS,
    EXPONENT,
    PLACE,
    RATE,
    RISE,
    SKEW,
    WIDTH,
    Columns,
    OfOne,
    OfTwo,
    Slot,
    Theta,
)


@dataclass(frozen=True, slots=True)
class Power(OfOne):
    """``x^a``."""

    own = (EXPONENT,)

    def value(self, columns: Columns, theta: Theta) -> FloatArray:
        return np.exp(_bounded(theta[0] * self.of.value(columns, theta[1:])))

    def code(self, names: Sequence[str], constants: Sequence[str]) -> str:
        inner = self.of.code(names, constants[1:])
        return f"np.exp(np.clip({constants[0]} * {inner}, -60.0, 60.0))"


@dataclass(frozen=True, slots=True)
class Log(OfOne):
    """``log x``."""

    def value(self, columns: Columns, theta: Theta) -> FloatArray:
        return self.of.value(columns, theta)

    def code(self, names: Sequence[str], constants: Sequence[str]) -> str:
        return self.of.code(names, constants)


@dataclass(frozen=True, slots=True)
class Raw:
    """A share, or what is a logarithm already, as a number."""

    index: int
    share: bool

    @property
    def slots(self) -> tuple[Slot, ...]:
        return ()

    @property
    def features(self) -> frozenset[int]:
        return frozenset({self.index})

    def value(self, columns: Columns, theta: Theta) -> FloatArray:
        return np.exp(columns[self.index]) if self.share else columns[self.index]

    def code(self, names: Sequence[str], constants: Sequence[str]) -> str:
        return f"np.exp({names[self.index]})" if self.share else names[self.index]


@dataclass(frozen=True, slots=True)
class Mixture:
    """``exp(sum of t_j r_j)`` over shares r (Ye et al. 2024, arXiv:2403.16952)."""

    shares: tuple[int, ...]

    @property
    def slots(self) -> tuple[Slot, ...]:
        return (RATE,) * len(self.shares)

    @property
    def features(self) -> frozenset[int]:
        return frozenset(self.shares)

    def value(self, columns: Columns, theta: Theta) -> FloatArray:
        total = theta[0] * np.exp(columns[self.shares[0]])
        for index, rate in zip(self.shares[1:], theta[1:], strict=True):
            total = total + rate * np.exp(columns[index])
        return np.exp(_bounded(total))

    def code(self, names: Sequence[str], constants: Sequence[str]) -> str:
        parts = [f"{c} * np.exp({names[i]})" for i, c in zip(self.shares, constants, strict=True)]
        return f"np.exp(np.clip({' + '.join(parts)}, -60.0, 60.0))"


@dataclass(frozen=True, slots=True)
class Saturation(OfOne):
    """``1 / (1 + (x / s)^a)``: from one level to another."""

    own = (PLACE, WIDTH)

    def value(self, columns: Columns, theta: Theta) -> FloatArray:
        steep = np.exp(theta[1]) * (self.of.value(columns, theta[2:]) - theta[0])
        return 1.0 / (1.0 + np.exp(_bounded(steep)))

    def code(self, names: Sequence[str], constants: Sequence[str]) -> str:
        inner = self.of.code(names, constants[2:])
        steep = f"np.exp({constants[1]}) * ({inner} - {constants[0]})"
        return f"1.0 / (1.0 + np.exp(np.clip({steep}, -60.0, 60.0)))"


@dataclass(frozen=True, slots=True)
class Bump(OfOne):
    """``exp(-((log x - m) / w)^2 / 2)``: worse, or better, around one place."""

    own = (PLACE, WIDTH)

    def value(self, columns: Columns, theta: Theta) -> FloatArray:
        off = (self.of.value(columns, theta[2:]) - theta[0]) / np.exp(theta[1])
        return np.exp(-0.5 * np.minimum(np.square(off), 1000.0))

    def code(self, names: Sequence[str], constants: Sequence[str]) -> str:
        inner = self.of.code(names, constants[2:])
        off = f"({inner} - {constants[0]}) / np.exp({constants[1]})"
        return f"np.exp(-0.5 * np.minimum(np.square({off}), 1000.0))"


@dataclass(frozen=True, slots=True)
class Joint(OfTwo):
    """``x^a z^b exp(c log x log z)``: a power law whose exponent changes with another scale.

    Routed models gain less from experts the larger they are (Clark et al. 2022, arXiv:2202.01169).
    """

    own = (EXPONENT, EXPONENT, CROSS)

    def value(self, columns: Columns, theta: Theta) -> FloatArray:
        split = 3 + len(self.first.slots)
        first = self.first.value(columns, theta[3:split])
        second = self.second.value(columns, theta[split:])
        return np.exp(_bounded((theta[0] + theta[2] * second) * first + theta[1] * second))

    def code(self, names: Sequence[str], constants: Sequence[str]) -> str:
        split = 3 + len(self.first.slots)
        first = self.first.code(names, constants[3:split])
        second = self.second.code(names, constants[split:])
        total = (
            f"({constants[0]} + {constants[2]} * {second}) * {first} + {constants[1]} * {second}"
        )
        return f"np.exp(np.clip({total}, -60.0, 60.0))"


@dataclass(frozen=True, slots=True)
class Valley(OfOne):
    """``log(x / m)^2``: worse the farther from an optimum; lopsided, steeper on one side of it."""

    lopsided: bool = False

    @property
    def slots(self) -> tuple[Slot, ...]:
        return (PLACE, *((SKEW,) if self.lopsided else ()), *self.of.slots)

    def value(self, columns: Columns, theta: Theta) -> FloatArray:
        off = self.of.value(columns, theta[1 + self.lopsided :]) - theta[0]
        square: FloatArray = np.square(off)
        return square * np.exp(theta[1] * np.sign(off)) if self.lopsided else square

    def code(self, names: Sequence[str], constants: Sequence[str]) -> str:
        inner = self.of.code(names, constants[1 + self.lopsided :])
        off = f"{inner} - {constants[0]}"
        square = f"np.square({off})"
        return f"({square} * np.exp({constants[1]} * np.sign({off})))" if self.lopsided else square


@dataclass(frozen=True, slots=True)
class Peak(OfOne):
    """``((x / m)^(-u / s) + (x / m)^(1 / (2 s)))^-s``: rises as x^u, falls as x^(-1/2) behind m.

    What fluctuations of the learned function cost around the interpolation threshold (Geiger et al.
    2020, arXiv:1901.01608, whose exponent of the fall is not fitted); s says how blunt the peak is.
    """

    own = (PLACE, RISE, WIDTH)

    def value(self, columns: Columns, theta: Theta) -> FloatArray:
        off = self.of.value(columns, theta[3:]) - theta[0]
        rise, blunt = np.exp(theta[1]), np.exp(theta[2])
        return np.exp(_bounded(-blunt * np.logaddexp(-rise * off / blunt, 0.5 * off / blunt)))

    def code(self, names: Sequence[str], constants: Sequence[str]) -> str:
        off = f"({self.of.code(names, constants[3:])} - {constants[0]})"
        rise, blunt = f"np.exp({constants[1]})", f"np.exp({constants[2]})"
        both = f"np.logaddexp(-{rise} * {off} / {blunt}, 0.5 * {off} / {blunt})"
        return f"np.exp(np.clip(-{blunt} * {both}, -60.0, 60.0))"


@dataclass(frozen=True, slots=True)
class Constrained:
    """``N'^-a + k D'^-b``: size and data where data is repeated (Muennighoff et al. 2023).

    arXiv:2305.16264: ``D' = U + U R (1 - exp(-(D / U - 1) / R))`` for D tokens of which U are
    distinct, ``N' = S + S Q (1 - exp(-(N / S - 1) / Q))`` for N parameters of which S are of use,
    ``S = min(N, (a / (b k))^(1/a) U^(b/a))``: as many as are optimal for U distinct tokens. Shared
    is the exponent in their own fit, a = b. ``ratio`` is log(reference of D / reference of U).
    """

    size: int
    unique: int
    seen: int
    ratio: float
    shared: bool = False

    @property
    def slots(self) -> tuple[Slot, ...]:
        return (*(DECAY,) * (1 if self.shared else 2), BALANCE, EPOCHS, EPOCHS)

    @property
    def features(self) -> frozenset[int]:
        return frozenset({self.size, self.unique, self.seen})

    def value(self, columns: Columns, theta: Theta) -> FloatArray:
        a, b, balance, epochs, excess = (theta[0], *theta) if self.shared else tuple(theta)
        size, unique = columns[self.size], columns[self.unique] - self.ratio
        optimum = (np.log(a / b) - balance + b * unique) / a
        data = unique + _repeated(columns[self.seen] - unique, np.exp(epochs))
        used = np.minimum(size, optimum)
        worth = used + _repeated(size - used, np.exp(excess))
        return np.exp(_bounded(-a * worth)) + np.exp(_bounded(balance - b * data))

    def code(self, names: Sequence[str], constants: Sequence[str]) -> str:
        own = (constants[0], *constants) if self.shared else tuple(constants)
        a, b, balance, epochs, excess = own
        size, unique = names[self.size], f"({names[self.unique]} - {self.ratio!r})"
        optimum = f"((np.log({a} / {b}) - {balance} + {b} * {unique}) / {a})"
        data = f"({unique} + {_repeated_code(f'{names[self.seen]} - {unique}', epochs)})"
        used = f"np.minimum({size}, {optimum})"
        worth = f"({used} + {_repeated_code(f'{size} - {used}', excess)})"
        return (
            f"(np.exp(np.clip(-{a} * {worth}, -60.0, 60.0))"
            f" + np.exp(np.clip({balance} - {b} * {data}, -60.0, 60.0)))"
        )


def _repeated(amount: FloatArray, scale: FloatArray) -> FloatArray:
    """Return log(1 + R (1 - exp(-(x - 1) / R))) for log x: what x times the same is worth."""
    repeats = np.maximum(np.exp(np.minimum(amount, 30.0)) - 1.0, 0.0)
    result: FloatArray = np.log1p(scale * -np.expm1(-repeats / scale))
    return result


def _repeated_code(amount: str, scale: str) -> str:
    repeats = f"np.maximum(np.exp(np.minimum({amount}, 30.0)) - 1.0, 0.0)"
    return f"np.log1p(np.exp({scale}) * -np.expm1(-{repeats} / np.exp({scale})))"


Factor: TypeAlias = (
    Power | Log | Raw | Mixture | Saturation | Bump | Joint | Valley | Peak | Constrained
)
OfOneScale: TypeAlias = Power | Log | Saturation | Bump | Valley | Peak
"""Factors in which one scale can be put for another."""


def _bounded(exponent: FloatArray) -> FloatArray:
    return np.clip(exponent, -60.0, 60.0)
