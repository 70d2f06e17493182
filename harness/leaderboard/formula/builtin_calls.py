"""Built-in functions, as far as laws use them."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

from harness.leaderboard.formula import arrays, indexing, library, scalars
from harness.leaderboard.formula.expressions import Expr, GiveUp, ProgramRaises
from harness.leaderboard.formula.values import (
    MOST_ITEMS,
    Array,
    Dict,
    GroupName,
    GroupValue,
    InputRow,
    InputRows,
    Items,
    Library,
    List,
    Machine,
    Parameters,
    RowCount,
    RowIndex,
    Value,
    is_number,
)


def items_of(machine: Machine, value: Value) -> Items:
    """Return what a loop over a value runs over.

    Raises:
        GiveUp: It is not known.
    """
    if isinstance(value, Items):
        return value
    if isinstance(value, InputRows):
        return Items(each_row=InputRow(), over_rows=True)
    if isinstance(value, Parameters):
        value = arrays.known_parameters(machine)
    if isinstance(value, Array):
        return _array_items(machine, value)
    if isinstance(value, List):
        if value.rows is not None and not value.filling:
            return Items(each_row=value.rows, over_rows=True)
        return Items(tuple(value.known()))
    if isinstance(value, GroupValue):
        return Items(tuple(arrays.group_items(value)))
    if isinstance(value, Dict):
        return Items(tuple(value.items))
    if isinstance(value, InputRow):
        return Items(machine.features)
    if isinstance(value, tuple | str):
        return Items(tuple(value))
    raise GiveUp("a loop over what is not known")


def _array_items(machine: Machine, value: Array) -> Items:
    if not value.data.ndim:
        raise ProgramRaises("a loop over a number")
    if value.row == 0:
        if machine.in_rows:
            raise GiveUp("a loop over rows in a loop over rows")
        value.writable = False
        data = value.data[0]
        row = arrays.plain(machine.array(data)) if value.data.ndim > 1 else data
        if isinstance(row, Array):
            row.writable = False
        return Items(each_row=row, over_rows=True)
    places = range(value.data.shape[0])
    return Items(tuple(indexing.index(machine, value, place) for place in places))


def known_items(machine: Machine, value: Value) -> tuple[Value, ...]:
    """Return the items of a value that has none for each row.

    Raises:
        GiveUp: It has, or they are not known.
    """
    items = items_of(machine, value)
    if items.over_rows:
        raise GiveUp("takes one of all rows")
    return items.known


def _range(_machine: Machine, *bounds: Value) -> Value:
    if len(bounds) == 1 and isinstance(bounds[0], RowCount):
        return Items(each_row=RowIndex(), over_rows=True)
    if not bounds or not all(type(bound) is int for bound in bounds):
        raise GiveUp("a range that is not known")
    places = range(*bounds)
    if len(places) > MOST_ITEMS:
        raise GiveUp("a long loop")
    return Items(tuple(places))


def _enumerate(machine: Machine, value: Value, start: Value = 0) -> Value:
    items = items_of(machine, value)
    if type(start) is not int:
        raise GiveUp("a loop that is not known")
    if items.over_rows:
        if start != 0:
            raise GiveUp("rows that are not counted from zero")
        return Items(each_row=(RowIndex(), items.each_row), over_rows=True)
    return Items(tuple(enumerate(items.known, start)))


def _zip(machine: Machine, *values: Value, strict: Value = False) -> Value:
    parts = [items_of(machine, value) for value in values]
    if parts and all(part.over_rows for part in parts):
        return Items(each_row=tuple(part.each_row for part in parts), over_rows=True)
    if any(part.over_rows for part in parts):
        raise GiveUp("rows beside something else")
    known = [part.known for part in parts]
    if strict is not False and len({len(items) for items in known}) > 1:
        raise ProgramRaises("lengths that differ")
    return Items(tuple(zip(*known, strict=False)))


def _reversed(machine: Machine, value: Value) -> Value:
    return Items(known_items(machine, value)[::-1])


def _list(machine: Machine, value: Value = ()) -> Value:
    items = items_of(machine, value)
    if items.over_rows:
        if isinstance(items.each_row, RowIndex):
            raise GiveUp("a list of row numbers")
        return List([], machine.branch, items.each_row)
    return List(list(items.known), machine.branch)


def _tuple(machine: Machine, value: Value = ()) -> Value:
    return known_items(machine, value)


def _dict(machine: Machine, value: Value = (), **named: Value) -> Value:
    if isinstance(value, Dict):
        pairs = dict(value.items)
    else:
        known = [known_items(machine, pair) for pair in known_items(machine, value)]
        if any(len(pair) != 2 for pair in known):
            raise ProgramRaises("no pairs")
        pairs = {static_key(key): item for key, item in known}
    pairs.update(named.items())
    return Dict(pairs, machine.branch)


def static_key(key: Value) -> object:
    """Return a key of a dict, known and plain."""
    if key is None or isinstance(key, str | int | float):
        return key
    if isinstance(key, tuple):
        return tuple(map(static_key, key))
    raise GiveUp("a key that is not known")


def as_float(_machine: Machine, value: Value = 0.0) -> Value:
    """Return ``float(value)``."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError as error:
            raise ProgramRaises("no number") from error
    if isinstance(value, Array) and value.row is None and value.data.size == 1:
        return next(iter(value.data.flat))
    if isinstance(value, bool) or is_number(value):
        return float(value)
    if isinstance(value, Expr) and not value.is_condition:
        return value
    raise GiveUp("float() of something else")


