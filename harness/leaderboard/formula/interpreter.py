"""Expressions and calls of a program, read without running it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from harness.leaderboard.formula import builtin_calls, library, members, operations, scalars
from harness.leaderboard.formula.expressions import Expr, GiveUp, ProgramRaises
from harness.leaderboard.formula.scopes import assigned_names, bind, find
from harness.leaderboard.formula.values import (
    Dict,
    Function,
    GroupValue,
    Items,
    Library,
    List,
    Machine,
    Method,
    Scope,
    Unknown,
    Value,
)

_MOST_STEPS = 60_000
_DEEPEST_CALL = 12
_LONGEST_NAME = 80


class Interpreter:
    """Evaluates expressions; statements are added by ``statements``."""

    def __init__(self, machine: Machine) -> None:
        """Read for one attempt."""
        self.machine = machine
        self.depth = 0

    def run_body(self, body: list[ast.stmt], scope: Scope) -> Value:
        """Run the body of a function and return what it returns."""
        raise NotImplementedError

    def evaluate(self, node: ast.expr, scope: Scope) -> Value:
        """Return the value of an expression.

        Raises:
            GiveUp: It is not known.
            ProgramRaises: The program would stop there.
        """
        self.count()
        handler = _EXPRESSIONS.get(type(node))
        if handler is None:
            raise GiveUp(f"{type(node).__name__} in an expression")
        return handler(self, node, scope)

    def count(self) -> None:
        """Count one step.

        Raises:
            GiveUp: There were too many.
        """
        self.machine.steps += 1
        if self.machine.steps > _MOST_STEPS:
            raise GiveUp("too many steps")

    def _constant(self, node: ast.Constant, _scope: Scope) -> Value:
        if isinstance(node.value, complex | bytes):
            raise GiveUp("a constant that laws do not use")
        return node.value

    def _name(self, node: ast.Name, scope: Scope) -> Value:
        value = find(scope, node.id)
        if isinstance(value, Unknown):
            raise GiveUp(value.reason)
        return value

    def _attribute(self, node: ast.Attribute, scope: Scope) -> Value:
        return members.attribute(self.machine, self.evaluate(node.value, scope), node.attr)

    def _subscript(self, node: ast.Subscript, scope: Scope) -> Value:
        owner = self.evaluate(node.value, scope)
        return operations.subscript(self.machine, owner, self.evaluate(node.slice, scope))

    def _slice(self, node: ast.Slice, scope: Scope) -> Value:
        bounds = (node.lower, node.upper, node.step)
        return slice(*(None if part is None else self.evaluate(part, scope) for part in bounds))

    def _tuple(self, node: ast.Tuple, scope: Scope) -> Value:
        return tuple(self._items(node.elts, scope))

    def _list(self, node: ast.List, scope: Scope) -> Value:
        return List(self._items(node.elts, scope), self.machine.branch)

    def _items(self, nodes: list[ast.expr], scope: Scope) -> list[Value]:
        items: list[Value] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                value = self.evaluate(node.value, scope)
                items.extend(builtin_calls.known_items(self.machine, value))
            else:
                items.append(self.evaluate(node, scope))
        return items

    def _dict(self, node: ast.Dict, scope: Scope) -> Value:
        items = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                raise GiveUp("a dict inside a dict")
            known = builtin_calls.static_key(self.evaluate(key, scope))
            items[known] = self.evaluate(value, scope)
        return Dict(items, self.machine.branch)

    def _binary(self, node: ast.BinOp, scope: Scope) -> Value:
        left, right = self.evaluate(node.left, scope), self.evaluate(node.right, scope)
        return operations.arithmetic(self.machine, node.op, left, right)

    def _unary(self, node: ast.UnaryOp, scope: Scope) -> Value:
        return operations.unary(self.machine, node.op, self.evaluate(node.operand, scope))

    def _boolean(self, node: ast.BoolOp, scope: Scope) -> Value:
        decisive = isinstance(node.op, ast.Or)
        unknown: list[Expr] = []
        value: Value = None
        for part in node.values:
            value = self.evaluate(part, scope)
            truth = members.truth(self.machine, value)
            if truth is decisive:
                return decisive if unknown else value
            if isinstance(truth, Expr):
                unknown.append(truth)
        if not unknown:
            return value
        return scalars.logical(self.machine, "or" if decisive else "and")(*unknown)

    def _compare(self, node: ast.Compare, scope: Scope) -> Value:
        values = [self.evaluate(part, scope) for part in (node.left, *node.comparators)]
        parts = [
            operations.comparison(self.machine, kind, a, b)
            for kind, a, b in zip(node.ops, values, values[1:], strict=False)
        ]
        return parts[0] if len(parts) == 1 else scalars.logical(self.machine, "and")(*parts)

    def _choice(self, node: ast.IfExp, scope: Scope) -> Value:
        truth = members.truth(self.machine, self.evaluate(node.test, scope))
        if isinstance(truth, bool):
            return self.evaluate(node.body if truth else node.orelse, scope)
        with self.branch():
            a = self.evaluate(node.body, scope)
        with self.branch():
            b = self.evaluate(node.orelse, scope)
        return operations.merged(self.machine, truth, a, b)

    @contextmanager
    def branch(self) -> Iterator[int]:
        """Read a part that runs for some rows only: it may not change what it did not make."""
        outside = self.machine.branch
        self.machine.branch = self.machine.new_branch()
        try:
            yield self.machine.branch
        finally:
            self.machine.branch = outside

    @contextmanager
    def rows(self, scope: Scope) -> Iterator[None]:
        """Read the body of a loop over all rows, once for all of them."""
        machine = self.machine
        if machine.in_rows:
            raise GiveUp("a loop over rows in a loop over rows")
        filled = [
            value
            for value in scope.names.values()
            if isinstance(value, List) and not value.items and value.rows is None
            if value.branch == machine.branch
        ]
        for value in filled:
            value.filling = True
        machine.rows_parent = machine.branch
        with self.branch() as machine.rows_branch:
            machine.in_rows = True
            try:
                yield
            finally:
                machine.in_rows = False
                for value in filled:
                    value.filling = False

    def _comprehension(self, node: Any, scope: Scope) -> Value:
        first = self.evaluate(node.generators[0].iter, scope)
        items = builtin_calls.items_of(self.machine, first)
        inner = Scope(parent=scope)
        if not items.over_rows:
            found: list[Value] = []
            self._generate(node, 0, inner, found, items)
            return self._collected(node, found)
        if len(node.generators) > 1 or isinstance(node, ast.DictComp):
            raise GiveUp("a comprehension that mixes rows")
        with self.rows(inner):
            each: list[Value] = []
            self._generate(node, 0, inner, each, Items((items.each_row,)))
        if len(each) != 1 or each[0] is None:
            raise GiveUp("a comprehension that leaves rows out")
        return List([], self.machine.branch, each[0])

    def _collected(self, node: Any, found: list[Value]) -> Value:
        if isinstance(node, ast.DictComp):
            return Dict(dict(found), self.machine.branch)
        return List(found, self.machine.branch)

    def _generate(
        self, node: Any, level: int, scope: Scope, found: list[Value], items: Items
    ) -> None:
        generator = node.generators[level]
        for item in items.known:
            self.count()
            self.assign(generator.target, item, scope)
            if not all(self._holds(test, scope) for test in generator.ifs):
                continue
            if level + 1 < len(node.generators):
                value = self.evaluate(node.generators[level + 1].iter, scope)
                known = Items(builtin_calls.known_items(self.machine, value))
                self._generate(node, level + 1, scope, found, known)
            elif isinstance(node, ast.DictComp):
                key = builtin_calls.static_key(self.evaluate(node.key, scope))
                found.append((key, self.evaluate(node.value, scope)))
            else:
                found.append(self.evaluate(node.elt, scope))

    def _holds(self, test: ast.expr, scope: Scope) -> bool:
        truth = members.truth(self.machine, self.evaluate(test, scope))
        if isinstance(truth, Expr):
            raise GiveUp("a comprehension that leaves rows out")
        return truth

    def assign(self, target: ast.expr, value: Value, scope: Scope) -> None:
        """Bind names; see ``statements``."""
        raise NotImplementedError

    def _text(self, node: ast.JoinedStr, scope: Scope) -> Value:
        pieces = []
        for part in node.values:
            value = self.evaluate(part, scope)
            if not isinstance(value, str):
                raise GiveUp("text that is not known")
            pieces.append(value)
        return "".join(pieces)[:1000]

    def _formatted(self, node: ast.FormattedValue, scope: Scope) -> Value:
        value = self.evaluate(node.value, scope)
        if node.format_spec is not None or node.conversion != -1 or type(value) not in {int, str}:
            raise GiveUp("text that is not known")
        return str(value)

    def _lambda(self, node: ast.Lambda, scope: Scope) -> Value:
        return self.function(node, scope)

    def function(self, node: ast.FunctionDef | ast.Lambda, scope: Scope) -> Function:
        """Return a function that the program defines."""
        defaults = tuple(self.evaluate(part, scope) for part in node.args.defaults)
        named = {
            argument.arg: self.evaluate(value, scope)
            for argument, value in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            if value is not None
        }
        return Function(node, scope, defaults, named)

    def _call(self, node: ast.Call, scope: Scope) -> Value:
        function = self.evaluate(node.func, scope)
        args = [operations.settled(self.machine, x) for x in self._items(node.args, scope)]
        named: dict[str, Value] = {}
        for keyword in node.keywords:
            value = operations.settled(self.machine, self.evaluate(keyword.value, scope))
            more = {keyword.arg: value} if keyword.arg else self._named(value)
            if more.keys() & named.keys():
                raise ProgramRaises("an argument given twice")
            named.update(more)
        return self.call(function, args, named)

    def _named(self, value: Value) -> dict[str, Value]:
        if isinstance(value, GroupValue) and isinstance(value.choices[0], Dict):
            keys = list(value.choices[0].items)
            value = Dict({key: members.lookup(self.machine, value, key) for key in keys}, 0)
        if not isinstance(value, Dict) or not all(isinstance(key, str) for key in value.items):
            raise GiveUp("arguments that are not known")
        return {
            str(key): operations.settled(self.machine, item) for key, item in value.items.items()
        }

    def call(self, function: Value, args: list[Value], named: dict[str, Value]) -> Value:
        """Call a function of the program or of a library."""
        if isinstance(function, Function):
            return self.call_function(function, args, named)
        if isinstance(function, Method):
            return members.call_method(self.machine, function, args, named)
        if isinstance(function, Library):
            kind, _, name = function.path.rpartition(".")
            handler = library.FUNCTIONS.get(function.path)
            if kind == "builtins":
                handler = builtin_calls.BUILTINS.get(name)
            if handler is None:
                raise GiveUp(f"the function {function.path[:_LONGEST_NAME]}")
            try:
                return handler(self.machine, *args, **named)
            except TypeError as error:  # arguments that the table does not know
                raise GiveUp(f"arguments of {function.path[:_LONGEST_NAME]}") from error
        raise GiveUp("a call of what is no known function")

    def call_function(
        self, function: Function, args: list[Value], named: dict[str, Value]
    ) -> Value:
        """Call a function of the program."""
        if self.depth >= _DEEPEST_CALL:
            raise GiveUp("calls inside calls")
        given = bind(function, args, named)
        body = function.node.body
        local = frozenset(given)
        if isinstance(body, list):
            local |= assigned_names(body)
        scope = Scope(dict(given), function.scope, local)
        for name, value in given.items():
            self.machine.name(value, name)
        self.depth += 1
        try:
            return (
                self.run_body(body, scope) if isinstance(body, list) else self.evaluate(body, scope)
            )
        finally:
            self.depth -= 1


_EXPRESSIONS: dict[type[ast.expr], Callable[[Interpreter, Any, Scope], Value]] = {
    ast.Constant: Interpreter._constant,
    ast.Name: Interpreter._name,
    ast.Attribute: Interpreter._attribute,
    ast.Subscript: Interpreter._subscript,
    ast.Slice: Interpreter._slice,
    ast.Tuple: Interpreter._tuple,
    ast.List: Interpreter._list,
    ast.Dict: Interpreter._dict,
    ast.BinOp: Interpreter._binary,
    ast.UnaryOp: Interpreter._unary,
    ast.BoolOp: Interpreter._boolean,
    ast.Compare: Interpreter._compare,
    ast.IfExp: Interpreter._choice,
    ast.ListComp: Interpreter._comprehension,
    ast.GeneratorExp: Interpreter._comprehension,
    ast.DictComp: Interpreter._comprehension,
    ast.JoinedStr: Interpreter._text,
    ast.FormattedValue: Interpreter._formatted,
    ast.Lambda: Interpreter._lambda,
    ast.Call: Interpreter._call,
}
