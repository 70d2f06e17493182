"""The top level of a program: its constants and functions, as they are when the law is called."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from harness.leaderboard.formula.expressions import GiveUp, ProgramRaises
from harness.leaderboard.formula.scopes import assigned_names, find
from harness.leaderboard.formula.statements import Reader
from harness.leaderboard.formula.values import (
    Array,
    Dict,
    Function,
    Library,
    List,
    Machine,
    Module,
    Scope,
    Unknown,
)

_MODULE_NAME = "candidate"
_PURE_BUILTINS = {
    "range", "len", "tuple", "list", "dict", "sorted", "zip", "enumerate", "float", "int", "sum",
    "min", "max", "set", "frozenset", "abs", "round", "str", "any", "all", "bool", "reversed",
    "pow", "print", "slice", "divmod",
}  # fmt: skip
_PURE_METHODS = {
    "reshape", "astype", "copy", "split", "strip", "items", "keys", "values", "get", "ravel",
    "flatten", "lower", "upper", "format", "join", "mean", "sum", "min", "max", "std", "tolist",
}  # fmt: skip
_PURE_PACKAGES = {
    "numpy", "math", "scipy", "itertools", "functools", "collections", "typing", "dataclasses",
    "warnings", "__future__", "enum", "abc", "logging", "re", "string", "statistics", "cmath",
}  # fmt: skip
_CHANGING_FUNCTIONS = {
    "put", "copyto", "place", "putmask", "fill_diagonal", "shuffle", "put_along_axis", "reduce",
    "partial", "wraps", "update_wrapper", "setattr", "at", "set_printoptions", "setflags",
}  # fmt: skip


def read_module(tree: ast.Module, machine: Machine) -> Scope:
    """Return the names of a program after it was loaded.

    What is not understood and changes nothing else leaves its name unknown.

    Raises:
        GiveUp: Something is not understood and may change anything.
    """
    reader = Reader(machine)
    scope = Scope({"__name__": _MODULE_NAME})
    for statement in tree.body:
        if isinstance(statement, ast.ClassDef):
            _require_harmless_class(statement, scope)
            scope.names[statement.name] = Unknown("a class of the program")
            continue
        if isinstance(statement, ast.FunctionDef):
            for part in statement.decorator_list:
                _require_harmless(part, scope)
        elif isinstance(statement, ast.AsyncFunctionDef):
            scope.names[statement.name] = Unknown("a coroutine")
            continue
        _read(reader, statement, scope)
    return scope


def _read(reader: Reader, statement: ast.stmt, scope: Scope) -> None:
    try:
        flow = reader.block([statement], scope, None)
    except ProgramRaises as error:
        raise GiveUp("the program cannot be loaded") from error
    except GiveUp as error:
        _require_simple(statement)
        _require_harmless(statement, scope)
        for name in assigned_names([statement]):
            scope.names[name] = Unknown(str(error))
    else:
        if flow is not None:
            raise GiveUp("a jump out of nothing")


def _require_simple(statement: ast.stmt) -> None:
    """Refuse what may have been done in part."""
    match statement:
        case ast.Assign(targets=targets):
            names = [part for target in targets for part in _flat(target)]
        case ast.AnnAssign(target=target):
            names = [target]
        case ast.Expr() | ast.FunctionDef():
            names = []
        case _:
            raise GiveUp("a statement at the top level that is not known")
    if not all(isinstance(name, ast.Name) for name in names):
        raise GiveUp("a change at the top level that is not known")


def _flat(target: ast.expr) -> list[ast.expr]:
    if isinstance(target, ast.Tuple | ast.List):
        return [part for item in target.elts for part in _flat(item)]
    return [target.value] if isinstance(target, ast.Starred) else [target]


def _require_harmless_class(node: ast.ClassDef, scope: Scope) -> None:
    for part in (*node.bases, *node.decorator_list):
        _require_harmless(part, scope)
    bases = [find(scope, base.id) for base in node.bases if isinstance(base, ast.Name)]
    if node.keywords or not all(isinstance(base, Library) for base in bases):
        raise GiveUp("a class that is not known")
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef):
            for part in (*statement.decorator_list, *statement.args.defaults):
                _require_harmless(part, scope)
            continue
        if not isinstance(statement, ast.Pass):
            _require_simple(statement)
            _require_harmless(statement, scope)


def _require_harmless(tree: ast.AST, scope: Scope) -> None:
    """Refuse an expression that may change something beside the names that it is given.

    Raises:
        GiveUp: It calls something that is not known to change nothing.
    """
    nodes = list(_executed(tree))
    bound = {node.id for node in nodes if isinstance(node, ast.Name) and _stores(node)}
    bound |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    for node in nodes:
        if isinstance(node, ast.Call):
            _require_harmless_call(node, scope)
        elif isinstance(node, ast.Name) and not _stores(node) and node.id not in bound:
            _require_harmless_name(node, scope)
        elif isinstance(node, ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom):
            raise GiveUp("an expression that changes names")


def _stores(node: ast.Name) -> bool:
    return not isinstance(node.ctx, ast.Load)


def _executed(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs when a statement runs: not the bodies of functions, nor annotations."""
    if isinstance(tree, ast.FunctionDef):
        parts: list[ast.AST] = [*tree.args.defaults, *(x for x in tree.args.kw_defaults if x)]
    elif isinstance(tree, ast.AnnAssign):
        parts = [tree.value] if tree.value is not None else []
    else:
        yield from ast.walk(tree)
        return
    for part in parts:
        yield from ast.walk(part)


def _require_harmless_name(node: ast.Name, scope: Scope) -> None:
    value = find(scope, node.id)
    if isinstance(value, Function):
        raise GiveUp("a function of the program at the top level")
    path = value.path if isinstance(value, Module | Library) else "builtins.set"
    package, _, name = path.partition(".")
    allowed = name in _PURE_BUILTINS if package == "builtins" else package in _PURE_PACKAGES
    if not allowed:
        raise GiveUp("a name at the top level that is not known")


def _require_harmless_call(node: ast.Call, scope: Scope) -> None:
    function = node.func
    if isinstance(function, ast.Name):
        value = find(scope, function.id)
        last = value.path.rpartition(".")[2] if isinstance(value, Library) else ""
        if not last or last in _CHANGING_FUNCTIONS:
            raise GiveUp("a call at the top level that is not known")
    elif isinstance(function, ast.Attribute):
        if not _names_module(function.value, scope) and function.attr not in _PURE_METHODS:
            raise GiveUp("a method at the top level that is not known")
        if function.attr in _CHANGING_FUNCTIONS:
            raise GiveUp("a call at the top level that is not known")
    else:
        raise GiveUp("a call at the top level that is not known")
    late = [part for part in node.args[2:] if isinstance(part, ast.Name)]
    outputs = [find(scope, part.id) for part in late]
    if any(isinstance(value, Array | List | Dict) for value in outputs):
        raise GiveUp("a call that may change its arguments")
    if any(keyword.arg in {"out", None} for keyword in node.keywords):
        raise GiveUp("a call that may change its arguments")


def _names_module(node: ast.expr, scope: Scope) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and isinstance(find(scope, node.id), Module)
