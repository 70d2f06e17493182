"""Runs of ``sld`` that are disturbed, and what must be the same afterwards."""

from __future__ import annotations

import copy
import json
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from processes import wait_for
from programs import program

from harness.paths import shipped_candidates
from harness.results.exchange import to_lines
from harness.results.store import Store

MAIN = "from harness.cli import main; main()"


@dataclass
class Sld:
    """``sld`` in processes of its own whose temporary files lie in a folder of their own."""

    folder: Path
    store: Path
    code: str = MAIN
    prefix: Sequence[str] = ()
    """What the command is started with, for instance in namespaces of a disk's own."""

    def __post_init__(self) -> None:
        self.scratch.mkdir(parents=True, exist_ok=True)

    @property
    def scratch(self) -> Path:
        return self.folder / "tmp"

    def start(self, *words: object, **options: Any) -> subprocess.Popen[str]:
        """Start a command on the store; ``options`` are those of ``Popen``."""
        store = ("--store", str(self.store))
        environment = {**os.environ, "TMPDIR": str(self.scratch), "COLUMNS": "200"}
        return subprocess.Popen(
            [*self.prefix, sys.executable, "-c", self.code, *map(str, words), *store],
            text=True,
            cwd=self.folder,
            env=environment,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
        )

    def __call__(self, *words: object, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, which must come in time."""
        process = self.start(*words)
        try:
            out, err = process.communicate(timeout=seconds)
        finally:
            process.kill()
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def left_over(self) -> set[int]:
        """Return servers and children of any run of this one, whoever their parent is now."""
        mark = str(self.scratch).encode()
        return {pid for pid, words in _commands().items() if mark in words}

    def scratches(self) -> set[str]:
        """Return the scratch folders that are there."""
        return {path.name for path in self.scratch.glob("sld-scratch-*")}

    def assert_nothing_left(self, seconds: float = 10.0) -> None:
        """Every process ends by itself, and soon."""
        if not wait_for(lambda: not self.left_over(), seconds):
            raise AssertionError("\n".join(_described(pid) for pid in self.left_over()))


def _commands() -> dict[int, bytes]:
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found[int(entry.name)] = (entry / "cmdline").read_bytes()
            except OSError:
                continue  # it has ended meanwhile
    return found


def _described(pid: int) -> str:
    words = []
    for name in ("status", "wchan", "stack", "cmdline"):
        try:
            raw = Path(f"/proc/{pid}/{name}").read_bytes()
        except OSError as error:
            raw = str(error).encode()
        words.append(f"{name}: {raw[-400:] if name == 'cmdline' else raw[:900]!r}")
    for number in range(8):
        try:
            words.append(f"{number}: {os.readlink(f'/proc/{pid}/fd/{number}')}")
        except OSError:
            continue
    return f"{pid} is left: {'; '.join(words)}"


def scratch_of(server: int) -> str:
    """Return the name of a server's scratch folder, or nothing while it is none yet."""
    try:
        words = Path(f"/proc/{server}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    names = [Path(word.decode()).name for word in words if b"sld-scratch-" in word]
    return names[0] if names else ""


def children(pid: int) -> list[int]:
    """Return the children of a process, whichever of its threads started them."""
    found = []
    for entry in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(word) for word in entry.read_text("ascii").split()]
        except OSError:
            continue
    return sorted(found)


def kill_child(pid: int, parent: int) -> bool:
    """Kill a process if it still is a parent's child; no other can be hit by its number."""
    try:
        opened = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if pid not in children(parent):
            return False
        signal.pidfd_send_signal(opened, signal.SIGKILL)
    except OSError:
        return False
    finally:
        os.close(opened)
    return True


def lines_of(store: Path) -> dict[str, dict[str, Any]]:
    """Return everything in a store, line by line."""
    with Store(store, read_only=True) as opened:
        lines = [json.loads(line) for line in to_lines(opened.content())]
    return {_name(line): line for line in lines}


def _name(line: dict[str, Any]) -> str:
    keys = ("kind", "sha256", "digest", "task", "agent", "model", "run")
    if line["kind"] == "run":
        keys = ("kind", "task", "agent", "model", "run")
    return " ".join(str(line[key]) for key in keys if key in line)


def exported(sld: Sld) -> dict[str, dict[str, Any]]:
    """Return the same by ``sld results export``."""
    file = sld.folder / "exported.jsonl"
    done = sld("results", "export", file)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    return {_name(line): line for line in lines}


def figures_of(store: Path) -> dict[str, dict[str, Any]]:
    """Return everything in a store but when it was made and how long it took."""
    return without_times(lines_of(store))


def without_times(lines: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Leave out what no two runs have in common."""
    lines = copy.deepcopy(lines)
    for line in lines.values():
        line.pop("created", None)
        if line["kind"] == "evaluation":
            del line["document"]["seconds"]
    return lines


def assert_equal_stores(found: Path, expected: dict[str, dict[str, Any]]) -> None:
    """Nothing lost, nothing twice, no figure, failure or array otherwise."""
    figures = figures_of(found)
    assert figures.keys() == expected.keys()
    other = {
        name: (line, expected[name]) for name, line in figures.items() if line != expected[name]
    }
    assert other == {}
    with sqlite3.connect(found) as database:
        counted = "SELECT count(*), count(DISTINCT digest) FROM evaluations"
        all_rows, unique = database.execute(counted).fetchone()
    database.close()
    assert all_rows == unique == sum(line["kind"] == "evaluation" for line in expected.values())
    with Store(found, read_only=True) as store:
        store.check_whole()


def put(folder: Path, task: str, agent: str, texts: Iterable[str]) -> None:
    """File programs as the runs of an agent."""
    place = folder / task / agent / "model"
    place.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(texts, 1):
        (place / f"run_{number}.py").write_text(text, encoding="utf-8")


# One of each way to end: what a disturbance might be taken for, or be hidden by.
ENDINGS = {
    "a mean": program(),
    "load": "1 / 0",
    "raises": program(fit="raise ValueError('no')"),
    "bad": program(predict="return np.full(len(data_points), np.nan)"),
    "memory": program(fit="hoard = [bytearray(1 << 28) for _ in range(99)]"),
    "abort": program(fit="os.abort()"),
    "exit": program(predict="os._exit(3)"),
    "constants": program(fit="return np.zeros(999)"),
    "rows": program(predict="return data_points.sum() + np.arange(len(data_points))"),
}


def write_candidates(folder: Path, *, tasks: str = "nano_*", slow: float = 0.0) -> Path:
    """Write the shipped programs of shipped tasks and small ones beside.

    Args:
        folder: Where to.
        tasks: Which tasks.
        slow: Seconds for which some of the small ones sleep when they are loaded.
    """
    shipped = shipped_candidates()
    names = sorted(path.name for path in shipped.glob(tasks))
    waiting = program(first=f"import time; time.sleep({slow})")
    for number, task in enumerate(names):
        texts = [path.read_text("utf-8") for path in sorted((shipped / task).rglob("run_*.py"))]
        put(folder, task, "shipped", dict.fromkeys(texts))
        put(folder, task, "waiting", [f"{waiting}# {n}\n" for n in range(3)])
        kinds: Sequence[str] = list(ENDINGS)
        chosen = [kinds[(number * 4 + n) % len(kinds)] for n in range(4)]
        put(folder, task, "small", [ENDINGS[kind] for kind in chosen])
    return folder


class Disk:
    """A small disk of its own, in mount namespaces of its own where root is not allowed to mount.

    Raises:
        OSError: Neither is possible here.
    """

    def __init__(self, place: Path, size: str) -> None:
        place.mkdir()
        self.place = place
        self.prefix: Sequence[str] = ()
        self._holder: subprocess.Popen[str] | None = None
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
        if subprocess.run(mount, capture_output=True, check=False).returncode == 0:
            return
        script = f"{shlex.join(mount)} && echo ready && read _"
        self._holder = subprocess.Popen(
            ["unshare", "-rm", "sh", "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != "ready\n":
            self._holder.communicate()
            raise OSError("neither mount nor unshare -rm makes a small disk here")
        self.prefix = ("nsenter", "--preserve-credentials", "-Um", "-t", str(self._holder.pid))

    def run(self, *words: object) -> str:
        """Run a command that sees the disk."""
        command = [*self.prefix, *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout

    def remount(self, options: str) -> None:
        self.run("mount", "-o", f"remount,{options}", self.place)

    def close(self) -> None:
        if self._holder is not None:
            self._holder.communicate("")
        else:
            subprocess.run(["umount", "-l", str(self.place)], check=True)
