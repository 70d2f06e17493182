"""What was spent: tokens and money by model, and when to stop."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from harness.evolution.proposals import Usage


@dataclass(slots=True)
class Account:
    """What one model cost."""

    questions: int = 0
    paid: int = 0
    """Questions that cost tokens: those of which nothing came say nothing of what one costs."""
    tokens_in: int = 0
    tokens_out: int = 0
    dollars: float = 0.0
    priced: bool = True
    """Whether the price of every question is known."""
    retries: int = 0
    estimated: bool = False
    """Whether some of the tokens were not counted by the endpoint."""


@dataclass(slots=True)
class Ledger:
    """What all models cost."""

    accounts: dict[str, Account] = field(default_factory=dict)

    def charge(self, usage: Usage) -> None:
        """Add what a proposal cost."""
        account = self.accounts.setdefault(usage.model, Account())
        account.questions += 1
        account.paid += usage.tokens_in + usage.tokens_out > 0
        account.tokens_in += usage.tokens_in
        account.tokens_out += usage.tokens_out
        account.retries += usage.retries
        account.estimated |= usage.estimated
        if usage.dollars is None:
            account.priced = False
        else:
            account.dollars += usage.dollars

    @property
    def tokens(self) -> int:
        """Tokens of all models, both ways."""
        return sum(one.tokens_in + one.tokens_out for one in self.accounts.values())

    @property
    def dollars(self) -> float:
        """Money for all models whose price is known."""
        return sum(one.dollars for one in self.accounts.values())

    @classmethod
    def of(cls, usages: Iterable[Usage]) -> Ledger:
        """Return the ledger of some proposals."""
        ledger = cls()
        for usage in usages:
            ledger.charge(usage)
        return ledger


@dataclass(frozen=True, slots=True)
class Budget:
    """When to stop; None is without limit."""

    seconds: float | None = None
    evaluations: int | None = None
    tokens: int | None = None
    dollars: float | None = None

    def left(self, seconds: float, evaluations: int) -> bool:
        """Whether another program may be evaluated."""
        in_time = self.seconds is None or seconds < self.seconds
        return in_time and (self.evaluations is None or evaluations < self.evaluations)

    def can_ask(self, ledger: Ledger, under_way: int = 0) -> bool:
        """Return whether another question may be asked of a model.

        Questions under way are taken to cost what others cost so far; where there is a limit and
        nothing is known yet, one is asked at a time.

        Args:
            ledger: What was spent.
            under_way: Questions that are not answered yet.
        """
        if self.tokens is None and self.dollars is None:
            return True
        paid_for = sum(one.paid for one in ledger.accounts.values())
        if under_way and not paid_for:
            return False
        more = 1 + under_way / max(paid_for, 1)
        paid = self.dollars is None or more * ledger.dollars < self.dollars
        return paid and (self.tokens is None or more * ledger.tokens < self.tokens)

    def in_words(self, seconds: float, evaluations: int, ledger: Ledger) -> str:
        """Return what is left, for people and for prompts."""
        parts = []
        if self.seconds is not None:
            parts.append(f"{max(0.0, self.seconds - seconds):.0f} s")
        if self.evaluations is not None:
            parts.append(f"{max(0, self.evaluations - evaluations)} evaluations")
        if self.tokens is not None:
            parts.append(f"{max(0, self.tokens - ledger.tokens)} tokens")
        if self.dollars is not None:
            parts.append(f"${max(0.0, self.dollars - ledger.dollars):.2f}")
        return ", ".join(parts) or "no limit"
