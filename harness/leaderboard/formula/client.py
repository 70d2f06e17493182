"""Asks a child process for the law of a program, and never waits for it longer than that may take.

The child reads what somebody sent in, so it is not trusted either: its answer is parsed strictly
and rewritten tag by tag before a page shows it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from harness.leaderboard.formula.mathml import checked_mathml
from harness.models import StrictModel

READY = b"ready\n"
LAW_SECONDS = 2.0
"""Of processor time, which the child counts: a law that takes more is not shown. What else the
machine is at does not matter, so that the same laws are shown wherever a site is written."""
WALL_SECONDS = 60.0
"""A child that has not answered by then is stuck, and killed."""
_START_SECONDS = 60.0
"""Importing sympy takes about a second; on a busy machine much longer."""
_MOST_STARTS = 3
"""A child that does not come up so many times is not tried again."""
_LONGEST_PROGRAM = 200_000
_LONGEST_ANSWER = 1_000_000
_ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Formula:
    """A law as people write it."""

    mathml: str
    """A ``math`` element, safe to put into a page."""
    text: str
    """The same as plain text."""
    symbols: tuple[tuple[str, str], ...]
    """Symbols, each with what it is."""
    notes: tuple[str, ...]
    """What the program does that the formula leaves out, a phrase each."""


class _Answer(StrictModel):
    """What the child says of a law."""

    mathml: str
    text: str
    symbols: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


_ANSWER: TypeAdapter[_Answer | None] = TypeAdapter(_Answer | None)


class FormulaWorker:
    """Reads laws in a child process, which is started when it is first needed."""

    def __init__(
        self, command: Sequence[str] | None = None, *, seconds: float = WALL_SECONDS
    ) -> None:
        """Prepare; nothing is started.

        Args:
            command: The child's command; the package's own worker when not given.
            seconds: How long to wait for an answer, at most.
        """
        worker = [sys.executable, "-P", "-m", "harness.leaderboard.formula.worker"]
        self._command = list(command) if command is not None else worker
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._failed_starts = 0

    @property
    def available(self) -> bool:
        """Whether sympy, the extra ``math``, is installed, and the child comes up."""
        return self._failed_starts < _MOST_STARTS and find_spec("sympy") is not None

    def formula(
        self,
        program: bytes,
        features: Sequence[str],
        targets: Sequence[str],
        n_params: int | None = None,
    ) -> Formula | None:
        """Return the law of a program.

        Args:
            program: Its bytes.
            features: The task's features, in the order of the columns.
            targets: The task's targets, likewise.
            n_params: How many constants a fit of it gives, where that is known.

        Returns:
            None where the law cannot be had from the text with certainty or in time, or sympy is
            not installed.
        """
        if len(program) > _LONGEST_PROGRAM or not self.available:
            return None
        try:
            text = program.decode("utf-8")
        except UnicodeDecodeError:  # Python does not load it either
            return None
        request = {
            "program": text,
            "features": list(features),
            "targets": list(targets),
            "n_params": n_params,
        }
        answer = self._answer(json.dumps(request).encode("ascii") + b"\n")
        if answer is None:
            return None
        mathml = checked_mathml(answer.mathml)
        if mathml is None:
            return None
        return Formula(mathml, answer.text, answer.symbols, answer.notes)

    def close(self) -> None:
        """End the child, where there is one; it is started again when asked."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what was not written yet cannot be
                    pipe.close()
        process.wait()

    def _answer(self, request: bytes) -> _Answer | None:
        process = self._started()
        if process is None:
            return None
        line = _exchange(process, request, self._seconds)
        if not line.endswith(b"\n"):  # it was killed, ended, or says too much
            self.close()
            return None
        try:
            return _ANSWER.validate_json(line)
        except ValidationError:
            self.close()
            return None

    def _started(self) -> subprocess.Popen[bytes] | None:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()  # one that ended by itself, or was killed just after its answer
        path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH", ""))))
        # One thread: each thread of a numerical library takes address space, which is limited.
        environment = {**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"}
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
        except OSError:
            self._failed_starts += 1
            return None
        if _exchange(self._process, b"", _START_SECONDS) != READY:
            self._failed_starts += 1
            self.close()
        return self._process


def _exchange(process: subprocess.Popen[bytes], request: bytes, seconds: float) -> bytes:
    """Return the line that a child says to a request, or less where it is killed for its time."""
    if process.stdin is None or process.stdout is None:
        return b""
    timer = threading.Timer(seconds, process.kill)
    timer.daemon = True
    timer.start()
    try:
        with suppress(OSError):
            process.stdin.write(request)
            process.stdin.flush()
            return process.stdout.readline(_LONGEST_ANSWER)
        return b""
    finally:
        timer.cancel()
