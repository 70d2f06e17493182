"""Reads a YAML file that must hold a mapping, refusing what YAML would silently accept."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from harness.errors import UserError, one_line
from harness.tasks.reading import read_at_most
from harness.yaml_keys import UniqueKeyLoader

MOST_BYTES = 256 * 1024
"""Of a task's file; the largest of the shipped ones has some four kilobytes."""
MOST_NODES = 20_000
"""Keys, values, lists and mappings, an alias counting as all that it stands for."""
DEEPEST = 30
_LONGEST_NUMBER = 400
_LARGEST_INTEGER = 1 << 63


class _TaskLoader(UniqueKeyLoader):
    """For which a whole number that nothing could keep is an error, too."""

    def whole_number(self, node: yaml.ScalarNode) -> int:
        """Read an integer; one beyond 64 bits can be neither stored nor, from some size, shown."""
        number = 0
        if len(node.value) <= _LONGEST_NUMBER:  # `1:1:1:...` takes quadratic time
            number = int(self.construct_yaml_int(node))
        if len(node.value) > _LONGEST_NUMBER or abs(number) > _LARGEST_INTEGER:
            raise yaml.constructor.ConstructorError(
                problem="a whole number beyond 64 bits", problem_mark=node.start_mark
            )
        return number


_TaskLoader.add_constructor("tag:yaml.org,2002:int", _TaskLoader.whole_number)


def read_mapping(path: Path) -> dict[Hashable, Any]:
    """Return what a YAML file holds.

    Raises:
        UserError: It is missing, a folder, too large, not UTF-8, not YAML, or not a mapping.
    """
    text = _read_text(path)
    try:
        document = _document(text)
    except yaml.MarkedYAMLError as error:
        raise UserError(
            f"{path}{_line(error)}: not YAML: {one_line(str(error.problem))}"
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        words = " ".join(str(error).split())
        raise UserError(f"{path}: not YAML: {one_line(words)}") from error
    except (LookupError, AttributeError, TypeError, OverflowError) as error:
        # The loader trips so over `!!int ''`, `!!bool x` and `!!timestamp x`.
        raise UserError(f"{path}: not YAML: a value that its tag does not allow") from error
    if not isinstance(document, dict):
        got = "an empty file" if document is None else type(document).__name__
        raise UserError(f"{path}: expected a task's keys (name, title, ...), got {got}")
    return document


def _document(text: str) -> object:
    loader = _TaskLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _weigh(node, {})
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _weigh(node: yaml.Node, known: dict[int, tuple[int, int] | None]) -> tuple[int, int]:
    """Return how many nodes hang on one and how deep, so that aliases cannot multiply a file.

    Args:
        node: Where to start.
        known: What is known of nodes by their id; None for those that are being weighed.
    """
    if isinstance(node, yaml.ScalarNode):
        return 1, 1
    if id(node) in known:
        found = known[id(node)]
        if found is None:
            raise _too_much(node, "an alias for what it is a part of")
        return found
    known[id(node)] = None
    children = list(node.value)
    if isinstance(node, yaml.MappingNode):
        children = [child for pair in children for child in pair]
    count, depth = 1, 1
    for child in children:
        more, below = _weigh(child, known)
        count, depth = count + more, max(depth, 1 + below)
        if count > MOST_NODES:
            raise _too_much(node, f"more than {MOST_NODES:,} keys and values")
        if depth > DEEPEST:
            raise _too_much(node, f"nested deeper than {DEEPEST} levels")
    known[id(node)] = count, depth
    return count, depth


def _too_much(node: yaml.Node, problem: str) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(problem=problem, problem_mark=node.start_mark)


def _line(error: yaml.MarkedYAMLError) -> str:
    return "" if error.problem_mark is None else f", line {error.problem_mark.line + 1}"


def _read_text(path: Path) -> str:
    try:
        return read_at_most(path, MOST_BYTES).decode("utf-8")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; expected the YAML file of a task") from None
    except IsADirectoryError:
        raise UserError(f"{path}: is a folder; expected the YAML file of a task") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8; expected the YAML file of a task") from error
    except ValueError as error:
        raise UserError(f"{one_line(str(path))}: no file can have this name") from error
