"""The top level of a program: its constants and functions, as they are when the law is called."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from harness.leaderboard.formula.expressions import GiveUp, ProgramRaises
from harness.leaderboard.formula.scopes import assigned_names, find
from harness.leaderboard.formula.statements import Reader
from harness.leaderboard.formula.values import (
    Dict,
    Library,
    List,
    Machine,
    Module,
    Scope,
    Unknown,
    Value,
)

_MODULE_NAME = "candidate"
_PURE_BUILTINS = {
    "range", "len", "tuple", "list", "dict", "sorted", "zip", "enumerate", "float", "int", "sum",
    "min", "max", "set", "frozenset", "abs", "round", "str", "any", "all", "bool", "reversed",
    "pow", "print", "slice", "divmod", "object", "staticmethod", "classmethod", "property",
    "Exception", "ValueError", "RuntimeError", "__name__",
}  # fmt: skip
_PURE_METHODS = {"reshape", "astype", "copy", "split", "items", "keys", "values", "get", "tolist"}
_PURE_PACKAGES = {
    "numpy", "math", "scipy", "itertools", "functools", "collections", "typing", "dataclasses",
    "enum", "abc", "logging", "re", "statistics", "warnings",
}  # fmt: skip
_CHANGING_METHODS = {
    "append", "extend", "insert", "pop", "popitem", "remove", "clear", "update", "setdefault",
    "sort", "reverse", "add", "discard", "fill", "put", "resize", "itemset", "setflags",
    "partition", "__setitem__", "__setattr__",
}  # fmt: skip
_CHANGING_FUNCTIONS = {"put", "copyto", "place", "putmask", "fill_diagonal", "shuffle", "at"}
_TRICKS = {
    "globals", "locals", "vars", "exec", "eval", "compile", "setattr", "delattr", "__import__",
    "__builtins__", "__dict__", "__globals__", "__code__", "__defaults__", "__kwdefaults__",
    "modules", "import_module",
}  # fmt: skip
"""Whoever uses these may change anything, unseen."""


def read_module(tree: ast.Module, machine: Machine) -> Scope:
    """Return the names of a program after it was loaded.

    What is not understood and changes nothing else leaves its name unknown, and so does what a
    function may change before the law is called.

    Raises:
        GiveUp: Something is not understood and may change anything.
    """
    for node in ast.walk(tree):
        if _word(node) in _TRICKS:
            raise GiveUp("code that may change anything")
    reader = Reader(machine)
    scope = Scope({"__name__": _MODULE_NAME})
    for statement in tree.body:
        _read(reader, statement, scope)
    for name in _changed_names(tree, scope) & scope.names.keys():
        scope.names[name] = Unknown("a value that a function may change")
    return scope


def _word(node: ast.AST) -> str:
    match node:
        case ast.Name(id=word) | ast.Attribute(attr=word) | ast.alias(name=word):
            return word
    return ""


def _read(reader: Reader, statement: ast.stmt, scope: Scope) -> None:
    try:
        flow = reader.block([statement], scope, None)
    except ProgramRaises as error:
        raise GiveUp("the program cannot be loaded") from error
    except GiveUp as error:
        if not _is_harmless(statement, scope):
            raise
        for name in assigned_names([statement]):
            scope.names[name] = Unknown(str(error))
    else:
        if flow is not None:
            raise GiveUp("a jump out of nothing")


def _is_harmless(statement: ast.stmt, scope: Scope) -> bool:
    """Return whether a statement does nothing but bind its names, whatever to."""
    allowed = ast.Assign | ast.AnnAssign | ast.Expr | ast.FunctionDef | ast.ClassDef
    if not isinstance(statement, allowed):
        return False
    nodes = list(_executed(statement))
    bound = {node.id for node in nodes if isinstance(node, ast.Name) and _stores(node)}
    bound |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    return all(_is_harmless_node(node, bound, scope) for node in nodes)


def _executed(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs when a statement runs: not the bodies of functions, nor annotations."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef):
            waiting += [*node.decorator_list, *node.args.defaults]
            waiting += filter(None, node.args.kw_defaults)
        elif isinstance(node, ast.AnnAssign):
            waiting += [node.target, *([node.value] if node.value else [])]
        else:
            yield node
            waiting.extend(ast.iter_child_nodes(node))


def _is_harmless_node(node: ast.AST, bound: set[str], scope: Scope) -> bool:
    match node:
        case ast.Call(func=function):
            return _is_harmless_call(function, scope)
        case ast.Name(id=name):
            return _stores(node) or name in bound or _is_pure(find(scope, name))
        case ast.Attribute(attr=name):
            return not _stores(node) and not name.startswith("_")
        case ast.Subscript():
            return not _stores(node)
        case ast.NamedExpr() | ast.Await() | ast.Yield() | ast.YieldFrom() | ast.Global():
            return False
        case ast.ClassDef(keywords=keywords):
            return not keywords
    return True


def _stores(node: ast.Name | ast.Attribute | ast.Subscript) -> bool:
    return not isinstance(node.ctx, ast.Load)


def _is_pure(value: Value) -> bool:
    """Return whether nobody can change a value, nor change anything by calling it."""
    if isinstance(value, Module | Library):
        package, _, name = value.path.partition(".")
        return name in _PURE_BUILTINS if package == "builtins" else package in _PURE_PACKAGES
    return value is None or isinstance(value, bool | int | float | str | tuple)


def _is_harmless_call(function: ast.expr, scope: Scope) -> bool:
    if isinstance(function, ast.Name):
        return isinstance(find(scope, function.id), Library)
    if not isinstance(function, ast.Attribute) or function.attr in _CHANGING_FUNCTIONS:
        return False
    root = _root(function)
    if root and isinstance(find(scope, root), Module):
        return True
    return function.attr in _PURE_METHODS


def _root(node: ast.AST) -> str:
    """Return the name at the start of ``name.a[b].c``."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _changed_names(tree: ast.Module, scope: Scope) -> set[str]:
    """Return the names whose values a function may change, by whatever name it calls them.

    What is empty at first is there to be filled.
    """
    found = {
        name
        for name, value in scope.names.items()
        if isinstance(value, Dict | List) and not value.items
    }
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.Lambda)]
    nodes = {node for function in functions for node in ast.walk(function)}
    for node in nodes:
        found |= _changed_by(node, scope)
    for node in nodes:
        match node:
            case ast.Assign(targets=targets, value=ast.Name(id=name)):
                found |= {name} if any(_root(target) in found for target in targets) else set()
            case ast.Call(func=ast.Name(), args=args) if _changes_arguments(node, functions, found):
                found |= {_root(part) for part in args}
    return found


def _changes_arguments(
    call: ast.Call, functions: list[ast.FunctionDef | ast.Lambda], changed: set[str]
) -> bool:
    """Return whether the function that is called may change one of its arguments."""
    return any(
        function.name == _root(call.func) and any(x.arg in changed for x in function.args.args)
        for function in functions
        if isinstance(function, ast.FunctionDef)
    )


def _changed_by(node: ast.AST, scope: Scope) -> set[str]:
    match node:
        case ast.Global(names=names):
            return set(names)
        case ast.Attribute() | ast.Subscript() if _stores(node):
            return {_root(node)}
        case ast.Call(func=ast.Attribute(attr=name) as function, args=args, keywords=keywords):
            changed = {_root(part.value) for part in keywords if part.arg == "out"}
            of_module = isinstance(scope.names.get(_root(function)), Module)
            if name in _CHANGING_METHODS and not of_module:
                changed.add(_root(function))
            if name in _CHANGING_FUNCTIONS and of_module:
                changed |= {_root(part) for part in args[:1]}
            return changed
    return set()
