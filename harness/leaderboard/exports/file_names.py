"""What the exported files are called; nothing of the tables has to be computed to know it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from harness.leaderboard.board import BoardSuite
from harness.leaderboard.readings import Reading, readings_of

DOCUMENT = "leaderboard.json"
SCHEMA = "leaderboard.schema.json"
FEED = "feed.xml"
TABLES = "tables"
TABLE_ENDINGS = (".csv", ".tex")


class TableNames:
    """The names of the tables' files, without their endings, and no two alike."""

    def __init__(self, suites: Sequence[BoardSuite]) -> None:
        """Take all suites that have tables."""
        self._suites = frozenset(suite.name for suite in suites)

    def suite(self, suite: str, reading: Reading) -> str:
        """Return the name of a suite's table."""
        return f"{TABLES}/{suite}.{reading}"

    def task(self, task: str, reading: Reading) -> str:
        """Return the name of a task's table; a task called like a suite is told from it."""
        name = f"{task}.task" if task in self._suites else task  # no name holds a dot
        return f"{TABLES}/{name}.{reading}"

    def matrix(self, suite: str) -> str:
        """Return the name of a suite's table of agents and models."""
        return f"{TABLES}/{suite}.agents_models"


def export_names(suites: Sequence[BoardSuite], with_runs: Collection[str]) -> tuple[str, ...]:
    """Return the names of the files that ``export_files`` makes of these suites, sorted.

    Args:
        suites: All suites.
        with_runs: The tasks that have runs; of the others, and of suites with none, there is no
            table.
    """
    names = TableNames(suites)
    stems = []
    for suite in suites:
        tasks = [task.name for task in suite.tasks if task.name in with_runs]
        if not tasks:
            continue
        stems.append(names.matrix(suite.name))
        for counting in readings_of(suite.expected_runs):
            stems.append(names.suite(suite.name, counting.reading))
            stems += [names.task(task, counting.reading) for task in tasks]
    tables = [stem + ending for stem in stems for ending in TABLE_ENDINGS]
    return tuple(sorted([DOCUMENT, SCHEMA, FEED, *tables]))
