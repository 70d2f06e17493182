"""The child that reads laws: a request a line in, an answer a line out, until its input ends.

It executes nothing of a program. It is a process of its own because reading a strange program or
printing a strange formula may take forever, or all memory.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from contextlib import suppress
from typing import Any, TextIO

from harness.leaderboard.formula import printing, text, trees
from harness.leaderboard.formula.client import LAW_SECONDS, READY
from harness.leaderboard.formula.mathml import symbol_mathml, symbol_text, wrapped
from harness.leaderboard.formula.naming import INDEX, predicted_name
from harness.leaderboard.formula.symbolic import read_law

_MEMORY_BYTES = 2 * 1024**3
_ROUNDED = "digits of numbers beyond the sixth"


def main() -> None:
    """Answer requests."""
    with suppress(OSError, ValueError):  # macOS takes no such limit
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="ascii")
    sys.stdout = sys.stderr  # whatever a library may print is no answer
    answers.write(READY.decode("ascii"))
    answers.flush()
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # which ends it, whatever it is at
    for line in sys.stdin.buffer:
        signal.setitimer(signal.ITIMER_PROF, LAW_SECONDS)
        _say(answers, _read(json.loads(line)))
        signal.setitimer(signal.ITIMER_PROF, 0)


def _say(answers: TextIO, answer: dict[str, Any] | None) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def _read(request: dict[str, Any]) -> dict[str, Any] | None:
    """Return a law as the client wants it, None where there is none."""
    try:
        return _formula(**request)
    except Exception:  # a strange program breaks the reader in strange ways
        return None


def _formula(
    program: str, features: list[str], targets: list[str], n_params: int | None
) -> dict[str, Any]:
    law = read_law(program, features, targets, n_params)
    expression = trees.to_sympy(law.expression, {symbol: name for symbol, name, _ in law.symbols})
    predicted = predicted_name(targets, indexed=law.index is not None)
    symbols = [
        (symbol_text(name), meaning)
        for _, name, meaning in law.symbols
        if name != meaning and not _is_numbered(name, meaning)
    ]
    if any(_is_numbered(name, meaning) for _, name, meaning in law.symbols):
        symbols.append(("p_i", "constant params[i]"))
    if law.index is not None:
        symbols.append((INDEX, law.index))
    left = symbol_mathml(predicted)
    return {
        "mathml": wrapped(f"<mrow>{left}<mo>=</mo>{printing.to_mathml(expression)}</mrow>"),
        "text": f"{predicted} = {text.to_text(expression)}",
        "symbols": symbols,
        "notes": [*law.notes, *([_ROUNDED] if trees.is_rounded(law.expression) else [])],
    }


def _is_numbered(name: str, meaning: str) -> bool:
    """Return whether a symbol is a constant that has no other name than its number."""
    return f"constant params[{name.removeprefix('p_')}]" == meaning


if __name__ == "__main__":
    main()
