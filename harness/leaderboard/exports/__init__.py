"""The board for other programs: JSON with its schema, CSV and LaTeX tables, and an Atom feed.

Everything is made from the tables that the pages show, so that no figure can differ. What the
files are called is known without the tables (``export_names``). The models of the JSON document
are imported on first use: building them takes longer than finding out that nothing has changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.leaderboard.exports.feed import feed
from harness.leaderboard.exports.file_names import DOCUMENT, FEED, SCHEMA, export_names
from harness.leaderboard.exports.table_files import table_files
from harness.leaderboard.page_names import PageNames
from harness.results.records import StoredRun

if TYPE_CHECKING:
    from harness.leaderboard.exports.json_export import leaderboard_json, schema_bytes
    from harness.leaderboard.tables import SuiteTables

__all__ = [
    "DOCUMENT",
    "FEED",
    "SCHEMA",
    "export_files",
    "export_names",
    "feed",
    "leaderboard_json",
    "schema_bytes",
    "table_files",
]

_LATER = ("leaderboard_json", "schema_bytes")


def __getattr__(name: str) -> object:
    """Import what is asked for."""
    if name not in _LATER:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from harness.leaderboard.exports import json_export

    return getattr(json_export, name)


def export_files(
    suites: Sequence[SuiteTables], runs: Sequence[StoredRun], names: PageNames
) -> dict[str, bytes]:
    """Return all exported files, by name, sorted.

    Args:
        suites: The tables of each suite, in any order.
        runs: All runs on the suites' tasks, in any order.
        names: The names of the run pages; every run has one.
    """
    from harness.leaderboard.exports.json_export import leaderboard_json, schema_bytes

    titles = {each.task.name: each.task.title for tables in suites for each in tables.tasks}
    files = {
        DOCUMENT: leaderboard_json(suites, names),
        SCHEMA: schema_bytes(),
        FEED: feed(runs, titles, names),
        **table_files(suites),
    }
    return dict(sorted(files.items()))
