"""One child's life: cage on, load the program, answer frames until told to stop."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
from typing import Any

import numpy as np

from . import confine, wire
from .program import Program, ProgramError

REQUESTS, REPLIES, OUTPUT = 3, 4, 1
CAGE_FAILED = 97
PIPE_BROKEN = 98
CAGED = b"c"
"""The first byte that a child sends, once its isolation is on."""
_MOST_DESCRIPTORS = 4096


def live(
    descriptors: tuple[int, int, int],
    cage: confine.Cage,
    scratch: str,
    limits: confine.ChildLimits,
    identity: tuple[int, int],
) -> None:
    """Run as a child and never return.

    Args:
        descriptors: Pipe ends for requests, replies and what the candidate prints.
        cage: What the survey found.
        scratch: The scratch folder.
        limits: Of this child.
        identity: User and group id, as read by the server.
    """
    status = CAGE_FAILED
    try:
        _arrange(descriptors, cage)
        confine.enter(cage, scratch, limits, identity)
        status = PIPE_BROKEN
        wire.write_all(REPLIES, CAGED)  # from here on an exit code is the program's own
        _answer()
        status = 0
    finally:
        os._exit(status)


def _arrange(descriptors: tuple[int, int, int], cage: confine.Cage) -> None:
    """Put the pipes where they belong and close everything else but the cage's own."""
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, confine.FIRST_KEPT) for fd in descriptors]
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(high[2], 1)
    os.dup2(high[2], 2)
    os.dup2(high[0], REQUESTS, inheritable=False)
    os.dup2(high[1], REPLIES, inheritable=False)
    os.closerange(REPLIES + 1, confine.FIRST_KEPT)
    os.closerange(max(cage.readable, default=confine.FIRST_KEPT - 1) + 1, _MOST_DESCRIPTORS)


def _answer() -> None:
    program: Program | None = None
    while (request := wire.read_frame(REQUESTS)) is not None:
        body, arrays = request.body, request.arrays
        try:
            if "load" in body:
                program = Program(request.raw, **body["load"])
            params = dict(zip(body.get("params", ()), arrays, strict=False))
            arrays = arrays[len(params) :]
            if program is None:
                return
            program.reseed()
            answers, results = _do_calls(program, body.get("calls", []), arrays, params)
            reply: dict[str, Any] = {"calls": answers}
        except ProgramError as error:
            _spare(error)
            reply, results = {"error": _plain(error)}, []
        except MemoryError:
            # The program hoards what is left: not even its answer fits any more.
            results = []
            confine.release_spare_memory()
            failure = ProgramError("memory", "out of memory")
            reply = {"error": _plain(failure)}
        with contextlib.suppress(BaseException):  # the program may have replaced them
            sys.stdout.flush()
            sys.stderr.flush()
        wire.write_all(REPLIES, wire.encode(reply, results))


def _do_calls(
    program: Program,
    calls: list[dict[str, Any]],
    arrays: list[np.ndarray],
    params: dict[str, np.ndarray],
) -> tuple[list[dict[str, Any]], list[np.ndarray]]:
    """Make the calls in order; one that fails leaves an error in its place.

    A failed fit ends the frame: without all groups there is nothing to predict.
    """
    answers: list[dict[str, Any]] = []
    results: list[np.ndarray] = []
    position = 0
    for call in calls:
        group = call["group"]
        try:
            if call["do"] == "fit":
                results.append(program.fit(arrays[position], arrays[position + 1]))
                position += 2
            else:
                features, given = arrays[position], params.get(group)
                position += 1
                if call["do"] == "predict_rows":
                    results.append(program.predict_rows(features, group, given))
                else:
                    results.append(program.predict(features, group, given))
            answers.append({})
        except ProgramError as error:
            _spare(error)
            answers.append({"error": _plain(error)})
            if call["do"] == "fit":
                break
    return answers, results


def _spare(error: ProgramError) -> None:
    if error.kind == "memory":
        # Let go of the frames that hold the candidate's memory, and lift the soft limit.
        error.__cause__ = None
        error.__traceback__ = None
        confine.release_spare_memory()


def _plain(error: ProgramError) -> dict[str, Any]:
    return {"kind": error.kind, "message": error.message, "line": error.line}
