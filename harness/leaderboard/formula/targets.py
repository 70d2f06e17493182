"""One formula for all targets, where their laws differ in nothing but which constants they take."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from harness.leaderboard.formula.expressions import Expr, GiveUp, SymbolKey, Terms


def united(terms: Terms, laws: Sequence[Expr]) -> Expr:
    """Return the one law that gives each target's with the target's number put in.

    A symbol that differs becomes one with the key ``("each", keys)``, one key a target.

    Raises:
        GiveUp: The laws have different forms.
    """
    return _united(terms, tuple(laws), {})


def _united(terms: Terms, nodes: tuple[Expr, ...], known: dict[tuple[Expr, ...], Expr]) -> Expr:
    first = nodes[0]
    if all(node is first for node in nodes):
        return first
    if nodes not in known:
        if len({(node.op, len(node.args)) for node in nodes}) > 1 or first.op == "num":
            raise GiveUp("targets with different forms")
        if first.op == "sym":
            known[nodes] = _united_symbol(terms, nodes)
        else:
            parts = zip(*(node.args for node in nodes), strict=True)
            known[nodes] = terms.keep(first.op, *(_united(terms, part, known) for part in parts))
    return known[nodes]


def _united_symbol(terms: Terms, nodes: tuple[Expr, ...]) -> Expr:
    keys = [symbol_key(node) for node in nodes]
    kinds = {kind for kind, _ in keys}
    if len(kinds) > 1:
        raise GiveUp("targets with different forms")
    places = [place for _, place in keys]
    if kinds == {"const"}:
        _require_one_difference(places)
    elif step_of(places) is None:
        raise GiveUp("targets whose constants follow no order")
    return terms.symbol(("each", tuple(keys)))


def _require_one_difference(paths: list[object]) -> None:
    tuples = [path for path in paths if isinstance(path, tuple)]
    if len({len(path) for path in tuples}) != 1 or len(set(tuples)) != len(paths):
        raise GiveUp("targets with different forms")
    if sum(len(set(parts)) > 1 for parts in zip(*tuples, strict=True)) != 1:
        raise GiveUp("targets whose constants follow no order")


def step_of(places: Sequence[object]) -> int | None:
    """Return by how much numbers grow, where that is always the same and not nothing."""
    numbers = [place for place in places if type(place) is int]
    steps = {b - a for a, b in itertools.pairwise(numbers)}
    if len(numbers) != len(places) or len(steps) != 1 or steps == {0}:
        return None
    return steps.pop()


def symbol_key(node: Expr) -> SymbolKey:
    """Return what a symbol stands for."""
    if not isinstance(node.value, tuple):
        raise TypeError(node.op)
    kind, place = node.value
    return kind, place


def symbols_of(law: Expr) -> list[Expr]:
    """Return the symbols of a law, in the order in which they are read."""
    found: dict[Expr, None] = {}
    seen = set()
    waiting = [law]
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        if node.op == "sym":
            found[node] = None
        waiting.extend(reversed(node.args))
    return list(found)
