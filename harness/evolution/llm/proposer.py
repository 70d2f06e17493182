"""Asks language models for better programs."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from harness.evolution.archive import Added
from harness.evolution.emit import Emission, write_program
from harness.evolution.llm import words
from harness.evolution.llm.answers import idea_of, program_of
from harness.evolution.llm.bandit import Bandit, earned
from harness.evolution.llm.endpoint import Endpoint, Messages, ProviderError, Spent
from harness.evolution.llm.key import Key
from harness.evolution.llm.prompt import (
    Parent,
    follow_up,
    room_for_program,
    skeleton,
    write_question,
)
from harness.evolution.llm.region import NoRewriteError
from harness.evolution.llm.settings import LlmSettings
from harness.evolution.proposals import Entry, Proposal, Usage, View
from harness.evolution.starts import start_points

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_PARENT_DRAWS = 8
_STARTS = 4
_MILLION = 1_000_000
_REFUSALS = 3
"""One question may be refused for what stands in it; so many in a row are no accident."""


@dataclass(slots=True)
class _Health:
    """How a model's provider does in this run."""

    denied: int = 0
    """Questions in a row that were denied or refused."""
    down: int = 0
    """Questions in a row that were not answered."""
    told: bool = False
    """Whether people were told that it fails."""
    off: bool = False
    rest_until: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    """All that a thread needs to ask."""

    number: int
    model: str
    island: int
    parent: Parent
    messages: Messages
    rng: np.random.Generator


