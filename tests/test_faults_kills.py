"""``kill -9`` of whatever takes part in a run: nothing is lost, nothing is twice or otherwise."""

from __future__ import annotations

import os
import random
import re
import subprocess
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
from faults import (
    Sld,
    assert_equal_stores,
    children,
    figures_of,
    kill_child,
    lines_of,
    scratch_of,
    write_candidates,
)
from processes import wait_for
from programs import program

from harness.evaluation.records import Evaluation
from harness.failures import FailureKind
from harness.sandbox import Sandbox

pytestmark = pytest.mark.linux

KILLS = {"main": 40, "server": 60, "child": 100}
IN_A_ROW = 2
"""So many kills of one evaluation's processes are made good within one run."""


class Disturber:
    """Kills processes of runs on one store until it has killed enough of each kind."""

    def __init__(self, sld: Sld, candidates: Path, seed: int) -> None:
        self.sld = sld
        self.candidates = candidates
        self.random = random.Random(seed)
        targets = [kind for kind, count in KILLS.items() for _ in range(count)]
        self.random.shuffle(targets)
        self.targets = deque(targets)
        self.killed: Counter[str] = Counter()
        self.starts = 0
        self.acknowledged: dict[str, dict[str, object]] = {}
        self.excused: set[str] = set()
        """Scratch folders whose server was killed, and the main process before it had noticed."""

    def run_once(self) -> int:
        """Start a run, disturb it; return how it ended."""
        self.starts += 1
        said = self.sld.folder / "said.txt"
        with said.open("w", encoding="utf-8") as out:
            process = self._start(out)
            killed = self._disturb(process)
            code = process.wait(60)
        self.sld.assert_nothing_left()
        text = said.read_text("utf-8")
        assert "Traceback" not in text
        self._check_scratch(killed)
        self._check_nothing_lost(text)
        return code

    def _start(self, out: IO[str]) -> subprocess.Popen[str]:
        words = ("run", self.candidates, "--jobs", 2)
        return self.sld.start(*words, stdout=out, stderr=subprocess.STDOUT)

    def _disturb(self, process: subprocess.Popen[str]) -> dict[str, set[str]]:
        """Kill until the process has ended; return scratch folders by what became of them."""
        folders: dict[str, set[str]] = {"server killed": set(), "served": set(), "main": set()}
        spared: Counter[int] = Counter()
        while process.poll() is None:
            time.sleep(self.random.choice((0.01, 0.05, 0.1)) * self.random.random())
            if not self.targets:
                time.sleep(0.02)
                continue
            kind = self.targets[0]
            if kind == "main":
                if not children(process.pid) and self.random.random() < 0.9:
                    continue  # most kills come when something is under way
                folders["served"] = {scratch_of(pid) for pid in children(process.pid)}
                folders["main"] = {"killed"}
                process.kill()
                process.wait()
            elif not self._kill_below(process.pid, kind, spared, folders["server killed"]):
                if self.random.random() < 0.05:
                    self.targets.rotate(-1)  # perhaps there is none of this kind any more
                continue
            self.targets.popleft()
            self.killed[kind] += 1
        return folders

    def _kill_below(self, main: int, kind: str, spared: Counter[int], gone: set[str]) -> bool:
        servers = children(main)
        if not servers:
            return False
        server = self.random.choice(servers)
        if kind == "server":
            name = scratch_of(server)
            if not name or not kill_child(server, main):
                return False
            gone.add(name)
            return True
        below = children(server)
        if not below or spared[server] == IN_A_ROW or not kill_child(below[0], server):
            return False
        spared[server] += 1
        return True

    def _check_scratch(self, folders: dict[str, set[str]]) -> None:
        left = self.sld.scratches() - self.excused
        if folders["main"]:
            # A server removes its folder when the harness is gone. Nobody can remove the one of a
            # server that was killed, too, or of one that was about to start.
            assert left & (folders["served"] - folders["server killed"]) == set()
            self.excused |= left
        else:
            assert left == set()

    def _check_nothing_lost(self, text: str) -> None:
        stored = lines_of(self.sld.store) if self.sld.store.exists() else {}
        for name, line in self.acknowledged.items():
            assert stored.get(name) == line, name
        self.acknowledged = dict(stored)
        for task, agent, model, run, outcome in re.findall(
            r"\] ([^/\s]+)/([^/\s]+)/([^/\s]+)/run_(\d+)  (.*)", text
        ):
            if "harness error" not in outcome:
                assert f"run {task} {agent} {model} {run}" in stored


