"""Arrays of expressions: what numpy does with them, for one row of unknowably many."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from harness.leaderboard.formula.expressions import Expr, GiveUp, ProgramRaises
from harness.leaderboard.formula.values import (
    MOST_ITEMS,
    ROWS,
    Array,
    GroupValue,
    InputRows,
    List,
    Machine,
    NeedLength,
    Parameters,
    Value,
    as_objects,
    elementwise,
    group_scalar,
    is_group_number,
    is_number,
)


def to_array(machine: Machine, value: Value) -> Array:
    """Return what ``np.array(value)`` makes of a value; an array is returned as it is.

    Raises:
        GiveUp: It is no array of numbers, or of unknown length.
    """
    if isinstance(value, Array):
        return value
    if isinstance(value, Parameters):
        return known_parameters(machine)
    if isinstance(value, GroupValue):
        return _group_array(machine, value)
    if is_number(value) or isinstance(value, Expr):
        return machine.array(as_objects([value], ()))
    if isinstance(value, List) and value.rows is not None and not value.filling:
        item = to_array(machine, value.rows)
        if item.row is not None:
            raise GiveUp("an array over pairs of rows")
        return machine.array(item.data[None], 0)
    items = value.known() if isinstance(value, List) else value
    if not isinstance(items, list | tuple):
        raise GiveUp(f"no array: {type(value).__name__}")
    if not items:
        return machine.array(as_objects([], (0,)))
    return stack(machine, [to_array(machine, item) for item in items], 0)


def known_parameters(machine: Machine) -> Array:
    """Return the parameters as an array.

    Raises:
        NeedLength: Nobody has said how many there are.
    """
    if machine.length is None:
        raise NeedLength("the number of parameters")
    array = machine.array(
        as_objects([machine.parameter(i) for i in range(machine.length)], (machine.length,))
    )
    array.writable = False
    return array


def _group_array(machine: Machine, value: GroupValue) -> Array:
    if is_group_number(value):
        return machine.array(as_objects([group_scalar(machine, value)], ()))
    parts = [to_array(machine, part) for part in group_items(value)]
    return stack(machine, parts, 0)


def group_items(value: GroupValue) -> list[GroupValue]:
    """Return the items of a sequence that the program has for each group.

    Raises:
        GiveUp: The groups have no sequences of one length.
    """
    choices = []
    for choice in value.choices:
        items = choice.known() if isinstance(choice, List) else choice
        if isinstance(items, Array) and items.row is None and items.data.ndim == 1:
            items = list(items.data.flat)
        if not isinstance(items, list | tuple):
            raise GiveUp("a group's constants are no sequence")
        choices.append(items)
    if len({len(items) for items in choices}) != 1:
        raise GiveUp("groups with different numbers of constants")
    return [
        GroupValue((*value.path, place), items)
        for place, items in enumerate(zip(*choices, strict=True))
    ]


def plain(array: Array) -> Value:
    """Return an array, or its item where it has no axes (numpy returns scalars there)."""
    return array if array.data.ndim else array.data[()]


def combine(machine: Machine, function: Callable[..., Any], *values: Value) -> Value:
    """Apply a function of scalars to arrays and scalars, broadcast as numpy does.

    Raises:
        GiveUp: Rows would meet what is no row.
        ProgramRaises: The shapes do not fit.
    """
    arrays = [to_array(machine, value) for value in values]
    row = _common_row(arrays)
    shape = _common_shape(machine, arrays)
    if math.prod(shape) > MOST_ITEMS:
        raise GiveUp("a large array")
    data = elementwise(function, *(array.data for array in arrays))
    position = None if row is None else len(shape) + row
    result = machine.array(data, position, open=any(array.open for array in arrays))
    return plain(result)


def _common_row(arrays: Iterable[Array]) -> int | None:
    """Return the rows' axis, counted from the right as broadcasting does."""
    arrays = list(arrays)
    rows = {array.row - array.data.ndim for array in arrays if array.row is not None}
    if len(rows) > 1:
        raise GiveUp("pairs of rows")
    for row in rows:
        for array in arrays:
            if array.row is None and array.data.ndim >= -row and array.data.shape[row] != 1:
                raise GiveUp("rows beside an axis of another length")
    return next(iter(rows), None)


def _common_shape(machine: Machine, arrays: Sequence[Array]) -> tuple[int, ...]:
    try:
        shape = np.broadcast_shapes(*(array.data.shape for array in arrays))
    except ValueError as error:
        raise ProgramRaises("shapes that do not fit") from error
    for array in arrays:
        own = array.data.shape
        stretched = own != shape[len(shape) - len(own) :]
        if machine.guessing and array.open and stretched:
            # Some wrong numbers of parameters would go unnoticed because of broadcasting.
            raise ProgramRaises("a guessed length")
    return shape


def clashes_with_rows(given: Array, row: int) -> bool:
    """Return whether an array has several values along the rows' axis, counted from the right."""
    return given.data.ndim >= -row and given.data.shape[row] != 1


def axis_of(value: Value, ndim: int) -> int:
    """Return an axis as a number from zero on."""
    if type(value) is not int:
        raise GiveUp("an axis that is not known")
    if not -ndim <= value < ndim:
        raise ProgramRaises("no such axis")
    return value % ndim


def stack(machine: Machine, arrays: Sequence[Array], axis: int) -> Array:
    """Return ``np.stack(arrays, axis)``."""
    shapes = {(array.data.shape, array.row) for array in arrays}
    if len(shapes) != 1:
        raise GiveUp("an array of parts with different shapes")
    _, row = shapes.pop()
    axis = axis_of(axis, arrays[0].data.ndim + 1)
    data = np.stack([array.data for array in arrays], axis)
    return machine.array(data, None if row is None else row + (axis <= row))


def length_of(machine: Machine, value: Value) -> Value:
    """Return ``len(value)``."""
    if isinstance(value, Array):
        if not value.data.ndim:
            raise ProgramRaises("len() of a number")
        return value.shape()[0]
    if isinstance(value, InputRows):
        return ROWS
    if isinstance(value, List):
        return ROWS if value.rows is not None and not value.filling else len(value.known())
    if isinstance(value, Parameters):
        if machine.length is None:
            raise NeedLength("the number of parameters")
        return machine.length
    if isinstance(value, GroupValue):
        return len(group_items(value))
    items = getattr(value, "items", value)
    if isinstance(items, str | tuple | list | dict):
        return len(items)
    raise GiveUp("a length that is not known")
