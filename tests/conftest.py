"""What several test files share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import numpy as np
import pytest
import yaml
from hypothesis import settings

from harness import paths
from harness.candidates import Candidate
from harness.evaluation.digest import limits_for
from harness.evaluation.evaluate import Outcome, evaluate
from harness.evaluation.records import Evaluation
from harness.sandbox import Sandbox
from harness.tasks import Task
from harness.tasks.catalogue import load_definition

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# How long an example takes says how busy the machine is: time is a matter of benchmarks.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
TRAIN = """\
group,size,tokens,loss
a,1.0,10.0,3.0
a,2.0,10.0,2.5
a,2.0,20.0,2.25
b,1.0,10.0,4.0
b,2.0,20.0,3.5
"""
TEST = """\
group,size,tokens,loss
a,4.0,20.0,2.0
b,4.0,40.0,3.0
"""


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with the SLDBench data and the source pages; the test is skipped without it."""
    folder = paths.data_folder()
    if folder is not None and folder.is_dir():
        return folder
    reason = (
        f"no data folder (SLD_DATA is {os.environ.get('SLD_DATA')!r}); set SLD_DATA to the folder "
        "that holds sldbench/ and seeds/"
    )
    if os.environ.get("SLD_REQUIRE_DATA") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def task_document(**changes: Any) -> dict[str, Any]:
    """Return what a small task's YAML file holds, with some keys changed."""
    document: dict[str, Any] = {
        "schema_version": 1,
        "name": "small_task",
        "title": "Small Scaling Law",
        "suite": "own",
        "description": "Loss from size and tokens; test is larger.",
        "features": [
            {"name": "size", "unit": "parameters", "meaning": "size of the model"},
            {"name": "tokens", "unit": "tokens", "meaning": "tokens seen"},
        ],
        "targets": [{"name": "loss", "unit": "nats per token", "meaning": "held-out loss"}],
        "max_params": 4,
        "fit_seconds": 60,
        "data": {
            "kind": "shipped",
            "train": {"path": "small_task/train.csv"},
            "test": {"path": "small_task/test.csv"},
        },
        "reference": {"law": "L = E + A / N^a", "citation": "nobody", "url": None},
        "curve": {"along": "size", "points": 5, "log": True},
    }
    return {**document, **changes}


@pytest.fixture
def write_task(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a small task's files and returns its YAML file's path."""

    def write(train: str | bytes = TRAIN, test: str | bytes = TEST, **changes: Any) -> Path:
        document = task_document(**changes)
        if "data" not in changes:
            for split in ("train", "test"):
                document["data"][split] = {"path": f"{document['name']}/{split}.csv"}
        folder = tmp_path / "tasks" / document["suite"]
        data = folder / document["name"]
        data.mkdir(parents=True, exist_ok=True)
        for name, content in (("train.csv", train), ("test.csv", test)):
            raw = content.encode() if isinstance(content, str) else content
            (data / name).write_bytes(raw)
        path = folder / f"{document['name']}.yaml"
        path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def sandbox_without() -> Iterator[Callable[..., Sandbox]]:
    """Return a function that lends a warm sandbox without some layers, the same for all tests.

    ``SLD_TEST_LAYERS_OFF=namespaces,landlock`` leaves these off in all tests: what a machine
    without them keeps, and what it does not.
    """
    started: dict[frozenset[str], Sandbox] = {}
    always = frozenset(filter(None, os.environ.get("SLD_TEST_LAYERS_OFF", "").split(",")))

    def lend(*layers: str) -> Sandbox:
        off = always | frozenset(layers)
        if off not in started:
            started[off] = Sandbox(layers_off=off)
        return started[off]

    yield lend
    for box in started.values():
        box.close()


@pytest.fixture(scope="session")
def sandbox(sandbox_without: Callable[..., Sandbox]) -> Sandbox:
    """A warm sandbox with every layer that this machine has."""
    return sandbox_without()


@pytest.fixture
def caged(sandbox: Sandbox) -> Sandbox:
    """The sandbox, where every layer is in force; the test is skipped elsewhere."""
    if sandbox.missing:
        pytest.skip("; ".join(sandbox.missing))
    return sandbox


@pytest.fixture
def small_task(write_task: Callable[..., Path]) -> Task:
    """A task of five train rows and two test rows in two groups."""
    return load_definition(write_task())


class Scorer(Protocol):
    """Scores a program; see ``outcome_of``."""

    def __call__(
        self,
        source: str | bytes,
        task: Task | None = None,
        *,
        box: Sandbox | None = None,
        seed: int = 0,
        **limits: float,
    ) -> Outcome:
        """Return what the program's evaluation gave."""


@pytest.fixture
def outcome_of(sandbox: Sandbox, small_task: Task) -> Scorer:
    """Return a function that scores a program, on the small task where no other is given."""

    def run(
        source: str | bytes,
        task: Task | None = None,
        *,
        box: Sandbox | None = None,
        seed: int = 0,
        **limits: float,
    ) -> Outcome:
        raw = source.encode() if isinstance(source, str) else source
        task = task or small_task
        own = limits_for(task).model_copy(update=limits)
        return evaluate(Candidate(raw, "candidate"), task, box or sandbox, limits=own, seed=seed)

    return run


@pytest.fixture
def score(outcome_of: Scorer) -> Callable[..., Evaluation]:
    """Return a function like ``outcome_of`` that gives the evaluation alone."""
    return lambda *args, **kwargs: outcome_of(*args, **kwargs).evaluation


def wide_rows(order: Sequence[int] | None = None) -> tuple[str, str]:
    head = "group,size,tokens,loss"
    lines = [
        f"{group},{float(size)},{float(10 + size % 3)},{offset + 10 / size:.6f}"
        for group, offset in (("a", 1.0), ("b", 2.0))
        for size in range(1, 19)
    ]
    train = [line for line in lines if float(line.split(",")[1]) <= 12]
    test = [line for line in lines if line not in train]
    result = []
    for rows in (train, test):
        places = np.random.default_rng(0).permutation(len(rows)) if order is None else order
        result.append("\n".join([head, *(rows[i] for i in places if i < len(rows))]))
    return result[0], result[1]


@pytest.fixture
def wide_task(write_task: Callable[..., Path]) -> Task:
    """Two groups with twelve train rows and six test rows each, in a shuffled order."""
    return load_definition(write_task(*wide_rows(), name="wide_task"))


def unavailable(reason: str) -> NoReturn:
    """Skip a test of the pages, unless browsers are required here."""
    if os.environ.get("SLD_REQUIRE_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The Chromium of the system; the test is skipped without one."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        unavailable("playwright is not installed: pip install playwright")
    if CHROMIUM is None:
        unavailable("no chromium and no google-chrome on the PATH: apt install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield chromium
        chromium.close()


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    """A page that fails the test on any console message or request that leaves the folder."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    troubles = watch(opened)
    yield opened
    context.close()
    assert troubles == []


def watch(opened: Page) -> list[str]:
    """Return a list that fills with what must not happen on a page."""
    troubles: list[str] = []
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    opened.on(
        "console",
        lambda said: said.type in {"error", "warning"} and troubles.append(said.text),
    )
    opened.on("dialog", lambda asked: troubles.append(asked.message))
    opened.on(
        "request",
        lambda asked: (
            asked.url.startswith(("file:", "data:", "blob:")) or troubles.append(asked.url)
        ),
    )
    return troubles
