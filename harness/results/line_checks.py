"""Whether what a line of results says can be true: figures that agree, names that fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import isfinite

from harness.candidates.naming import agent_slug, model_slug
from harness.evaluation.records import Evaluation
from harness.failures import POLICIES

_ROUNDING = 1e-9
"""R² is computed from the error: what lies between the two is the rounding of a subtraction."""


def check_evaluation(document: Evaluation) -> None:
    """Refuse figures that no scoring could have given: boards could not be made of them.

    Raises:
        ValueError: Names the field, what was expected and what came.
    """
    for field, value in _figures(document.model_dump()):
        if not isfinite(value):
            raise ValueError(f"document.{field}: expected a finite number, got {value}")
        if field.rpartition(".")[2] in {"r2", "r2_fit"} and value > 1:
            raise ValueError(f"document.{field}: expected an R² of at most 1, got {value!r}")
    if (document.r2 is None) != (document.nmse is None):
        expected = "no figure" if document.r2 is None else "a figure"
        raise ValueError(
            f"document.nmse: expected {expected} beside r2 {document.r2!r}, got {document.nmse!r}"
        )
    if document.r2 is not None and document.nmse is not None:
        other = 1 - document.nmse
        if abs(document.r2 - other) > _ROUNDING * max(1, abs(document.nmse)):
            raise ValueError(
                f"document.r2: expected 1 - nmse, which is {other!r}, got {document.r2!r}"
            )
    if document.error is not None and not POLICIES[document.error.kind].counts:
        raise ValueError(
            "document.error.kind: expected a failure of the program, got "
            f"'{document.error.kind}', which says nothing of it and is never stored"
        )


def check_names(agent: tuple[str, str], model: tuple[str, str], fields: tuple[str, str]) -> None:
    """Refuse names that are shown for somebody else's folder.

    Args:
        agent: The folder's name, and the name shown.
        model: The same of the model.
        fields: What the two names shown are called in the line.

    Raises:
        ValueError: Names the field, what was expected and what came.
    """
    rules: tuple[Callable[[str], str], ...] = (agent_slug, model_slug)
    for (slug, name), rule, field in zip((agent, model), rules, fields, strict=True):
        if rule(name) != slug:
            raise ValueError(
                f"{field}: expected a name of the folder {slug!r}, "
                f"got {name!r}, whose folder is {rule(name)!r}"
            )


def _figures(value: object, path: str = "") -> Iterator[tuple[str, float]]:
    """Yield all floats of a document with the keys that lead to them."""
    if isinstance(value, float):
        yield path, value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _figures(part, f"{path}.{key}" if path else str(key))