class LlmProposer:
    """Rewrites programs of the archive by asking models; see ``AskingProposer``.

    What models earn is learnt in the loop's thread; questions run in threads of their own and share
    nothing but the providers' health.
    """

    def __init__(
        self, settings: LlmSettings, key: Key, warn: Callable[[str], None] | None = None
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            settings: How models are asked.
            key: Of the endpoint.
            warn: Is told, in one line, when a model first fails and when it is given up; in any
                thread.
        """
        self.settings = settings
        self.bandit = Bandit(settings.models)
        self.warnings: list[str] = []
        self._warn = warn
        self._key = key
        self._endpoint = Endpoint(settings, key)
        self._in_dollars = all(model.name in settings.prices for model in settings.models)
        self._lock = threading.Lock()
        self._health = {model.name: _Health() for model in settings.models}
        self._running: set[tuple[asyncio.AbstractEventLoop, asyncio.Task[Proposal]]] = set()
        self._stopped = False

    def prepare(
        self, number: int, view: View, rng: np.random.Generator
    ) -> Callable[[], Proposal] | None:
        """Choose a model and a parent, and write the question; see ``AskingProposer``."""
        model = self.bandit.choose(rng, self._who_can_be_asked())
        if model is None:
            return None
        island = number % view.archive.n_islands
        parent = self._parent(island, view, rng)
        messages = write_question(self.settings, view, parent)
        return partial(self._ask, _Question(number, model, island, parent, messages, rng))

    def learn(self, entry: Entry, view: View) -> None:
        """Take note of what a proposal earned for what it cost."""
        proposal, usage = entry.proposal, entry.proposal.usage
        if usage is None or proposal.failure == words.STOPPED:
            return
        before = [
            view.entries[one].verdict.fitness for one in proposal.parents if one in view.entries
        ]
        gain = min(before) - entry.verdict.fitness if before else -np.inf
        kept = entry.outcome in {Added.NEW, Added.BETTER}
        tokens = usage.tokens_in + usage.tokens_out
        cost = (usage.dollars or 0.0) if self._in_dollars else float(tokens)
        unanswered = not tokens and proposal.failure.startswith(words.PROVIDER_FAILED)
        self.bandit.learn(usage.model, earned(gain, kept=kept), None if unanswered else cost)

    def stop(self) -> None:
        """Have all questions under way end soon; none is asked afterwards."""
        with self._lock:
            self._stopped = True
            for loop, task in self._running:
                loop.call_soon_threadsafe(task.cancel)

    def _who_can_be_asked(self) -> list[str]:
        """Return the models that are not switched off; those at rest only where all are."""
        now = time.monotonic()
        with self._lock:
            on = [name for name, health in self._health.items() if not health.off]
            awake = [name for name in on if self._health[name].rest_until <= now]
        return awake or on

    def _parent(self, island: int, view: View, rng: np.random.Generator) -> Parent:
        """Return an elite of the island as a program, such that the question has room for it."""
        room = min(room_for_program(self.settings, view), self.settings.max_code_length)
        for _ in range(_PARENT_DRAWS):
            member = view.archive.parent(island, rng)
            if member is None:
                break
            parent = Parent(member.number, as_program(view, member.number))
            if len(parent.text) <= room:
                return parent
        for member in view.archive.best(_PARENT_DRAWS):
            parent = Parent(member.number, as_program(view, member.number))
            if len(parent.text) <= room:
                return parent
        return skeleton(view.side)

    def _ask(self, question: _Question) -> Proposal:
        """Ask, in a thread that waits for nothing else."""
        spent = Spent()
        try:
            return asyncio.run(self._stoppable(question, spent))
        except asyncio.CancelledError:
            return self._failed(question, spent, words.STOPPED)
        except Exception as error:  # whatever it is, the search goes on, but does not ask for ever
            unexpected = ProviderError(f"unexpected {type(error).__name__}", denied=True)
            return self._unanswered(question, spent, unexpected)

    async def _stoppable(self, question: _Question, spent: Spent) -> Proposal:
        task = asyncio.ensure_future(self._answered(question, spent))
        running = (asyncio.get_running_loop(), task)
        with self._lock:
            if self._stopped:
                task.cancel()
            self._running.add(running)
        try:
            return await task
        finally:
            with self._lock:
                self._running.discard(running)

    async def _answered(self, question: _Question, spent: Spent) -> Proposal:
        await asyncio.sleep(self._rest_of(question.model))
        proposal: Proposal | None = None
        try:
            async with self._endpoint.open() as client:
                proposal = await self._converse(client, question, spent)
        except ProviderError as error:
            return self._unanswered(question, spent, error)
        except (Exception, asyncio.CancelledError):
            if proposal is None:
                raise
            # Only closing the client was stopped, or failed: what was paid for is kept.
        self._hear(question.model, None)
        return proposal

    async def _converse(self, client: AsyncOpenAI, question: _Question, spent: Spent) -> Proposal:
        """Ask, and once more where the answer is no program."""
        deadline = time.monotonic() + self.settings.deadline
        messages, problem = question.messages, ""
        for again in (False, True):
            if again:
                spent.retries += 1
            answer = await self._endpoint.ask(
                client, question.model, messages, spent, question.rng, deadline
            )
            problem = answer.problem
            if not problem:
                try:
                    return self._rewritten(question, answer.text, spent)
                except NoRewriteError as error:
                    problem = str(error)
            messages = follow_up(self.settings, question.messages, answer.text, problem)
        return self._failed(question, spent, f"{words.NO_PROGRAM}{problem}")

    def _rewritten(self, question: _Question, text: str, spent: Spent) -> Proposal:
        settings = self.settings
        program = program_of(text, question.parent.text, settings.rewrite, settings.max_code_length)
        return self._proposal(question, spent, how=idea_of(text), source=program)

    def _unanswered(self, question: _Question, spent: Spent, error: ProviderError) -> Proposal:
        self._hear(question.model, error)
        return self._failed(question, spent, f"{words.PROVIDER_FAILED}{error}")

    def _failed(self, question: _Question, spent: Spent, why: str) -> Proposal:
        line = " ".join(self._key.scrub(why).split())
        return self._proposal(question, spent, failure=line)

    def _proposal(
        self,
        question: _Question,
        spent: Spent,
        *,
        how: str = "",
        source: str | None = None,
        failure: str = "",
    ) -> Proposal:
        number = question.parent.number
        price = self.settings.prices.get(question.model)
        dollars = None
        if price is not None:
            dollars = (spent.tokens_in * price[0] + spent.tokens_out * price[1]) / _MILLION
        return Proposal(
            number=question.number,
            proposer=question.model,
            how=how or "rewritten",
            island=question.island,
            parents=() if number is None else (number,),
            source=source,
            usage=Usage(
                question.model,
                spent.tokens_in,
                spent.tokens_out,
                dollars,
                spent.retries,
                spent.estimated,
            ),
            failure=failure,
        )

    def _rest_of(self, model: str) -> float:
        with self._lock:
            return max(0.0, self._health[model].rest_until - time.monotonic())

    def _hear(self, model: str, error: ProviderError | None) -> None:
        """Note how a question went: a provider that fails rests, one that denies is given up.

        People are told of a model's first failure and when it is given up; of denials then only.
        """
        settings, warning = self.settings, ""
        with self._lock:
            health = self._health[model]
            if error is None:
                health.denied = health.down = 0
                return
            useless = error.denied or error.refused
            health.denied = health.denied + 1 if useless else 0
            if not error.denied:
                health.down += 1
                rest = settings.retry_delay * 2.0 ** min(health.down, 16)
                health.rest_until = time.monotonic() + min(rest, settings.most_sleep)
            most = settings.denials if error.denied else max(settings.denials, _REFUSALS)
            if useless and health.denied >= most and not health.off:
                health.off = True
                warning = f"{model} is not asked any more in this run: {error}"
            elif not error.denied and not health.told and not health.off:
                health.told = True
                warning = f"{model} did not answer a question, and is asked again later: {error}"
            if warning:
                self.warnings.append(warning)
        if warning and self._warn is not None:
            self._warn(warning)


def as_program(view: View, number: int) -> str:
    """Return an entry's program: its text, or its tree written as one.

    Fits of the written one begin at the usual starts. What was found for all train rows must not
    stand in it: text is judged on folds of them, and would seem to foresee the judged rows.

    Args:
        view: What is known.
        number: Of the entry.
    """
    entry = view.entries[number]
    law = entry.proposal.law
    if law is None:
        return entry.proposal.source or ""
    about = Emission(
        title=f"A law for {view.side.title}.",
        axes=view.rows.axes,
        targets=view.rows.targets,
        starts=start_points(law, _STARTS),
        origin=f"Program {number} of a search: {entry.proposal.how}.",
        loss=view.rows.loss,
    )
    return write_program(law, about)
