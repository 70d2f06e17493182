"""Names: what they mean, which a body binds, and what a call binds them to."""

from __future__ import annotations

import ast

from harness.leaderboard.formula.expressions import GiveUp, ProgramRaises
from harness.leaderboard.formula.values import Function, Library, Scope, Unknown, Value


def find(scope: Scope, name: str) -> Value:
    """Return what a name means.

    Raises:
        GiveUp: Nothing that is known.
    """
    place: Scope | None = scope
    while place is not None:
        if name in place.names:
            return place.names[name]
        if name in place.local:
            raise GiveUp("a name that may have no value yet")
        place = place.parent
    return Library(f"builtins.{name}")


def assigned_names(body: list[ast.stmt]) -> frozenset[str]:
    """Return the names that statements may bind."""
    names: set[str] = set()
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                names.add(node.id)
            elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
                names.add(node.name)
            elif isinstance(node, ast.alias):
                names.add((node.asname or node.name).partition(".")[0])
            elif isinstance(node, ast.Yield | ast.YieldFrom | ast.Await):
                raise GiveUp("a generator")
            elif isinstance(node, ast.ExceptHandler) and node.name:
                names.add(node.name)
    return frozenset(names)


def bind(function: Function, args: list[Value], named: dict[str, Value]) -> dict[str, Value]:
    """Return the arguments of a call by name.

    Raises:
        GiveUp: The function takes any named arguments.
        ProgramRaises: They are too many or too few.
    """
    spec = function.node.args
    if spec.kwarg is not None:
        raise GiveUp("a function with any named arguments")
    places = [argument.arg for argument in (*spec.posonlyargs, *spec.args)]
    given = dict(zip(places, args, strict=False))
    if spec.vararg is not None:
        given[spec.vararg.arg] = tuple(args[len(places) :])
    elif len(args) > len(places):
        raise ProgramRaises("too many arguments")
    by_name = {argument.arg for argument in (*spec.args, *spec.kwonlyargs)}
    if not named.keys() <= by_name or named.keys() & given.keys():
        raise ProgramRaises("arguments that do not fit")
    given.update(named)
    late = places[len(places) - len(function.defaults) :]
    for name, value in (
        *zip(late, function.defaults, strict=True),
        *function.keyword_defaults.items(),
    ):
        given.setdefault(name, value)
    wanted = {*places, *(argument.arg for argument in spec.kwonlyargs)}
    if not wanted <= given.keys():
        raise ProgramRaises("too few arguments")
    for value in given.values():
        if isinstance(value, Unknown):
            raise GiveUp(value.reason)
    return given
