"""Laws as presentation MathML. Only the worker loads this."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any
from xml.dom.minidom import parseString

from harness.leaderboard.formula.expressions import GiveUp
from harness.leaderboard.formula.mathml import (
    APPLY_FUNCTION,
    INVISIBLE_TIMES,
    MINUS,
    symbol_mathml,
)
from harness.leaderboard.formula.trees import rounded, signed

# sympy has no type information.
_sympy: Any = importlib.import_module("sympy")
_MathMLPrinter: Any = importlib.import_module("sympy.printing.mathml").MathMLPresentationPrinter


def to_mathml(expression: Any) -> str:
    """Return the content of a ``math`` element."""
    printer = FormulaPrinter({"order": "none"})
    return str(printer._print(expression).toxml())


def _element(markup: str) -> Any:
    return parseString(markup).documentElement  # noqa: S318 - made here


def _row(*children: Any) -> Any:
    row = _element("<mrow/>")
    for child in children:
        row.appendChild(child)
    return row


def _wrap(tag: str, *children: Any) -> Any:
    node = _element(f"<{tag}/>")
    for child in children:
        node.appendChild(child)
    return node


def _mo(text: str) -> Any:
    return _element(f"<mo>{text}</mo>")


def _parenthesized(node: Any) -> Any:
    return _row(_mo("("), node, _mo(")"))


def _print_product(printer: Any, factors: list[Any]) -> Any:
    if not factors:
        return printer._print(_sympy.Integer(1))
    if len(factors) == 1:
        return printer._print(factors[0])
    row = _row()
    for place, factor in enumerate(factors):
        if place:
            row.appendChild(_mo(_times(factors[place - 1], factor)))
        closed = not (factor.is_Add or factor.is_Mul or factor.is_Piecewise)
        shown = printer._print(factor)
        row.appendChild(shown if closed else _parenthesized(shown))
    return row


def _times(left: Any, right: Any) -> str:
    """Return the sign between two factors: none where they cannot be read as one thing."""
    base = right.base if right.is_Pow else right
    if base.is_Number:
        return "\u00d7"
    long = any(
        item.is_Symbol and len(symbol_mathml(item.name).partition("</mi>")[0]) > len("<mi>x")
        for item in (left.base if left.is_Pow else left, base)
    )
    named = isinstance(base, _sympy.Function | _sympy.Max | _sympy.Min)
    return "\u00b7" if long or named else INVISIBLE_TIMES


def _print_mul(printer: Any, expression: Any) -> Any:
    minus, over, under = signed(expression)
    shown = _print_product(printer, over)
    if under:
        shown = _wrap("mfrac", shown, _print_product(printer, under))
    elif len(over) == 1 and (over[0].is_Add or over[0].is_Piecewise):
        shown = _parenthesized(shown)
    return _row(_mo(MINUS), shown) if minus else shown


def _print_add(printer: Any, expression: Any) -> Any:
    row = _row()
    for place, term in enumerate(expression.args):
        shown = printer._print(term)
        if term.is_Piecewise or (place and term.is_Add):
            shown = _parenthesized(shown)
        minus = (term.is_Mul or term.is_Number) and signed(term)[0]
        if minus and shown.tagName == "mrow":
            sign = shown.firstChild
            shown.removeChild(sign)
            row.appendChild(sign)
        elif place:
            row.appendChild(_mo("+"))
        for child in list(shown.childNodes) if shown.tagName == "mrow" else [shown]:
            row.appendChild(child)
    return row


def _print_pow(printer: Any, expression: Any) -> Any:
    base, exponent = expression.base, expression.exp
    if exponent == -1:
        return _wrap("mfrac", printer._print(_sympy.Integer(1)), printer._print(base))
    if exponent == _sympy.Rational(1, 2):
        return _wrap("msqrt", printer._print(base))
    shown = printer._print(base)
    closed = base.is_Symbol or (shown.tagName in {"mn", "mi"})
    return _wrap("msup", shown if closed else _parenthesized(shown), printer._print(exponent))


def _print_number(_printer: Any, number: Any) -> Any:
    digits, exponent = rounded(float(number))
    minus, digits = digits.startswith("-"), digits.removeprefix("-")
    if exponent:
        power = f"<mn>{abs(exponent)}</mn>"
        if exponent < 0:
            power = f"<mrow><mo>{MINUS}</mo>{power}</mrow>"
        shown = f"<msup><mn>10</mn>{power}</msup>"
        if digits != "1":
            shown = f"<mrow><mn>{digits}</mn><mo>\u00d7</mo>{shown}</mrow>"
    else:
        shown = f"<mn>{digits}</mn>"
    return _row(_mo(MINUS), _element(shown)) if minus else _element(shown)


def _print_symbol(_printer: Any, symbol: Any) -> Any:
    return _element(symbol_mathml(symbol.name))


def _applied(name: str) -> Callable[[Any, Any], Any]:
    def show(printer: Any, expression: Any) -> Any:
        row = _row(_element(f"<mi>{name}</mi>"), _mo(APPLY_FUNCTION), _mo("("))
        for place, argument in enumerate(expression.args):
            if place:
                row.appendChild(_mo(","))
            row.appendChild(printer._print(argument))
        row.appendChild(_mo(")"))
        return _row(row)

    return show


def _print_abs(printer: Any, expression: Any) -> Any:
    return _row(_row(_mo("|"), printer._print(expression.args[0]), _mo("|")))


def _relation(sign: str) -> Callable[[Any, Any], Any]:
    def show(printer: Any, expression: Any) -> Any:
        left, right = map(printer._print, expression.args)
        return _row(left, _mo(sign), right)

    return show


def _junction(word: str) -> Callable[[Any, Any], Any]:
    def show(printer: Any, expression: Any) -> Any:
        row = _row()
        for place, argument in enumerate(expression.args):
            if place:
                row.appendChild(_element(f"<mtext> {word} </mtext>"))
            row.appendChild(_parenthesized(printer._print(argument)))
        return row

    return show


def _print_not(printer: Any, expression: Any) -> Any:
    inner = _parenthesized(printer._print(expression.args[0]))
    return _row(_element("<mtext>not </mtext>"), inner)


def _print_piecewise(printer: Any, expression: Any) -> Any:
    table = _element("<mtable/>")
    for value, condition in expression.args:
        word = "otherwise" if condition == True else "if "  # noqa: E712 - sympy's own true
        cell = _wrap("mtd", _element(f"<mtext>{word}</mtext>"))
        if word == "if ":
            cell.appendChild(printer._print(condition))
        table.appendChild(_wrap("mtr", _wrap("mtd", printer._print(value)), cell))
    return _row(_row(_mo("{"), table))


def _unknown(_printer: Any, expression: Any) -> Any:
    raise GiveUp(f"{type(expression).__name__} cannot be shown")


# sympy's own printer loses parentheses of expressions that are not evaluated: -(a - b) would be
# shown as - a - b. It finds the method for a class; what is shown is all written here.
FormulaPrinter: Any = type(
    "FormulaPrinter",
    (_MathMLPrinter,),
    {
        "_print_Mul": _print_mul,
        "_print_Add": _print_add,
        "_print_Pow": _print_pow,
        **dict.fromkeys(("_print_Integer", "_print_Float", "_print_Rational"), _print_number),
        **dict.fromkeys(("_print_One", "_print_Zero", "_print_NegativeOne"), _print_number),
        "_print_Half": _print_number,
        "_print_Number": _print_number,
        "_print_Symbol": _print_symbol,
        "_print_Abs": _print_abs,
        "_print_Max": _applied("max"),
        "_print_Min": _applied("min"),
        "_print_Piecewise": _print_piecewise,
        "_print_StrictLessThan": _relation("&lt;"),
        "_print_LessThan": _relation("\u2264"),
        "_print_StrictGreaterThan": _relation("&gt;"),
        "_print_GreaterThan": _relation("\u2265"),
        "_print_Equality": _relation("="),
        "_print_Unequality": _relation("\u2260"),
        "_print_And": _junction("and"),
        "_print_Or": _junction("or"),
        "_print_Not": _print_not,
        "_print_Basic": _unknown,
        "_print_Function": _unknown,
        "emptyPrinter": _unknown,
        "_print_atan": _applied("arctan"),
        "_print_asinh": _applied("arcsinh"),
        **{
            f"_print_{name}": _applied(name)
            for name in ("exp", "log", "sign", "sin", "cos", "tan", "sinh", "cosh", "tanh")
        },
    },
)
