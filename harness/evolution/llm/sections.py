"""The parts of a prompt that tell of the task, and of programs that were judged on it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from harness.candidates.markers import END, START, find_markers
from harness.evolution.archive import Member
from harness.evolution.fitness import DESCRIBES, PRICE
from harness.evolution.folds import everything
from harness.evolution.formula import formula
from harness.evolution.llm import residuals, words
from harness.evolution.llm.region import cut
from harness.evolution.proposals import Entry, View

_DESCRIPTION, _MEANING, _KNOWN_LAW = 900, 140, 300
_FORMULA, _EXCERPT, _REASON, _NAMES = 300, 900, 160, 400
_MOST_GROUPS, _MOST_FOLDS, _MOST_FAILURES = 6, 12, 6


def clipped(text: str, most: int) -> str:
    """Return a text, its end replaced by an ellipsis where it is longer than allowed."""
    return text if len(text) <= most else text[: max(most - 1, 0)] + "…"


def one_line(text: str, most: int) -> str:
    """Return a text as one printable line."""
    line = " ".join(text.split())
    return clipped("".join(c if c.isprintable() else " " for c in line), most)


def card(view: View) -> str:
    """Return what the task is, with the ranges of its train rows."""
    side, rows = view.side, view.rows
    real = rows.weights > 0
    lines = [f"# Task: {side.title}", one_line(side.description, _DESCRIPTION)]
    for column, (name, unit, meaning) in enumerate(side.features):
        span = _span(rows.values[..., column][real])
        lines.append(f"- feature {name} [{unit}]: {clipped(meaning, _MEANING)}; {span}")
    for column, (name, unit, meaning) in enumerate(side.targets):
        span = _span(rows.y[..., column][real])
        lines.append(f"- target {name} [{unit}]: {clipped(meaning, _MEANING)}; {span}")
    counts = [
        f"{name} ({int(weights.sum())} rows)"
        for name, weights in zip(rows.groups, rows.weights, strict=True)
    ]
    shown = ", ".join(counts[:_MOST_GROUPS])
    more = f" and {len(counts) - _MOST_GROUPS} more" if len(counts) > _MOST_GROUPS else ""
    lines.append(f"- groups: {len(counts)}: {shown}{more}")
    if side.known_law:
        lines.append(f"- a law known for this: {one_line(side.known_law, _KNOWN_LAW)}")
    return "\n".join(lines)


def _span(values: np.ndarray) -> str:
    levels = len(np.unique(values))
    return f"{values.min():.4g} to {values.max():.4g} in {levels} levels"


def rules(view: View) -> str:
    """Return what a program must hold to."""
    side, n_targets = view.side, len(view.side.targets)
    folds = (*view.folds, everything(view.rows))
    places = sum(int(fold.judged.any(axis=1).sum()) for fold in folds)
    one = n_targets == 1
    cap = words.NO_CAP if side.max_params is None else words.CAP.format(cap=side.max_params)
    return words.RULES.format(
        n_features=len(side.features),
        features=clipped(", ".join(side.feature_names), _NAMES),
        targets="(N,)"
        if one
        else f"(N, {n_targets}): {clipped(', '.join(side.target_names), 200)}",
        predicted="(N,)" if one else f"(N, {n_targets})",
        cap=cap,
        n_fits=places,
        fit_seconds=view.limits.fit_seconds,
        predict_seconds=view.limits.predict_seconds,
    )


def judged(view: View) -> str:
    """Return how fitness is made, and what the folds are called."""
    lines = [words.JUDGED.format(price=PRICE, describes=DESCRIBES)]
    if view.rows.loss == "robust":
        lines.append(words.ROBUST)
    lines.append("Folds:")
    for letter, fold in zip(_letters(), view.folds[:_MOST_FOLDS], strict=False):
        fitted, held_out = fold.sizes
        lines.append(f"{letter} = {fold.name} ({fitted} rows fitted, {held_out} judged)")
    lines.append(f"Budget left: {view.budget_left or 'not known'}.")
    return "\n".join(lines)


def _letters() -> Iterator[str]:
    return iter("ABCDEFGHIJKL")


def program(view: View, number: int | None, text: str) -> str:
    """Return the program that is to be rewritten, as a whole, and what the folds say of it."""
    title = "# The program to improve"
    if number is not None:
        title += f": #{number}, {_figures(view.entries[number])}"
    region = words.WHOLE_PROGRAM
    if find_markers(text).regions:
        region = words.REGION.format(start=f"# {START}", end=f"# {END}")
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{title}\n{region}\n{fence}python\n{text.rstrip()}\n{fence}"


def misses(view: View, number: int | None) -> str:
    """Return where a tree misses the train rows; of text only its folds are known."""
    entry = view.entries.get(number) if number is not None else None
    law = entry.proposal.law if entry is not None else None
    if entry is None or law is None:
        return ""
    theta = entry.verdict.theta
    if theta is None or not len(theta):
        return ""
    lines = residuals.describe(view.rows, law, theta)
    if not lines:
        return ""
    about = (
        "# Where it misses\nFitted to all train rows, its mean signed relative error in the "
        "largest third of each feature / in the rest:"
    )
    return "\n".join([about, *(f"- {line}" for line in lines)])


def top(view: View, count: int, parent: int | None) -> str:
    """Return the best programs."""
    return _listed("# The best programs so far", view, _top(view, count, parent))


def others(view: View, count: int, n_top: int, parent: int | None) -> str:
    """Return programs that differ: the best for fewer constants, and of other islands."""
    shown = {parent, *(member.number for member in _top(view, n_top, parent))}
    archive = view.archive
    islands = [archive.ranked(place)[:1] for place in range(archive.n_islands)]
    different: dict[int, Member] = {}
    for member in (*reversed(archive.front()), *(one for some in islands for one in some)):
        if member.number not in shown:
            different.setdefault(member.number, member)
    return _listed("# Others, of another kind", view, list(different.values())[:count])


def failures(view: View) -> str:
    """Return what models tried lately and what came of it."""
    lines: list[str] = []
    for number in sorted(view.entries, reverse=True):
        entry = view.entries[number]
        said = _in_vain(view, entry)
        if said:
            lines.append(f"- #{number} {one_line(entry.proposal.how, 120)}: {said}")
        if len(lines) == _MOST_FAILURES:
            break
    return "\n".join(["# Tried lately, in vain", *lines]) if lines else ""


def _in_vain(view: View, entry: Entry) -> str:
    """Return why a try led nowhere; empty where it did, or where no program was tried."""
    proposal, verdict = entry.proposal, entry.verdict
    if proposal.failure or proposal.source is None:
        return ""
    if not np.isfinite(verdict.fitness):
        return one_line(verdict.failure, _REASON) or "no fitness"
    parents = [view.entries[one].verdict.fitness for one in proposal.parents if one in view.entries]
    if parents and verdict.fitness >= min(parents):
        return f"fitness {verdict.fitness:.3f}, its parent {min(parents):.3f}"
    return ""


def _top(view: View, count: int, parent: int | None) -> list[Member]:
    return [one for one in view.archive.best(count + 1) if one.number != parent][:count]


def _listed(title: str, view: View, members: list[Member]) -> str:
    if not members:
        return ""
    return "\n".join([title, *(_shown(view, member.number) for member in members)])


def _shown(view: View, number: int) -> str:
    entry = view.entries[number]
    proposal = entry.proposal
    head = f"#{number}, {_figures(entry)}"
    if proposal.law is not None:
        said = formula(proposal.law, view.rows.axes, view.side.target_names)
        return f"{head}\n    {clipped(said, _FORMULA)}"
    code = "\n".join(cut(proposal.source or "").texts).strip("\n")
    return f"{head}\n{clipped(code, _EXCERPT)}"


def _figures(entry: Entry) -> str:
    """Return fitness, constants, and the error on each fold."""
    verdict = entry.verdict
    errors = " ".join(
        f"{letter} {error:.3g}"
        for letter, error in zip(_letters(), verdict.errors[:_MOST_FOLDS], strict=False)
    )
    return f"fitness {verdict.fitness:.3f}, {verdict.n_constants} constants, folds {errors}"
