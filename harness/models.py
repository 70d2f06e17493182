"""The base of every model that crosses a border (files, command line, store)."""

from __future__ import annotations

import re

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError
from pydantic_core import PydanticCustomError


class StrictModel(BaseModel):
    """Frozen, and refuses unknown keys: a misspelt key is an error, never silently dropped."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def matching(pattern: str, words: str) -> AfterValidator:
    """Return a validator of text that says in words what it should look like.

    Args:
        pattern: What all of it matches.
        words: What to expect, for people.
    """
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if compiled.fullmatch(text) is None:
            raise PydanticCustomError("form", "expected {words}", {"words": words})
        return text

    return AfterValidator(check)


SHA256 = matching(r"[0-9a-f]{64}", "a SHA-256 as 64 digits and letters a to f")
ONE_LINE = matching(r"[^\x00-\x1f\x7f]*", "one line without control characters")


def describe_problems(error: ValidationError) -> str:
    """Return all problems of a validation error as one line, each naming its field.

    Args:
        error: What pydantic raised.

    Returns:
        For instance ``max_params: Input should be a valid integer (got 'seven')``.
    """
    problems = []
    for detail in error.errors():
        where = ".".join(str(part) for part in detail["loc"]) or "the document"
        message = detail["msg"]
        if detail["type"] == "extra_forbidden":
            message = "unknown key"
        elif detail["type"] == "missing":
            message = "missing"
        elif detail["type"] == "value_error":
            message = message.removeprefix("Value error, ")  # our own words follow
            if not detail["loc"]:
                problems.append(message)
                continue
        elif isinstance(detail["input"], str | int | float | bool):
            message = f"{message} (got {detail['input']!r})"
        problems.append(f"{where}: {message}")
    return "; ".join(problems)
