"""Taking from arrays and storing into them, never some rows only."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.leaderboard.formula.arrays import clashes_with_rows, known_parameters, to_array
from harness.leaderboard.formula.expressions import GiveUp, ProgramRaises
from harness.leaderboard.formula.values import (
    MOST_ITEMS,
    Array,
    List,
    Machine,
    NeedLength,
    RowIndex,
    Value,
    as_objects,
)


def index_parameters(machine: Machine, place: Value) -> Value:
    """Return ``params[place]``; what lies at known places needs no known length."""
    first, *rest = place if isinstance(place, tuple) and place else (place,)
    if machine.length is not None:
        return index(machine, known_parameters(machine), place)
    if type(first) is int and first >= 0 and not rest:
        machine.least_length = max(machine.least_length, first + 1)
        return machine.parameter(first)
    if isinstance(first, slice) and type(first.stop) is int and first.stop >= 0:
        places = range(MOST_ITEMS)[first] if (first.start or 0) >= 0 else range(0)
        if 0 < len(places) < MOST_ITEMS and (first.step or 1) > 0:
            machine.least_length = max(machine.least_length, first.stop)
            data = as_objects([machine.parameter(i) for i in places], (len(places),))
            array = machine.array(data)
            array.writable = False
            return index(machine, array, (slice(None), *rest)) if rest else array
    raise NeedLength("the number of parameters")


def index(machine: Machine, array: Array, place: Value) -> Value:
    """Return ``array[place]``.

    Raises:
        GiveUp: It takes some rows only, or is no index known here.
        ProgramRaises: There is no such place.
    """
    key, row = _key(machine, array, place)
    try:
        data = array.data[key]
    except IndexError as error:
        raise ProgramRaises("an index out of range") from error
    if not isinstance(data, np.ndarray):
        return data
    array.writable = False
    result = machine.array(data, row, open=array.open or _opens(place))
    result.writable = False
    return result


def _opens(place: Value) -> bool:
    parts = place if isinstance(place, tuple) else (place,)
    return any(
        isinstance(part, slice)
        and (part.start, part.stop) != (None, None)
        and (part.stop is None or part.stop < 0)
        for part in parts
    )


def store(machine: Machine, array: Array, place: Value, value: Value) -> None:
    """Do ``array[place] = value``.

    Raises:
        GiveUp: Others may see the change, or rows would be mixed.
        ProgramRaises: It does not fit.
    """
    # A loop over rows may fill an array of all rows, made before it, at each row's place.
    by_row = RowIndex() in (place if isinstance(place, tuple) else (place,))
    if by_row and not (machine.in_rows and array.writable and array.row is not None):
        raise GiveUp("stores at a row's place")
    if not by_row:
        machine.may_change(array)
    elif array.branch != machine.rows_parent or machine.branch != machine.rows_branch:
        raise GiveUp("stores at a row's place, perhaps not for every row")
    key, row = _key(machine, array, place)
    target = array.data[key]
    given = to_array(machine, value)
    shape = target.shape if isinstance(target, np.ndarray) else ()
    if given.row is not None and (row is None or given.row - given.data.ndim != row - len(shape)):
        raise GiveUp("stores rows where there are none")
    if row is not None and given.row is None and clashes_with_rows(given, row - len(shape)):
        raise GiveUp("stores several values along the rows")
    try:
        array.data[key] = given.data if given.data.ndim else given.data[()]
    except ValueError as error:
        raise ProgramRaises("shapes that do not fit") from error


def _key(machine: Machine, array: Array, place: Value) -> tuple[tuple[Any, ...], int | None]:
    """Return numpy's index, and which axis of the result is over rows."""
    parts = list(place) if isinstance(place, tuple) else [place]
    named = sum(part is not None and part is not Ellipsis for part in parts)
    if named > array.data.ndim:
        raise ProgramRaises("too many indices")
    if parts.count(Ellipsis) > 1:
        raise ProgramRaises("two ellipses")
    if Ellipsis not in parts:
        parts.append(Ellipsis)
    middle = parts.index(Ellipsis)
    parts[middle : middle + 1] = [slice(None)] * (array.data.ndim - named)
    key: list[Any] = []
    axis, result_axis, row = 0, 0, None
    for part in parts:
        if part is not None and axis == array.row:
            if not (part == slice(None) or (isinstance(part, RowIndex) and machine.in_rows)):
                raise GiveUp("takes some rows")
            key.append(0 if isinstance(part, RowIndex) else part)
            row = None if isinstance(part, RowIndex) else result_axis
        else:
            key.append(None if part is None else _known_part(part))
            _require_whole(machine, array, axis, key[-1])
        axis += part is not None
        result_axis += not isinstance(key[-1], int)
    lists = sum(isinstance(part, list) for part in key)
    if lists and (lists > 1 or any(isinstance(part, int) for part in key)):
        raise GiveUp("an index with lists")
    return tuple(key), row


def _require_whole(machine: Machine, array: Array, axis: int, part: object) -> None:
    # Some wrong numbers of parameters would go unnoticed because slices are cut short.
    if machine.guessing and isinstance(part, slice) and (part.stop or 0) > array.data.shape[axis]:
        raise ProgramRaises("a guessed length")


def _known_part(part: Value) -> int | slice | list[int]:
    if isinstance(part, int) and not isinstance(part, bool):
        return part
    if isinstance(part, slice):
        bounds = (part.start, part.stop, part.step)
        if all(bound is None or type(bound) is int for bound in bounds) and part.step != 0:
            return part
    if isinstance(part, Array):
        part = List(list(part.data.flat), 0) if part.data.ndim == 1 else part
    if isinstance(part, List) and part.known() and all(type(x) is int for x in part.items):
        return list(part.items)
    raise GiveUp("an index that is not known")
