"""The loop: propose, evaluate, keep, until the budget is spent.

There is no generation barrier: whenever an evaluation is finished the next proposal begins. An
answer that a model was paid for is in the journal before it is evaluated.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import numpy as np

from harness.errors import UserError
from harness.evolution.gateway import Verdict
from harness.evolution.interrupts import deaf_to_ctrl_c
from harness.evolution.ledger import Budget
from harness.evolution.proposals import GIVEN, AskingProposer, Entry, Proposal
from harness.evolution.search import Search
from harness.evolution.workers import LawWorkers, ProgramWorkers
from harness.results.journal import Journal

QUESTIONS = 2
MISSES = 10
"""So many numbers in a row that find nothing new, and there is nothing. One may be unlucky."""
"""How many models are asked at once."""
GRACE = 5.0
"""Seconds that program text under way still has when time is over. What is not judged by then is in
the journal, and is judged when the search goes on."""


def run(
    search: Search,
    journal: Journal,
    budget: Budget,
    *,
    jobs: int = 1,
    asking: AskingProposer | None = None,
    questions: int = QUESTIONS,
    offline: bool = True,
    watch: Callable[[Search, Entry], None] | None = None,
) -> None:
    """Search until the budget is spent, or nothing new can be thought of.

    Args:
        search: Its state, which grows.
        journal: Where events go.
        budget: When to stop; counts earlier sittings.
        jobs: Evaluations at once.
        asking: Proposes besides the offline proposer.
        questions: How many questions may be under way.
        offline: Whether the offline proposer goes on after published forms.
        watch: Is told of each evaluated entry.

    Raises:
        KeyboardInterrupt: Ctrl-C; what was evaluated or paid for is in the journal.
    """
    with _Sitting(search, journal, budget, jobs, asking, questions, offline=offline) as sitting:
        for entry in sitting.entries():
            if watch is not None:
                watch(search, entry)


def run_unkept(
    search: Search,
    budget: Budget,
    *,
    jobs: int = 1,
    watch: Callable[[Search, Entry], None] | None = None,
) -> None:
    """Search offline, and throw the journal away: nobody will go on with this search.

    Args:
        search: Its state, which grows.
        budget: When to stop.
        jobs: Evaluations at once.
        watch: Is told of each evaluated entry.
    """
    with (
        tempfile.TemporaryDirectory(prefix="sld-search-") as folder,
        Journal(Path(folder) / "journal.sqlite", "unkept") as journal,
    ):
        journal.begin({"seed": search.seed}, "")
        run(search, journal, budget, jobs=jobs, watch=watch)


class _Sitting:
    """One run of a search: what is under way, until the budget is spent."""

    def __init__(
        self,
        search: Search,
        journal: Journal,
        budget: Budget,
        jobs: int,
        asking: AskingProposer | None,
        questions: int,
        *,
        offline: bool,
    ) -> None:
        self._search = search
        self._journal = journal
        self._budget = budget
        self._jobs = jobs
        self._asking = asking
        self._questions = questions if asking is not None else 0
        self._offline = offline
        self._begun = time.monotonic() - search.seconds
        self._over = None if budget.seconds is None else max(budget.seconds, search.seconds)
        """When time is over; what earlier sittings left to be judged is judged all the same."""
        self._left = frozenset(one.number for one in search.unjudged())
        self._laws = LawWorkers(search.rows, search.folds, jobs)
        self._programs = ProgramWorkers(
            search.side, search.rows, search.folds, jobs, search.settings.limits
        )
        self._threads: ThreadPoolExecutor | None = None
        self._judging: dict[Future[Verdict], tuple[Proposal, float]] = {}
        self._asked: dict[Future[Proposal], int] = {}
        self._stopped = False
        """Whether questions under way were told to end."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        with deaf_to_ctrl_c():  # a second one may come, and what was answered is paid for
            self._stop_asking()
            if self._threads is not None:
                self._threads.shutdown(wait=True, cancel_futures=True)
            with suppress(UserError):  # the journal may be why all ends
                self._keep_answers()
        self._programs.close()
        self._laws.close()

    def _keep_answers(self) -> None:
        """Write down what was answered while the search came to its end."""
        answered = [one for one in self._asked if not one.cancelled()]
        for future in sorted(answered, key=lambda one: self._asked[one]):
            if self._is_worth_keeping(future.result()):
                self._search.record_answer(self._journal, future.result())
            else:
                self._search.note_unanswered(future.result())

    def _stop_asking(self) -> None:
        self._stopped = True
        if self._asking is not None:
            self._asking.stop()

    def _is_worth_keeping(self, answer: Proposal) -> bool:
        """Whether something was answered or paid for; a question that was stopped is as unasked."""
        usage = answer.usage
        paid = usage is not None and usage.tokens_in + usage.tokens_out > 0
        answered = answer.source is not None or answer.law is not None
        return not self._stopped or answered or paid

    def entries(self) -> Iterator[Entry]:
        """Yield entries as they are evaluated."""
        while (done := self._step()) is not None:
            yield from done

    def _step(self) -> list[Entry] | None:
        """Begin what can be begun, wait for something; None when all is over."""
        self._begin()
        flying: set[Future[Any]] = {*self._judging, *self._asked}
        if flying and self._is_overdue():
            return None
        if not flying:
            self._search.exhausted = self._asking is None and self._may_begin()
            return None
        done, _ = wait(flying, timeout=1.0, return_when=FIRST_COMPLETED)
        self._search.seconds = time.monotonic() - self._begun
        if self._asked and not self._budget.left(self._search.seconds, 0):
            self._stop_asking()  # an answer may take longer than all the time there was
        answers = [future for future in self._asked if future in done]
        entries = []
        for future in sorted(answers, key=lambda one: self._asked[one]):
            with deaf_to_ctrl_c():  # it is under way no more, and not written down yet
                self._asked.pop(future)
                entries += self._take_answer(future.result())
        judged = [future for future in self._judging if future in done]
        for verdict in sorted(judged, key=lambda one: self._judging[one][0].number):
            proposal, started = self._judging.pop(verdict)
            took = time.monotonic() - started
            entries.append(self._record(proposal, verdict.result(), took))
        return entries

    def _is_overdue(self) -> bool:
        """Whether nothing but program text is waited for, and that longer than it deserves.

        What earlier sittings left has all the time that the sandbox gives it: it would be left for
        ever else.
        """
        if any(one.number in self._left for one, _ in self._judging.values()):
            return False
        only_text = not self._asked and self._n_text() == len(self._judging)
        return only_text and self._over is not None and self._search.seconds > self._over + GRACE

    def _begin(self) -> None:
        under_way = {one.number for one, _ in self._judging.values()}
        for paid in self._search.unjudged():
            if paid.number not in under_way:
                self._judge(paid)
        while self._may_begin() and len(self._judging) - self._n_text() < self._most_trees():
            if self._waits_for_given():
                break
            proposal = self._next()
            if proposal is None:
                break
            self._judge(proposal)
        while (
            self._asking is not None
            and len(self._asked) < self._questions
            and self._n_text() < self._most_judging()  # else answers are paid for and never judged
            and self._may_begin()
            and self._budget.can_ask(self._search.ledger, len(self._asked))
            and self._search.n_evaluated >= min(self._n_first(), 1)
            and self._search.next_number >= self._n_first()  # published forms come first
        ):
            if not self._ask(self._asking):
                break

    def _waits_for_given(self) -> bool:
        """Whether a given program's text is under way that what comes next would hang on.

        It takes as long as it takes, and what is bred hangs on what was there before: with one
        worker nothing else begins meanwhile, with more nothing is bred.
        """
        texts = [one for one, _ in self._judging.values() if one.law is None]
        if all(one.proposer != GIVEN for one in texts):
            return False
        return self._jobs == 1 or self._search.next_number >= self._n_first()

    def _most_judging(self) -> int:
        return 2 * self._jobs if self._jobs > 1 else 1

    def _most_trees(self) -> int:
        """Slow text leaves room for trees."""
        return max(1, self._most_judging() - min(self._n_text(), self._jobs))

    def _n_text(self) -> int:
        return sum(one.law is None for one, _ in self._judging.values())

    def _n_first(self) -> int:
        return self._search.proposer.n_first

    def _may_begin(self) -> bool:
        spent = time.monotonic() - self._begun
        begun = self._search.n_evaluated + len(self._judging) + len(self._asked)
        return self._budget.left(spent, begun)

    def _next(self) -> Proposal | None:
        """Return the next proposal; None where many numbers in a row find nothing new."""
        search = self._search
        for _ in range(MISSES):
            number = search.missed[0] if search.missed else search.next_number
            first = number < self._n_first()
            if not (self._offline or first) or not self._may_begin():
                return None
            proposal = search.propose(number)
            search.missed = search.missed[1:]
            search.next_number = max(search.next_number, number + 1)
            # What was given may be a form as well: it is fitted all the same.
            if proposal is not None and (search.remember(proposal) or first):
                return proposal
        return None

    def _judge(self, proposal: Proposal) -> None:
        search = self._search
        if proposal.law is not None:
            future = self._laws.submit(proposal.law, search.inherited(proposal))
        elif proposal.source is not None:
            future = self._programs.submit(proposal.source)
        else:
            future = Future()
            future.set_result(Verdict(np.inf, failure=proposal.failure))
        self._judging[future] = (proposal, time.monotonic())

    def _ask(self, asking: AskingProposer) -> bool:
        """Have a question asked; returns whether there is anybody to ask."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._questions)
        search = self._search
        number = search.next_number
        search.view.budget_left = self._budget.in_words(
            search.seconds, search.n_evaluated, search.ledger
        )
        rng = np.random.default_rng([search.seed, number, 1])
        question = asking.prepare(number, search.view, rng)
        if question is None:
            return False
        search.next_number = number + 1
        self._asked[self._threads.submit(question)] = number
        return True

    def _take_answer(self, proposal: Proposal) -> list[Entry]:
        """Write an answer down; returns its entry where there is nothing to evaluate."""
        if not self._is_worth_keeping(proposal):
            self._search.note_unanswered(proposal)
            return []
        self._search.record_answer(self._journal, proposal)
        something = proposal.source is not None or proposal.law is not None
        if something and not self._search.remember(proposal):
            known = Verdict(np.inf, failure="not new: the same program was proposed before")
            return [self._record(proposal, known, 0.0)]
        return []

    def _record(self, proposal: Proposal, verdict: Verdict, seconds: float) -> Entry:
        entry = Entry(proposal, verdict, "", seconds)
        return self._search.record(self._journal, entry, self._asking)
