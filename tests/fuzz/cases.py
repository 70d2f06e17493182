"""What a nasty input is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Ending = Literal["read", "refused"]
MANY = 50_000


@dataclass(frozen=True, slots=True)
class Case:
    """One input."""

    reader: str
    title: str
    data: bytes
    ending: Ending

    @property
    def id(self) -> str:
        """What the test is called."""
        return f"{self.reader}: {self.title}"


Inputs = dict[str, bytes | str]
