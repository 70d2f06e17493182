"""Methods, attributes and keys of values, and what counts as true."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.leaderboard.formula import arrays, library, shapes
from harness.leaderboard.formula.array_functions import ARRAY_FUNCTIONS
from harness.leaderboard.formula.builtin_calls import as_float, items_of, known_items, static_key
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
    Method,
    Module,
    Parameters,
    RowCount,
    RowIndex,
    Unknown,
    Value,
)

_GROUP_NOTE = "what the program does for a group that it does not know"

_ARRAY_METHODS: dict[str, Callable[..., Value]] = {
    **{name: ARRAY_FUNCTIONS[name] for name in (
        "sum", "mean", "prod", "max", "min", "dot", "any", "all", "copy", "ravel", "reshape",
        "squeeze", "transpose",
    )},
    "clip": library.FUNCTIONS["numpy.clip"],
    "flatten": ARRAY_FUNCTIONS["ravel"],
    "astype": ARRAY_FUNCTIONS["array"],
}  # fmt: skip


def call_method(machine: Machine, method: Method, args: list[Value], named: Any) -> Value:
    """Call a method of a value.

    Raises:
        GiveUp: It is none of those that are known.
    """
    owner, name = method.owner, method.name
    if isinstance(owner, Array | Parameters) and name in _ARRAY_METHODS:
        return _ARRAY_METHODS[name](machine, owner, *args, **named)
    if isinstance(owner, Array) and name in {"tolist", "item"} and not args:
        return as_float(machine, owner) if name == "item" else _to_list(machine, owner)
    if isinstance(owner, Expr) and name in {"item", "copy"}:
        return owner
    if isinstance(owner, Expr) and name == "astype":
        return ARRAY_FUNCTIONS["array"](machine, owner, *args, **named)
    if isinstance(owner, List) and name in {"append", "extend"} and len(args) == 1 and not named:
        return _add_to_list(machine, owner, args[0], name)
    if isinstance(owner, Dict | InputRow | GroupValue) and name in _DICT_METHODS and not named:
        return _DICT_METHODS[name](machine, owner, *args)
    raise GiveUp(f"the method {name[:40]}")


def _to_list(machine: Machine, array: Array) -> Value:
    items = items_of(machine, array)
    parts = [items.each_row] if items.over_rows else items.known
    parts = [_to_list(machine, x) if isinstance(x, Array) else x for x in parts]
    if items.over_rows:
        return List([], machine.branch, parts[0])
    return List(list(parts), machine.branch)


def _add_to_list(machine: Machine, owner: List, value: Value, name: str) -> Value:
    if owner.filling:
        if name != "append" or owner.rows is not None or machine.branch != machine.rows_branch:
            raise GiveUp("a list that gets not one item a row")
        owner.rows = value
        return None
    machine.may_change(owner)
    items = owner.known()
    items.extend([value] if name == "append" else known_items(machine, value))
    if len(items) > MOST_ITEMS:
        raise GiveUp("a long list")
    return None


def _get(machine: Machine, owner: Value, key: Value, default: Value = None) -> Value:
    return lookup(machine, owner, key, default=default, has_default=True)


def lookup(
    machine: Machine, owner: Value, key: Value, *, default: Value = None, has_default: bool = False
) -> Value:
    """Return ``owner[key]`` of a dict, a row, or what a table holds for the group.

    Raises:
        GiveUp: It is not known.
        ProgramRaises: There is no such key.
    """
    if isinstance(owner, InputRow):
        if not isinstance(key, str):
            raise GiveUp("a key that is not known")
        if key in machine.features:
            return machine.feature(machine.features.index(key))
    elif isinstance(owner, GroupValue):
        return _group_lookup(owner, key)
    elif isinstance(key, GroupName):
        choices = tuple(owner.items[name] for name in sorted(map(str, owner.items)))
        if not choices or not all(isinstance(name, str) for name in owner.items):
            raise GiveUp("a table without groups")
        machine.terms.note(_GROUP_NOTE)
        return GroupValue((owner.name or "constants", "group"), choices)
    elif static_key(key) in owner.items:
        return owner.items[key]
    if has_default:
        return default
    raise ProgramRaises("no such key")


def _group_lookup(owner: GroupValue, key: Value) -> Value:
    choices = []
    for choice in owner.choices:
        if not isinstance(choice, Dict) or static_key(key) not in choice.items:
            raise GiveUp("a constant that not every group has")
        choices.append(choice.items[key])
    return GroupValue((*owner.path, key), tuple(choices))


def contains(owner: Value, key: Value, machine: Machine) -> bool:
    """Return ``key in owner``."""
    if isinstance(owner, Dict) and isinstance(key, GroupName):
        if not owner.items:
            return False
        machine.terms.note(_GROUP_NOTE)
        return True
    if isinstance(owner, InputRow) and isinstance(key, str):
        return key in machine.features
    if isinstance(owner, Dict):
        return static_key(key) in owner.items
    if isinstance(owner, tuple) and all(isinstance(x, str | int) for x in (*owner, key)):
        return key in owner
    raise GiveUp("membership that is not known")


def _row_pairs(machine: Machine, owner: Value) -> list[tuple[object, Value]]:
    if isinstance(owner, InputRow):
        return [(name, machine.feature(place)) for place, name in enumerate(machine.features)]
    if isinstance(owner, Dict):
        return list(owner.items.items())
    raise GiveUp("a loop over what is not known")


_DICT_METHODS: dict[str, Callable[..., Value]] = {
    "get": _get,
    "items": lambda machine, owner: Items(tuple(_row_pairs(machine, owner))),
    "keys": lambda machine, owner: Items(tuple(key for key, _ in _row_pairs(machine, owner))),
    "values": lambda machine, owner: Items(tuple(item for _, item in _row_pairs(machine, owner))),
    "copy": lambda machine, owner: Dict(dict(_row_pairs(machine, owner)), machine.branch),
}


def attribute(machine: Machine, owner: Value, name: str) -> Value:
    """Return an attribute of a value.

    Raises:
        GiveUp: It is not known.
    """
    if isinstance(owner, Module):
        path = f"{owner.path}.{name}"
        if path in library.CONSTANTS:
            return library.CONSTANTS[path]
        return Module(path) if path in library.MODULES else Library(path)
    if isinstance(owner, Parameters) and name in {"shape", "size"}:
        size = arrays.length_of(machine, owner)
        return size if name == "size" else (size,)
    if isinstance(owner, Parameters) and name in {"T", "ndim"}:
        return owner if name == "T" else 1
    if isinstance(owner, Array | Expr) and name in {"shape", "ndim", "size", "T"}:
        return _array_attribute(machine, arrays.to_array(machine, owner), name)
    return Method(owner, name)


def _array_attribute(machine: Machine, array: Array, name: str) -> Value:
    if name == "T":
        return arrays.plain(shapes.transpose(machine, array))
    if name == "ndim":
        return array.data.ndim
    shape = array.shape()
    if name == "shape":
        return shape
    lengths = [length for length in shape if length != 1]
    if any(isinstance(length, RowCount) for length in lengths):
        if len(lengths) > 1:
            raise GiveUp("a size that is not known")
        return lengths[0]
    return array.data.size


def truth(machine: Machine, value: Value) -> bool | Expr:
    """Return whether a value counts as true: known, or a condition on a row.

    Raises:
        GiveUp: It is neither.
    """
    if isinstance(value, GroupValue | Unknown | Module | Library | RowIndex):
        raise GiveUp("a condition that is not known")
    if isinstance(value, Expr) and value.is_condition:
        return value
    if value is None or isinstance(value, bool | int | float | str | tuple):
        return bool(value)
    if isinstance(value, InputRows | RowCount):
        return True
    if isinstance(value, List):
        return bool(arrays.length_of(machine, value))
    if isinstance(value, Dict):
        return bool(value.items)
    raise GiveUp("a condition that is not known")
