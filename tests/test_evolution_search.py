"""The search: archive, novelty, variation, the loop, what is chosen, and that nothing leaks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evolution_samples import LAWS, PROGRAM, grid, rows, side
from hypothesis import given
from hypothesis import strategies as st
from processes import descendants, living, wait_for
from scipy.stats import t

from harness.errors import UserError
from harness.evolution import sitting
from harness.evolution.archive import Added, Archive, Member
from harness.evolution.choose import Finalist, choose, proof
from harness.evolution.emit import Emission, write_program
from harness.evolution.events import entry_from, event_of
from harness.evolution.expression import Law, Term, normal_form
from harness.evolution.factors import Bump, Power, Saturation
from harness.evolution.gateway import ProgramGateway, Verdict, train_side
from harness.evolution.interrupts import deaf_to_ctrl_c
from harness.evolution.law_text import from_plain, to_plain
from harness.evolution.ledger import Budget, Ledger
from harness.evolution.novelty import Novelty, program_key
from harness.evolution.proposals import Entry, Given, Proposal, Usage, View
from harness.evolution.reading import read_program
from harness.evolution.result import result_of
from harness.evolution.rows import train_rows
from harness.evolution.scales import Feature
from harness.evolution.search import Search, SearchSettings
from harness.evolution.sitting import run
from harness.evolution.starts import start_points
from harness.evolution.variation import Variation
from harness.evolution.workers import ProgramWorkers
from harness.results.journal import Journal
from harness.results.store import Store
from harness.sandbox import Sandbox, SandboxBroken
from harness.tasks import Task, load_catalogue
from harness.tasks.catalogue import load_definition
from harness.tasks.data import GroupRows


def searched(tmp_path: Path, evaluations: int, seed: int = 1, jobs: int = 1) -> Search:
    search = Search(side(), seed)
    with Journal(tmp_path / f"{seed}-{jobs}.sqlite", "s") as journal:
        journal.begin({}, "now")
        run(search, journal, Budget(evaluations=evaluations), jobs=jobs)
    return search


def history(search: Search) -> list[tuple[object, ...]]:
    return [
        (n, e.proposal.how, e.proposal.parents, repr(e.proposal.law), e.verdict.fitness, e.outcome)
        for n, e in sorted(search.view.entries.items())
    ]


members = st.builds(
    Member,
    number=st.integers(0, 10**6),
    fitness=st.floats(-10, 10),
    n_constants=st.integers(1, 9),
    complexity=st.integers(1, 30),
)


@given(st.lists(members, max_size=60, unique_by=lambda m: m.number))
def test_an_archive_keeps_the_best_of_each_cell_and_says_what_happened(some: list[Member]) -> None:
    archive = Archive(n_islands=1, migration=10**9)
    best: dict[tuple[int, int], float] = {}
    for member in some:
        before = best.get(member.cell)
        outcome = archive.add(member, 0)
        if before is None:
            assert outcome is Added.NEW
        else:
            assert outcome is (Added.BETTER if member.fitness < before else Added.WORSE)
        best[member.cell] = min(member.fitness, before if before is not None else np.inf)
    assert {m.cell: m.fitness for m in archive} == best
    front = archive.front()
    assert [m.fitness for m in front] == sorted((m.fitness for m in front), reverse=True)
    assert [m.n_constants for m in front] == sorted({m.n_constants for m in front})


def test_what_has_no_fitness_enters_no_island_and_the_best_migrate() -> None:
    archive = Archive(n_islands=2, migration=2)
    assert archive.add(Member(0, np.inf, 1, 1), 0) is Added.FAILED
    archive.add(Member(1, 1.0, 1, 1), 0)
    archive.add(Member(2, 2.0, 2, 1), 0)
    assert [m.number for m in archive.ranked(1)] == [1]


@given(st.integers(0, 300))
def test_variations_are_laws_that_the_task_allows(seed: int) -> None:
    data = rows()
    variation = Variation(data, 6)
    rng = np.random.default_rng(seed)
    names = [name for name in LAWS if name not in {"shares", "effective"}]
    law = LAWS[names[seed % len(names)]]
    other = LAWS[names[(seed + 1) % len(names)]]
    for child in (variation.mutate(law, rng), variation.cross(law, other, rng)):
        if child is not None:
            assert variation.allows(child.law)
            assert child.law.n_constants <= 6
            assert child.law == normal_form(child.law)
            assert child.how
            assert from_plain(to_plain(child.law)) == child.law


def test_novelty_sees_through_order_and_through_algebra() -> None:
    novelty = Novelty(rows())
    key = novelty.law_key(LAWS["sum"])
    turned = replace(LAWS["sum"], terms=LAWS["sum"].terms[::-1])
    assert novelty.law_key(turned) == key
    assert novelty.law_key(LAWS["product"]) != key
    assert novelty.is_new(key)
    novelty.remember(key)
    assert not novelty.is_new(key)


def test_programs_are_the_same_whatever_their_comments_and_layout() -> None:
    one = "def f(x):\n    '''words'''\n    return x+1  # why\n"
    two = "# other words\ndef f(x):\n    'no'\n\n    return (x + 1)\n"
    assert program_key(one) == program_key(two)
    assert program_key(one) != program_key(one.replace("1", "2"))
    assert program_key("def f(:") is None


def test_the_same_seed_gives_the_same_programs_in_the_same_order(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    one, two = searched(tmp_path, 90), searched(tmp_path / "b", 90)
    assert history(one) == history(two)
    assert one.n_evaluated == 90
    assert history(searched(tmp_path, 90, seed=2)) != history(one)


def test_a_search_that_is_stopped_again_and_again_ends_as_one_that_is_not(tmp_path: Path) -> None:
    whole = searched(tmp_path, 90)
    path = tmp_path / "parts.sqlite"
    for count in (7, 31, 32, 60, 90):
        part = Search(side(), 1)
        with Journal(path, "s") as journal:
            if journal.settings() is None:
                journal.begin({}, "now")
            part.resume(journal)
            run(part, journal, Budget(evaluations=count), jobs=1)
    assert history(part) == history(whole)


_KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from evolution_samples import side
from harness.evolution.ledger import Budget
from harness.evolution.search import Search, SearchSettings
from harness.evolution.sitting import run
from harness.results.journal import Journal
if __name__ == "__main__":
    search = Search(side(), 1)
    with Journal(Path({path!r}), "s") as journal:
        if journal.settings() is None:
            journal.begin({{}}, "now")
        search.resume(journal)
        run(search, journal, Budget(evaluations=120), jobs={jobs})
"""


