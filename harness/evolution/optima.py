"""Forms in which some features have an optimum, whose place moves with the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations

from harness.evolution.expression import Law
from harness.evolution.factors import Factor, Joint, Log, Power, Valley
from harness.evolution.forms import MCCANDLISH, STEP, Form, power, terms
from harness.evolution.scales import Blend, Bottleneck, Feature, Scale, Shift

_MOST_OPTIMA = 2
"""With more, forms of valleys have too many constants to fit."""


def optima(some: list[int], others: list[int]) -> Iterator[Form]:
    """Return forms in which some features lower the loss and the others have a best value.

    Args:
        some: The features that act as scales.
        others: Those that have an optimum.
    """
    sums = [power(index) for index in some]
    lines = [Log(Feature(index)) for index in others]
    squares = [(a, b) for a in lines for b in lines[lines.index(a) :]]
    moves = [(a, Log(Feature(b))) for a in lines for b in some]
    curved = [*((line,) for line in lines), *squares]
    yield Form("power laws and a fixed optimum", STEP, Law(terms(*sums, *curved)))
    yield Form("power laws and a moving optimum", STEP, Law(terms(*sums, *curved, *moves)))
    base = [Log(Feature(index)) for index in some]
    yield Form("power law and a fixed optimum", STEP, Law(terms(*base, *curved), link="log"))
    moving = Law(terms(*base, *curved, *moves), link="log")
    yield Form("power law and a moving optimum", STEP, moving)
    if len(some) == 2:
        neck = Power(Bottleneck(*(Feature(index) for index in some)))
        law = Law(terms(neck, *curved, *moves))
        yield Form("a bottleneck and a moving optimum", STEP, law)
    if len(others) == 1:
        # Too little of a feature costs one power of it, too much another, and so the best moves.
        valley = [tuple(power(index) for index in (*some, *others))] * 2
        yield Form("power laws and a valley", STEP, Law(terms(*sums, *valley)))
    if len(others) <= _MOST_OPTIMA:
        yield from _valleys(some, others)


def _valleys(some: list[int], others: list[int]) -> Iterator[Form]:
    """Forms in which how much it costs to miss an optimum changes with scale, too."""
    bases: list[list[Factor]] = [[power(index) for index in some]]
    if len(some) == 2:
        first, second = (Feature(index) for index in some)
        bases += [[Power(Bottleneck(first, second))], farseer(*some), farseer(*some[::-1])]
    for lopsided in (False, True):
        costs: list[tuple[Factor, ...]] = [
            (Valley(moved(index, some), lopsided), *(power(other) for other in some))
            for index in others
        ]
        for base in bases:
            yield Form("a law of scale and valleys", STEP, Law(terms(*base, *costs)))


def farseer(size: int, data: int) -> list[Factor]:
    """Return the terms of a law in which the exponent of data changes with size."""
    return [power(size), Joint(Feature(data), Feature(size))]


def moved(index: int, by: Sequence[int]) -> Scale:
    """Return a feature over powers of others: its optimum is a power law of them."""
    scale: Scale = Feature(index)
    for other in by:
        scale = Blend(scale, Feature(other))
    return scale


def critical_batch(logs: Sequence[int]) -> Iterator[Form]:
    """Return forms of size, data, batch and rate, for every assignment of four features.

    Tokens are wasted in batches beyond a critical one, which is a power law of the others; the best
    rate is a power law of all three, and too small a rate costs otherwise than too large a one.

    Args:
        logs: The features; none but four have such a form.
    """
    if len(logs) != 4:
        return
    for size, data, batch, rate in permutations(logs):
        yield critical(size, data, batch, rate)


def critical(size: int, data: int, batch: int, rate: int) -> Form:
    """Return the form of a critical batch, its four features being what they are."""
    waste = Shift(Blend(Blend(Feature(batch), Feature(data)), Feature(size)))
    neck = Power(Bottleneck(Blend(Feature(data), waste), Feature(size)))
    valley = Valley(moved(rate, (size, data, batch)), lopsided=True)
    costs = (valley, power(size), power(data), power(batch))
    return Form("critical batch and a valley", MCCANDLISH, Law(terms(neck, costs)))
