"""Programs as files: reading them, finding them, and what folders and pages are called."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.candidates import DisplayNames, find_runs, load_candidate, load_names
from harness.candidates.naming import (
    LONGEST_SLUG,
    MOST_RUN,
    agent_slug,
    model_slug,
    page_name,
    save_names,
)
from harness.candidates.program import MAX_BYTES, Candidate
from harness.errors import UserError

display_names = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=8)


def put(folder: Path, *places: str) -> None:
    for place in places:
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("def law(rows, group): return rows\n", encoding="utf-8")


class TestReading:
    """One program's bytes."""

    def test_a_program_is_its_bytes_and_their_hash(self, tmp_path: Path) -> None:
        """Line ends and encodings are the author's: the same bytes are scored and stored."""
        raw = b"\xef\xbb\xbfdef law(rows, group):\r\n\treturn rows\r\n\x00\xff"
        (tmp_path / "run_1.py").write_bytes(raw)
        candidate = load_candidate(tmp_path / "run_1.py")
        assert candidate.source == raw
        assert candidate.sha256 == Candidate(raw, "other").sha256
        assert candidate.sha256 != Candidate(raw + b"\n", "other").sha256

    def test_a_table_is_no_program(self, tmp_path: Path) -> None:
        (tmp_path / "runs.CSV").write_text("params,loss\n1,2\n")
        with pytest.raises(UserError, match=r"expected a program .* got a \.CSV file"):
            load_candidate(tmp_path / "runs.CSV")

    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda path: None, "no such file; expected a program"),
            (Path.mkdir, "got a folder"),
            (lambda path: path.write_bytes(bytes(MAX_BYTES + 1)), "bytes; a program may have"),
            (lambda path: path.symlink_to(path), "cannot be read"),
        ],
    )
    def test_what_is_no_program_is_said_in_one_line(
        self, tmp_path: Path, make: object, words: str
    ) -> None:
        path = tmp_path / "run_1.py"
        make(path)  # type: ignore[operator]
        with pytest.raises(UserError, match=words) as caught:
            load_candidate(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            ("def fit_scaling_law(x, y): 0\ndef scaling_law_func(x, p): 0\n", "evolve-block"),
            ("def fit_scaling_law(x, y): 0\n", "evolve-block"),
            ("def scaling_law_func(x, p): 0\n", "evolve-block"),
            ("def law(x, g): 0\n", "law"),
            ("def law(x, g): 0\ndef scaling_law_func(x, p): 0\n", "law"),
            ("def law (x, g): 0\r\n", "law"),
            ("law = lambda x, g: 0\n", "law"),
            ("law: object = max\n", "law"),
            ("try:\n    import x\nexcept ImportError:\n    def law(x, g): 0\n", "law"),
            ("async def law(x, g): 0\n", "law"),
            ("from math import exp as law\n", "law"),
            ("fit_scaling_law = scaling_law_func = max\n", "evolve-block"),
            ("", None),
            ("# the law\n", None),
            ("lawful = 1\nmy_law = 2\n", None),
            ("x = law\n", None),
            ("if law == 3: pass\n", None),
            ("law == 3\n", None),
            ("\x00\ud7ff", None),
        ],
    )  # fmt: skip
    def test_the_format_is_told_by_the_functions_that_the_text_defines(
        self, source: str, expected: str | None
    ) -> None:
        assert Candidate(source.encode("utf-8"), "x").format == expected

    @given(st.binary(max_size=300))
    def test_any_bytes_have_a_format_or_none(self, source: bytes) -> None:
        assert Candidate(source, "x").format in {"evolve-block", "law", None}


