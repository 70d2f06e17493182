"""The key: read from the environment, held here, and kept out of everything that is written."""

from __future__ import annotations

import os
import re

from harness.errors import UserError
from harness.evolution.llm.settings import LlmSettings, is_local

_NO_KEY = "none"
_SHORTEST = 6
"""Shorter ones are no secrets, and would be found in any text."""


_LIKE_A_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,39}")


class Key:
    """An endpoint's key, which no ``repr`` shows."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        """Hold a key.

        Args:
            value: It.
        """
        self._value = value

    def reveal(self) -> str:
        """Return the key itself, for the client alone."""
        return self._value

    def scrub(self, text: str) -> str:
        """Return a text with the key taken out."""
        if len(self._value) < _SHORTEST:
            return text
        return text.replace(self._value, "[key]")


def read_key(settings: LlmSettings) -> Key:
    """Return the key that the environment holds.

    Raises:
        UserError: There is none, and the endpoint is not on this machine; or it cannot be sent.
    """
    name = settings.key_variable
    # What looks like no variable may be the key itself.
    shown = name if _LIKE_A_VARIABLE.fullmatch(name) else "that --key-variable names"
    value = os.environ.get(name, "").strip()
    if not value:
        if is_local(settings.base_url or os.environ.get("OPENAI_BASE_URL")):
            return Key(_NO_KEY)
        export = f"export {shown}=..." if shown == name else "export OPENAI_API_KEY=..."
        raise UserError(
            f"no key for the language model: expected it in the environment variable {shown}; "
            f"type: {export}, or name an endpoint on this machine with --base-url"
        )
    if not value.isascii() or not value.isprintable() or " " in value:
        raise UserError(
            f"the environment variable {shown} holds blanks or other characters that no key has; "
            "set it again"
        )
    return Key(value)
