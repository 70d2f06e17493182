"""Language models as proposers: rewriting, prompts, weights, configurations, and bad endpoints."""

from __future__ import annotations

import ast
import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from openai_server import FakeEndpoint, Reply, fenced, region

from harness.candidates.markers import END, START
from harness.cli.evolve import search_settings
from harness.errors import UserError
from harness.evolution import sitting
from harness.evolution.archive import Added
from harness.evolution.gateway import TrainSide, Verdict, train_side
from harness.evolution.ledger import Budget, Ledger
from harness.evolution.llm import LlmProposer, LlmSettings, ModelChoice, make_proposer, words
from harness.evolution.llm.answers import idea_of, program_of
from harness.evolution.llm.bandit import Bandit, earned
from harness.evolution.llm.config import read_config
from harness.evolution.llm.key import Key, read_key
from harness.evolution.llm.prompt import (
    Parent,
    follow_up,
    room_for_program,
    skeleton,
    write_question,
)
from harness.evolution.llm.proposer import as_program
from harness.evolution.llm.region import (
    NoRewriteError,
    cut,
    rewrite_by_diff,
    rewrite_whole,
)
from harness.evolution.llm.residuals import describe, relative_errors
from harness.evolution.llm.settings import FOLLOW_UP, is_local
from harness.evolution.proposals import Entry, Proposal, Usage, View
from harness.evolution.search import Search
from harness.evolution.sitting import run
from harness.evolution.textbook import textbook
from harness.evolution.workers import LawWorkers, ProgramWorkers
from harness.results.journal import Journal
from harness.tasks import load_catalogue

KEY = "sk-very-secret-0123456789"
MODELS = (ModelChoice(name="small"), ModelChoice(name="large"))
PROGRAM = f"""\
import numpy as np

# {START}
def fit_scaling_law(data_points, loss_values):
    x = np.log(data_points)
    return np.linalg.lstsq(x, loss_values, rcond=None)[0]

def scaling_law_func(data_points, params):
    x = np.log(data_points)
    return x @ params
# {END}
TAIL = 1  \t
"""
LINEAR = region("np.ones(len(x)), x[:, 0], x[:, 1]", "Linear.")
CROSSED = region("np.ones(len(x)), x[:, 0], x[:, 1], x[:, 0] * x[:, 1]", "Crossed.")


def blocks(*pairs: tuple[str, str]) -> str:
    return "\n".join(
        f"<<<<<<< SEARCH\n{search}\n=======\n{new}\n>>>>>>> REPLACE" for search, new in pairs
    )


def settings(**changes: Any) -> LlmSettings:
    fields: dict[str, Any] = {
        "models": MODELS,
        "timeout": 5.0,
        "tries": 3,
        "retry_delay": 0.01,
        "most_sleep": 0.05,
    }
    return LlmSettings(**{**fields, **changes})


@pytest.fixture(scope="session")
def side() -> TrainSide:
    return train_side(load_catalogue().find("nano_moe"))


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


class Nowhere:
    """Where events go that nobody reads."""

    def append(self, number: int, event: dict[str, Any]) -> None:
        json.dumps(event, allow_nan=False)


@pytest.fixture(scope="session")
def judged(side: TrainSide) -> Search:
    """A search with some library forms judged; not to be changed."""
    search = Search(side, 1)
    workers = LawWorkers(search.rows, search.folds, 1)
    for number in range(14):
        proposal = search.propose(number)
        assert proposal is not None
        assert proposal.law is not None
        verdict = workers.submit(proposal.law, None).result()
        search.record(Nowhere(), Entry(proposal, verdict, ""), None)  # type: ignore[arg-type]
    return search


# Rewriting


def test_the_whole_region_is_replaced_and_the_rest_kept_byte_for_byte() -> None:
    program = PROGRAM.replace("TAIL", "# Ä\r\nTAIL")
    found = rewrite_whole(program, "def new():\n    pass")
    head, tail = program.split(f"# {START}\n")[0], program.split(f"# {END}")[1]
    assert found == f"{head}# {START}\ndef new():\n    pass\n# {END}{tail}"


def test_markers_in_an_answer_move_no_marker() -> None:
    whole = PROGRAM.replace("x @ params", "x @ params + 1").replace("TAIL", "EVIL")
    found = rewrite_whole(PROGRAM, whole)
    assert found == PROGRAM.replace("x @ params", "x @ params + 1")
    sneaky = f"a = 1\n# {END}\nb = 2"
    assert cut(rewrite_whole(PROGRAM, sneaky)).kept == cut(PROGRAM).kept
    diff = blocks(("    return x @ params", f"    return x @ params\n# {END}\nb = 1\n# {START}"))
    assert cut(rewrite_by_diff(PROGRAM, diff)).kept == cut(PROGRAM).kept


def test_a_program_without_markers_is_all_region_and_several_regions_stay_apart() -> None:
    bare = "a = 1\nb = 2\n"
    assert rewrite_by_diff(bare, blocks(("b = 2", "b = 3"))) == "a = 1\nb = 3\n"
    two = f"x\n# {START}\na = 1\n# {END}\ny\n# {START}\nb = 1\n# {END}\nz"
    assert rewrite_by_diff(two, blocks(("b = 1", "b = 2"), ("a = 1", ""))) == two.replace(
        "b = 1", "b = 2"
    ).replace("a = 1\n", "\n")
    assert rewrite_whole(two, two.replace("a = 1", "a = 5")) == two.replace("a = 1", "a = 5")
    with pytest.raises(NoRewriteError, match="2 regions"):
        rewrite_whole(two, "a = 5")


