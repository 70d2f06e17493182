"""What the pages' files are called: as on the public site, and no two alike."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from harness.candidates.naming import page_name

INDEX = "index.html"
COMPARE = "compare.html"
MATRIX = "agents_models.html"
AUDIT = "audit.html"
LONGEST = 200
"""Bytes of a name; file systems stop at 255, and a temporary file's name is longer."""

Pair = tuple[str, str]
"""An agent and a model, as slugs."""
EntryKey = tuple[str, str, str]
"""A task, an agent and a model."""


class PageNames:
    """The names of the run pages of a site.

    A page is called as on the public site. Where two entries would have one name there (agent
    ``a_b`` with model ``c``, agent ``a`` with model ``b_c``), all but the first have one with
    dots, which no slug holds.
    """

    def __init__(self, keys: Iterable[EntryKey]) -> None:
        """Take the entries that have pages."""
        self._names: dict[EntryKey, str] = {}
        taken: set[str] = set()
        for key in sorted(set(keys)):
            name = _short(page_name(*key), key)
            if name in taken:
                name = _short(f"sld_{'.'.join(key)}.html", key)
            taken.add(name)
            self._names[key] = name

    def run_page(self, task: str, pair: Pair) -> str:
        """Return the name of an entry's page.

        Raises:
            KeyError: It has none.
        """
        return self._names[task, *pair]


def task_page(task: str) -> str:
    """Return the name of a task's page."""
    return f"task_{task}.html"


def compare_page(first: Pair, second: Pair) -> str:
    """Return the name of the page that compares two pairs; the same in either order."""
    first, second = sorted((first, second))
    name = f"compare_{'.'.join(first)}.vs.{'.'.join(second)}.html"
    return _short(name, (*first, *second))


def _short(name: str, key: tuple[str, ...]) -> str:
    if len(name) <= LONGEST:
        return name
    digest = hashlib.sha256("/".join(key).encode()).hexdigest()
    return f"{name[: LONGEST - 40]}.{digest[:24]}.html"