class TestFinding:
    """``<task>/<agent>/<model>/run_<n>.py``."""

    PLACES = (
        "one_law/codex/o4_mini/run_1.py",
        "one_law/codex/o4_mini/run_2.py",
        "one_law/codex/o4_mini/run_10.py",
        "one_law/sld-agent/gpt_5/run_1.py",
        "two_law/human/human/run_1.py",
    )

    def places(self, path: Path) -> list[str]:
        runs = find_runs(path).runs
        return [f"{r.task}/{r.agent}/{r.model}/run_{r.run}.py" for r in runs]

    def test_runs_are_found_sorted_by_number_and_not_by_text(self, tmp_path: Path) -> None:
        put(tmp_path, *reversed(self.PLACES))
        assert self.places(tmp_path) == list(self.PLACES)

    @pytest.mark.parametrize(
        ("part", "expected"),
        [
            ("one_law", PLACES[:4]),
            ("one_law/codex", PLACES[:3]),
            ("one_law/codex/o4_mini", PLACES[:3]),
            ("one_law/codex/o4_mini/run_10.py", PLACES[2:3]),
        ],
    )
    def test_a_part_of_the_folder_is_enough(
        self, tmp_path: Path, part: str, expected: tuple[str, ...]
    ) -> None:
        put(tmp_path, *self.PLACES)
        assert self.places(tmp_path / part) == list(expected)

    def test_a_relative_path_is_enough(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put(tmp_path, *self.PLACES)
        monkeypatch.chdir(tmp_path / "one_law" / "codex")
        assert self.places(Path("o4_mini/run_2.py")) == [self.PLACES[1]]
        assert self.places(Path()) == list(self.PLACES[:3])
        assert all(run.path.is_absolute() for run in find_runs(Path()).runs)

    def test_what_is_not_in_the_layout_is_a_stray_and_nothing_hidden_is_looked_at(
        self, tmp_path: Path
    ) -> None:
        strays = ["helper.py", "one_law/codex/o4_mini/run_01.py", "one_law/codex/o4_mini/run_x.py"]
        strays.append("one_law/codex/o4_mini/run_1.PY")
        hidden = [".git/a/b/run_1.py", "one_law/.venv/o4_mini/run_1.py"]
        put(tmp_path, *self.PLACES, *strays, *hidden)
        found = find_runs(tmp_path)
        assert [str(path.relative_to(tmp_path)) for path in found.strays] == sorted(strays)
        assert len(found.runs) == len(self.PLACES)

    @pytest.mark.parametrize(
        ("places", "words"),
        [
            ([], "got no Python file"),
            (["program.py"], "got .*program.py"),
            (["one_law/Codex/o4_mini/run_1.py"], "'Codex', expected 'codex'"),
            (["one_law/codex/o4-mini/run_1.py"], "'o4-mini', expected 'o4_mini'"),
            (["one_law/co dex/o4_mini/run_1.py"], "'co dex', expected 'co_dex'"),
        ],
    )
    def test_a_wrong_layout_is_named(self, tmp_path: Path, places: list[str], words: str) -> None:
        put(tmp_path, *places)
        with pytest.raises(UserError, match=words):
            find_runs(tmp_path)

    def test_what_is_wrong_is_named_once_and_the_rest_is_found(self, tmp_path: Path) -> None:
        put(tmp_path, *self.PLACES, "one_law/UPPER Case/o4_mini/run_1.py")
        put(tmp_path / "more", "one_law/a/m/run_1.py", "one_law/a/m/run_2.py")
        (tmp_path / "more" / "names.yaml").write_text("agent: {}\n")
        found = find_runs(tmp_path)
        assert len(found.runs) == len(self.PLACES)
        names, upper = sorted(found.refused, key=len)
        assert "names.yaml: agent: unknown key" in names
        assert "'UPPER Case', expected 'upper_case'" in upper

    def test_a_link_is_no_program(self, tmp_path: Path) -> None:
        """Whoever files programs could else have any file of ours published."""
        put(tmp_path, *self.PLACES)
        secret = tmp_path / "secret"
        secret.write_text("root:x:0:0\n")
        link = tmp_path / "one_law/codex/o4_mini/run_3.py"
        link.symlink_to(secret)
        found = find_runs(tmp_path)
        assert len(found.runs) == len(self.PLACES)
        (line,) = found.refused
        assert f"{link}: is a link" in line
        with pytest.raises(UserError, match="is a link"):
            find_runs(link)

    @pytest.mark.parametrize(
        ("place", "words"),
        [
            (f"one_law/{'a' * (LONGEST_SLUG + 1)}/m/run_1.py", "the agent's folder has 201 char"),
            (f"one_law/a/{'m' * (LONGEST_SLUG + 1)}/run_1.py", "the model's folder has 201 char"),
            (f"one_law/a/m/run_{MOST_RUN + 1}.py", "of 18 digits at most, got one of 19"),
            (f"one_law/a/m/run_1{'0' * 200}.py", "of 18 digits at most, got one of 201"),
            (f"{'/'.join(['d' * 245] * 16)}/one_law/a/m/run_1.py", "expected 4,000 at most"),
        ],
    )
    def test_what_no_export_could_hold_is_refused_and_named(
        self, tmp_path: Path, place: str, words: str
    ) -> None:
        most = f"one_law/{'a' * LONGEST_SLUG}/{'m' * LONGEST_SLUG}/run_{MOST_RUN}.py"
        put(tmp_path, most, place)
        found = find_runs(tmp_path)
        assert [(run.run, len(run.agent)) for run in found.runs] == [(MOST_RUN, LONGEST_SLUG)]
        (line,) = found.refused
        assert words in line
        assert str(tmp_path / place) in line
        assert not found.strays

    def test_a_missing_folder_is_named_with_the_layout(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match=r"nowhere: no such file .*<task>/<agent>/<model>"):
            find_runs(tmp_path / "nowhere")

    def test_display_names_come_from_the_candidates_folder(self, tmp_path: Path) -> None:
        put(tmp_path, *self.PLACES)
        save_names(tmp_path, DisplayNames(agents={"codex": "Codex"}, models={"gpt_5": "GPT-5"}))
        names = {(run.agent_name, run.model_name) for run in find_runs(tmp_path / "one_law").runs}
        assert names == {("Codex", "o4_mini"), ("sld-agent", "GPT-5")}


class TestNaming:
    """Slugs, pages, display names."""

    @pytest.mark.parametrize(
        ("name", "agent", "model"),
        [
            ("SLDAgent", "sldagent", "sldagent"),
            ("gemini-cli", "gemini-cli", "gemini_cli"),
            ("GPT-5.2", "gpt-5_2", "gpt_5_2"),
            ("Gemini 3 Pro Preview", "gemini_3_pro_preview", "gemini_3_pro_preview"),
            ("o4-mini", "o4-mini", "o4_mini"),
            ("Modèle", "mod_le", "mod_le"),
        ],
    )
    def test_slugs_are_those_of_the_public_pages(self, name: str, agent: str, model: str) -> None:
        assert (agent_slug(name), model_slug(name)) == (agent, model)

    @given(st.text(max_size=30))
    def test_a_slug_is_its_own_slug_and_a_safe_file_name(self, name: str) -> None:
        for rule in (agent_slug, model_slug):
            slug = rule(name)
            assert rule(slug) == slug
            assert "/" not in slug
            assert "." not in slug

    def test_pages_are_called_as_on_the_public_site(self) -> None:
        assert page_name("sft_scaling_law", "gemini-cli", "gemini_3_pro_preview") == (
            "sld_sft_scaling_law_gemini-cli_gemini_3_pro_preview.html"
        )

    @given(
        st.lists(display_names, max_size=4),
        st.lists(display_names, max_size=4),
    )
    def test_saved_names_come_back(
        self,
        tmp_path_factory: pytest.TempPathFactory,
        agents: list[str],
        models: list[str],
    ) -> None:
        names = DisplayNames(
            agents={agent_slug(name): name for name in agents},
            models={model_slug(name): name for name in models},
        )
        folder = tmp_path_factory.mktemp("names")
        save_names(folder, names)
        assert load_names(folder) == names

    def test_without_a_file_slugs_are_shown(self, tmp_path: Path) -> None:
        names = load_names(tmp_path)
        assert (names.agent("codex"), names.model("o4_mini")) == ("codex", "o4_mini")

    def test_two_names_with_one_slug_are_named(self) -> None:
        """Their runs would share folders and pages."""
        names = DisplayNames().with_names("codex", "GPT-5.2")
        assert names.with_names("codex", "GPT-5.2") == names
        with pytest.raises(UserError, match=r"'gpt_5_2': 'GPT-5.2' and 'GPT-5-2'"):
            names.with_names("codex", "GPT-5-2")

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("agents: {codex: Code X}\n", "agents.codex: the folder name of 'Code X' is 'code_x'"),
            ("agent: {codex: Codex}\n", "agent: unknown key"),
            ("agents: [codex]\n", "agents"),
            ("- codex\n", "names.yaml"),
            ("agents: {codex: 3}\n", "agents.codex"),
            ("agents: {codex\n", "not YAML"),
            ("\tx: 1\n", "not YAML"),
            ("agents: {codex: Codex}\nagents: {}\n", "line 2: .*the key 'agents' appears twice"),
            ("agents:\n  codex: Codex\n  codex: CODEX\n", "line 3: .*'codex' appears twice"),
        ],
    )
    def test_a_wrong_names_file_is_named_with_the_key(
        self, tmp_path: Path, text: str, words: str
    ) -> None:
        (tmp_path / "names.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(UserError, match=words) as caught:
            load_names(tmp_path)
        assert "\n" not in str(caught.value)

    def test_a_names_file_that_is_not_utf8_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "names.yaml").write_bytes(b"agents: {codex: \xff}\n")
        with pytest.raises(UserError, match="not YAML"):
            load_names(tmp_path)

    def test_a_link_to_a_names_file_is_not_followed(self, tmp_path: Path) -> None:
        """What it leads to would be quoted among what is wrong with it."""
        secret = tmp_path / "secret"
        secret.write_text("hunter2\n")
        (tmp_path / "names.yaml").symlink_to(secret)
        with pytest.raises(UserError, match=r"names\.yaml: is a link") as caught:
            load_names(tmp_path)
        assert "hunter2" not in str(caught.value)

    def test_a_full_disk_costs_no_name(self, tmp_path: Path) -> None:
        names = DisplayNames(agents={"codex": "Codex"})
        save_names(tmp_path, names)
        os.chmod(tmp_path / "names.yaml", 0o664)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
        try:
            with pytest.raises(OSError, match="File too large"):
                save_names(tmp_path, names.with_names("Codex", "GPT-5"))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert load_names(tmp_path) == names
        assert [path.name for path in tmp_path.iterdir()] == ["names.yaml"]
        save_names(tmp_path, names.with_names("Codex", "GPT-5"))
        assert load_names(tmp_path).model("gpt_5") == "GPT-5"
        assert (tmp_path / "names.yaml").stat().st_mode & 0o777 == 0o664

    def test_a_name_that_makes_too_long_a_folder_name_is_refused(self) -> None:
        DisplayNames().with_names("a" * LONGEST_SLUG, "m" * LONGEST_SLUG)
        with pytest.raises(UserError, match=r"models, 'mmm.* 201 characters; expected 200"):
            DisplayNames().with_names("a", "m" * (LONGEST_SLUG + 1))

    def test_a_changed_names_file_is_read_again(self, tmp_path: Path) -> None:
        save_names(tmp_path, DisplayNames(agents={"codex": "Codex"}))
        assert load_names(tmp_path).agent("codex") == "Codex"
        save_names(tmp_path, DisplayNames(agents={"codex": "CODEX"}))
        os.utime(tmp_path / "names.yaml", ns=(1, 1))
        assert load_names(tmp_path).agent("codex") == "CODEX"
