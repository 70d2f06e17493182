"""One agent and model against another: who is meant, what is said, programs side by side."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from board_samples import Task, run, text_content
from hypothesis import given
from hypothesis import strategies as st

from harness.cli import main
from harness.errors import UserError
from harness.evaluation.records import Traces
from harness.leaderboard.board import BoardSuite
from harness.leaderboard.compare_page import compare_html
from harness.leaderboard.comparison import (
    Contender,
    ContenderTask,
    compare_on,
    contenders,
    find_contender,
)
from harness.leaderboard.diff import MOST_LINES, side_by_side
from harness.leaderboard.entries import entries
from harness.leaderboard.page_names import LONGEST, PageNames, compare_page
from harness.results.records import RunAssignment, StoredRun
from harness.results.store import Store
from harness.tasks import load_catalogue

TASKS = tuple(Task(f"law_{i}", f"Law {i}", "eight") for i in range(8))
SUITE = BoardSuite("eight", TASKS, 5).outline()


def two_sides(gap: float, n_tasks: int = 8, n_runs: int = 3) -> tuple[Contender, Contender]:
    """Strong with one model, weak with another, so far apart on each task."""
    runs = [
        run(i, 0.5 + 0.02 * number + 0.01 * i + above, task=task.name, agent=agent)
        for number, task in enumerate(TASKS[:n_tasks])
        for agent, above in (("strong", gap), ("weak", 0.0))
        for i in range(1, n_runs + 1)
    ]
    found = contenders(entries(runs))
    return found["strong", "o4_mini"], found["weak", "o4_mini"]


@pytest.mark.parametrize(
    ("gap", "n_tasks", "words"),
    [
        (0.2, 8, "strong with o4_mini is ahead."),
        (-0.2, 8, "weak with o4_mini is ahead."),
        (0.0, 8, "The two cannot be told apart."),
    ],
)
def test_the_verdict_names_who_is_ahead(gap: float, n_tasks: int, words: str) -> None:
    a, b = two_sides(gap, n_tasks)
    compared = compare_on(SUITE, a, b)
    assert compared is not None
    assert compared.verdict(a, b) == words
    assert compared.result.bootstrap.difference == pytest.approx(gap, abs=1e-9)


@pytest.mark.parametrize(("gap", "scale"), [(1.6, "1.600"), (0.2, "0.500")])
def test_bars_are_as_long_as_differences_and_say_their_scale(gap: float, scale: str) -> None:
    """Regression: all above a half had one length, without a word."""
    a, b = (
        Contender((key, "m"), key, "m", {f"t{i}": of(x * i / 4) for i in range(1, 5)})
        for key, x in (("a", gap / 2), ("b", -gap / 2))
    )
    suite = BoardSuite("nano", tuple(Task(f"t{i}", "T", "nano") for i in range(1, 5))).outline()
    html = compare_html(a, b, [suite])
    widths = [float(width) for width in re.findall(r"--far: ([\d.]+)%", html)]
    assert widths == [round(12.5 * i * gap / float(scale), 1) for i in range(1, 5)]
    assert f"is a difference of {scale}." in html


def of(score: float) -> ContenderTask:
    return ContenderTask((score,), 1, score, b"x = 1\n")


def test_a_task_that_neither_has_runs_on_counts_and_is_not_listed() -> None:
    a, b = two_sides(0.2, n_tasks=5)
    compared = compare_on(SUITE, a, b)
    assert compared is not None
    assert [task.task for task in compared.tasks] == ["law_0", "law_1", "law_2", "law_3", "law_4"]
    assert compared.result.bootstrap.difference == pytest.approx(0.2 * 5 / 8, abs=1e-9)
    assert any("counts -1" in warning for warning in compared.result.warnings)
    # Regression: the three that neither has were taken for evidence.
    assert compared.result.sign_flip.p == compared.result.sign_flip.least_p == 2 / 2**5
    assert (compared.result.n_differ, len(compared.result.tasks)) == (5, 8)
    assert any("can be told from chance" in warning for warning in compared.result.warnings)


def test_without_a_task_in_common_suite_nothing_is_compared() -> None:
    a, b = two_sides(0.2)
    elsewhere = BoardSuite("other", (Task("far_law", "Far Law", "other"),)).outline()
    assert compare_on(elsewhere, a, b) is None


def known() -> dict[tuple[str, str], Contender]:
    runs = [
        run(1, 0.5, agent=agent, model=model, agent_name=agent.upper(), model_name=name)
        for agent, model, name in (
            ("codex", "gpt_5", "GPT 5"),
            ("codex", "o4_mini", "o4-mini"),
            ("human", "human", "human"),
        )
    ]
    return contenders(entries(runs))


@pytest.mark.parametrize(
    ("words", "pair"),
    [
        ("codex/gpt_5", ("codex", "gpt_5")),
        ("CODEX/gpt 5", ("codex", "gpt_5")),
        ("Codex/o4-mini", ("codex", "o4_mini")),
        (" human ", ("human", "human")),
    ],
)
def test_sides_are_found_by_slug_or_by_name(words: str, pair: tuple[str, str]) -> None:
    assert find_contender(known(), words).pair == pair


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("codex", "'codex' is more than one: codex/gpt_5, codex/o4_mini; say which"),
        ("nobody", "no runs of 'nobody'; expected AGENT/MODEL, one of: codex/gpt_5"),
        ("", "no runs of ''"),
    ],
)
def test_who_is_not_found_is_answered_with_who_there_is(words: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        find_contender(known(), words)
    assert said in str(caught.value)


def test_an_empty_store_says_what_to_type_next() -> None:
    with pytest.raises(UserError, match="`sld run`"):
        find_contender({}, "codex")


# --- the command


NO_ARRAYS = Traces(params={}, train={}, test={}, curve={})


def sld(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["sld", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with two agents on all tasks of the nano suite."""
    path = tmp_path / "store.sqlite"
    names = [task.name for task in load_catalogue().tasks("nano")]
    with Store(path) as opened:
        for number, name in enumerate(names):
            for agent, above in (("strong", 0.2), ("weak", 0.0)):
                for i in (1, 2, 3):
                    keep(
                        opened,
                        run(
                            i,
                            0.5 + 0.02 * number + 0.01 * i + above,
                            task=name,
                            agent=agent,
                            digest=f"{number}{agent}{i}".encode().hex().ljust(64, "0"),
                        ),
                    )
    return path


