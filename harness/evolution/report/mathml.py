"""Laws as MathML, term by term, in the symbols of ``harness.evolution.formula``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from markupsafe import Markup

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
from harness.evolution.formula import coordinate_of, scale_of
from harness.evolution.report.words import BRIEF, plain
from harness.evolution.rows import Axis, FloatArray, Kind
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

_LETTERS = {
    "exponent": "a",
    "log_shift": "s",
    "log_place": "m",
    "log_width": "w",
    "mix": "b",
    "rate": "t",
    "log_epochs": "R",
    "log_support": "k",
    "log_sharpness": "k",
    "log_ceiling": "m",
    "cross": "b",
    "decay": "a",
    "log_balance": "k",
    "log_rise": "u",
    "log_skew": "k",
}


def symbols(law: Law) -> list[str]:
    """Return what the shape constants are called in the formula, in the order of the slots."""
    return [f"{_LETTERS[slot.name]}{place}" for place, slot in enumerate(law.slots, 1)]


def named_constants(law: Law, own: FloatArray) -> dict[str, float]:
    """Return the constants of a law as they stand in its formula.

    Shape constants of a term that has no part (its constant is 0) are NaN: no row says anything of
    them.

    Args:
        law: The law.
        own: Its constants as fits return them, ``(K + P,)``: of terms, the offset, shapes.
    """
    count = len(law.terms)
    offset = {"c0": own[count]} if law.offset else {}
    terms = {f"c{place}": own[place - 1] for place in range(1, count + 1)}
    parts = [own[place] != 0 for place, term in enumerate(law.terms) for _ in term.slots]
    shapes = {
        name: np.nan if not part else np.exp(value) if slot.name.startswith("log_") else value
        for name, slot, value, part in zip(
            symbols(law), law.slots, own[law.n_linear :], parts, strict=True
        )
    }
    return {name: float(value) for name, value in (offset | terms | shapes).items()}


def said_of_zeros(law: Law, fits: Iterable[FloatArray]) -> str:
    """Return in a sentence which constants stand at 0 because they may not be negative.

    Args:
        law: The law.
        fits: Its constants, ``(K + P,)`` each.

    Returns:
        Empty where none does.
    """
    each = [{place for place in law.positive if own[place] == 0} for own in fits]
    zero = set[int]().union(*each)
    names = [f"c{0 if place == len(law.terms) else place + 1}" for place in sorted(zero)]
    if not names:
        return ""
    are, them = ("are", "them") if len(names) > 1 else ("is", "it")
    some = "" if all(one == zero for one in each) else " in some groups"
    return (
        f"{' and '.join(names)} {are} 0{some}: the rows would have {them} negative, which "
        "constants of published laws of a loss are not"
    )


def law_pieces(law: Law, axes: Sequence[Axis], targets: Sequence[str]) -> list[Markup]:
    """Return a law as ``math`` elements that a line may be broken between, factor by factor.

    Args:
        law: The law.
        axes: The features.
        targets: Their names; one stands for all.
    """
    names = iter(symbols(law))
    written = _Writer([replace(axis, name=plain(axis.name, BRIEF)) for axis in axes], names)
    target = plain(targets[0], BRIEF) if len(targets) == 1 else "each target"
    left = _call("log", _name(target)) if law.link == "log" else _name(target)
    pieces = [left + _operator("=")]
    signs = iter([Markup(""), *[_sign("+")] * len(law.terms)])
    if law.offset:
        pieces.append(next(signs) + _symbol("c0"))
    for number, term in enumerate(law.terms, 1):
        pieces.append(next(signs) + _symbol(f"c{number}"))
        pieces += [_sign("·") + written.factor(factor) for factor in term.factors]
    return [Markup('<math displaystyle="true">{}</math>').format(piece) for piece in pieces]


class _Writer:
    """Writes factors, taking one name for each shape constant in order."""

    def __init__(self, axes: Sequence[Axis], names: Iterator[str]) -> None:
        self._axes = axes
        self._names = names

    def factor(self, factor: Factor) -> Markup:
        if isinstance(factor, Power):
            exponent = self._next()
            return _raised(self.scale(factor.of), exponent)
        if isinstance(factor, Log):
            if isinstance(factor.of, Feature) and self._axes[factor.of.index].kind is Kind.LOG:
                return _name(f"({coordinate_of(self._axes[factor.of.index])})")
            return _call("log", self.scale(factor.of))
        if isinstance(factor, Raw):
            return _name(self._axes[factor.index].name)
        if isinstance(factor, Mixture):
            parts = [
                self._next() + _operator("·") + _name(self._axes[index].name)
                for index in factor.shares
            ]
            return _call("exp", _operator("+").join(parts))
        if isinstance(factor, Joint):
            a, b, c = self._next(), self._next(), self._next()
            first, second = self.scale(factor.first), self.scale(factor.second)
            power = a + _operator("+") + c + _operator("·") + _call("log", second)
            return _raised(first, power) + _operator("·") + _raised(second, b)
        if isinstance(factor, Valley):
            return self._valley(factor)
        if isinstance(factor, Peak):
            return self._peak(factor)
        if isinstance(factor, Constrained):
            places = (factor.size, factor.unique, factor.seen)
            of = _operator(",").join(_name(self._axes[place].name) for place in places)
            constants = _operator(",").join(self._next() for _ in factor.slots)
            return _call("constrained", of + _operator(";") + constants)
        place, width = self._next(), self._next()
        ratio = _over(self.scale(factor.of), place)
        if isinstance(factor, Saturation):
            below = Markup("<mn>1</mn>") + _operator("+") + _raised(_inside(ratio), width)
            return _over(Markup("<mn>1</mn>"), below)
        off = _inside(_over(_call("log", ratio), width))
        half = _over(Markup("<mn>1</mn>"), Markup("<mn>2</mn>"))
        return _call("exp", _operator("−") + half + _raised(off, Markup("<mn>2</mn>")))

    def _valley(self, factor: Valley) -> Markup:
        place = self._next()
        skew = self._next() if factor.lopsided else None
        off = _call("log", _over(self.scale(factor.of), place))
        square = _raised(_inside(off), Markup("<mn>2</mn>"))
        if skew is None:
            return square
        return square + _operator("·") + _raised(skew, _call("sign", off))

    def _peak(self, factor: Peak) -> Markup:
        place, rise, blunt = self._next(), self._next(), self._next()
        ratio = _inside(_over(self.scale(factor.of), place))
        half = _over(Markup("<mn>1</mn>"), Markup("<mn>2</mn>") + _operator("·") + blunt)
        both = _raised(ratio, _operator("−") + _over(rise, blunt)) + _operator("+")
        return _raised(_inside(both + _raised(ratio, half)), _operator("−") + blunt)

    def scale(self, scale: Scale) -> Markup:
        if isinstance(scale, Feature):
            return _name(scale_of(self._axes[scale.index]))
        if isinstance(scale, Shift):
            shift = self._next()
            return _inside(self.scale(scale.of) + _operator("+") + shift)
        if isinstance(scale, Limit):
            ceiling, one = self._next(), Markup("<mn>1</mn>")
            below = _over(one, self.scale(scale.of)) + _operator("+") + _over(one, ceiling)
            return _over(one, below)
        if isinstance(scale, Bend):
            place, sharpness = self._next(), self._next()
            inner = _raised(self.scale(scale.of), sharpness)
            root = _over(Markup("<mn>1</mn>"), sharpness)
            return _raised(_inside(inner + _operator("+") + _raised(place, sharpness)), root)
        if isinstance(scale, Effective):
            unique, seen = self._axes[scale.unique].name, self._axes[scale.seen].name
            both = _name(unique) + _operator(",") + _name(seen)
            return _call("effective", both + _operator(";") + self._next())
        if isinstance(scale, Supported):
            size, unique = self._axes[scale.size].name, self._axes[scale.unique].name
            both = _name(size) + _operator(",") + _name(unique)
            constants = self._next() + _operator(",") + self._next()
            return _call("supported", both + _operator(";") + constants)
        if isinstance(scale, Bottleneck):
            place, mix = self._next(), self._next()
            one = Markup("<mn>1</mn>")
            first = _over(one, self.scale(scale.first))
            second = _over(one, place + _operator("·") + _raised(self.scale(scale.second), mix))
            return _over(one, first + _operator("+") + second)
        mix = self._next()
        first = self.scale(scale.first)
        return _inside(first + _operator("·") + _raised(self.scale(scale.second), mix))

    def _next(self) -> Markup:
        return _symbol(next(self._names))


def _symbol(name: str) -> Markup:
    return Markup("<msub><mi>{}</mi><mn>{}</mn></msub>").format(name[0], name[1:])


def _name(name: str) -> Markup:
    return Markup("<mtext>{}</mtext>").format(name)


def _operator(sign: str) -> Markup:
    return Markup("<mo>{}</mo>").format(sign)


def _sign(sign: str) -> Markup:
    """Return an operator that begins a piece, spaced as between two."""
    return Markup('<mo form="infix">{}</mo>').format(sign)


def _raised(base: Markup, exponent: Markup) -> Markup:
    return Markup("<msup><mrow>{}</mrow><mrow>{}</mrow></msup>").format(base, exponent)


def _over(above: Markup, below: Markup) -> Markup:
    return Markup("<mfrac><mrow>{}</mrow><mrow>{}</mrow></mfrac>").format(above, below)


def _inside(content: Markup) -> Markup:
    if "<mfrac" in content or "<msup" in content:
        return Markup("<mrow><mo>(</mo>{}<mo>)</mo></mrow>").format(content)
    low = '<mrow><mo stretchy="false">(</mo>{}<mo stretchy="false">)</mo></mrow>'
    return Markup(low).format(content)  # noqa: S704 - ours


def _call(function: str, content: Markup) -> Markup:
    return Markup("<mi>{}</mi>").format(function) + _inside(content)
