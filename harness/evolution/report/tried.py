"""What was tried and what became of it: outcomes, operators, failures, finalists, spending."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.evolution.archive import Added
from harness.evolution.choose import Choice, Finalist
from harness.evolution.proposals import Entry
from harness.evolution.report.entries import (
    OFFLINE,
    formula_of,
    is_first,
    is_scored,
    proposer_of,
)
from harness.evolution.report.parts import Table
from harness.evolution.report.words import DASH, LONG, figure, fixed, plain, signed
from harness.evolution.search import Search

_MOST_FAILURES = 60
_COLUMNS = 12
"""Finalists whose errors are shown fold by fold."""
_MOST_OPERATORS = 25
_WON = (Added.NEW, Added.BETTER)
_REASONS = {
    str(Added.NEW): "kept: first of its cell",
    str(Added.BETTER): "kept: better than its cell's elite",
    str(Added.WORSE): "worse than its cell's elite",
}


def outcomes(search: Search) -> Table:
    """Return how many entries ended how."""
    counted = Counter(_reason(entry) for entry in search.view.entries.values())
    total = sum(counted.values())
    rows = [
        (reason, f"{number:,}", f"{100 * number / total:.1f} %")
        for reason, number in sorted(counted.items(), key=lambda one: (-one[1], one[0]))
    ]
    return Table("What became of proposals", ("Outcome", "Proposals", "Share"), rows)


def _reason(entry: Entry) -> str:
    if is_scored(entry):
        return _REASONS.get(entry.outcome, plain(entry.outcome))
    failure = entry.verdict.failure or entry.proposal.failure
    if not failure:
        return "failed: no fitness"
    kind = plain(failure.partition(":")[0], 60)
    return "not new" if kind == "not new" else f"failed: {kind}"


@dataclass(slots=True)
class _Earned:
    """What one operator brought."""

    used: int = 0
    kept: int = 0
    better: int = 0
    records: int = 0
    gain: float | None = None


def operators(search: Search) -> Table:
    """Return the most frequent changes and what each earned.

    A law that several changes made counts for each of them. Models count as a whole.
    """
    entries = search.view.entries
    earned: dict[str, _Earned] = {}
    best = np.inf
    for entry in entries.values():
        is_record = entry.verdict.fitness < best
        best = min(best, entry.verdict.fitness)
        if is_first(entry):
            continue
        before = [entries[p].verdict.fitness for p in entry.proposal.parents if p in entries]
        gain = min(before) - entry.verdict.fitness if before and is_scored(entry) else None
        for name in _operators(entry):
            one = earned.setdefault(name, _Earned())
            one.used += 1
            one.kept += entry.outcome in _WON
            one.records += is_record
            if gain is not None and np.isfinite(gain):
                one.better += gain > 0
                one.gain = gain if one.gain is None else max(one.gain, gain)
    ranked = sorted(earned.items(), key=lambda one: (-one[1].used, one[0]))
    rows = [
        (
            name,
            f"{one.used:,}",
            f"{one.kept:,}",
            f"{one.better:,}",
            f"{one.records:,}",
            signed(one.gain) if one.gain is not None else DASH,
        )
        for name, one in ranked[:_MOST_OPERATORS]
    ]
    head = ("Change", "Used", "Kept", "Better than its parents", "New best", "Largest gain")
    return Table("Changes and what each earned", head, rows)


def _operators(entry: Entry) -> list[str]:
    proposal = entry.proposal
    if proposal.proposer == OFFLINE:
        return list(dict.fromkeys(plain(name) for name in proposal.how.split(", ")))
    return [f"rewritten by {plain(proposal.proposer)}"]


def failures(search: Search) -> tuple[Table | None, int]:
    """Return texts of models that came to nothing with the reason, and how many are not listed."""
    found = [
        entry
        for entry in search.view.entries.values()
        if entry.proposal.law is None and not is_scored(entry)
    ]
    if not found:
        return None, 0
    rows = [
        (
            f"#{entry.proposal.number}",
            plain(entry.proposal.proposer, 60),
            plain(entry.proposal.how),
            plain(entry.verdict.failure or entry.proposal.failure or "no fitness", LONG),
        )
        for entry in found[:_MOST_FAILURES]
    ]
    head = ("Proposal", "Model", "Idea", "Why it failed")
    table = Table("Failures of program text", head, rows, frozenset(range(4)))
    return table, len(found) - len(rows)


def finalists(search: Search, choice: Choice) -> Table:
    """Return the laws that were judged once more."""
    ranked = _ranked(choice)
    rows = [
        (
            _named(one, {"rival": choice.rival}),
            proposer_of(one.entry),
            str(one.entry.verdict.n_constants),
            fixed(one.entry.verdict.fitness),
            fixed(float(one.guard.mean())),
            fixed(_spread(one.guard)),
            fixed(float(np.log(one.entry.verdict.fit or 1.0))),
            fixed(one.apart),
            fixed(one.beyond.shaken),
            fixed(one.against),
            formula_of(search, one.entry),
        )
        for one in ranked
    ]
    head = (
        *("Law", "Origin", "Constants", "Search", "Guard", "Spread"),
        *("Fit", "Alone", "Shaken", "Against", "Formula"),
    )
    return Table("Finalists", head, rows, frozenset({0, 1, 10}), _marked(ranked, choice))


def fold_errors(search: Search, choice: Choice) -> Table:
    """Return the error of the best finalists, the chosen one and its rival, on each fold."""
    ranked = _ranked(choice)
    compared = (choice.chosen, choice.rival)
    ranked = [one for n, one in enumerate(ranked) if n < _COLUMNS or one in compared]
    rows: list[tuple[str, ...]] = []
    for number, fold in enumerate(search.folds):
        errors = [one.entry.verdict.errors for one in ranked]
        shown = [figure(own[number] if number < len(own) else None, 3) for own in errors]
        rows.append((plain(fold.name), "search", *shown))
    rows.append(("spread of log error", "search", *(_log_spread(one) for one in ranked)))
    if search.guards:
        for number, fold in enumerate(search.guards):
            shown = [figure(float(own[number]), 3) for own in (one.errors for one in ranked)]
            rows.append((plain(fold.name), "guard", *shown))
        spread = [fixed(_spread(one.guard), 2) for one in ranked]
        rows.append(("spread of log error", "guard", *spread))
    parts = {"chosen": choice.chosen, "rival": choice.rival}
    names = [_named(one, parts) for one in ranked]
    return Table("Errors fold by fold", ("Fold", "For", *names), rows, frozenset({0, 1}))


def _ranked(choice: Choice) -> list[Finalist]:
    return sorted(choice.finalists, key=lambda one: (one.against, one.entry.proposal.number))


def _named(one: Finalist, parts: Mapping[str, Finalist | None]) -> str:
    said = "".join(f" ({part})" for part, whose in parts.items() if whose is one)
    return f"#{one.entry.proposal.number}{said}"


def _marked(ranked: Sequence[Finalist], choice: Choice) -> frozenset[int]:
    return frozenset(n for n, one in enumerate(ranked) if one is choice.chosen)


def _spread(values: np.ndarray) -> float | None:
    return float(values.std(ddof=1)) if len(values) > 1 else None


def _log_spread(one: Finalist) -> str:
    return fixed(_spread(np.log(np.array(one.entry.verdict.errors))), 2)


def proposers(search: Search) -> Table:
    """Return what each proposer brought and took."""
    by_name: dict[str, list[Entry]] = {}
    for entry in search.view.entries.values():
        by_name.setdefault(proposer_of(entry), []).append(entry)
    rows = []
    for name, entries in by_name.items():
        scored = [entry.verdict.fitness for entry in entries if is_scored(entry)]
        kept = sum(entry.outcome in _WON for entry in entries)
        rows.append(
            (
                name,
                f"{len(entries):,}",
                f"{kept:,}",
                f"{len(entries) - len(scored):,}",
                fixed(min(scored)) if scored else DASH,
                fixed(sum(entry.seconds for entry in entries), 1),
            )
        )
    head = ("Proposer", "Evaluated", "Kept", "Failed", "Best fitness", "Seconds of evaluation")
    return Table("Proposers", head, rows)


def models(search: Search) -> Table | None:
    """Return what each model cost; None where none was asked."""
    accounts = search.ledger.accounts
    if not accounts:
        return None
    rows = []
    for name in sorted(accounts):
        one = accounts[name]
        about = "about " if one.estimated else ""
        money = f"${one.dollars:.4f}"
        if not one.priced:
            money = f"at least {money}" if one.dollars else "price not known"
        rows.append(
            (
                plain(name, 60),
                f"{one.questions:,}",
                f"{one.retries:,}",
                f"{about}{one.tokens_in:,}",
                f"{about}{one.tokens_out:,}",
                money,
            )
        )
    head = ("Model", "Questions", "Asked again", "Tokens in", "Tokens out", "Money")
    return Table("Models", head, rows)
