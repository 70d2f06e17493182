"""Laws as people write them, in plain text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.evolution.expression import Factor, Law, Log, Mixture, Power, Raw, Saturation
from harness.evolution.rows import Axis, Kind
from harness.evolution.scales import (
    Bottleneck,
    Effective,
    Feature,
    Scale,
    Shift,
    Supported,
)


def scale_names(axes: Sequence[Axis]) -> list[str]:
    """Return what the features are called in formulas: ``exp(x)`` where x is a logarithm already.

    Args:
        axes: The features.
    """
    return [f"exp({axis.name})" if axis.kind is Kind.LOG else axis.name for axis in axes]


def is_exponential(name: str) -> bool:
    """Whether a name stands for the exponential of a feature."""
    return name.startswith("exp(") and name.endswith(")")


def bare_name(name: str) -> str:
    """Return the feature's own name."""
    return name[4:-1] if is_exponential(name) else name


def formula(law: Law, features: Sequence[str], targets: Sequence[str]) -> str:
    """Return a law in one line: ``loss = c0 + c1 * params^a1``.

    Args:
        law: The law.
        features: Their names, as ``scale_names`` gives them.
        targets: Their names; one stands for all.
    """
    shapes = iter(range(1, len(law.slots) + 1))
    terms = []
    for number, term in enumerate(law.terms, 1):
        factors = [_factor(factor, features, shapes) for factor in term.factors]
        terms.append(" * ".join([f"c{number}", *factors]))
    if law.offset:
        terms.insert(0, "c0")
    target = targets[0] if len(targets) == 1 else "each target"
    left = f"log({target})" if law.link == "log" else target
    return f"{left} = {' + '.join(terms)}"


def _factor(factor: Factor, names: Sequence[str], number: Iterator[int]) -> str:
    if isinstance(factor, Power):
        exponent = f"a{next(number)}"
        return f"{_scale(factor.of, names, number)}^{exponent}"
    if isinstance(factor, Log) and isinstance(factor.of, Feature):
        name = names[factor.of.index]
        return bare_name(name) if is_exponential(name) else f"log({name})"
    if isinstance(factor, Log):
        return f"log({_scale(factor.of, names, number)})"
    if isinstance(factor, Raw):
        return bare_name(names[factor.index])
    if isinstance(factor, Mixture):
        parts = [f"t{next(number)} {names[index]}" for index in factor.shares]
        return f"exp({' + '.join(parts)})"
    place, width = f"m{next(number)}", f"w{next(number)}"
    inner = _scale(factor.of, names, number)
    if isinstance(factor, Saturation):
        return f"1/(1 + ({inner}/{place})^{width})"
    return f"exp(-(log({inner}/{place})/{width})^2/2)"


def _scale(scale: Scale, names: Sequence[str], number: Iterator[int]) -> str:
    if isinstance(scale, Feature):
        return names[scale.index]
    if isinstance(scale, Shift):
        shift = f"s{next(number)}"
        return f"({_scale(scale.of, names, number)} + {shift})"
    if isinstance(scale, Effective):
        return f"effective({names[scale.unique]}, {names[scale.seen]}; R{next(number)})"
    if isinstance(scale, Supported):
        size, unique = names[scale.size], names[scale.unique]
        return f"supported({size}, {unique}; k{next(number)}, R{next(number)})"
    if isinstance(scale, Bottleneck):
        place, mix = f"s{next(number)}", f"b{next(number)}"
        first = _scale(scale.first, names, number)
        second = _scale(scale.second, names, number)
        return f"(1/(1/{first} + 1/({place} {second}^{mix})))"
    mix = f"b{next(number)}"
    first = _scale(scale.first, names, number)
    return f"({first} {_scale(scale.second, names, number)}^{mix})"
