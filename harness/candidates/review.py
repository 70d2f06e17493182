"""What can be said of a program from its text alone: everything at once, with lines."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from harness.candidates.markers import find_markers
from harness.models import StrictModel

_WORKER = Path(__file__).with_name("review_worker.py")
_SECONDS = 30.0
_MOST_FINDINGS = 50
_LONGEST = 300


class Finding(StrictModel):
    """One thing about a program's text."""

    kind: Literal["fault", "cause", "note"]
    """A fault is one whatever the program scores, a cause explains a failure, a note only helps."""
    line: int | None
    message: str

    @property
    def text(self) -> str:
        """The finding as one line for a person."""
        return f"line {self.line}: {self.message}" if self.line is not None else self.message


class Review(StrictModel):
    """What a program's text shows."""

    findings: tuple[Finding, ...] = ()
    """By line."""
    functions: dict[str, int] = Field(default_factory=dict)
    """The lines of the functions that a candidate must define, as far as it does."""
    loads: bool = True
    """Whether Python can parse it; if not, nothing is gained by scoring it."""


class _Answer(StrictModel):
    findings: tuple[tuple[Literal["fault", "cause"], int | None, str], ...]
    functions: dict[str, int]
    loads: bool


def review(source: bytes) -> Review:
    """Read a program's text without running any of it.

    It is parsed in a process of its own. Where that one gives no answer (the text is too much for
    Python's parser), nothing is said, and scoring the program shows what it is.

    Args:
        source: The program's bytes.
    """
    command = [sys.executable, "-I", "-S", "-B", str(_WORKER)]
    try:
        done = subprocess.run(
            command, input=source, capture_output=True, timeout=_SECONDS, check=False
        )
        answer = _Answer.model_validate_json(done.stdout)
    except (subprocess.TimeoutExpired, ValidationError):
        return Review()
    findings = [
        Finding(kind=kind, line=line, message=_plain(message))
        for kind, line, message in answer.findings[:_MOST_FINDINGS]
    ]
    if answer.loads:
        markers = find_markers(source.decode("utf-8"))
        findings += [
            Finding(kind="note", line=line, message=message) for line, message in markers.problems
        ]
    findings.sort(key=lambda one: (one.line or 0, one.message))
    return Review(findings=tuple(findings), functions=answer.functions, loads=answer.loads)


def _plain(message: str) -> str:
    """Return a message that holds parts of the program as one printable line."""
    line = " ".join(message.split())[:_LONGEST]
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
