"""Reads a program's text in a process of its own: parsing a strange one may take all memory.

The program comes in on stdin, what there is to say of it goes out as one object of JSON. Nothing
of it is executed. Started by ``review``, by its path, with nothing but the standard library.
"""

from __future__ import annotations

import ast
import io
import json
import resource
import signal
import sys
import tokenize
import unicodedata
import warnings
from contextlib import suppress

_MEMORY_BYTES = 1 << 30
_SECONDS = 10
_ALLOWED = frozenset({*sys.stdlib_module_names, "numpy", "scipy"})
_FORMATS = (("fit_scaling_law", "scaling_law_func"), ("law",))
_ARGUMENTS = 2
_CATCHES = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
FAULT, CAUSE = "fault", "cause"
"""A fault is one whatever the program scores; a cause explains why a program failed."""

_Finding = tuple[str, int | None, str]


def main() -> None:
    """Answer the one question."""
    with suppress(OSError, ValueError):  # macOS takes no such limit
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    signal.alarm(_SECONDS)
    source = sys.stdin.buffer.read()
    findings, lines, loads = review(source)
    json.dump({"findings": findings, "functions": lines, "loads": loads}, sys.stdout)


def review(source: bytes) -> tuple[list[_Finding], dict[str, int], bool]:
    """Return findings, the lines of the functions that count, and whether Python can parse it."""
    try:
        text = source.decode("utf-8")
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        message = f"not UTF-8: byte {error.start} is 0x{source[error.start]:02x}"
        return [(FAULT, line, message)], {}, False
    if not text.strip():
        return [(FAULT, None, "the file is empty")], {}, False
    findings = _hidden_characters(text)
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
    except SyntaxError as error:
        return [*findings, (FAULT, 1, f"SyntaxError: {error.msg}")], {}, False
    if encoding not in {"utf-8", "utf-8-sig"}:
        findings.append((FAULT, 1, f"declares the encoding {encoding}, not UTF-8"))
        return findings, {}, False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except SyntaxError as error:
        message = f"{type(error).__name__}: {error.msg}"
        return [*findings, (FAULT, error.lineno, message)], {}, False
    except ValueError as error:  # a NUL byte
        return [*findings, (FAULT, None, f"cannot be parsed: {error}")], {}, False
    findings += [(CAUSE, line, _IMPORT.format(name=name)) for line, name in _foreign_imports(tree)]
    lines = _defined(tree)
    return [*findings, *_missing(lines), *_signatures(tree)], lines, True


_IMPORT = "imports {name!r}: a candidate may import the standard library, numpy and scipy"


def _hidden_characters(text: str) -> list[_Finding]:
    """Find what makes a text look other than it runs, or does things to a terminal."""
    found: list[_Finding] = []
    for number, line in enumerate(text.split("\n"), 1):
        for character in line.rstrip("\r"):
            if character.isprintable() or character in "\t\f":
                continue
            if unicodedata.category(character) not in {"Cc", "Cf"} or character == "\ufeff":
                continue
            name = unicodedata.name(character, f"control character U+{ord(character):04X}")
            found.append((FAULT, number, f"a hidden character: {name}"))
            break
    return found


def _foreign_imports(tree: ast.Module) -> list[tuple[int, str]]:
    """Return imports that are refused and that nothing catches, in order of their lines."""
    found: list[tuple[int, str]] = []
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Try) and any(map(_catches, node.handlers)):
            stack += [*node.handlers, *node.orelse, *node.finalbody]
            continue
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "."] if node.level == 0 else ["."]
        else:
            stack += ast.iter_child_nodes(node)
            continue
        tops = [name.partition(".")[0] for name in names]
        found += [(node.lineno, top) for top in tops if top not in _ALLOWED]
    return sorted(found)


def _catches(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or getattr(kind, "id", "") in _CATCHES for kind in kinds)


def _defined(tree: ast.Module) -> dict[str, int]:
    """Return the lines where the functions that count are defined, anywhere at module level."""
    wanted = {name for names in _FORMATS for name in names}
    lines: dict[str, int] = {}
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if node.name in wanted:
                lines[node.name] = node.lineno
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in wanted:
            lines.setdefault(node.id, node.lineno)
        if isinstance(node, ast.alias) and (node.asname or node.name) in wanted:
            lines.setdefault(node.asname or node.name, node.lineno)
        stack += ast.iter_child_nodes(node)
    return lines


def _missing(lines: dict[str, int]) -> list[_Finding]:
    evolve, law = _FORMATS
    if all(name in lines for name in evolve) or "law" in lines:
        return []
    there = [name for name in evolve if name in lines]
    absent = [f"`{name}`" for name in evolve if name not in lines]
    if there:
        return [(CAUSE, lines[there[0]], f"`{there[0]}` is defined, {absent[0]} is not")]
    return [(CAUSE, None, f"defines neither {' and '.join(absent)} nor `{law[0]}`")]


def _signatures(tree: ast.Module) -> list[_Finding]:
    found: list[_Finding] = []
    wanted = {name for names in _FORMATS for name in names}
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name not in wanted:
            continue
        if isinstance(node, ast.AsyncFunctionDef):
            found.append((CAUSE, node.lineno, f"`{node.name}` is async, which nobody awaits"))
        takes = node.args
        most = len(takes.posonlyargs) + len(takes.args)
        least = most - len(takes.defaults)
        needed = [a.arg for a, d in zip(takes.kwonlyargs, takes.kw_defaults, strict=True) if not d]
        if least <= _ARGUMENTS <= (most if takes.vararg is None else _ARGUMENTS) and not needed:
            continue
        said = f"`{node.name}` is called with {_ARGUMENTS} arguments and takes {most}"
        if needed:
            said = f"`{node.name}` is called without {needed[0]!r}, which it needs"
        found.append((CAUSE, node.lineno, said))
    return found


if __name__ == "__main__":
    main()
