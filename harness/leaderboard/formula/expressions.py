"""Expressions as small immutable trees, built so that they stay close to what the author wrote."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

TINY_GUARD = 1e-8
"""A positive lower bound up to this is a guard against zero, not part of a law."""
EXPONENT_GUARD = 30.0
"""A bound at least this far from zero on what an exponential gets is a guard, not part of a law."""
HUGE_GUARD = 1e30
"""No quantity of a law is as large as this; a bound beyond it is a guard."""

_MOST_NODES = 1_000_000
_MOST_SPLIT = 2000
_MOST_INT = 2**63
_EXACT_FLOAT = 1e15

Number = int | float
SymbolKey = tuple[str, object]
"""What a symbol stands for: ``("feature", 0)``, ``("param", 3)`` or ``("const", path)``."""


class GiveUp(Exception):
    """There is no formula that is certain to be the program's law; the text says why."""


class ProgramRaises(Exception):
    """The program itself would stop with an error here."""


@dataclass(frozen=True, slots=True, eq=False)
class Expr:
    """One node. Equal nodes of one ``Terms`` are the same object."""

    op: str
    """``num``, ``sym``, or what is done with the arguments."""
    args: tuple[Expr, ...] = ()
    value: object = None
    """The number, or the symbol's key."""
    size: int = 1
    """Nodes of the tree, shared ones counted each time."""

    @property
    def number(self) -> Number | None:
        """The number that this node is, if it is one."""
        return self.value if isinstance(self.value, int | float) else None

    @property
    def is_condition(self) -> bool:
        """Whether this is a truth value."""
        return self.op in CONDITIONS


CONDITIONS = {"lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not"}
_TAKE_CONDITIONS = {"and", "or", "not", "where"}
Scalar = Expr | int | float


def checked(value: Number) -> Number:
    """Return a number if a law may hold it.

    Raises:
        GiveUp: It does not fit 64 bits, or is no finite number.
    """
    if isinstance(value, int):
        if abs(value) >= _MOST_INT:
            raise GiveUp("an integer beyond 64 bits")
    elif not math.isfinite(value):
        raise GiveUp("a number that is not finite")
    return value


def fold(op: str, a: Number, b: Number) -> Number:
    """Compute with two numbers as Python does.

    Raises:
        GiveUp: The result is not a finite real number, or an integer beyond 64 bits.
    """
    try:
        if op == "pow":
            return _power(a, b)
        return checked(_ARITHMETIC[op](a, b))
    except (ZeroDivisionError, OverflowError) as error:
        raise GiveUp("a constant that cannot be computed") from error


def _power(a: Number, b: Number) -> Number:
    # Checked before it is computed: a tower of powers would never end.
    if isinstance(a, int) and isinstance(b, int) and b > 0 and a.bit_length() * b > 64:
        raise GiveUp("an integer beyond 64 bits")
    result = a**b
    if isinstance(result, complex):
        raise GiveUp("a complex number")
    return checked(result)


_ARITHMETIC: dict[str, Callable[[Number, Number], Number]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "max": max,
    "min": min,
}


