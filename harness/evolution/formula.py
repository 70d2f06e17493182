"""Laws as people write them, in plain text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.evolution.expression import Law
from harness.evolution.factors import (
    Constrained,
    Factor,
    Joint,
    Log,
    Mixture,
    Peak,
    Power,
    Raw,
    Saturation,
    Valley,
)
from harness.evolution.rows import Axis, Kind
from harness.evolution.scales import (
    Bend,
    Bottleneck,
    Effective,
    Feature,
    Limit,
    Scale,
    Shift,
    Supported,
)


def scale_of(axis: Axis) -> str:
    """Return a feature as a scale, in text: the exponential of what is a logarithm already."""
    return axis.name if axis.kind is not Kind.LOG else f"exp({coordinate_of(axis)})"


def coordinate_of(axis: Axis) -> str:
    """Return a logarithm as laws have it, in text: less its mean, in units of its spread."""
    less = f"{axis.name} {'+' if axis.reference < 0 else '-'} {abs(axis.reference):g}"
    less = less if axis.reference else axis.name
    return less if axis.unit == 1.0 else f"({less})/{axis.unit:g}"


def formula(law: Law, axes: Sequence[Axis], targets: Sequence[str]) -> str:
    """Return a law in one line: ``loss = c0 + c1 * params^a1``.

    Args:
        law: The law.
        axes: The features.
        targets: Their names; one stands for all.
    """
    shapes = iter(range(1, len(law.slots) + 1))
    terms = []
    for number, term in enumerate(law.terms, 1):
        factors = [_factor(factor, axes, shapes) for factor in term.factors]
        terms.append(" * ".join([f"c{number}", *factors]))
    if law.offset:
        terms.insert(0, "c0")
    target = targets[0] if len(targets) == 1 else "each target"
    left = f"log({target})" if law.link == "log" else target
    return f"{left} = {' + '.join(terms)}"


def _factor(factor: Factor, axes: Sequence[Axis], number: Iterator[int]) -> str:
    if isinstance(factor, Power):
        exponent = f"a{next(number)}"
        return f"{_scale(factor.of, axes, number)}^{exponent}"
    if isinstance(factor, Log) and isinstance(factor.of, Feature):
        axis = axes[factor.of.index]
        return f"({coordinate_of(axis)})" if axis.kind is Kind.LOG else f"log({axis.name})"
    if isinstance(factor, Log):
        return f"log({_scale(factor.of, axes, number)})"
    if isinstance(factor, Raw):
        return axes[factor.index].name if factor.share else f"({coordinate_of(axes[factor.index])})"
    if isinstance(factor, Mixture):
        parts = [f"t{next(number)} {axes[index].name}" for index in factor.shares]
        return f"exp({' + '.join(parts)})"
    if isinstance(factor, Joint):
        a, b, c = f"a{next(number)}", f"a{next(number)}", f"b{next(number)}"
        first, second = _scale(factor.first, axes, number), _scale(factor.second, axes, number)
        return f"{first}^({a} + {c} log({second})) * {second}^{b}"
    if isinstance(factor, Valley):
        place = f"m{next(number)}"
        skew = f"k{next(number)}" if factor.lopsided else ""
        off = f"log({_scale(factor.of, axes, number)}/{place})"
        return f"{off}^2 * {skew}^sign({off})" if skew else f"{off}^2"
    if isinstance(factor, Peak):
        place, rise, blunt = f"m{next(number)}", f"u{next(number)}", f"w{next(number)}"
        ratio = f"({_scale(factor.of, axes, number)}/{place})"
        return f"({ratio}^(-{rise}/{blunt}) + {ratio}^(1/(2 {blunt})))^-{blunt}"
    if isinstance(factor, Constrained):
        names = ", ".join(axes[n].name for n in (factor.size, factor.unique, factor.seen))
        letters = ("a", "k", "R", "R") if factor.shared else ("a", "a", "k", "R", "R")
        return f"constrained({names}; {', '.join(f'{x}{next(number)}' for x in letters)})"
    place, width = f"m{next(number)}", f"w{next(number)}"
    inner = _scale(factor.of, axes, number)
    if isinstance(factor, Saturation):
        return f"1/(1 + ({inner}/{place})^{width})"
    return f"exp(-(log({inner}/{place})/{width})^2/2)"


def _scale(scale: Scale, axes: Sequence[Axis], number: Iterator[int]) -> str:
    if isinstance(scale, Feature):
        return scale_of(axes[scale.index])
    if isinstance(scale, Shift):
        shift = f"s{next(number)}"
        return f"({_scale(scale.of, axes, number)} + {shift})"
    if isinstance(scale, Limit):
        ceiling = f"m{next(number)}"
        return f"(1/(1/{_scale(scale.of, axes, number)} + 1/{ceiling}))"
    if isinstance(scale, Bend):
        place, sharpness = f"m{next(number)}", f"k{next(number)}"
        inner = _scale(scale.of, axes, number)
        return f"({inner}^{sharpness} + {place}^{sharpness})^(1/{sharpness})"
    if isinstance(scale, Effective):
        return f"effective({axes[scale.unique].name}, {axes[scale.seen].name}; R{next(number)})"
    if isinstance(scale, Supported):
        size, unique = axes[scale.size].name, axes[scale.unique].name
        return f"supported({size}, {unique}; k{next(number)}, R{next(number)})"
    if isinstance(scale, Bottleneck):
        place, mix = f"s{next(number)}", f"b{next(number)}"
        first = _scale(scale.first, axes, number)
        second = _scale(scale.second, axes, number)
        return f"(1/(1/{first} + 1/({place} {second}^{mix})))"
    mix = f"b{next(number)}"
    first = _scale(scale.first, axes, number)
    return f"({first} {_scale(scale.second, axes, number)}^{mix})"
