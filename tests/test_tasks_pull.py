"""``sld tasks pull``: from a Hub on this machine into a cache folder, whatever comes between."""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import TEST, TRAIN, task_document
from hub_server import COMMIT, REPOSITORY, Asked, FakeHub

from harness.errors import DataNotFoundError, UserError
from harness.tasks.catalogue import load_catalogue, load_definition
from harness.tasks.hub import HubFile, Listing
from harness.tasks.hub_tables import split_files
from harness.tasks.pull import TaskPull, pull
from harness.tasks.reading import canonical_form, parse_rows, sha256_of

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install '.[dev]'")
pytest.importorskip("huggingface_hub", reason="pip install '.[dev]'")

COLUMNS = ("size", "tokens", "loss")
OTHER = "fedcba9876543210fedcba9876543210fedcba98"


def parquet(text: str, **changes: Any) -> bytes:
    """Return a CSV file's table as parquet, some columns replaced; None leaves one out."""
    import pyarrow.parquet as pq

    columns: tuple[str, ...] = tuple(text.splitlines()[0].split(",")[1:])
    rows = parse_rows(text.encode(), Path("table"), columns)
    table: dict[str, Any] = {"group": [row.group for row in rows]}
    for place, name in enumerate(columns):
        table[name] = [row.values[place] for row in rows]
    table = {name: values for name, values in (table | changes).items() if values is not None}
    out = io.BytesIO()
    pq.write_table(pa.table(table), out)
    return out.getvalue()


def content_sha256(text: str) -> str:
    return sha256_of(canonical_form(parse_rows(text.encode(), Path("x"), COLUMNS), COLUMNS))


class World:
    """A user's machine: tasks of a suite ``own``, a cache folder, an environment."""

    def __init__(self, folder: Path, names: Sequence[str] = ("alpha", "beta")) -> None:
        self.folder = folder
        self.cache = folder / "cache" / "sld-harness" / "own"
        self.tasks: Path | None = folder / "tasks"
        (folder / "tasks" / "own").mkdir(parents=True)
        for name in names:
            self.define(name)

    def define(self, name: str, **hub: str) -> Path:
        source = {"repository": REPOSITORY, "revision": "main", "configuration": name, **hub}
        data = {
            "kind": "external",
            "folder": f"own/{name}",
            "train": {"path": "train.csv", "content_sha256": content_sha256(TRAIN)},
            "test": {"path": "test.csv", "content_sha256": content_sha256(TEST)},
            "hub": source,
        }
        path = self.folder / "tasks" / "own" / f"{name}.yaml"
        document = task_document(name=name, title=f"Law of {name}", data=data)
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        return path

    def environment(self, hub: FakeHub | str, **more: str) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "HF_HOME": str(self.folder / "hf"),
            "HF_ENDPOINT": hub if isinstance(hub, str) else hub.address,
            **more,
        }

    def command(self, words: Sequence[str], before: str = "") -> list[str]:
        lines = [
            "import sys",
            "from pathlib import Path",
            "from harness import paths",
            "from harness.tasks import hub",
            "hub._PAUSE = 0.02",
            before,
            f"paths.tasks_folder = lambda: Path({str(self.tasks)!r})" if self.tasks else "",
            f"sys.argv = {['sld', *words]!r}",
            "from harness.cli import main",
            "main()",
        ]
        return [sys.executable, "-W", "error", "-c", "\n".join(lines)]

    def sld(
        self, hub: FakeHub | str, *words: str, before: str = "", **more: str
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.command(words, before),
            env=self.environment(hub, **more),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def pull(
        self, hub: FakeHub | str, *words: str, **more: str
    ) -> subprocess.CompletedProcess[str]:
        return self.sld(hub, "tasks", "pull", "own", *words, **more)

    def record(self, name: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.cache / name / "pulled.json").read_text())
        return document

    def names(self, name: str) -> list[str]:
        return sorted(path.name for path in (self.cache / name).iterdir())


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def here(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[TaskPull]]]:
    """Return a function that pulls within this process, as a program would."""
    from huggingface_hub import close_session, constants

    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "SLD_DATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (("HF_HUB_OFFLINE", False), ("HF_TOKEN_PATH", str(world.folder / "none"))):
        monkeypatch.setattr(constants, name, value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(world.folder / "cache"))
    monkeypatch.setattr("harness.tasks.hub._PAUSE", 0.02)
    monkeypatch.setattr("harness.tasks.hub._LONGEST_PAUSE", 0.02)

    def pull_here(hub: FakeHub) -> list[TaskPull]:
        monkeypatch.setattr(constants, "ENDPOINT", hub.address)
        return pull(load_catalogue(world.folder / "tasks").tasks("own"))

    yield pull_here
    close_session()


