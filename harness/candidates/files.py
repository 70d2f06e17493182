"""The small files among programs: read bounded and never through a link."""

from __future__ import annotations

import stat
from pathlib import Path

import yaml

from harness.errors import UserError, one_line
from harness.yaml_keys import SafeLoader, UniqueKeyLoader


def shown(path: Path) -> str:
    """Return a path for a message: folders from elsewhere may be called anything."""
    text = str(path).encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def refuse_link(file: Path, what: str = "the program") -> None:
    """Refuse a link that was found among programs.

    Args:
        file: What was found.
        what: What was expected there.

    Raises:
        UserError: It is one.
    """
    if file.is_symlink():
        raise UserError(
            f"{shown(file)}: is a link; expected {what} itself: its text is published, and a link "
            "may lead to anything"
        )


def read_yaml(path: Path, what: str, *, most_bytes: int, longest: int) -> object:
    """Return what a small YAML file of plain values holds; None for an empty one.

    Args:
        path: The file; it is there.
        what: What it is, for messages.
        most_bytes: No more of it is read.
        longest: Characters that one value may have.

    Raises:
        UserError: It is a link, no regular file, too large, not readable, or not such YAML; a key
            that appears twice is named with its line.
    """
    refuse_link(path, what)
    try:
        # A pipe would block for ever, a device may be endless.
        if not stat.S_ISREG(path.stat().st_mode):
            raise UserError(f"{shown(path)}: no regular file; expected {what}")
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
    except OSError as error:
        raise UserError(f"{shown(path)}: cannot be read: {error.strerror or error}") from error
    if len(content) > most_bytes:
        raise UserError(f"{shown(path)}: larger than {most_bytes:,} bytes, the most that is read")
    try:
        text = content.decode("utf-8")
        _check_plain(text, longest)
        return yaml.load(text, UniqueKeyLoader)  # noqa: S506
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = "" if mark is None else f", line {mark.line + 1}"
        problem = one_line(str(error.problem))
        raise UserError(f"{shown(path)}{line}: not YAML: {problem}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        words = one_line(" ".join(str(error).split()))
        raise UserError(f"{shown(path)}: not YAML: {words}") from error


def _check_plain(text: str, longest: int) -> None:
    """Refuse what plain values do not need and a loader trips over: aliases, tags, endless scalars.

    Raises:
        YAMLError: There is such a thing, or the text is not YAML.
    """
    for event in yaml.parse(text, SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError("expected plain values, got an alias")
        if isinstance(event, yaml.NodeEvent) and getattr(event, "tag", None) is not None:
            raise yaml.YAMLError("expected plain values, got a tag")
        if isinstance(event, yaml.ScalarEvent) and len(event.value) > longest:
            raise yaml.YAMLError(
                f"expected plain values, got one of {len(event.value):,} characters"
            )
