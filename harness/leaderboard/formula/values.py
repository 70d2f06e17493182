"""What a program computes with, as far as its law must be known: abstract values of one row.

The number of rows is never known. An axis over rows is kept at length one, its place is known, and
what would mix rows, or would depend on how many there are, is refused.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from harness.leaderboard.formula.expressions import Expr, GiveUp, Scalar, Terms

Value = Any
"""A Python value (None, bool, int, float, str, tuple), an ``Expr``, or a class of this module."""
Objects = np.ndarray[Any, np.dtype[Any]]
"""An array of numbers, truth values and expressions (numpy's type ``object``)."""

MOST_ITEMS = 4096


class NeedLength(GiveUp):
    """The number of parameters has to be known here."""


@dataclass(slots=True, eq=False)
class Array:
    """A numpy array of numbers and expressions."""

    data: Objects
    row: int | None
    """The axis over rows, of length one in ``data``."""
    branch: int
    """Where it was made: it can be changed there only."""
    writable: bool = True
    """Whether no other array can share its memory."""
    open: bool = False
    """Whether its length follows from the number of parameters."""

    def shape(self) -> tuple[Value, ...]:
        """Return the shape as the program sees it."""
        return tuple(
            ROWS if axis == self.row else length for axis, length in enumerate(self.data.shape)
        )


@dataclass(frozen=True, slots=True)
class RowCount:
    """How many rows there are: some number from one on."""


@dataclass(frozen=True, slots=True)
class RowIndex:
    """The place of the row, inside a loop over all rows."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """The one-dimensional ``params`` while nobody has said how many there are."""


@dataclass(frozen=True, slots=True)
class InputRows:
    """The argument ``input_data`` of a law: a list with one dict a row."""


@dataclass(frozen=True, slots=True)
class InputRow:
    """One dict of it."""


@dataclass(frozen=True, slots=True)
class GroupName:
    """The argument ``group`` of a law."""


@dataclass(frozen=True, slots=True)
class GroupValue:
    """What a table holds for the group: a constant with one value a group, or a structure."""

    path: tuple[object, ...]
    """How the program reaches it, from the table's name on."""
    choices: tuple[Value, ...]
    """The values of all groups."""


@dataclass(slots=True, eq=False)
class List:
    """A list; with ``rows``, one item a row."""

    items: list[Value]
    branch: int
    rows: Value = None
    """The row's item, where the list was filled by a loop over all rows."""
    filling: bool = False
    """Whether a loop over all rows may be filling it just now."""

    def known(self) -> list[Value]:
        """Return the items.

        Raises:
            GiveUp: There is one a row, or will be.
        """
        if self.filling or self.rows is not None:
            raise GiveUp("takes one of all rows")
        return self.items


@dataclass(slots=True, eq=False)
class Dict:
    """A dict with known keys."""

    items: dict[object, Value]
    branch: int
    name: str = ""
    """What the program calls it, for constants that come from it."""


@dataclass(frozen=True, slots=True)
class Module:
    """An imported module."""

    path: str


@dataclass(frozen=True, slots=True)
class Library:
    """A function or class of the standard library, numpy or scipy, by its full name."""

    path: str


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function of the program."""

    node: ast.FunctionDef | ast.Lambda
    scope: Scope
    defaults: tuple[Value, ...]
    keyword_defaults: dict[str, Value]


@dataclass(frozen=True, slots=True, eq=False)
class Method:
    """A method of a value."""

    owner: Value
    name: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that cannot be known; using it is giving up."""

    reason: str


@dataclass(frozen=True, slots=True)
class Items:
    """What a loop runs over: known items, or one item that stands for every row."""

    known: tuple[Value, ...] = ()
    each_row: Value = None
    over_rows: bool = False


@dataclass(slots=True, eq=False)
class Scope:
    """The names of the module, or of one call."""

    names: dict[str, Value] = field(default_factory=dict)
    parent: Scope | None = None
    local: frozenset[str] = frozenset()
    """Names that the function assigns anywhere: never those of the module."""


ROWS = RowCount()


@dataclass(slots=True, eq=False)
class Machine:
    """The state of one attempt to read a law."""

    features: tuple[str, ...]
    terms: Terms
    length: int | None = None
    """How many parameters there are, once known."""
    least_length: int = 0
    """How many parameters there must be for what was read."""
    guessing: bool = False
    """Whether the number of parameters is only tried."""
    branch: int = 0
    last_branch: int = 0
    in_rows: bool = False
    """Whether a loop over all rows is being read."""
    rows_branch: int = 0
    """The branch of that loop."""
    rows_parent: int = 0
    """The branch that the loop stands in."""
    steps: int = 0
    names: dict[Expr, list[str]] = field(default_factory=dict)
    """What the program calls its symbols, in the order of the program."""
    unused_names: set[str] = field(default_factory=set)
    """Names that say nothing of a symbol: the law's arguments, and sums of several terms."""

    def new_branch(self) -> int:
        """Return a number for a part of the program that may not change what it did not make."""
        self.last_branch += 1
        return self.last_branch

    def array(self, data: Objects, row: int | None = None, **marks: bool) -> Array:
        """Return a fresh array."""
        if data.size > MOST_ITEMS:
            raise GiveUp("a large array")
        if row is not None and self.in_rows:
            raise GiveUp("arrays of all rows inside a loop over rows")
        return Array(data, row, self.branch, **marks)

    def may_change(self, value: Array | List | Dict) -> None:
        """Make sure that a change of a value is seen by all who share it, and by nobody else.

        Raises:
            GiveUp: It is not sure.
        """
        if value.branch != self.branch:
            raise GiveUp("changes a value from elsewhere")
        if isinstance(value, Array):
            if not value.writable:
                raise GiveUp("changes an array that may share memory")
            if all(isinstance(item, int) for item in value.data.flat):
                raise GiveUp("changes an array of integers")

    def parameter(self, index: int) -> Expr:
        """Return the symbol of one parameter."""
        return self.terms.symbol(("param", index))

    def feature(self, index: int) -> Expr:
        """Return the symbol of one feature."""
        return self.terms.symbol(("feature", index))

    def name(self, value: Value, name: str) -> None:
        """Remember what the program calls a symbol."""
        if isinstance(value, GroupValue):
            value = group_scalar(self, value) if is_group_number(value) else None
        if isinstance(value, Expr) and value.op == "sym":
            self.names.setdefault(value, []).append(name)
        elif isinstance(value, Array):
            items = list(value.data.flat)
            if not items or not all(isinstance(x, Expr) and x.op == "sym" for x in items):
                return
            if len(items) == 1:
                self.names.setdefault(items[0], []).append(name)
            elif value.data.ndim == 1 and len(items) != self.length:
                for place, item in enumerate(items):
                    self.names.setdefault(item, []).append(f"{name}[{place}]")


def is_number(value: Value) -> bool:
    """Return whether a value is a number that the program knows, truth values excepted."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_group_number(value: GroupValue) -> bool:
    """Return whether every group's value is a number."""
    return all(is_number(choice) for choice in value.choices)


def group_scalar(machine: Machine, value: GroupValue) -> Scalar:
    """Return a group's constant as a symbol, or as the number that all groups share.

    Raises:
        GiveUp: It is no number.
    """
    if not is_group_number(value):
        raise GiveUp("a group's constant that is no number")
    first = value.choices[0]
    if all(choice == first for choice in value.choices):
        return first  # type: ignore[no-any-return]
    return machine.terms.symbol(("const", value.path))


def as_objects(nested: Sequence[Any], shape: tuple[int, ...]) -> Objects:
    """Return flat items as an array of objects."""
    data: Objects = np.empty(len(nested), dtype=object)
    for place, item in enumerate(nested):
        data[place] = item
    return data.reshape(shape)


def elementwise(function: Callable[..., Any], *data: Any) -> Objects:
    """Apply a function to items, broadcast as numpy does."""
    result = np.frompyfunc(function, len(data), 1)(*data)
    if isinstance(result, np.ndarray):
        return result
    return as_objects([result], ())
