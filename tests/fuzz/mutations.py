"""Well-formed inputs made wrong: cut, flipped, spliced, doubled, with words put in."""

from __future__ import annotations

import json
from typing import Any

import yaml
from hypothesis import strategies as st

from fuzz.seeds import DICTIONARY, seeds
from harness.sandbox.guest.wire import HEADER

_LONGEST = 20_000
# What no key of any reader expects, or expects in another place.
_VALUES: list[Any] = [
    None, True, 0, -1, 7, 1 << 31, 1 << 70, 10**4200, 0.5, 1e308, -1e308, float("nan"),
    float("inf"), "", "x", "a\nb", "a\u2028b", "\x1b[2J", "\ud800", "\0", "../x", "é", "9" * 5000,
    "x" * 300, "error", "harness_error", [], {}, [[1]], [-1], [0, 1 << 30], {"a": 1}, {"a\nb": 1},
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn, name: str) -> bytes:
    """Draw an input for a reader: a seed after one to five changes."""
    data = draw(st.sampled_from(seeds()[name]))
    for _ in range(draw(st.integers(1, 5))):
        data = _changed(draw, name, data)[:_LONGEST]
    return data


def _changed(draw: st.DrawFn, name: str, data: bytes) -> bytes:
    start = draw(st.integers(0, len(data)))
    stop = min(len(data), start + draw(st.integers(0, 40)))
    change = draw(st.sampled_from(("word", "cut", "drop", "flip", "double", "splice", "noise")))
    if change == "word":
        word = draw(st.sampled_from(DICTIONARY[name]))
        return data[:start] + word + data[draw(st.sampled_from((start, stop))) :]
    if change == "cut":
        return data[:start]
    if change == "drop":
        return data[:start] + data[stop:]
    if change == "flip" and start < len(data):
        flipped = data[start] ^ (1 << draw(st.integers(0, 7)))
        return data[:start] + bytes([flipped]) + data[start + 1 :]
    if change == "double":
        times = draw(st.sampled_from((2, 3, 50)))
        return data[:start] + data[start:stop] * times + data[stop:]
    if change == "splice":
        other = draw(st.sampled_from(seeds()[name]))
        return data[:start] + other[draw(st.integers(0, len(other))) :]
    return data[:start] + draw(st.binary(max_size=8)) + data[stop:]


def generated(name: str) -> st.SearchStrategy[bytes]:
    """Inputs made of a reader's own words alone, which noise would hardly ever hit upon."""
    words = st.sampled_from(DICTIONARY[name]) | st.text(max_size=3).map(
        lambda text: text.encode("utf-8", "surrogatepass")
    )
    return st.lists(words, max_size=30).map(b"".join).map(lambda data: data[:_LONGEST])


_OFTEN = st.sampled_from([True] * 7 + [False])


def _elsewhere(draw: st.DrawFn, document: Any) -> Any:
    """Return a document with one thing in it replaced, left out or added, however deep."""
    if isinstance(document, dict | list) and document and draw(_OFTEN):
        keys: list[Any] = list(document) if isinstance(document, dict) else [*range(len(document))]
        key = draw(st.sampled_from(keys))
        changed = document.copy()
        if not draw(_OFTEN):
            del changed[key]
        else:
            changed[key] = _elsewhere(draw, document[key])
        return changed
    value = draw(st.sampled_from(_VALUES))
    if isinstance(document, dict) and draw(st.booleans()):
        return {
            **document,
            draw(st.sampled_from(("more", "a\nb", "error", "\x1b", "x" * 600))): value,
        }
    if isinstance(document, list) and draw(st.booleans()):
        return [*document, value]
    return value


@st.composite
def rearranged(draw: st.DrawFn, name: str) -> bytes:
    """Draw an input that is well-formed JSON or YAML and says something else than it should."""
    data = draw(st.sampled_from(seeds()[name]))
    if name in {"task", "names"}:
        document = _elsewhere(draw, yaml.safe_load(data))
        return yaml.safe_dump(document, allow_unicode=True).encode("utf-8", "surrogatepass")
    if name == "frame":
        size, payload_size = HEADER.unpack_from(data)
        document = _elsewhere(draw, json.loads(data[HEADER.size : HEADER.size + size]))
        text = json.dumps(document).encode()
        payload = data[HEADER.size + size :][: draw(st.sampled_from((0, 8, payload_size)))]
        return HEADER.pack(len(text), len(payload)) + text + payload
    lines = data.splitlines()
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.integers(0, len(lines) - 1))
        document = json.loads(lines[place])
        if name == "replies":
            document["body"] = _elsewhere(draw, document["body"])
        else:
            document = _elsewhere(draw, document)
        lines[place] = json.dumps(document).encode()
    return b"".join(line + b"\n" for line in lines)


def inputs(name: str) -> st.SearchStrategy[bytes]:
    """All kinds of inputs for a reader."""
    text = st.text(max_size=60).map(lambda each: each.encode("utf-8", "surrogatepass"))
    found = mutated(name) | generated(name) | st.binary(max_size=200) | text
    if name in {"task", "names", "frame", "replies", "board", "results"}:
        return st.booleans().flatmap(lambda one: rearranged(name) if one else found)
    return found
