"""The laws that are meant for just the quantities that a task has, by their names.

The library writes every published form for whatever features there are: hundreds of laws, of which
a few foresee a task's last rows by chance. What somebody would look up who knows that one feature
is a model's size and the other the data it saw are these few: what was published for such
quantities, and close variants (with a floor, a shift, a bottleneck), each with where it comes from.
Where a publication gives no closed form (double descent, surfaces of loss around an optimum) they
are ways to write what it shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from harness.evolution.expression import Law, Signs, normal_form
from harness.evolution.factors import Joint, Log, Mixture, Peak, Power, Saturation
from harness.evolution.folds import joint_ranks
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
    TAO,
    WU,
    YE,
    Form,
    power,
    terms,
)
from harness.evolution.optima import critical, farseer, optima
from harness.evolution.quantities import Quantity, places, quantities
from harness.evolution.repeated import repeated
from harness.evolution.rows import TrainRows
from harness.evolution.scales import Bend, Blend, Bottleneck, Feature, Limit, Scale, Shift

Places: TypeAlias = dict[Quantity, int]
"""Which feature is which quantity."""
_SIZE, _DATA = Quantity.SIZE, Quantity.DATA


def textbook(rows: TrainRows, cap: int | None) -> list[Form]:
    """Return the laws meant for a task's quantities that its cap on constants allows.

    Those of fewest constants first; none where a feature's name does not say what it is, or none
    is known here. Laws of logarithms are left out where a target has none.

    Args:
        rows: The train rows.
        cap: Most constants of a group, over all targets; None for as many as one likes.
    """
    where = places(rows)
    if where is None:
        return []
    each = None if cap is None else cap // len(rows.targets)
    positive, signs = bool((rows.y > 0).all()), _signs(rows, where)
    seen: dict[Law, Form] = {}
    for form in _forms(rows, where):
        fits = positive or form.law.link != "log"
        if fits and (each is None or form.law.n_constants <= each):
            signed = replace(form, law=replace(form.law, signs=signs))
            seen.setdefault(normal_form(form.law), signed)
    return sorted(seen.values(), key=lambda form: form.law.n_constants)


def said_of(rows: TrainRows, cap: int | None, *, given: bool = False) -> str:
    """Return in a line what features are taken for, and how many laws are meant for that.

    Args:
        rows: The train rows.
        cap: Most constants of a group.
        given: Whether something was given to begin with, which is what others must beat then.
    """
    found = quantities(rows)
    alike = "" if given else ", so all published forms count alike"
    if places(rows) is None:
        untold = ", ".join(
            axis.name for axis, one in zip(rows.axes, found, strict=True) if one is None
        )
        why = f"no telling by name what {untold} is" if untold else "two of one kind by their names"
        return f"{why}{alike}"
    named = [f"{axis.name} as {one}" for axis, one in zip(rows.axes, found, strict=True)]
    taken = "shares of a mixture" if set(found) == {Quantity.SHARE} else ", ".join(named)
    count = len(textbook(rows, cap))
    if count:
        laws = "1 law" if count == 1 else f"{count} laws"
        bar = "" if given else ", which others must beat"
        return f"{taken}; {laws} meant for just that (the textbook's){bar}"
    few = f"has at most {cap} constants" if textbook(rows, None) else "is known here"
    return f"{taken}; no law meant for just that {few}{alike}"


def _signs(rows: TrainRows, where: Places) -> Signs:
    """Return which constants are not negative: those of laws of a loss, which falls with scale.

    Ranks tell, within groups: one run that diverged does not make a loss rise, nor do groups that
    lie higher the larger their runs are.
    """
    if Quantity.SHARE in where:
        return "any"  # no mixture is larger than another
    places = joint_ranks(rows)
    along = np.zeros(len(rows.targets))
    for place, y, weights in zip(places, rows.y, rows.weights, strict=True):
        real = weights > 0
        levels = [np.unique(one, return_inverse=True)[1].ravel() for one in y[real].T]
        along += [(place[real] - place[real].mean()) @ one / max(one.max(), 1) for one in levels]
    if not (along < 0).all():
        return "any"
    return "all" if (rows.y[rows.weights > 0] > 0).all() else "terms"


def _forms(rows: TrainRows, where: Places) -> Iterator[Form]:
    if set(where) == {Quantity.SHARE}:
        yield from _of_mixtures(len(rows.axes))
    elif Quantity.UNIQUE in where:
        if set(where) == {Quantity.UNIQUE, _SIZE, _DATA}:
            unique, seen = where[Quantity.UNIQUE], where[_DATA]
            yield from repeated(rows, sorted(where.values()), (unique, seen))
    elif {Quantity.RATE, Quantity.BATCH} & set(where):
        yield from _of_optima(where)
    elif of := _BY_QUANTITIES.get(frozenset(where)):
        yield from of(where)


def _of_size(where: Places) -> Iterator[Form]:
    (here,) = where.values()
    fall, peak = Saturation(Feature(here)), (power(here), Saturation(Feature(here)))
    yield from _of_one(where)
    yield Form("a power law and a peak", NAKKIRAN, Law(terms(power(here), peak)))
    jammed = Law(terms(fall, Peak(Feature(here))))
    yield Form("a fall and a peak at the threshold", GEIGER, jammed)


def _of_one(where: Places) -> Iterator[Form]:
    (here,) = where.values()
    yield Form("power law above a floor", HESTNESS, Law(terms(power(here))))
    broken = Law(terms(Log(Feature(here)), Log(Bend(Feature(here)))), link="log")
    yield Form("broken power law", CABALLERO, broken)


def _of_compute(where: Places) -> Iterator[Form]:
    (here,) = where.values()
    yield from _of_one(where)
    line = Log(Feature(here))
    yield Form("a parabola", WU, Law(terms(line, (line, line))))
    yield Form("a cubic", WU, Law(terms(line, (line, line), (line, line, line))))


def _of_tuning(where: Places) -> Iterator[Form]:
    (here,) = where.values()
    yield Form("rectified power law", LIN, Law(terms(Saturation(Feature(here)))))


def _of_size_and_data(where: Places) -> Iterator[Form]:
    size, data = where[_SIZE], where[_DATA]
    yield Form("sum of power laws", HOFFMANN, Law(terms(power(size), power(data))))
    yield Form("bottleneck", KAPLAN, Law(terms(Power(_neck(Feature(size), Feature(data))))))
    yield Form("an exponent that changes with scale", FARSEER, Law(terms(*farseer(size, data))))


def _of_experts(where: Places) -> Iterator[Form]:
    size, experts = Feature(where[_SIZE]), Feature(where[Quantity.EXPERTS])
    lines = [Log(size), Log(experts)]
    bilinear = Law(terms(*lines, tuple(lines)), link="log")
    yield Form("interacting logarithms", CLARK, bilinear)
    for many in (experts, Shift(experts), Limit(Shift(experts))):
        routed = terms(Joint(size, many))
        yield Form("an exponent that changes", CLARK, Law(routed, offset=False))
        yield Form("an exponent that changes, above a floor", CLARK, Law(routed))


def _of_vocabulary(where: Places) -> Iterator[Form]:
    size, entries, text = where[_SIZE], where[Quantity.VOCABULARY], where[_DATA]
    # How many tokens a text has follows from the vocabulary; here as a power of its size.
    tokens = Blend(Feature(text), Feature(entries))
    for data in (Feature(text), tokens):
        summed = terms(power(size), power(entries), Power(data))
        yield Form("sum of power laws", TAO, Law(summed))
        joined = terms(power(entries), Power(_neck(Feature(size), data)))
        yield Form("bottleneck and a power of the vocabulary", TAO, Law(joined))


def _of_optima(where: Places) -> Iterator[Form]:
    """Laws of scale, with an optimum of what is set: a learning rate, a batch size."""
    order = sorted(where, key=where.__getitem__)
    some = [where[one] for one in order if one in {_SIZE, _DATA}]
    others = [where[one] for one in order if one in {Quantity.RATE, Quantity.BATCH}]
    if not some or len(some) + len(others) < len(where):
        return
    yield from optima(some, others)
    if len(where) == 4:
        yield critical(where[_SIZE], where[_DATA], where[Quantity.BATCH], where[Quantity.RATE])


def _of_mixtures(count: int) -> Iterator[Form]:
    yield Form("mixture law", YE, Law(terms(Mixture(tuple(range(count))))))
    if count > 1:
        implied = Mixture(tuple(range(count - 1)))
        yield Form("mixture law, one share implied", YE, Law(terms(implied)))


def _neck(size: Feature, data: Scale) -> Bottleneck:
    """Return a bottleneck of two scales, in the order in which the library has it."""
    if isinstance(data, Feature) and data.index < size.index:
        return Bottleneck(data, size)
    return Bottleneck(size, data)


_BY_QUANTITIES: dict[frozenset[Quantity], Callable[[Places], Iterator[Form]]] = {
    frozenset({_SIZE}): _of_size,
    frozenset({_DATA}): _of_one,
    frozenset({Quantity.COMPUTE}): _of_compute,
    frozenset({Quantity.TUNING}): _of_tuning,
    frozenset({_SIZE, _DATA}): _of_size_and_data,
    frozenset({_SIZE, Quantity.EXPERTS}): _of_experts,
    frozenset({_SIZE, _DATA, Quantity.VOCABULARY}): _of_vocabulary,
}