def test_changes_are_made_where_their_lines_stand_once() -> None:
    changed = rewrite_by_diff(
        PROGRAM,
        "Words.\n```\n"
        + blocks(
            ("    return x @ params  ", "    y = x @ params\n    return y"),
            ("    return y", "    return np.exp(y)"),
        )
        + "\n```",
    )
    assert "    y = x @ params\n    return np.exp(y)\n# " in changed
    assert cut(changed).kept == cut(PROGRAM).kept


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("nothing", "no blocks"),
        (blocks(("    x = np.log(data_points)", "    x = data_points")), "2 times"),
        (blocks(("    return 5", "")), "nowhere"),
        (blocks(("x @ params", "x")), "nowhere"),
        (blocks(("import numpy as np", "import os")), "nowhere"),
        (blocks(("TAIL = 1", "TAIL = 2")), "nowhere"),
        (blocks(("", "a = 1")), "SEARCH is empty"),
        (blocks(("    return x @ params", "    return x @ params")), "the same as before"),
        ("<<<<<<< SEARCH\na\n=======\nb", "ends without"),
        ("<<<<<<< SEARCH\na\n>>>>>>> REPLACE", "no ======="),
        ("<<<<<<< SEARCH\na\n<<<<<<< SEARCH\nb\n=======\nc\n>>>>>>> REPLACE", "before the next"),
        (">>>>>>> REPLACE", "without <<<<<<< SEARCH"),
    ],
)
def test_changes_that_cannot_be_made_say_why(answer: str, why: str) -> None:
    with pytest.raises(NoRewriteError, match=why):
        rewrite_by_diff(PROGRAM, answer)


def test_the_complete_and_last_of_several_code_blocks_counts() -> None:
    sketch = "IDEA: **x**\n```python\ny = 1\n```\n```bash\nls\n```\n"
    text = sketch + fenced(LINEAR) + "or better:\n" + fenced(CROSSED)
    assert cut(program_of(text, PROGRAM, "diff", 9999)).texts == (CROSSED,)
    thought = f"<think>{fenced(CROSSED)}</think>" + fenced(LINEAR)
    assert cut(program_of(thought, PROGRAM, "whole", 9999)).texts == (LINEAR,)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("I would rather not.", "no fenced python block"),
        ("```python\ndef fit_scaling_law(a, b):\n    pass", "not closed"),
        ("```python\ny = 1\n```", "no code block defines"),
        (fenced(LINEAR.replace("np.exp(", "np.exp((")), "SyntaxError"),
        (fenced("import torch\n" + LINEAR), "imports 'torch'"),
        (fenced(LINEAR.replace("(data_points, params)", "(params)")), "is called with 2"),
        (fenced("# long\n" * 900 + LINEAR), "characters; 5,000 at most"),
        (fenced("y = " + "-" * 3000 + "1\n" + LINEAR), "cannot|deeply"),
        (fenced("if 0:\n pass\n" + "elif 0:\n pass\n" * 250 + LINEAR), "nested too deeply"),
        (fenced(LINEAR + "\x00"), "cannot run"),
    ],
)
def test_answers_without_a_program_that_can_run_say_why(answer: str, why: str) -> None:
    with pytest.raises(NoRewriteError, match=why):
        program_of(answer, PROGRAM, "whole", 5000)


def test_an_idea_is_one_short_printable_line() -> None:
    assert idea_of("Text\n**IDEA:** a shifted \x1b[1m power\nmore") == "a shifted \ufffd[1m power"
    assert len(idea_of("idea: " + "x" * 500)) == 100
    assert idea_of("none") == ""


# Prompts


def test_a_prompt_holds_the_task_the_rules_the_parent_and_what_is_known(judged: Search) -> None:
    view = replace(judged.view, budget_left="17 evaluations")
    best = view.archive.best()[0].number
    tried = Proposal(90, "small", "a wild idea", 0, (best,), source=PROGRAM, usage=Usage("small"))
    view.entries = {
        **view.entries,
        90: Entry(tried, Verdict(np.inf, failure="candidate error: no\nway"), "no fitness"),
    }
    parent = Parent(best, as_program(view, best))
    system, user = (one["content"] for one in write_question(settings(), view, parent))
    for part in ("fit_scaling_law", "scaling_law_func", "(N, 2)", "numpy and scipy", "7 numbers"):
        assert part in system
    side = view.side
    told = [side.title, side.known_law, parent.text.rstrip(), "0.03", "17 evaluations", "<<<<<<<"]
    told += [part for column in (*side.features, *side.targets) for part in column]
    told += [fold.name for fold in view.folds]
    told += ["#90 a wild idea: candidate error: no way", "largest third", "group tokens_4.2M"]
    told += [f"#{member.number}, fitness" for member in view.archive.best(4)]
    for part in told:
        assert part in user, part
    whole = write_question(settings(rewrite="whole", system_message="Be bold."), view, parent)
    assert whole[0]["content"].startswith("Be bold.\n\n")
    assert "<<<<<<<" not in whole[1]["content"]


