"""The forms that the field has published, written for whatever features a task has.

No form knows a task: which features are scales, shares or logarithms decides which forms there
are, and every assignment of features to a form's parts is tried. Folds choose.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations

from harness.evolution.expression import Law, normal_form
from harness.evolution.factors import Bump, Joint, Log, Mixture, Peak, Power, Raw, Saturation
from harness.evolution.forms import (
    CABALLERO,
    CLARK,
    FARSEER,
    GEIGER,
    HESTNESS,
    HOFFMANN,
    KAPLAN,
    LIN,
    NAKKIRAN,
    RESPONSE,
    TAO,
    YE,
    Form,
    power,
    quadratic,
    shifted,
    terms,
)
from harness.evolution.optima import critical_batch, farseer, optima
from harness.evolution.repeated import repeated
from harness.evolution.rows import Kind, TrainRows
from harness.evolution.scales import Bend, Blend, Bottleneck, Feature, Limit, Shift

_MOST_FEATURES = 5
"""Beyond that, forms that pair features are left to the search."""


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


def _of_scales(rows: TrainRows, logs: list[int]) -> Iterator[Form]:
    powers = [power(index) for index in logs]
    lines = [Log(Feature(index)) for index in logs]
    yield Form("power law", KAPLAN, Law(terms(*lines), link="log"))
    yield Form("power law above a floor", HESTNESS, Law(terms(tuple(powers))))
    yield Form("sum of power laws", HOFFMANN, Law(terms(*powers)))
    yield Form("sum of power laws without a floor", HOFFMANN, Law(terms(*powers), offset=False))
    yield Form("logarithms", RESPONSE, Law(terms(*lines)))
    if len(logs) > 1:
        yield Form("two products of power laws", HOFFMANN, Law(terms(*[tuple(powers)] * 2)))
    yield Form("quadratic in logarithms", RESPONSE, Law(terms(*quadratic(logs))))
    yield Form("log-quadratic power law", CLARK, Law(terms(*quadratic(logs)), link="log"))
    for size in range(1, len(logs)):
        for some in combinations(logs, size):
            yield from _of_some(list(some), logs)
    for index in logs:
        yield from _bent(index, logs)
    if 1 < len(logs) <= _MOST_FEATURES:
        yield from _of_pairs(logs)
    if len(logs) == 2:
        for a, b in permutations(logs):
            law = Law(terms(*farseer(a, b)))
            yield Form("an exponent that changes with scale", FARSEER, law)
    yield from critical_batch(logs)
    yield from repeated(rows, logs)


def _of_some(some: list[int], logs: list[int]) -> Iterator[Form]:
    """Forms in which some features act otherwise than the others."""
    others = [index for index in logs if index not in some]
    sums = [power(index) for index in some]
    yield Form("power laws of some features", HOFFMANN, Law(terms(*sums)))
    joint = tuple(power(index) for index in others)
    yield Form("sum and product of power laws", HOFFMANN, Law(terms(*sums, joint)))
    lines = [Log(Feature(index)) for index in others]
    yield Form("power laws and logarithms", KAPLAN, Law(terms(*sums, *lines)))
    yield from optima(some, others)


def _bent(index: int, logs: list[int]) -> Iterator[Form]:
    """Forms in which one feature levels off, saturates, or has a hump."""
    others = [power(other) for other in logs if other != index]
    lines = [Log(Feature(other)) for other in logs if other != index]
    here = Feature(index)
    yield Form("shifted power law", CLARK, Law(terms((shifted(index), *others))))
    yield Form("shifted power law, summed", CLARK, Law(terms(shifted(index), *others)))
    yield Form("rectified power law", LIN, Law(terms((Saturation(here), *others))))
    yield Form("rectified power law, summed", LIN, Law(terms(Saturation(here), *others)))
    smooth = Law(terms(Log(here), Log(Shift(here)), *lines), link="log")
    yield Form("smoothly broken power law", CABALLERO, smooth)
    bends = [Log(Bend(here)), Log(Bend(here))]
    for count in (1, 2):
        law = Law(terms(Log(here), *bends[:count], *lines), link="log")
        yield Form("broken power law", CABALLERO, law)
    peak = (power(index), Saturation(here))
    yield Form("a peak", NAKKIRAN, Law(terms(peak, *others)))
    yield Form("a power law and a peak", NAKKIRAN, Law(terms(power(index), peak, *others)))
    yield Form("a fall and a peak", NAKKIRAN, Law(terms(Saturation(here), peak, *others)))
    yield Form("a power law and a hump", NAKKIRAN, Law(terms(power(index), Bump(here), *others)))
    yield Form("a hump", NAKKIRAN, Law(terms(Bump(here), *others)))
    line = Log(here)
    yield Form("a line and a hump", NAKKIRAN, Law(terms(line, Bump(here), *others)))
    yield Form("two saturations", NAKKIRAN, Law(terms(Saturation(here), Saturation(here), *others)))
    jammed = Law(terms(Saturation(here), Peak(here), *others))
    yield Form("a fall and a peak at the threshold", GEIGER, jammed)
    yield Form("a parabola", RESPONSE, Law(terms(line, (line, line), *others)))
    yield Form("a cubic", RESPONSE, Law(terms(line, (line, line), (line, line, line), *others)))


def _of_pairs(logs: list[int]) -> Iterator[Form]:
    """Forms in which two features interact."""
    for a, b in permutations(logs, 2):
        rest = [power(index) for index in logs if index not in {a, b}]
        joined = Power(Blend(Feature(a), Shift(Feature(b))))
        yield Form("a shifted feature joins another", CLARK, Law(terms((joined, *rest))))
        yield Form("a shifted feature joins, summed", CLARK, Law(terms(joined, *rest)))
        for many in (Feature(b), Shift(Feature(b)), Limit(Shift(Feature(b)))):
            routed = terms(Joint(Feature(a), many), *rest)
            yield Form("an exponent that changes", CLARK, Law(routed, offset=False))
            yield Form("an exponent that changes, above a floor", CLARK, Law(routed))
        if a < b:
            neck = Power(Bottleneck(Feature(a), Feature(b)))
            yield Form("bottleneck", KAPLAN, Law(terms(neck, *rest)))
            yield Form("bottleneck, joint", KAPLAN, Law(terms((neck, *rest))))
            both = (power(a), power(b))
            yield Form("interacting power laws", HOFFMANN, Law(terms(power(a), both, *rest)))
            yield Form("interacting power laws", HOFFMANN, Law(terms(power(b), both, *rest)))
            three = Law(terms(power(a), power(b), both, *rest))
            yield Form("power laws and their product", HOFFMANN, three)
            lines = [Log(Feature(index)) for index in logs]
            cross = (Log(Feature(a)), Log(Feature(b)))
            yield Form("interacting logarithms", CLARK, Law(terms(*lines, cross), link="log"))
            shifts = Law(terms((shifted(a), shifted(b), *rest)))
            yield Form("two shifted power laws", CLARK, shifts)
            yield Form(
                "two shifted power laws, summed", TAO, Law(terms(shifted(a), shifted(b), *rest))
            )


def _of_shares(shares: list[int], logs: list[int]) -> Iterator[Form]:
    powers = [power(index) for index in logs]
    raw = [Raw(index, share=True) for index in shares]
    mixture = Mixture(tuple(shares))
    yield Form("mixture law", YE, Law(terms(mixture, *powers)))
    yield Form("mixture law without a floor", YE, Law(terms(*raw, *powers), link="log"))
    # Shares add up to one: without an offset all of them, with one all but one.
    yield Form("linear in shares", RESPONSE, Law(terms(*raw, *powers), offset=False))
    for index in shares:
        own = shifted(index)
        rest = [one for one in raw if one.index != index]
        yield Form("power of one share", YE, Law(terms(own, *powers)))
        yield Form("power of one share and others", YE, Law(terms(own, *rest[:-1], *powers)))
    if len(shares) > 1:
        less = Mixture(tuple(shares[:-1]))
        yield Form("mixture law, one share implied", YE, Law(terms(less, *powers)))
