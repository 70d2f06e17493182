"""What writing the site costs, for a board of the public one's size and for ten times as many runs.

Fills a store with made-up runs (``synthetic_board.py``) and calls ``sld leaderboard`` three times:
into an empty folder, again with nothing changed, and after one run was added. Prints a line for
each figure, with its limit where there is one. Memory is given twice: the largest process by the
kernel's account, and the largest sum over the process tree, sampled from /proc (Linux only; pages
that processes share count once).

Run: python tests/benchmarks/site.py, or with ``--runs 934`` for one size alone.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MEBIBYTE = 1024 * 1024
GIGABYTE = 1e9
SAMPLE_SECONDS = 0.2
POLL_SECONDS = 0.01
BOARD = Path(__file__).with_name("synthetic_board.py")
SLD = [sys.executable, "-c", "from harness.cli import main; main()"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What the figures of one size may be; None where nothing is asked."""

    fresh_seconds: float | None = None
    unchanged_seconds: float | None = None
    memory_bytes: float | None = None


LIMITS = {
    934: Limits(fresh_seconds=60, unchanged_seconds=3),
    10_000: Limits(fresh_seconds=300, memory_bytes=GIGABYTE),
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one command took."""

    seconds: float
    largest_bytes: int
    """Peak of the largest process, the command's or one that it waited for."""
    tree_bytes: int
    """Largest sum over the command's process tree; 0 where there is no /proc."""
    printed: str


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--runs", type=int, action="append", help="a board's size; default: 934 and 10000"
    )
    parser.add_argument("--suite", help="default: sldbench where its data is, else nano")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    suite = options.suite or default_suite()
    for runs in options.runs or LIMITS:
        with tempfile.TemporaryDirectory(prefix="sld-bench-") as folder:
            bench(Path(folder), runs, suite, options.seed)


def bench(folder: Path, runs: int, suite: str, seed: int) -> None:
    """Measure one size and print its figures."""
    limits = LIMITS.get(runs, Limits())
    store, out = folder / "store.sqlite", folder / "site"
    # In a process of its own: what this one holds would count as memory of those it starts.
    filling = [sys.executable, str(BOARD), str(store), "--suite", suite, "--seed", str(seed)]
    filled = measured([*filling, "--runs", str(runs)])
    say(runs, "store", f"{store.stat().st_size / MEBIBYTE:.1f} MiB, filled in", filled.seconds)
    command = [*SLD, "leaderboard", "--store", str(store), "--out", str(out), "--suite", suite]

    fresh = measured(command)
    say(runs, "fresh site", "", fresh.seconds, limits.fresh_seconds)
    say_memory(runs, "fresh site, largest process", fresh.largest_bytes, limits.memory_bytes)
    say_memory(runs, "fresh site, process tree", fresh.tree_bytes, limits.memory_bytes)
    before = state(out)
    size = sum(path.stat().st_size for path in before)
    print(f"{runs} runs: site: {len(before)} files, {size / MEBIBYTE:.1f} MiB")

    unchanged = measured(command)
    again = state(out)
    say(
        runs,
        "unchanged site",
        f"{differences(before, again)} files written,",
        unchanged.seconds,
        limits.unchanged_seconds,
    )
    say_memory(runs, "unchanged site, process tree", unchanged.tree_bytes, limits.memory_bytes)

    measured([*filling, "--one-more"])
    more = measured(command)
    say(runs, "one run more", f"{differences(again, state(out))} files written,", more.seconds)
    say_memory(runs, "one run more, process tree", more.tree_bytes, limits.memory_bytes)
    print(f"{runs} runs: one run more: the command said: {more.printed.splitlines()[0]}")


def say(runs: int, what: str, detail: str, seconds: float, limit: float | None = None) -> None:
    """Print a time and its limit."""
    words = f"{detail} {seconds:.2f} s".strip()
    asked = "" if limit is None else f" (limit {limit:g} s: {verdict(seconds, limit)})"
    print(f"{runs} runs: {what}: {words}{asked}", flush=True)


def say_memory(runs: int, what: str, found: int, limit: float | None) -> None:
    """Print a peak of memory and its limit."""
    asked = ""
    if limit is not None:
        asked = f" (limit {limit / GIGABYTE:g} GB: {verdict(found, limit)})"
    words = f"{found / GIGABYTE:.3f} GB" if found else "not known here"
    print(f"{runs} runs: {what}: peak {words}{asked}", flush=True)


def verdict(found: float, limit: float) -> str:
    """Return whether a figure keeps its limit, in a word."""
    return "kept" if found < limit else "EXCEEDED"


def default_suite() -> str:
    """Return the suite that a board is filled with where none is named, without loading numpy."""
    from harness.tasks import load_catalogue

    there = all(task.has_data() for task in load_catalogue().tasks("sldbench"))
    return "sldbench" if there else "nano"


def state(folder: Path) -> dict[Path, tuple[int, int]]:
    """Return what changes when a file is written, by path: its inode and its time."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}


def differences(before: dict[Path, tuple[int, int]], after: dict[Path, tuple[int, int]]) -> int:
    """Return how many files are new or were written again."""
    return len(after.items() - before.items())


def measured(command: list[str]) -> Cost:
    """Run a command to its end and return what it took.

    Raises:
        SystemExit: The command failed; what it said has been printed.
    """
    with tempfile.TemporaryFile() as printed:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=printed, stderr=subprocess.STDOUT)
        try:
            tree, next_sample = 0, 0.0
            while True:
                # wait4 and not getrusage: the latter's maximum is over all that ran before, too.
                pid, status, usage = os.wait4(process.pid, os.WNOHANG)
                now = time.perf_counter() - started
                if pid:
                    break
                if now >= next_sample:
                    tree, next_sample = max(tree, tree_bytes(process.pid)), now + SAMPLE_SECONDS
                time.sleep(POLL_SECONDS)
            process.returncode = os.waitstatus_to_exitcode(status)
        except BaseException:
            process.kill()
            process.wait()
            raise
        printed.seek(0)
        text = printed.read().decode("utf-8", "replace")
    if process.returncode != 0:
        print(text, file=sys.stderr)
        raise SystemExit(f"exit status {process.returncode} of: {' '.join(command)}")
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
    return Cost(now, usage.ru_maxrss * unit, tree, text)


def tree_bytes(root: int) -> int:
    """Return the memory of a process and all its descendants, 0 without /proc.

    What several processes share, libraries mostly, counts once: as the kernel's proportional
    share of each.
    """
    children: dict[int, list[int]] = {}
    for pid, parent in processes():
        children.setdefault(parent, []).append(pid)
    total, waiting = 0, [root]
    while waiting:
        pid = waiting.pop()
        waiting += children.get(pid, [])
        with suppress(OSError, ValueError):  # it may have ended in between
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
            (share,) = [line.split()[1] for line in lines if line.startswith("Pss:")]
            total += int(share) * 1024
    return total


def processes() -> Iterator[tuple[int, int]]:
    """Yield the number of each process and its parent's."""
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            # The program's name stands in brackets and may hold anything, brackets included.
            fields = (place / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            yield int(place.name), int(fields[1])


if __name__ == "__main__":
    main()