@pytest.mark.parametrize("chars", [10_000, 12_000, 40_000])
def test_prompts_have_a_limit(judged: Search, chars: int) -> None:
    view = replace(judged.view)
    view.side = replace(view.side, description="word " * 5000, known_law="x " * 5000)
    few = settings(prompt_chars=chars, top_programs=50, diverse_programs=50, system_message="Hm.")
    room = room_for_program(few, view)
    assert len(skeleton(view.side).text) < room
    member = view.archive.best()[0].number
    for parent in (Parent(member, "x = 1\n" * (room // 6)), skeleton(view.side)):
        messages = write_question(few, view, parent)
        used = sum(len(one["content"]) for one in messages)
        assert used <= chars - FOLLOW_UP + len("Hm.\n\n")
        assert parent.text.rstrip() in messages[1]["content"]
        again = follow_up(few, messages, "answer " * 9000, "problem " * 9000)
        assert sum(len(one["content"]) for one in again) <= chars + len("Hm.\n\n")
        assert [one["role"] for one in again] == ["system", "user", "assistant", "user"]


def test_the_frame_is_a_program(judged: Search) -> None:
    text = skeleton(judged.side).text
    assert cut(text).texts[0].startswith("def fit_scaling_law")
    ast.parse(text)


def test_what_was_found_on_all_train_rows_is_not_in_a_parents_program(judged: Search) -> None:
    """Text is judged on folds of the same rows: such constants would know the judged ones."""
    view = judged.view
    number = next(n for n, one in view.entries.items() if np.size(one.verdict.theta) > 1)
    entry = view.entries[number]
    assert entry.verdict.theta is not None
    other = replace(entry, verdict=replace(entry.verdict, theta=entry.verdict.theta + 1.0))
    changed = View(view.side, view.rows, view.folds, view.archive, {**view.entries, number: other})
    assert as_program(changed, number) == as_program(view, number)


def test_a_tree_is_shown_as_a_program_with_one_region(judged: Search) -> None:
    number = next(m.number for m in judged.view.archive if judged.view.entries[m.number].verdict)
    text = as_program(judged.view, number)
    ast.parse(text)
    assert len(cut(text).texts) == 1


def test_misses_are_signed_and_by_feature(judged: Search) -> None:
    rows = judged.rows
    entry = judged.view.entries[judged.view.archive.best()[0].number]
    law, theta = entry.proposal.law, entry.verdict.theta
    assert law is not None
    assert theta is not None
    off = relative_errors(rows, law, theta)
    assert np.nanmax(np.abs(off)) < 0.2
    large = rows.values[0, :, 1] > np.quantile(rows.values[0, :, 1], 2 / 3, method="lower")
    line = describe(rows, law, theta)[0]
    assert f"dense_params {off[0, large, 0].mean():+.2%} / {off[0, ~large, 0].mean():+.2%}" in line
    assert len(describe(rows, law, theta)) == len(rows.groups)


# Weights


def test_models_that_earn_more_for_their_cost_are_asked_more() -> None:
    bandit = Bandit([ModelChoice(name=name) for name in "abc"])
    for _ in range(40):
        bandit.learn("a", 0.5, 10.0)
        bandit.learn("b", 0.5, 1000.0)
        bandit.learn("c", 0.0, 10.0)
        bandit.learn("unknown", 1.0, 0.0)
    rng = np.random.default_rng(0)
    chosen = [bandit.choose(rng, "abc") for _ in range(200)]
    assert chosen.count("a") > 150
    assert chosen == [bandit.choose(r, "abc") for r in [np.random.default_rng(0)] for _ in chosen]
    assert bandit.shares()["a"] > bandit.shares()["c"] > 0
    assert sum(bandit.shares().values()) == pytest.approx(1)
    assert bandit.choose(rng, ["b"]) == "b"
    assert bandit.choose(rng, []) is None


def test_weights_count_before_anything_is_known() -> None:
    bandit = Bandit([ModelChoice(name="a", weight=9.0), ModelChoice(name="b", weight=1.0)])
    rng = np.random.default_rng(0)
    chosen = [bandit.choose(rng, "ab") for _ in range(300)]
    assert 180 < chosen.count("a") < 300


def test_what_a_question_earns_grows_with_the_gain() -> None:
    gains = [earned(gain, kept=True) for gain in (0.0, 0.2, 0.5)]
    assert gains == sorted(gains)
    assert earned(-np.inf, kept=False) == earned(np.nan, kept=False) == 0.0
    assert 0 < earned(-1.0, kept=True) < earned(0.1, kept=False) < 1


def test_learning_takes_gain_cost_and_failed_providers(judged: Search) -> None:
    proposer = LlmProposer(settings(prices={"small": (1, 2), "large": (1, 2)}), Key(KEY))
    view, best = judged.view, judged.view.archive.best()[0]
    usage = Usage("small", 100, 50, 0.002)
    tried = Proposal(91, "small", "x", 0, (best.number,), source="x", usage=usage)
    better = Verdict(best.fitness - 0.1)
    proposer.learn(Entry(tried, better, str(Added.NEW)), view)
    arm = proposer.bandit.arms["small"]
    assert (arm.asked, arm.paid, arm.cost) == (1, 1, 0.002)
    assert arm.earned == pytest.approx(1 - np.exp(-1))
    failed = replace(tried, source=None, failure=f"{words.PROVIDER_FAILED}HTTP 500")
    proposer.learn(Entry(failed, Verdict(np.inf), str(Added.FAILED)), view)
    assert (arm.asked, arm.paid, arm.cost) == (2, 2, 0.004)
    assert arm.earned == pytest.approx(1 - np.exp(-1))
    # What was not answered costs nothing; that is no reason to call the model's answers cheap.
    free = replace(failed, usage=Usage("small", 0, 0, 0.0))
    proposer.learn(Entry(free, Verdict(np.inf), str(Added.FAILED)), view)
    assert (arm.asked, arm.paid, arm.cost) == (3, 2, 0.004)
    proposer.learn(Entry(replace(failed, failure=words.STOPPED), Verdict(np.inf), ""), view)
    assert arm.asked == 3


# Keys and settings


def test_keys_come_from_the_environment_and_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read_key(settings())
    assert found.reveal() == KEY
    assert KEY not in repr(found) + str(vars(LlmProposer(settings(), found)))
    assert found.scrub(f"a {KEY} b") == "a [key] b"
    monkeypatch.setenv("OTHER", "other-key")
    assert read_key(settings(key_variable="OTHER")).reveal() == "other-key"
    monkeypatch.delenv("OPENAI_API_KEY")
    assert read_key(settings(base_url="http://localhost:1/v1")).reveal() == "none"
    with pytest.raises(UserError, match="export OPENAI_API_KEY"):
        make_proposer(settings())
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY} {KEY}")
    with pytest.raises(UserError, match="blanks") as caught:
        make_proposer(settings())
    assert KEY not in str(caught.value)


def test_without_the_client_the_way_to_get_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(UserError, match=r"pip install 'sld-harness\[llm\]'"):
        make_proposer(settings())


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": f"https://me:{KEY}@host/v1"},
        {"base_url": f"https://host/v1?key={KEY}"},
        {"base_url": f"{KEY}://"},
        {"key_variable": KEY},
        {"prices": {"small": (1.0, float("nan"))}},
        {"models": ()},
        {"models": (MODELS[0], MODELS[0])},
        {"prompt_chars": 100},
        {"surprise": 1},
    ],
)
def test_wrong_settings_are_refused_without_showing_a_key(wrong: dict[str, Any]) -> None:
    from pydantic import ValidationError

    from harness.models import describe_problems

    with pytest.raises(ValidationError) as caught:
        settings(**wrong)
    assert KEY not in str(caught.value) + describe_problems(caught.value)


