"""``feed.xml``: the newest evaluations, for feed readers (Atom 1.0, RFC 4287)."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote

from harness.evaluation.figures import figure
from harness.evaluation.records import Evaluation
from harness.failures import POLICIES
from harness.leaderboard.exports.file_names import FEED
from harness.leaderboard.exports.moments import created_at
from harness.leaderboard.exports.text import shortened, visible_text, xml_text
from harness.leaderboard.page_names import INDEX, PageNames
from harness.results.records import StoredRun

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands where no time is known: Atom wants one everywhere."""

_NAMESPACE = "http://www.w3.org/2005/Atom"
_TITLE = "SLD leaderboard: newest evaluations"
_AUTHOR = "sld-harness"
_LONGEST_SUMMARY = 400


def feed(
    runs: Sequence[StoredRun], titles: Mapping[str, str], names: PageNames, limit: int = 50
) -> bytes:
    """Return the feed, the newest evaluation first.

    Args:
        runs: All runs, in any order.
        titles: The titles of the tasks, by name; a task without one is called by its name.
        names: The names of the run pages; every run has one.
        limit: The most entries.
    """
    dated = [(created_at(run) or EPOCH, run) for run in runs]
    dated.sort(key=lambda item: item[1].key)
    dated.sort(key=lambda item: item[0], reverse=True)  # stable: the keys decide ties
    root = ET.Element("feed", {"xmlns": _NAMESPACE})
    _add(root, "id", _urn(_TITLE))
    _add(root, "title", _TITLE)
    _add(root, "updated", (dated[0][0] if dated else EPOCH).isoformat())
    _add(ET.SubElement(root, "author"), "name", _AUTHOR)
    ET.SubElement(root, "link", {"rel": "self", "href": FEED})
    ET.SubElement(root, "link", {"rel": "alternate", "href": INDEX})
    for created, run in dated[:limit]:
        _add_entry(root, run, created, titles.get(run.key.task, run.key.task), names)
    ET.indent(root, " ")
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'.encode()


def _add_entry(
    root: ET.Element, run: StoredRun, created: datetime, title: str, names: PageNames
) -> None:
    key, evaluation = run.key, run.evaluation
    who = f"{run.agent_name} with {run.model_name}"
    page = quote(names.run_page(key.task, (key.agent, key.model)))
    entry = ET.SubElement(root, "entry")
    # Runs may share an evaluation, and a run may get another: only both together are one entry.
    _add(entry, "id", _urn(f"{key.place}\0{evaluation.digest}"))
    _add(entry, "title", f"{who} on {title}, run {key.run}{_outcome(evaluation)}")
    _add(entry, "updated", created.isoformat())
    _add(ET.SubElement(entry, "author"), "name", who)
    ET.SubElement(entry, "link", {"rel": "alternate", "href": f"{page}#run-{key.run}"})
    ET.SubElement(entry, "category", {"term": xml_text(key.task)})
    _add(entry, "summary", shortened(_summary(evaluation), _LONGEST_SUMMARY))


def _add(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, tag).text = visible_text(xml_text(text))


def _urn(content: str) -> str:
    return f"urn:sha256:{sha256(content.encode('utf-8', 'replace')).hexdigest()}"


def _outcome(evaluation: Evaluation) -> str:
    if evaluation.error is not None:
        return f" failed: {POLICIES[evaluation.error.kind].title}"
    broken = ", but breaks a rule" if evaluation.violations else ""
    return f": R² {_figure(evaluation.r2)}{broken}"


def _summary(evaluation: Evaluation) -> str:
    if evaluation.error is not None:
        return f"{evaluation.error.text}. Counts −1."
    if evaluation.violations:
        broken = " ".join(f"{violation.message}." for violation in evaluation.violations)
        return f"R² {_figure(evaluation.r2)} on held-out rows, but counts −1: {broken}"
    parts = [f"R² {_figure(evaluation.r2)} on held-out rows, {_figure(evaluation.r2_fit)} on train"]
    if evaluation.n_params is not None:
        parts.append(f"{evaluation.n_params} constants")
    if evaluation.format is not None:
        parts.append(f"format {evaluation.format}")
    return "; ".join(parts) + "."


def _figure(value: float | None) -> str:
    return figure(value, "unknown")
