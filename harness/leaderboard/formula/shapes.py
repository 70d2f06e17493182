"""New shapes of arrays, and what is made along their axes, never along the rows."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from harness.leaderboard.formula.arrays import axis_of, clashes_with_rows, plain, to_array
from harness.leaderboard.formula.expressions import GiveUp, ProgramRaises
from harness.leaderboard.formula.values import (
    MOST_ITEMS,
    Array,
    List,
    Machine,
    RowCount,
    Value,
    as_objects,
    elementwise,
)


def shape_of(value: Value) -> tuple[tuple[int, ...], int | None]:
    """Return a shape given by a program, with the rows' axis at length one.

    Raises:
        GiveUp: It is not known.
    """
    dims = value if isinstance(value, tuple) else (value,)
    if isinstance(value, List):
        dims = tuple(value.known())
    rows = [axis for axis, length in enumerate(dims) if isinstance(length, RowCount)]
    lengths = [1 if isinstance(length, RowCount) else length for length in dims]
    if len(rows) > 1 or any(type(x) is not int or not -1 <= x <= MOST_ITEMS for x in lengths):
        raise GiveUp("a shape that is not known")
    return tuple(lengths), rows[0] if rows else None


def full(machine: Machine, shape: Value, value: Value) -> Array:
    """Return an array of one value."""
    lengths, row = shape_of(shape)
    if -1 in lengths:
        raise ProgramRaises("a negative length")
    if math.prod(lengths) > MOST_ITEMS:
        raise GiveUp("a large array")
    given = to_array(machine, value)
    if given.row is not None and (row is None or given.row - given.data.ndim != row - len(lengths)):
        raise GiveUp("rows beside an axis of another length")
    if row is not None and given.row is None and clashes_with_rows(given, row - len(lengths)):
        raise GiveUp("several values along the rows")
    try:
        data = np.broadcast_to(given.data, lengths).copy()
    except ValueError as error:
        raise ProgramRaises("shapes that do not fit") from error
    return machine.array(data, row)


def reshape(machine: Machine, array: Array, shape: Value) -> Value:
    """Return ``array.reshape(shape)``."""
    lengths, row = shape_of(shape)
    if array.row is None:
        if row is not None:
            raise GiveUp("rows from what has none")
    else:
        lengths, row = _row_shape(array, lengths, row)
    try:
        data = array.data.reshape(lengths)
    except ValueError as error:
        raise ProgramRaises("shapes that do not fit") from error
    return view(machine, array, data, row)


def _row_shape(
    array: Array, lengths: tuple[int, ...], row: int | None
) -> tuple[tuple[int, ...], int]:
    """Find the rows in the new shape: what is before them must be of length one, as before."""
    known = math.prod(length for length in lengths if length != -1)
    if row is None:
        if -1 not in lengths or known != array.data.size:
            raise GiveUp("a shape that mixes rows")
        row = lengths.index(-1)
        lengths = tuple(1 if length == -1 else length for length in lengths)
    before = math.prod(array.data.shape[: array.row])
    if before != 1 or math.prod(lengths[:row]) != 1:
        raise GiveUp("a shape that mixes rows")
    return lengths, row


def view(machine: Machine, array: Array, data: Any, row: int | None) -> Array:
    """Return an array that shares its memory with another one."""
    array.writable = False
    result = machine.array(data, row, open=array.open)
    result.writable = False
    return result


def transpose(machine: Machine, array: Array, axes: Sequence[int] | None = None) -> Array:
    """Return ``array.transpose(axes)``."""
    order = list(range(array.data.ndim))[::-1] if axes is None else list(axes)
    if sorted(order) != list(range(array.data.ndim)):
        raise GiveUp("axes that are not known")
    row = None if array.row is None else order.index(array.row)
    return view(machine, array, array.data.transpose(order), row)


def reduced(
    machine: Machine, array: Array, axis: Value, keepdims: Value, function: Callable[..., Any]
) -> Value:
    """Reduce an array along known axes, never along the rows."""
    ndim = array.data.ndim
    given = range(ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = sorted({axis_of(item, ndim) for item in given})
    if array.row in axes:
        raise GiveUp("mixes rows")
    if not isinstance(keepdims, bool):
        raise GiveUp("keepdims")
    if any(array.data.shape[item] == 0 for item in axes):
        raise GiveUp("an empty sum")
    data, row = array.data, array.row
    for item in reversed(axes):
        parts = [np.take(data, place, axis=item) for place in range(data.shape[item])]
        data = reduce(lambda a, b: elementwise(function, a, b), parts)
        data = data if isinstance(data, np.ndarray) else as_objects([data], ())
        if keepdims:
            data = np.expand_dims(data, item)
        elif row is not None and item < row:
            row -= 1
    return plain(machine.array(data, row, open=array.open))


def concatenate(machine: Machine, arrays: Sequence[Array], axis: int) -> Array:
    """Return ``np.concatenate(arrays, axis)``."""
    if not arrays or len({(array.data.ndim, array.row) for array in arrays}) != 1:
        raise GiveUp("parts with different shapes")
    row = arrays[0].row
    axis = axis_of(axis, arrays[0].data.ndim)
    if axis == row:
        raise GiveUp("more rows")
    try:
        data = np.concatenate([array.data for array in arrays], axis)
    except ValueError as error:
        raise ProgramRaises("shapes that do not fit") from error
    return machine.array(data, row)


def contract(machine: Machine, a: Array, b: Array, add: Any, mul: Any) -> Value:
    """Return ``a @ b`` for vectors and matrices."""
    if not (1 <= a.data.ndim <= 2 and 1 <= b.data.ndim <= 2):
        raise GiveUp("a product of many axes")
    inner_b = b.data.ndim - 2 if b.data.ndim == 2 else 0
    if a.row == a.data.ndim - 1 or b.row == inner_b or (a.row is not None and b.row is not None):
        raise GiveUp("mixes rows")
    if a.data.shape[-1] != b.data.shape[inner_b]:
        raise ProgramRaises("shapes that do not fit")
    left = a.data if a.data.ndim == 2 else a.data[None]
    right = b.data if b.data.ndim == 2 else b.data[:, None]
    if left.size * right.shape[1] > MOST_ITEMS or not left.shape[1]:
        raise GiveUp("a large product")
    cells = [
        reduce(add, map(mul, left[i], right[:, k]))
        for i, k in itertools.product(range(left.shape[0]), range(right.shape[1]))
    ]
    data = as_objects(cells, (left.shape[0], right.shape[1]))
    data = data if b.data.ndim == 2 else data[:, 0]
    data = data if a.data.ndim == 2 else data[0]
    row = 0 if a.row is not None else None
    if b.row is not None:
        row = a.data.ndim - 1
    if not isinstance(data, np.ndarray):
        data = as_objects([data], ())
    return plain(machine.array(data, row))
