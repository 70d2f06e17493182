"""New laws from old ones: mutation, crossover, growth and pruning, under the cap on constants.

Every result is a law that the types allow: shares are never taken as logarithms alone, a log link
only where targets are positive, no more constants than the cap.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from harness.evolution.expression import Law, Term, normal_form
from harness.evolution.factors import (
    Bump,
    Factor,
    Joint,
    Log,
    Mixture,
    OfOneScale,
    Power,
    Raw,
    Saturation,
    Valley,
)
from harness.evolution.repeated import repetitions
from harness.evolution.rows import Kind, TrainRows
from harness.evolution.scales import (
    Bend,
    Blend,
    Bottleneck,
    Feature,
    Limit,
    Scale,
    Shift,
    Supported,
)

Choice = TypeVar("Choice")
_MOST_TERMS = 12
_MOST_FACTORS = 3
_TRIES = 30


@dataclass(frozen=True, slots=True)
class Child:
    """A new law and how it came about."""

    law: Law
    how: str


class Variation:
    """Changes laws for one task."""

    def __init__(self, rows: TrainRows, cap: int | None) -> None:
        """Prepare.

        Args:
            rows: The train rows; only what kind of features there are matters.
            cap: Most constants of a group, over all targets.
        """
        self._kinds = [axis.kind for axis in rows.axes]
        self._logs = [n for n, kind in enumerate(self._kinds) if kind is not Kind.SHARE]
        self._shares = [n for n, kind in enumerate(self._kinds) if kind is Kind.SHARE]
        real = rows.weights > 0
        self._positive = bool((rows.y[real] > 0).all())
        self._cap = None if cap is None else cap // len(rows.targets)
        self._repeats: list[Scale] = []
        for scale in repetitions(rows):
            self._repeats.append(scale)
            others = [n for n in self._logs if n not in {scale.unique, scale.seen}]
            self._repeats += [Supported(other, scale.unique) for other in others]

    def allows(self, law: Law) -> bool:
        """Whether a law may be proposed at all."""
        if not 0 < len(law.terms) <= _MOST_TERMS:
            return False
        if self._cap is not None and law.n_constants > self._cap:
            return False
        if any(_says_twice(term) for term in law.terms):
            return False
        if law.link == "log" and any(isinstance(f, Mixture) for t in law.terms for f in t.factors):
            return False  # the exponential of an exponential
        return law.link == "identity" or self._positive

    def mutate(self, law: Law, rng: np.random.Generator) -> Child | None:
        """Return a changed law, None where nothing that was tried is allowed."""
        for _ in range(_TRIES):
            change = _pick(rng, self._changes())
            made = change(law, rng)
            if made is None:
                continue
            child = normal_form(made)
            if child != normal_form(law) and self.allows(child):
                return Child(child, change.__name__.strip("_").replace("_", " "))
        return None

    def cross(self, one: Law, two: Law, rng: np.random.Generator) -> Child | None:
        """Return a law with terms of both, None where nothing that was tried is allowed."""
        for _ in range(_TRIES):
            pool = list(dict.fromkeys([*one.terms, *two.terms]))
            size = int(rng.integers(1, min(len(pool), _MOST_TERMS) + 1))
            chosen = sorted(rng.choice(len(pool), size=size, replace=False))
            base = one if rng.random() < 0.5 else two
            made = replace(base, terms=tuple(pool[place] for place in chosen))
            child = normal_form(made)
            if child not in {normal_form(one), normal_form(two)} and self.allows(child):
                return Child(child, "crossover")
        return None

    def _changes(self) -> list[Callable[[Law, np.random.Generator], Law | None]]:
        return [
            self._add_term,
            self._drop_term,
            self._add_factor,
            self._drop_factor,
            self._replace_factor,
            self._bend_scale,
            self._straighten_scale,
            self._turn_offset,
            self._turn_link,
        ]

    def _add_term(self, law: Law, rng: np.random.Generator) -> Law | None:
        return replace(law, terms=(*law.terms, Term((self._factor(rng),))))

    def _drop_term(self, law: Law, rng: np.random.Generator) -> Law | None:
        if len(law.terms) < 2:
            return None
        gone = int(rng.integers(len(law.terms)))
        return replace(law, terms=law.terms[:gone] + law.terms[gone + 1 :])

    def _add_factor(self, law: Law, rng: np.random.Generator) -> Law | None:
        def more(term: Term) -> Term | None:
            if len(term.factors) >= _MOST_FACTORS:
                return None
            return Term((*term.factors, self._factor(rng)))

        return _in_one_term(law, rng, more)

    def _drop_factor(self, law: Law, rng: np.random.Generator) -> Law | None:
        def fewer(term: Term) -> Term | None:
            if len(term.factors) < 2:
                return None
            gone = int(rng.integers(len(term.factors)))
            return Term(term.factors[:gone] + term.factors[gone + 1 :])

        return _in_one_term(law, rng, fewer)

    def _replace_factor(self, law: Law, rng: np.random.Generator) -> Law | None:
        def other(term: Term) -> Term | None:
            place = int(rng.integers(len(term.factors)))
            return _with_factor(term, place, self._factor(rng))

        return _in_one_term(law, rng, other)

    def _bend_scale(self, law: Law, rng: np.random.Generator) -> Law | None:
        """Shift a scale, or let another feature join it."""

        def bent(scale: Scale) -> Scale | None:
            if rng.random() < 0.5 or len(self._logs) < 2:
                if isinstance(scale, Shift | Bend | Limit):
                    return None
                which = rng.random()
                return Shift(scale) if which < 0.6 else (Bend if which < 0.8 else Limit)(scale)
            joins = Feature(_pick(rng, self._logs))
            if joins.index in scale.features:
                return None
            return Blend(scale, joins) if rng.random() < 0.6 else Bottleneck(scale, joins)

        return _in_one_scale(law, rng, bent)

    def _straighten_scale(self, law: Law, rng: np.random.Generator) -> Law | None:
        def straight(scale: Scale) -> Scale | None:
            if isinstance(scale, Shift):
                bare = isinstance(scale.of, Feature) and scale.of.index in self._shares
                return None if bare else scale.of
            if isinstance(scale, Bend | Limit):
                return scale.of
            return scale.first if isinstance(scale, Blend | Bottleneck) else None

        return _in_one_scale(law, rng, straight)

    def _turn_offset(self, law: Law, _rng: np.random.Generator) -> Law | None:
        return replace(law, offset=not law.offset)

    def _turn_link(self, law: Law, _rng: np.random.Generator) -> Law | None:
        return replace(law, link="identity" if law.link == "log" else "log")

    def _factor(self, rng: np.random.Generator) -> Factor:
        """Return a random building block."""
        if self._shares and (not self._logs or rng.random() < 0.6):
            index = _pick(rng, self._shares)
            which = rng.random()
            if which < 0.4:
                return Raw(index, share=True)
            if which < 0.7:
                return Power(Shift(Feature(index)))
            count = int(rng.integers(1, len(self._shares) + 1))
            some = rng.choice(len(self._shares), size=count, replace=False)
            return Mixture(tuple(self._shares[place] for place in sorted(some)))
        scale = self._scale(rng)
        which = rng.random()
        if which < 0.45:
            return Power(scale)
        if which < 0.8:
            return Log(scale)
        if which < 0.9:
            return Saturation(scale)
        if which < 0.94:
            return Bump(scale)
        return Valley(scale) if which < 0.97 else Joint(scale, self._scale(rng))

    def _scale(self, rng: np.random.Generator) -> Scale:
        if self._repeats and rng.random() < 0.2:
            return _pick(rng, self._repeats)
        feature = Feature(_pick(rng, self._logs))
        return Shift(feature) if rng.random() < 0.2 else feature


def _says_twice(term: Term) -> bool:
    """Whether a term holds two powers of the same thing, where one would do."""
    bare = [factor.of for factor in term.factors if isinstance(factor, Power)]
    bare = [scale for scale in bare if not scale.slots]
    return len(bare) != len(set(bare))


def _pick(rng: np.random.Generator, choices: list[Choice]) -> Choice:
    return choices[int(rng.integers(len(choices)))]


def _in_one_term(
    law: Law, rng: np.random.Generator, change: Callable[[Term], Term | None]
) -> Law | None:
    place = int(rng.integers(len(law.terms)))
    made = change(law.terms[place])
    if made is None:
        return None
    return replace(law, terms=(*law.terms[:place], made, *law.terms[place + 1 :]))


def _with_factor(term: Term, place: int, factor: Factor) -> Term:
    return Term((*term.factors[:place], factor, *term.factors[place + 1 :]))


def _in_one_scale(
    law: Law, rng: np.random.Generator, change: Callable[[Scale], Scale | None]
) -> Law | None:
    def in_term(term: Term) -> Term | None:
        place = int(rng.integers(len(term.factors)))
        factor = term.factors[place]
        if not isinstance(factor, OfOneScale):
            return None
        scale = change(factor.of)
        return None if scale is None else _with_factor(term, place, replace(factor, of=scale))

    return _in_one_term(law, rng, in_term)
