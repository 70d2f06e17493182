"""What sections of the page are made of: tables and figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under a head. The first column names the row."""

    name: str
    """Said by screen readers where the table scrolls."""
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: frozenset[int] = frozenset({0})
    """Columns that hold words; the others hold figures and stand at the right."""
    marked: frozenset[int] = frozenset()
    """Rows that stand out."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart with what is said beneath it and its numbers, folded."""

    title: str
    drawing: Markup
    caption: str = ""
    legend: Sequence[tuple[str, str]] = ()
    """Kind of mark, and what it stands for."""
    table: Table | None = None
    notes: Sequence[str] = field(default_factory=tuple)
