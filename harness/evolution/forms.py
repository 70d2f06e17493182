"""What forms of the library are made of: sources, and short names for what stands in many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.evolution.expression import Law, Term
from harness.evolution.factors import Factor, Log, Power
from harness.evolution.scales import Feature, Shift

CLARK = "Clark et al. 2022, arXiv:2202.01169"
HESTNESS = "Hestness et al. 2017, arXiv:1712.00409"
HOFFMANN = "Hoffmann et al. 2022, arXiv:2203.15556"
KAPLAN = "Kaplan et al. 2020, arXiv:2001.08361"
LIN = "Lin et al. 2024, arXiv:2402.02314"
LOVELACE = "after Lovelace et al. 2026, arXiv:2605.01640: a penalty for over-fitting"
MUENNIGHOFF = "Muennighoff et al. 2023, arXiv:2305.16264"
NAKKIRAN = "Nakkiran et al. 2019, arXiv:1912.02292"
RESPONSE = "Box and Wilson 1951: a quadratic response surface, here in logarithms"
STEP = "Li et al. 2025, arXiv:2503.04715"
TAO = "Tao et al. 2024, arXiv:2407.13623"
WU = "Wu and Lo 2024, arXiv:2410.01692"
YE = "Ye et al. 2024, arXiv:2403.16952"
CABALLERO = "Caballero et al. 2022, arXiv:2210.14891"
FARSEER = "Li et al. 2025, arXiv:2506.10972"
GEIGER = "Geiger et al. 2020, arXiv:1901.01608"
MCCANDLISH = "McCandlish et al. 2018, arXiv:1812.06162"


@dataclass(frozen=True, slots=True)
class Form:
    """A published form, for given features."""

    name: str
    source: str
    law: Law


def power(index: int) -> Power:
    """Return a power of a feature."""
    return Power(Feature(index))


def shifted(index: int) -> Power:
    """Return a power of a shifted feature."""
    return Power(Shift(Feature(index)))


def terms(*factors: Factor | tuple[Factor, ...]) -> tuple[Term, ...]:
    """Return a term for each factor, or for each product of several."""
    return tuple(Term(f if isinstance(f, tuple) else (f,)) for f in factors)


def quadratic(indices: Sequence[int]) -> list[tuple[Factor, ...]]:
    """Return all monomials of first and second degree in the logarithms."""
    one = [Log(Feature(index)) for index in indices]
    pairs = [(a, b) for place, a in enumerate(one) for b in one[place:]]
    return [*((a,) for a in one), *pairs]
