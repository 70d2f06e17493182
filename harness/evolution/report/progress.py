"""How a search went: its best law over time, and fitness against the number of constants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from harness.evaluation.figures import count
from harness.evolution.proposals import Entry
from harness.evolution.report.charts import Dots, Line, Picture, draw
from harness.evolution.report.entries import formula_of, is_published, is_scored, title_of
from harness.evolution.report.parts import Figure, Table
from harness.evolution.report.words import fixed, plain
from harness.evolution.search import Search

_Thing = TypeVar("_Thing")
MOST = 600
"""Laws that are drawn in one chart; of more, evenly spread ones."""
_CROPPED = 90.0
"""Laws worse than this share of all are off the chart."""


def fitness_over_time(search: Search, chosen: Entry) -> list[Figure]:
    """Return the best so far against evaluations and against seconds."""
    order = list(search.view.entries.values())
    scored = [(place, entry) for place, entry in enumerate(order, 1) if is_scored(entry)]
    if not scored:
        return []
    better = _improvements(scored)
    table = Table(
        "Each time the best law so far was found",
        ("Law", "How", "Evaluation", "Seconds", "Fitness", "Constants", "Formula"),
        [
            (
                f"#{entry.proposal.number}",
                plain(entry.proposal.how),
                f"{place:,}",
                fixed(entry.at, 1),
                fixed(entry.verdict.fitness),
                str(entry.verdict.n_constants),
                formula_of(search, entry),
            )
            for place, entry in better
        ],
        words=frozenset({0, 1, 6}),
    )
    found = [_curve("evaluations", scored, better, chosen, len(order), table)]
    if scored[-1][1].at > 0:
        found.append(_curve("seconds", scored, better, chosen, len(order), None))
    return found


def _improvements(scored: Sequence[tuple[int, Entry]]) -> list[tuple[int, Entry]]:
    found: list[tuple[int, Entry]] = []
    for place, entry in scored:
        if not found or entry.verdict.fitness < found[-1][1].verdict.fitness:
            found.append((place, entry))
    return found


def _curve(
    along: str,
    scored: Sequence[tuple[int, Entry]],
    better: Sequence[tuple[int, Entry]],
    chosen: Entry,
    last: int,
    table: Table | None,
) -> Figure:
    in_time = along == "seconds"
    points = [_at(one, in_time=in_time) for one in scored]
    worst = _edge([entry for _, entry in scored], chosen)
    seen = [(x, entry) for x, entry in points if entry.verdict.fitness <= worst]
    steps = [(x, entry.verdict.fitness) for x, entry in (_at(b, in_time=in_time) for b in better)]
    shown = [step for step in steps if step[1] <= worst]
    end = points[-1][0] if in_time else float(last)
    best_x, best_y = [x for x, _ in shown] + [end], [y for _, y in shown] + [steps[-1][1]]
    bred = [one for one in seen if not is_published(one[1])]
    known = [one for one in seen if is_published(one[1])]
    marks: list[Dots | Line] = [
        _dots(thinned(bred, MOST), "bred", "bred", 2.2),
        Line(best_x, best_y, "best", "best so far", step=True),
        _dots(known, "library", "published forms", 3.6),
        _dots([one for one in seen if one[1] is chosen], "ring", "chosen", 6.5),
    ]
    title = f"Best fitness against {along}"
    desc = (
        f"From {fixed(steps[0][1])} to {fixed(steps[-1][1])} in {count(len(steps), 'step')}; "
        "less is better."
    )
    picture = Picture(
        f"over-{along}",
        title,
        desc,
        along,
        "fitness (less is better)",
        [mark for mark in marks if len(mark.x)],
    )
    notes = _cropped(len(scored) - len(seen))
    if len(bred) > MOST:
        notes.append(f"Of {len(bred):,} bred laws, {MOST} are drawn, evenly spread.")
    return Figure(title, draw(picture), desc, picture.legend, table, notes)


def _at(one: tuple[int, Entry], *, in_time: bool) -> tuple[float, Entry]:
    place, entry = one
    return entry.at if in_time else float(place), entry


def _edge(entries: Sequence[Entry], chosen: Entry) -> float:
    """Return the worst fitness that a chart has room for."""
    found = float(np.percentile([entry.verdict.fitness for entry in entries], _CROPPED))
    return max(found, chosen.verdict.fitness) if is_scored(chosen) else found


def _cropped(number: int) -> list[str]:
    return [f"{count(number, 'worse law')} above the chart's top edge."] if number else []


def _dots(points: Sequence[tuple[float, Entry]], kind: str, name: str, radius: float) -> Dots:
    return Dots(
        [x for x, _ in points],
        [entry.verdict.fitness for _, entry in points],
        kind,
        [title_of(entry) for _, entry in points],
        name,
        radius,
    )


def pareto(search: Search, chosen: Entry) -> Figure | None:
    """Return fitness against constants, with the laws that none beats at both."""
    scored = [entry for entry in search.view.entries.values() if is_scored(entry)]
    if not scored:
        return None
    front = [search.view.entries[member.number] for member in search.view.archive.front()]
    worst = _edge(scored, chosen)
    seen = [entry for entry in scored if entry.verdict.fitness <= worst]
    on_front = [_placed(entry) for entry in front if entry.verdict.fitness <= worst]
    marks: list[Dots | Line] = [
        _dots([_placed(one) for one in thinned(seen, MOST)], "bred", "evaluated", 2.2),
        Line([x for x, _ in on_front], [e.verdict.fitness for _, e in on_front], "front"),
        _dots(on_front, "on-front", "front", 4.0),
        _dots([_placed(entry) for entry in seen if entry is chosen], "ring", "chosen", 6.5),
    ]
    title = "Fitness against constants"
    desc = (
        f"{count(len(front), 'law')} of {len(scored):,} cannot be beaten with as many constants "
        "or fewer."
    )
    picture = Picture(
        "pareto",
        title,
        desc,
        "constants",
        "fitness (less is better)",
        [mark for mark in marks if len(mark.x)],
    )
    table = Table(
        "The Pareto front",
        ("Law", "Constants", "Fitness", "Formula"),
        [
            (
                f"#{entry.proposal.number}",
                str(entry.verdict.n_constants),
                fixed(entry.verdict.fitness),
                formula_of(search, entry),
            )
            for entry in front
        ],
        words=frozenset({0, 3}),
        marked=frozenset(n for n, entry in enumerate(front) if entry is chosen),
    )
    notes = _cropped(len(scored) - len(seen))
    if len(seen) > MOST:
        notes.append(f"Of {len(seen):,} laws, {MOST} are drawn, evenly spread.")
    return Figure(title, draw(picture), desc, picture.legend, table, notes)


def _placed(entry: Entry) -> tuple[float, Entry]:
    return float(entry.verdict.n_constants), entry


def thinned(things: Sequence[_Thing], most: int) -> list[_Thing]:
    """Return all things, or evenly spread ones where there are too many."""
    if len(things) <= most:
        return list(things)
    return [things[place] for place in np.linspace(0, len(things) - 1, most).astype(int)]
