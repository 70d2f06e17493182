"""Reads the page of a search back, and has one written of a table whose names are attacks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

import numpy as np
import pandas as pd

import harness
from harness.evolution.discover import Discovery
from harness.evolution.forecast import Forecast

SCRIPT = "<script>document.title='taken'</script>"
NASTY = f"</title></style></svg>{SCRIPT}\u202e\"'&{{{{7*7}}}}"
LONG = "n" * 10_000
VOID = {"meta", "link", "wbr", "br"}


@dataclass
class Node:
    """An element of a page."""

    tag: str
    attributes: dict[str, str]
    children: list[Node] = field(default_factory=list)
    text: str = ""

    def all(self, tag: str, kind: str | None = None) -> list[Node]:
        """Return the elements below with a tag and a class."""
        found = []
        for child in self.children:
            fits = kind is None or kind in child.attributes.get("class", "").split()
            found += [child] if child.tag == tag and fits else []
            found += child.all(tag, kind)
        return found

    def words(self) -> str:
        """Return all text below, in order of elements."""
        return " ".join([self.text, *(child.words() for child in self.children)])


class Reader(HTMLParser):
    """Builds a tree and takes note of tags that do not match."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Node("", {})
        self.open = [self.root]
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Node(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if self.open[-1].tag == tag:
            self.open.pop()
        else:
            self.wrong.append(f"{tag} ends {self.open[-1].tag}")

    def handle_data(self, data: str) -> None:
        self.open[-1].text += data


def parsed(page: str) -> Node:
    reader = Reader()
    reader.feed(page)
    assert reader.wrong == []
    assert len(reader.open) == 1
    return reader.root


def tables_of(page: Node) -> dict[str, list[list[str]]]:
    """Return the tables by name, cells as text, heads first."""
    found = {}
    for box in page.all("div", "scroll"):
        if not box.all("table"):
            continue
        rows = [
            [re.sub(r"\s+", " ", cell.words()).strip() for cell in row.children]
            for row in box.all("tr")
        ]
        found[box.attributes["aria-label"]] = rows
    return found


def runs(groups: int = 1) -> pd.DataFrame:
    """Training runs of a sum of power laws."""
    rng = np.random.default_rng(0)
    rows = [
        {
            "params": n,
            "tokens": d,
            "where": f"g{g}",
            "loss": 1.7 + g + 400 / n**0.34 + 410 / d**0.28,
        }
        for g in range(groups)
        for n in np.geomspace(1e6, 1e9, 7)
        for d in np.geomspace(1e8, 1e11, 6)
    ]
    frame = pd.DataFrame(rows)
    return frame.assign(loss=frame["loss"] + 0.003 * rng.normal(size=len(frame)))


def nasty_discovery() -> tuple[Discovery, Forecast]:
    """Discover a law in a table where every name is somebody's attack."""
    names = {"params": f"p{NASTY}", "tokens": LONG, "loss": f"l{NASTY}", "where": f"w{NASTY}"}
    frame = runs(2).rename(columns=names)
    frame[names["where"]] += NASTY
    frame[f"no{NASTY}"] = "words"
    found = harness.discover(frame, names["loss"], group=names["where"], evaluations=40, minutes=1)
    asked = frame.tail(3).copy()
    asked[names["params"]] *= 1e4
    return found, found.predict(asked, names["where"])