@pytest.mark.timeout(400)
def test_200_kills_change_nothing(tmp_path: Path) -> None:
    """Nothing that was finished may be lost, and no kill may be held against a candidate."""
    candidates = write_candidates(tmp_path / "candidates", slow=0.25)
    calm = Sld(tmp_path, tmp_path / "calm.sqlite")
    done = calm("run", candidates, "--jobs", 2)
    assert done.returncode == 0, done.stderr
    expected = figures_of(calm.store)
    assert sum(line["kind"] == "evaluation" for line in expected.values()) >= 60
    kinds = {line["document"]["status"] for line in expected.values() if "document" in line}
    assert kinds == {"ok", "failed", "violation"}

    disturber = Disturber(Sld(tmp_path / "disturbed", tmp_path / "x"), candidates, seed=20)
    stores = 0
    while disturber.targets:
        stores += 1
        disturber.sld.store = tmp_path / f"store_{stores}.sqlite"
        disturber.acknowledged = {}
        ends = 0
        while (code := disturber.run_once()) != 0:
            assert code in {-9, 1}, "killed, or harness errors are left that the next run mends"
            ends += 1
            assert ends < 200
        assert_equal_stores(disturber.sld.store, expected)
    assert disturber.killed == KILLS
    assert len(disturber.excused) < KILLS["main"] / 2
    print(
        f"{dict(disturber.killed)} kills, {disturber.starts} starts, {stores} stores, "
        f"{len(disturber.excused)} folders excused"
    )


class Killer(threading.Thread):
    """Kills the processes of a sandbox of this process, one after the other."""

    def __init__(self, *targets: str) -> None:
        super().__init__(daemon=True)
        self.targets = targets
        self.others = set(children(os.getpid()))
        self.seen: set[int] = set()

    def run(self) -> None:
        for target in self.targets:
            wait_for(lambda kind=target: self._kill(kind), 20.0)

    def _kill(self, target: str) -> bool:
        for server in set(children(os.getpid())) - self.others:
            for child in set(children(server)) - self.seen:
                time.sleep(0.1)  # let it come to the program; others have ended by then
                self.seen.add(child)
                if child not in children(server):
                    continue
                if target == "child":
                    return kill_child(child, server)
                return kill_child(server, os.getpid())
        return False


@pytest.mark.parametrize("off", [(), ("namespaces",)], ids=["namespaces", "none"])
@pytest.mark.parametrize(
    ("targets", "kind"),
    [
        ("child child", None),
        ("child server child child", None),
        ("child child child", FailureKind.CRASH),
        ("server child server", FailureKind.HARNESS_ERROR),
    ],
)
def test_a_kill_from_outside_is_believed_only_where_it_comes_every_time(
    score: Callable[..., Evaluation],
    targets: str,
    kind: FailureKind | None,
    off: tuple[str, ...],
) -> None:
    """Regression: where a machine ran out of memory, an honest program had crashed for ever.

    In a namespace the program cannot have done it, so it is never its failure; without one it may
    have, and is believed to when it comes every time.
    """
    if kind is FailureKind.CRASH and not off:
        kind = FailureKind.HARNESS_ERROR
    killer = Killer(*targets.split())
    with Sandbox(layers_off=off) as box:
        assert box.layers  # the server has started
        wait_for(lambda: not any(children(pid) for pid in children(os.getpid())), 2.0)
        killer.start()
        source = program(fit="import time; time.sleep(0.3)")
        evaluation = score(source, box=box, fit_seconds=20)
        killer.join()
    assert (evaluation.error and evaluation.error.kind) == kind, evaluation.error
    assert "rlimits" in evaluation.isolation.layers
