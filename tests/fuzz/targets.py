"""One function per reader of foreign bytes; each raises only where its promise is broken.

The promise: whatever the bytes are, they are read or refused. Refused is by a documented error
whose message is one short printable line; read is what can be written and read again. Neither takes
long.
"""

from __future__ import annotations

import atexit
import io
import itertools
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import yaml
from programs import GROUP_MEAN

from harness.candidates import find_runs, load_candidate, load_names
from harness.candidates.markers import END, START, find_markers
from harness.candidates.naming import DISPLAY_NAMES_FILE, save_names
from harness.candidates.program import MAX_BYTES
from harness.errors import UserError
from harness.evolution.law_text import from_plain, to_plain
from harness.evolution.llm.answers import idea_of, program_of
from harness.evolution.llm.config import read_config
from harness.evolution.llm.region import NoRewriteError
from harness.results.article import read_article
from harness.results.board_lines import read_board
from harness.results.exchange import from_lines, to_lines
from harness.results.lines import Content
from harness.results.merge import elsewhere, plan_merge
from harness.results.records import ClaimedPage
from harness.results.source_page import page_text, read_page
from harness.results.store import Store
from harness.sandbox.calls import ChildFailed, read_replies
from harness.sandbox.guest import wire
from harness.tasks.catalogue import load_definition
from harness.tasks.reading import canonical_form, parse_rows, read_bytes

SECONDS = 3.0
"""CPU time that one input may take; the slowest that are fine take a fifth of it."""
LONGEST_MESSAGE = 1500
_NO_LINE = re.compile(r"\bline (?:-|0\b)")

MARKED = f"import numpy as np\n# {START}\n{GROUP_MEAN}# {END}\n# the end\n"
"""The parent that models' answers rewrite."""
COLUMNS = ("size", "tokens", "loss")
NAMES = ("nano_moe", "nano_vocab")
"""Tasks that the reader of boards is told of."""


def promise(kept: object, what: str) -> None:
    """Raise where a promise is broken."""
    if not kept:
        raise AssertionError(what)


