"""The forms that the field has published, written for whatever features a task has.

No form knows a task: which features are scales, shares or logarithms decides which forms there
are, and every assignment of features to a form's parts is tried. Folds choose.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np

from harness.evolution.expression import (
    Bump,
    Factor,
    Law,
    Log,
    Mixture,
    Power,
    Raw,
    Saturation,
    Term,
    normal_form,
)
from harness.evolution.rows import Kind, TrainRows
from harness.evolution.scales import (
    Bend,
    Blend,
    Bottleneck,
    Effective,
    Feature,
    Scale,
    Shift,
    Supported,
)

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
YE = "Ye et al. 2024, arXiv:2403.16952"
CABALLERO = "Caballero et al. 2022, arXiv:2210.14891"
_HARDLY_REPEATED = 2.0
_MOST_FEATURES = 5
"""Beyond that, forms that pair features are left to the search."""


@dataclass(frozen=True, slots=True)
class Form:
    """A published form, for given features."""

    name: str
    source: str
    law: Law


def library(rows: TrainRows, cap: int | None) -> list[Form]:
    """Return all forms that a task's features and its cap on constants allow, simplest first.

    Args:
        rows: The train rows.
        cap: Most constants of a group, over all targets; None for as many as one likes.
    """
    each = None if cap is None else cap // len(rows.targets)
    seen: dict[Law, Form] = {}
    for form in _forms(rows):
        if each is None or form.law.n_constants <= each:
            seen.setdefault(normal_form(form.law), form)
    return sorted(seen.values(), key=lambda form: (form.law.n_constants, form.law.complexity))


def _forms(rows: TrainRows) -> Iterator[Form]:
    logs = [place for place, axis in enumerate(rows.axes) if axis.kind is not Kind.SHARE]
    shares = [place for place, axis in enumerate(rows.axes) if axis.kind is Kind.SHARE]
    if logs:
        yield from _of_scales(rows, logs)
    if shares:
        yield from _of_shares(shares, logs)


def _power(index: int) -> Power:
    return Power(Feature(index))


def _shifted(index: int) -> Power:
    return Power(Shift(Feature(index)))


def _terms(*factors: Factor | tuple[Factor, ...]) -> tuple[Term, ...]:
    return tuple(Term(f if isinstance(f, tuple) else (f,)) for f in factors)


def _quadratic(indices: Sequence[int]) -> list[tuple[Factor, ...]]:
    """Return all monomials of first and second degree in the logarithms."""
    one = [Log(Feature(index)) for index in indices]
    pairs = [(a, b) for place, a in enumerate(one) for b in one[place:]]
    return [*((a,) for a in one), *pairs]


def _of_scales(rows: TrainRows, logs: list[int]) -> Iterator[Form]:
    powers = [_power(index) for index in logs]
    lines = [Log(Feature(index)) for index in logs]
    yield Form("power law", KAPLAN, Law(_terms(*lines), link="log"))
    yield Form("power law above a floor", HESTNESS, Law(_terms(tuple(powers))))
    yield Form("sum of power laws", HOFFMANN, Law(_terms(*powers)))
    yield Form("sum of power laws without a floor", HOFFMANN, Law(_terms(*powers), offset=False))
    yield Form("logarithms", RESPONSE, Law(_terms(*lines)))
    if len(logs) > 1:
        yield Form("two products of power laws", HOFFMANN, Law(_terms(*[tuple(powers)] * 2)))
    yield Form("quadratic in logarithms", RESPONSE, Law(_terms(*_quadratic(logs))))
    yield Form("log-quadratic power law", CLARK, Law(_terms(*_quadratic(logs)), link="log"))
    for size in range(1, len(logs)):
        for some in combinations(logs, size):
            yield from _of_some(list(some), logs)
    for index in logs:
        yield from _bent(index, logs)
    if 1 < len(logs) <= _MOST_FEATURES:
        yield from _of_pairs(logs)
    yield from _repeated(rows, logs)


def _of_some(some: list[int], logs: list[int]) -> Iterator[Form]:
    """Forms in which some features act otherwise than the others."""
    others = [index for index in logs if index not in some]
    sums = [_power(index) for index in some]
    yield Form("power laws of some features", HOFFMANN, Law(_terms(*sums)))
    joint = tuple(_power(index) for index in others)
    yield Form("sum and product of power laws", HOFFMANN, Law(_terms(*sums, joint)))
    lines = [Log(Feature(index)) for index in others]
    yield Form("power laws and logarithms", KAPLAN, Law(_terms(*sums, *lines)))
    # An optimum of some features, whose place moves with the others.
    squares = [(a, b) for a in lines for b in lines[lines.index(a) :]]
    moves = [(a, Log(Feature(b))) for a in lines for b in some]
    curved = [*((line,) for line in lines), *squares]
    yield Form("power laws and a fixed optimum", STEP, Law(_terms(*sums, *curved)))
    yield Form("power laws and a moving optimum", STEP, Law(_terms(*sums, *curved, *moves)))
    base = [Log(Feature(index)) for index in some]
    yield Form("power law and a fixed optimum", STEP, Law(_terms(*base, *curved), link="log"))
    moving = Law(_terms(*base, *curved, *moves), link="log")
    yield Form("power law and a moving optimum", STEP, moving)
    if len(some) == 2:
        neck = Power(Bottleneck(*(Feature(index) for index in some)))
        law = Law(_terms(neck, *curved, *moves))
        yield Form("a bottleneck and a moving optimum", STEP, law)
    if len(others) == 1:
        # Too little of a feature costs one power of it, too much another, and so the best moves.
        valley = [tuple(_power(index) for index in logs)] * 2
        yield Form("power laws and a valley", STEP, Law(_terms(*sums, *valley)))


def _bent(index: int, logs: list[int]) -> Iterator[Form]:
    """Forms in which one feature levels off, saturates, or has a hump."""
    others = [_power(other) for other in logs if other != index]
    lines = [Log(Feature(other)) for other in logs if other != index]
    here = Feature(index)
    yield Form("shifted power law", CLARK, Law(_terms((_shifted(index), *others))))
    yield Form("shifted power law, summed", CLARK, Law(_terms(_shifted(index), *others)))
    yield Form("rectified power law", LIN, Law(_terms((Saturation(here), *others))))
    yield Form("rectified power law, summed", LIN, Law(_terms(Saturation(here), *others)))
    smooth = Law(_terms(Log(here), Log(Shift(here)), *lines), link="log")
    yield Form("smoothly broken power law", CABALLERO, smooth)
    bends = [Log(Bend(here)), Log(Bend(here))]
    for count in (1, 2):
        law = Law(_terms(Log(here), *bends[:count], *lines), link="log")
        yield Form("broken power law", CABALLERO, law)
    peak = (_power(index), Saturation(here))
    yield Form("a peak", NAKKIRAN, Law(_terms(peak, *others)))
    yield Form("a power law and a peak", NAKKIRAN, Law(_terms(_power(index), peak, *others)))
    yield Form("a fall and a peak", NAKKIRAN, Law(_terms(Saturation(here), peak, *others)))
    yield Form("a power law and a hump", NAKKIRAN, Law(_terms(_power(index), Bump(here), *others)))
    yield Form("a hump", NAKKIRAN, Law(_terms(Bump(here), *others)))
    line = Log(here)
    yield Form("a line and a hump", NAKKIRAN, Law(_terms(line, Bump(here), *others)))
    yield Form(
        "two saturations", NAKKIRAN, Law(_terms(Saturation(here), Saturation(here), *others))
    )
    yield Form("a parabola", RESPONSE, Law(_terms(line, (line, line), *others)))
    yield Form("a cubic", RESPONSE, Law(_terms(line, (line, line), (line, line, line), *others)))


def _of_pairs(logs: list[int]) -> Iterator[Form]:
    """Forms in which two features interact."""
    for a, b in permutations(logs, 2):
        rest = [_power(index) for index in logs if index not in {a, b}]
        joined = Power(Blend(Feature(a), Shift(Feature(b))))
        yield Form("a shifted feature joins another", CLARK, Law(_terms((joined, *rest))))
        yield Form("a shifted feature joins, summed", CLARK, Law(_terms(joined, *rest)))
        if a < b:
            neck = Power(Bottleneck(Feature(a), Feature(b)))
            yield Form("bottleneck", KAPLAN, Law(_terms(neck, *rest)))
            yield Form("bottleneck, joint", KAPLAN, Law(_terms((neck, *rest))))
            both = (_power(a), _power(b))
            yield Form("interacting power laws", HOFFMANN, Law(_terms(_power(a), both, *rest)))
            yield Form("interacting power laws", HOFFMANN, Law(_terms(_power(b), both, *rest)))
            three = Law(_terms(_power(a), _power(b), both, *rest))
            yield Form("power laws and their product", HOFFMANN, three)
            lines = [Log(Feature(index)) for index in logs]
            cross = (Log(Feature(a)), Log(Feature(b)))
            yield Form("interacting logarithms", CLARK, Law(_terms(*lines, cross), link="log"))
            shifts = Law(_terms((_shifted(a), _shifted(b), *rest)))
            yield Form("two shifted power laws", CLARK, shifts)
            yield Form(
                "two shifted power laws, summed", TAO, Law(_terms(_shifted(a), _shifted(b), *rest))
            )


def _repeated(rows: TrainRows, logs: list[int]) -> Iterator[Form]:
    """Forms in which data is seen more than once."""
    for scale in repetitions(rows):
        unique, seen = scale.unique, scale.seen
        worth = Power(scale)
        others = [_power(index) for index in logs if index not in {unique, seen}]
        yield Form("repeated data", MUENNIGHOFF, Law(_terms(worth, *others)))
        yield Form("repeated data, joint", MUENNIGHOFF, Law(_terms((worth, *others))))
        both = (worth, *others)
        yield Form("repeated data and its product", MUENNIGHOFF, Law(_terms(worth, *others, both)))
        for other in logs:
            if other not in {unique, seen}:
                excess = (Power(Feature(other)), Power(Feature(unique)))
                law = Law(_terms(worth, _power(other), excess))
                yield Form("repeated data and over-fitting", MUENNIGHOFF, law)
                yield from _supported(scale, other)


def _supported(scale: Effective, other: int) -> Iterator[Form]:
    """Forms in which a model can be too large for the distinct data."""
    worth, size = Power(scale), Power(Supported(other, scale.unique))
    both = _terms(worth, size)
    yield Form("repeated data and parameters", MUENNIGHOFF, Law(both))
    yield Form("repeated data and parameters, no floor", MUENNIGHOFF, Law(both, offset=False))
    # Nil until memorisation sets in, then a power law's logarithm.
    load: Scale = Blend(Feature(scale.seen), Feature(other))
    load = Shift(Blend(load, Feature(scale.unique)))
    onset = _terms(worth, _power(other), Log(load))
    yield Form("repeated data and memorisation", LOVELACE, Law(onset))
    yield Form("repeated data, parameters, memorisation", LOVELACE, Law((*both, onset[-1])))


def repetitions(rows: TrainRows) -> list[Effective]:
    """Return the effective-data scales that features allow.

    Never fewer seen than distinct, and some rows in which hardly anything is seen twice: a number
    of experts is no number of distinct parameters.
    """
    real = rows.weights > 0
    scales = [n for n, axis in enumerate(rows.axes) if axis.kind is Kind.SCALE]
    found = []
    for unique, seen in permutations(scales, 2):
        u, d = rows.values[..., unique][real], rows.values[..., seen][real]
        if (u <= d).all() and (u < d).any() and (d / u).min() < _HARDLY_REPEATED:
            ratio = float(np.log(rows.axes[seen].reference / rows.axes[unique].reference))
            found.append(Effective(unique, seen, ratio))
    return found


def _of_shares(shares: list[int], logs: list[int]) -> Iterator[Form]:
    powers = [_power(index) for index in logs]
    raw = [Raw(index, share=True) for index in shares]
    mixture = Mixture(tuple(shares))
    yield Form("mixture law", YE, Law(_terms(mixture, *powers)))
    yield Form("mixture law without a floor", YE, Law(_terms(*raw, *powers), link="log"))
    # Shares add up to one: without an offset all of them, with one all but one.
    yield Form("linear in shares", RESPONSE, Law(_terms(*raw, *powers), offset=False))
    for index in shares:
        own = _shifted(index)
        rest = [one for one in raw if one.index != index]
        yield Form("power of one share", YE, Law(_terms(own, *powers)))
        yield Form("power of one share and others", YE, Law(_terms(own, *rest[:-1], *powers)))
    if len(shares) > 1:
        less = Mixture(tuple(shares[:-1]))
        yield Form("mixture law, one share implied", YE, Law(_terms(less, *powers)))
