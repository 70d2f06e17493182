"""The base of every model that crosses a border (files, command line, store)."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError


class StrictModel(BaseModel):
    """Frozen, and refuses unknown keys: a misspelt key is an error, never silently dropped."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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
