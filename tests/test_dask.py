"""Many evaluations on a Dask cluster, where more can go wrong."""

from __future__ import annotations

import gc
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from processes import wait_for
from programs import GROUP_MEAN, LAW, LINE
from runner_samples import SLOW, PutRuns, Watched, board, files_of, run_all

from harness.errors import UserError
from harness.evaluation.records import Evaluation
from harness.results.store import Store
from harness.runner import cluster
from harness.runner import execute as execution
from harness.runner.execute import Finished
from harness.runner.plan import Job, Plan, make_plan
from harness.runner.record import RunReport
from harness.tasks import Catalogue, load_catalogue
from harness.versions import versions

pytestmark = [pytest.mark.timeout(180), pytest.mark.filterwarnings("ignore")]


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Let go, while no warning is an error, of connections that Dask does not close."""
    yield
    gc.collect()


@dataclass(frozen=True)
class Desk:
    """A small task, a store, a folder of programs, and where they are scored."""

    tasks: Catalogue
    store: Store
    put: PutRuns
    where: dict[str, Any] = field(default_factory=lambda: {"backend": "dask"})
    cluster: Any = None

    def run(self, *programs: str, **options: Any) -> tuple[Plan, RunReport, Watched]:
        return run_all([self.put(*programs)], self.tasks, self.store, **self.where | options)

    def execute(self, watched: Watched, *programs: str, **options: Any) -> RunReport:
        plan = make_plan([self.put(*programs)], self.tasks, self.store)
        return execution.execute(plan, self.store, watched, **self.where | options)


@pytest.fixture
def desk(write_task: Callable[..., Path], tmp_path: Path) -> Iterator[Desk]:
    pytest.importorskip("distributed")
    tasks = load_catalogue(write_task().parent.parent)
    with Store(tmp_path / "store.sqlite") as store:
        yield Desk(tasks, store, files_of(tmp_path / "candidates"))


@pytest.fixture
def on_dask(desk: Desk) -> Iterator[Desk]:
    """With a cluster of two threads in this process, which others than its owner can reach."""
    distributed: Any = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=2,
        processes=False,
        protocol="tcp",
        dashboard_address="127.0.0.1:0",
    ) as started:
        where = {"backend": "dask", "scheduler": started.scheduler_address}
        yield replace(desk, where=where, cluster=started)
        execution._worker_pool().close()
        execution._worker_pool.cache_clear()


class Until(Watched):
    """Does something once the first evaluation is finished."""

    def __init__(self, act: Callable[[], Any]) -> None:
        super().__init__()
        self.act = act

    def finished(self, job: Job, evaluation: Evaluation) -> None:
        super().finished(job, evaluation)
        if len(self.finished_at) == 1:
            self.act()


class Busy:
    """How much was under way at once, seen by ``count_busy`` in this process."""

    now = most = 0
    lock = threading.Lock()


def count_busy(job: Job) -> Finished:
    with Busy.lock:
        Busy.now += 1
        Busy.most = max(Busy.most, Busy.now)
    time.sleep(0.05)
    with Busy.lock:
        Busy.now -= 1
    return Finished(job, None, "counted")


def other_than_here(honest: Callable[[], dict[str, str]]) -> Callable[[], dict[str, str]]:
    """Return a function that tells threads other than this one another version of numpy."""
    here = threading.get_ident()
    return lambda: {
        **honest(),
        **({} if threading.get_ident() == here else {"numpy": "1.0"}),
    }


def test_it_gives_the_same_figures(desk: Desk, tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    folder = desk.put(GROUP_MEAN, LAW, LINE, "1 / 0")
    run_all([folder], desk.tasks, desk.store)
    with Store(tmp_path / "dask.sqlite") as other:
        _, report, _ = run_all([folder], desk.tasks, other, backend="dask")
        assert (report.scored, report.failed) == (4, 1)
        assert board(other) == board(desk.store)


def test_what_the_cluster_gives_up_is_our_fault_and_the_rest_is_stored(
    on_dask: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: nobody was told of it, and the command waited for ever."""
    honest = execution._score_on_worker

    def faulty(job: Job) -> Finished:
        if b"# trips" in job.candidate.source:
            raise ZeroDivisionError("ours")
        return honest(job)

    monkeypatch.setattr(execution, "_score_on_worker", faulty)
    _, report, watched = on_dask.run(GROUP_MEAN, f"# trips\n{GROUP_MEAN}", LAW)
    assert report.scored == 2
    (error,) = report.harness_errors.values()
    assert error.error is not None
    assert "run_2: ZeroDivisionError: ours" in error.error.message
    assert len(on_dask.store.runs()) == 2
    assert len(watched.finished_at) == 3


