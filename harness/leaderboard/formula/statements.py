"""Statements of a program, read without running them; conditions on a row become choices."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.leaderboard.formula import builtin_calls, library, members, operations
from harness.leaderboard.formula.assignments import Assigner
from harness.leaderboard.formula.expressions import Expr, GiveUp, ProgramRaises
from harness.leaderboard.formula.scopes import assigned_names
from harness.leaderboard.formula.values import (
    Library,
    Module,
    NeedLength,
    Scope,
    Unknown,
    Value,
)

_CHECKS = "checks that stop with an error"
_ON_ERROR = "what the program does after an error"
_CONTEXTS = {"numpy.errstate", "warnings.catch_warnings"}
_CHANGING = {"append", "extend", "insert", "pop", "remove", "clear", "update", "setdefault", "sort"}
_MOST_TURNS = 1000
_KNOWN_PACKAGES = frozenset({*sys.stdlib_module_names, "numpy", "scipy"})


@dataclass(frozen=True, slots=True)
class Returned:
    """The function returns a value here."""

    value: Value


@dataclass(frozen=True, slots=True)
class Jump:
    """A ``break`` or a ``continue``."""

    leaves: bool


Flow = Returned | Jump | None
"""How a block ends; None where it runs to its end."""
After = tuple[Sequence[ast.stmt], ...] | None
"""What runs after a block until the function ends; None where that is not one sequence."""


class Reader(Assigner):
    """Reads statements as well."""

    def run_body(self, body: list[ast.stmt], scope: Scope) -> Value:
        """Run the body of a function and return what it returns."""
        flow = self.block(body, scope, ())
        if isinstance(flow, Jump):
            raise GiveUp("a jump out of nothing")
        return None if flow is None else flow.value

    def block(self, body: Sequence[ast.stmt], scope: Scope, after: After) -> Flow:
        """Run statements one after another."""
        for place, statement in enumerate(body):
            self.count()
            rest = None if after is None else (body[place + 1 :], *after)
            handler = _STATEMENTS.get(type(statement))
            if handler is None:
                raise GiveUp(f"the statement {type(statement).__name__}")
            flow = handler(self, statement, scope, rest)
            if flow is not None:
                return flow
        return None

    def _sequence(self, blocks: tuple[Sequence[ast.stmt], ...], scope: Scope) -> Flow:
        for place, body in enumerate(blocks):
            flow = self.block(body, scope, blocks[place + 1 :])
            if flow is not None:
                return flow
        return Returned(None)

    def _nothing(self, _node: ast.stmt, _scope: Scope, _after: After) -> Flow:
        return None

    def _return(self, node: ast.Return, scope: Scope, _after: After) -> Flow:
        return Returned(None if node.value is None else self.evaluate(node.value, scope))

    def _raise(self, _node: ast.Raise, _scope: Scope, _after: After) -> Flow:
        raise ProgramRaises("the program raises an error")

    def _jump(self, node: ast.Break | ast.Continue, _scope: Scope, _after: After) -> Flow:
        return Jump(isinstance(node, ast.Break))

    def _expression(self, node: ast.Expr, scope: Scope, _after: After) -> Flow:
        self.evaluate(node.value, scope)
        return None

    def _assign_all(self, node: ast.Assign, scope: Scope, _after: After) -> Flow:
        value = self.evaluate(node.value, scope)
        for target in node.targets:
            self.assign(target, value, scope)
            if isinstance(target, ast.Name) and _adds_to(target.id, node.value):
                self.machine.unused_names.add(target.id)
        return None

    def _annotated(self, node: ast.AnnAssign, scope: Scope, _after: After) -> Flow:
        if node.value is not None:
            self.assign(node.target, self.evaluate(node.value, scope), scope)
        return None

    def _augmented(self, node: ast.AugAssign, scope: Scope, _after: After) -> Flow:
        self.augment(node, scope)
        return None

    def _if(self, node: ast.If, scope: Scope, after: After) -> Flow:
        try:
            truth = members.truth(self.machine, self.evaluate(node.test, scope))
        except NeedLength:
            raise
        except GiveUp:
            if not _only_raises(node):
                raise
            self.machine.terms.note(_CHECKS)
            return None
        if isinstance(truth, bool):
            return self.block(node.body if truth else node.orelse, scope, after)
        return self._both(truth, node, scope, after)

    def _both(self, condition: Expr, node: ast.If, scope: Scope, after: After) -> Flow:
        """Run both branches of a condition on a row; what differs becomes a choice."""
        start = dict(scope.names)
        ends = []
        for body in (node.body, node.orelse):
            _restore(scope, start)
            with self.branch():
                ends.append(self._one_branch(body, scope, after))
        (flow, names), (other_flow, other_names) = ends
        if flow is _RAISES or other_flow is _RAISES:
            if flow is other_flow:
                raise ProgramRaises("every branch raises an error")
            self.machine.terms.note(_CHECKS)
            # The branch that does not raise is run again, as if there were no condition.
            _restore(scope, start)
            return self.block(node.orelse if flow is _RAISES else node.body, scope, after)
        if flow is None and other_flow is None:
            _restore(scope, self._merged_names(condition, names, other_names))
            return None
        results = []
        for end, own_names in ends:
            _restore(scope, own_names)
            results.append(self._to_the_end(end, scope, after))
        return Returned(operations.merged(self.machine, condition, *results))

    def _one_branch(
        self, body: list[ast.stmt], scope: Scope, after: After
    ) -> tuple[Flow, dict[str, Value]]:
        try:
            flow = self.block(body, scope, after)
        except ProgramRaises:
            if self.in_try:
                raise GiveUp("an error that the program may catch") from None
            flow = _RAISES
        if isinstance(flow, Jump) and flow is not _RAISES:
            raise GiveUp("a jump for some rows only")
        return flow, dict(scope.names)

    def _to_the_end(self, flow: Flow, scope: Scope, after: After) -> Value:
        """Return what the function returns, where a branch has not returned yet."""
        if flow is None:
            if after is None:
                raise GiveUp("returns for some rows only")
            with self.branch():
                flow = self._sequence(after, scope)
        if not isinstance(flow, Returned):
            raise GiveUp("a jump for some rows only")
        return flow.value

    def _merged_names(
        self, condition: Expr, names: dict[str, Value], others: dict[str, Value]
    ) -> dict[str, Value]:
        unknown = Unknown("a value that depends on a condition")
        merged = {}
        for name in [*names, *(other for other in others if other not in names)]:
            if name in names and name in others:
                a, b = names[name], others[name]
                merged[name] = operations.merged(self.machine, condition, a, b)
                self.machine.name(merged[name], name)
            else:
                merged[name] = unknown
        return merged

    def _for(self, node: ast.For, scope: Scope, _after: After) -> Flow:
        items = builtin_calls.items_of(self.machine, self.evaluate(node.iter, scope))
        if items.over_rows:
            self._for_each_row(node, items.each_row, scope)
            return None
        for item in items.known:
            self.assign(node.target, item, scope)
            flow = self.block(node.body, scope, None)
            if isinstance(flow, Returned):
                return flow
            if flow is not None and flow.leaves:
                return None
        return self.block(node.orelse, scope, None)

    def _for_each_row(self, node: ast.For, item: Value, scope: Scope) -> None:
        if node.orelse:
            raise GiveUp("an else after a loop over rows")
        carried = assigned_names([node])
        for name in carried & scope.names.keys():
            scope.names[name] = Unknown("a value that one row leaves for the next")
        with self.rows(scope):
            self.assign(node.target, item, scope)
            flow = self.block(node.body, scope, None)
        if flow is not None and (isinstance(flow, Returned) or flow.leaves):
            raise GiveUp("a loop over rows that ends early")
        for name in carried:
            scope.names[name] = Unknown("a value of the last row")

    def _while(self, node: ast.While, scope: Scope, _after: After) -> Flow:
        for _ in range(_MOST_TURNS):
            truth = members.truth(self.machine, self.evaluate(node.test, scope))
            if isinstance(truth, Expr):
                raise GiveUp("a loop that depends on the row")
            if not truth:
                return self.block(node.orelse, scope, None)
            flow = self.block(node.body, scope, None)
            if isinstance(flow, Returned):
                return flow
            if flow is not None and flow.leaves:
                return None
        raise GiveUp("a long loop")

    def _with(self, node: ast.With, scope: Scope, after: After) -> Flow:
        for item in node.items:
            call = item.context_expr
            function = self.evaluate(call.func, scope) if isinstance(call, ast.Call) else None
            if not isinstance(function, Library) or function.path not in _CONTEXTS:
                raise GiveUp("a context that is not known")
            if item.optional_vars is not None:
                raise GiveUp("a context that is not known")
        return self.block(node.body, scope, after)

    def _try(self, node: ast.Try, scope: Scope, _after: After) -> Flow:
        outside, self.in_try = self.in_try, True
        try:
            flow = self.block(node.body, scope, None)
            if flow is None:
                flow = self.block(node.orelse, scope, None)
        except ProgramRaises as error:
            raise GiveUp("an error that the program may catch") from error
        finally:
            self.in_try = outside
        if node.handlers:
            self.machine.terms.note(_ON_ERROR)
        last = self.block(node.finalbody, scope, None)
        return flow if last is None else last

    def _assert(self, node: ast.Assert, scope: Scope, _after: After) -> Flow:
        check = ast.If(ast.UnaryOp(ast.Not(), node.test), [ast.Raise(None, None)], [])
        return self._if(check, scope, None)

    def _define(self, node: ast.FunctionDef, scope: Scope, _after: After) -> Flow:
        if node.decorator_list:
            raise GiveUp("a decorated function")
        scope.names[node.name] = self.function(node, scope)
        return None

    def _import(self, node: ast.Import, scope: Scope, _after: After) -> Flow:
        for alias in node.names:
            bound = alias.name if alias.asname else alias.name.partition(".")[0]
            scope.names[alias.asname or bound] = self._module(bound)
            self._module(alias.name)
        return None

    def _import_from(self, node: ast.ImportFrom, scope: Scope, _after: After) -> Flow:
        module = node.module or ""
        if node.level or any(alias.name == "*" for alias in node.names):
            raise GiveUp("an import that hides what it binds")
        found = self._module(module)
        for alias in node.names:
            value = found
            if isinstance(found, Module):
                value = members.attribute(self.machine, found, alias.name)
            scope.names[alias.asname or alias.name] = value
        return None

    def _module(self, path: str) -> Value:
        if path in library.MODULES:
            return Module(path)
        if path.partition(".")[0] not in _KNOWN_PACKAGES:
            raise ProgramRaises("no such module")
        return Unknown("a module that laws do not use")


_RAISES = Jump(leaves=True)


def _adds_to(name: str, value: ast.expr) -> bool:
    """Return whether a value is a sum with the value that a name has so far."""
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Add | ast.Sub):
        return False
    return any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(value))


def _restore(scope: Scope, names: dict[str, Value]) -> None:
    # In place, since functions defined inside see these names too.
    before = dict(names)
    scope.names.clear()
    scope.names.update(before)


def _only_raises(node: ast.If) -> bool:
    """Return whether an ``if`` does nothing but stop the program, and its test changes nothing."""
    if node.orelse or not isinstance(node.body[-1], ast.Raise) or len(node.body) > 1:
        return False
    calls = [part.func for part in ast.walk(node.test) if isinstance(part, ast.Call)]
    return not any(isinstance(f, ast.Attribute) and f.attr in _CHANGING for f in calls) and all(
        isinstance(f, ast.Attribute) or (isinstance(f, ast.Name) and f.id in _HARMLESS)
        for f in calls
    )


_HARMLESS = {"len", "any", "all", "isinstance", "float", "int", "max", "min", "sum", "abs"}

_STATEMENTS: dict[type[ast.stmt], Callable[[Reader, Any, Scope, After], Flow]] = {
    ast.Return: Reader._return,
    ast.Raise: Reader._raise,
    ast.Break: Reader._jump,
    ast.Continue: Reader._jump,
    ast.Pass: Reader._nothing,
    ast.Expr: Reader._expression,
    ast.Assign: Reader._assign_all,
    ast.AnnAssign: Reader._annotated,
    ast.AugAssign: Reader._augmented,
    ast.If: Reader._if,
    ast.For: Reader._for,
    ast.While: Reader._while,
    ast.With: Reader._with,
    ast.Try: Reader._try,
    ast.Assert: Reader._assert,
    ast.FunctionDef: Reader._define,
    ast.Import: Reader._import,
    ast.ImportFrom: Reader._import_from,
}
