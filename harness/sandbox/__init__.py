"""The only place where candidate code runs: warm servers that fork confined children.

It knows arrays and source text, not tasks or scores.
"""

from harness.sandbox.calls import Call, ChildFailed, Printed, ProgramText, Reply, SandboxBroken
from harness.sandbox.child import Child
from harness.sandbox.sandbox import Sandbox

__all__ = [
    "Call",
    "Child",
    "ChildFailed",
    "Printed",
    "ProgramText",
    "Reply",
    "Sandbox",
    "SandboxBroken",
]