def test_a_worker_whose_process_died_is_named(
    on_dask: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler = pytest.importorskip("distributed.scheduler")
    worker = SimpleNamespace(address="tcp://10.0.0.5:1234")

    def died(job: Job) -> Finished:
        raise scheduler.KilledWorker("the job", worker, 3)

    monkeypatch.setattr(execution, "_score_on_worker", died)
    _, report, _ = on_dask.run(GROUP_MEAN)
    (error,) = report.harness_errors.values()
    assert error.error is not None
    assert "all those workers died while running it" in error.error.message
    assert "\n" not in error.error.message


def test_a_worker_with_other_versions_scores_nothing(
    on_dask: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: its figures were stored under its digest, and the run under ours."""
    honest = cluster.made_with
    monkeypatch.setattr(cluster, "made_with", other_than_here(honest))
    (worker,) = on_dask.cluster.scheduler.workers
    expected = f"its worker {worker} has numpy 1.0 instead of numpy {honest()['numpy']}; "
    with pytest.raises(UserError, match=re.escape(expected)):
        on_dask.run(GROUP_MEAN)
    assert on_dask.store.statuses() == {}


def test_a_worker_without_the_harness_is_named(
    on_dask: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, here = cluster.made_with, threading.get_ident()

    def nowhere_else() -> dict[str, str]:
        if threading.get_ident() == here:
            return honest()
        raise ModuleNotFoundError("No module named 'harness'")

    monkeypatch.setattr(cluster, "made_with", nowhere_else)
    expected = "cannot tell its versions (ModuleNotFoundError: No module named 'harness'); "
    with pytest.raises(UserError, match=re.escape(expected)):
        on_dask.run(GROUP_MEAN)


def test_what_another_machine_scored_is_never_stored(
    on_dask: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers that come later are not asked for their versions."""
    for module in ("digest", "evaluate"):
        name = f"harness.evaluation.{module}.versions"
        monkeypatch.setattr(name, other_than_here(versions))
    _, report, _ = on_dask.run(GROUP_MEAN, LAW)
    (problem,) = report.problems
    assert f"has numpy 1.0 instead of numpy {versions()['numpy']}; nothing that it" in problem
    assert (report.scored, report.harness_errors) == (0, {})
    assert on_dask.store.statuses() == {}
    assert on_dask.store.runs() == []


@pytest.mark.parametrize(("jobs", "most"), [(1, 1), (None, 2)])
def test_jobs_bounds_what_is_under_way(
    on_dask: Desk, monkeypatch: pytest.MonkeyPatch, jobs: int | None, most: int
) -> None:
    monkeypatch.setattr(execution, "_score_on_worker", count_busy)
    monkeypatch.setattr(Busy, "most", 0)
    _, report, _ = on_dask.run(*SLOW, jobs=jobs)
    assert report.problems == ("counted",)
    assert Busy.most == most


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("nonsense", "(ValueError: missing port number in address 'nonsense')"),
        ("tcp://127.0.0.1:9", "(OSError: Timed out trying to connect to tcp://127.0.0.1:9 "),
        ("tls://127.0.0.1:9", "(TypeError: TLS expects"),
        ("{silent}", "(TimeoutError: what is there does not answer as one)"),
    ],
)
def test_an_address_without_a_scheduler_is_one_line(desk: Desk, address: str, words: str) -> None:
    dask = pytest.importorskip("dask")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = address.format(silent=f"tcp://127.0.0.1:{silent.getsockname()[1]}")
        with (
            dask.config.set({"distributed.comm.timeouts.connect": "200ms"}),
            pytest.raises(UserError, match=re.escape(words)) as caught,
        ):
            desk.run(GROUP_MEAN, scheduler=where)
    assert str(caught.value).startswith(f"--scheduler {where}: no Dask scheduler was reached")
    assert "\n" not in str(caught.value)


def test_a_cluster_without_workers_is_one_line(
    on_dask: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_FIRST_WORKER_SECONDS", 0.2)
    on_dask.cluster.scale(0)
    assert wait_for(lambda: not on_dask.cluster.scheduler.workers)
    with pytest.raises(UserError, match="the Dask cluster has had no worker for 0 s; start"):
        on_dask.run(GROUP_MEAN)


def test_a_cluster_whose_workers_go_away_for_good_is_one_line(
    on_dask: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(cluster, "_NO_WORKER_SECONDS", 0.2)
    watched = Until(lambda: on_dask.cluster.scale(0))
    with pytest.raises(UserError, match="the Dask cluster has had no worker for"):
        on_dask.execute(watched, *SLOW, jobs=1)
    assert len(on_dask.store.runs()) == len(watched.finished_at) > 0


def test_a_lost_scheduler_is_one_line_and_keeps_what_is_finished(on_dask: Desk) -> None:
    async def hang_up() -> None:
        for client in on_dask.cluster.scheduler.client_comms.values():
            client.comm.abort()

    lost = Until(lambda: on_dask.cluster.sync(hang_up))
    words = "the cluster was lost (scheduler-connection-lost); what is finished is stored"
    with pytest.raises(UserError, match=re.escape(words)):
        on_dask.execute(lost, *SLOW, jobs=1)
    assert len(on_dask.store.runs()) == len(lost.finished_at) > 0


def test_ctrl_c_keeps_what_is_finished(on_dask: Desk) -> None:
    def press() -> None:
        raise KeyboardInterrupt

    report = on_dask.execute(Until(press), *SLOW)
    assert report.interrupted
    assert len(on_dask.store.runs()) == 1
