"""What sets two documents apart that are alike in short, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.errors import one_line
from harness.evaluation.figures import DASH, six

_NAMES = {"r2": "R²", "r2_fit": "fit R²", "per_group": "group", "per_target": "target"}


def told_apart(
    short: str, ours: Mapping[str, object], theirs: Mapping[str, object]
) -> tuple[str, str]:
    """Return two descriptions with the first thing in which two documents differ.

    Args:
        short: What is said of both.
        ours: One document, as plain values.
        theirs: The other one.
    """
    here, there = dict(_leaves(ours)), dict(_leaves(theirs))
    paths = [path for path in here | there if here.get(path) != there.get(path)]
    if not paths:
        return short, short
    first, more = paths[0], f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    name = " ".join(_NAMES.get(part, part) for part in first)
    a, b = _values(here.get(first), there.get(first))
    return f"{short}, {name} {a}{more}", f"{short}, {name} {b}{more}"


def _leaves(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """Yield every plain value with the keys that lead to it, in the document's order."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _leaves(part, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for number, part in enumerate(value, 1):
            yield from _leaves(part, (*path, str(number)))
    else:
        yield path, value


def _values(ours: object, theirs: object) -> tuple[str, str]:
    """Return two different values as texts that differ."""
    if isinstance(ours, float) and isinstance(theirs, float) and six(ours) == six(theirs):
        return repr(ours), repr(theirs)
    return _value(ours), _value(theirs)


def _value(value: object) -> str:
    if value is None:
        return DASH
    return six(value) if isinstance(value, float) else one_line(str(value))
