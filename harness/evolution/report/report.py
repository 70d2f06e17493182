"""The page of a search: everything that it was, in one file without scripts or network."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from harness.evaluation.figures import count
from harness.evolution.choose import ALONE, FIT, PROOF, SHAKEN
from harness.evolution.discover import Discovery
from harness.evolution.fitness import DESCRIBES, PRICE
from harness.evolution.forecast import Forecast
from harness.evolution.proposals import LIBRARY, TEXTBOOK
from harness.evolution.report import against, tried
from harness.evolution.report.entries import formula_of, is_published, is_scored
from harness.evolution.report.lineage import Lineage, lineage_of
from harness.evolution.report.mathml import law_pieces, said_of_zeros
from harness.evolution.report.own_runs import OwnRuns, own_runs
from harness.evolution.report.progress import fitness_over_time, pareto
from harness.evolution.report.words import LONG, fixed, plain, program_text, signed
from harness.evolution.result import Result
from harness.evolution.search import Search
from harness.evolution.textbook import said_of
from harness.writing import write_text


def write_report(search: Search, result: Result, path: Path, *, date: str = "") -> None:
    """Write the page of a search.

    Args:
        search: A search that is over.
        result: What it ended with.
        path: The file; replaced where it exists.
        date: Shown where it is given; without one the same search gives the same bytes.

    Raises:
        UserError: The file cannot be written.
    """
    write_text(path, render_report(search, result, date=date))


def write_discovery_report(found: Discovery, path: Path, forecast: Forecast | None = None) -> None:
    """Write the page of a law that was discovered in somebody's own table.

    It is the page of its search, with the rows that were held out and the predictions.

    Args:
        found: What was discovered.
        path: The file; replaced where it exists.
        forecast: What the law says of other rows, where somebody asked.

    Raises:
        UserError: The file cannot be written.
    """
    own = own_runs(found, forecast)
    write_text(path, render_report(found.search, found.result, own=own))


def render_report(
    search: Search, result: Result, *, date: str = "", own: OwnRuns | None = None
) -> str:
    """Return the page of a search.

    Args:
        search: A search that is over.
        result: What it ended with.
        date: Shown where it is given.
        own: What else is known where the rows are of somebody's own table.
    """
    side, entry = search.side, result.entry
    failures, more_failures = tried.failures(search)
    law = entry.proposal.law
    values = {
        "style": Markup(_style()),  # noqa: S704 - our own style sheet
        "title": plain(side.title),
        "task": plain(side.name),
        "description": plain(side.description, LONG),
        "date": plain(date),
        "own": own,
        "tiles": _tiles(search, result),
        "search_facts": _facts(search, result),
        "read_as": plain(_read_as(search), LONG),
        "formula": plain(result.formula, LONG) if law is None else formula_of(search, entry),
        "why": plain(result.why, LONG),
        "how": plain(entry.proposal.how),
        "chosen": entry.proposal.number,
        "features": against.features_table(search),
        "targets": [tuple(map(plain, target)) for target in side.targets],
        "progress": fitness_over_time(search, entry),
        "pareto": pareto(search, entry),
        "lineages": _lineages(search, result),
        "outcomes": tried.outcomes(search),
        "operators": tried.operators(search),
        "failures": failures,
        "more_failures": more_failures,
        "proposers": tried.proposers(search),
        "models": tried.models(search),
        "unanswered": search.unanswered.accounts,
        "spent": _spent(search),
        "price": f"{PRICE:g}",
        "chance": f"{100 * (1 - PROOF):.0f} %",
        "describes": f"{DESCRIBES:g}",
        "program": program_text(result.source),
        **_of_law(search, result),
    }
    return _environment().get_template("report.html").render(values)


def _of_law(search: Search, result: Result) -> dict[str, object]:
    """Return what can only be said of a tree, and of the laws that it was chosen from."""
    choice, law = result.choice, result.entry.proposal.law
    values: dict[str, object] = {
        "pieces": [],
        "constants": None,
        "meanings": [],
        "zeros": "",
        "predicted": [],
        "residuals": [],
        "unshown": [],
        "finalists": None if choice is None else tried.finalists(search, choice),
        "folds": None if choice is None else tried.fold_errors(search, choice),
        "weights": {"fit": FIT, "alone": ALONE, "shaken": SHAKEN},
    }
    if choice is None or law is None or choice.chosen.entry is not result.entry:
        return values
    fits = against.fits_of(search, choice.chosen, law)
    return {
        **values,
        "pieces": law_pieces(law, search.rows.axes, search.side.target_names),
        "constants": against.constants_table(search, law, fits),
        "zeros": said_of_zeros(law, [own for fit in fits for own in fit.constants]),
        "meanings": against.meanings(search, law),
        "predicted": against.predicted_figures(search, fits),
        "residuals": against.residual_figures(search, fits),
        "unshown": [fit.group for fit in fits[against.MOST_GROUPS :]],
    }


def _tiles(search: Search, result: Result) -> list[tuple[str, str]]:
    """Return the figures at the head of the page."""
    verdict, choice = result.entry.verdict, result.choice
    tiles = [("Fitness, search folds", fixed(verdict.fitness))]
    if choice is not None and choice.chosen.entry is result.entry and search.guards:
        tiles.append(("Fitness, guard folds", fixed(float(choice.chosen.guard.mean()))))
    if choice is not None and choice.gain is not None and search.guards:
        needed = choice.needed
        said = f"{fixed(needed)} would be proof" if np.isfinite(needed) else "no proof possible"
        new = "bred" if choice.known == LIBRARY else "other"
        over = f"best {new} over best {choice.known} law"
        tiles.append((f"Guard folds: {over}; {said}", signed(choice.gain)))
    return [
        *tiles,
        ("Constants of a group", str(verdict.n_constants)),
        ("Evaluated", f"{search.n_evaluated:,}"),
        ("Seconds", fixed(_seconds(search), 1)),
    ]


def _seconds(search: Search) -> float:
    """Return how long it took, as exactly as the journal knows."""
    return round(search.seconds, 3)


def _facts(search: Search, result: Result) -> list[tuple[str, str]]:
    """Return what else is known of the search."""
    cap = search.side.max_params
    entries = search.view.entries.values()
    textbook = sum(entry.proposal.proposer == TEXTBOOK for entry in entries)
    return [
        ("Chosen", f"law {result.entry.proposal.number}"),
        ("Seed", str(search.seed)),
        ("Train rows", f"{search.rows.n_rows:,} in {count(len(search.rows.groups), 'group')}"),
        ("Folds", f"{len(search.folds)} for the search, {len(search.guards)} for guard"),
        ("Most constants of a group", "no limit" if cap is None else str(cap)),
        ("Published forms tried", str(sum(map(is_published, entries)))),
        ("Of these the textbook's", str(textbook)),
    ]


def _read_as(search: Search) -> str:
    """Return what the features are taken for."""
    given = bool(search.settings.given)
    return said_of(search.rows, search.side.max_params, given=given)


def _lineages(search: Search, result: Result) -> list[Lineage]:
    """Return where the law comes from; of a published one, also the best that was bred."""
    found = [lineage_of(search, result.entry, "chosen", "The chosen law")]
    choice = result.choice
    if choice is not None and choice.rival is not None and choice.chosen.proposer == choice.known:
        found.append(lineage_of(search, choice.rival.entry, "bred", "The best other law"))
    return found


def _spent(search: Search) -> list[tuple[str, str]]:
    entries = search.view.entries.values()
    spent = [
        ("Seconds", fixed(_seconds(search), 1)),
        ("Seconds of evaluation", fixed(sum(entry.seconds for entry in entries), 1)),
        ("Evaluations", f"{search.n_evaluated:,}"),
        ("With a fitness", f"{sum(map(is_scored, entries)):,}"),
        ("Evaluations a second", fixed(search.n_evaluated / max(_seconds(search), 1e-9), 1)),
    ]
    if search.ledger.accounts:
        spent += [
            ("Tokens", f"{search.ledger.tokens:,}"),
            ("Money, where priced", f"${search.ledger.dollars:.4f}"),
        ]
    return spent


@cache
def _style() -> str:
    return files("harness.evolution.report").joinpath("report.css").read_text("utf-8")


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("harness.evolution.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
