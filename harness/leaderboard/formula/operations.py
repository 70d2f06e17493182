"""Operators of the language on abstract values: arithmetic, comparison, subscripts, branches."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from harness.leaderboard.formula import arrays, indexing, library, members, scalars
from harness.leaderboard.formula.array_functions import matmul
from harness.leaderboard.formula.expressions import Expr, GiveUp, ProgramRaises, checked
from harness.leaderboard.formula.values import (
    MOST_ITEMS,
    Array,
    Dict,
    GroupValue,
    InputRow,
    InputRows,
    List,
    Machine,
    Parameters,
    RowCount,
    RowIndex,
    Unknown,
    Value,
    group_scalar,
    is_group_number,
    is_number,
)

_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "div",
    ast.Pow: "pow",
}
_KNOWN_ONLY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "lt",
    ast.LtE: "le",
    ast.Gt: "gt",
    ast.GtE: "ge",
    ast.Eq: "eq",
    ast.NotEq: "ne",
}
_FLIPPED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le", "eq": "eq", "ne": "ne"}
_LONGEST_TEXT = 1000


def settled(machine: Machine, value: Value) -> Value:
    """Return a value, a group's constant as the symbol or number that it is."""
    if isinstance(value, GroupValue) and is_group_number(value):
        return group_scalar(machine, value)
    return value


def arithmetic(machine: Machine, kind: ast.operator, a: Value, b: Value) -> Value:
    """Return ``a kind b``.

    Raises:
        GiveUp: It is not known.
        ProgramRaises: The program would stop there.
    """
    a, b = settled(machine, a), settled(machine, b)
    if isinstance(kind, ast.MatMult):
        return matmul(machine, a, b)
    if isinstance(kind, ast.BitAnd | ast.BitOr):
        return _logic(machine, "and" if isinstance(kind, ast.BitAnd) else "or", a, b)
    if type(kind) in _KNOWN_ONLY and is_number(a) and is_number(b):
        if b == 0:
            raise ProgramRaises("a division by zero")
        return checked(_KNOWN_ONLY[type(kind)](a, b))
    if type(kind) not in _OPERATORS:
        raise GiveUp("an operator that laws do not use")
    if not any(isinstance(x, Array | Parameters) for x in (a, b)):
        if any(isinstance(x, List | tuple | str) for x in (a, b)):
            return _joined(machine, kind, a, b)
        if not all(is_number(x) or isinstance(x, Expr) for x in (a, b)):
            raise GiveUp("arithmetic with something else")
    return arrays.combine(machine, scalars.binary(machine, _OPERATORS[type(kind)]), a, b)


def _logic(machine: Machine, op: str, a: Value, b: Value) -> Value:
    if isinstance(a, Unknown) or isinstance(b, Unknown):
        return Unknown("a condition on the rows")
    if isinstance(a, bool | Expr) and isinstance(b, bool | Expr):
        return scalars.logical(machine, op)(a, b)
    return library.FUNCTIONS[f"numpy.logical_{op}"](machine, a, b)


def _joined(machine: Machine, kind: ast.operator, a: Value, b: Value) -> Value:
    """Return texts, lists or tuples put together."""
    if isinstance(kind, ast.Add):
        if isinstance(a, str) and isinstance(b, str) and len(a) + len(b) <= _LONGEST_TEXT:
            return a + b
        if isinstance(a, tuple) and isinstance(b, tuple) and len(a) + len(b) <= MOST_ITEMS:
            return a + b
        both = isinstance(a, List) and isinstance(b, List)
        if both and len(a.known()) + len(b.known()) <= MOST_ITEMS:
            return List(a.items + b.items, machine.branch)
    if isinstance(kind, ast.Mult) and type(b) is int and isinstance(a, List | tuple):
        items = a.known() if isinstance(a, List) else list(a)
        if len(items) * max(b, 0) <= MOST_ITEMS:
            repeated = items * b
            return List(repeated, machine.branch) if isinstance(a, List) else tuple(repeated)
    raise GiveUp("arithmetic with something else")


def unary(machine: Machine, kind: ast.unaryop, value: Value) -> Value:
    """Return ``kind value``."""
    value = settled(machine, value)
    if isinstance(kind, ast.Not):
        return scalars.logical(machine, "not")(members.truth(machine, value))
    if isinstance(kind, ast.Invert):
        return library.FUNCTIONS["numpy.logical_not"](machine, value)
    if not is_number(value) and not isinstance(value, Expr | Array | Parameters):
        raise GiveUp("arithmetic with something else")
    if isinstance(kind, ast.UAdd):
        return value
    return arrays.combine(machine, lambda item: scalars.negative(machine, item), value)


