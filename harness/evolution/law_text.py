"""Laws as JSON and back: what the journal keeps of a tree."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from harness.evolution import expression, factors, scales
from harness.evolution.expression import Law

_NODES = {
    kind.__name__: kind
    for kind in (
        scales.Feature,
        scales.Shift,
        scales.Limit,
        scales.Bend,
        scales.Blend,
        scales.Bottleneck,
        scales.Effective,
        scales.Supported,
        factors.Power,
        factors.Log,
        factors.Raw,
        factors.Mixture,
        factors.Saturation,
        factors.Bump,
        factors.Joint,
        factors.Valley,
        factors.Peak,
        factors.Constrained,
        expression.Term,
        expression.Law,
    )
}


def to_plain(part: object) -> Any:
    """Return a tree as lists and plain values: ``["Power", ["Feature", 0]]``."""
    if is_dataclass(part):
        values = [to_plain(getattr(part, field.name)) for field in fields(part)]
        return [type(part).__name__, *values]
    if isinstance(part, tuple):
        return ["", *map(to_plain, part)]
    return part


def from_plain(plain: Any) -> Law:
    """Return the tree that ``to_plain`` wrote.

    Raises:
        ValueError: It is none.
    """
    law = _node(plain)
    if not isinstance(law, Law):
        msg = "not a law"
        raise ValueError(msg)
    return law


def _node(plain: Any) -> Any:
    if not isinstance(plain, list):
        return plain
    if not plain or (plain[0] and plain[0] not in _NODES):
        msg = "not a part of a law"
        raise ValueError(msg)
    values = [_node(value) for value in plain[1:]]
    return _NODES[plain[0]](*values) if plain[0] else tuple(values)