def test_endpoints_on_this_machine_are_told_from_others() -> None:
    assert is_local("http://127.0.0.1:8000/v1")
    assert is_local("http://localhost/v1")
    assert not is_local("https://api.example.com/v1")
    assert not is_local(None)


# Configurations

CONFIG = """\
max_iterations: 100
checkpoint_interval: 10
random_seed: 42
llm:
  primary_model: one
  primary_model_weight: 0.8
  secondary_model: two
  secondary_model_weight: 0.2
  api_base: https://api.example.com/v1
  temperature: 0.7
  top_p: 0.95
  max_tokens: 4096
  timeout: 60
  retries: 3
  retry_delay: 5
prompt:
  system_message: You find laws.
  num_top_programs: 4
  num_diverse_programs: 1
  template_dir: null
database:
  population_size: 50
  num_islands: 5
  migration_interval: 20
evaluator:
  timeout: 300
  parallel_evaluations: 4
  cascade_evaluation: false
diff_based_evolution: false
max_code_length: 10000
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_configuration_is_read_and_what_means_nothing_is_named(tmp_path: Path) -> None:
    config = read_config(write(tmp_path, CONFIG))
    assert (config.evaluations, config.seed, config.jobs) == (100, 42, 4)
    assert (config.n_islands, config.migration, config.evaluation_seconds) == (5, 20, 300.0)
    assert config.ignored == (
        "checkpoint_interval",
        "prompt.template_dir",
        "database.population_size",
        "evaluator.cascade_evaluation",
    )
    assert config.warnings == ()
    made = search_settings(config, robust=True)
    assert (made.n_islands, made.migration, made.limits.fit_seconds) == (5, 20, 300.0)
    assert made.loss == "robust"
    found = config.settings(temperature=0.1)
    assert [(model.name, model.weight) for model in found.models] == [("one", 0.8), ("two", 0.2)]
    assert found.base_url == "https://api.example.com/v1"
    assert (found.temperature, found.top_p, found.max_tokens) == (0.1, 0.95, 4096)
    assert (found.tries, found.retry_delay, found.timeout) == (4, 5.0, 60.0)
    assert (found.top_programs, found.diverse_programs) == (4, 1)
    assert (found.rewrite, found.max_code_length) == ("whole", 10000)
    assert found.system_message == "You find laws."


def test_a_list_of_models_goes_before_first_and_second(tmp_path: Path) -> None:
    text = "llm:\n  models:\n  - {name: a, weight: 2, top_k: 3}\n  - name: b\n"
    text += "  - {name: c, weight: 0}\n"
    config = read_config(write(tmp_path, text + "  primary_model: d\nseed: 3\n"))
    assert [(model.name, model.weight) for model in config.models] == [("a", 2.0), ("b", 1.0)]
    assert config.ignored == ("llm.models[0].top_k", "llm.primary_model")
    assert config.seed == 3
    with pytest.raises(UserError, match="--model"):
        read_config(write(tmp_path, "seed: 1\n")).settings()


def test_a_key_in_a_file_is_not_taken_and_never_shown(tmp_path: Path) -> None:
    text = f"llm:\n  api_key: {KEY}\n  models: [{{name: m, api_key: {KEY}}}]\n"
    config = read_config(write(tmp_path, text + f"  evaluator:\n    api_key: {KEY}\n"))
    assert len(config.warnings) == 3
    assert all("not used" in warning for warning in config.warnings)
    assert KEY not in repr(config)
    assert config.settings().key_variable == "OPENAI_API_KEY"
    named = read_config(write(tmp_path, "llm:\n  api_key: ${MY_KEY}\n  models: [{name: m}]\n"))
    assert named.settings().key_variable == "MY_KEY"
    assert named.warnings == named.ignored == ()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("max_iterations: many", "max_iterations: expected a whole number, got 'many'"),
        ("max_iterations: true", "max_iterations"),
        ("max_iterations: 0", "max_iterations: expected 1 or more"),
        ("seed: x", "seed"),
        ("llm: 3", "llm: expected keys and values, got 3"),
        ("llm: {models: a}", "llm.models"),
        ("llm: {models: [a]}", r"llm.models\[0\]"),
        ("llm: {models: [{weight: 1}]}", r"llm.models\[0\].name"),
        ("llm: {models: [{name: a, weight: x}]}", r"llm.models\[0\].weight"),
        ("llm: {temperature: .nan}", "llm.temperature"),
        ("llm: {api_base: 3}", "llm.api_base"),
        ("llm: {primary_model: [a]}", "llm.primary_model: expected text, got a list"),
        ("diff_based_evolution: maybe", "diff_based_evolution"),
        ("prompt: {system_message: {a: 1}}", "prompt.system_message"),
        ("- a", "max_iterations, llm"),
        ("a: 1\na: 2", "appears twice"),
    ],
)
def test_wrong_values_name_their_key(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(UserError, match=key):
        read_config(write(tmp_path, text + "\n"))


def test_a_configuration_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="of a search"):
        read_config(tmp_path / "none.yaml")


# Questions, one by one


def in_a_thread(question: Callable[[], Proposal]) -> Proposal:
    """Ask as a search does: in a thread of its own, where no other event loop can be running."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(question).result()


