"""Fits trees in processes of their own: a slow fit never idles another core."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import numpy as np

from harness.evolution.beyond import Beyond
from harness.evolution.expression import Law
from harness.evolution.fitness import Judge, costs
from harness.evolution.folds import Fold
from harness.evolution.gateway import PROGRAM_LIMITS, ProgramGateway, TrainSide, Verdict
from harness.evolution.interrupts import deaf_to_ctrl_c
from harness.evolution.rows import FloatArray, TrainRows
from harness.limits import Limits
from harness.runner.pool import SandboxPool
from harness.sandbox import SandboxBroken

_Answer = TypeVar("_Answer")
_judge: Judge | None = None


def judged(judge: Judge, law: Law, theta: FloatArray | None) -> Verdict:
    """Fit a law to the folds and say what they say of it."""
    score = judge.score(law, theta)
    return Verdict(
        float(costs(score.errors, score.n_constants, score.fit).mean()),
        tuple(score.errors.tolist()),
        score.n_constants,
        fit=score.fit,
        theta=score.theta,
    )


class LawWorkers:
    """Some processes that fit trees to the folds of one task; with one, this process does it."""

    def __init__(self, rows: TrainRows, folds: Sequence[Fold], jobs: int) -> None:
        """Start the processes.

        Args:
            rows: The train rows.
            folds: On which laws are judged.
            jobs: How many at once.
        """
        self._pool: ProcessPoolExecutor | None = None
        self._judge: Judge | None = None
        if jobs == 1:
            self._judge = Judge(rows, folds)
        else:
            self._pool = ProcessPoolExecutor(
                jobs,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_begin,
                initargs=(rows, tuple(folds), os.getpid()),
            )

    def close(self) -> None:
        """End the processes; what they are at is dropped."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def submit(self, law: Law, theta: FloatArray | None) -> Future[Verdict]:
        """Have a law judged.

        Args:
            law: The law.
            theta: Shape constants to begin with, ``(K, P)``.
        """
        if self._pool is not None:
            with deaf_to_ctrl_c():  # processes are started here, one by one, and stay so
                return self._pool.submit(_work, law, theta)
        done: Future[Verdict] = Future()
        if self._judge is not None:
            done.set_result(judged(self._judge, law, theta))
        return done


def _begin(rows: TrainRows, folds: tuple[Fold, ...], parent: int) -> None:
    global _judge  # noqa: PLW0603 - one a process, for as long as it lives
    threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()
    _judge = Judge(rows, folds)


def _end_with_parent(parent: int) -> None:
    """A killed parent closes nothing; without this its workers would wait for ever."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _work(law: Law, theta: FloatArray | None) -> Verdict:
    if _judge is None:
        msg = "the worker was not begun"
        raise RuntimeError(msg)
    return judged(_judge, law, theta)


class ProgramWorkers:
    """Threads that have program text judged, each waiting for a sandbox of its own."""

    def __init__(
        self,
        side: TrainSide,
        rows: TrainRows,
        folds: Sequence[Fold],
        jobs: int,
        limits: Limits = PROGRAM_LIMITS,
    ) -> None:
        """Prepare; nothing is started before the first program.

        Args:
            side: The task, as far as a search knows it.
            rows: The train rows.
            folds: On which programs are judged.
            jobs: How many at once.
            limits: Of one program on all folds together.
        """
        self._limits = limits
        self._made = (side, rows, tuple(folds))
        self._jobs = jobs
        self._pool = SandboxPool()
        self._threads: ThreadPoolExecutor | None = None

    def submit(self, source: str) -> Future[Verdict]:
        """Have a program judged."""
        return self._begun().submit(self._judge, source)

    def submit_beyond(self, source: str, resamples: np.ndarray) -> Future[Beyond | None]:
        """Have a program asked what it says beyond the rows; None where it cannot be.

        Args:
            source: The program.
            resamples: How often each row is drawn, ``(B, G, N)``.
        """
        return self._begun().submit(self._beyond, source, resamples)

    def _begun(self) -> ThreadPoolExecutor:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._jobs)
        return self._threads

    def _judge(self, source: str) -> Verdict:
        try:
            return self._asked(lambda gateway: gateway.evaluate(source))
        except SandboxBroken as error:
            return Verdict(float("inf"), failure=f"harness error (ours): {error}")

    def _beyond(self, source: str, resamples: np.ndarray) -> Beyond | None:
        try:
            return self._asked(lambda gateway: gateway.beyond(source, resamples))
        except SandboxBroken:
            return None

    def _asked(self, question: Callable[[ProgramGateway], _Answer]) -> _Answer:
        """Return what a gateway answers. A broken sandbox is ours: it is asked once more."""
        with self._pool.lend() as sandbox, suppress(SandboxBroken):
            return question(ProgramGateway(*self._made, sandbox, self._limits))
        with self._pool.lend() as sandbox:
            return question(ProgramGateway(*self._made, sandbox, self._limits))

    def close(self) -> None:
        """End the sandboxes and what runs in them."""
        self._pool.kill()
        if self._threads is not None:
            self._threads.shutdown(wait=True, cancel_futures=True)
        self._pool.close()
