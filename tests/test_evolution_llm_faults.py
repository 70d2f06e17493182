"""Faults around a language model: clients that cannot be opened, refusals, costs, lost answers."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import openai_server
import pytest
from openai_server import FakeEndpoint, Reply, fenced, region

from harness.errors import UserError
from harness.evolution.archive import Added
from harness.evolution.gateway import ProgramGateway, TrainSide, Verdict, train_side
from harness.evolution.llm import LlmProposer, LlmSettings, ModelChoice, make_proposer, words
from harness.evolution.llm import proposer as module
from harness.evolution.llm.answers import program_of
from harness.evolution.llm.key import Key
from harness.evolution.llm.prompt import Parent, write_question
from harness.evolution.llm.proposer import as_program
from harness.evolution.llm.sections import judged, rules
from harness.evolution.proposals import Entry, Proposal, Usage, View
from harness.evolution.search import Search, SearchSettings
from harness.sandbox import Sandbox
from harness.tasks import load_catalogue

KEY = "sk-very-secret-0123456789"
PASSWORD = "proxy-password"
GOOD = Reply(fenced(region("np.ones(len(x)), x[:, 0], x[:, 1]", "Linear.")), tokens=(200, 70))
PROXIES = ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY")


def settings(**changes: Any) -> LlmSettings:
    fields: dict[str, Any] = {
        "models": (ModelChoice(name="small"),),
        "timeout": 5.0,
        "tries": 1,
        "retry_delay": 0.001,
        "most_sleep": 0.002,
    }
    return LlmSettings(**{**fields, **changes})


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for name in ("OPENAI_BASE_URL", *PROXIES):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(scope="module")
def side() -> TrainSide:
    return train_side(load_catalogue().find("nano_moe"))


def begun(side: TrainSide, **changes: Any) -> View:
    """Return what is known when one law was evaluated."""
    search = Search(side, 1, SearchSettings(**changes))
    proposal = search.propose(0)
    assert proposal is not None
    assert proposal.law is not None
    entry = Entry(proposal, Verdict(-3.0, (0.1,), proposal.law.n_constants), str(Added.NEW))
    search.view.entries[proposal.number] = entry
    return search.view


@pytest.fixture(scope="module")
def view(side: TrainSide) -> View:
    return begun(side)


def ask(proposer: LlmProposer, view: View, number: int = 50) -> Proposal | None:
    """Ask as a search does, in a thread; None where nobody is asked any more."""
    question = proposer.prepare(number, view, np.random.default_rng(number))
    if question is None:
        return None
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(question).result()


def usage_of(proposal: Proposal | None) -> Usage:
    assert proposal is not None
    assert proposal.usage is not None
    return proposal.usage


# Clients that cannot be opened


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ALL_PROXY", f"what://me:{PASSWORD}@127.0.0.1:9"),
        ("OPENAI_BASE_URL", f"http://me:{PASSWORD}@127.0.0.1:port/v1"),
    ],
)
def test_a_client_that_cannot_be_opened_ends_before_the_search_begins(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(UserError, match="cannot be opened") as caught:
        make_proposer(settings())
    assert variable in str(caught.value)
    assert PASSWORD not in str(caught.value)
    assert KEY not in str(caught.value)


def test_what_nobody_expected_is_said_once_and_gives_the_model_up(view: View) -> None:
    def broken(**_: object) -> None:
        raise RuntimeError(KEY)

    said: list[str] = []
    proposer = LlmProposer(settings(base_url="http://127.0.0.1:9/v1"), Key(KEY), said.append)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("openai.AsyncOpenAI", broken)
        answers = [ask(proposer, view, number) for number in range(5)]
    failures = [one.failure for one in answers if one is not None]
    assert failures == [f"{words.PROVIDER_FAILED}unexpected RuntimeError"] * 3
    assert said == ["small is not asked any more in this run: unexpected RuntimeError"]


# Refusals


def test_a_model_whose_questions_are_all_refused_is_given_up_and_why_is_told(view: View) -> None:
    said: list[str] = []
    bad = Reply(status=400, error={"message": f"no such thing, {KEY}", "param": None})
    with FakeEndpoint(default=bad) as endpoint:
        proposer = LlmProposer(settings(base_url=endpoint.url, denials=1), Key(KEY), said.append)
        answers = [ask(proposer, view, number) for number in range(6)]
    assert len(endpoint.asked) == sum(one is not None for one in answers) == 3
    first, last = said
    assert first.startswith("small did not answer a question, and is asked again later: ")
    assert last.startswith("small is not asked any more in this run: ")
    for line in said:
        assert "refuses the question (HTTP 400)" in line
        assert "no such thing" not in line
        assert KEY not in line
    assert proposer.warnings == said


def test_a_question_refused_now_and_then_is_no_reason_to_give_up(view: View) -> None:
    bad = Reply(status=400)
    with FakeEndpoint([bad, bad, GOOD, bad, bad, Reply(status=503), bad, bad, GOOD]) as endpoint:
        proposer = LlmProposer(settings(base_url=endpoint.url), Key(KEY))
        answers = [ask(proposer, view, number) for number in range(9)]
    assert len(endpoint.asked) == 9
    assert sum(one is not None and one.source is not None for one in answers) == 2
    assert len(proposer.warnings) == 1


def test_of_each_model_the_first_failure_is_told(view: View) -> None:
    with FakeEndpoint(default=Reply(status=500, error={"message": KEY})) as endpoint:
        models = (ModelChoice(name="small"), ModelChoice(name="large"))
        proposer = LlmProposer(settings(base_url=endpoint.url, models=models), Key(KEY))
        for number in range(12):
            assert ask(proposer, view, number) is not None
    assert sorted(line.split()[0] for line in proposer.warnings) == ["large", "small"]
    assert all("HTTP 500" in line for line in proposer.warnings)


# Costs


@pytest.mark.parametrize(
    ("usage", "answered"),
    [
        ({"prompt_tokens": 200, "completion_tokens": 30, "total_tokens": 900}, 700),
        ({"prompt_tokens": 200, "completion_tokens": 70, "total_tokens": 270}, 70),
        ({"prompt_tokens": 200, "completion_tokens": 70, "total_tokens": 0}, 70),
        ({"prompt_tokens": 200, "completion_tokens": 70, "total_tokens": "many"}, 70),
        ({"prompt_tokens": 200, "completion_tokens": None, "total_tokens": 900}, 700),
        ({"prompt_tokens": "200", "completion_tokens": 70.0, "total_tokens": 270}, 70),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_tokens_that_only_the_total_counts_are_counted(
    view: View,
    usage: dict[str, Any],
    answered: int,
    stream: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(openai_server, "_usage", lambda _: usage)
    with FakeEndpoint([GOOD]) as endpoint:
        found = ask(LlmProposer(settings(base_url=endpoint.url, stream=stream), Key(KEY)), view)
    spent = usage_of(found)
    assert (spent.tokens_in, spent.tokens_out, spent.estimated) == (200, answered, False)


@pytest.mark.parametrize("usage", [(0, 0), (200, 0)], ids=["nothing at all", "no answer"])
def test_counts_that_cannot_be_are_estimated(view: View, usage: tuple[int, int]) -> None:
    with FakeEndpoint([replace(GOOD, tokens=usage)]) as endpoint:
        found = ask(LlmProposer(settings(base_url=endpoint.url), Key(KEY)), view)
    spent = usage_of(found)
    assert spent.estimated
    assert spent.tokens_in > 0
    assert spent.tokens_out == -(-len(GOOD.text or "") // 4)


def test_of_an_answer_in_parts_what_was_thought_is_no_part(view: View) -> None:
    parts = [{"type": "thinking", "thinking": []}, {"type": "text", "text": GOOD.text}, 5]
    choice = {"index": 0, "finish_reason": "stop", "message": {"content": parts}}
    body = json.dumps({"id": "1", "choices": [choice]}).encode()
    with FakeEndpoint([Reply(body=body)]) as endpoint:
        found = ask(LlmProposer(settings(base_url=endpoint.url), Key(KEY)), view)
    assert found.source is not None


def test_a_model_that_fails_does_not_count_as_cheap(view: View) -> None:
    models = (ModelChoice(name="good"), ModelChoice(name="broken"))
    proposer = LlmProposer(settings(models=models), Key(KEY))
    parents = tuple(view.entries)
    failure = f"{words.PROVIDER_FAILED}the endpoint fails (HTTP 500)"
    for number in range(10):
        kept = Proposal(number, "good", "x", 0, parents, source="x", usage=Usage("good", 3000, 900))
        proposer.learn(Entry(kept, Verdict(0.0), str(Added.NEW)), view)
        lost = Proposal(number, "broken", "x", 0, usage=Usage("broken"), failure=failure)
        proposer.learn(Entry(lost, Verdict(np.inf), str(Added.FAILED)), view)
    rng = np.random.default_rng(0)
    drawn = [proposer.bandit.choose(rng, ["good", "broken"]) for _ in range(400)]
    assert drawn.count("good") > 200
    assert proposer.bandit.shares()["good"] > 0.5


# Answers that were paid for


def test_an_answer_is_kept_though_time_ends_while_it_is_checked(
    view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing a connection that was kept alive waits, and is where the question is stopped."""

    def slow(*arguments: Any) -> str:
        proposer.stop()
        return program_of(*arguments)

    monkeypatch.setattr(module, "program_of", slow)
    with FakeEndpoint([GOOD], keep_alive=True) as endpoint:
        proposer = LlmProposer(settings(base_url=endpoint.url), Key(KEY))
        found = ask(proposer, view)
    assert found is not None
    assert (found.failure, usage_of(found).tokens_in) == ("", 200)
    assert found.source is not None


