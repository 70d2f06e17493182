"""Laws as sympy expressions that nothing is computed in. Only the worker loads this."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from harness.leaderboard.formula.expressions import Expr, GiveUp

# sympy has no type information.
_sympy: Any = importlib.import_module("sympy")
_PLAIN_DIGITS = 6


def to_sympy(law: Expr, names: Mapping[Expr, str]) -> Any:
    """Return a law as a sympy expression that nothing is computed in.

    Args:
        law: The law.
        names: The name of every symbol.
    """
    return _Builder(names).build(law)


class _Builder:
    """Builds sympy expressions; common parts are built once."""

    def __init__(self, names: Mapping[Expr, str]) -> None:
        self._names = names
        self._built: dict[Expr, Any] = {}

    def build(self, node: Expr) -> Any:
        if node not in self._built:
            self._built[node] = self._new(node)
        return self._built[node]

    def _new(self, node: Expr) -> Any:
        if node.op == "sym":
            return _sympy.Symbol(self._names[node])
        if node.op == "num":
            number = node.number
            return _sympy.Integer(number) if isinstance(number, int) else _sympy.Float(number)
        build = _OPERATIONS.get(node.op)
        if build is None:
            raise GiveUp(f"{node.op} cannot be shown")
        return build(*map(self.build, node.args))


def _add(*parts: Any) -> Any:
    terms = [term for part in parts for term in (part.args if part.is_Add else (part,))]
    return _sympy.Add(*terms, evaluate=False)


def _mul(*parts: Any) -> Any:
    factors = [factor for part in parts for factor in (part.args if part.is_Mul else (part,))]
    return _sympy.Mul(*factors, evaluate=False)


def _neg(part: Any) -> Any:
    if part.is_Number:
        return -part
    return _mul(_sympy.Integer(-1), part)


def _pow(base: Any, exponent: Any) -> Any:
    return _sympy.Pow(base, exponent, evaluate=False)


def _div(a: Any, b: Any) -> Any:
    if a == 1:
        return _pow(b, _sympy.Integer(-1))
    return _mul(a, _pow(b, _sympy.Integer(-1)))


def _function(name: str) -> Callable[..., Any]:
    function = getattr(_sympy, name)
    return lambda *args: function(*args, evaluate=False)


def _where(condition: Any, a: Any, b: Any) -> Any:
    return _sympy.Piecewise((a, condition), (b, True), evaluate=False)


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "add": _add,
    "sub": lambda a, b: _add(a, _neg(b)),
    "mul": _mul,
    "neg": _neg,
    "div": _div,
    "pow": _pow,
    "sqrt": lambda a: _pow(a, _sympy.Rational(1, 2)),
    "abs": _function("Abs"),
    "max": _function("Max"),
    "min": _function("Min"),
    "where": _where,
    "lt": _function("StrictLessThan"),
    "le": _function("LessThan"),
    "gt": _function("StrictGreaterThan"),
    "ge": _function("GreaterThan"),
    "eq": _function("Equality"),
    "ne": _function("Unequality"),
    "and": _function("And"),
    "or": _function("Or"),
    "not": _function("Not"),
    **{
        name: _function(name)
        for name in (
            "exp", "log", "sign", "sin", "cos", "tan", "sinh", "cosh", "tanh", "atan", "asinh",
        )
    },
}  # fmt: skip


def signed(expression: Any) -> tuple[bool, list[Any], list[Any]]:
    """Split a product into its sign, its factors and its divisors."""
    minus, over, under = False, [], []
    for factor in expression.args if expression.is_Mul else (expression,):
        if factor.is_Number and factor.is_negative:
            minus = not minus
            if factor != -1:
                over.append(-factor)
        elif factor.is_Pow and expression.is_Mul and _is_negative(factor.exp):
            under.append(_without_sign(factor))
        elif factor.is_Pow and factor.exp == -1:
            under.append(factor.base)
        else:
            over.append(factor)
    return minus, over, under


def _is_negative(exponent: Any) -> bool:
    return bool(signed(exponent)[0]) if exponent.is_Mul or exponent.is_Number else False


def _without_sign(power: Any) -> Any:
    if power.exp == -1:
        return power.base
    if power.exp.is_Number:
        return _pow(power.base, -power.exp)
    factors = list(power.exp.args)
    place = next(i for i, factor in enumerate(factors) if factor.is_Number and factor.is_negative)
    if factors[place] == -1:
        del factors[place]
    else:
        factors[place] = -factors[place]
    return _pow(power.base, _mul(*factors) if len(factors) > 1 else factors[0])


def rounded(number: float) -> tuple[str, int]:
    """Return a number's first digits and its power of ten."""
    text = f"{number:.{_PLAIN_DIGITS}g}"
    digits, _, exponent = text.partition("e")
    return digits, int(exponent or 0)


def is_rounded(law: Expr) -> bool:
    """Return whether a number of a law has more digits than are shown."""
    if law.number is not None:
        return float(f"{law.number:.{_PLAIN_DIGITS}g}") != law.number
    return any(map(is_rounded, law.args))
