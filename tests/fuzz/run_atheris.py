"""Coverage-guided fuzzing of the readers with atheris: ``python tests/fuzz/run_atheris.py``.

Each reader runs in a process of its own, for a number of seconds, from the seeds and what earlier
runs kept in ``build/fuzz/corpus``. An input that breaks a promise is put into
``build/fuzz/broken`` and belongs into ``tests/fuzz/nasty.py`` once it is mended.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
BUILD = TESTS.parent / "build" / "fuzz"
EXIT_WITHOUT_ATHERIS = 2
_LONGEST_INPUT = 20_000
_SLOWEST_SECONDS = 10
_MEGABYTES = 2048
_GRACE_SECONDS = 60.0


def main() -> int:
    """Fuzz the readers that are named, or all of them; 1 where a promise is broken."""
    arguments = _arguments()
    if importlib.util.find_spec("atheris") is None:
        sys.stderr.write(
            "error: atheris is not installed; type: pip install -e '.[fuzz]' (there are wheels for "
            "CPython 3.11 to 3.14 on Linux, x86-64)\n"
        )
        return EXIT_WITHOUT_ATHERIS
    sys.path.insert(0, str(TESTS))
    if arguments.one:
        _fuzz(arguments.one, arguments.flags)
    from fuzz.seeds import DICTIONARY

    unknown = sorted(set(arguments.names) - DICTIONARY.keys())
    if unknown:
        sys.stderr.write(f"error: no reader {unknown[0]!r}; there are: {', '.join(DICTIONARY)}\n")
        return EXIT_WITHOUT_ATHERIS
    broken = [
        name
        for name in arguments.names or DICTIONARY
        if not _run(name, arguments.seconds, arguments.build)
    ]
    if broken:
        sys.stderr.write(f"broken: {', '.join(broken)}; see {arguments.build / 'broken'}\n")
    return 1 if broken else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("names", nargs="*", metavar="READER", help="which; all if none is given")
    parser.add_argument("--seconds", type=int, default=60, help="for each reader (default: 60)")
    parser.add_argument("--build", type=Path, default=BUILD, help="where corpora and finds go")
    # For the process of one reader: its name and what libFuzzer is told, as JSON.
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--flags", type=json.loads, default=[], help=argparse.SUPPRESS)
    return parser.parse_args()


def _run(name: str, seconds: int, build: Path) -> bool:
    """Fuzz one reader in a process of its own; return whether it kept its promise."""
    from fuzz.seeds import DICTIONARY, seeds

    corpus, broken = build / "corpus" / name, build / "broken"
    for folder in (corpus, broken):
        folder.mkdir(parents=True, exist_ok=True)
    for data in seeds()[name]:
        (corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    words = build / f"{name}.dict"
    escaped = ("".join(f"\\x{byte:02x}" for byte in word[:60]) for word in DICTIONARY[name])
    words.write_text("".join(f'"{word}"\n' for word in escaped), encoding="ascii")
    flags = [
        f"-max_total_time={seconds}",
        f"-timeout={_SLOWEST_SECONDS}",
        f"-rss_limit_mb={_MEGABYTES}",
        f"-max_len={_LONGEST_INPUT}",
        f"-dict={words}",
        f"-artifact_prefix={broken / name}-",
        "-print_final_stats=1",
        str(corpus),
    ]
    command = [sys.executable, __file__, "--one", name, "--flags", json.dumps(flags)]
    # What a reader prints is looked at only where it broke its promise.
    log = build / f"{name}.log"
    with log.open("wb") as file:
        done = subprocess.run(
            command,
            stdout=file,
            stderr=subprocess.STDOUT,
            timeout=seconds + _GRACE_SECONDS,
            check=False,
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )
    text = log.read_text("utf-8", "replace")
    runs = [line.split()[-1] for line in text.splitlines() if "number_of_executed_units" in line]
    said = "kept" if done.returncode == 0 else f"BROKEN (see {log})"
    sys.stdout.write(f"{name}: {runs[0] if runs else '?'} inputs in {seconds} s: {said}\n")
    sys.stdout.flush()
    return done.returncode == 0


def _fuzz(name: str, flags: list[str]) -> None:
    """Fuzz in this process; never returns."""
    import atheris

    with atheris.instrument_imports(include=["harness"]):
        from fuzz.targets import TARGETS

    atheris.Setup([sys.argv[0], *flags], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