def whole_hub(**changes: Any) -> FakeHub:
    files = {"README.md": b"# bench\n"}
    for name in ("alpha", "beta"):
        files[f"{name}/train-00000-of-00001.parquet"] = parquet(TRAIN)
        files[f"{name}/test-00000-of-00001.parquet"] = parquet(TEST)
    return FakeHub(files, **changes)


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a person reads who is told one thing."""
    (line,) = [line for line in done.stderr.splitlines() if line]
    assert line.startswith("error: ")
    return line


def test_a_pull_puts_the_files_in_place_with_where_they_are_from(world: World) -> None:
    with whole_hub() as hub:
        done = world.pull(hub)
        assert (done.returncode, done.stderr) == (0, "")
        asked = [one.path for one in hub.asked]
        again = world.pull(hub)
        assert len(hub.asked) == len(asked), "the second has nothing to ask"
    assert asked == [
        f"/api/datasets/{REPOSITORY}/revision/main",
        f"/datasets/{REPOSITORY}/resolve/{COMMIT}/alpha/train-00000-of-00001.parquet",
        f"/datasets/{REPOSITORY}/resolve/{COMMIT}/alpha/test-00000-of-00001.parquet",
        f"/datasets/{REPOSITORY}/resolve/{COMMIT}/beta/train-00000-of-00001.parquet",
        f"/datasets/{REPOSITORY}/resolve/{COMMIT}/beta/test-00000-of-00001.parquet",
    ]
    for name in ("alpha", "beta"):
        assert world.names(name) == ["pulled.json", "test.csv", "train.csv"]
        assert (world.cache / name / "train.csv").read_text() == TRAIN
        assert (world.cache / name / "test.csv").read_text() == TEST
    assert world.record("alpha") == {
        "schema_version": 1,
        "repository": REPOSITORY,
        "revision": "main",
        "commit": COMMIT,
        "files": {
            "test.csv": hashlib.sha256(TEST.encode()).hexdigest(),
            "train.csv": hashlib.sha256(TRAIN.encode()).hexdigest(),
        },
    }
    assert done.stdout.splitlines() == [
        "pulled    alpha: train.csv and test.csv",
        "pulled    beta: train.csv and test.csv",
        f"{REPOSITORY} at revision main is commit {COMMIT}",
        f"data: {world.cache}",
    ]
    assert again.returncode == 0
    assert "nothing to do" in again.stdout


def test_tasks_read_what_was_pulled_and_say_where_it_is_from(world: World) -> None:
    path = world.define("alpha")
    with whole_hub() as hub:
        missing = world.sld(hub, "tasks", "show", "alpha")
        assert "sld tasks pull own" in " ".join(missing.stdout.split())
        done = world.sld(hub, "tasks", "pull", str(path))
        assert done.returncode == 0
        assert not (world.cache / "beta").exists()
        shown = world.sld(hub, "tasks", "show", "alpha").stdout
    assert "5 train and 2 test rows in 2 groups" in shown
    assert f"{REPOSITORY} at commit {COMMIT}" in shown


def test_a_task_of_ones_own_is_pulled_by_its_file(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(world.folder / "empty"))
    monkeypatch.delenv("SLD_DATA", raising=False)
    path = world.define("alpha")
    with pytest.raises(DataNotFoundError, match=f"type: sld tasks pull {path} "):
        load_definition(path).files()
    shipped = load_catalogue().find("moe_scaling_law")
    with pytest.raises(DataNotFoundError, match="type: sld tasks pull sldbench "):
        shipped.files()


def test_only_what_is_asked_for_is_pulled_and_said_as_json(world: World) -> None:
    with whole_hub() as hub:
        done = world.pull(hub, "--task", "al*", "--json")
        assert len(hub.downloads) == 2
        assert "no task of suite own matches 'x*'" in one_line(world.pull(hub, "--task", "x*"))
    assert json.loads(done.stdout) == [
        {
            "task": "alpha",
            "status": "pulled",
            "repository": REPOSITORY,
            "revision": "main",
            "commit": COMMIT,
            "folder": str(world.cache / "alpha"),
            "pulled": ["train.csv", "test.csv"],
            "problems": [],
        }
    ]


def test_a_revision_is_resolved_once_and_kept(world: World) -> None:
    with whole_hub(revisions={"main": COMMIT, "v1": COMMIT, "old": OTHER}) as hub:
        world.pull(hub, "--task", "alpha")
        del hub.asked[:]
        assert world.pull(hub, "--task", "alpha", "--revision", "v1").returncode == 0
        assert hub.downloads == [], "the same commit under another name"
        assert (world.record("alpha")["revision"], len(hub.asked)) == ("v1", 1)
        assert world.pull(hub, "--task", "alpha", "--revision", "old").returncode == 0
        assert all(OTHER in one.path for one in hub.downloads)
        assert len(hub.downloads) == 2
        assert world.record("alpha")["commit"] == OTHER
        assert world.pull(hub, "--task", "alpha", "--revision", OTHER).returncode == 0
        assert len(hub.downloads) == 2
        # Without an option, the definition's revision is meant again.
        assert world.pull(hub, "--task", "alpha").returncode == 0
        assert world.record("alpha")["commit"] == COMMIT


def test_force_downloads_again(world: World) -> None:
    with whole_hub() as hub:
        world.pull(hub)
        assert world.pull(hub, "--force").stdout.count("pulled ") == 2
        assert len(hub.downloads) == 8


def test_what_somebody_put_there_stays_and_what_is_broken_is_replaced(world: World) -> None:
    folder = world.cache / "alpha"
    folder.mkdir(parents=True)
    (folder / "train.csv").write_text(TRAIN.replace("1.0,10.0", "1,10"))
    (folder / "test.csv").write_text("nonsense")
    with whole_hub() as hub:
        assert world.pull(hub, "--task", "alpha").returncode == 0
        assert [one.path.rpartition("/")[2][:4] for one in hub.downloads] == ["test"]
    assert (folder / "train.csv").read_text() != TRAIN
    assert (folder / "test.csv").read_text() == TEST
    assert list(world.record("alpha")["files"]) == ["test.csv"]


def test_parts_are_joined_in_order_wherever_they_lie(world: World) -> None:
    head, *lines = TRAIN.splitlines(keepends=True)
    with whole_hub() as hub:
        del hub.files["alpha/train-00000-of-00001.parquet"]
        hub.files["data/alpha/train-00001-of-00002.parquet"] = parquet(head + "".join(lines[2:]))
        hub.files["data/alpha/train-00000-of-00002.parquet"] = parquet(head + "".join(lines[:2]))
        assert world.pull(hub).returncode == 0
    assert (world.cache / "alpha" / "train.csv").read_text() == TRAIN


@pytest.mark.parametrize(
    "paths",
    [
        ["law/train-00000-of-00001.parquet"],
        ["data/law/train-00000-of-00002.parquet", "data/law/train-00001-of-00002.parquet"],
        ["law/train/0000.parquet", "law/train/0001.parquet"],
        ["law/train.parquet"],
        ["data/law-train.parquet"],
        ["train/law/0.parquet"],
        ["law_train.parquet"],
    ],
)
def test_a_split_is_found_by_the_parts_of_its_path(paths: list[str]) -> None:
    others = [path.replace("train", "test") for path in paths]
    others += [path.replace("law", "other_law") for path in paths]
    others += [path.replace("law", "law2") for path in paths]
    others += ["README.md", "law/train.csv", "law/trainer.parquet", "train.parquet"]
    files = [HubFile(path, 1, None, None) for path in sorted(others + paths)]
    found = split_files(Listing("who/bench", COMMIT, tuple(files)), "law", "train")
    assert [file.path for file in found] == paths


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        (["law/test.parquet"], "no parquet file of the train split of configuration 'law'"),
        (["law/train.parquet", "data/law/train.parquet"], "more than once"),
        (["law/train-00000-of-00001.parquet", "law/train-00000-of-00002.parquet"], "more than"),
        (["law/train-00001-of-00002.parquet"], "1 of 2 parts"),
    ],
)
def test_a_split_that_is_not_plainly_there_is_not_guessed(paths: list[str], words: str) -> None:
    files = tuple(HubFile(path, 1, None, None) for path in paths)
    with pytest.raises(UserError, match=words):
        split_files(Listing("who/bench", COMMIT, files), "law", "train")


def cut_once(asked: list[Asked]) -> Callable[[Asked], int | None]:
    """Break off the first answer for each file."""

    def cut(one: Asked) -> int | None:
        first = one.path not in {before.path for before in asked}
        asked.append(one)
        return 700 if first else None

    return cut


def test_a_connection_that_breaks_is_taken_up_where_it_broke(world: World) -> None:
    with whole_hub(cut=cut_once([])) as hub:
        done = world.pull(hub, "--task", "alpha")
        assert [one.range for one in hub.downloads] == [None, "bytes=700-"] * 2
    assert (done.returncode, done.stderr) == (0, "")
    assert (world.cache / "alpha" / "train.csv").read_text() == TRAIN


def test_a_later_pull_goes_on_where_the_last_one_stopped(world: World) -> None:
    def cut(one: Asked) -> int | None:
        return None if "alpha/train" in one.path else (700 if one.range is None else 0)

    with whole_hub(cut=cut) as hub:
        done = world.pull(hub)
        assert done.returncode == 1
        assert "FAILED    alpha: " in done.stdout
        assert "breaks the connection off" in done.stdout
        assert "not tried beta" in done.stdout
        assert (world.cache / "alpha" / "train.csv").read_text() == TRAIN
        assert not (world.cache / "alpha" / "test.csv").exists()
        hub.cut = lambda _: None
        del hub.asked[:]
        assert world.pull(hub).returncode == 0
        assert [(one.path.split("/")[-2], one.range) for one in hub.downloads] == [
            ("alpha", "bytes=700-"),
            ("beta", None),
            ("beta", None),
        ]
    assert world.names("alpha") == ["pulled.json", "test.csv", "train.csv"]


def test_a_server_that_knows_no_ranges_is_read_from_the_start(world: World) -> None:
    with whole_hub(cut=cut_once([]), ignores_ranges=True) as hub:
        assert world.pull(hub, "--task", "alpha").returncode == 0
    assert (world.cache / "alpha" / "train.csv").read_text() == TRAIN


def test_ctrl_c_leaves_nothing_half_written_and_the_next_pull_goes_on(world: World) -> None:
    with whole_hub(cut=lambda _: 700, hold=threading.Event()) as hub:
        pulling = subprocess.Popen(
            world.command(["tasks", "pull", "own"]),
            env=world.environment(hub),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert hub.reached.wait(20)
            (part,) = _wait_for(lambda: list(world.cache.rglob("*.part")))
            _wait_for(lambda: part.stat().st_size == 700)
            second = world.pull(hub)
            assert "another pull is at work" in one_line(second)
            assert second.returncode == 2
            pulling.send_signal(signal.SIGINT)
            out, err = pulling.communicate(timeout=20)
        finally:
            pulling.kill()
            pulling.wait()
        assert (pulling.returncode, out) == (130, "")
        assert err.endswith("interrupted\n")
        assert "Traceback" not in err
        assert world.names("alpha") == [".pull"]
        hub.cut, hub.hold = (lambda _: None), None
        del hub.asked[:]
        assert world.pull(hub).returncode == 0
        assert [one.range for one in hub.downloads] == ["bytes=700-", None, None, None]


def _wait_for(what: Callable[[], Any]) -> Any:
    end = time.monotonic() + 20
    while not (found := what()):
        assert time.monotonic() < end
        time.sleep(0.01)
    return found


def test_rows_that_are_not_the_stated_ones_are_not_put_in_place(world: World) -> None:
    changed = TRAIN.replace("2.25", "2.26")
    (world.cache / "alpha").mkdir(parents=True)
    (world.cache / "alpha" / "train.csv").write_text("what was here before")
    with whole_hub() as hub:
        hub.files["alpha/train-00000-of-00001.parquet"] = parquet(changed)
        done = world.pull(hub)
        again = world.pull(hub)
    for one in (done, again):
        assert one.returncode == 1
        (line,) = [line for line in one.stdout.splitlines() if line.startswith("FAILED")]
        assert line.startswith("FAILED    alpha: train: who/bench at commit 0123456789ab has other")
        assert content_sha256(changed) in line
        assert content_sha256(TRAIN) in line
    assert (world.cache / "alpha" / "train.csv").read_text() == "what was here before"
    assert (world.cache / "alpha" / "test.csv").read_text() == TEST
    assert (world.cache / "beta" / "train.csv").read_text() == TRAIN
    assert list(world.record("alpha")["files"]) == ["test.csv"]


def test_a_table_that_is_not_the_tasks_is_named_by_its_column(world: World) -> None:
    tables = {
        "missing": (parquet(TRAIN, tokens=None), "no column 'tokens'; expected the columns group,"),
        "extra": (parquet(TRAIN, note=["x"] * 5), "unknown column 'note'; expected"),
        "text": (parquet(TRAIN, loss=["low"] * 5), "column 'loss' is not all finite numbers"),
        "empty": (parquet(TRAIN, loss=[1.0, None, 1, 1, 1]), "column 'loss' is not all finite"),
        "nan": (parquet(TRAIN, size=[1.0, float("nan"), 1, 1, 1]), "column 'size' is not all"),
        "nobody": (parquet(TRAIN, group=["a", None, "a", "b", "b"]), "column 'group' is not all t"),
        "no_table": (b"PAR1 and so on", "not a parquet file"),
    }
    for path in (world.folder / "tasks" / "own").iterdir():
        path.unlink()
    for name in tables:
        world.define(name)
    files = {f"{name}/train.parquet": table for name, (table, _) in tables.items()}
    files |= {f"{name}/test.parquet": parquet(TEST) for name in tables}
    with FakeHub(files) as hub:
        done = world.pull(hub)
    assert done.returncode == 1
    for name, (_, words) in tables.items():
        (line,) = [line for line in done.stdout.splitlines() if f"FAILED    {name}:" in line]
        assert f"who/bench/{name}/train.parquet: {words}" in line
        assert world.names(name) == ["pulled.json", "test.csv"]


def test_whole_numbers_and_coded_groups_become_what_the_files_hold(world: World) -> None:
    groups = pa.array(["a", "a", "a", "b", "b"]).dictionary_encode()
    table = parquet(TRAIN, group=groups, tokens=[10, 10, 20, 10, 20])
    with whole_hub() as hub:
        hub.files["alpha/train-00000-of-00001.parquet"] = table
        assert world.pull(hub).returncode == 0
    assert (world.cache / "alpha" / "train.csv").read_text() == TRAIN


def test_bytes_that_are_not_the_listed_ones_are_refused(world: World) -> None:
    with whole_hub(damage=True) as hub:
        done = world.pull(hub, "--task", "alpha")
        assert len(hub.downloads) == 4, "each is tried once more from its start"
    assert done.returncode == 1
    assert "arrives damaged" in done.stdout
    assert world.names("alpha") == []


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        ({"status": 500}, "answers with status 500"),
        ({"status": 429, "headers": {"Retry-After": "3600"}}, "answers with status 429"),
        ({"status": 401}, "refuses the data set who/bench at revision main (status 401)"),
        ({"status": 403, "headers": {"X-Error-Code": "GatedRepo"}}, "no token was sent"),
        ({"status": 418}, "status 418"),
        ({"body": b"<html>Log in to the network</html>"}, "does not answer as the Hub does"),
        ({"body": b'{"sha": "x", "siblings": []}'}, "does not answer as the Hub does"),
    ],
    ids=lambda value: json.dumps(value, default=str) if isinstance(value, dict) else None,
)
def test_what_the_hub_refuses_is_one_line_with_what_to_do(
    world: World, here: Callable[[FakeHub], list[TaskPull]], faults: dict[str, Any], words: str
) -> None:
    with whole_hub(**faults) as hub:
        alpha, beta = here(hub)
        again = faults.get("status") in (429, 500)
        assert len(hub.asked) == (3 if again else 1)
    assert (alpha.status, beta.status) == ("failed", "not tried")
    (problem,) = alpha.problems
    assert words in problem
    assert "\n" not in problem
    assert "SLD_DATA" in problem or "HF_ENDPOINT" in problem


def test_a_data_set_or_revision_that_is_not_there_is_named(world: World) -> None:
    with whole_hub() as hub:
        unknown = world.pull(hub, "--revision", "v2/x")
        assert unknown.returncode == 2
        assert "no such revision: data set who/bench at revision v2/x" in one_line(unknown)
        world.define("alpha", repository="who/else")
        done = world.pull(hub)
    assert done.returncode == 1
    assert "has no data set who/else at revision main (status 404)" in done.stdout
    assert "pulled    beta" in done.stdout


def test_a_server_that_does_not_answer_is_given_up(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        started = time.monotonic()
        done = world.pull(address, HF_HUB_DOWNLOAD_TIMEOUT="1")
    assert done.returncode == 1
    assert "gives no answer within 1 s" in done.stdout
    assert time.monotonic() - started < 20


def test_a_server_that_only_trickles_is_given_up_and_what_came_is_kept(world: World) -> None:
    short = "hub._PATIENCE, hub._SLOWEST = 1.0, 1e9"
    with whole_hub(trickle=0.2) as hub:
        started = time.monotonic()
        done = world.pull(hub, before=short)
        assert time.monotonic() - started < 20
        assert done.returncode == 1
        assert "is too slow (the file alpha/train-00000-of-00001.parquet" in done.stdout
        hub.trickle = None
        assert world.pull(hub).returncode == 0
        assert hub.downloads[1].range is not None


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (None, "cannot be reached: Connection refused"),
        ("http://me:secret@hub.invalid", "http://hub.invalid cannot be reached"),
        ("ftp://hub.invalid", "check HF_ENDPOINT"),
    ],
)
def test_a_hub_out_of_reach_is_said_with_other_ways(
    world: World, address: str | None, words: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refusing = f"http://127.0.0.1:{taken.getsockname()[1]}"
    done = world.pull(address or refusing)
    assert done.returncode == 1
    assert words in done.stdout
    assert "secret" not in done.stdout + done.stderr
    assert "HF_ENDPOINT" in done.stdout


def test_offline_mode_and_broken_settings_are_said_before_anything_is_asked(world: World) -> None:
    with whole_hub() as hub:
        offline = world.pull(hub, HF_HUB_OFFLINE="1")
        assert "unset HF_HUB_OFFLINE" in one_line(offline)
        assert offline.returncode == 2
        assert "whole numbers" in one_line(world.pull(hub, HF_HUB_DOWNLOAD_TIMEOUT="soon"))
        assert "check HF_ENDPOINT" in one_line(world.pull("http://["))
        assert "check HTTP_PROXY" in one_line(world.pull(hub, ALL_PROXY="odd://me:secret@x"))
        assert hub.asked == []
        assert "unknown suite 'sldbenhc'" in one_line(world.sld(hub, "tasks", "pull", "sldbenhc"))


def test_without_the_extra_the_command_that_installs_it_is_named(world: World) -> None:
    def without(package: str) -> subprocess.CompletedProcess[str]:
        return world.pull(hub, before=f"sys.modules[{package!r}] = None")

    with whole_hub() as hub:
        for package in ("huggingface_hub", "pyarrow", "httpx2"):
            done = without(package)
            assert done.returncode == 2
            assert "pip install 'sld-harness[hub]'" in one_line(done)
            assert package in one_line(done)
        assert hub.asked == []
        world.pull(hub)
        assert without("huggingface_hub").returncode == 0, "nothing to do needs nothing"


def test_a_token_goes_to_the_hub_alone_and_is_never_shown(world: World) -> None:
    token = "hf_secretsecretsecret"
    with whole_hub() as storage, whole_hub(stored_at=storage.address) as hub:
        done = world.pull(hub, "--task", "alpha", HF_TOKEN=token, HF_DEBUG="1")
        assert done.returncode == 0
        assert {one.token for one in hub.asked} == {f"Bearer {token}"}
        assert len(storage.asked) == 2
        assert {one.token for one in storage.asked} == {None}
        hub.status = 401
        refused = world.pull(hub, "--force", HF_TOKEN=token)
        assert "a token was sent: unset HF_TOKEN" in refused.stdout
        odd = world.pull(hub, "--force", HF_TOKEN=f"{token}\x01é")
        assert odd.returncode == 1
    for one in (done, refused, odd):
        assert token not in one.stdout + one.stderr


def test_a_cache_that_cannot_be_written_is_said(world: World) -> None:
    world.cache.parent.parent.mkdir()
    world.cache.parent.write_text("a file")
    with whole_hub() as hub:
        done = world.pull(hub)
    assert done.returncode == 2
    assert "set XDG_CACHE_HOME to another folder" in one_line(done)


def test_data_that_is_read_elsewhere_is_said(world: World) -> None:
    given = world.folder / "given" / "own" / "alpha"
    given.mkdir(parents=True)
    (given / "train.csv").write_text(TRAIN)
    (given / "test.csv").write_text(TEST)
    with whole_hub() as hub:
        done = world.pull(hub, SLD_DATA=str(world.folder / "given"))
    (note,) = [line for line in done.stdout.splitlines() if line.startswith("note: ")]
    assert note.endswith("read instead: alpha")


def test_progress_is_for_terminals(world: World) -> None:
    with whole_hub() as hub:
        assert "pulling" in world.pull(hub, FORCE_COLOR="1").stderr


def test_data_that_is_shipped_is_not_pulled(world: World) -> None:
    world.tasks = None
    done = world.sld("http://hub.invalid", "tasks", "pull", "nano")
    assert (done.returncode, done.stderr) == (0, "")
    assert "nothing to pull" in done.stdout


def test_the_lock_of_a_pull_that_was_killed_holds_nobody_up(world: World) -> None:
    world.cache.parent.mkdir(parents=True)
    with (world.cache.parent / ".pull.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
    with whole_hub() as hub:
        assert world.pull(hub).returncode == 0


def test_the_hub_of_these_tests_is_one_for_the_library_too(world: World) -> None:
    code = (
        "from huggingface_hub import HfApi, hf_hub_download\n"
        f"print(HfApi().dataset_info({REPOSITORY!r}).sha)\n"
        f"print(*HfApi().list_repo_files({REPOSITORY!r}, repo_type='dataset'))\n"
        f"print(hf_hub_download({REPOSITORY!r}, 'README.md', repo_type='dataset'))\n"
    )
    with whole_hub() as hub:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=world.environment(hub, HF_HUB_DISABLE_XET="1"),
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    sha, names, place = done.stdout.splitlines()
    assert sha == COMMIT
    assert names.split() == list(hub.files)
    assert Path(place).read_bytes() == hub.files["README.md"]


@pytest.mark.data
def test_sldbench_is_pulled_as_it_is_in_the_data_folder(
    world: World, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.tasks = None
    tasks = load_catalogue().tasks("sldbench")
    files = {
        f"{task.name}/{split}-00000-of-00001.parquet": parquet(
            (data_folder / "sldbench" / task.name / f"{split}.csv").read_text()
        )
        for task in tasks
        for split in ("train", "test")
    }
    with FakeHub(files, repository="pkuHaowei/sldbench") as hub:
        done = world.sld(hub, "tasks", "pull")
        assert (done.returncode, done.stderr) == (0, "")
        assert len(hub.downloads) == 16
    given = {}
    monkeypatch.setenv("SLD_DATA", str(data_folder))
    for task in tasks:
        assert task.files()[0].is_relative_to(data_folder)
        given[task.name] = task.digest()
    monkeypatch.delenv("SLD_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(world.folder / "cache"))
    for task in load_catalogue().tasks("sldbench"):
        assert task.files()[0].parent == world.cache.parent / "sldbench" / task.name
        assert len(task.data().train) > 0
        assert task.digest() == given[task.name]
