"""The proposer that needs no model: published forms first, then variations of elites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from harness.evolution.expression import Law, normal_form
from harness.evolution.fitness import Judge
from harness.evolution.forms import Form
from harness.evolution.library import library
from harness.evolution.novelty import Novelty
from harness.evolution.proposals import GIVEN, LIBRARY, TEXTBOOK, Given, Proposal, View
from harness.evolution.rows import TrainRows
from harness.evolution.textbook import textbook
from harness.evolution.variation import Child, Variation

_TRIES = 40
_CROSSOVER = 0.25
_OFTEN = 0.35
"""How often a mutation is followed by another one."""
_DENIED = 3.0
"""Where signs leave so many times the error on all train rows, the rows deny them."""


class OfflineProposer:
    """Proposes trees. Never the same law twice."""

    name = "offline"

    def __init__(
        self,
        rows: TrainRows,
        cap: int | None,
        judge: Judge,
        novelty: Novelty,
        given: Sequence[Given] = (),
    ) -> None:
        """Prepare the forms and the variations of a task.

        Args:
            rows: The train rows.
            cap: Most constants of a group.
            judge: Says which laws can be fitted at all.
            novelty: What was proposed before.
            given: What is proposed before published forms: a short search judges it, too.
        """
        whole = Judge(rows, ())
        first = {
            normal_form(form.law): replace(form, law=_with_signs(form.law, whole))
            for form in textbook(rows, cap)
        }
        signed = {same: form.law for same, form in first.items()}
        self._textbook = frozenset(first)
        for form in library(rows, cap):
            first.setdefault(normal_form(form.law), form)
        self.forms = [form for form in first.values() if judge.allows(form.law)]
        # What reads as a law of the textbook has the signs that it is published with.
        self._given = tuple(
            one if one.law is None else replace(one, law=signed.get(normal_form(one.law), one.law))
            for one in given
            if one.law is None or judge.allows(one.law)
        )
        # Where nobody caps the constants, breeding stops where the published forms do.
        largest = max((form.law.n_constants for form in self.forms), default=None)
        most = largest and largest * len(rows.targets)
        self._variation = Variation(rows, most if cap is None else cap)
        self._novelty = novelty

    @property
    def n_first(self) -> int:
        """Proposals that follow from the task alone: what was given and published forms."""
        return len(self.forms) + len(self._given)

    def propose(self, number: int, view: View, rng: np.random.Generator) -> Proposal | None:
        """Return the next published form, or a variation of elites; None where nothing is new.

        What was given has the first numbers, then come the textbook's forms, then the library's.
        """
        if number < len(self._given):
            one = self._given[number]
            island = number % view.archive.n_islands
            return Proposal(number, GIVEN, one.how, island, law=one.law, source=one.source)
        if number < self.n_first:
            return self._published(number, self.forms[number - len(self._given)], view)
        for turn in range(view.archive.n_islands):
            island = (number + turn) % view.archive.n_islands  # another, where one is barren
            proposal = self._bred(number, island, view, rng)
            if proposal is not None:
                return proposal
        return None

    def _bred(
        self, number: int, island: int, view: View, rng: np.random.Generator
    ) -> Proposal | None:
        for _ in range(_TRIES):
            found = self._child(island, view, rng)
            if found is None:
                continue
            child, parents = found
            if self._novelty.is_new(self._novelty.law_key(child.law)):
                return Proposal(number, self.name, child.how, island, parents, law=child.law)
        return None

    def _published(self, number: int, form: Form, view: View) -> Proposal:
        island = number % view.archive.n_islands
        who = TEXTBOOK if normal_form(form.law) in self._textbook else LIBRARY
        return Proposal(number, who, f"{form.name} ({form.source})", island, law=form.law)

    def _child(
        self, island: int, view: View, rng: np.random.Generator
    ) -> tuple[Child, tuple[int, ...]] | None:
        one = self._parent(island, view, rng)
        if one is None:
            return None
        number, law = one
        if rng.random() < _CROSSOVER:
            two = self._parent(island, view, rng)
            if two is not None and two[0] != number:
                child = self._variation.cross(law, two[1], rng)
                return None if child is None else (child, (number, two[0]))
        child = self._variation.mutate(law, rng)
        while child is not None and rng.random() < _OFTEN:
            again = self._variation.mutate(child.law, rng)
            if again is None:
                break
            child = Child(again.law, f"{child.how}, {again.how}")
        return None if child is None else (child, (number,))

    def _parent(self, island: int, view: View, rng: np.random.Generator) -> tuple[int, Law] | None:
        """Return an elite that is a tree; text of others cannot be varied here."""
        for _ in range(_TRIES):
            member = view.archive.parent(island, rng)
            if member is None:
                return None
            law = view.entries[member.number].proposal.law
            if law is not None:
                return member.number, law
        return None


def _with_signs(law: Law, judge: Judge) -> Law:
    """Return a law with the signs that it is published with, or without where rows deny them."""
    if not law.positive or not judge.allows(law):
        return law
    free = replace(law, signs="any")
    return free if judge.score(law).fit > _DENIED * judge.score(free).fit else law
