"""What every attack is put to: it ends as it must, and nothing else is touched."""

from __future__ import annotations

import os
import subprocess
import sysconfig
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest
from conftest import Scorer
from processes import descendants, living, wait_for
from programs import GROUP_MEAN

import harness
from harness.evaluation.records import Evaluation
from harness.sandbox import Sandbox
from harness.tasks import Task
from hostile.attacks import OK, Attack, ending

SLOWEST = 12.0
"""No attack may hold the harness for longer (seconds)."""
LIMITS = {"fit_seconds": 5.0, "predict_seconds": 5.0}
FOLDERS = (
    "/", "/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/etc", "/usr/lib",
    str(Path.home()), os.getcwd(),
    str(Path(harness.__file__).parent), np.__path__[0], sysconfig.get_path("stdlib"),
    sysconfig.get_path("purelib"), tempfile.gettempdir(),
)  # fmt: skip


class Stopped(Protocol):
    """Runs an attack; see ``stopped``."""

    def __call__(self, attack: Attack, *, box: Sandbox | None = None) -> Evaluation:
        """Return the evaluation of an attack that was stopped."""


@pytest.fixture
def neighbour() -> Iterator[subprocess.Popen[bytes]]:
    """A process of the same user that has nothing to do with the harness; it must live on."""
    with subprocess.Popen(["/bin/sleep", "600"]) as process:
        yield process
        assert process.poll() is None, "the neighbour was ended"
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == 0
        process.kill()


@pytest.fixture
def fill(wide_task: Task, neighbour: subprocess.Popen[bytes]) -> Callable[[str], str]:
    """Return a function that fills in what a program must know of its surroundings."""
    train, test = wide_task.files()
    words = {
        "@TEST@": str(test),
        "@TRAIN@": str(train),
        "@TASK@": str(wide_task.path),
        "@MARK@": f"sld_{uuid.uuid4().hex}",
        "@PARENT@": str(os.getpid()),
        "@NEIGHBOUR@": str(neighbour.pid),
    }

    def filled(text: str) -> str:
        for word, value in words.items():
            text = text.replace(word, value)
        return text

    return filled


@pytest.fixture(scope="session")
def honest_of() -> dict[int, Evaluation]:
    """What an honest program gets, by sandbox."""
    return {}


@pytest.fixture
def stopped(
    honest_of: dict[int, Evaluation],
    outcome_of: Scorer,
    sandbox: Sandbox,
    wide_task: Task,
    tmp_path: Path,
    fill: Callable[[str], str],
) -> Stopped:
    """Return a function that scores an attack and asserts that it was stopped.

    It ends as it must; gains nothing where it ends well; leaves no file, no process and no byte in
    the task's folder changed; the same sandbox then scores an honest program as before.
    """

    def run(attack: Attack, *, box: Sandbox | None = None) -> Evaluation:
        box = box or sandbox
        lacking = [why for why in box.missing if why.partition(":")[0] in attack.needs]
        if lacking:
            pytest.skip(f"not kept from it here: {attack.name} ({'; '.join(lacking)})")
        source = fill(attack.program)
        box.warm(source.encode("utf-8", "surrogateescape"))
        honest = honest_of.get(id(box))
        if honest is None:
            honest = outcome_of(GROUP_MEAN, wide_task, box=box).evaluation
            assert ending(honest) == OK, honest.error
            honest_of[id(box)] = honest
        before, files = descendants(os.getpid()), snapshot(tmp_path)
        started = time.monotonic()
        found = outcome_of(source, wide_task, box=box, **{**LIMITS, **attack.limits}).evaluation
        elapsed = time.monotonic() - started
        assert wait_for(lambda: not living(descendants(os.getpid()) - before), 1.0), "a process"
        assert snapshot(tmp_path) == files, "a file of the task was touched"
        mark = fill("@MARK@")
        left = [name for name in FOLDERS if os.path.lexists(f"{name}/{mark}")]
        assert left == [], "a file was left"
        again = outcome_of(GROUP_MEAN, wide_task, box=box).evaluation
        changing = {"seconds", "isolation"}
        assert again.model_dump(exclude=changing) == honest.model_dump(exclude=changing)
        assert ending(found) in attack.ends, found.error or found.violations or found.r2
        assert elapsed < SLOWEST
        if ending(found) == OK:
            assert_no_better(found, honest)
        else:
            assert found.score == -1.0
        return found

    return run


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return mode and content of every file below a folder."""
    return {
        str(path): (path.stat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
    }


def assert_no_better(found: Evaluation, honest: Evaluation) -> None:
    """Assert that an evaluation's figures are no better than an honest program's."""
    assert found.r2 is not None
    assert honest.r2 is not None
    assert found.r2 <= honest.r2 + 1e-12
    assert (found.r2_fit or 0.0) <= (honest.r2_fit or 0.0) + 1e-12
    assert found.n_params is None or found.n_params <= 4