def keep(opened: Store, one: StoredRun) -> None:
    opened.add(one.evaluation, NO_ARRAYS, one.program)
    opened.assign(
        [RunAssignment(one.key, one.agent_name, one.model_name, one.path, one.evaluation.digest)]
    )


def test_the_command_prints_every_task_and_a_verdict(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sld(monkeypatch, "compare", "strong/o4_mini", "weak", "--store", str(store)) == 0
    shown = capsys.readouterr().out
    for task in load_catalogue().tasks("nano"):
        assert task.name in shown
    assert "strong with o4_mini is ahead." in shown or "cannot be told apart" in shown
    assert "sign-flip test: p = " in shown
    assert "95 % interval" in shown


def test_json_holds_every_figure(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sld(monkeypatch, "compare", "strong", "weak", "--store", str(store), "--json") == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["suite"], found["a"], found["b"]) == ("nano", "strong/o4_mini", "weak/o4_mini")
    assert found["bootstrap"]["difference"] == pytest.approx(0.2)
    assert found["sign_flip"]["p"] == pytest.approx(2 ** (1 - len(found["tasks"])))
    assert [task["n_a"] for task in found["tasks"]] == [3] * len(found["tasks"])


@pytest.mark.parametrize(
    ("sides", "said"),
    [
        (("strong", "strong/o4_mini"), "are the same entry"),
        (("strong", "nobody"), "expected AGENT/MODEL, one of: strong/o4_mini, weak/o4_mini"),
    ],
)
def test_the_command_refuses_in_one_line(
    sides: tuple[str, str],
    said: str,
    store: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert sld(monkeypatch, "compare", *sides, "--store", str(store)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in " ".join(captured.err.split())


# --- programs side by side


lines = st.lists(st.sampled_from(["x = 1", "", "<b>&amp;</b>", "y = x\t", "é\u202e"]), max_size=12)


@given(lines, lines)
def test_each_side_of_a_diff_reads_as_its_program(ours: list[str], theirs: list[str]) -> None:
    left, right = ("\n".join(each).encode() for each in (ours, theirs))
    found = side_by_side(left, right)
    assert found.same == (left == right)
    assert "<b>" not in found.rows
    cells = [row.split("<td") for row in found.rows.splitlines() if 'class="g"' not in row]
    for side, program in ((1, left), (2, right)):
        shown = [text_content("<td" + row[side]) for row in cells if 'class="e"' not in row[side]]
        if 'class="g"' not in found.rows and not found.same:
            assert len(shown) == len(program.decode().split("\n"))


def test_equal_lines_far_from_a_change_are_a_gap() -> None:
    same = [f"a{i} = {i}" for i in range(30)]
    found = side_by_side("\n".join([*same, "x = 1"]).encode(), "\n".join([*same, "x = 2"]).encode())
    assert "26 equal lines" in found.rows
    assert "a3 = 3" not in found.rows
    assert found.rows.count('<td class="c">') == 2


@pytest.mark.parametrize("program", [b"x\n" * (MOST_LINES + 1), b"x" * 10_000])
def test_what_nobody_would_read_is_not_compared(program: bytes) -> None:
    assert side_by_side(program, b"x").too_long


# --- names of pages


slugs = st.text("ab_", min_size=1, max_size=4).filter(lambda s: not s.startswith("_"))


@given(st.lists(st.tuples(slugs, slugs, slugs), max_size=20))
def test_no_two_entries_share_a_page(keys: list[tuple[str, str, str]]) -> None:
    names = PageNames(keys)
    found = {names.run_page(task, (agent, model)) for task, agent, model in keys}
    assert len(found) == len(set(keys))


@given(slugs, slugs, slugs, slugs)
def test_a_comparison_has_one_page_in_either_order(a: str, b: str, c: str, d: str) -> None:
    assert compare_page((a, b), (c, d)) == compare_page((c, d), (a, b))


def test_long_names_stay_within_what_file_systems_take() -> None:
    agents = ["a" * 300 + end for end in "xy"]
    names = {compare_page((agent, "m"), ("b", "m")) for agent in agents}
    names |= {PageNames([("t", agent, "m")]).run_page("t", (agent, "m")) for agent in agents}
    assert len(names) == 4
    assert all(len(name) <= LONGEST for name in names)
