"""Laws as plain text. Only the worker loads this."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from harness.leaderboard.formula.trees import rounded, signed

# sympy has no type information.
_sympy: Any = importlib.import_module("sympy")
_TextPrinter: Any = importlib.import_module("sympy.printing.str").StrPrinter


def to_text(expression: Any) -> str:
    """Return an expression as sympy writes it, numbers rounded."""
    return str(RoundedTextPrinter({"order": "none"}).doprint(expression))


def _text_number(_printer: Any, number: Any) -> str:
    digits, exponent = rounded(float(number))
    return f"{digits}e{exponent}" if exponent else digits


def _text_part(printer: Any, part: Any, *, power: bool = False) -> str:
    """Return a factor, or with ``power`` a base or exponent, in parentheses where it needs them."""
    open_power = _is_plain_power(part) and (power or part.exp == -1)
    minus = part.is_Number and part.is_negative
    closed = not (part.is_Add or part.is_Mul or minus or open_power)
    text = printer._print(part)
    return text if closed else f"({text})"


def _is_plain_power(part: Any) -> bool:
    return bool(part.is_Pow and part.exp != _sympy.Rational(1, 2))


def _text_mul(printer: Any, expression: Any) -> str:
    minus, over, under = signed(expression)
    text = "*".join(_text_part(printer, factor) for factor in over) or "1"
    if under:
        below = "*".join(_text_part(printer, factor) for factor in under)
        text = f"{text}/({below})" if len(under) > 1 else f"{text}/{below}"
    return f"-{text}" if minus else text


def _text_add(printer: Any, expression: Any) -> str:
    text = ""
    for place, term in enumerate(expression.args):
        shown = printer._print(term)
        minus = shown.startswith("-")
        if place and term.is_Add:
            shown, minus = f"({shown})", False
        if place:
            text += " - " if minus else " + "
            shown = shown.removeprefix("-") if minus else shown
        text += shown
    return text


def _text_pow(printer: Any, expression: Any) -> str:
    if not _is_plain_power(expression):
        return f"sqrt({printer._print(expression.base)})"
    if expression.exp == -1:
        below = expression.base
        return f"1/{_text_part(printer, below)}"
    base, exponent = (_text_part(printer, x, power=True) for x in (expression.base, expression.exp))
    return f"{base}**{exponent}"


def _text_relation(sign: str) -> Callable[[Any, Any], str]:
    return lambda printer, expression: f" {sign} ".join(map(printer._print, expression.args))


def _text_junction(word: str) -> Callable[[Any, Any], str]:
    return lambda printer, expression: f" {word} ".join(
        f"({printer._print(part)})" for part in expression.args
    )


# sympy's own loses parentheses as well: -1/(a/b) would be written as -1/a/b.
RoundedTextPrinter: Any = type(
    "RoundedTextPrinter",
    (_TextPrinter,),
    {
        "_print_Integer": _text_number,
        "_print_Float": _text_number,
        "_print_Mul": _text_mul,
        "_print_Add": _text_add,
        "_print_Pow": _text_pow,
        "_print_StrictLessThan": _text_relation("<"),
        "_print_LessThan": _text_relation("<="),
        "_print_StrictGreaterThan": _text_relation(">"),
        "_print_GreaterThan": _text_relation(">="),
        "_print_Equality": _text_relation("=="),
        "_print_Unequality": _text_relation("!="),
        "_print_And": _text_junction("and"),
        "_print_Or": _text_junction("or"),
        "_print_Not": lambda printer, expression: f"not ({printer._print(expression.args[0])})",
    },
)
