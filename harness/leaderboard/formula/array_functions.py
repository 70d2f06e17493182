"""Functions of numpy that make arrays, or look along their axes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from harness.leaderboard.formula import arrays, indexing, scalars, shapes
from harness.leaderboard.formula.expressions import GiveUp
from harness.leaderboard.formula.values import (
    MOST_ITEMS,
    Array,
    Library,
    List,
    Machine,
    Parameters,
    Unknown,
    Value,
    as_objects,
    elementwise,
)

_FLOATS = {"builtins.float", "numpy.float64", "numpy.double", "numpy.floating"}

_FLOAT_NAMES = {"float", "float64", "f8", "d", "<f8"}


def _combined(machine: Machine, op: str, a: Value, b: Value) -> Value:
    return arrays.combine(machine, scalars.binary(machine, op), a, b)


def is_float_type(value: Value) -> bool:
    """Return whether a value names the type of ordinary floating-point numbers."""
    if isinstance(value, Library):
        return value.path in _FLOATS
    return value is None or (isinstance(value, str) and value in _FLOAT_NAMES)


def as_floats(machine: Machine, x: Value, dtype: Value = None) -> Value:
    """Return what ``np.asarray(x, dtype)`` returns."""
    if not is_float_type(dtype):
        raise GiveUp("another type of numbers")
    if isinstance(x, Parameters):
        return x
    array = arrays.to_array(machine, x)
    if dtype is not None and all(type(item) is int for item in array.data.flat):
        array = machine.array(elementwise(float, array.data), array.row)
    return arrays.plain(array)


def copied(machine: Machine, x: Value, dtype: Value = None, copy: Value = True) -> Value:
    """Return what ``np.array(x, dtype)`` returns."""
    if copy is not True:
        raise GiveUp("an array that may share memory")
    result = as_floats(machine, x, dtype)
    if isinstance(result, Array):
        return machine.array(result.data.copy(), result.row, open=result.open)
    return result


def _at_least_1d(machine: Machine, x: Value) -> Value:
    if isinstance(x, Parameters):
        return x
    array = arrays.to_array(machine, x)
    return array if array.data.ndim else shapes.reshape(machine, array, (1,))


def _at_least_2d(machine: Machine, x: Value) -> Value:
    array = arrays.to_array(machine, x)
    while array.data.ndim < 2:
        array = indexing.index(machine, array, (None, Ellipsis))
    return array


def ravel(machine: Machine, x: Value, order: Value = "C") -> Value:
    """Return ``np.ravel(x)``."""
    if order != "C":
        raise GiveUp("another order")
    if isinstance(x, Parameters):
        return x
    return shapes.reshape(machine, arrays.to_array(machine, x), (-1,))


def reshape(machine: Machine, x: Value, *shape: Value) -> Value:
    """Return ``x.reshape(shape)`` or ``np.reshape(x, shape)``."""
    wanted = shape[0] if len(shape) == 1 else shape
    if isinstance(x, Parameters) and wanted in (-1, (-1,)):
        return x
    return shapes.reshape(machine, arrays.to_array(machine, x), wanted)


def squeeze(machine: Machine, x: Value, axis: Value = None) -> Value:
    """Return ``np.squeeze(x)``: the rows' axis stays, however few they are."""
    if isinstance(x, Parameters):
        return x
    array = arrays.to_array(machine, x)
    shape = array.data.shape
    axes = [place for place, n in enumerate(shape) if n == 1 and place != array.row]
    if axis is not None:
        wanted = arrays.axis_of(axis, len(shape))
        if wanted not in axes:
            raise GiveUp("an axis that cannot be squeezed")
        axes = [wanted]
    row = None if array.row is None else array.row - sum(place < array.row for place in axes)
    return arrays.plain(shapes.view(machine, array, np.squeeze(array.data, tuple(axes)), row))


def transpose(machine: Machine, x: Value, *axes: Value) -> Value:
    """Return ``np.transpose(x)``."""
    if isinstance(x, Parameters):
        return x
    order = axes[0] if len(axes) == 1 and isinstance(axes[0], tuple) else axes or None
    return shapes.transpose(machine, arrays.to_array(machine, x), order)


def _expand_dims(machine: Machine, x: Value, axis: Value) -> Value:
    array = arrays.to_array(machine, x)
    place = arrays.axis_of(axis, array.data.ndim + 1)
    return indexing.index(machine, array, (*[slice(None)] * place, None, Ellipsis))


def _reduction(op: str) -> Callable[..., Value]:
    def reduced(machine: Machine, x: Value, axis: Value = None, keepdims: Value = False) -> Value:
        function = (
            scalars.bound(machine, op) if op in {"max", "min"} else scalars.binary(machine, op)
        )
        array = arrays.to_array(machine, x)
        return shapes.reduced(machine, array, axis, keepdims, function)

    return reduced