@cache
def folder() -> Path:
    """A folder of this process, gone at its end."""
    path = Path(tempfile.mkdtemp(prefix="sld-fuzz-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def file_of(data: bytes, name: str) -> Path:
    path = folder() / name
    path.write_bytes(data)
    return path


def check_message(error: Exception) -> None:
    said = str(error)
    promise(said, "a refusal without words")
    promise(said.isprintable(), f"not one printable line: {said[:200]!r}")
    promise(len(said) <= LONGEST_MESSAGE, f"a message of {len(said)} characters")
    promise(not _NO_LINE.search(said), f"no such line: {said}")


# --- candidates


def program(data: bytes) -> bool:
    """A candidate program: its bytes stay, its format is told, its markers make regions."""
    candidate = load_candidate(file_of(data, "program.py"))
    promise(candidate.source == data, "the program's bytes changed")
    promise(candidate.format in {"evolve-block", "law", None}, "an unknown format")
    text = data.decode("utf-8", "replace")
    last, n_lines = 0, text.count("\n") + 1
    for region in find_markers(text).regions:
        promise(last < region.first < region.last <= n_lines, "regions out of order")
        last = region.last
    return candidate.format is not None


_counter = itertools.count()


def names(data: bytes) -> bool:
    """Display names: what is read can be saved and read again."""
    place = folder() / f"names-{next(_counter)}"  # files are remembered by path and state
    place.mkdir()
    try:
        (place / DISPLAY_NAMES_FILE).write_bytes(data)
        found = load_names(place)
        save_names(place / "again", found)
        promise(load_names(place / "again") == found, "names changed when saved")
    finally:
        shutil.rmtree(place)
    return True


def run_path(data: bytes) -> bool:
    """The place of a program: whatever folders and files are called, runs fit the store."""
    place = folder() / f"runs-{next(_counter)}"
    place.mkdir()
    root = os.fsencode(place)
    parts = [part[:200] or b"_" for part in data.replace(b"\0", b"").split(b"/")[:5]]
    parts = [b"_" if part in {b".", b".."} else part for part in parts]
    try:
        os.makedirs(os.path.join(root, *parts[:-1]), exist_ok=True)
        with open(os.path.join(root, *parts), "wb") as file:
            file.write(b"def law(rows, group): return rows\n")
        for run in find_runs(place).runs:
            promise(0 <= run.run < 1 << 63, "a run's number that the store cannot hold")
            str(run.path).encode("utf-8")
    finally:
        shutil.rmtree(root)
    return True


# --- published pages


def _page_is_given_back(page: ClaimedPage, name: str) -> None:
    plain = tuple(run.model_copy(update={"program": None}) for run in page.ranking)
    page = page.model_copy(update={"ranking": plain})
    again = read_page(file_of(page_text(page).encode("utf-8"), name))
    promise(again == page, "a page changed when written")


def page(data: bytes) -> bool:
    """A source page: as text it is given back to the byte, as HTML it is read as a text."""
    found = read_page(file_of(data, "page.txt"))
    if not data.lstrip(b"\xef\xbb\xbf\t\n\f\r ").startswith(b"<"):
        promise(page_text(found).encode("utf-8") == data, "a page changed when read")
    _page_is_given_back(found, "again.txt")
    return True


def html(data: bytes) -> bool:
    """Any text as HTML: there is the run's element in it, or there is not."""
    article = read_article(data.decode("utf-8", "replace"))
    promise(article is None or "\r" not in article.text or b"&" in data, "a line end was kept")
    return article is not None


def board(data: bytes) -> bool:
    """A published board: its claims are pages, its programs are programs."""

    def title_of(name: str) -> str:
        if name not in NAMES:
            raise UserError(f"unknown task {name!r}")
        return f"Law of {name}"

    for found in read_board(file_of(data, "board.jsonl"), title_of):
        _page_is_given_back(found.page, "claim.txt")
        for source in found.programs.values():
            promise(0 < len(source.encode("utf-8")) <= MAX_BYTES, "no size of a program")
    return True


# --- tasks


def task(data: bytes) -> bool:
    """A task's YAML file: what is read can be written and read again, and has a digest."""
    found = load_definition(file_of(data, "task.yaml")).definition
    json.dumps(found.score_relevant(), allow_nan=False).encode("utf-8")
    text = yaml.safe_dump(found.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    again = load_definition(file_of(text.encode("utf-8"), "again.yaml")).definition
    promise(again == found, "a definition changed when written")
    return True


def table(data: bytes) -> bool:
    """A CSV file of rows: its canonical form has the same rows."""
    path = file_of(data, "train.csv")
    rows = parse_rows(read_bytes(path), path, COLUMNS)
    plain = canonical_form(rows, COLUMNS)
    again = parse_rows(plain, path, COLUMNS)
    wanted = sorted((row.group, row.values) for row in rows)
    promise(sorted((row.group, row.values) for row in again) == wanted, "rows changed")
    promise(canonical_form(again, COLUMNS) == plain, "the canonical form is none")
    return True


# --- pipes


def frame(data: bytes) -> bool:
    """A frame, whole or out of a descriptor: what is decoded can be encoded."""
    size = wire.frame_size(data)
    promise(size is None or size >= wire.HEADER.size, "a frame smaller than its header")
    descriptor = os.open(file_of(data, "pipe"), os.O_RDONLY)
    try:
        from_pipe = wire.read_frame(descriptor)
    finally:
        os.close(descriptor)
    if size is None or len(data) != size:
        promise(size is None or size < len(data) or from_pipe is None, "a cut frame was read")
        return from_pipe is not None
    found = wire.decode(data)
    again = wire.decode(wire.encode(found.body, found.arrays, found.raw))
    promise(again.body == found.body and again.raw == found.raw, "a frame changed")
    for one, other in zip(found.arrays, again.arrays, strict=True):
        promise(one.shape == other.shape, "a shape changed")
        promise(one.tobytes() == other.tobytes(), "an array changed")
        promise(one.flags.writeable and one.flags.owndata, "an array that is a view")
    return True


def replies(data: bytes) -> bool:
    """The body of a child's answer, as JSON: replies, or a failure that can be stored and shown."""
    text = wire.HEADER.pack(len(data), 0) + data
    body = wire.decode(text).body
    for n_arrays in range(4):
        arrays = [np.zeros(1)] * n_arrays
        try:
            found = read_replies(wire.Frame(body, arrays, b""), 3)
        except (KeyError, TypeError, ValueError):  # as documented: the frame is not an answer
            continue
        except ChildFailed as error:
            check_failure(error)
            continue
        promise(len(found) <= 3, "more replies than calls")
        for reply in found:
            promise((reply.array is None) != (reply.failure is None), "neither nor")
            if reply.failure is not None:
                check_failure(reply.failure)
    return True


def check_failure(failure: ChildFailed) -> None:
    promise(not failure.message or failure.message.isprintable(), "a message that is no line")
    promise(len(failure.message) <= 1000, "a long message")
    promise(failure.line is None or 0 <= failure.line < 1 << 31, "a line that cannot be stored")


# --- results


def results(data: bytes) -> bool:
    """Lines of results: read, stored, merged and written, they stay what they are."""
    try:
        content = from_lines(_lines(data), "results.jsonl")
    except UnicodeDecodeError:
        return False  # the command says it in words
    promise(from_lines(to_lines(content), "again") == content, "results changed when written")
    merge = plan_merge(content, content)
    promise(merge.new == Content({}, {}, {}, {}) and not merge.conflicts, "not its own equal")
    path = folder() / "store.sqlite"
    try:
        with Store(path) as store:
            there = elsewhere(content, lambda name: Path(name).is_file())
            store.take(plan_merge(store.content(), there))
            found = store.content()
            promise(found.runs == there.runs, "runs changed in the store")
            promise(found.claims == content.claims, "claims changed in the store")
            promise(found.evaluations == content.evaluations, "evaluations changed in the store")
            for digest in found.evaluations:
                store.traces(digest)
            store.runs()
            store.claims()
    finally:
        for left in folder().glob("store.sqlite*"):
            left.unlink()
    return True


def _lines(data: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="\n")


# --- searches


def config(data: bytes) -> bool:
    """A configuration of the field's tools: what is taken is used or refused, never halfway."""
    found = read_config(file_of(data, "config.yaml"))
    for line in (*found.ignored, *found.warnings):
        promise(line.isprintable(), f"not one printable line: {line[:200]!r}")
    if found.models:
        found.settings()
    return True


def answer(data: bytes) -> bool:
    """What a model answered: a program that keeps what it may not change, or a reason for it."""
    text = data.decode("utf-8", "replace")
    idea = idea_of(text)
    promise(not idea or idea.isprintable(), "an idea that is no line")
    try:
        program = program_of(text, MARKED, "diff", 20_000)
    except NoRewriteError as error:
        promise(str(error), "a refusal without words")
        return False
    head, tail = MARKED.split(START, maxsplit=1)[0], MARKED.split(END)[1]
    promise(program.startswith(head + START), "what stands before the region changed")
    promise(program.endswith(END + tail), "what stands after the region changed")
    return True


def law(data: bytes) -> bool:
    """A tree of the journal: what is read is written as it was."""
    try:
        found = from_plain(json.loads(data))
        again = to_plain(found)
    except (ValueError, TypeError, RecursionError, AttributeError):
        return False  # a row of a journal has a seal: what breaks it is ours, and is seen
    promise(from_plain(again) == found, "a law changed when written")
    return True


READERS: dict[str, Callable[[bytes], bool]] = {
    "program": program,
    "names": names,
    "run_path": run_path,
    "page": page,
    "html": html,
    "board": board,
    "task": task,
    "table": table,
    "frame": frame,
    "replies": replies,
    "results": results,
    "config": config,
    "answer": answer,
    "law": law,
}


def outcome(name: str, data: bytes) -> str:
    """Feed a reader; return "read" or "refused".

    Raises:
        AssertionError: The promise is broken.
        Exception: Likewise: it is not one of the documented errors.
    """
    started = time.thread_time()
    try:
        taken = READERS[name](data)
    except UserError as error:
        check_message(error)
        taken = False
    except wire.WireError as error:
        promise(name in {"frame", "replies"}, "a frame where there is none")
        promise(str(error), "a refusal without words")
        taken = False
    spent = time.thread_time() - started
    promise(spent < SECONDS, f"{name}: {spent:.1f} s for {len(data)} bytes")
    return "read" if taken else "refused"


def _target(name: str) -> Callable[[bytes], None]:
    def target(data: bytes) -> None:
        outcome(name, data)

    return target


TARGETS: dict[str, Callable[[bytes], None]] = {name: _target(name) for name in READERS}
