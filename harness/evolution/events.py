"""Entries as events of the journal, and back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from harness.evolution.gateway import Verdict
from harness.evolution.law_text import from_plain, to_plain
from harness.evolution.proposals import Entry, Proposal, Usage


def event_of(entry: Entry, at: float) -> dict[str, Any]:
    """Return an entry as strict JSON.

    Args:
        entry: An evaluated proposal.
        at: Seconds into the search.
    """
    proposal, verdict = entry.proposal, entry.verdict
    return {
        "event": "evaluated",
        "at": round(at, 3),
        "seconds": round(entry.seconds, 4),
        **_plain(proposal),
        "fitness": verdict.fitness if np.isfinite(verdict.fitness) else None,
        "errors": list(verdict.errors),
        "n_constants": verdict.n_constants,
        "failure": verdict.failure,
        "fit": verdict.fit,
        "theta": None if verdict.theta is None else verdict.theta.tolist(),
    }


def event_of_answer(proposal: Proposal, at: float) -> dict[str, Any]:
    """Return what a model answered as strict JSON."""
    return {"event": "answered", "at": round(at, 3), **_plain(proposal)}


def answered_from(event: dict[str, Any]) -> Proposal:
    """Return the proposal that an answer is."""
    return _proposal(event)


def entry_from(event: dict[str, Any]) -> Entry:
    """Return the entry that an event tells of."""
    proposal, theta = _proposal(event), event["theta"]
    n_shapes = len(proposal.law.slots) if proposal.law is not None else 0
    verdict = Verdict(
        fitness=np.inf if event["fitness"] is None else event["fitness"],
        errors=tuple(event["errors"]),
        n_constants=event["n_constants"],
        failure=event["failure"],
        fit=event["fit"],
        theta=None if theta is None else np.array(theta, dtype=float).reshape(len(theta), n_shapes),
    )
    return Entry(proposal, verdict, "", event["seconds"], event["at"])


def _plain(proposal: Proposal) -> dict[str, Any]:
    return {
        "number": proposal.number,
        "proposer": proposal.proposer,
        "how": proposal.how,
        "island": proposal.island,
        "parents": list(proposal.parents),
        "law": None if proposal.law is None else to_plain(proposal.law),
        "source": proposal.source,
        "usage": None if proposal.usage is None else asdict(proposal.usage),
        "refused": proposal.failure,
    }


def _proposal(event: dict[str, Any]) -> Proposal:
    law, usage = event["law"], event["usage"]
    return Proposal(
        number=event["number"],
        proposer=event["proposer"],
        how=event["how"],
        island=event["island"],
        parents=tuple(event["parents"]),
        law=None if law is None else from_plain(law),
        source=event["source"],
        usage=None if usage is None else Usage(**usage),
        failure=event["refused"],
    )
