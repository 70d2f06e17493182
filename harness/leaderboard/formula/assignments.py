"""Binding names and storing into values, where that changes nothing that others see."""

from __future__ import annotations

import ast

from harness.leaderboard.formula import builtin_calls, indexing, operations
from harness.leaderboard.formula.expressions import GiveUp, ProgramRaises
from harness.leaderboard.formula.interpreter import Interpreter
from harness.leaderboard.formula.scopes import find
from harness.leaderboard.formula.values import (
    Array,
    Dict,
    List,
    Machine,
    NeedLength,
    Parameters,
    Scope,
    Unknown,
    Value,
)


class Assigner(Interpreter):
    """Binds names as well."""

    def __init__(self, machine: Machine) -> None:
        """Read for one attempt."""
        super().__init__(machine)
        self.in_try = False

    def assign(self, target: ast.expr, value: Value, scope: Scope) -> None:
        """Bind names, or store into what the function made itself.

        Raises:
            GiveUp: It would change what others see.
        """
        if isinstance(target, ast.Name):
            scope.names[target.id] = value
            self.machine.name(value, target.id)
            if isinstance(value, Dict) and not value.name:
                value.name = target.id
        elif isinstance(target, ast.Tuple | ast.List):
            self._unpack(target.elts, value, scope)
        elif isinstance(target, ast.Subscript):
            owner = self.evaluate(target.value, scope)
            self._store(owner, self.evaluate(target.slice, scope), value)
        else:
            raise GiveUp("changes an attribute")

    def _unpack(self, targets: list[ast.expr], value: Value, scope: Scope) -> None:
        starred = [place for place, x in enumerate(targets) if isinstance(x, ast.Starred)]
        machine = self.machine
        if isinstance(value, Parameters) and machine.length is None and not starred:
            if self.in_try:
                raise NeedLength("the number of parameters")
            machine.length = len(targets)
        items = list(builtin_calls.known_items(machine, value))
        if starred:
            first, last = starred[0], len(targets) - starred[0] - 1
            if len(items) < first + last:
                raise ProgramRaises("too few values to unpack")
            middle = List(items[first : len(items) - last], machine.branch)
            items[first : len(items) - last] = [middle]
            targets = [x.value if isinstance(x, ast.Starred) else x for x in targets]
        if len(items) != len(targets):
            raise ProgramRaises("values that cannot be unpacked")
        for target, item in zip(targets, items, strict=True):
            self.assign(target, item, scope)

    def _store(self, owner: Value, place: Value, value: Value) -> None:
        machine = self.machine
        value = operations.settled(machine, value)
        if isinstance(owner, Parameters):
            raise NeedLength("the number of parameters")
        if isinstance(owner, Array):
            indexing.store(machine, owner, place, value)
        elif isinstance(owner, Dict):
            machine.may_change(owner)
            owner.items[builtin_calls.static_key(place)] = value
        elif isinstance(owner, List) and type(place) is int:
            machine.may_change(owner)
            if not -len(owner.known()) <= place < len(owner.items):
                raise ProgramRaises("an index out of range")
            owner.items[place] = value
        else:
            raise GiveUp("changes something that is not known")

    def augment(self, node: ast.AugAssign, scope: Scope) -> None:
        """Do ``target += value`` and the like.

        Raises:
            GiveUp: It would change what others see.
        """
        target = node.target
        if isinstance(target, ast.Subscript):
            owner = self.evaluate(target.value, scope)
            place = self.evaluate(target.slice, scope)
            old = operations.subscript(self.machine, owner, place)
            if isinstance(old, Array) and isinstance(owner, Array):
                raise GiveUp("changes a part of an array in place")
            change = self.evaluate(node.value, scope)
            self._store(owner, place, operations.arithmetic(self.machine, node.op, old, change))
            return
        if not isinstance(target, ast.Name):
            raise GiveUp("changes an attribute")
        old = find(scope, target.id)
        if isinstance(old, Unknown):
            raise GiveUp(old.reason)
        new = operations.arithmetic(self.machine, node.op, old, self.evaluate(node.value, scope))
        if isinstance(old, Parameters):
            raise NeedLength("the number of parameters")
        if isinstance(old, List):
            raise GiveUp("changes a list in place")
        if isinstance(old, Array):
            self.machine.may_change(old)
            if not isinstance(new, Array) or new.shape() != old.shape():
                raise ProgramRaises("shapes that do not fit")
            old.data[...] = new.data
        else:
            scope.names[target.id] = new
        if isinstance(node.op, ast.Add | ast.Sub):
            self.machine.unused_names.add(target.id)