def test_kills_at_random_moments_change_nothing_of_a_search(tmp_path: Path) -> None:
    whole = searched(tmp_path, 120)
    path = tmp_path / "killed.sqlite"
    rng = np.random.default_rng(5)
    code = _KILLED.format(tests=str(Path(__file__).parent), path=str(path), jobs=1)
    kills = 0
    for _ in range(40):
        process = subprocess.Popen([sys.executable, "-c", code])
        try:
            process.wait(1.0 + rng.random() * 0.5 if kills < 4 else 60)
        except subprocess.TimeoutExpired:
            process.kill()
            kills += 1
            process.wait()
            continue
        assert process.returncode == 0
        break
    again = Search(side(), 1)
    with Journal(path, "s") as journal:
        again.resume(journal)
    assert history(again) == history(whole)


def test_a_killed_search_leaves_no_worker_behind(tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    path = tmp_path / "workers.sqlite"
    text = _KILLED.format(tests=str(Path(__file__).parent), path=str(path), jobs=2)
    script.write_text(text.replace("evaluations=120", "evaluations=10**6"))
    before = descendants(os.getpid())
    process = subprocess.Popen([sys.executable, str(script)])
    wait_for(lambda: len(descendants(process.pid)) >= 2, 20.0)
    time.sleep(0.5)
    mine = descendants(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert mine
    assert wait_for(lambda: not living(mine - before), 10.0)


def test_two_workers_evaluate_as_many_and_lose_nothing(tmp_path: Path) -> None:
    search = searched(tmp_path, 80, jobs=2)
    assert search.n_evaluated == 80
    with Journal(tmp_path / "1-2.sqlite", "s") as journal:
        assert sorted(e["number"] for e in journal.events()) == list(range(80))


def test_first_proposals_that_were_under_way_when_a_search_was_killed_come_again(
    tmp_path: Path,
) -> None:
    whole = searched(tmp_path, 80)
    killed = Search(side(), 1)
    with Journal(tmp_path / "killed.sqlite", "s") as journal:
        journal.begin({}, "now")
        for number, entry in whole.view.entries.items():
            if number not in {0, 2} and number < 5:
                killed.record(journal, entry, None)
    again = Search(side(), 1)
    with Journal(tmp_path / "killed.sqlite", "s") as journal:
        again.resume(journal)
        run(again, journal, Budget(evaluations=8), jobs=1)
    assert sorted(again.view.entries) == list(range(8))
    proposers = {entry.proposal.proposer for entry in again.view.entries.values()}
    assert proposers == {"textbook", "library"}


class Listed:
    """Proposes laws from a list: a proposer of somebody else."""

    n_first = 0

    def propose(self, number: int, view: View, rng: np.random.Generator) -> Proposal | None:
        laws = list(LAWS.values())[:4]
        if number >= len(laws):
            return None
        return Proposal(number, "listed", f"law {number}", 0, law=laws[number])


def test_somebody_elses_proposer_can_take_the_place_of_ours(tmp_path: Path) -> None:
    search = Search(side(), 1)
    search.proposer = Listed()
    with Journal(tmp_path / "s.sqlite", "s") as journal:
        journal.begin({}, "now")
        run(search, journal, Budget(), jobs=1)
    assert [e.proposal.how for e in search.view.entries.values()] == [f"law {n}" for n in range(4)]
    assert search.exhausted


class Hesitant(Listed):
    """Finds nothing for some numbers, and something for later ones."""

    def propose(self, number: int, view: View, rng: np.random.Generator) -> Proposal | None:
        found = super().propose(number // 4, view, rng)
        return None if found is None or number % 4 else replace(found, number=number)


def test_a_number_that_finds_nothing_does_not_end_a_search(tmp_path: Path) -> None:
    search = Search(side(), 1)
    search.proposer = Hesitant()
    with Journal(tmp_path / "s.sqlite", "s") as journal:
        journal.begin({}, "now")
        run(search, journal, Budget(), jobs=1)
        again = Search(side(), 1)
        again.proposer = Hesitant()
        again.resume(journal)
        assert again.next_number == 13
    assert sorted(search.view.entries) == [0, 4, 8, 12]
    assert search.exhausted


class Repeating(Listed):
    """Says the same for ever."""

    def propose(self, number: int, view: View, rng: np.random.Generator) -> Proposal | None:
        return Proposal(number, "repeating", "again", 0, law=LAWS["sum"])


def test_what_somebody_elses_proposer_repeats_is_not_evaluated_again(tmp_path: Path) -> None:
    search = Search(side(), 1)
    search.proposer = Repeating()
    with Journal(tmp_path / "s.sqlite", "s") as journal:
        journal.begin({}, "now")
        run(search, journal, Budget(evaluations=5), jobs=1)
    assert search.n_evaluated == 1


def test_laws_that_differ_in_one_power_of_several_are_different() -> None:
    data = train_rows(
        [GroupRows("g", np.exp(np.random.default_rng(1).normal(0, 2, (40, 4))), np.ones((40, 1)))],
        ("a", "b", "c", "d"),
        ("loss",),
    )
    novelty, powers = Novelty(data), [Term((Power(Feature(n)),)) for n in range(4)]
    keys = {novelty.law_key(Law((*powers[:3], powers[last]))) for last in range(4)}
    assert len(keys) == 4


def test_the_probe_of_laws_sees_every_level_of_a_grid() -> None:
    """Of 190 rows that go through three levels in turn, evenly spaced ones may all be of one."""
    features = np.column_stack([np.tile([1.0, 10.0, 100.0], 64)[:190], np.arange(1.0, 191.0)])
    data = train_rows([GroupRows("g", features, np.ones((190, 1)))], ("a", "b"), ("loss",))
    novelty = Novelty(data)
    falls = Law((Term((Saturation(Feature(0)),)),))
    humps = Law((Term((Bump(Feature(0)),)),))
    assert novelty.law_key(falls) != novelty.law_key(humps)


def test_a_docstring_makes_no_new_program() -> None:
    plain = "def f(x):\n    return x\n"
    assert program_key(plain) == program_key('def f(x):\n    """Say."""\n    return x\n')
    assert program_key(plain) != program_key("def f(x):\n    return 2 * x\n")


def test_a_given_law_that_targets_do_not_allow_is_no_proposal() -> None:
    below = [replace(one, targets=one.targets - 3.0) for one in side().train]
    start = Given("by hand", law=LAWS["log link"])
    allowed = Search(side(), 1, SearchSettings(given=(start,)))
    refused = Search(replace(side(), train=tuple(below)), 1, SearchSettings(given=(start,)))
    assert allowed.propose(0).proposer == "given"  # type: ignore[union-attr]
    assert refused.propose(0).proposer != "given"  # type: ignore[union-attr]


def test_events_give_back_their_entries(tmp_path: Path) -> None:
    search = searched(tmp_path, 50)
    for entry in search.view.entries.values():
        again = entry_from(event_of(entry, 1.0))
        assert again.proposal == entry.proposal
        assert again.verdict.fitness == entry.verdict.fitness
        assert again.verdict.errors == entry.verdict.errors


def test_the_search_finds_the_law_that_made_the_rows(tmp_path: Path) -> None:
    search = searched(tmp_path, 80)
    choice = choose(search)
    assert choice is not None
    assert choice.chosen.law is not None
    assert choice.chosen.law.features == {0, 1}
    assert choice.chosen.entry.verdict.fitness < -3


@pytest.mark.parametrize("evaluations", [60, 150])
def test_another_law_wins_where_less_speaks_against_it_and_its_gain_is_no_chance(
    tmp_path: Path, evaluations: int
) -> None:
    search = searched(tmp_path, evaluations)
    choice = choose(search)
    assert choice is not None
    known = [one for one in choice.finalists if one.proposer == "textbook"]
    others = [one for one in choice.finalists if one.proposer != "textbook"]
    assert {one.proposer for one in others} == {"library", "offline"}
    best = min(known, key=lambda one: (round(one.against, 3), one.entry.verdict.n_constants))
    sent = min(others, key=lambda one: (round(one.against, 3), one.entry.verdict.n_constants))
    gains = best.guard - sent.guard
    assert choice.gain == pytest.approx(gains.mean())
    # Folds have rows in common (Nadeau and Bengio 2003).
    fitted, judged = np.array([fold.sizes for fold in search.guards]).T
    shared = 1 / len(gains) + np.mean(judged / fitted)
    assert choice.spread == pytest.approx(gains.std(ddof=1) * shared**0.5)
    less = (round(sent.against, 3), sent.entry.verdict.n_constants) < (
        round(best.against, 3),
        best.entry.verdict.n_constants,
    )
    chance = t.sf(choice.gain / choice.spread, len(gains) - 1)
    wins = less and chance < 0.05
    assert (choice.chosen, choice.rival) == ((sent, best) if wins else (best, sent))


@pytest.mark.parametrize(
    ("gains", "against", "said"),
    [
        # The standard error is 0.826: 0.577 of three folds, more as they have rows in common.
        # Student's t of two degrees of freedom is 2.92.
        ((1.45, 2.45, 3.45), -1.0, "less speaks against it than against the textbook's best"),
        ((1.35, 2.35, 3.35), -1.0, "guard folds do not show"),
        ((-5.5, -4.5, -3.5), -1.0, "guard folds do not show"),
        ((1.45, 2.45, 3.45), 1.0, "no less speaks against the best other law"),
        # The price of constants and the fit differ, the folds do not.
        ((0.7, 0.7, 0.7), -1.0, "guard folds do not tell it from the best other law"),
    ],
)
def test_another_law_must_prove_itself_on_the_guard_folds(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    gains: tuple[float, ...],
    against: float,
    said: str,
) -> None:
    """Whatever search folds say, a law that fails where the search never looked is not taken."""
    search = searched(tmp_path, 60)

    def is_other(one: Finalist) -> bool:
        return one.proposer != "textbook"

    monkeypatch.setattr(Finalist, "guard", property(lambda one: -is_other(one) * np.array(gains)))
    monkeypatch.setattr(Finalist, "against", property(lambda one: against * is_other(one)))
    choice = choose(search)
    assert choice is not None
    assert said in choice.why
    assert is_other(choice.chosen) is said.startswith("less")


def test_the_fewer_folds_the_more_is_needed_for_proof() -> None:
    assert proof(1.0, 4) == pytest.approx(t.ppf(0.95, 3))
    assert proof(0.5, 3) == pytest.approx(0.5 * 2.92, abs=1e-3)
    assert proof(1.0, 2) == pytest.approx(6.314, abs=1e-3)
    for spread, folds in ((1.0, 1), (float("inf"), 3), (None, 3), (1e-12, 3)):
        assert proof(spread, folds) == float("inf")


def test_where_no_fold_was_kept_from_the_search_nothing_that_it_bred_can_win(
    tmp_path: Path,
) -> None:
    search = searched(tmp_path, 150)
    search.guards = ()
    choice = choose(search)
    assert choice is not None
    assert choice.chosen.proposer == "textbook"
    known = [one.against for one in choice.finalists if one.proposer == "textbook"]
    assert choice.chosen.against == pytest.approx(min(known), abs=1e-3)


def test_the_gateway_judges_text_as_it_judges_trees(tmp_path: Path, sandbox: Sandbox) -> None:
    search = searched(tmp_path, 40)
    result = result_of(search)
    assert result is not None
    gateway = ProgramGateway(search.side, search.rows, search.folds, sandbox)
    verdict = gateway.evaluate(result.source)
    assert verdict.failure == ""
    tree = result.entry.verdict
    np.testing.assert_allclose(np.log(verdict.errors), np.log(tree.errors), atol=0.5)
    assert verdict.n_constants == tree.n_constants


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def law(:", "load_error"),
        ("import torch", "load_error"),
        (PROGRAM.replace("FIT", "[0.0] * 9"), "9 constants"),
        (PROGRAM.replace("FIT", "1/0"), "ZeroDivisionError"),
        (PROGRAM.replace("FIT", "[0.0]").replace("x[:, 0]", "1.0"), "bad_output"),
    ],
)
def test_programs_that_fail_have_no_fitness_and_a_reason(
    sandbox: Sandbox, source: str, words: str
) -> None:
    search = Search(side(), 1)
    gateway = ProgramGateway(search.side, search.rows, search.folds, sandbox)
    verdict = gateway.evaluate(source)
    assert verdict.fitness == np.inf
    assert words in verdict.failure


@pytest.mark.parametrize("beyond", ["1e9", "np.nan", "1 / 0", "x[:5, 0]"])
def test_text_that_is_no_law_beyond_the_rows_fails_every_fold_as_a_tree_would(
    sandbox: Sandbox, beyond: str
) -> None:
    search = Search(side(), 1)
    largest = max(float(one.features[:, 0].max()) for one in search.side.train)
    law = "params[0] + 1e-3 * np.log(x[:, 0])"
    tame = PROGRAM.replace("FIT", "[y.mean()]").replace("x[:, 0]", law)
    far = f"    if x[:, 0].max() > {largest!r}:\n        return 0 * x[:, 0] + {beyond}\n"
    wild = tame.replace("    return params[0]", f"{far}    return params[0]")
    gateway = ProgramGateway(search.side, search.rows, search.folds, sandbox)
    calm, exploding = (gateway.evaluate("import numpy as np\n" + one) for one in (tame, wild))
    assert (calm.failure, exploding.failure) == ("", "")
    assert exploding.errors == (1.0,) * len(search.folds)
    assert exploding.fit == calm.fit


def test_a_sandbox_that_breaks_once_costs_no_finalist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = searched(tmp_path, 40)
    result = result_of(search)
    assert result is not None
    number = max(search.view.entries) + 1
    verdict = replace(result.entry.verdict, fitness=result.entry.verdict.fitness - 5.0, theta=None)
    proposal = Proposal(number, "m", "text", 0, source=result.source)
    search.view.entries[number] = Entry(proposal, verdict, "", 0.0)
    usual, broken = ProgramGateway._predicted, []

    def breaks_once(self: ProgramGateway, *asked: Any) -> Any:
        if not broken:
            broken.append(True)
            raise SandboxBroken("the server is gone")
        return usual(self, *asked)

    monkeypatch.setattr(ProgramGateway, "_predicted", breaks_once)
    again = result_of(search, jobs=2)
    assert broken
    assert again is not None
    assert again.choice is not None
    judged = [one for one in again.choice.finalists if one.entry.proposal.number == number]
    assert [len(one.errors) for one in judged] == [len(search.guards)]


def test_ctrl_c_waits_while_a_worker_is_started_which_never_hears_it() -> None:
    asks = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))"
    reached = ""
    with pytest.raises(KeyboardInterrupt), deaf_to_ctrl_c():  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        child = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True)
        reached = child.stdout.strip()
    assert reached == "True"
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_ctrl_c_while_an_event_is_written_leaves_no_number_to_be_used_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = Journal.append

    def interrupted(journal: Journal, number: int, event: dict[str, Any]) -> None:
        append(journal, number, event)
        signal.raise_signal(signal.SIGINT)

    search = Search(side(), 1)
    with Journal(tmp_path / "s.sqlite", "s") as journal:
        journal.begin({}, "now")
        monkeypatch.setattr(Journal, "append", interrupted)
        for number in range(2):
            with pytest.raises(KeyboardInterrupt):
                search.record_answer(journal, Proposal(number, "m", "asked", 0, source="x = 1"))
        assert len(list(journal.events())) == 2