def _mean(machine: Machine, x: Value, axis: Value = None, keepdims: Value = False) -> Value:
    array = arrays.to_array(machine, x)
    total = shapes.reduced(machine, array, axis, keepdims, scalars.binary(machine, "add"))
    length = arrays.to_array(machine, total).data.size
    return _combined(machine, "div", total, array.data.size // length)


def _quantified(decisive: bool) -> Callable[..., Value]:
    def check(machine: Machine, x: Value) -> Value:
        items = list(arrays.to_array(machine, x).data.flat)
        if decisive in [item for item in items if isinstance(item, bool)]:
            return decisive
        if all(isinstance(item, bool) for item in items):
            return not decisive
        return Unknown("a condition on the rows")

    return check


def _dot(machine: Machine, a: Value, b: Value) -> Value:
    first, second = arrays.to_array(machine, a), arrays.to_array(machine, b)
    if not first.data.ndim or not second.data.ndim:
        return _combined(machine, "mul", a, b)
    return matmul(machine, a, b)


def matmul(machine: Machine, a: Value, b: Value) -> Value:
    """Return ``a @ b``."""
    first, second = arrays.to_array(machine, a), arrays.to_array(machine, b)
    return shapes.contract(
        machine, first, second, scalars.binary(machine, "add"), scalars.binary(machine, "mul")
    )


def _parts(machine: Machine, value: Value) -> list[Array]:
    items = value.known() if isinstance(value, List) else value
    if isinstance(items, Array) and items.row != 0:
        items = [indexing.index(machine, items, place) for place in range(len(items.data))]
    if not isinstance(items, list | tuple) or not items:
        raise GiveUp("parts that are not known")
    return [arrays.to_array(machine, item) for item in items]


def _stack(machine: Machine, parts: Value, axis: Value = 0) -> Value:
    if type(axis) is not int:
        raise GiveUp("an axis that is not known")
    return arrays.stack(machine, _parts(machine, parts), axis)


def _concatenate(machine: Machine, parts: Value, axis: Value = 0) -> Value:
    if type(axis) is not int:
        raise GiveUp("an axis that is not known")
    return shapes.concatenate(machine, _parts(machine, parts), axis)


def _column_stack(machine: Machine, parts: Value) -> Value:
    columns = [
        part if part.data.ndim == 2 else indexing.index(machine, part, (slice(None), None))
        for part in _parts(machine, parts)
    ]
    return shapes.concatenate(machine, columns, 1)


def _vstack(machine: Machine, parts: Value) -> Value:
    rows = [_at_least_2d(machine, part) for part in _parts(machine, parts)]
    return shapes.concatenate(machine, rows, 0)


def _hstack(machine: Machine, parts: Value) -> Value:
    columns = [_at_least_1d(machine, part) for part in _parts(machine, parts)]
    return shapes.concatenate(machine, columns, 0 if columns[0].data.ndim == 1 else 1)


def _filled(value: float) -> Callable[..., Value]:
    def make(machine: Machine, shape: Value, dtype: Value = None) -> Value:
        return _full(machine, shape, value, dtype)

    return make


def _empty(machine: Machine, shape: Value, dtype: Value = None) -> Value:
    array = _full(machine, shape, 0.0, dtype)
    array.data.fill(Unknown("a value that was never set"))
    return array


def _full(machine: Machine, shape: Value, fill_value: Value, dtype: Value = None) -> Value:
    if not is_float_type(dtype):
        raise GiveUp("another type of numbers")
    return shapes.full(machine, shape, fill_value)


def _filled_like(value: float) -> Callable[..., Value]:
    def make(machine: Machine, x: Value, dtype: Value = None) -> Value:
        return _full_like(machine, x, value, dtype)

    return make


def _full_like(machine: Machine, x: Value, fill_value: Value, dtype: Value = None) -> Value:
    array = arrays.to_array(machine, x)
    if dtype is None and any(type(item) is int for item in array.data.flat):
        raise GiveUp("an array of integers")
    return arrays.plain(_full(machine, array.shape(), fill_value, dtype))


def _arange(machine: Machine, *bounds: Value, dtype: Value = None) -> Value:
    if not is_float_type(dtype) or not all(type(item) is int for item in bounds) or not bounds:
        raise GiveUp("a range that is not known")
    places = range(*bounds)
    if len(places) > MOST_ITEMS:
        raise GiveUp("a large array")
    items = [float(place) if dtype is not None else place for place in places]
    return machine.array(as_objects(items, (len(items),)))


def _polyval(machine: Machine, p: Value, x: Value) -> Value:
    coefficients = arrays.to_array(machine, p)
    if coefficients.data.ndim != 1 or coefficients.row is not None or not coefficients.data.size:
        raise GiveUp("a polynomial that is not known")
    total: Value = coefficients.data[0]
    for coefficient in coefficients.data[1:]:
        total = _combined(machine, "add", _combined(machine, "mul", total, x), coefficient)
    return total


ARRAY_FUNCTIONS: dict[str, Callable[..., Value]] = {
    **dict.fromkeys(("max", "amax"), _reduction("max")),
    **dict.fromkeys(("min", "amin"), _reduction("min")),
    **dict.fromkeys(("asarray", "asanyarray", "ascontiguousarray", "float64"), as_floats),
    **dict.fromkeys(("array", "copy"), copied),
    "sum": _reduction("add"),
    "prod": _reduction("mul"),
    "mean": _mean,
    "atleast_1d": _at_least_1d,
    "atleast_2d": _at_least_2d,
    "ravel": ravel,
    "reshape": reshape,
    "squeeze": squeeze,
    "transpose": transpose,
    "expand_dims": _expand_dims,
    "any": _quantified(True),
    "all": _quantified(False),
    "dot": _dot,
    "matmul": matmul,
    "stack": _stack,
    "concatenate": _concatenate,
    "column_stack": _column_stack,
    "vstack": _vstack,
    "hstack": _hstack,
    "zeros": _filled(0.0),
    "ones": _filled(1.0),
    "empty": _empty,
    "full": _full,
    "zeros_like": _filled_like(0.0),
    "ones_like": _filled_like(1.0),
    "full_like": _full_like,
    "arange": _arange,
    "polyval": _polyval,
}
"""By the name that numpy has for them."""
