"""The sandbox as the evaluation sees it: open a child for a program, ask it, close it."""

from __future__ import annotations

from collections.abc import Collection
from types import TracebackType
from typing import Self

from harness.limits import Limits
from harness.sandbox.calls import Printed, ProgramText
from harness.sandbox.child import Child
from harness.sandbox.server_process import ServerProcess

# Forking costs what the parent has mapped: without scipy.optimize about half.
_LIGHT, _HEAVY = "", "scipy.optimize,scipy.special"


class Sandbox:
    """Two warm servers, each started when first needed: one with scipy.optimize, one without.

    A program whose text mentions scipy runs in the first; another that imports it all the same
    only waits longer. One child at a time; not thread-safe, but ``kill`` may be called from any
    thread: it ends the servers and what runs in them.
    """

    def __init__(self, *, layers_off: Collection[str] = ()) -> None:
        """Prepare a sandbox; a server starts with the first child that needs it.

        Args:
            layers_off: Names of isolation layers to leave off although the machine has them, so
                that tests can show what holds without them; each is listed in ``missing``.
        """
        off = ",".join(sorted(layers_off))
        self._light = ServerProcess(off, _LIGHT)
        self._heavy = ServerProcess(off, _HEAVY)
        self._latest = self._light

    def __enter__(self) -> Self:
        """Return the sandbox."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the servers."""
        self.close()

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the isolation layers in force (starts a server)."""
        self._latest.ensure()
        return self._latest.layers

    @property
    def missing(self) -> tuple[str, ...]:
        """The layers that are not in force here, each with its reason (starts a server)."""
        self._latest.ensure()
        return self._latest.missing

    def warm(self, source: bytes) -> None:
        """Start the server that a program will run in, unless it runs.

        Raises:
            SandboxBroken: The server cannot be started.
        """
        self._latest = self._heavy if b"scipy" in source else self._light
        self._latest.ensure()

    def open(self, program: ProgramText, limits: Limits, seconds: float) -> Child:
        """Start a child for one program.

        Args:
            program: What the child will load with its first request.
            limits: Memory, scratch and output.
            seconds: Wall time of the child's whole life.

        Raises:
            SandboxBroken: The server cannot be started.
        """
        self.warm(program.source)
        return Child(self._latest, program, limits, seconds)

    def take_printed(self) -> Printed:
        """Return what programs printed since this was last called, as far as the limit keeps it."""
        taken = Printed()
        for server in (self._light, self._heavy):
            taken += Printed(bytes(server.printed).decode("utf-8", "replace"), server.cut)
            server.printed.clear()
            server.cut = False
        return taken

    def close(self) -> None:
        """End the servers and remove their scratch folders."""
        self.kill()
        self._light.drop()
        self._heavy.drop()

    def kill(self) -> None:
        """End the servers and what they run for good, at once, from any thread."""
        self._light.kill()
        self._heavy.kill()
