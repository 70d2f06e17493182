"""Published pages become candidates and claims, or nothing is written at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from board_samples import TASKS, Task, claim, page
from typer.testing import CliRunner

from harness.candidates.naming import agent_slug, load_names, model_slug
from harness.cli import main
from harness.cli.import_pages import import_command
from harness.errors import UserError
from harness.leaderboard.importer import ImportedPage, import_pages
from harness.leaderboard.run_page import claimed_page
from harness.results.exchange import from_lines, to_lines
from harness.results.records import ClaimedPage, StoredClaim
from harness.results.source_page import page_text, read_page
from harness.results.store import Store
from harness.tasks import load_catalogue

PROGRAM = "def law(input_data, group):\r\n    return []\n"


class Titles:
    def by_title(self, title: str) -> Task:
        for task in TASKS:
            if task.title == title:
                return task
        raise UserError(f"no task has the title {title!r}")


class Claims:
    def __init__(self) -> None:
        self.added: list[tuple[str, ClaimedPage, str]] = []

    def add_claim(self, task: str, page: ClaimedPage, source: str) -> None:
        self.added.append((task, page, source))

    def claims(self) -> list[StoredClaim]:
        return [
            StoredClaim(task, agent_slug(page.agent), model_slug(page.model), page, source)
            for task, page, source in self.added
        ]


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "imported"


def written(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def save(folder: Path, name: str, claimed: ClaimedPage) -> Path:
    path = folder / name
    path.write_bytes(page_text(claimed).encode())
    return path


def do_import(pages: list[Path], into: Path, claims: Claims | None = None) -> list[ImportedPage]:
    return import_pages(pages, into, claims or Claims(), Titles())


def test_a_page_becomes_a_candidate_and_a_claim(tmp_path: Path, into: Path) -> None:
    claims = Claims()
    claimed = page(PROGRAM, agent="SLDAgent", model="GPT-5.2")
    source = save(tmp_path, "a.txt", claimed)
    (item,) = do_import([source], into, claims)
    assert item.program == into / "small_law" / "sldagent" / "gpt_5_2" / "run_1.py"
    assert item.program.read_bytes() == PROGRAM.encode()
    assert claims.added == [("small_law", claimed, str(source))]
    names = load_names(into)
    assert (names.agent("sldagent"), names.model("gpt_5_2")) == ("SLDAgent", "GPT-5.2")


def test_html_of_the_site_is_imported_like_its_text(tmp_path: Path, into: Path) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(claimed_page(claim(page(PROGRAM))).encode())
    (item,) = do_import([path], into)
    assert item.page == page(PROGRAM)
    assert item.program is not None
    assert item.program.read_bytes() == PROGRAM.encode()


def test_importing_twice_changes_nothing(tmp_path: Path, into: Path) -> None:
    source = save(tmp_path, "a.txt", page(PROGRAM))
    do_import([source], into)
    before = written(into)
    do_import([source, source], into)
    assert written(into) == before


def test_a_page_without_a_program_stores_only_its_claims(tmp_path: Path, into: Path) -> None:
    claims = Claims()
    (item,) = do_import([save(tmp_path, "a.txt", page(""))], into, claims)
    assert item.program is None
    assert len(claims.added) == 1
    assert list(written(into)) == ["names.yaml"]


def refused(pages: list[Path], into: Path) -> str:
    """Import pages that must be refused, and check that nothing at all was written."""
    claims = Claims()
    before = written(into)
    with pytest.raises(UserError) as caught:
        do_import(pages, into, claims)
    assert written(into) == before
    assert claims.added == []
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_one_bad_page_among_good_ones_leaves_everything_as_it_was(
    tmp_path: Path, into: Path
) -> None:
    good = save(tmp_path, "good.txt", page(PROGRAM))
    bad = tmp_path / "bad.txt"
    bad.write_text("hello")
    assert "bad.txt: not a source page" in refused([good, bad], into)


def test_an_unknown_title_names_the_page(tmp_path: Path, into: Path) -> None:
    source = save(tmp_path, "a.txt", page(title="Unheard Scaling Law"))
    assert "a.txt: no task has the title 'Unheard Scaling Law'" in refused([source], into)


def test_names_that_share_a_slug_are_both_named(tmp_path: Path, into: Path) -> None:
    one = save(tmp_path, "a.txt", page(model="GPT-5.2"))
    two = save(tmp_path, "b.txt", page(model="GPT-5-2", title="Other Scaling Law"))
    message = refused([one, two], into)
    assert "b.txt" in message
    assert "'GPT-5.2' and 'GPT-5-2'" in message


def test_two_different_pages_of_one_entry_are_both_named(tmp_path: Path, into: Path) -> None:
    one = save(tmp_path, "a.txt", page("x = 1"))
    two = save(tmp_path, "b.txt", page("x = 2"))
    message = refused([one, two], into)
    assert "a.txt" in message
    assert "b.txt" in message


def test_another_program_is_never_overwritten(tmp_path: Path, into: Path) -> None:
    (item,) = do_import([save(tmp_path, "a.txt", page("x = 1"))], into)
    again = save(tmp_path, "b.txt", page("x = 2"))
    assert "another program is already at" in refused([again], into)
    assert item.program is not None
    assert item.program.read_bytes() == b"x = 1"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"agent": "a" * 201}, "agent: expected a name of 200 characters at most, the most that"),
        ({"model": "İ" * 101}, "model: expected a name of 200 characters at most, the most that"),
        ({"agent": "a\u2028b"}, "agent: expected a name on one line, without control characters"),
    ],
)
def test_a_name_that_no_export_could_hold_is_refused(
    names: dict[str, str], said: str, tmp_path: Path, into: Path
) -> None:
    """Regression: such a page was taken, and then nothing of the store could be exported."""
    message = refused([save(tmp_path, "a.txt", page("", **names))], into)
    assert f"a.txt: {said}" in message


def test_the_longest_name_that_is_taken_can_be_exported(tmp_path: Path, into: Path) -> None:
    source = save(tmp_path, "a.txt", page("", agent="a" * 200))
    with Store(tmp_path / "store.sqlite") as store:
        import_pages([source], into, store, Titles())
        lines = list(to_lines(store.content()))
    assert len(from_lines(lines, "file").claims) == 1


def test_a_claim_that_another_one_replaces_is_told(tmp_path: Path, into: Path) -> None:
    claims = Claims()
    for name, best in (("a.txt", "0.500000"), ("b.txt", "0.500000"), ("c.txt", "0.900000")):
        (item,) = do_import([save(tmp_path, name, page("", (best,)))], into, claims)
        assert item.change == (("0.500000", "0.900000") if name == "c.txt" else None)
    renamed = save(tmp_path, "d.txt", page("", ("0.900000",), agent="Codex"))
    (item,) = do_import([renamed], tmp_path / "other", claims)
    assert item.change is not None
    assert item.change[0].startswith("codex, o4-mini: 0.900000")
    assert item.change[1].startswith("Codex, o4-mini: 0.900000")


def test_the_command_says_which_claim_changes(
    tmp_path: Path, into: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Regression: 0.5 became 0.9 without a word, which a merge calls a contradiction."""
    title = load_catalogue().find("nano_moe").title
    for best, said in (("0.500000", False), ("0.500000", False), ("0.900000", True)):
        source = save(tmp_path, "a.txt", page("", (best,), title=title))
        arguments = ["import", source, "--into", into, "--store", tmp_path / "store.sqlite"]
        monkeypatch.setattr("sys.argv", ["sld", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        assert not stop.value.code
        told = "the claim that was stored is replaced: before 0.500000; now 0.900000"
        assert (told in capsys.readouterr().out) == said


def test_a_folder_in_the_program_s_place_is_refused(tmp_path: Path, into: Path) -> None:
    (into / "small_law" / "codex" / "o4_mini" / "run_1.py").mkdir(parents=True)
    assert "already at" in refused([save(tmp_path, "a.txt", page())], into)


def test_a_file_in_the_candidates_folder_s_place_is_refused(tmp_path: Path, into: Path) -> None:
    into.write_text("a file")
    assert "expected a candidates folder, got a file" in refused(
        [save(tmp_path, "a.txt", page())], into
    )


@pytest.mark.data
def test_the_command_imports_the_published_pages(tmp_path: Path, data_folder: Path) -> None:
    import typer

    app = typer.Typer()
    app.command()(import_command)
    seeds = sorted((data_folder / "seeds").glob("0*.txt"))
    into, store = tmp_path / "imported", tmp_path / "store.sqlite"
    arguments = [*map(str, seeds), "--into", str(into), "--store", str(store)]
    outcome = CliRunner().invoke(app, arguments)
    assert outcome.exit_code == 0, outcome.output
    lines = outcome.output.splitlines()
    assert lines[0].startswith("domain_mixture_scaling_law  SLDAgent  Gemini 3 Pro Preview  5 runs")
    assert lines[-1] == f"next: sld run {into}"
    with Store(store, read_only=True) as opened:
        claims = opened.claims()
    assert {claim.source for claim in claims} == {str(path) for path in seeds}
    by_source = {claim.source: claim for claim in claims}
    for path in seeds:
        assert by_source[str(path)].page == read_page(path)
    assert len(list(into.rglob("run_*.py"))) == 5