def ask(
    endpoint: FakeEndpoint, search: Search, proposer: LlmProposer | None = None, **changes: Any
) -> Proposal:
    """Ask one question of an endpoint."""
    made = proposer or LlmProposer(settings(base_url=endpoint.url, **changes), Key(KEY))
    question = made.prepare(50, search.view, np.random.default_rng(0))
    assert question is not None
    return in_a_thread(question)


def usage_of(proposal: Proposal) -> Usage:
    assert proposal.usage is not None
    return proposal.usage


GOOD = Reply(fenced(LINEAR, "lines"), tokens=(200, 70))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("bad", "retries", "tokens"),
    [
        ([], 0, (200, 70)),
        ([Reply(status=429, headers={"Retry-After": "0.02"})], 1, (200, 70)),
        ([Reply(status=429)], 1, (200, 70)),
        ([Reply(status=500), Reply(status=503)], 2, (200, 70)),
        ([Reply("x", cut=True)], 1, (200, 70)),
        ([Reply(dies=True)], 1, (200, 70)),
        ([Reply("hm")], 1, (300, 120)),
        ([Reply(fenced(LINEAR), finish="length")], 1, (300, 120)),
    ],
)
def test_bad_answers_are_asked_for_again(
    judged: Search, bad: list[Reply], retries: int, tokens: tuple[int, int], stream: bool
) -> None:
    with FakeEndpoint([*bad, GOOD]) as endpoint:
        found = ask(endpoint, judged, stream=stream, prices={"small": (10.0, 20.0)})
    usage = usage_of(found)
    assert found.failure == ""
    assert found.source is not None
    assert found.how == "lines"
    assert found.proposer == usage.model == endpoint.asked[0]["model"]
    assert usage.retries == retries == len(endpoint.asked) - 1
    assert (usage.tokens_in, usage.tokens_out, usage.estimated) == (*tokens, False)
    if usage.model == "small":
        assert usage.dollars == pytest.approx((10 * tokens[0] + 20 * tokens[1]) / 1e6)
    else:
        assert usage.dollars is None
    (parent,) = found.parents
    assert cut(found.source).kept == cut(as_program(judged.view, parent)).kept


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (Reply(choices=False), "no choices"),
        (Reply(None), "no text"),
        (Reply("  "), "no text"),
        (Reply(None, refusal="I cannot"), "refusal"),
        (Reply("x", finish="content_filter"), "refusal"),
        (Reply(fenced("def f(:")), "no code block defines"),
        (Reply(blocks(("nowhere", "x"))), "nowhere"),
        (Reply(fenced(LINEAR), finish="length"), "limit of tokens"),
    ],
)
def test_an_answer_without_a_program_is_asked_about_once(
    judged: Search, bad: Reply, problem: str
) -> None:
    with FakeEndpoint(default=bad) as endpoint:
        found = ask(endpoint, judged)
    assert found.source is None
    assert found.failure.startswith(words.NO_PROGRAM)
    assert problem in found.failure
    assert usage_of(found).retries == 1
    assert problem in endpoint.asked[1]["messages"][-1]["content"]
    assert (usage_of(found).tokens_in, usage_of(found).tokens_out) == (200, 100)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (Reply(status=500, error={"message": f"oh {KEY}"}), "HTTP 500"),
        (Reply(body=b'{"choices": [', tokens=None), "no JSON"),
        (Reply(body=b"[]"), "no JSON object"),
        (Reply(body=b'{"detail": "x"}'), "no chat completion"),
        (Reply(body=b"\xff\xfe"), "no JSON"),
        (Reply(slow=9.0, tokens=None), "no answer within"),
        (Reply(dies=True), "broke off"),
        (Reply(status=400, error={"message": f"bad {KEY}"}), "refuses the question"),
    ],
)
def test_an_endpoint_that_never_answers_is_no_exception(
    judged: Search, bad: Reply, why: str
) -> None:
    with FakeEndpoint(default=bad) as endpoint:
        found = ask(endpoint, judged, timeout=0.15)
    assert found.failure.startswith(words.PROVIDER_FAILED)
    assert why in found.failure
    assert KEY not in found.failure
    assert "\n" not in found.failure
    assert (usage_of(found).tokens_in, usage_of(found).dollars) == (0, None)
    assert len(endpoint.asked) == usage_of(found).retries + 1


