"""Laws as sympy expressions, and these as MathML and as text. Only the worker loads this."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any
from xml.dom.minidom import parseString

from harness.leaderboard.formula.expressions import Expr, GiveUp
from harness.leaderboard.formula.mathml import (
    APPLY_FUNCTION,
    INVISIBLE_TIMES,
    MINUS,
    symbol_mathml,
)

# sympy has no type information.
_sympy: Any = importlib.import_module("sympy")
_MathMLPrinter: Any = importlib.import_module("sympy.printing.mathml").MathMLPresentationPrinter
_TextPrinter: Any = importlib.import_module("sympy.printing.str").StrPrinter

_PLAIN_DIGITS = 6


def to_sympy(law: Expr, names: Mapping[Expr, str]) -> Any:
    """Return a law as a sympy expression that nothing is computed in.

    Args:
        law: The law.
        names: The name of every symbol.
    """
    return _Builder(names).build(law)


def to_mathml(expression: Any) -> str:
    """Return the content of a ``math`` element."""
    printer = FormulaPrinter({"order": "none"})
    return str(printer._print(expression).toxml())


def to_text(expression: Any) -> str:
    """Return an expression as sympy writes it, numbers rounded."""
    return str(RoundedTextPrinter({"order": "none"}).doprint(expression))


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


def _signed(expression: Any) -> tuple[bool, list[Any], list[Any]]:
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
    return bool(_signed(exponent)[0]) if exponent.is_Mul or exponent.is_Number else False


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
    return "\u00b7" if long else INVISIBLE_TIMES


def _print_mul(printer: Any, expression: Any) -> Any:
    minus, over, under = _signed(expression)
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
        minus = (term.is_Mul or term.is_Number) and _signed(term)[0]
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
    minus, over, under = _signed(expression)
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
