"""Laws as typed trees over the building blocks of scaling laws.

    law     = link( offset + sum of terms )
    term    = constant x product of factors
    factor  = function of one scale, with shape constants of its own
    scale   = a feature, shifted, saturated, or a product of powers of others

The constants in front of terms (and the offset) enter linearly and are solved for; the shape
constants, one per parameter slot of a node, are searched. Everything is computed in logarithms of
features divided by their reference (``rows.Axis``): a scale's value is its logarithm.

Every node can compute itself on arrays and write itself as Python. Both do the same operations
in the same order, so that a written program gives what its tree gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from harness.evolution.factors import Constrained, Factor, Joint, Log, Mixture, Raw
from harness.evolution.rows import FloatArray
from harness.evolution.scales import (
    Blend,
    Bottleneck,
    Columns,
    Effective,
    Feature,
    Node,
    Scale,
    Slot,
    Supported,
    Theta,
)


@dataclass(frozen=True, slots=True)
class Term:
    """A product of factors, with a constant in front."""

    factors: tuple[Factor, ...]

    @property
    def slots(self) -> tuple[Slot, ...]:
        return tuple(slot for factor in self.factors for slot in factor.slots)

    @property
    def features(self) -> frozenset[int]:
        return frozenset().union(*(factor.features for factor in self.factors))

    def value(self, columns: Columns, theta: Theta) -> FloatArray:
        product: FloatArray | None = None
        for factor, own in zip(self.factors, _shares(self.factors, theta), strict=True):
            value = factor.value(columns, own)
            product = value if product is None else product * value
        if product is None:
            msg = "a term has a factor"
            raise ValueError(msg)
        return product

    def factors_code(self, names: Sequence[str], constants: Sequence[str]) -> list[str]:
        """Return its factors as Python expressions, to be multiplied in order."""
        own = _shares(self.factors, constants)
        parts = [f.code(names, c) for f, c in zip(self.factors, own, strict=True)]
        return [_in_product(part) for part in parts]

    def code(self, names: Sequence[str], constants: Sequence[str]) -> str:
        return " * ".join(self.factors_code(names, constants))


Link = Literal["identity", "log"]
Signs = Literal["any", "terms", "all"]


@dataclass(frozen=True, slots=True)
class Law:
    """A whole law."""

    terms: tuple[Term, ...]
    offset: bool = True
    link: Link = "identity"
    """With ``log`` the sum is the logarithm of the target, which must be positive."""
    signs: Signs = "any"
    """Which linear constants are not negative, as in laws that are published for losses: each term
    adds to a floor. Of ``all`` the floor itself is not, either."""

    @property
    def slots(self) -> tuple[Slot, ...]:
        """All shape constants, in order."""
        return tuple(slot for term in self.terms for slot in term.slots)

    @property
    def features(self) -> frozenset[int]:
        """The features that it looks at."""
        return frozenset().union(*(term.features for term in self.terms))

    @property
    def n_linear(self) -> int:
        """Constants that enter linearly."""
        return len(self.terms) + self.offset

    @property
    def positive(self) -> tuple[int, ...]:
        """Places of the linear constants that are not negative.

        Logarithms and shares may count either way, and so may the floor beside them.
        """
        if self.signs == "any" or self.link == "log":
            return ()
        free = [any(isinstance(f, Log | Raw) for f in term.factors) for term in self.terms]
        terms = [place for place, one in enumerate(free) if not one]
        floor = self.signs == "all" and self.offset and not any(free)
        return (*terms, *((len(free),) if floor else ()))

    @property
    def n_constants(self) -> int:
        """All constants of one cell."""
        return self.n_linear + len(self.slots)

    @property
    def complexity(self) -> int:
        """Nodes of the tree, constants not counted."""
        return sum(1 for _ in walk(self))

    def basis(self, columns: Columns, theta: Theta) -> list[FloatArray]:
        """Return what the linear constants multiply: the terms, then 1 for the offset."""
        parts = [
            term.value(columns, own)
            for term, own in zip(self.terms, _shares(self.terms, theta), strict=True)
        ]
        return [*parts, np.ones(())] if self.offset else parts

    def code(self, names: Sequence[str], constants: Sequence[str]) -> list[list[str]]:
        """Return the factors of each term as Python expressions, to be multiplied in order."""
        own = _shares(self.terms, constants)
        return [term.factors_code(names, c) for term, c in zip(self.terms, own, strict=True)]


def walk(part: Law | Term | Factor | Scale) -> Iterator[Term | Factor | Scale]:
    """Yield the nodes of a tree, parents first."""
    if not isinstance(part, Law):
        yield part
    if isinstance(part, Law):
        children: tuple[Term | Factor | Scale, ...] = part.terms
    elif isinstance(part, Term):
        children = part.factors
    elif isinstance(part, Blend | Bottleneck | Joint):
        children = (part.first, part.second)
    elif isinstance(part, Feature | Effective | Supported | Raw | Mixture | Constrained):
        children = ()
    else:
        children = (part.of,)
    for child in children:
        yield from walk(child)


def normal_form(law: Law) -> Law:
    """Return the law with terms and factors in one order: the same law written otherwise.

    Which signs its constants have is left open.
    """
    terms = [Term(tuple(sorted(term.factors, key=repr))) for term in law.terms]
    return Law(tuple(sorted(terms, key=repr)), law.offset, law.link)


def _shares(parts: Sequence[Node], theta: Sequence[Any]) -> Iterator[Sequence[Any]]:
    start = 0
    for part in parts:
        end = start + len(part.slots)
        yield theta[start:end]
        start = end


def _in_product(code: str) -> str:
    return f"({code})" if code.startswith("1.0 /") else code
