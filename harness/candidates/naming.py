"""Names of agents and models: what is shown, and what folders and pages are called."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import Field, ValidationError

from harness.candidates.files import read_yaml
from harness.errors import UserError, one_line
from harness.models import StrictModel, describe_problems
from harness.whole_files import locked, replace

DISPLAY_NAMES_FILE = "names.yaml"
LONGEST_SLUG = 200
"""Characters of an agent's or a model's folder name. What is filed, found and stored keeps to
this and the next two, so that whatever a store holds can be exported and read again."""
MOST_RUN = 10**18 - 1
"""The largest number of a run; one of more digits fits no column of the store."""
LONGEST_PATH = 4000
"""Characters of a program's path."""
MOST_BYTES = 1024 * 1024
"""Of a file of names."""
_LONGEST_NAME = 1000
_LONGEST_QUOTE = 60
_NOT_SHOWN = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Categories: control codes, half characters, line and paragraph separators."""


def agent_slug(name: str) -> str:
    """Return an agent's folder name: lower case, ``[^a-z0-9-]`` to ``_``."""
    return re.sub(r"[^a-z0-9-]", "_", name.lower())


def model_slug(name: str) -> str:
    """Return a model's folder name: lower case, ``[^a-z0-9]`` to ``_``."""
    return re.sub(r"[^a-z0-9]", "_", name.lower())


def page_name(task: str, agent: str, model: str) -> str:
    """Return the file name of a page, called as on the public site.

    Args:
        task: The task's name.
        agent: The agent's slug.
        model: The model's slug.
    """
    return f"sld_{task}_{agent}_{model}.html"


class DisplayNames(StrictModel):
    """Display names by slug; a slug that is not listed is shown as it is."""

    agents: dict[str, str] = Field(default_factory=dict)
    models: dict[str, str] = Field(default_factory=dict)

    def agent(self, slug: str) -> str:
        """Return what to show for an agent's slug."""
        return self.agents.get(slug, slug)

    def model(self, slug: str) -> str:
        """Return what to show for a model's slug."""
        return self.models.get(slug, slug)

    def with_names(self, agent: str, model: str) -> DisplayNames:
        """Return these names and two more.

        Raises:
            UserError: Another display name already has the same slug (GPT-5.2 and GPT-5-2), or a
                slug is too long.
        """
        agents, models = dict(self.agents), dict(self.models)
        _add(agents, agent_slug, agent, "agents")
        _add(models, model_slug, model, "models")
        return DisplayNames(agents=agents, models=models)


def _add(names: dict[str, str], slug_of: Callable[[str], str], name: str, what: str) -> None:
    slug = slug_of(name)
    if len(slug) > LONGEST_SLUG:
        raise UserError(
            f"one of the {what}, {name[:_LONGEST_QUOTE]!r}..., makes a folder name of {len(slug)} "
            f"characters; expected {LONGEST_SLUG} at most"
        )
    known = names.setdefault(slug, name)
    if known != name:
        raise UserError(
            f"two {what} share the folder name {slug!r}: {known!r} and {name!r}; rename one of them"
        )


def is_shown_name(name: str) -> bool:
    """Return whether a display name can stand on a line of a page or a terminal."""
    return not any(unicodedata.category(c) in _NOT_SHOWN for c in name)


def check_slugs(names: DisplayNames, where: str) -> None:
    """Refuse a table whose keys are not the slugs of its names.

    Raises:
        UserError: Names the key, the display name and the slug it should have, or the name that
            has control characters in it.
    """
    tables: Iterable[tuple[dict[str, str], Callable[[str], str], str]] = (
        (names.agents, agent_slug, "agents"),
        (names.models, model_slug, "models"),
    )
    for table, slug_of, what in tables:
        for slug, name in sorted(table.items()):
            if slug_of(name) != slug:
                raise UserError(
                    f"{where}: "
                    + one_line(
                        f"{what}.{slug}: the folder name of {name!r} is {slug_of(name)!r}, "
                        f"not {slug!r}"
                    )
                )
            if not is_shown_name(name):
                raise UserError(
                    f"{where}: {what}.{slug}: expected a name on one line, without control "
                    f"characters, got {one_line(repr(name))}"
                )


@lru_cache(maxsize=64)
def _remembered(path: Path, _state: tuple[int, int, int]) -> DisplayNames:
    return _parsed(path)


def _parsed(path: Path) -> DisplayNames:
    document = read_yaml(path, "the file of names", most_bytes=MOST_BYTES, longest=_LONGEST_NAME)
    try:
        names = DisplayNames.model_validate(document or {})
    except ValidationError as error:
        raise UserError(f"{path}: {one_line(describe_problems(error))}") from error
    check_slugs(names, str(path))
    return names


def load_names(folder: Path) -> DisplayNames:
    """Read the display names of a candidates folder (none when it has no ``names.yaml``).

    Raises:
        UserError: The file is a link or not YAML, has an unknown key, a key twice or one that is
            not the name's slug, or a name that is not one line of text.
    """
    path = folder / DISPLAY_NAMES_FILE
    if not os.path.lexists(path):  # never raises, whatever the folder is called
        return DisplayNames()
    try:
        state = path.lstat()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from error
    # Asked for once a program.
    return _remembered(path, (state.st_mtime_ns, state.st_size, state.st_ino))


def save_names(folder: Path, names: DisplayNames) -> None:
    """Write the display names of a candidates folder, sorted.

    Whoever adds names to those that are there uses `add_names`.

    Raises:
        OSError: The folder cannot be written; the names that were there are as they were.
    """
    folder.mkdir(parents=True, exist_ok=True)
    plain = {
        "agents": dict(sorted(names.agents.items())),
        "models": dict(sorted(names.models.items())),
    }
    text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)
    replace(folder / DISPLAY_NAMES_FILE, text.encode("utf-8"))


def add_names(folder: Path, pairs: Iterable[tuple[str, str]]) -> DisplayNames:
    """Add display names to those of a candidates folder; of two who do so at once none loses any.

    Args:
        folder: The candidates folder; made where it is missing.
        pairs: An agent's and a model's display name each.

    Returns:
        All names of the folder.

    Raises:
        UserError: ``names.yaml`` is wrong, or a name's slug is taken by another name.
        OSError: The folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / DISPLAY_NAMES_FILE
    with locked(folder):
        # What is remembered may be of before another's turn.
        names = _parsed(path) if os.path.lexists(path) else DisplayNames()
        wider = names
        for agent, model in pairs:
            wider = wider.with_names(agent, model)
        if wider != names:
            save_names(folder, wider)
    return wider