def test_an_answer_is_kept_though_closing_the_client_fails(
    view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("openai.AsyncOpenAI.close", broken)
    with FakeEndpoint([GOOD]) as endpoint:
        found = ask(LlmProposer(settings(base_url=endpoint.url), Key(KEY)), view)
    assert found is not None
    assert found.source is not None


# Prompts


def test_a_search_with_the_robust_loss_shows_robust_programs_and_says_so(side: TrainSide) -> None:
    robust, usual = begun(side, loss="robust"), begun(side)
    (number,) = robust.entries
    text = as_program(robust, number)
    assert "fit_robust(columns" in text
    assert "fit_robust" not in as_program(usual, number)
    messages = write_question(settings(), robust, Parent(number, text))
    assert words.ROBUST in messages[1]["content"]
    assert words.ROBUST not in judged(usual)


def test_models_are_told_how_many_fits_an_evaluation_makes(
    view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def noted(_: object, source: str, questions: list[object], *__: object) -> None:
        asked.append(len(questions))
        raise StopIteration

    monkeypatch.setattr(ProgramGateway, "_predicted", noted)
    gateway = ProgramGateway(view.side, view.rows, view.folds, Sandbox())
    with pytest.raises(StopIteration):
        gateway.evaluate("x = 1")
    assert f"({asked[0]} of them)" in rules(view)
