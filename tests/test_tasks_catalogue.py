"""Finding tasks: by name, title, suite, glob or YAML file; and the folders they lie in."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

import harness.tasks
from harness.errors import UserError
from harness.tasks import load_catalogue, load_definition

WriteTask = Callable[..., Path]


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(UserError) as caught:
        act()
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_tasks_are_sorted_by_suite_then_name(write_task: WriteTask) -> None:
    for suite, name in (("zoo", "b"), ("zoo", "a"), ("ark", "c")):
        path = write_task(suite=suite, name=name, title=f"{name} Law")
    catalogue = load_catalogue(path.parent.parent)
    assert catalogue.suites() == ("ark", "zoo")
    assert [task.name for task in catalogue.tasks()] == ["c", "a", "b"]
    assert [task.name for task in catalogue.tasks("zoo")] == ["a", "b"]
    assert [task.name for task in catalogue.tasks(pattern="[ab]")] == ["a", "b"]
    assert catalogue.tasks("ark", "a*") == ()


def test_two_tasks_with_one_title_are_refused_with_both_files(write_task: WriteTask) -> None:
    first = write_task(name="one")
    second = write_task(name="two")
    message = refusal(lambda: load_catalogue(first.parent.parent))
    assert "two tasks have the title 'Small Scaling Law'" in message
    assert str(first) in message
    assert str(second) in message


def test_two_tasks_with_one_name_are_refused_with_both_files(write_task: WriteTask) -> None:
    first = write_task(suite="ark", title="A")
    second = write_task(suite="zoo", title="B")
    message = refusal(lambda: load_catalogue(first.parent.parent))
    assert "two tasks have the name 'small_task'" in message
    assert str(first) in message
    assert str(second) in message


def test_a_file_is_called_as_its_task_and_lies_in_its_suite(write_task: WriteTask) -> None:
    path = write_task()
    moved = path.rename(path.with_name("other.yaml"))
    assert f"{moved}: name: is 'small_task'" in refusal(lambda: load_catalogue(path.parent.parent))
    elsewhere = path.parent.parent / "elsewhere"
    elsewhere.mkdir()
    moved = moved.rename(elsewhere / "small_task.yaml")
    assert f"{moved}: suite: is 'own'" in refusal(lambda: load_catalogue(elsewhere.parent))


@pytest.mark.parametrize("train", ["../train.csv", "/train.csv", "a/../../train.csv"])
def test_the_data_of_a_suite_stays_in_its_folder(write_task: WriteTask, train: str) -> None:
    data = {
        "kind": "shipped",
        "train": {"path": train},
        "test": {"path": "small_task/test.csv"},
    }
    path = write_task(data=data)
    message = refusal(lambda: load_catalogue(path.parent.parent))
    assert message == f"{path}: data: paths are relative and stay inside the suite's folder"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert "none: no such folder" in refusal(lambda: load_catalogue(tmp_path / "none"))


def test_a_task_is_found_by_name_title_and_file(
    write_task: WriteTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_task()
    catalogue = load_catalogue(path.parent.parent)
    task = catalogue.find("small_task")
    assert catalogue.by_title("Small Scaling Law") is task
    assert catalogue.find(str(path)) == task
    monkeypatch.chdir(path.parent)
    assert catalogue.find("small_task.yaml") == task
    assert catalogue.find("small_task.yaml").path.is_absolute()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("smal_task", "did you mean 'small_task'?"),
        ("nothing alike", "list them with: sld tasks list"),
        ("", "unknown task ''"),
        ("x" * 5000, "sld tasks list"),
        ("a\0b", "sld tasks list"),
        ("none.yaml", "none.yaml: no such file"),
        ("no/where", "no/where: no such file"),
    ],
)
def test_an_unknown_task_gets_a_way_out(write_task: WriteTask, name: str, words: str) -> None:
    catalogue = load_catalogue(write_task().parent.parent)
    assert words in refusal(lambda: catalogue.find(name))


def test_an_own_file_may_not_take_the_name_of_another_task(
    write_task: WriteTask, tmp_path: Path
) -> None:
    ours = write_task()
    catalogue = load_catalogue(ours.parent.parent)
    text = ours.read_text("utf-8")
    theirs = tmp_path / "theirs.yaml"
    theirs.write_text(text, encoding="utf-8")  # the same words, but its data is not stated
    said = refusal(lambda: catalogue.find(str(theirs)))
    assert all(part in said for part in (str(theirs), "'small_task'", str(ours), "rename yours"))
    theirs.write_text(text.replace("name: small_task", "name: other"), encoding="utf-8")
    assert catalogue.find(str(theirs)).name == "other"


def test_a_copy_of_a_pinned_task_is_that_task(tmp_path: Path) -> None:
    catalogue = load_catalogue()
    ours = catalogue.find("nano_moe")
    copy = tmp_path / "copy.yaml"
    copy.write_bytes(ours.path.read_bytes())
    assert catalogue.find(str(copy)) is ours
    text = ours.path.read_bytes()
    copy.write_bytes(text.replace(b"fit_seconds: ", b"fit_seconds: 1"))
    assert "rename yours" in refusal(lambda: catalogue.find(str(copy)))


def test_an_unknown_suite_or_title_gets_a_way_out(write_task: WriteTask) -> None:
    catalogue = load_catalogue(write_task().parent.parent)
    assert "did you mean 'own'?); the suites are: own" in refusal(lambda: catalogue.tasks("ownn"))
    assert "did you mean 'Small Scaling Law'?" in refusal(
        lambda: catalogue.by_title("Smal Scaling Law")
    )


def test_the_shipped_catalogue_is_read_in_well_under_150_ms() -> None:
    def seconds() -> float:
        start = time.perf_counter()
        load_catalogue()
        return time.perf_counter() - start

    assert min(seconds() for _ in range(5)) < 0.15


def test_a_task_is_equal_to_itself_read_again(write_task: WriteTask) -> None:
    path = write_task()
    one, two = load_definition(path), load_definition(path)
    one.data()
    assert one == two
    assert hash(one) == hash(two)


def test_the_package_has_no_other_lazy_names() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = harness.tasks.Nothing


def test_a_suite_says_how_many_runs_it_expects(write_task: WriteTask) -> None:
    folder = write_task(suite="ark").parent.parent
    suites = folder / "suites.yaml"
    assert load_catalogue(folder).suite("ark").expected_runs is None
    suites.write_text("suites:\n  ark:\n    expected_runs: 5\n", encoding="utf-8")
    assert load_catalogue(folder).suite("ark").expected_runs == 5
    assert load_catalogue(folder).suite("zoo").expected_runs is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("suites:\n  ark:\n    expected_runs: 0\n", "suites.ark.expected_runs"),
        ("suites:\n  ark:\n    expected_runs: many\n", "suites.ark.expected_runs"),
        ("suites:\n  ark:\n    runs: 5\n", "suites.ark.runs"),
        ("suites: [ark]\n", "suites"),
        ("{{", "suites.yaml"),
        ("- a\n", "suites.yaml"),
    ],
)
def test_a_wrong_suites_file_is_refused_with_the_place(
    text: str, said: str, write_task: WriteTask
) -> None:
    folder = write_task(suite="ark").parent.parent
    (folder / "suites.yaml").write_text(text, encoding="utf-8")
    message = refusal(lambda: load_catalogue(folder))
    assert str(folder / "suites.yaml") in message
    assert said in message


def test_a_suites_file_names_suites_that_exist(write_task: WriteTask) -> None:
    """A misspelt suite would quietly expect nothing."""
    folder = write_task(suite="ark").parent.parent
    (folder / "suites.yaml").write_text("suites:\n  arc: {}\n", encoding="utf-8")
    assert "'arc'" in refusal(lambda: load_catalogue(folder))
