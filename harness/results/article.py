"""The text of the element of a page that holds the source layout, as a browser would read it.

The standard library's parser is not used: it needs quadratic time for tags that never end, and
raises on some declarations and character references that every browser reads.
"""

from __future__ import annotations

import html as entities
import re
from dataclasses import dataclass

ARTICLE_ID = "run"
"""The ``id`` of the one element whose text is the source layout."""

ALTERED_ATTRIBUTE = "data-altered"
"""Set on the element where HTML cannot hold the program's bytes, so that its text is not them."""

# A browser drops one newline that comes right after the start of these elements.
_DROPS_FIRST_NEWLINE = frozenset({"pre", "listing", "textarea"})
# What is in these elements is text up to their own end tag; in the second kind, references count.
_RAW = frozenset({"script", "style"})
_RAW_WITH_REFERENCES = frozenset({"textarea", "title"})

_TAG = re.compile(r"<(/?)([a-zA-Z][^ \t\n\f/>]*)")
_BETWEEN_ATTRIBUTES = re.compile(r"[ \t\n\f/]*")
_ATTRIBUTE = re.compile(
    # Possessive and without a choice between two ways to match: linear, whatever comes.
    r"([^ \t\n\f/>][^ \t\n\f/>=]*+)"
    r"(?:[ \t\n\f]*+=[ \t\n\f]*+"
    r"(\"[^\"]*\"|'[^']*'|[^\"' \t\n\f>][^ \t\n\f>]*+|))?"
)
_NUMBER_REFERENCE = re.compile(r"&#([0-9]+)")
_MOST_DIGITS = 7
_BEYOND_UNICODE = "&#1114112"


@dataclass(frozen=True, slots=True)
class Article:
    """The element ``<article id="run">`` of a page."""

    text: str
    """Its ``textContent``."""
    altered: bool
    """Whether the page says that the program shown is not the program to the byte."""


def read_article(html: str) -> Article | None:
    """Return the run's element of an HTML page, or None where the page has none.

    Args:
        html: The page, decoded. Carriage returns in it are line ends, as HTML has it; those of
            a program are written as character references.
    """
    reader = _ArticleReader(html.replace("\r\n", "\n").replace("\r", "\n"))
    reader.read()
    if not reader.found:
        return None
    return Article("".join(reader.parts), reader.altered)


class _ArticleReader:
    """Goes through a page once; what never ends swallows the rest, as it does in a browser."""

    def __init__(self, html: str) -> None:
        self.found = False
        self.altered = False
        self.parts: list[str] = []
        self._html = html
        self._depth = 0
        self._newline_dropped_next = False

    def read(self) -> None:
        html, position = self._html, 0
        while position < len(html):
            start = html.find("<", position)
            if start != position:
                start = len(html) if start == -1 else start
                self._text(html[position:start])
                position = start
                continue
            tag = _TAG.match(html, start)
            if tag is not None:
                position = self._tag(tag)
            elif html.startswith("<!--", start):
                position = _after(html, "-->", start + 2)
            elif html.startswith(("<!", "<?", "</"), start):
                position = _after(html, ">", start + 2)
            else:
                self._data("<")
                position = start + 1

    def _tag(self, tag: re.Match[str]) -> int:
        """Take a tag; return where the text behind it starts."""
        attributes, end = _attributes(self._html, tag.end())
        if end is None:
            return len(self._html)
        name = tag[2].lower()
        if tag[1]:
            self._end_tag(name)
            return end
        self._start_tag(name, attributes)
        if name in _RAW or name in _RAW_WITH_REFERENCES:
            closing = re.compile(rf"</{name}(?=[ \t\n\f/>])", re.IGNORECASE).search(self._html, end)
            stop = len(self._html) if closing is None else closing.start()
            raw = self._html[end:stop]
            (self._data if name in _RAW else self._text)(raw)
            return stop
        return end

    def _start_tag(self, name: str, attributes: dict[str, str]) -> None:
        self._newline_dropped_next = name in _DROPS_FIRST_NEWLINE
        if name != "article":
            return
        if self._depth:
            self._depth += 1
        elif not self.found and attributes.get("id") == ARTICLE_ID:
            self.found = True
            self.altered = ALTERED_ATTRIBUTE in attributes
            self._depth = 1

    def _end_tag(self, name: str) -> None:
        self._newline_dropped_next = False
        if name == "article" and self._depth:
            self._depth -= 1

    def _text(self, raw: str) -> None:
        self._data(_resolved(raw))

    def _data(self, data: str) -> None:
        if self._newline_dropped_next and data:
            data = data.removeprefix("\n")
            self._newline_dropped_next = False
        if self._depth:
            self.parts.append(data)


def _attributes(html: str, position: int) -> tuple[dict[str, str], int | None]:
    """Return a tag's attributes and where the tag ends; None where it never does."""
    found: dict[str, str] = {}
    while True:
        between = _BETWEEN_ATTRIBUTES.match(html, position)
        position = between.end() if between else position
        if html.startswith(">", position):
            return found, position + 1
        attribute = _ATTRIBUTE.match(html, position)
        if attribute is None:
            return found, None
        position = attribute.end()
        value = attribute[2] or ""
        if value[:1] in {'"', "'"}:
            value = value[1:-1]
        elif attribute[2] == "" and html.startswith(('"', "'"), position):
            return found, None  # a quote that is never closed
        found.setdefault(attribute[1].lower(), _resolved(value))


def _after(html: str, end: str, start: int) -> int:
    found = html.find(end, start)
    return len(html) if found == -1 else found + len(end)


def _resolved(text: str) -> str:
    """Replace character references; their numbers may have any number of digits."""
    return entities.unescape(_NUMBER_REFERENCE.sub(_short_reference, text)) if "&" in text else text


def _short_reference(reference: re.Match[str]) -> str:
    digits = reference[1].lstrip("0") or "0"
    return f"&#{digits}" if len(digits) <= _MOST_DIGITS else _BEYOND_UNICODE
