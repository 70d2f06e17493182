"""Names of agents and models: what is shown, and what folders and pages are called."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from pydantic import Field, ValidationError

from harness.errors import UserError, one_line
from harness.models import StrictModel, describe_problems

if TYPE_CHECKING:
    from yaml import SafeLoader as _SafeLoader
else:
    _SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

DISPLAY_NAMES_FILE = "names.yaml"
MOST_BYTES = 1024 * 1024
"""Of a file of names."""
_LONGEST_NAME = 1000
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
            UserError: Another display name already has the same slug (GPT-5.2 and GPT-5-2).
        """
        agents, models = dict(self.agents), dict(self.models)
        _add(agents, agent_slug, agent, "agents")
        _add(models, model_slug, model, "models")
        return DisplayNames(agents=agents, models=models)


def _add(names: dict[str, str], slug_of: Callable[[str], str], name: str, what: str) -> None:
    slug = slug_of(name)
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
def _parsed(path: Path, _changed: tuple[int, int]) -> DisplayNames:
    try:
        text = _read(path).decode("utf-8")
        _check_plain(text)
        names = DisplayNames.model_validate(yaml.load(text, _SafeLoader) or {})  # noqa: S506
    except ValidationError as error:
        raise UserError(f"{path}: {one_line(describe_problems(error))}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        words = " ".join(str(error).split())
        raise UserError(f"{path}: not YAML: {one_line(words)}") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from error
    check_slugs(names, str(path))
    return names


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise UserError(f"{path}: larger than {MOST_BYTES:,} bytes, the most that is read")
    return content


def _check_plain(text: str) -> None:
    """Refuse what names do not need and a loader trips over: aliases, tags, endless scalars.

    Raises:
        YAMLError: There is such a thing, or the text is not YAML.
    """
    for event in yaml.parse(text, _SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError("expected names, got an alias")
        if isinstance(event, yaml.NodeEvent) and getattr(event, "tag", None) is not None:
            raise yaml.YAMLError("expected names, got a tag")
        if isinstance(event, yaml.ScalarEvent) and len(event.value) > _LONGEST_NAME:
            raise yaml.YAMLError(f"expected names, got one of {len(event.value):,} characters")


def load_names(folder: Path) -> DisplayNames:
    """Read the display names of a candidates folder (none when it has no ``names.yaml``).

    Raises:
        UserError: The file is not YAML, has an unknown key, a key that is not the name's slug, or
            a name that is not one line of text.
    """
    path = folder / DISPLAY_NAMES_FILE
    if not path.is_file():
        return DisplayNames()
    state = path.stat()
    return _parsed(path, (state.st_mtime_ns, state.st_size))  # asked for once a program


def save_names(folder: Path, names: DisplayNames) -> None:
    """Write the display names of a candidates folder, sorted."""
    folder.mkdir(parents=True, exist_ok=True)
    plain = {
        "agents": dict(sorted(names.agents.items())),
        "models": dict(sorted(names.models.items())),
    }
    text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)
    (folder / DISPLAY_NAMES_FILE).write_text(text, encoding="utf-8", newline="\n")
