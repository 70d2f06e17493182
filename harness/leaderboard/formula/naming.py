"""Names of a law's symbols: the program's own where it has them, and what each symbol is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from harness.leaderboard.formula.expressions import Expr, SymbolKey
from harness.leaderboard.formula.mathml import GREEK, symbol_parts
from harness.leaderboard.formula.targets import step_of, symbol_key

INDEX = "j"
"""Counts the targets."""
_LONGEST_NAME = 16
_LONGEST_MEANING = 120
_LONGEST_FEATURE = 40
_LETTERS = "A-Za-z" + "".join(GREEK.values())
_PLAIN = re.compile(rf"[{_LETTERS}][{_LETTERS}0-9_]*")
_ITEM = re.compile(rf"([{_LETTERS}][{_LETTERS}0-9_]*)\[(\d+)\]")
_RESERVED = frozenset({
    "exp", "log", "sqrt", "Max", "Min", "Abs", "sign", "Piecewise", "sin", "cos", "tan", "sinh",
    "cosh", "tanh", "atan", "asinh", "e",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Context:
    """What names can be made of."""

    features: Sequence[str]
    targets: Sequence[str]
    hints: Mapping[SymbolKey, Sequence[str]]
    """What the program calls its symbols; ``A[2]`` for a part of ``A``."""
    columns: int | None
    """The length of a row of ``params``, where it has rows."""


def named(symbols: Sequence[Expr], context: Context) -> list[tuple[Expr, str, str]]:
    """Return each symbol with its name and what it is.

    Names are unique, also as formulas show them (``A1`` and ``A_1`` look alike). Each is a Python
    identifier of Latin and Greek letters.
    """
    keys = [symbol_key(symbol) for symbol in symbols]
    each = any(kind == "each" for kind, _ in keys)
    taken = {symbol_parts(predicted_name(context.targets, indexed=each))}
    taken |= {symbol_parts(INDEX)} if each else set()
    wishes = [list(_wishes(key, context)) for key in keys]
    wanted = Counter(name for names in wishes for name in dict.fromkeys(names))
    found = []
    by_number = any(_each_kind(key) == "feature" for key in keys)
    features = {symbol_parts(name) for name in context.features}
    for symbol, key, names in zip(symbols, keys, wishes, strict=True):
        own = [
            name
            for name in names
            if wanted[name] == 1 and _is_short(name) and symbol_parts(name) not in features
        ]
        if key[0] == "feature" or (by_number and _each_kind(key) == "feature"):
            own = []  # the task's name of a feature says more than the program's
        fallbacks = [*own, *_fallbacks(key, context, by_number=by_number)]
        name = next(
            name for name in fallbacks if symbol_parts(name) not in taken and name not in _RESERVED
        )
        taken.add(symbol_parts(name))
        found.append((symbol, name, _meaning(key, context)[:_LONGEST_MEANING]))
    return found


def predicted_name(targets: Sequence[str], *, indexed: bool) -> str:
    """Return what the left side is called: the target, or what the targets' names share."""
    if len(targets) == 1:
        return targets[0]
    letters = takewhile(lambda same: len(set(same)) == 1, zip(*targets, strict=False))
    shared = "".join(letter[0] for letter in letters).rstrip("_0123456789") or "y"
    return f"{shared}_{INDEX}" if indexed else shared


def index_meaning(targets: Sequence[str]) -> str:
    """Return what the index of the targets is."""
    return f"the target: 0 for {targets[0]}, {len(targets) - 1} for {targets[-1]}"


def _is_short(name: str) -> bool:
    return len(name) <= _LONGEST_NAME and _PLAIN.fullmatch(name) is not None


def _each_kind(key: SymbolKey) -> str | None:
    parts = _parts(key)
    return parts[0][0] if parts else None


def _parts(key: SymbolKey) -> tuple[SymbolKey, ...]:
    return key[1] if key[0] == "each" and isinstance(key[1], tuple) else ()


def _wishes(key: SymbolKey, context: Context) -> Iterator[str]:
    """Yield what the program calls a symbol, the first name first."""
    parts = _parts(key)
    if not parts:
        for hint in context.hints.get(key, ()):
            item = _ITEM.fullmatch(hint)
            yield f"{item[1]}_{item[2]}" if item else hint
        return
    all_hints = [context.hints.get(part, ()) for part in parts]
    for hint in all_hints[0]:
        item = _ITEM.fullmatch(hint)
        if all(hint in hints for hints in all_hints):
            yield f"{item[1]}_{INDEX}_{item[2]}" if item else f"{hint}_{INDEX}"
        elif item and all(f"{item[1]}[{place}]" in hints for place, hints in enumerate(all_hints)):
            yield f"{item[1]}_{INDEX}"


def _fallbacks(key: SymbolKey, context: Context, *, by_number: bool) -> Iterator[str]:
    """Yield names that are always there, at last one that nobody else has."""
    kind, place = key
    parts = _parts(key)
    if parts:
        kind, place = parts[0]
        step = step_of([part for _, part in parts])
        if kind == "param":
            yield f"p_{INDEX}_{place}" if step != 1 else f"p_{place}_{INDEX}"
        elif kind == "feature":
            yield f"x_{INDEX}" if place == 0 and step == 1 else f"x_{place}_{INDEX}"
        elif (name := _path_name(place)) is not None:
            yield f"{name}_{INDEX}"
    elif kind == "param":
        yield f"p_{place}"
    elif kind == "feature":
        if not by_number and isinstance(place, int):
            name = context.features[place]
            if len(name) <= _LONGEST_FEATURE and _PLAIN.fullmatch(name):
                yield name
        yield f"x_{place}"
    elif (name := _path_name(place)) is not None:
        yield name
    for number in range(10_000):
        yield f"{'c' if kind == 'const' else kind[0]}{number}{'_' + INDEX if parts else ''}"


def _path_name(path: object) -> str | None:
    """Return the last key of a constant's path that can be a name."""
    if isinstance(path, tuple):
        for part in path[:1:-1]:
            if isinstance(part, str) and _is_short(part):
                return part
    return None


def _meaning(key: SymbolKey, context: Context) -> str:
    kind, place = key
    parts = _parts(key)
    if not parts:
        if kind == "feature" and isinstance(place, int):
            return context.features[place]
        return f"constant {_place(kind, place, context)}"
    kind, first = parts[0]
    places = [place for _, place in parts]
    if kind == "feature":
        names = [context.features[place] for place in places if isinstance(place, int)]
        return f"{names[0]} … {names[-1]}"
    if kind == "param" and isinstance(first, int):
        step = step_of(places)
        if context.columns and step == context.columns and first < step:
            return f"constant params[{INDEX}][{first}]"
        return f"constant params[{_line(first, step or 1)}]"
    return f"constant {_place(kind, first, context)} … {_place(kind, places[-1], context)}"


def _line(start: int, step: int) -> str:
    product = INDEX if abs(step) == 1 else f"{abs(step)}*{INDEX}"
    if step < 0:
        return f"{start} - {product}"
    return product if start == 0 else f"{product} + {start}"


def _place(kind: str, place: object, context: Context) -> str:
    if kind == "param" and isinstance(place, int):
        if context.columns:
            return f"params[{place // context.columns}][{place % context.columns}]"
        return f"params[{place}]"
    if not isinstance(place, tuple):
        return "of the program"
    name, _, *rest = place
    return f"{name}[group]" + "".join(f"[{part!r}]" for part in rest)
