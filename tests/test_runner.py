"""Many evaluations: what is planned, what is stored, and what an interruption leaves."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import TRAIN, Scorer
from processes import descendants, living, wait_for
from programs import GROUP_MEAN, LAW, LINE, program
from runner_samples import SLOW, PutRuns, board, figures, files_of, run_all

from harness.errors import UserError
from harness.results.store import Store
from harness.runner import execute as execution
from harness.runner.plan import make_plan
from harness.sandbox import Sandbox
from harness.tasks import Catalogue, load_catalogue

WriteTask = Callable[..., Path]

# Starts the command line with another folder of tasks.
SLD = """\
import sys
from pathlib import Path
from harness import paths
folder = Path(sys.argv.pop(1))
paths.tasks_folder = lambda: folder
from harness.cli import main
main()
"""


@pytest.fixture
def candidates(tmp_path: Path) -> PutRuns:
    """Return a function that files programs as runs of ``small_task`` and returns the folder."""
    return files_of(tmp_path / "candidates")


@pytest.fixture
def tasks(write_task: WriteTask) -> Catalogue:
    return load_catalogue(write_task().parent.parent)


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with Store(tmp_path / "store.sqlite") as opened:
        yield opened


class TestPlan:
    """What is to be done."""

    def test_only_what_is_not_stored_is_scored(
        self, tasks: Catalogue, store: Store, candidates: PutRuns
    ) -> None:
        folder = candidates(GROUP_MEAN, LAW)
        plan, report, _ = run_all([folder], tasks, store)
        assert (len(plan.jobs), len(plan.to_score), plan.stored) == (2, 2, 0)
        assert (report.scored, report.failed) == (2, 0)
        candidates(GROUP_MEAN, LAW, LINE)
        plan, report, _ = run_all([folder], tasks, store)
        assert (len(plan.to_score), plan.stored, report.scored) == (1, 2, 1)

    def test_again_scores_failures_or_everything_once_more(
        self, tasks: Catalogue, store: Store, candidates: PutRuns
    ) -> None:
        folder = candidates(GROUP_MEAN, "1 / 0", program(fit="return np.zeros(9)"))
        run_all([folder], tasks, store)
        seen = {}
        for again in (None, "failed", "all"):
            plan = make_plan([folder], tasks, store, again=again)
            seen[again] = [job.key.run for job in plan.to_score]
        assert seen == {None: [], "failed": [2], "all": [1, 2, 3]}

    def test_the_same_program_in_two_places_is_scored_once_and_is_both_runs(
        self, tasks: Catalogue, store: Store, candidates: PutRuns
    ) -> None:
        folder = candidates(GROUP_MEAN, GROUP_MEAN)
        candidates(GROUP_MEAN, agent="human")
        plan, report, _ = run_all([folder], tasks, store)
        assert (len(plan.jobs), len(plan.to_score), report.scored) == (3, 1, 1)
        assert (plan.stored, plan.copies) == (0, 2)
        stored = store.runs()
        assert [run.key.agent for run in stored] == ["codex", "codex", "human"]
        assert len({run.evaluation.digest for run in stored}) == 1

    def test_a_path_given_twice_is_one_run(
        self, tasks: Catalogue, store: Store, candidates: PutRuns
    ) -> None:
        folder = candidates(GROUP_MEAN)
        assert len(make_plan([folder, folder / "small_task"], tasks, store).jobs) == 1
        around = folder / "small_task" / ".."
        assert len(make_plan([folder, around], tasks, store).jobs) == 1

    def test_another_program_from_another_folder_never_takes_the_place_of_a_run(
        self, tasks: Catalogue, store: Store, candidates: PutRuns, tmp_path: Path
    ) -> None:
        first = candidates(GROUP_MEAN, LAW)
        run_all([first], tasks, store)
        other = tmp_path / "other"
        shutil.copytree(first, other)
        place = Path("small_task/codex/o4_mini/run_2.py")
        (other / place).write_text(LINE, encoding="utf-8")
        plan, report, _ = run_all([other], tasks, store)
        (problem,) = plan.problems
        assert f"{other / place}: on the board {first / place} is this run" in problem
        assert (len(plan.jobs), report.scored) == (1, 0)  # a copy is no other program
        (first / place).unlink()
        plan, report, _ = run_all([other], tasks, store)
        assert (plan.problems, report.scored) == ((), 1)
        assert [Path(run.path) for run in store.runs()][1] == other / place

    def test_a_program_that_was_changed_where_it_lies_is_scored_anew(
        self, tasks: Catalogue, store: Store, candidates: PutRuns
    ) -> None:
        run_all([candidates(GROUP_MEAN)], tasks, store)
        plan, report, _ = run_all([candidates(LAW)], tasks, store)
        assert (plan.problems, report.scored) == ((), 1)

    def test_an_unknown_task_is_named_and_the_rest_runs(
        self, tasks: Catalogue, store: Store, candidates: PutRuns
    ) -> None:
        folder = candidates(GROUP_MEAN)
        candidates(GROUP_MEAN, task="small_tusk")
        plan, report, _ = run_all([folder], tasks, store)
        (problem,) = plan.problems
        assert "small_tusk" in problem
        assert "did you mean 'small_task'?" in problem
        assert report.scored == 1

    def test_what_is_no_run_is_named_and_the_rest_runs(
        self, tasks: Catalogue, store: Store, candidates: PutRuns, tmp_path: Path
    ) -> None:
        folder = candidates(GROUP_MEAN)
        candidates(GROUP_MEAN, agent="UPPER Case")
        place = folder / "small_task" / "codex" / "o4_mini"
        (place / "run_01.py").write_text(GROUP_MEAN)
        (place / "run_2.py").symlink_to(tmp_path)
        (place / "run_3.py").mkdir()
        plan, report, _ = run_all([folder], tasks, store)
        assert report.scored == 1
        folder_is, link, upper = sorted(plan.problems, key=len)
        assert folder_is.count(str(place / "run_3.py")) == 1
        assert "run_2.py: is a link" in link
        assert "expected 'upper_case'" in upper
        (stray,) = plan.skipped
        assert "passed over:" in stray
        assert "run_01.py" in stray

    def test_broken_data_of_one_task_is_named_and_the_rest_runs(
        self, tasks: Catalogue, store: Store, candidates: PutRuns, write_task: WriteTask
    ) -> None:
        bad = write_task(TRAIN.replace("2.25", "much"), name="bad_task", title="Bad")
        gone = write_task(name="gone_task", title="Gone")
        (gone.parent / "gone_task" / "train.csv").unlink()
        folder = candidates(GROUP_MEAN, LINE)
        candidates(GROUP_MEAN, LAW, task="bad_task")
        candidates(GROUP_MEAN, task="gone_task")
        plan, report, _ = run_all([folder], load_catalogue(bad.parent.parent), store)
        assert report.scored == 2
        (missing,) = plan.problems
        assert "gone_task/train.csv: no such file" in missing
        (wrong,) = report.problems
        assert "bad_task/train.csv, line 4" in wrong
        assert "'much'" in wrong
        assert len(store.statuses()) == 2

    def test_runs_without_their_third_party_data_are_left_out_or_a_problem_if_asked_for_by_name(
        self,
        store: Store,
        candidates: PutRuns,
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
    ) -> None:
        monkeypatch.delenv("SLD_DATA", raising=False)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        folder = candidates(GROUP_MEAN, LAW, task="sft_scaling_law")
        candidates(GROUP_MEAN, task="moe_scaling_law")
        shipped = load_catalogue()
        plan = make_plan([folder], shipped, store)
        assert (plan.jobs, plan.problems) == ((), ())
        (line,) = plan.skipped
        assert "3 runs of suite sldbench" in line
        assert "SLD_DATA" in line
        asked = make_plan([folder], shipped, store, pattern="sft*")
        assert len(asked.problems) == 1
        assert "2 runs" in asked.problems[0]

    @pytest.mark.parametrize(
        ("options", "words"),
        [({"pattern": "large*"}, "no task matches 'large\\*'"), ({"suite": "nono"}, "nono")],
    )
    def test_a_choice_that_matches_nothing_is_named(
        self,
        tasks: Catalogue,
        store: Store,
        candidates: PutRuns,
        options: dict[str, str],
        words: str,
    ) -> None:
        folder = candidates(GROUP_MEAN)
        with pytest.raises(UserError, match=words):
            make_plan([folder], tasks, store, **options)  # type: ignore[arg-type]


class TestExecute:
    """Carrying it out."""

    def test_what_is_stored_is_what_one_evaluation_gives(
        self, tasks: Catalogue, store: Store, candidates: PutRuns, outcome_of: Scorer
    ) -> None:
        sources = (GROUP_MEAN, LAW, LINE, "1 / 0", program(fit="return np.zeros(9)"))
        run_all([candidates(*sources)], tasks, store)
        stored = store.runs()
        assert [run.program.decode() for run in stored] == list(sources)
        for run in stored:
            alone = outcome_of(run.program, tasks.find("small_task"))
            assert figures(run.evaluation) == figures(alone.evaluation)
            kept = store.traces(run.evaluation.digest)
            assert kept.params.keys() == alone.traces.params.keys()

    def test_what_is_stored_costs_no_evaluation(
        self,
        tasks: Catalogue,
        store: Store,
        candidates: PutRuns,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        folder = candidates(GROUP_MEAN, "1 / 0")
        run_all([folder], tasks, store)
        monkeypatch.setattr("harness.runner.execute.evaluate", None)
        _, report, _ = run_all([folder], tasks, store)
        assert (report.scored, report.failed, report.problems) == (0, 0, ())

    def test_again_puts_the_new_evaluation_in_place_of_the_old(
        self, tasks: Catalogue, store: Store, candidates: PutRuns
    ) -> None:
        folder = candidates(GROUP_MEAN)
        run_all([folder], tasks, store)
        before = store.runs()[0].evaluation
        _, report, _ = run_all([folder], tasks, store, again="all")
        after = store.runs()[0].evaluation
        assert report.scored == 1
        assert figures(after) == figures(before)

    @pytest.mark.linux
    def test_a_hanging_candidate_delays_no_other(
        self, write_task: WriteTask, store: Store, candidates: PutRuns
    ) -> None:
        """On a shared machine the whole board waits for the worst program otherwise."""
        tasks = load_catalogue(write_task(fit_seconds=3.0).parent.parent)
        hang = program(fit="while True: pass")
        folder = candidates(hang, *(f"# {n}\n{GROUP_MEAN}" for n in range(8)))
        _, report, watched = run_all([folder], tasks, store)
        assert (report.scored, report.failed) == (9, 1)
        hung = watched.finished_at.pop("small_task/codex/o4_mini/run_1.py")
        assert max(watched.finished_at.values()) < hung
        fit = max(run.evaluation.seconds.fit for run in store.runs())
        assert 3.0 <= fit < 4.0, "gone within a second of its limit"

    def test_a_fault_of_ours_takes_no_other_run_with_it(
        self,
        tasks: Catalogue,
        store: Store,
        candidates: PutRuns,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Regression: one program that trips our own code would abort everybody's runs."""
        honest = execution.evaluate

        def faulty(candidate, *args, **kwargs):
            if b"# trips" in candidate.source:
                raise ZeroDivisionError("ours")
            return honest(candidate, *args, **kwargs)

        monkeypatch.setattr(execution, "evaluate", faulty)
        folder = candidates(GROUP_MEAN, f"# trips\n{GROUP_MEAN}", LAW)
        _, report, _ = run_all([folder], tasks, store)
        assert report.scored == 2
        (error,) = report.harness_errors.values()
        assert error.error is not None
        assert "ZeroDivisionError: ours" in error.error.message
        assert "run_2" in error.error.message
        assert len(store.runs()) == 2

    def test_harness_errors_are_reported_and_never_stored(
        self,
        tasks: Catalogue,
        store: Store,
        candidates: PutRuns,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Stored as done, our own fault would stand on the board as the candidate's for ever."""
        folder = candidates(GROUP_MEAN)

        def closed() -> Sandbox:
            sandbox = Sandbox()
            sandbox.close()
            return sandbox

        with monkeypatch.context() as patch:
            patch.setattr("harness.runner.pool.Sandbox", closed)
            plan, report, _ = run_all([folder], tasks, store)
        assert (report.scored, report.failed) == (0, 0)
        assert set(report.harness_errors) == {job.digest for job in plan.jobs}
        assert store.statuses() == {}
        assert store.runs() == []
        _, report, _ = run_all([folder], tasks, store)
        assert (report.scored, report.harness_errors) == (1, {})


class Command:
    """``sld`` in a process of its own, on the own tasks and store of a test."""

    def __init__(self, tasks: Path, store: Path) -> None:
        self.tasks = tasks
        self.store = store

    def start(self, *words: object, **options: Any) -> subprocess.Popen[str]:
        arguments = [*map(str, words), "--store", str(self.store)]
        return subprocess.Popen(
            [sys.executable, "-c", SLD, str(self.tasks), "run", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.store.parent,
            env={**os.environ, "COLUMNS": "200"},
            **options,
        )

    def run(self, *words: object) -> subprocess.CompletedProcess[str]:
        process = self.start(*words)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.fixture
def sld_run(write_task: WriteTask, tmp_path: Path) -> Command:
    return Command(write_task().parent.parent, tmp_path / "store.sqlite")


class TestCommand:
    """``sld run`` as a process."""

    def test_a_killed_run_is_resumed_where_it_was(
        self, sld_run: Command, candidates: PutRuns, tmp_path: Path
    ) -> None:
        """Hours of fits must survive a machine that goes down."""
        folder = candidates(*SLOW, "1 / 0", LAW)
        process = sld_run.start(folder, "--jobs", 2)
        assert process.stdout is not None
        finished: set[str] = set()
        while len(finished) < 4:
            line = process.stdout.readline()
            assert line, "it ended before it was killed"
            if scored := re.search(r"small_task/codex/o4_mini/(run_\d+) ", line):
                finished.add(scored[1])
        below = descendants(process.pid)
        process.kill()
        process.communicate()
        assert wait_for(lambda: not living(below), 2.0)

        with Store(sld_run.store) as store:
            kept = len(store.statuses())
            assert finished <= {f"run_{run.key.run}" for run in store.runs()}
        assert 4 <= kept < 10
        resumed = sld_run.run(folder)
        assert resumed.returncode == 0, resumed.stderr
        assert f"10 runs asked for: {kept} stored, {10 - kept} to score" in resumed.stdout

        undisturbed = Command(sld_run.tasks, tmp_path / "other.sqlite")
        assert undisturbed.run(folder).returncode == 0
        with Store(sld_run.store) as one, Store(undisturbed.store) as other:
            assert board(one) == board(other)
            assert one.statuses() == other.statuses()

    @pytest.mark.parametrize("to_all", [False, True], ids=["to the process", "to its group"])
    def test_ctrl_c_keeps_what_is_finished_and_leaves_no_process(
        self, sld_run: Command, candidates: PutRuns, to_all: bool
    ) -> None:
        hang = program(fit="import time; time.sleep(600)")
        folder = candidates(GROUP_MEAN, LAW, hang, hang + "# 2")
        process = sld_run.start(folder, "--jobs", 2, start_new_session=True)
        assert process.stdout is not None
        seen = 0
        while seen < 2:
            seen += "] small_task/" in process.stdout.readline()
        assert wait_for(lambda: len(descendants(process.pid)) >= 4)  # two servers, two children
        below = descendants(process.pid)
        pressed = time.monotonic()
        (os.killpg if to_all else os.kill)(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert time.monotonic() - pressed < 5.0
        assert process.returncode == 130, err
        assert "Traceback" not in out + err
        assert wait_for(lambda: not living(below), 2.0)
        with Store(sld_run.store) as store:
            assert [run.key.run for run in store.runs()] == [1, 2]
            assert set(store.statuses().values()) == {"ok"}

    def test_json_alone_goes_to_stdout_one_object_a_run(
        self, sld_run: Command, candidates: PutRuns
    ) -> None:
        folder = candidates(GROUP_MEAN, "1 / 0", program(fit="return np.zeros(9)"))
        first = sld_run.run(folder, "--json")
        assert first.returncode == 0, first.stderr
        second = sld_run.run(folder, "--json")
        assert second.stdout == first.stdout
        objects = [
            json.loads(line, parse_constant=pytest.fail) for line in second.stdout.splitlines()
        ]
        assert [card["status"] for card in objects] == ["ok", "failed", "violation"]
        assert [card["run"] for card in objects] == [1, 2, 3]
        for card in objects:
            assert (card["agent"], card["model"]) == ("codex", "o4_mini")
            assert Path(card["path"]).is_file()
            assert {"task", "r2", "score", "error", "digest", "isolation"} <= set(card)

    def test_a_failed_candidate_is_a_result(self, sld_run: Command, candidates: PutRuns) -> None:
        done = sld_run.run(candidates("1 / 0"))
        assert done.returncode == 0
        assert "1 scored (1 failed)" in done.stdout
        assert "ZeroDivisionError" in done.stdout

    def test_a_removed_program_leaves_the_board(
        self, sld_run: Command, candidates: PutRuns
    ) -> None:
        folder = candidates(GROUP_MEAN, LAW)
        sld_run.run(folder)
        (folder / "small_task/codex/o4_mini/run_2.py").unlink()
        done = sld_run.run(folder)
        assert "off the board: small_task/codex/o4_mini/run_2" in done.stdout
        with Store(sld_run.store) as store:
            assert [run.key.run for run in store.runs()] == [1]
            assert len(store.statuses()) == 2
        (folder / "small_task/codex/o4_mini/run_1.py").unlink()
        done = sld_run.run(folder)  # the last one, too
        assert done.returncode == 2
        assert "off the board: small_task/codex/o4_mini/run_1" in done.stdout

    def test_a_problem_beside_finished_runs_exits_with_2_and_keeps_them(
        self, sld_run: Command, candidates: PutRuns
    ) -> None:
        folder = candidates(GROUP_MEAN)
        candidates(GROUP_MEAN, task="small_tusk")
        done = sld_run.run(folder)
        assert done.returncode == 2
        assert "small_tusk" in done.stdout + done.stderr
        assert "1 scored" in done.stdout

    def test_harness_errors_exit_with_1(
        self, sld_run: Command, candidates: PutRuns, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broken = SLD.replace(
            "from harness.cli",
            "import harness.sandbox.server_process as c\nc._BOOT = '1 / 0'\nfrom harness.cli",
        )
        monkeypatch.setattr("test_runner.SLD", broken)
        done = sld_run.run(candidates(GROUP_MEAN, LAW), "--json")
        assert done.returncode == 1
        assert "2 harness errors" in done.stderr
        assert "ZeroDivisionError" in done.stderr
        with Store(sld_run.store) as store:
            assert store.statuses() == {}

    def test_two_runs_at_once_share_a_store(self, sld_run: Command, candidates: PutRuns) -> None:
        folder = candidates(*SLOW[:4])
        both = [sld_run.start(folder, "--jobs", 2) for _ in range(2)]
        for process in both:
            _, err = process.communicate(timeout=60)
            assert process.returncode == 0, err
        with Store(sld_run.store) as store:
            assert len(store.runs()) == 4
            assert len(store.statuses()) == 4