def test_what_was_not_judged_in_time_is_judged_when_the_search_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sitting, "GRACE", 0.1)
    judged: Future[Verdict] = Future()
    monkeypatch.setattr(ProgramWorkers, "submit", lambda *_: judged)
    paid = Proposal(0, "m", "slow", 0, source="slow = 1", usage=Usage("m", 1, 1))
    search, again = Search(side(), 1), Search(side(), 1)
    with Journal(tmp_path / "s.sqlite", "s") as journal:
        journal.begin({}, "now")
        search.record_answer(journal, paid)
        again.resume(journal)
        assert again.unjudged() == [paid]
        later = threading.Timer(0.6, judged.set_result, [Verdict(1.0, (1.0,), 3)])
        later.start()  # long after time and grace are over
        run(again, journal, Budget(seconds=0.05), jobs=1)
        later.join()
    assert again.unjudged() == []
    assert again.view.entries[paid.number].verdict.fitness == 1.0


def test_budgets_end_a_search_and_are_told_in_words() -> None:
    budget = Budget(seconds=10, evaluations=5, tokens=100, dollars=1.0)
    assert budget.left(9.9, 4)
    assert not budget.left(10.0, 4)
    assert not budget.left(1.0, 5)
    ledger = Ledger.of([Usage("m", 60, 30, 0.5), Usage("n", 5, 4, None)])
    assert budget.can_ask(ledger)
    ledger.charge(Usage("m", 1, 0, 0.6))
    assert not budget.can_ask(ledger)
    assert budget.can_ask(Ledger())
    assert not budget.can_ask(Ledger(), 1)  # nobody knows yet what one costs
    cheap = Ledger.of([Usage("m", 20, 10, 0.1)])
    failed = Usage("m", 0, 0, 0.0)
    assert not budget.can_ask(Ledger.of([failed]), 1), "of which nothing came says nothing"
    cheap.charge(failed)
    assert budget.can_ask(cheap, 2)
    assert not budget.can_ask(cheap, 3)
    assert Budget(seconds=10).can_ask(Ledger(), 9)
    assert budget.in_words(4.0, 2, ledger) == "6 s, 3 evaluations, 0 tokens, $0.00"
    assert not ledger.accounts["n"].priced


