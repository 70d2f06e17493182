"""Where a law comes from: its parents back to published forms."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from harness.evaluation.figures import count
from harness.evolution.proposals import Entry
from harness.evolution.report.charts import path
from harness.evolution.report.entries import (
    formula_of,
    is_published,
    is_scored,
    proposer_of,
    title_of,
)
from harness.evolution.report.words import fixed, plain, program_text, signed
from harness.evolution.search import Search

MOST = 40
"""Ancestors that are shown, the nearest first."""
_LONGEST_PROGRAM = 20_000
_WIDE, _HIGH = 92.0, 38.0
_ACROSS, _DOWN = 106.0, 70.0
_EDGE = 6.0
_SIDE = 44.0
"""Room at the sides, for lines that go around a law."""


@dataclass(frozen=True, slots=True)
class Ancestor:
    """One law of a lineage."""

    number: int
    fitness: str
    gain: str
    """Against the better parent; empty without one."""
    how: str
    proposer: str
    constants: int
    formula: str
    program: str
    """Text that is no tree; else empty."""
    parents: tuple[int, ...]
    """Those that are shown."""
    library: bool


@dataclass(frozen=True, slots=True)
class Lineage:
    """A law and its ancestors, the youngest first."""

    name: str
    """Unique on the page; ours."""
    title: str
    laws: tuple[Ancestor, ...]
    tree: Markup | None
    """None for a law without parents."""
    note: str
    """What is not shown; empty where all is."""

    @property
    def summary(self) -> str:
        """Return how long it is, in words."""
        published = sum(law.library for law in self.laws)
        return f"{count(len(self.laws), 'law')}, of which {published} published"


def lineage_of(search: Search, entry: Entry, name: str, title: str) -> Lineage:
    """Return the lineage of an entry.

    Args:
        search: The search.
        entry: The youngest.
        name: For the page's anchors.
        title: A heading.
    """
    parents, left_out = _ancestors(search.view.entries, entry)
    laws = tuple(
        _ancestor(search, number, parents[number]) for number in sorted(parents, reverse=True)
    )
    note = "" if not left_out else f"{count(left_out, 'older law')} not shown"
    tree = None
    if len(parents) > 1:
        tree = _tree(search.view.entries, parents, entry.proposal.number, name)
    return Lineage(name, title, laws, tree, note)


def _parents(entries: Mapping[int, Entry], number: int) -> tuple[int, ...]:
    """Return the parents of an entry; those are always older."""
    own = dict.fromkeys(entries[number].proposal.parents)
    return tuple(one for one in own if one in entries and one < number)


def _ancestors(
    entries: Mapping[int, Entry], entry: Entry
) -> tuple[dict[int, tuple[int, ...]], int]:
    """Return the parents of each law that is shown, and how many are not shown."""
    order = [entry.proposal.number]
    seen = set(order)
    waiting = deque(order)
    while waiting:
        for parent in _parents(entries, waiting.popleft()):
            if parent not in seen:
                seen.add(parent)
                order.append(parent)
                waiting.append(parent)
    shown = set(order[:MOST])
    found = {
        number: tuple(one for one in _parents(entries, number) if one in shown) for number in shown
    }
    return found, len(order) - len(shown)


def _ancestor(search: Search, number: int, parents: tuple[int, ...]) -> Ancestor:
    entries = search.view.entries
    entry = entries[number]
    proposal, verdict = entry.proposal, entry.verdict
    before = [
        entries[one].verdict.fitness for one in _parents(entries, number) if is_scored(entries[one])
    ]
    text = proposal.source if proposal.law is None and proposal.source else ""
    return Ancestor(
        number=number,
        fitness=fixed(verdict.fitness),
        gain=signed(min(before) - verdict.fitness) if before else "",
        how=plain(proposal.how),
        proposer=proposer_of(entry),
        constants=verdict.n_constants,
        formula=formula_of(search, entry),
        program=program_text(text[:_LONGEST_PROGRAM]),
        parents=parents,
        library=is_published(entry),
    )


def _tree(
    entries: Mapping[int, Entry], parents: Mapping[int, tuple[int, ...]], chosen: int, name: str
) -> Markup:
    """Draw the laws, one row a generation, the oldest at the top."""
    generation: dict[int, int] = {}
    for number in sorted(parents):
        older = [generation[parent] for parent in parents[number]]
        generation[number] = max(older) + 1 if older else 0
    # A published form stands right above its first child, so that lines stay short.
    for number in sorted(parents, reverse=True):
        if not parents[number] and number != chosen:
            children = [generation[one] for one in parents if number in parents[one]]
            generation[number] = min(children) - 1
    lines = sorted(set(generation.values()))
    rows = [sorted(n for n in parents if generation[n] == line) for line in lines]
    most = max(map(len, rows))
    width, height = most * _ACROSS + 2 * _SIDE, len(rows) * _DOWN - (_DOWN - _HIGH) + 2 * _EDGE
    places = {}
    for line, row in enumerate(rows):
        first = (width - len(row) * _ACROSS) / 2
        for place, number in enumerate(row):
            places[number] = first + (place + 0.5) * _ACROSS, _EDGE + line * _DOWN
    said = f"{len(parents)} laws in {count(len(rows), 'generation')}; the list below says the same."
    parts = [
        Markup(
            '<svg class="tree" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" '
            'aria-labelledby="{n}-t {n}-d"><title id="{n}-t">The ancestors of law {c}</title>'
            '<desc id="{n}-d">{d}</desc>'
        ).format(w=f"{width:.0f}", h=f"{height:.0f}", n=f"{name}-tree", c=chosen, d=said)
    ]
    parts += [
        path("edge", _edge(places[parent], places[number]))
        for number in sorted(parents)
        for parent in parents[number]
    ]
    parts += [_box(entries[number], *places[number], chosen) for number in sorted(parents)]
    return Markup("\n").join([*parts, Markup("</svg>")])


def _edge(older: tuple[float, float], younger: tuple[float, float]) -> str:
    """Return a line from a law to its child; it goes around what is between them."""
    (from_x, top), (x, y) = older, younger
    top += _HIGH
    start, end = f"M{from_x:.1f} {top:.1f}", f"{x:.1f} {y:.1f}"
    if y - top < _DOWN:
        middle = f"{(top + y) / 2:.1f}"
        return f"{start}C{from_x:.1f} {middle} {x:.1f} {middle} {end}"
    out = max(from_x, x) + 1.1 * _WIDE if from_x >= x else min(from_x, x) - 1.1 * _WIDE
    return f"{start}C{out:.1f} {top + _HIGH:.1f} {out:.1f} {y - _HIGH:.1f} {end}"


def _box(entry: Entry, x: float, y: float, chosen: int) -> Markup:
    number = entry.proposal.number
    kind = "bred"
    if number == chosen:
        kind = "chosen"
    elif is_published(entry):
        kind = "library"
    return Markup(
        '<g class="node {kind}"><title>{title}</title>'
        '<rect x="{left}" y="{y}" width="{w}" height="{h}" rx="8"/>'
        '<text x="{x}" y="{one}" class="middle">#{number}</text>'
        '<text x="{x}" y="{two}" class="middle tick">{fitness}</text></g>'
    ).format(
        kind=kind,
        title=title_of(entry),
        left=f"{x - _WIDE / 2:.1f}",
        x=f"{x:.1f}",
        y=f"{y:.1f}",
        w=f"{_WIDE:.0f}",
        h=f"{_HIGH:.0f}",
        one=f"{y + 16:.1f}",
        two=f"{y + 31:.1f}",
        number=number,
        fitness=fixed(entry.verdict.fitness),
    )
