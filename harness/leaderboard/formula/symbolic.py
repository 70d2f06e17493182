"""A program's law as one expression, read from its text. The program is never executed."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.leaderboard.formula import arrays
from harness.leaderboard.formula.expressions import Expr, GiveUp, ProgramRaises, Terms
from harness.leaderboard.formula.module_level import read_module
from harness.leaderboard.formula.naming import Context, index_meaning, named
from harness.leaderboard.formula.statements import Reader
from harness.leaderboard.formula.targets import symbol_key, symbols_of, united
from harness.leaderboard.formula.values import (
    Array,
    Dict,
    Function,
    GroupName,
    GroupValue,
    InputRows,
    List,
    Machine,
    Parameters,
    Scope,
    Value,
    as_objects,
    group_scalar,
    is_number,
)

MOST_NODES = 400
"""Longer laws are not shown: nobody would read them."""

_MOST_GUESSED = 48
_MOST_GUESSED_COLUMNS = 16


@dataclass(frozen=True, slots=True)
class Law:
    """A law, and what its symbols are."""

    expression: Expr
    symbols: tuple[tuple[Expr, str, str], ...]
    """Each symbol with its name and what it is."""
    index: str | None
    """What the index of the targets is, where there is one."""
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Shape:
    """One possible shape of ``params``; all unknown without a length."""

    length: int | None
    columns: int | None = None
    guessed: bool = False


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What one shape of ``params`` gave."""

    shape: _Shape
    laws: tuple[Expr, ...]
    machine: Machine


