"""Reads configurations as SLD's agent and OpenEvolve have them, as far as they mean the same here.

Keys that mean nothing here are named, never dropped in silence. Keys of endpoints are not taken
from files.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from harness.errors import UserError, one_line
from harness.evolution.llm.settings import DEADLINE, MOST_TRIES, LlmSettings, ModelChoice
from harness.models import StrictModel, describe_problems
from harness.tasks.yaml_file import read_mapping

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_MOST = 10**9


class EvolveConfig(StrictModel):
    """What a configuration says; None, or empty, where it does not."""

    evaluations: int | None = None
    seed: int | None = None
    jobs: int | None = None
    evaluation_seconds: float | None = None
    """For one program on all folds."""
    n_islands: int | None = None
    migration: int | None = None
    models: tuple[ModelChoice, ...] = ()
    llm: dict[str, Any] = Field(default_factory=dict)
    """Fields of ``LlmSettings``, other than its models."""
    ignored: tuple[str, ...] = ()
    """Keys that mean nothing here, as dotted paths, in the order of the file."""
    warnings: tuple[str, ...] = ()

    def settings(self, **changes: Any) -> LlmSettings:
        """Return how models are asked.

        Args:
            changes: Fields that take the place of the file's, such as those of the command line.

        Raises:
            UserError: No model is named, or a field is wrong.
        """
        fields = {**self.llm, "models": self.models, **changes}
        if not fields["models"]:
            raise UserError(
                "no language model is named; expected llm.models or llm.primary_model in the "
                "configuration, or --model NAME"
            )
        try:
            return LlmSettings(**fields)
        except ValidationError as error:
            raise UserError(f"language model: {describe_problems(error)}") from None


def read_config(path: Path) -> EvolveConfig:
    """Read a configuration.

    Args:
        path: A YAML file.

    Raises:
        UserError: It cannot be read, or a value is wrong; names the key.
    """
    try:
        document = read_mapping(path)
    except UserError as error:
        said = str(error).replace("the YAML file of a task", "the YAML file of a search")
        said = said.replace("a task's keys (name, title, ...)", "keys such as max_iterations, llm")
        raise UserError(said) from error
    return _Reader(path, {str(key): value for key, value in document.items()}).config()


class _Reader:
    """Takes values out of a document, and remembers which."""

    def __init__(self, path: Path, document: dict[str, Any]) -> None:
        self._path = path
        self._document = document
        self._taken: set[str] = set()
        self._warnings: list[str] = []

    def config(self) -> EvolveConfig:
        whole = {
            "evaluations": self._integer("max_iterations", 1),
            "seed": self._integer("random_seed", 0, other="seed"),
            "jobs": self._integer("evaluator.parallel_evaluations", 1),
            "evaluation_seconds": self._number("evaluator.timeout", above=0.0),
            "n_islands": self._integer("database.num_islands", 1),
            "migration": self._integer("database.migration_interval", 1),
        }
        models = self._models()
        timeout = self._number("llm.timeout", above=0.0)
        llm = {
            "base_url": self._base_url(),
            "key_variable": self._key_variable(),
            "temperature": self._number("llm.temperature", least=0.0),
            "top_p": self._number("llm.top_p", above=0.0),
            "max_tokens": self._integer("llm.max_tokens", 1),
            "timeout": timeout,
            # A question has room for an answer that takes as long as it may, and for one more.
            "deadline": None if timeout is None else max(DEADLINE, 2 * timeout),
            "tries": self._tries(),
            "retry_delay": self._number("llm.retry_delay", least=0.0),
            "system_message": self._text("prompt.system_message"),
            "top_programs": self._integer("prompt.num_top_programs", 0),
            "diverse_programs": self._integer("prompt.num_diverse_programs", 0),
            "max_code_length": self._integer("max_code_length", 1),
            "rewrite": self._rewrite(),
        }
        return EvolveConfig(
            **whole,
            models=models,
            llm={name: value for name, value in llm.items() if value is not None},
            ignored=tuple(self._left()),
            warnings=tuple(self._warnings),
        )

    def _take(self, key: str) -> Any:
        """Return the value of a dotted key; None where it is missing or null."""
        value: Any = self._document
        *above, last = key.split(".")
        for number, part in enumerate(above, 1):
            value = value.get(part)
            if value is None:
                return None
            if not isinstance(value, dict):
                raise self._wrong(".".join(above[:number]), "keys and values", value)
            value = {str(name): one for name, one in value.items()}
        if last in value:
            self._taken.add(key)
        return value.get(last)

    def _integer(self, key: str, least: int, other: str | None = None) -> int | None:
        value = self._take(key)
        if other is not None:
            also = self._take(other)
            key, value = (other, also) if value is None else (key, value)
        if value is None:
            return None
        whole = isinstance(value, float) and value.is_integer()
        if isinstance(value, bool) or not (isinstance(value, int) or whole):
            raise self._wrong(key, "a whole number", value)
        if not least <= value <= _MOST:
            raise self._wrong(key, f"{least} or more", value)
        return int(value)

    def _number(
        self, key: str, least: float | None = None, above: float | None = None
    ) -> float | None:
        value = self._take(key)
        if value is None:
            return None
        return self._as_number(key, value, least, above)

    def _as_number(self, key: str, value: Any, least: float | None, above: float | None) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(key, "a number", value)
        if not math.isfinite(value) or abs(value) > _MOST:
            raise self._wrong(key, "a finite number", value)
        if least is not None and value < least:
            raise self._wrong(key, f"{least:g} or more", value)
        if above is not None and value <= above:
            raise self._wrong(key, f"more than {above:g}", value)
        return float(value)

    def _text(self, key: str) -> str | None:
        value = self._take(key)
        if value is None or (isinstance(value, str) and value.strip()):
            return value
        raise self._wrong(key, "text", value)

    def _tries(self) -> int | None:
        again = self._integer("llm.retries", 0)
        if again is not None and again >= MOST_TRIES:
            raise self._wrong("llm.retries", f"{MOST_TRIES - 1} or less", again)
        return None if again is None else again + 1

    def _rewrite(self) -> str | None:
        value = self._take("diff_based_evolution")
        if value is None:
            return None
        if not isinstance(value, bool):
            raise self._wrong("diff_based_evolution", "true or false", value)
        return "diff" if value else "whole"

    def _key_variable(self) -> str | None:
        """Return the variable that a key is said to be in; a key itself is not taken."""
        value = self._take("llm.api_key")
        if value is None:
            return None
        found = _VARIABLE.fullmatch(value.strip()) if isinstance(value, str) else None
        if found is not None:
            return found[1]
        self._warn_of_key("llm.api_key")
        return None

    def _warn_of_key(self, where: str) -> None:
        self._warnings.append(
            f"{where} is not used: keys are read from the environment only "
            "(OPENAI_API_KEY, or another variable that is named); take it out of the file"
        )

    def _base_url(self) -> str | None:
        """Return the endpoint; its text is not quoted where it is wrong, as it may hold a key."""
        value = self._take("llm.api_base")
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip():
            raise UserError(f"{self._path}: llm.api_base: expected an address")
        return value.strip()

    def _models(self) -> tuple[ModelChoice, ...]:
        listed = self._take("llm.models")
        pairs = [] if listed is None else list(self._listed(listed))
        if not pairs:
            pairs = list(self._first_and_second())
        choices: dict[str, ModelChoice] = {}
        for key, name, weight in pairs:
            if weight == 0.0:
                continue  # as good as not there
            try:
                choices[name] = ModelChoice(name=name, weight=weight)
            except ValidationError as error:
                raise UserError(f"{self._path}: {key}: {describe_problems(error)}") from None
        return tuple(choices.values())

    def _listed(self, listed: Any) -> Iterator[tuple[str, str, float]]:
        if not isinstance(listed, list):
            raise self._wrong("llm.models", "a list of names and weights", listed)
        for number, one in enumerate(listed):
            key = f"llm.models[{number}]"
            if not isinstance(one, dict):
                raise self._wrong(key, "a name and a weight", one)
            name, weight = one.get("name"), one.get("weight")
            if not isinstance(name, str) or not name.strip():
                raise self._wrong(f"{key}.name", "a model's name", name)
            weight = 1.0 if weight is None else weight
            yield key, name.strip(), self._as_number(f"{key}.weight", weight, 0.0, None)

    def _first_and_second(self) -> Iterator[tuple[str, str, float]]:
        for key in ("llm.primary_model", "llm.secondary_model"):
            name = self._text(key)
            weight = self._number(f"{key}_weight", least=0.0)
            if name is not None:
                yield key, name.strip(), 1.0 if weight is None else weight

    def _left(self) -> Iterator[str]:
        """Yield the keys that nothing was taken from."""
        for key, value in self._leaves(self._document, ""):
            if key == "llm.models" and isinstance(value, list) and key in self._taken:
                for number, one in enumerate(value):
                    for name in one:
                        if name == "api_key":
                            self._warn_of_key(f"{key}[{number}].{name}")
                        elif name not in {"name", "weight"}:
                            yield _printable(f"{key}[{number}].{name}")
            elif key not in self._taken:
                if key.rpartition(".")[2] == "api_key":
                    self._warn_of_key(_printable(key))
                else:
                    yield _printable(key)

    def _leaves(self, value: Mapping[Any, Any], above: str) -> Iterator[tuple[str, Any]]:
        for name, one in value.items():
            key = f"{above}{name}"
            if isinstance(one, dict) and one and key not in self._taken:
                yield from self._leaves(one, f"{key}.")
            else:
                yield key, one

    def _wrong(self, key: str, expected: str, got: Any) -> UserError:
        if isinstance(got, dict | list):
            said = "a list" if isinstance(got, list) else "keys and values"
        else:
            said = repr(got) if len(repr(got)) <= 60 else f"{type(got).__name__}"
        return UserError(f"{self._path}: {key}: expected {expected}, got {one_line(said)}")


def _printable(key: str) -> str:
    return one_line(key)[:100]
