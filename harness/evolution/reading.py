"""Reads a program as trees: the laws that say what it says, on the rows that it was fitted to.

A program's text can do anything, so nothing is made of the text. It is fitted and asked in the
sandbox, and trees are sought that give its answers back, the simplest first. A program that was
read can be simplified, refitted and bred from as any other law.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace

import numpy as np

from harness.evolution.expression import Law, normal_form
from harness.evolution.fitness import PRICE, Judge
from harness.evolution.gateway import ProgramGateway
from harness.evolution.library import library
from harness.evolution.rows import TrainRows
from harness.evolution.variation import Variation

TRIES = 400
"""Variations that are tried after the library's forms."""
SAME = 1e-4
"""A tree whose answers are so near, in units of their variance, says the same."""
_PARENTS = 10
_MOST = 4


@dataclass(frozen=True, slots=True)
class Read:
    """A tree that a program was read as."""

    law: Law
    error: float
    """Mean square difference of their answers on train rows, over the variance of the program's."""

    @property
    def says_the_same(self) -> bool:
        """Whether the two can hardly be told apart there."""
        return self.error <= SAME


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of reading a program."""

    trees: tuple[Read, ...]
    """The best first; each with another number of constants."""
    failure: str = ""
    """Why there are none, as one line."""


def read_program(source: str, gateway: ProgramGateway, rows: TrainRows, cap: int | None) -> Reading:
    """Find trees that give back what a program says of the train rows.

    Args:
        source: Its text; runs in the gateway's sandbox only.
        gateway: Of the task.
        rows: The task's train rows.
        cap: Most constants of a group.

    Raises:
        SandboxBroken: Our fault.
    """
    answers = gateway.answers(source)
    if isinstance(answers, str):
        return Reading((), answers)
    said = replace(rows, y=answers, loss="squares")
    if not (np.ptp(answers[rows.weights > 0], axis=0) > 0).all():
        return Reading((), "it says the same of all train rows")
    judge, variation = Judge(said, ()), Variation(said, cap)
    of_targets = Judge(rows, ())  # which may have no logarithm where the answers have one
    found: dict[Law, float] = {}
    worth: dict[Law, float] = {}

    def consider(law: Law) -> None:
        if law not in found and judge.allows(law) and of_targets.allows(law):
            found[law] = judge.score(law).fit
            worth[law] = float(np.log(found[law])) + PRICE * law.n_constants

    for form in library(said, cap):
        consider(normal_form(form.law))
    rng = np.random.default_rng(0)
    for _ in range(TRIES):
        parents = heapq.nsmallest(_PARENTS, worth, key=worth.__getitem__)
        one, two = (parents[int(rng.integers(len(parents)))] for _ in range(2))
        crossed = one != two and rng.random() < 1 / 3
        child = variation.cross(one, two, rng) if crossed else variation.mutate(one, rng)
        if child is not None:
            consider(child.law)
    best: dict[int, Law] = {}
    for law in sorted(worth, key=worth.__getitem__):
        best.setdefault(law.n_constants, law)
    return Reading(tuple(Read(law, found[law]) for law in list(best.values())[:_MOST]))