class Terms:
    """Builds expressions, and keeps what it left out of them."""

    def __init__(self, before: Terms | None = None) -> None:
        """Start with nothing left out; expressions of ``before`` may be used on."""
        self._nodes: dict[tuple[object, ...], Expr] = {} if before is None else before._nodes
        self._notes: dict[str, None] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out, in the order of the program."""
        return tuple(self._notes)

    def note(self, text: str) -> None:
        """Keep a remark; each is kept once."""
        self._notes[text] = None

    def _node(self, op: str, *args: Expr, value: object = None) -> Expr:
        key = (op, type(value), value, *map(id, args))
        if key not in self._nodes:
            size = 1 + sum(arg.size for arg in args)
            if size > _MOST_NODES:
                raise GiveUp("too long")
            self._nodes[key] = Expr(op, args, value, size)
        return self._nodes[key]

    def symbol(self, key: SymbolKey) -> Expr:
        """Return the symbol with a key."""
        return self._node("sym", value=key)

    def wrap(self, value: Scalar) -> Expr:
        """Return a number as an expression; an expression is returned as it is."""
        if isinstance(value, Expr):
            return value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise GiveUp("something that is no number")
        value = checked(value)
        if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT_FLOAT:
            value = int(value)
        return self._node("num", value=value)

    def keep(self, op: str, *args: Expr) -> Expr:
        """Build ``op(*args)`` as it stands."""
        return self._node(op, *args)

    def apply(self, op: str, *args: Scalar) -> Expr:
        """Build ``op(*args)``; an operation without rules of its own is kept as it is."""
        nodes = [self.wrap(arg) for arg in args]
        if op not in _TAKE_CONDITIONS and any(node.is_condition for node in nodes):
            raise GiveUp("arithmetic with truth values")
        rule: Callable[..., Expr] | None = getattr(self, f"_{op}_rule", None)
        return self._node(op, *nodes) if rule is None else rule(*nodes)

    def _folded(self, op: str, a: Expr, b: Expr) -> Expr | None:
        if a.number is None or b.number is None:
            return None
        return self.wrap(fold(op, a.number, b.number))

    def _neg_rule(self, a: Expr) -> Expr:
        if a.number is not None:
            return self.wrap(-a.number)
        return a.args[0] if a.op == "neg" else self._node("neg", a)

    def _add_rule(self, a: Expr, b: Expr) -> Expr:
        if (known := self._folded("add", a, b)) is not None:
            return known
        if a.number == 0:
            return b
        if b.number == 0:
            return a
        positive = self._positive(b)
        return self._node("add", a, b) if positive is None else self._sub_rule(a, positive)

    def _sub_rule(self, a: Expr, b: Expr) -> Expr:
        if (known := self._folded("sub", a, b)) is not None:
            return known
        if a.number == 0:
            return self._neg_rule(b)
        if b.number == 0:
            return a
        positive = self._positive(b)
        return self._node("sub", a, b) if positive is None else self._add_rule(a, positive)

    def _positive(self, a: Expr) -> Expr | None:
        """Return minus ``a`` where ``a`` shows a minus sign."""
        if a.op == "neg":
            return a.args[0]
        return self.wrap(-a.number) if a.number is not None and a.number < 0 else None

    def _mul_rule(self, a: Expr, b: Expr) -> Expr:
        if (known := self._folded("mul", a, b)) is not None:
            return known
        if 0 in {a.number, b.number}:
            return self.wrap(0)
        if a.number == 1:
            return b
        if b.number == 1:
            return a
        minus_a, minus_b = self._positive(a), self._positive(b)
        if minus_a is None and minus_b is None:
            return self._node("mul", a, b)
        product = self._mul_rule(minus_a or a, minus_b or b)
        return self._neg_rule(product) if (minus_a is None) != (minus_b is None) else product

    def _div_rule(self, a: Expr, b: Expr) -> Expr:
        if b.number == 0:
            raise GiveUp("a division by zero")
        if (known := self._folded("div", a, b)) is not None:
            return known
        if a.number == 0 or b.number == 1:
            return a
        minus_a, minus_b = self._positive(a), self._positive(b)
        if minus_a is None and minus_b is None:
            return self._node("div", a, b)
        ratio = self._div_rule(minus_a or a, minus_b or b)
        return self._neg_rule(ratio) if (minus_a is None) != (minus_b is None) else ratio

    def _pow_rule(self, a: Expr, b: Expr) -> Expr:
        if (known := self._folded("pow", a, b)) is not None:
            return known
        if b.number == 0:
            return self.wrap(1)
        if b.number == 1:
            return a
        return self._node("pow", a, b)

    def _max_rule(self, a: Expr, b: Expr) -> Expr:
        return self._bound("max", a, b)

    def _min_rule(self, a: Expr, b: Expr) -> Expr:
        return self._bound("min", a, b)

    def _bound(self, op: str, a: Expr, b: Expr) -> Expr:
        if (known := self._folded(op, a, b)) is not None:
            return known
        if a is b:
            return a
        value, bound = (b, a) if a.number is not None else (a, b)
        limit = bound.number
        if limit is not None:
            if op == "max" and (0 < limit <= TINY_GUARD or limit <= -HUGE_GUARD):
                self.note(f"values are kept at {limit:.6g} or more")
                return value
            if op == "min" and limit >= HUGE_GUARD:
                self.note(f"values are kept at {limit:.6g} or less")
                return value
        return self._node(op, a, b)

    def _without_guard(self, a: Expr) -> Expr:
        """Return what an exponential gets, without bounds that only keep it from overflowing."""
        if a.op == "neg":
            return self._neg_rule(self._without_guard(a.args[0]))
        if a.op not in {"max", "min"}:
            return a
        for bound, value in (a.args, a.args[::-1]):
            limit = bound.number
            if limit is None or value.number is not None:
                continue
            if a.op == "max" and limit <= -EXPONENT_GUARD:
                self.note(f"exponents are kept at {limit:.6g} or more")
                return self._without_guard(value)
            if a.op == "min" and limit >= EXPONENT_GUARD:
                self.note(f"exponents are kept at {limit:.6g} or less")
                return self._without_guard(value)
        return a

    def _exp_rule(self, a: Expr) -> Expr:
        a = self._without_guard(a)
        if a.number == 0:
            return self.wrap(1)
        powers = self._powers(a) if a.size <= _MOST_SPLIT else None
        if powers is None:
            return self._node("exp", a)
        result = self.wrap(1)
        for base, exponent in powers:
            result = self._times_power(result, base, exponent)
        return result

    def _times_power(self, factor: Expr, base: Expr, exponent: Expr) -> Expr:
        if exponent.number == -1:
            return self._div_rule(factor, base)
        return self._mul_rule(factor, self._pow_rule(base, exponent))

    def _powers(self, a: Expr, *, minus: bool = False) -> list[tuple[Expr, Expr]] | None:
        """Split ``exp(a)`` into powers: ``exp(k * log(x))`` is how programs write ``x ** k``."""
        if a.op in {"add", "sub"}:
            left = self._powers(a.args[0], minus=minus)
            right = self._powers(a.args[1], minus=minus != (a.op == "sub"))
            return None if left is None or right is None else left + right
        if a.op == "neg":
            return self._powers(a.args[0], minus=not minus)
        found = self._logarithm(a)
        if found is None:
            return None
        base, exponent = found
        return [(base, self._neg_rule(exponent) if minus else exponent)]

    def _logarithm(self, a: Expr) -> tuple[Expr, Expr] | None:
        """Return ``(x, k)`` where ``a`` is ``k * log(x)``."""
        if a.op == "log":
            return a.args[0], self.wrap(1)
        if a.op == "neg" and (found := self._logarithm(a.args[0])) is not None:
            return found[0], self._neg_rule(found[1])
        if a.op == "mul":
            left, right = map(self._logarithm, a.args)
            if left is not None and right is None:
                return left[0], self._mul_rule(left[1], a.args[1])
            if right is not None and left is None:
                return right[0], self._mul_rule(a.args[0], right[1])
        if a.op == "div" and (found := self._logarithm(a.args[0])) is not None:
            return found[0], self._div_rule(found[1], a.args[1])
        return None

    def _log_rule(self, a: Expr) -> Expr:
        return self.wrap(0) if a.number == 1 else self._node("log", a)

    def _log1p_rule(self, a: Expr) -> Expr:
        return self._log_rule(self._add_rule(self.wrap(1), a))

    def _expm1_rule(self, a: Expr) -> Expr:
        return self._sub_rule(self._exp_rule(a), self.wrap(1))

    def _logaddexp_rule(self, a: Expr, b: Expr) -> Expr:
        return self._log_rule(self._add_rule(self._exp_rule(a), self._exp_rule(b)))

    def _tanh_rule(self, a: Expr) -> Expr:
        return self._node("tanh", self._without_guard(a))

    def _where_rule(self, condition: Expr, a: Expr, b: Expr) -> Expr:
        """Build the choice of ``a`` where the condition holds, else ``b``."""
        if a is b:
            return a
        if condition.op in {"lt", "le", "gt", "ge"}:
            low = condition.op in {"lt", "le"}
            if condition.args == (a, b):
                return self._bound("min" if low else "max", a, b)
            if condition.args == (b, a):
                return self._bound("max" if low else "min", b, a)
        return self._node("where", condition, a, b)