def comparison(machine: Machine, kind: ast.cmpop, a: Value, b: Value) -> Value:
    """Return ``a kind b``."""
    a, b = settled(machine, a), settled(machine, b)
    if isinstance(kind, ast.Is | ast.IsNot):
        return _is(a, b) == isinstance(kind, ast.Is)
    if isinstance(kind, ast.In | ast.NotIn):
        return members.contains(b, a, machine) == isinstance(kind, ast.In)
    op = _COMPARISONS[type(kind)]
    if isinstance(a, RowCount) or isinstance(b, RowCount):
        return (
            _rows_compared(op, a, b)
            if isinstance(a, RowCount)
            else _rows_compared(_FLIPPED[op], b, a)
        )
    if op in {"eq", "ne"} and (_is_plain(a) and _is_plain(b)):
        return _equal(a, b) == (op == "eq")
    if any(isinstance(x, bool) for x in (a, b)):
        raise GiveUp("a comparison with truth values")
    return arrays.combine(machine, scalars.compare(machine, op), a, b)


def _is(a: Value, b: Value) -> bool:
    for value, other in ((a, b), (b, a)):
        if other is None and isinstance(value, GroupValue):
            absent = {choice is None for choice in value.choices}
            if len(absent) == 1:
                return absent.pop()
        elif other is None and not isinstance(value, Unknown):
            return value is None
        if isinstance(other, bool) and isinstance(value, bool):
            return value is other
    raise GiveUp("identity that is not known")


def _is_plain(value: Value) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str | bool | int | float | RowCount)


def _equal(a: Value, b: Value) -> bool:
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(_equal, a, b))
    if isinstance(a, RowCount) or isinstance(b, RowCount):
        return _rows_compared("eq", a, b) if isinstance(a, RowCount) else _rows_compared("eq", b, a)
    return bool(a == b)


def _rows_compared(op: str, _rows: RowCount, other: Value) -> bool:
    """Compare the number of rows, of which only is known that it is one or more."""
    if isinstance(other, RowCount):
        return op in {"eq", "le", "ge"}
    if type(other) is not int:
        raise GiveUp("the number of rows")
    if other <= 0 or (other == 1 and op in {"ge", "lt"}):
        return op in {"gt", "ge", "ne"}
    raise GiveUp("the number of rows")


def subscript(machine: Machine, owner: Value, place: Value) -> Value:
    """Return ``owner[place]``."""
    if isinstance(owner, Parameters):
        return indexing.index_parameters(machine, place)
    if isinstance(owner, Array):
        return indexing.index(machine, owner, place)
    if isinstance(owner, Expr):
        return indexing.index(machine, arrays.to_array(machine, owner), place)
    if isinstance(place, RowIndex) and machine.in_rows:
        if isinstance(owner, InputRows):
            return InputRow()
        if isinstance(owner, List) and owner.rows is not None and not owner.filling:
            return owner.rows
    by_place = isinstance(owner, GroupValue) and type(place) in {int, slice}
    if by_place and not all(isinstance(choice, Dict) for choice in owner.choices):
        return _item(machine, tuple(arrays.group_items(owner)), place)
    if isinstance(owner, Dict | InputRow | GroupValue):
        return members.lookup(machine, owner, place)
    if isinstance(owner, List | tuple | str):
        return _item(machine, owner, place)
    raise GiveUp("a subscript that is not known")


def _item(machine: Machine, owner: Value, place: Value) -> Value:
    items = owner.known() if isinstance(owner, List) else owner
    bounds = (place.start, place.stop, place.step) if isinstance(place, slice) else (place,)
    if not all(type(x) is int or (x is None and len(bounds) == 3) for x in bounds):
        raise GiveUp("a place that is not known")
    try:
        found = items[place]
    except (IndexError, ValueError) as error:
        raise ProgramRaises("an index out of range") from error
    return List(found, machine.branch) if isinstance(found, list) else found


def merged(machine: Machine, condition: Expr, a: Value, b: Value) -> Value:
    """Return what a name is after two branches; unknown where it is no choice of numbers."""
    a, b = settled(machine, a), settled(machine, b)
    if a is b or (_is_plain(a) and _is_plain(b) and type(a) is type(b) and _equal(a, b)):
        return a
    choose = scalars.choose(machine)
    if all(is_number(x) or (isinstance(x, Expr) and not x.is_condition) for x in (a, b)):
        return choose(condition, a, b)
    if isinstance(a, tuple) and isinstance(b, tuple) and len(a) == len(b):
        return tuple(merged(machine, condition, x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, Array) and isinstance(b, Array) and a.shape() == b.shape():
        return arrays.combine(machine, lambda x, y: choose(condition, x, y), a, b)
    return Unknown("a value that depends on a condition")
