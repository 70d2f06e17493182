"""Islands of elites: the best program found for each number of constants and each complexity.

Each island holds a MAP-Elites grid (Mouret and Clune 2015, arXiv:1504.04909) of its own; from time
to time an island's best moves on to the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

_COMPLEXITY_BIN = 3
_PRESSURE = 0.6
"""How much likelier than the next but one in rank an elite is to become a parent: 1 / this."""

Cell = tuple[int, int]


class Added(StrEnum):
    """What became of a program that was handed in."""

    NEW = "first of its cell"
    BETTER = "better than its cell's elite"
    WORSE = "worse than its cell's elite"
    FAILED = "no fitness"


@dataclass(frozen=True, slots=True)
class Member:
    """A program that was evaluated."""

    number: int
    """Of its proposal."""
    fitness: float
    """Less is better."""
    n_constants: int
    complexity: int

    @property
    def cell(self) -> Cell:
        """Where it competes."""
        return self.n_constants, self.complexity // _COMPLEXITY_BIN


@dataclass(slots=True)
class Archive:
    """All islands. The same members added in the same order give the same archive."""

    n_islands: int = 4
    migration: int = 40
    """How many members an island takes before its best moves on."""
    islands: list[dict[Cell, Member]] = field(default_factory=list)
    _taken: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the islands."""
        self.islands = [{} for _ in range(self.n_islands)]
        self._taken = [0] * self.n_islands

    def add(self, member: Member, island: int) -> Added:
        """Hand in a program.

        Args:
            member: It.
            island: Where it was bred.

        Returns:
            What became of it there.
        """
        if not np.isfinite(member.fitness):
            return Added.FAILED
        outcome = self._settle(member, island)
        self._taken[island] += 1
        if self._taken[island] % self.migration == 0:
            self._settle(self.ranked(island)[0], (island + 1) % self.n_islands)
        return outcome

    def _settle(self, member: Member, island: int) -> Added:
        holder = self.islands[island].get(member.cell)
        if holder is not None and holder.fitness <= member.fitness:
            return Added.WORSE
        self.islands[island][member.cell] = member
        return Added.NEW if holder is None else Added.BETTER

    def ranked(self, island: int) -> list[Member]:
        """Return an island's elites, the best first."""
        return sorted(self.islands[island].values(), key=lambda m: (m.fitness, m.number))

    def best(self, count: int = 1) -> list[Member]:
        """Return the best of all islands, each once."""
        everyone = {member.number: member for member in self}
        return sorted(everyone.values(), key=lambda m: (m.fitness, m.number))[:count]

    def front(self) -> list[Member]:
        """Return who is better than all with as many or fewer constants, simplest first."""
        found: list[Member] = []
        everyone = sorted(
            {m.number: m for m in self}.values(), key=lambda m: (m.n_constants, m.fitness, m.number)
        )
        for member in everyone:
            if not found or member.fitness < found[-1].fitness:
                found.append(member)
        return found

    def parent(self, island: int, rng: np.random.Generator) -> Member | None:
        """Return an elite of an island, better ones likelier; None where there is none."""
        ranked = self.ranked(island)
        if not ranked:
            return None
        weights = _PRESSURE ** (np.arange(len(ranked)) / 2.0)
        return ranked[int(rng.choice(len(ranked), p=weights / weights.sum()))]

    def __iter__(self) -> Iterator[Member]:
        """Yield all elites, island by island."""
        for place in range(self.n_islands):
            yield from self.ranked(place)

    def __len__(self) -> int:
        """Return how many cells are held, over all islands."""
        return sum(map(len, self.islands))