class TestHeldOutRowsAreOutOfReach:
    """Whatever the test split holds, or if it is gone, a search is the same to the last bit."""

    @pytest.fixture
    def task(self, write_task: Callable[..., Path]) -> Task:
        text = "group,size,tokens,loss\n" + "".join(
            f"{one.group},{float(x[0])!r},{float(x[1])!r},{float(y[0])!r}\n"
            for one in grid(noise=0.02)
            for x, y in zip(one.features, one.targets, strict=True)
        )
        test = "group,size,tokens,loss\ng0,1e10,1e12,1.6\ng0,2e10,1e12,1.5\ng1,1e10,1e12,2.6\n"
        return load_definition(write_task(text, test, max_params=6))

    def outcome(self, task: Task, tmp_path: Path) -> tuple[list[tuple[object, ...]], str]:
        fresh = load_definition(task.path)
        search = Search(train_side(fresh), 3)
        store = tmp_path / "leak.sqlite"
        store.unlink(missing_ok=True)
        with Journal(store, "s") as journal:
            journal.begin({}, "now")
            run(search, journal, Budget(evaluations=60), jobs=1)
        result = result_of(search)
        assert result is not None
        return history(search), result.source

    def test_shuffling_or_removing_them_changes_nothing(self, task: Task, tmp_path: Path) -> None:
        _, test = task.files()
        first = self.outcome(task, tmp_path)
        lines = test.read_text().splitlines()
        test.write_text("\n".join([lines[0], *lines[:0:-1]]).replace("1.6", "9.9") + "\n")
        assert self.outcome(task, tmp_path) == first
        test.write_text("no table at all\n")
        assert self.outcome(task, tmp_path) == first
        test.unlink()
        assert self.outcome(task, tmp_path) == first

    def test_nothing_of_the_search_can_name_them(self, task: Task, tmp_path: Path) -> None:
        search = Search(train_side(task), 3)
        assert not hasattr(search.side, "test")
        seen = repr(search.side) + repr(search.rows) + repr(search.view)
        assert "1e10" not in seen
        assert "test.csv" not in seen


