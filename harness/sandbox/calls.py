"""What passes between the harness and a child: programs, calls, replies, failures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.failures import FailureKind

if TYPE_CHECKING:
    import numpy as np

    from harness.sandbox.guest.wire import Frame

# What a child may say went wrong; anything else from it is a forgery.
_CHILD_KINDS = frozenset(
    {
        FailureKind.LOAD_ERROR,
        FailureKind.CANDIDATE_ERROR,
        FailureKind.BAD_OUTPUT,
        FailureKind.MEMORY,
    }
)
_MAX_MESSAGE = 1000


class SandboxBroken(Exception):
    """The sandbox itself failed: our fault, never the candidate's."""


class ChildFailed(Exception):
    """The candidate's process gave no answer, or one that says why there is none."""

    def __init__(self, kind: FailureKind, message: str, line: int | None = None) -> None:
        """Keep what the evaluation will store."""
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.line = line


@dataclass(frozen=True, slots=True)
class Printed:
    """What a program printed."""

    text: str = ""
    """As far as the limit keeps it."""
    cut: bool = False
    """Whether there was more."""

    def __add__(self, later: Printed) -> Printed:
        """Return both, one after the other."""
        return Printed(self.text + later.text, self.cut or later.cut)


@dataclass(frozen=True, slots=True)
class ProgramText:
    """A program and what it is called with."""

    source: bytes
    format: str
    """``evolve-block`` or ``law``."""
    features: tuple[str, ...]
    targets: tuple[str, ...]
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One call of the candidate."""

    do: str
    """``fit`` (two arrays), ``predict`` (one), ``predict_rows`` (one, each row by itself)."""
    group: str
    arrays: tuple[np.ndarray, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Reply:
    """What one call gave: an array, or the failure in its place."""

    array: np.ndarray | None
    failure: ChildFailed | None = None


def read_replies(frame: Frame, count: int) -> list[Reply]:
    """Return what a child answered.

    Args:
        frame: Its answer; written by candidate code, so nothing in it is taken on trust.
        count: How many calls were made.

    Raises:
        ChildFailed: The program did not load.
        KeyError, TypeError, ValueError: The frame is not an answer.
    """
    if "error" in frame.body:
        raise _failure(frame.body["error"])
    answers = frame.body["calls"]
    if not isinstance(answers, list) or len(answers) > count:
        msg = "more answers than calls"
        raise ValueError(msg)
    arrays = iter(frame.arrays)
    replies = []
    for answer in answers:
        if "error" in answer:
            replies.append(Reply(None, _failure(answer["error"])))
        else:
            array = next(arrays, None)
            if array is None:
                msg = "fewer arrays than answers"
                raise ValueError(msg)
            replies.append(Reply(array))
    if next(arrays, None) is not None or frame.raw:
        msg = "more arrays than answers"
        raise ValueError(msg)
    return replies


def _failure(error: dict[str, Any]) -> ChildFailed:
    kind = FailureKind(error["kind"])
    message, line = error["message"], error["line"]
    if kind not in _CHILD_KINDS or not isinstance(message, str):
        msg = "not a failure that a child may report"
        raise ValueError(msg)
    if line is not None and not (type(line) is int and 0 <= line < 1 << 31):
        msg = "a line is a whole number"
        raise ValueError(msg)
    # It will be stored, and shown on terminals: one line, no control codes, no half characters.
    words = " ".join(message[:_MAX_MESSAGE].split())
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in words)
    return ChildFailed(kind, shown, line)
