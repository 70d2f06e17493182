"""Which model is asked next: those that earn more for what they cost are asked more often.

Thompson sampling: what a question to a model earns is a number between 0 and 1, its mean unknown;
a value is drawn from what is known of each mean, divided by what its questions cost, and the
largest wins.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from harness.evolution.llm.settings import ModelChoice

_SIZABLE = 0.1
"""Log error by which a program must be better to earn two thirds of what can be earned."""
_KEPT = 0.1
"""What a program earns that is no better than its parent, and that the archive keeps."""
_DOUBT = 2.0
"""Questions without success that a model is begun with, besides one that succeeded."""
_CHEAPEST = 0.1
"""A question costs an evaluation too: a cheap model counts as costing at least this share."""


def earned(gain: float, *, kept: bool) -> float:
    """Return what a question earned, from 0 to 1.

    Args:
        gain: By how much the program is fitter than its parent; not finite where it failed.
        kept: Whether the archive took it.
    """
    if np.isfinite(gain) and gain > 0:
        return float(1.0 - np.exp(-gain / _SIZABLE))
    return _KEPT if kept else 0.0


@dataclass(slots=True)
class Arm:
    """What is known of a model."""

    weight: float
    """How much it was trusted to begin with."""
    asked: int = 0
    earned: float = 0.0
    paid: int = 0
    """Questions whose cost is known; of those that no provider answered it is not."""
    cost: float = 0.0
    """Dollars, or tokens where prices are not known."""


class Bandit:
    """Learns which models earn most for what they cost. Choices follow from the generator."""

    def __init__(self, models: Sequence[ModelChoice]) -> None:
        """Begin with what the models are trusted.

        Args:
            models: They.
        """
        self.arms = {model.name: Arm(model.weight) for model in models}

    def learn(self, model: str, reward: float, cost: float | None) -> None:
        """Take note of what a question earned.

        Args:
            model: Who was asked; others than ours are passed over.
            reward: From 0 to 1.
            cost: In the same unit for all models; None where nothing was answered, which says
                nothing of what answers cost: a model that fails would count as cheap.
        """
        arm = self.arms.get(model)
        if arm is not None:
            arm.asked += 1
            arm.earned += reward
            if cost is not None:
                arm.paid += 1
                arm.cost += cost

    def choose(self, rng: np.random.Generator, among: Collection[str]) -> str | None:
        """Return who is asked next; None where nobody can be.

        Args:
            rng: Draws the values.
            among: Who can be asked.
        """
        best, most = None, -1.0
        for name, arm in self.arms.items():
            failed = max(arm.asked - arm.earned, 0.0)
            drawn = float(rng.beta(1.0 + arm.earned, _DOUBT + failed))
            value = drawn * arm.weight / self._relative_cost(arm)
            if name in among and value > most:
                best, most = name, value
        return best

    def shares(self) -> dict[str, float]:
        """Return how the models compare by now, summing to one: for people."""
        value = {
            name: arm.weight
            * (1.0 + arm.earned)
            / (1.0 + _DOUBT + arm.asked)
            / self._relative_cost(arm)
            for name, arm in self.arms.items()
        }
        total = sum(value.values())
        return {name: one / total for name, one in value.items()}

    def _relative_cost(self, arm: Arm) -> float:
        """Return what a question costs, the mean over all models being one."""
        paid = sum(one.paid for one in self.arms.values())
        spent = sum(one.cost for one in self.arms.values())
        if not paid or spent <= 0:
            return 1.0
        mean = spent / paid
        return max((arm.cost + mean) / (arm.paid + 1) / mean, _CHEAPEST)
