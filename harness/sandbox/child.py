"""One child of a server, from the harness's side: asked in lockstep, ended at its deadline."""

from __future__ import annotations

import os
import select
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from harness.failures import FailureKind
from harness.limits import Limits
from harness.sandbox.calls import (
    Call,
    ChildFailed,
    ProgramText,
    Reply,
    SandboxBroken,
    read_replies,
)
from harness.sandbox.server_process import ChildEnd, Pipes, ServerProcess

if TYPE_CHECKING:
    import numpy as np

    from harness.sandbox.guest.wire import Frame

_GRACE_SECONDS = 5.0
"""How long past a child's deadline its server may take before it is given up."""
_ANSWER_BYTES = 16 * 1024
"""Most JSON of one answer: a failure's message, escaped."""
_CHUNK = 1 << 16
_CAGE_FAILED = 97
_SIGKILL, _SIGXCPU = 9, 24


class ChildKilled(ChildFailed):
    """A child was ended by SIGKILL and no limit of ours says why."""

    outside: bool = False
    """Whether the program cannot have done it: a person did, or the system for lack of memory."""


class Child:
    """One child of the server: answers requests until it is closed or its time is over."""

    def __init__(
        self, server: ServerProcess, program: ProgramText, limits: Limits, seconds: float
    ) -> None:
        """Start the child (use ``Sandbox.open``)."""
        self._server = server
        self._limits = limits
        self._seconds = seconds
        self._program: ProgramText | None = program
        self._width = len(program.targets)
        self._started = time.monotonic()
        self._pipes: Pipes | None = server.spawn(limits, seconds)

    def __enter__(self) -> Self:
        """Return the child."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the child."""
        if self._pipes is not None:
            self._end()

    def ask(self, calls: list[Call], params: dict[str, np.ndarray] | None = None) -> list[Reply]:
        """Make calls and wait for their answers.

        The first request also hands over the program. A child knows parameters only while it
        answers the request that they came with.

        Args:
            calls: What to call, in this order.
            params: The parameters by group.

        Returns:
            One reply a call; fewer where a fit failed (its failure is the last).

        Raises:
            ChildFailed: The program did not load, or its process ended without an answer.
            SandboxBroken: The sandbox failed.
        """
        from harness.sandbox.guest import wire

        body: dict[str, Any] = {"calls": [{"do": c.do, "group": c.group} for c in calls]}
        named = params or {}
        body["params"] = list(named)
        arrays = [*named.values(), *(array for call in calls for array in call.arrays)]
        raw = b""
        if self._program is not None:
            program = self._program
            body["load"] = {
                "form": program.format,
                "features": list(program.features),
                "targets": list(program.targets),
                "seed": program.seed,
            }
            raw = program.source
            self._program = None
        try:
            request = wire.encode(body, arrays, raw)
            most = 8 * sum(self._most_values(call) for call in calls)
            frame = self._exchange(request, _ANSWER_BYTES * (len(calls) + 1), most)
            return read_replies(frame, len(calls))
        except (wire.WireError, KeyError, TypeError, ValueError) as error:
            self._end()
            message = "the program wrote to the harness's own pipe"
            raise ChildFailed(FailureKind.BAD_OUTPUT, message) from error

    def _most_values(self, call: Call) -> int:
        from harness.sandbox.guest import wire

        return wire.MAX_VALUES if call.do == "fit" else len(call.arrays[0]) * self._width

    def _exchange(self, request: bytes, max_json: int, max_payload: int) -> Frame:
        from harness.sandbox.guest import wire

        pipes = self._pipes
        if pipes is None:
            msg = "the child has ended"
            raise SandboxBroken(msg)
        if pipes.buffer:
            msg = "an answer before it was asked for"
            raise wire.WireError(msg)
        deadline = self._started + self._seconds + _GRACE_SECONDS
        pending = memoryview(request)
        while True:
            size = wire.frame_size(pipes.buffer, max_json, max_payload)
            if size is not None and len(pipes.buffer) >= size:
                if len(pipes.buffer) > size or pending:
                    msg = "more than one answer, or an early one"
                    raise wire.WireError(msg)
                frame = wire.decode(pipes.buffer)
                pipes.buffer.clear()
                return frame
            if not pipes.reply_open:
                raise self._explain(self._end(patient=True), caged=pipes.caged)
            pending = self._move(pipes, pending, deadline)

    def _move(self, pipes: Pipes, pending: memoryview, deadline: float) -> memoryview:
        """Wait until a pipe is ready and move what can be moved."""
        poller = select.poll()
        if pipes.reply_open:
            poller.register(pipes.reply, select.POLLIN)
        if pipes.output_open:
            poller.register(pipes.output, select.POLLIN)
        if pending:
            poller.register(pipes.request, select.POLLOUT)
        left = deadline - time.monotonic()
        ready = dict(poller.poll(left * 1000.0)) if left > 0 else {}
        if not ready:
            self._pipes = None
            pipes.close()
            self._server.drop()
            msg = "the sandbox's server did not keep a deadline"
            raise SandboxBroken(msg)
        if pipes.request in ready:
            try:
                pending = pending[os.write(pipes.request, pending[: 1 << 20]) :]
            except BlockingIOError:
                pass
            except BrokenPipeError:
                pending = memoryview(b"")
        if pipes.output in ready:
            self._drain(pipes)
        if pipes.reply in ready:
            chunk = _read(pipes.reply)
            pipes.reply_open = chunk != b""
            if chunk and not pipes.caged:
                pipes.caged, chunk = True, chunk[1:]
            pipes.buffer += chunk or b""
        return pending

    def _drain(self, pipes: Pipes) -> None:
        chunk = _read(pipes.output)
        pipes.output_open = chunk != b""
        kept = len(self._server.printed) + len(pipes.printed)
        room = self._limits.output_bytes - kept
        if chunk and room > 0:
            pipes.printed += chunk[:room]
        if chunk and len(chunk) > room:
            self._server.cut = True

    def _end(self, *, patient: bool = False) -> ChildEnd:
        pipes, self._pipes = self._pipes, None
        if pipes is not None:
            if pipes.output_open:
                self._drain(pipes)  # what was printed last, often the reason of its end
            self._server.printed += pipes.printed
            pipes.close()
        return self._server.finish(patient=patient)

    def _explain(self, end: ChildEnd, *, caged: bool) -> ChildFailed:
        """Say why a child ended without an answer."""
        if end.code == _CAGE_FAILED and not caged:
            msg = "a child could not put its isolation on"
            raise SandboxBroken(msg)
        out_of_cpu = end.cpu_seconds >= self._seconds and end.signal in {_SIGKILL, _SIGXCPU}
        if end.timed_out or out_of_cpu:
            message = f"no answer within {self._seconds:g} s"
            return ChildFailed(FailureKind.TIMEOUT, message)
        if end.ordered:
            message = "the program closed the harness's own pipe"
            return ChildFailed(FailureKind.CRASH, message)
        failed = ChildKilled if end.signal == _SIGKILL else ChildFailed
        if end.signal and end.peak_bytes > 0.9 * self._limits.memory_bytes:
            error = failed(FailureKind.MEMORY, "the process was ended near its memory limit")
        elif end.signal:
            error = failed(FailureKind.CRASH, f"the process was ended by signal {end.signal}")
        else:
            message = f"the process ended by itself (exit code {end.code}) before it answered"
            return ChildFailed(FailureKind.CRASH, message)
        if isinstance(error, ChildKilled):
            # The first process of a namespace cannot kill itself; its one other way to be killed,
            # a limit on its processor time, is refused by the filter.
            error.outside = {"namespaces", "seccomp"} <= set(self._server.layers)
        return error


def _read(descriptor: int) -> bytes | None:
    """Return what is there, ``b""`` at the end of file, None when nothing is ready."""
    try:
        return os.read(descriptor, _CHUNK)
    except BlockingIOError:
        return None
