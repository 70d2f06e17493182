"""One candidate program: its bytes and its format. Nothing here runs or parses it."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.errors import UserError

CandidateFormat = Literal["evolve-block", "law"]
MAX_BYTES = 4 * 1024 * 1024
_NO_PROGRAMS = {".csv", ".ipynb", ".json", ".jsonl", ".parquet", ".sqlite", ".tsv", ".xlsx"}

_EVOLVE_NAMES = (b"fit_scaling_law", b"scaling_law_func")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A program as it was read."""

    source: bytes
    name: str
    """What to call it in messages, for instance its path."""

    @property
    def sha256(self) -> str:
        """The program's digest."""
        return hashlib.sha256(self.source).hexdigest()

    @property
    def format(self) -> CandidateFormat | None:
        """The format by the functions that the text defines; None where it defines none of them.

        This looks at the text alone, since parsing hostile text is work for the sandbox: the
        child that loads the program has the last word on what it defines.
        """
        # As Python reads it: a byte order mark is skipped, and a carriage return ends a line.
        text = self.source.removeprefix(b"\xef\xbb\xbf").replace(b"\r", b"\n")
        named = [name for name in (*_EVOLVE_NAMES, b"law") if name in text]  # megabytes: at once
        defined = {name for name in named if _definition(name).search(text)}
        if defined.issuperset(_EVOLVE_NAMES):
            return "evolve-block"
        if b"law" in defined:
            return "law"
        return "evolve-block" if defined else None


def _definition(name: bytes) -> re.Pattern[bytes]:
    # A definition, an assignment or an import at the top level (or inside a top-level `if`/`try`).
    return re.compile(
        rb"^[ \t\f]*(?:async[ \t]+)?(?:def|class)[ \t]+" + name + rb"\b"
        rb"|^" + name + rb"[ \t]*(?::[^=\n]+)?=(?!=)"
        rb"|^(?:from|import)\b.*\b" + name + rb"\b",
        re.MULTILINE,
    )


def load_candidate(path: Path) -> Candidate:
    """Read a program.

    Raises:
        UserError: There is no such file, it is a folder, it is named as a table or a notebook, or
            it is larger than 4 MiB (no more of it is read than that: it may be a device).
    """
    if path.suffix.lower() in _NO_PROGRAMS:
        raise UserError(f"{path}: expected a program (a .py file), got a {path.suffix} file")
    if os.path.isdir(path):  # `Path.is_dir` raises for names that are too long
        raise UserError(f"{path}: expected a program (a .py file), got a folder")
    try:
        with path.open("rb") as file:
            source = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; expected a program (a .py file)") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"{str(path)!r}: no file can have this name") from error
    if len(source) > MAX_BYTES:
        raise UserError(f"{path}: more bytes; a program may have {MAX_BYTES} at most")
    return Candidate(source, str(path))