def read_law(
    program: str, features: Sequence[str], targets: Sequence[str], n_params: int | None = None
) -> Law:
    """Return the law of a program.

    Args:
        program: Its text.
        features: The features in the order of the columns.
        targets: The targets in the order of the columns.
        n_params: How many constants a fit gives, where that is known.

    Raises:
        GiveUp: It is not certain what the law is, or it is too long.
        ProgramRaises: The law would stop with an error.
        SyntaxError: The text is no program; other errors of the parser pass as well.
    """
    source = program.encode("utf-8")
    if tokenize.detect_encoding(io.BytesIO(source).readline)[0] not in {"utf-8", "utf-8-sig"}:
        raise GiveUp("another encoding than UTF-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(source)
    machine = Machine(tuple(features), Terms())
    scope = read_module(tree, machine)
    reading = _Reading(scope, machine.terms, tuple(features), tuple(targets))
    law = scope.names.get("law")
    if isinstance(law, Function) and "fit_scaling_law" not in scope.names:
        attempt = reading.attempt(law, None)
    else:
        law = scope.names.get("scaling_law_func")
        if not isinstance(law, Function):
            raise GiveUp("no function that is a law")
        attempt = reading.best(law, n_params)
    return _law(attempt, features, targets)


def _law(attempt: _Attempt, features: Sequence[str], targets: Sequence[str]) -> Law:
    terms = attempt.machine.terms
    expression = united(terms, attempt.laws)
    if expression.size > MOST_NODES:
        raise GiveUp("too long")
    symbols = symbols_of(expression)
    unused = attempt.machine.unused_names
    hints = {
        symbol_key(symbol): [name for name in names if name not in unused]
        for symbol, names in attempt.machine.names.items()
    }
    context = Context(features, targets, hints, attempt.shape.columns)
    each = any(symbol_key(symbol)[0] == "each" for symbol in symbols)
    return Law(
        expression,
        tuple(named(symbols, context)),
        index_meaning(targets) if each else None,
        terms.notes,
    )


class _Reading:
    """One program's law, tried with one shape of ``params`` after the other."""

    def __init__(
        self, scope: Scope, terms: Terms, features: tuple[str, ...], targets: tuple[str, ...]
    ) -> None:
        self._scope = scope
        self._terms = terms
        self._features = features
        self._targets = targets

    def best(self, law: Function, n_params: int | None) -> _Attempt:
        """Return the one attempt that is certain.

        Raises:
            GiveUp: There is none.
            ProgramRaises: The law would stop with an error.
        """
        several = len(self._targets) > 1
        failure: Exception | None = None
        found = []
        for shapes in self._shapes(n_params):
            for shape in shapes:
                try:
                    found.append(self.attempt(law, shape))
                except (GiveUp, ProgramRaises) as error:
                    failure = failure or error
            if found and not several:
                break
        if not found:
            raise failure or GiveUp("no shape of params")
        complete = [x for x in found if not x.shape.guessed or _uses_all(x)]
        found = complete or found
        if any(attempt.laws != found[0].laws for attempt in found):
            raise GiveUp("the number of parameters")
        return found[0]

    def _shapes(self, n_params: int | None) -> Iterator[list[_Shape]]:
        """Yield what ``params`` may be, the likeliest first."""
        count = len(self._targets)
        if n_params is not None:
            yield [_Shape(n_params)]
            if n_params % count == 0:
                yield [_Shape(n_params, n_params // count)]
            return
        yield [_Shape(None)]
        yield [_Shape(length, guessed=True) for length in range(1, _MOST_GUESSED + 1)]
        yield [
            _Shape(count * columns, columns, guessed=True)
            for columns in range(1, _MOST_GUESSED_COLUMNS + 1)
        ]

    def attempt(self, law: Function, shape: _Shape | None) -> _Attempt:
        """Read the law with one shape of ``params``; None where it takes a group instead.

        Raises:
            GiveUp: It is not certain what the law is.
            ProgramRaises: The law would stop with an error.
        """
        machine = Machine(self._features, Terms(self._terms), branch=1, last_branch=1)
        if shape is None:
            result = Reader(machine).call_function(law, [InputRows(), GroupName()], {})
            return _Attempt(_Shape(None), self._from_dicts(machine, result), machine)
        machine.unused_names = {argument.arg for argument in law.node.args.args}
        machine.length = shape.length
        machine.guessing = shape.guessed
        rows = [machine.feature(place) for place in range(len(self._features))]
        data = machine.array(as_objects(rows, (1, len(rows))), 0)
        given = _parameters(machine, shape)
        result = Reader(machine).call_function(law, [data, given], {})
        if machine.length is not None and machine.least_length > machine.length:
            raise ProgramRaises("too few parameters")
        return _Attempt(shape, self._from_array(machine, result), machine)

    def _from_array(self, machine: Machine, result: Value) -> tuple[Expr, ...]:
        array = arrays.to_array(machine, result)
        count = len(self._targets)
        shapes = [(1, count)] if count > 1 else [(1, 1), (1,)]
        if array.row != 0 or array.data.shape not in shapes:
            raise GiveUp("predictions that are not one a row")
        return tuple(machine.terms.wrap(item) for item in array.data.flat)

    def _from_dicts(self, machine: Machine, result: Value) -> tuple[Expr, ...]:
        row = result.rows if isinstance(result, List) and not result.filling else None
        if not isinstance(row, Dict) or not all(name in row.items for name in self._targets):
            raise GiveUp("predictions that are not one dict a row")
        return tuple(self._scalar(machine, row.items[name]) for name in self._targets)

    def _scalar(self, machine: Machine, value: Value) -> Expr:
        if isinstance(value, Array) and value.row is None and value.data.size == 1:
            value = next(iter(value.data.flat))
        if isinstance(value, GroupValue):
            value = group_scalar(machine, value)
        if not is_number(value) and not isinstance(value, Expr):
            raise GiveUp("predictions that are no numbers")
        return machine.terms.wrap(value)


def _parameters(machine: Machine, shape: _Shape) -> Value:
    if shape.length is None:
        return Parameters()
    items = [machine.parameter(place) for place in range(shape.length)]
    if shape.columns is None:
        return machine.array(as_objects(items, (shape.length,)))
    return machine.array(as_objects(items, (shape.length // shape.columns, shape.columns)))


def _uses_all(attempt: _Attempt) -> bool:
    used = {symbol_key(symbol) for law in attempt.laws for symbol in symbols_of(law)}
    length = attempt.shape.length or 0
    return all(("param", place) in used for place in range(length))
