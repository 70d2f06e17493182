"""What can be set about the models that are asked."""

from __future__ import annotations

import math
import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from harness.models import StrictModel

LEAST_PROMPT = 10_000
"""A program and the rules have to fit into a prompt."""
MOST_TRIES = 20
"""Of one question, while the endpoint does not answer it."""
DEADLINE = 300.0
"""Usual seconds for a proposal."""
FOLLOW_UP = 1_500
"""Characters of a prompt that are kept for one more question."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

Finite = Annotated[float, Field(allow_inf_nan=False)]


def _plain_name(name: str) -> str:
    if not name.strip() or not name.isprintable():
        msg = "a model's name is printable and not empty"
        raise ValueError(msg)
    return name


class ModelChoice(StrictModel):
    """A model, and how much it is trusted before anything is known of it."""

    name: Annotated[str, Field(max_length=200), AfterValidator(_plain_name)]
    weight: Annotated[Finite, Field(gt=0)] = 1.0


class LlmSettings(StrictModel):
    """How models are asked. Holds no key, only the name of the variable that does."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    models: Annotated[tuple[ModelChoice, ...], Field(min_length=1)]
    base_url: str | None = None
    """Of an OpenAI-compatible endpoint; None for the client's own choice."""
    key_variable: str = "OPENAI_API_KEY"
    """The environment variable that holds the key."""
    temperature: Annotated[Finite, Field(ge=0, le=2)] | None = None
    """None for the endpoint's own; likewise below."""
    top_p: Annotated[Finite, Field(gt=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = 8192
    """Of one answer."""
    timeout: Annotated[Finite, Field(gt=0)] = 120.0
    """Seconds for one answer."""
    tries: Annotated[int, Field(ge=1, le=MOST_TRIES)] = 4
    """How often one question is asked while the endpoint does not answer it."""
    retry_delay: Annotated[Finite, Field(ge=0)] = 2.0
    """Seconds before the second try; doubled for each further one."""
    most_sleep: Annotated[Finite, Field(ge=0)] = 60.0
    """Seconds between tries at most, whatever the endpoint asks for."""
    deadline: Annotated[Finite, Field(gt=0)] = DEADLINE
    """Seconds for a proposal, with all tries and its follow-up question."""
    denials: Annotated[int, Field(ge=1)] = 3
    """After so many denials of the key or the model in a row, or so many refused questions (3 at
    least), it is not asked any more."""
    stream: bool = False
    prices: dict[str, tuple[float, float]] = Field(default_factory=dict)
    """Dollars for a million tokens, in and out, by the model's name."""
    rewrite: Literal["diff", "whole"] = "diff"
    """Whether models answer with changes, or with the whole region."""
    system_message: Annotated[str, Field(max_length=50_000)] | None = None
    """Stands before our own words."""
    prompt_chars: Annotated[int, Field(ge=LEAST_PROMPT)] = 14_000
    """Most characters of all messages of a question together, besides ``system_message``."""
    top_programs: Annotated[int, Field(ge=0, le=50)] = 3
    diverse_programs: Annotated[int, Field(ge=0, le=50)] = 2
    max_code_length: Annotated[int, Field(ge=500)] = 20_000
    """Most characters of a program."""

    @model_validator(mode="after")
    def _makes_sense(self) -> LlmSettings:
        names = [model.name for model in self.models]
        if len(set(names)) < len(names):
            msg = "models: each model is named once"
            raise ValueError(msg)
        for name, price in self.prices.items():
            if not all(math.isfinite(one) and one >= 0 for one in price):
                msg = f"prices: {name!r}: expected dollars per million tokens, in and out"
                raise ValueError(msg)
        if not _VARIABLE.fullmatch(self.key_variable):  # not quoted: it may be the key itself
            msg = (
                "key_variable: expected the name of an environment variable, such as OPENAI_API_KEY"
            )
            raise ValueError(msg)
        _check_address(self.base_url)
        return self


def _check_address(address: str | None) -> None:
    """Refuse what is no address, and what holds a key; never quotes it."""
    if address is None:
        return
    try:
        parts = urlsplit(address)
        host = parts.hostname
        _ = parts.port  # raises where it is no number, or none that a port can have
    except ValueError:
        parts, host = urlsplit(""), None
    is_one_word = address.isprintable() and not any(c.isspace() for c in address)
    if parts.scheme not in {"http", "https"} or not host or not is_one_word:
        msg = "base_url: expected an address such as http://127.0.0.1:8000/v1"
        raise ValueError(msg)
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        msg = "base_url: holds a password or a query; keys come from the environment only"
        raise ValueError(msg)


def is_local(address: str | None) -> bool:
    """Whether an endpoint is on this machine, where none asks for a key."""
    if address is None:
        return False
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:  # an address of the environment's, which nobody has looked at
        return False
    return host in {"localhost", "::1", "0.0.0.0"} or host.startswith("127.")  # noqa: S104