def _int(_machine: Machine, value: Value = 0) -> Value:
    if isinstance(value, int | float):
        return int(value)
    raise GiveUp("int() of something that is not known")


def _str(_machine: Machine, value: Value) -> Value:
    if isinstance(value, str | GroupName):
        return value
    if type(value) is int:
        return str(value)
    raise GiveUp("text that is not known")


def _sum(machine: Machine, value: Value, start: Value = 0) -> Value:
    add = library.FUNCTIONS["numpy.add"]
    return reduce(lambda a, b: add(machine, a, b), known_items(machine, value), start)


def _extreme(op: str) -> Callable[..., Value]:
    def call(machine: Machine, *values: Value) -> Value:
        items = known_items(machine, values[0]) if len(values) == 1 else values
        if not items or any(not is_number(x) and not isinstance(x, Expr) for x in items):
            raise GiveUp("the largest or smallest of something else")
        return reduce(scalars.bound(machine, op), items)

    return call


def _isinstance(_machine: Machine, value: Value, types: Value) -> Value:
    wanted = types if isinstance(types, tuple) else (types,)
    if not all(isinstance(item, Library) for item in wanted):
        raise GiveUp("a type that is not known")
    paths = {item.path for item in wanted}
    if not paths <= {f"builtins.{name}" for name in _TYPES} | {"numpy.ndarray"}:
        raise GiveUp("a type that is not known")
    for kind, path in _KINDS:
        if isinstance(value, kind):
            return path in paths
    raise GiveUp("a type that is not known")


_TYPES = ("list", "tuple", "dict", "str", "int", "float", "bool", "set", "bytes", "complex")

_KINDS: tuple[tuple[Any, str], ...] = (
    (Array | Parameters, "numpy.ndarray"),
    (List | InputRows, "builtins.list"),
    (tuple, "builtins.tuple"),
    (Dict | InputRow, "builtins.dict"),
    (str | GroupName, "builtins.str"),
)

BUILTINS: dict[str, Callable[..., Value]] = {
    "range": _range,
    "enumerate": _enumerate,
    "zip": _zip,
    "reversed": _reversed,
    "list": _list,
    "tuple": _tuple,
    "dict": _dict,
    "float": as_float,
    "int": _int,
    "str": _str,
    "sum": _sum,
    "max": _extreme("max"),
    "min": _extreme("min"),
    "len": arrays.length_of,
    "isinstance": _isinstance,
    "print": library.FUNCTIONS["builtins.print"],
    "abs": library.FUNCTIONS["numpy.abs"],
    "pow": library.FUNCTIONS["numpy.power"],
}
