"""Colours of programs for light and dark pages, each readable on its background."""

from __future__ import annotations

from typing import ClassVar

from pygments.style import Style
from pygments.token import (
    STANDARD_TYPES,
    Comment,
    Keyword,
    Name,
    Number,
    Operator,
    String,
    _TokenType,
)

_LIGHT: dict[_TokenType, str] = {
    Comment: "italic #5f6b76",
    Keyword: "#8b2fa8",
    Keyword.Constant: "#0b5cad",
    Name.Builtin: "#0b5cad",
    Name.Class: "bold #7a4a00",
    Name.Decorator: "#7a4a00",
    Name.Exception: "#b3261e",
    Name.Function: "bold #1f4fbf",
    Number: "#a33b00",
    Operator.Word: "#8b2fa8",
    String: "#1c6b37",
    String.Doc: "italic #4d6a57",
    String.Escape: "#0b6b75",
    String.Interpol: "#0b6b75",
}

_DARK: dict[_TokenType, str] = {
    Comment: "italic #93a1b0",
    Keyword: "#d9a2f2",
    Keyword.Constant: "#7fc1ff",
    Name.Builtin: "#7fc1ff",
    Name.Class: "bold #f0c674",
    Name.Decorator: "#f0c674",
    Name.Exception: "#ff9d94",
    Name.Function: "bold #9dbcff",
    Number: "#ffb583",
    Operator.Word: "#d9a2f2",
    String: "#8fd6a4",
    String.Doc: "italic #9dbfa8",
    String.Escape: "#7fdbe3",
    String.Interpol: "#7fdbe3",
}


class LightCode(Style):
    """For dark text on a light ground."""

    name = "sld-light"
    styles: ClassVar = dict(_LIGHT)


class DarkCode(Style):
    """For light text on a dark ground."""

    name = "sld-dark"
    styles: ClassVar = dict(_DARK)


CLASSES: dict[_TokenType, str] = {token: STANDARD_TYPES[token] for token in _LIGHT}
"""The class of each coloured kind of token; all others are plain text."""


def css_class(token: _TokenType) -> str | None:
    """Return the class of a token's nearest coloured ancestor, or None for plain text."""
    kind: _TokenType | None = token
    while kind is not None:
        if kind in CLASSES:
            return CLASSES[kind]
        kind = kind.parent
    return None


def code_css() -> str:
    """Return the rules of both styles, the dark one on the screens of those who prefer it."""
    dark = "".join(f"  :root:not(.paper) {rule}\n" for rule in _rules(DarkCode))
    light = "".join(f"{rule}\n" for rule in _rules(LightCode))
    return f"{light}@media screen and (prefers-color-scheme: dark) {{\n{dark}}}\n"


def _rules(style: type[Style]) -> list[str]:
    rules = []
    for token, name in CLASSES.items():
        look = style.style_for_token(token)
        parts = [f"color: #{look['color']}"]
        parts += ["font-weight: 600"] if look["bold"] else []
        parts += ["font-style: italic"] if look["italic"] else []
        rules.append(f".code .{name} {{ {'; '.join(parts)} }}")
    return rules