def test_answers_that_count_no_tokens_are_estimated(judged: Search) -> None:
    with FakeEndpoint([replace(GOOD, tokens=None)]) as endpoint:
        usage = usage_of(ask(endpoint, judged))
    assert usage.estimated
    assert usage.tokens_in == -(-sum(map(len, endpoint.prompts)) // 4)
    assert usage.tokens_out == -(-len(GOOD.text or "") // 4)


def test_options_that_a_model_does_not_know_are_left_out(judged: Search) -> None:
    def choosy(question: dict[str, Any]) -> Reply:
        for name in ("max_tokens", "temperature"):
            if name in question:
                error = {"message": "unsupported", "param": name, "code": "unsupported_parameter"}
                return Reply(status=400, error=error)
        return GOOD

    with FakeEndpoint(default=choosy) as endpoint:
        proposer = LlmProposer(
            settings(base_url=endpoint.url, models=MODELS[:1], temperature=0.5), Key(KEY)
        )
        assert ask(endpoint, judged, proposer).source
        assert ask(endpoint, judged, proposer).source
    assert len(endpoint.asked) == 4
    assert endpoint.asked[-1]["max_completion_tokens"] == 8192


def test_a_key_that_an_endpoint_tells_goes_no_further(judged: Search) -> None:
    code = LINEAR + f"# {KEY}\n"
    with FakeEndpoint([Reply(fenced(code, f"use {KEY}"))]) as endpoint:
        found = ask(endpoint, judged, system_message=f"My key is {KEY}.")
    assert endpoint.keys == [f"Bearer {KEY}"]
    assert found.source is not None
    assert "[key]" in found.source
    assert KEY not in repr(found)
    assert not any(KEY in prompt for prompt in endpoint.prompts)


@pytest.mark.parametrize("status", [401, 403, 404, 402])
def test_a_model_that_is_denied_is_given_up_with_one_line(judged: Search, status: int) -> None:
    said: list[str] = []

    def answer(question: dict[str, Any]) -> Reply:
        bad = Reply(status=status, error={"message": f"Incorrect API key provided: {KEY}"})
        return bad if question["model"] == "small" else GOOD

    with FakeEndpoint(default=answer) as endpoint:
        proposer = LlmProposer(settings(base_url=endpoint.url, denials=2), Key(KEY), said.append)
        for number in range(12):
            question = proposer.prepare(number, judged.view, np.random.default_rng(number))
            assert question is not None
            in_a_thread(question)
    assert [one["model"] for one in endpoint.asked].count("small") == 2
    assert said == proposer.warnings
    (line,) = said
    assert line.startswith("small is not asked any more in this run: ")
    assert str(status) in line
    assert KEY not in line


def test_nobody_left_to_ask_is_said(judged: Search) -> None:
    error = {"message": "You exceeded your quota", "code": "insufficient_quota"}
    with FakeEndpoint(default=Reply(status=429, error=error)) as endpoint:
        proposer = LlmProposer(
            settings(base_url=endpoint.url, models=MODELS[:1], denials=1), Key(KEY)
        )
        assert "no credit" in ask(endpoint, judged, proposer).failure
    assert len(endpoint.asked) == 1
    assert proposer.prepare(1, judged.view, np.random.default_rng(0)) is None


def test_a_question_has_a_deadline_over_all_its_tries(judged: Search) -> None:
    begun = time.monotonic()
    with FakeEndpoint(default=Reply(status=503, headers={"Retry-After": "3600"})) as endpoint:
        found = ask(endpoint, judged, most_sleep=3600.0, deadline=0.5, tries=20)
        assert "no time is left" in found.failure
        found = ask(endpoint, judged, retry_delay=0.2, most_sleep=0.2, deadline=0.5, tries=20)
    assert found.failure.startswith(words.PROVIDER_FAILED)
    assert time.monotonic() - begun < 3


def stop_once_asked(endpoint: FakeEndpoint, proposer: LlmProposer) -> None:
    until = time.monotonic() + 20
    while not endpoint.asked and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(0.2)  # the answer is waited for now, or the next try
    proposer.stop()


@pytest.mark.parametrize("what", ["answer", "sleep"])
def test_stopping_ends_questions_under_way(judged: Search, what: str) -> None:
    reply = Reply(slow=60.0) if what == "answer" else Reply(status=500)
    with FakeEndpoint(default=reply) as endpoint:
        slow = settings(base_url=endpoint.url, timeout=60.0, retry_delay=60.0, most_sleep=60.0)
        proposer = LlmProposer(slow, Key(KEY))
        threading.Thread(target=stop_once_asked, args=(endpoint, proposer), daemon=True).start()
        begun = time.monotonic()
        assert ask(endpoint, judged, proposer).failure == words.STOPPED
        assert ask(endpoint, judged, proposer).failure == words.STOPPED  # and none begins
        assert time.monotonic() - begun < 20  # a minute, were it not stopped
    assert len(endpoint.asked) == 1


# Whole searches


def begun(side: TrainSide, forms: int = 5) -> Search:
    """Return a search with a short library and no textbook, without the forms that fit best."""
    search = Search(side, 3)
    library = search.offline.forms[len(textbook(search.rows, side.max_params)) :]
    poor = [form for form in library if "above a floor" not in form.name and form.law.link != "log"]
    search.offline.forms[:] = poor[:forms]
    return search


def new_programs() -> Callable[[dict[str, Any]], Reply]:
    """Return an endpoint's default: each answer is another program."""
    count = itertools.count(1)

    def answer(_: dict[str, Any]) -> Reply:
        number = next(count)
        form = f"np.ones(len(x)), x[:, 0], x[:, 1], np.log(data_points[:, 0] + {number})"
        return Reply(fenced(region(form, "Shifted."), f"shift by {number}"), tokens=(300, 90))

    return answer


def change_by_diff(question: dict[str, Any]) -> Reply:
    """Change the last lines of the region, whatever the parent is."""
    text = question["messages"][1]["content"].split("```python\n")[1].split("\n```")[0]
    lines = [line for line in cut(text).texts[0].split("\n") if line.strip()]
    search = lines[-1]
    if cut(text).texts[0].split("\n").count(search) > 1:
        return Reply(fenced(CROSSED))
    return Reply(blocks((search, f"    changed = 1\n{search}")))


BROKEN = LINEAR.replace("return np.linalg", "raise ValueError('not today')\n    return np.linalg")
SCRIPT: list[Reply | Callable[[dict[str, Any]], Reply]] = [
    Reply(fenced(CROSSED, "a product of logarithms")),
    Reply(fenced(BROKEN)),
    Reply(status=429, headers={"Retry-After": "0.02"}),
    Reply(status=500),
    Reply(slow=3.5, tokens=None),
    Reply("half", cut=True),
    Reply(fenced(LINEAR), finish="length"),
    Reply(body=b'{"choices": [{"mess'),
    Reply(choices=False),
    Reply(None),
    Reply(None, refusal="I cannot help with that"),
    change_by_diff,
    Reply("```python\nx = 1\n```\n" + fenced(LINEAR)),
    Reply(dies=True),
    Reply("no program"),
    Reply(fenced(CROSSED)),  # not new
]


def heard(search: Search) -> list[Proposal]:
    """Return the proposals of models, in order."""
    entries = [search.view.entries[number] for number in sorted(search.view.entries)]
    return [entry.proposal for entry in entries if entry.proposal.usage is not None]


def held_out(side: TrainSide) -> Iterator[str]:
    task = load_catalogue().find(side.name)
    known = {float(y) for rows in side.train for y in rows.targets.ravel()}
    for rows in task.data().test:
        for y in map(float, rows.targets.ravel()):
            if y not in known:
                yield from (repr(y), f"{y:.7g}", f"{y:.6g}")


@pytest.fixture(scope="module")
def searched(
    side: TrainSide, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Search, FakeEndpoint, Path]:
    """A search that met everything in the script."""
    store = tmp_path_factory.mktemp("llm") / "store.sqlite"
    search = begun(side)
    with FakeEndpoint(SCRIPT, new_programs()) as endpoint, Journal(store, "x") as journal:
        journal.begin({}, "now")
        proposer = LlmProposer(
            settings(base_url=endpoint.url, timeout=2.5, prices={"small": (1.0, 2.0)}), Key(KEY)
        )
        run(search, journal, Budget(evaluations=21), asking=proposer, offline=False)
    return search, endpoint, store


def test_a_search_outlives_a_bad_endpoint_and_gains_by_its_answers(
    searched: tuple[Search, FakeEndpoint, Path],
) -> None:
    search, _, _ = searched
    assert search.n_evaluated == 21
    proposals = heard(search)
    assert len(proposals) == 16
    assert {one.proposer for one in proposals} <= {"small", "large"}
    assert sum(one.source is not None for one in proposals) >= 10
    best = search.view.entries[search.view.archive.best()[0].number]
    published = [
        entry.verdict.fitness
        for entry in search.view.entries.values()
        if entry.proposal.proposer in {"textbook", "library"}
    ]
    assert best.proposal.usage is not None
    assert best.verdict.fitness < min(published)
    failures = " ".join(entry.verdict.failure for entry in search.view.entries.values())
    assert "not today" in failures


def test_the_ledger_is_what_the_endpoint_counted(
    searched: tuple[Search, FakeEndpoint, Path],
) -> None:
    search, endpoint, _ = searched
    ledger = search.ledger
    assert ledger.tokens == endpoint.tokens_in + endpoint.tokens_out
    accounts = ledger.accounts.values()
    assert sum(account.tokens_in for account in accounts) == endpoint.tokens_in
    questions = sum(account.questions for account in accounts)
    assert len(endpoint.asked) == questions + sum(account.retries for account in accounts)
    assert sum(account.retries for account in accounts) >= 7
    assert not ledger.accounts["large"].priced
    small = ledger.accounts["small"]
    assert small.dollars == pytest.approx((small.tokens_in + 2 * small.tokens_out) / 1e6)
    assert Ledger.of(usage_of(one) for one in heard(search)) == ledger


def test_the_journal_tells_the_lineage_and_replays(
    searched: tuple[Search, FakeEndpoint, Path], side: TrainSide
) -> None:
    search, _, store = searched
    with Journal(store, "x") as journal:
        events = journal.events()
        again = begun(side)
        learnt = LlmProposer(settings(), Key(KEY))
        again.resume(journal, learnt)
    told = {event["number"]: event for event in events if event["event"] == "evaluated"}
    for event in told.values():
        if event["usage"] is not None:
            assert event["proposer"] == event["usage"]["model"]
            assert len(event["parents"]) == 1
            assert event["parents"][0] in told
    assert again.ledger == search.ledger
    assert again.view.archive == search.view.archive
    assert again.unjudged() == []
    assert sum(arm.asked for arm in learnt.bandit.arms.values()) == len(heard(search))


def test_no_prompt_and_no_file_holds_a_key_or_a_held_out_row(
    searched: tuple[Search, FakeEndpoint, Path], side: TrainSide
) -> None:
    _, endpoint, store = searched
    sent = "\n".join(endpoint.prompts)
    assert KEY not in sent
    numbers = list(held_out(side))
    assert len(numbers) > 90
    assert not [number for number in numbers if number in sent]
    for file in store.parent.iterdir():
        assert KEY.encode() not in file.read_bytes(), file
    assert set(endpoint.keys) == {f"Bearer {KEY}"}


def test_an_answer_that_was_paid_for_is_not_asked_for_again(
    side: TrainSide, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    search = begun(side)
    with FakeEndpoint([], new_programs()) as endpoint:
        asking = settings(base_url=endpoint.url)
        with Journal(tmp_path / "s.sqlite", "x") as journal, monkeypatch.context() as patch:
            journal.begin({}, "now")
            patch.setattr(ProgramWorkers, "submit", killed)
            with pytest.raises(KeyboardInterrupt):
                run(
                    search,
                    journal,
                    Budget(evaluations=20),
                    asking=LlmProposer(asking, Key(KEY)),
                    questions=1,
                    offline=False,
                )
        asked = len(endpoint.asked)
        assert asked == search.ledger.tokens / 390 == 1
        with Journal(tmp_path / "s.sqlite", "x") as journal:
            again = begun(side)
            proposer = LlmProposer(asking, Key(KEY))
            again.resume(journal, proposer)
            assert again.ledger == search.ledger
            (paid,) = again.unjudged()
            assert paid.source is not None
            left = again.n_evaluated
            run(again, journal, Budget(evaluations=1), asking=proposer, offline=False)
        assert len(endpoint.asked) == asked
    assert again.n_evaluated == left + 1
    assert again.ledger == search.ledger
    assert np.isfinite(again.view.entries[paid.number].verdict.fitness)
    assert sum(arm.asked for arm in proposer.bandit.arms.values()) == 1


def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def test_an_endpoint_that_is_down_stops_no_search(side: TrainSide, tmp_path: Path) -> None:
    search = begun(side)
    with Journal(tmp_path / "s.sqlite", "x") as journal:
        journal.begin({}, "now")
        proposer = LlmProposer(
            settings(base_url=f"http://127.0.0.1:{closed_port()}/v1", most_sleep=0.3), Key(KEY)
        )
        run(search, journal, Budget(evaluations=20), asking=proposer)
    assert search.n_evaluated == 20
    proposals = heard(search)
    assert proposals
    assert all(one.failure.startswith(words.PROVIDER_FAILED) for one in proposals)
    assert search.ledger.tokens == 0
    offline = [e for e in search.view.entries.values() if e.proposal.proposer == "offline"]
    assert sum(np.isfinite(entry.verdict.fitness) for entry in offline) >= 5
    assert KEY.encode() not in (tmp_path / "s.sqlite").read_bytes()


def test_time_that_is_over_ends_slow_questions(side: TrainSide, tmp_path: Path) -> None:
    search = begun(side, 3)
    with FakeEndpoint([], Reply(slow=60.0)) as endpoint, Journal(tmp_path / "s", "x") as journal:
        journal.begin({}, "now")
        proposer = LlmProposer(settings(base_url=endpoint.url, timeout=60.0), Key(KEY))
        started = time.monotonic()
        run(search, journal, Budget(seconds=1.5), asking=proposer, offline=False)
        assert time.monotonic() - started < 6
    assert search.n_evaluated == 3
    assert heard(search) == []
    assert sum(one.questions for one in search.unanswered.accounts.values()) == 2
    assert search.ledger.accounts == {}


def test_a_program_that_never_ends_does_not_hold_the_search(
    side: TrainSide, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sitting, "GRACE", 0.2)
    search = begun(side, 3)
    text = region("x", "").replace(
        "    return np.linalg", "    while True: pass\n    return np.linalg"
    )
    endless = Reply(fenced(text))
    with FakeEndpoint([], endless) as endpoint, Journal(tmp_path / "s", "x") as journal:
        journal.begin({}, "now")
        proposer = LlmProposer(settings(base_url=endpoint.url), Key(KEY))
        started = time.monotonic()
        run(search, journal, Budget(seconds=1.0), asking=proposer, offline=False)
        assert time.monotonic() - started < 20  # a program has a minute
        assert len(search.unjudged()) > 0
        again = begun(side, 0)
        again.resume(journal)
        assert [one.number for one in again.unjudged()] == [o.number for o in search.unjudged()]


def test_a_paid_program_that_takes_longer_than_grace_is_judged_by_the_next_sitting(
    side: TrainSide, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sitting, "GRACE", 0.05)
    search = begun(side, 3)
    text = region("np.ones(len(x)), x[:, 0], x[:, 1]", "Slow.").replace(
        "    return np.linalg", "    import time\n\n    time.sleep(0.3)\n    return np.linalg"
    )
    with FakeEndpoint([], Reply(fenced(text))) as endpoint, Journal(tmp_path / "s", "x") as journal:
        journal.begin({}, "now")
        proposer = LlmProposer(settings(base_url=endpoint.url), Key(KEY))
        run(search, journal, Budget(seconds=0.5), asking=proposer, questions=1, offline=False)
        left = [one.number for one in search.unjudged()]
        assert left
        again = begun(side, 0)
        again.resume(journal)
        run(again, journal, Budget(seconds=0.5), offline=False)
    assert again.unjudged() == []
    assert all(np.isfinite(again.view.entries[number].verdict.fitness) for number in left)


def test_models_that_are_given_up_leave_the_search_to_itself(
    side: TrainSide, tmp_path: Path
) -> None:
    search = begun(side)
    with (
        FakeEndpoint(default=Reply(status=401)) as endpoint,
        Journal(tmp_path / "s.sqlite", "x") as journal,
    ):
        journal.begin({}, "now")
        proposer = LlmProposer(settings(base_url=endpoint.url, denials=1), Key(KEY))
        run(search, journal, Budget(evaluations=20), asking=proposer, questions=1)
    assert search.n_evaluated == 20
    assert len(endpoint.asked) == len(proposer.warnings) == 2
    assert len(heard(search)) == 2


def test_a_view_is_read_when_the_question_is_prepared(judged: Search) -> None:
    """What runs in a thread looks at nothing that the loop changes."""
    view = View(judged.side, judged.rows, judged.folds, judged.view.archive, judged.view.entries)
    with FakeEndpoint([GOOD]) as endpoint:
        proposer = LlmProposer(settings(base_url=endpoint.url), Key(KEY))
        question = proposer.prepare(50, view, np.random.default_rng(0))
        view.entries = {}
        assert question is not None
        assert in_a_thread(question).source
