"""The laws that were published for just the quantities that a task has, by their names.

The library writes every published form for whatever features there are: hundreds of laws, of which
a few foresee a task's last rows by chance. What somebody would look up who knows that one feature
is a model's size and the other the data it saw are these few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from harness.evolution.expression import Law, normal_form
from harness.evolution.factors import Joint, Log, Mixture, Peak, Power, Saturation
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
from harness.evolution.quantities import Quantity, quantities, quantity_of
from harness.evolution.repeated import repeated
from harness.evolution.rows import TrainRows
from harness.evolution.scales import Bend, Blend, Bottleneck, Feature, Limit, Scale, Shift

Places = dict[Quantity, int]
"""Which feature is which quantity."""
_SIZE, _DATA = Quantity.SIZE, Quantity.DATA


def textbook(rows: TrainRows, cap: int | None) -> list[Form]:
    """Return the laws published for a task's quantities that its cap on constants allows.

    Those of fewest constants first; none where a feature's name does not say what it is, or nobody
    published any.

    Args:
        rows: The train rows.
        cap: Most constants of a group, over all targets; None for as many as one likes.
    """
    places = quantities(rows.axes)
    if places is None:
        return []
    each = None if cap is None else cap // len(rows.targets)
    seen: dict[Law, Form] = {}
    for form in _forms(rows, places):
        if each is None or form.law.n_constants <= each:
            seen.setdefault(normal_form(form.law), form)
    return sorted(seen.values(), key=lambda form: form.law.n_constants)


def said_of(rows: TrainRows, cap: int | None) -> str:
    """Return in a line what features are taken for, and how many laws were published for that."""
    count = len(textbook(rows, cap))
    if quantities(rows.axes) is not None:
        shares = all(quantity_of(axis) is Quantity.SHARE for axis in rows.axes)
        read = ", ".join(f"{axis.name} as {quantity_of(axis)}" for axis in rows.axes)
        taken = "shares of a mixture" if shares else f"{read}, by their names"
        if count:
            laws = "1 law" if count == 1 else f"{count} laws"
            return (
                f"{taken}: {laws} published for just that (the textbook's), which others must beat"
            )
        few = f"has at most {cap} constants" if textbook(rows, None) else "is known here"
        return f"{taken}: no law published for just that {few}, so all published forms count alike"
    untold = ", ".join(axis.name for axis in rows.axes if quantity_of(axis) is None)
    why = f"no telling by name what {untold} is" if untold else "two features of one kind by name"
    return f"{why}, so all published forms count alike"


def _forms(rows: TrainRows, places: Places) -> Iterator[Form]:
    if set(places) == {Quantity.SHARE}:
        yield from _of_mixtures(len(rows.axes))
    elif Quantity.UNIQUE in places:
        if set(places) == {Quantity.UNIQUE, _SIZE, _DATA}:
            unique, seen = places[Quantity.UNIQUE], places[_DATA]
            yield from repeated(rows, sorted(places.values()), (unique, seen))
    elif {Quantity.RATE, Quantity.BATCH} & set(places):
        yield from _of_optima(places)
    elif of := _BY_QUANTITIES.get(frozenset(places)):
        yield from of(places)


def _of_size(places: Places) -> Iterator[Form]:
    (here,) = places.values()
    fall, peak = Saturation(Feature(here)), (power(here), Saturation(Feature(here)))
    yield from _of_one(places)
    yield Form("a power law and a peak", NAKKIRAN, Law(terms(power(here), peak)))
    jammed = Law(terms(fall, Peak(Feature(here))))
    yield Form("a fall and a peak at the threshold", GEIGER, jammed)


def _of_one(places: Places) -> Iterator[Form]:
    (here,) = places.values()
    yield Form("power law above a floor", HESTNESS, Law(terms(power(here))))
    broken = Law(terms(Log(Feature(here)), Log(Bend(Feature(here)))), link="log")
    yield Form("broken power law", CABALLERO, broken)


def _of_compute(places: Places) -> Iterator[Form]:
    (here,) = places.values()
    yield from _of_one(places)
    line = Log(Feature(here))
    yield Form("a parabola", WU, Law(terms(line, (line, line))))
    yield Form("a cubic", WU, Law(terms(line, (line, line), (line, line, line))))


def _of_tuning(places: Places) -> Iterator[Form]:
    (here,) = places.values()
    yield Form("rectified power law", LIN, Law(terms(Saturation(Feature(here)))))


def _of_size_and_data(places: Places) -> Iterator[Form]:
    size, data = places[_SIZE], places[_DATA]
    yield Form("sum of power laws", HOFFMANN, Law(terms(power(size), power(data))))
    yield Form("bottleneck", KAPLAN, Law(terms(Power(_neck(Feature(size), Feature(data))))))
    yield Form("an exponent that changes with scale", FARSEER, Law(terms(*farseer(size, data))))


def _of_experts(places: Places) -> Iterator[Form]:
    size, experts = Feature(places[_SIZE]), Feature(places[Quantity.EXPERTS])
    lines = [Log(size), Log(experts)]
    bilinear = Law(terms(*lines, tuple(lines)), link="log")
    yield Form("interacting logarithms", CLARK, bilinear)
    for many in (experts, Shift(experts), Limit(Shift(experts))):
        routed = terms(Joint(size, many))
        yield Form("an exponent that changes", CLARK, Law(routed, offset=False))
        yield Form("an exponent that changes, above a floor", CLARK, Law(routed))


def _of_vocabulary(places: Places) -> Iterator[Form]:
    size, entries, text = places[_SIZE], places[Quantity.VOCABULARY], places[_DATA]
    # How many tokens a text has follows from the vocabulary; here as a power of its size.
    tokens = Blend(Feature(text), Feature(entries))
    for data in (Feature(text), tokens):
        summed = terms(power(size), power(entries), Power(data))
        yield Form("sum of power laws", TAO, Law(summed))
        joined = terms(power(entries), Power(_neck(Feature(size), data)))
        yield Form("bottleneck and a power of the vocabulary", TAO, Law(joined))


def _of_optima(places: Places) -> Iterator[Form]:
    """Laws of scale, with an optimum of what is set: a learning rate, a batch size."""
    order = sorted(places, key=places.__getitem__)
    some = [places[one] for one in order if one in {_SIZE, _DATA}]
    others = [places[one] for one in order if one in {Quantity.RATE, Quantity.BATCH}]
    if not some or len(some) + len(others) < len(places):
        return
    yield from optima(some, others)
    if len(places) == 4:
        yield critical(places[_SIZE], places[_DATA], places[Quantity.BATCH], places[Quantity.RATE])


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