_HOLDS = """
import sys
from pathlib import Path
from harness.results.journal import Journal
with Journal(Path(sys.argv[1]), "s") as journal, journal.alone():
    print("has it", flush=True)
    sys.stdin.read()
"""


def test_two_processes_never_have_one_search_and_a_kill_leaves_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    command = [sys.executable, "-c", _HOLDS, str(path)]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == b"has it\n"
        with (
            Journal(path, "s") as journal,
            pytest.raises(UserError, match="'s' is under way in another process"),
            journal.alone(),
        ):
            pass
        with Journal(path, "another") as journal, journal.alone():
            pass
    finally:
        other.kill()
        other.communicate()
    with Journal(path, "s") as journal, journal.alone():
        assert journal.settings() is None


def test_a_journal_lies_in_the_store_and_leaves_it_a_store(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with Journal(path, "one") as journal:
        assert journal.settings() is None
        journal.begin({"seed": 1}, "now")
        journal.append(0, {"event": "x"})
        assert journal.events() == [{"event": "x"}]
        with pytest.raises(UserError, match="another process"):
            journal.append(0, {"event": "y"})
    with Store(path) as store:
        store.check_whole()
        assert store.runs() == []
    with Journal(path, "two") as journal:
        assert journal.names() == ["one"]
        assert journal.events() == []
    with Journal(path, "one") as journal:
        journal.forget()
        assert journal.names() == []


def test_every_shipped_task_has_folds_that_a_search_can_use() -> None:
    for task in load_catalogue().tasks("nano"):
        search = Search(train_side(task), 1)
        assert len(search.folds) >= 2, task.name
        assert len(search.guards) >= 1, task.name
        for fold in (*search.folds, *search.guards):
            assert not (fold.fitted & fold.judged).any()


def test_an_entry_of_a_failed_provider_is_no_program(tmp_path: Path) -> None:
    proposal = Proposal(0, "some-model", "asked", 0, usage=Usage("some-model"), failure="429")
    search = Search(side(), 1)
    entry = Entry(proposal, Verdict(np.inf, failure="429"), "")
    with Journal(tmp_path / "s.sqlite", "s") as journal:
        journal.begin({}, "now")
        done = search.record(journal, entry, None)
    assert done.outcome == "no fitness"
    assert len(search.view.archive) == 0


def test_a_search_is_made_as_its_settings_say(tmp_path: Path) -> None:
    settings = SearchSettings(n_islands=2, migration=5)
    search = Search(side(), 1, settings)
    with Journal(tmp_path / "j.sqlite", "s") as journal:
        journal.begin({}, "now")
        run(search, journal, Budget(evaluations=40), jobs=1)
    assert {entry.proposal.island for entry in search.view.entries.values()} == {0, 1}
    assert search.view.limits == settings.limits
    assert search.fingerprint() != Search(side(), 1).fingerprint()


def test_what_is_given_comes_before_published_forms_and_is_bred_from(tmp_path: Path) -> None:
    start = Given("by hand", law=LAWS["sum"])  # which is in the textbook, too
    search = Search(side(), 1, SearchSettings(given=(start,)))
    with Journal(tmp_path / "j.sqlite", "s") as journal:
        journal.begin({}, "now")
        run(search, journal, Budget(evaluations=search.offline.n_first + 20), jobs=1)
    first, second, *_ = (search.view.entries[n].proposal for n in sorted(search.view.entries))
    assert (first.proposer, first.how, second.proposer) == ("given", "by hand", "textbook")
    assert search.view.entries[search.offline.n_first].proposal.proposer == "offline"
    choice = choose(search)
    assert choice is not None
    assert choice.known == "given"


def test_how_long_a_given_program_takes_changes_nothing_with_one_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When it lands decides what is bred from: nothing else begins before, so all ends alike."""
    ends = []
    for wait in (0.0, 0.4):
        search = Search(side(), 1, SearchSettings(given=(Given("by hand", source=PROGRAM),)))

        def submit(_: ProgramWorkers, __: str, wait: float = wait) -> Future[Verdict]:
            judged: Future[Verdict] = Future()
            verdict = Verdict(-2.0, (0.1,) * 6, 3, fit=0.1)
            threading.Timer(wait, judged.set_result, (verdict,)).start()
            return judged

        monkeypatch.setattr(ProgramWorkers, "submit", submit)
        with Journal(tmp_path / f"{wait}.sqlite", "s") as journal:
            journal.begin({}, "now")
            run(search, journal, Budget(evaluations=30), jobs=1)
        ends.append((list(search.view.entries), history(search)))
    assert ends[0] == ends[1]
    assert ends[0][0][0] == 0


def test_a_program_is_read_as_the_tree_that_it_was_written_from(sandbox: Sandbox) -> None:
    data, law = rows(noise=0.01), LAWS["sum"]
    source = write_program(law, Emission("A law", data.axes, data.targets, start_points(law, 4)))
    gateway = ProgramGateway(side(), data, (), sandbox)
    reading = read_program(source, gateway, data, 6)
    best = reading.trees[0]
    assert best.says_the_same
    assert normal_form(best.law) == normal_form(law)
    constant = PROGRAM.replace("FIT", "[0.0]").replace("x[:, 0]", "0 * x[:, 0]")
    assert "the same of all" in read_program(constant, gateway, data, 6).failure
