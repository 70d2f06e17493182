"""``sld results``: the content of stores as files, and several stores made one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import JsonOption, StoreOption
from harness.cli.output import console, print_json
from harness.results.records import Prefer

if TYPE_CHECKING:
    from harness.results.lines import Content
    from harness.results.merge import Merge
    from harness.results.store import Store

app = typer.Typer(
    name="results",
    help="Keep, send and merge results: stores as sorted lines of JSON.",
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

PreferOption = Annotated[
    Prefer,
    typer.Option("--prefer", help="Whose word counts where two contradict each other."),
]


@app.command("export")
def export_results(
    file: Annotated[Path, typer.Argument(help="Where to; - for stdout.", allow_dash=True)],
    store: StoreOption = None,
) -> None:
    """Write the results that a store holds as lines of JSON.

    Programs, evaluations with their arrays, runs and claims, sorted: the same content gives the
    same bytes. The journals of searches stay in the store. A file that is there already is
    overwritten only if it is an earlier export.
    """
    from harness.paths import default_store
    from harness.results.exchange import to_lines
    from harness.results.export_file import require_replaceable, write_export

    path = store or default_store()
    if str(file) != "-":
        require_replaceable(file, path)
    content = _content(path)
    data = "".join(to_lines(content)).encode("utf-8")
    if str(file) == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    write_export(file, data)
    console(error=True).print(f"{file}: {_counted(content)}", markup=False, soft_wrap=True)


@app.command("import")
def import_results(
    files: Annotated[list[Path], typer.Argument(help="Files that `sld results export` wrote.")],
    store: StoreOption = None,
    prefer: PreferOption = Prefer.OURS,
    json: JsonOption = False,
) -> None:
    """Take the results of files into a store; each file as a whole or not at all.

    What contradicts the store is named and left as it is here, unless `--prefer theirs` is given.
    Exits with 1 where something contradicts.
    """
    from harness.paths import default_store
    from harness.results.export_file import read_export

    def note(line: str) -> None:
        console(error=True).print(f"note: {line}", markup=False, soft_wrap=True)

    contents = ((str(file), read_export(file, note)) for file in files)
    _take(contents, store or default_store(), prefer, json=json)


@app.command("merge")
def merge_stores(
    stores: Annotated[list[Path], typer.Argument(help="Stores, for instance of other machines.")],
    into: Annotated[Path, typer.Option("--into", help="The store that takes them in; may be new.")],
    prefer: PreferOption = Prefer.OURS,
    json: JsonOption = False,
) -> None:
    """Take the results of stores into one; as `import` does, without files between."""
    from harness.errors import UserError

    for path in stores:
        if path.absolute() == into.absolute():
            raise UserError(f"{path}: is the store that takes the others in; name the others only")

    _take(((str(path), _checked(path)) for path in stores), into, prefer, json=json)


def _take(
    contents: Iterator[tuple[str, Content]], into: Path, prefer: Prefer, *, json: bool
) -> None:
    """Take contents into a store one after the other, and say what each brought.

    What was taken is said also where a later one is refused.
    """
    from harness.results.merge import elsewhere, plan_merge
    from harness.results.store import Store

    reports = []
    try:
        for name, theirs in contents:
            with Store(into) as opened:
                there = elsewhere(theirs, lambda path: Path(path).is_file())
                merge = plan_merge(_content_of(opened), there, prefer)
                opened.take(merge)
            reports.append((name, merge))
            if not json:
                _say(name, merge, prefer)
    finally:
        if json and reports:
            print_json([_as_json(name, merge) for name, merge in reports])
    if any(merge.conflicts for _, merge in reports):
        raise typer.Exit(1)


def _content(path: Path) -> Content:
    from harness.results.store import Store

    with Store(path, read_only=True) as opened:
        return _content_of(opened)


def _checked(path: Path) -> Content:
    from harness.results.exchange import check_content

    content = _content(path)
    check_content(content, str(path))
    return content


def _content_of(opened: Store) -> Content:
    """Return what a store holds; a row that no line can hold is named with the store."""
    from harness.errors import UserError
    from harness.results.lines import NotExportable

    try:
        return opened.content()
    except NotExportable as error:
        raise UserError(f"{opened.path}: {error}") from error


def _say(name: str, merge: Merge, prefer: Prefer) -> None:
    terminal = console()
    n_evaluations, n_runs, n_claims = merge.n_new
    terminal.print(
        f"{name}: new: {n_evaluations} evaluations, {n_runs} runs, {n_claims} claims; "
        f"{merge.same} already here; {len(merge.conflicts)} contradict",
        markup=False,
        soft_wrap=True,
    )
    for each in merge.conflicts:
        terminal.print(
            f"  {each.kind} {each.name}: here {each.ours}; there {each.theirs}",
            markup=False,
            soft_wrap=True,
        )
    if merge.conflicts:
        kept = "ours stay (--prefer theirs takes the others)"
        taken = "theirs were taken"
        terminal.print(f"  {kept if prefer is Prefer.OURS else taken}", markup=False)
    if prefer is Prefer.OURS and any(each.kind in {"agent", "model"} for each in merge.conflicts):
        terminal.print(
            "  runs and claims under a name that contradicts ours were left out, since two names "
            "of one folder may be two models: file one of them under another folder's name, or let "
            "theirs count for all with --prefer theirs",
            markup=False,
            soft_wrap=True,
        )


def _as_json(name: str, merge: Merge) -> dict[str, object]:
    n_evaluations, n_runs, n_claims = merge.n_new
    return {
        "from": name,
        "new": {"evaluations": n_evaluations, "runs": n_runs, "claims": n_claims},
        "same": merge.same,
        "conflicts": [asdict(each) for each in merge.conflicts],
    }


def _counted(content: Content) -> str:
    return (
        f"{len(content.evaluations)} evaluations of {len(content.programs)} programs, "
        f"{len(content.runs)} runs, {len(content.claims)} claims"
    )
