"""The command ``sld``: parses and prints, nothing else."""

from __future__ import annotations

import errno
import os
import sys
from typing import Annotated

import typer

from harness.cli import (
    audit,
    check,
    compare,
    discover,
    doctor,
    evolve,
    import_pages,
    leaderboard,
    results,
    run,
    score,
    submit,
    tasks,
)
from harness.cli.output import show_what_can_be_shown
from harness.errors import UserError, one_line

app = typer.Typer(
    name="sld",
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="markdown",  # reflows the paragraphs of a docstring
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"sld-harness {version('sld-harness')}")
        raise typer.Exit


@app.callback()
def _everywhere(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Score candidate scaling laws on held-out data, isolated and in parallel."""


app.command("run")(run.run)
app.command("score")(score.score)
app.command("check")(check.check)
app.command("submit")(submit.submit)
app.command("evolve")(evolve.evolve)
app.command("discover")(discover.discover)
app.command("leaderboard")(leaderboard.leaderboard)
app.command("compare")(compare.compare)
app.command("audit")(audit.audit)
app.command("import")(import_pages.import_command)
app.add_typer(tasks.app, name="tasks")
app.add_typer(results.app, name="results")
app.command("doctor")(doctor.doctor)


def main() -> None:
    """Run the command line: a user's mistake is one line and exit code 2, never a traceback."""
    show_what_can_be_shown()
    try:
        app()
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)
    except SystemExit as ending:
        # Typer makes a silent exit of Ctrl-C; commands that say what is kept exit by themselves.
        before = ending.__context__
        if before is not None and isinstance(before.__cause__, KeyboardInterrupt):
            sys.stderr.write("interrupted\n")
        raise
    except BrokenPipeError:
        # The reader of our output has gone, for instance `sld run --json | head`.
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        # Any option may name a place that no file can have, or that nobody may write to.
        if isinstance(error.filename, str | bytes) and error.strerror is not None:
            place = one_line(os.fsdecode(error.filename))
        elif error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EIO}:
            place = "what is printed"
        else:
            raise
        sys.stderr.write(f"error: {place}: {error.strerror}\n")
        sys.exit(2)
