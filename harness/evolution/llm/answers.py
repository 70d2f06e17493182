"""From what a model answered to a program, or to what is wrong with the answer."""

from __future__ import annotations

import ast
import re
import warnings
from typing import Literal

from harness.candidates.review import review
from harness.evolution.llm.region import (
    FENCE,
    NoRewriteError,
    closes,
    cut,
    has_blocks,
    rewrite_by_diff,
    rewrite_whole,
)

FUNCTIONS = ("fit_scaling_law", "scaling_law_func")
_THOUGHT = re.compile(
    rf"{FENCE.pattern}|^[ \t]*#.*$"
    r"|(?P<begins>^[ \t`~]*)?<(?P<tag>/?)think(?:ing)?>(?P<ends>[ \t\r]*$)?",
    re.MULTILINE,
)
"""Where thinking may begin and end (a fence before the end may share its line), and what holds a
program's own text: blocks and comments."""
_LANGUAGE = re.compile(r"[ \t{.]*([\w+-]*)")
_IDEA = re.compile(
    r"^[ \t>*_#]*idea[*_]*[ \t]*[:\-][*_]*[ \t]*(\S.*)$", re.IGNORECASE | re.MULTILINE
)
_PYTHON = frozenset({"", "python", "py", "python3"})
_LONGEST_IDEA = 100
_MOST_FINDINGS = 3
_DEEPEST = 150


def program_of(text: str, parent: str, wanted: Literal["diff", "whole"], longest: int) -> str:
    """Return the program that an answer makes of its parent.

    Args:
        text: The answer.
        parent: The program that it was to rewrite.
        wanted: What was asked for; the other is taken as well.
        longest: Most characters of a program.

    Raises:
        NoRewriteError: There is none; the text says why, for the model.
    """
    text = text.replace("\r\n", "\n")
    said = _without_thinking(text)
    if has_blocks(said):
        program = rewrite_by_diff(parent, said)
    else:
        program = _whole(said, parent, wanted, "" if said == text else "outside its thinking, ")
    if len(program) > longest:
        msg = f"the program has {len(program):,} characters; {longest:,} at most"
        raise NoRewriteError(msg)
    _check(program)
    return program


def idea_of(text: str) -> str:
    """Return what an answer says that its idea is, as part of one line; empty if it does not."""
    found = _IDEA.search(_without_thinking(text))
    if found is None:
        return ""
    words = " ".join(found[1].split())
    line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in words)
    return line if len(line) <= _LONGEST_IDEA else line[: _LONGEST_IDEA - 1] + "…"


def _without_thinking(text: str) -> str:
    """Return what an answer says when its thinking is over.

    The tag that begins the thinking is often part of the prompt, so one that ends it ends all that
    stands before it. Programs may speak of the tags: in comments and in closed pairs inside a code
    block they mean nothing. A block that the thinking left open does not hide its end, though.
    """
    parts: list[str] = []
    at = inner = 0
    opened: int | None = None
    block: re.Match[str] | None = None
    for found in _THOUGHT.finditer(text):
        if found[1]:
            if block is None:
                block, inner = found, 0
            elif closes(found, block):
                block = None
        elif found["tag"] is None:
            continue
        elif not found["tag"]:
            if block is not None:
                inner += 1
            elif opened is None:
                opened = found.start()
        elif block is not None and inner:
            inner -= 1
        elif opened is not None:
            parts.append(text[at:opened])
            at, opened, block = found.end(), None, None
        elif found["begins"] is not None or (found["ends"] is not None and block is None):
            parts.clear()
            at, block = found.end(), None
    return "".join((*parts, text[at:]))


def _whole(text: str, parent: str, wanted: Literal["diff", "whole"], where: str) -> str:
    blocks, is_open = _code_blocks(text)
    needed = [name for name in FUNCTIONS if _defines("\n".join(cut(parent).texts), name)]
    complete = [block for block in blocks if all(_defines(block, name) for name in needed)]
    if complete:  # models put what they settled on last
        return rewrite_whole(parent, complete[-1])
    if is_open:
        msg = "its code block is not closed: the answer ends too early"
    elif blocks:
        msg = f"no code block defines {' and '.join(needed)}"
    elif wanted == "diff":
        msg = "it holds neither SEARCH/REPLACE blocks nor a fenced python block"
    else:
        msg = "it holds no fenced python block"
    raise NoRewriteError(where + msg)


def _code_blocks(text: str) -> tuple[list[str], bool]:
    """Return the Python blocks between fences, and whether the last one is left open."""
    blocks: list[str] = []
    begun: re.Match[str] | None = None
    for fence in FENCE.finditer(text):
        if begun is None:
            begun = fence
        elif closes(fence, begun):
            language = _LANGUAGE.match(begun[2])
            if language is not None and language[1].lower() in _PYTHON:
                blocks.append(text[begun.end() + 1 : fence.start()])
            begun = None
    return blocks, begun is not None


def _defines(code: str, name: str) -> bool:
    return re.search(rf"^[ \t]*def[ \t]+{name}\b", code, re.MULTILINE) is not None


def _check(program: str) -> None:
    """Look for what makes a program fail before it runs; it is parsed in another process."""
    try:
        seen = review(program.encode("utf-8"))
    except UnicodeEncodeError:
        msg = "the program holds characters that no file can hold"
        raise NoRewriteError(msg) from None
    wrong = [finding.text for finding in seen.findings if finding.kind != "note"]
    if wrong:
        msg = "the program cannot run: " + "; ".join(wrong[:_MOST_FINDINGS])
        raise NoRewriteError(msg)
    if not _is_shallow(program):
        msg = "the program is nested too deeply to be read"
        raise NoRewriteError(msg)


def _is_shallow(program: str) -> bool:
    """Whether whatever walks the program's syntax tree later will come to its end."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            stack: list[tuple[ast.AST, int]] = [(ast.parse(program), 0)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    while stack:
        node, depth = stack.pop()
        if depth > _DEEPEST:
            return False
        stack += [(child, depth + 1) for child in ast.iter_child_nodes(node)]
    return True
